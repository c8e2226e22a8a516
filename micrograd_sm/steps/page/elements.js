// Which elements an element is made of. Elements are counted in row-major order.
const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

function indicesOf(shape, at) {
  const indices = [];
  for (const size of [...shape].reverse()) {
    indices.unshift(at % size);
    at = Math.floor(at / size);
  }
  return indices;
}

const positionOf = (shape, indices) => shape.reduce((at, size, axis) => at * size + indices[axis], 0);

// The indices of an operand that is broadcast: the last ones, and 0 along an axis of one element.
const broadcastTo = (shape, indices) => indices.slice(indices.length - shape.length).map((index, axis) => (shape[axis] === 1 ? 0 : index));

// The elements of an operand that the element `at` of a node is made of.
function originsOf(node, position, at) {
  const shape = nodes.get(node.from[position]).shape;
  if (node.places) return node.places[at]?.[0] === position ? [node.places[at][1]] : [];
  if (node.axis) return reduced(shape, node.axis)[at] ?? [];
  if (node.op === "reshape") return [at];
  const indices = indicesOf(node.shape, at);
  if (node.op !== "matmul") return [positionOf(shape, broadcastTo(shape, indices))];
  const [row, column] = indices.slice(-2);
  const block = broadcastTo(shape.slice(0, -2), indices.slice(0, -2));
  const inner = shape.at(position === 0 ? -1 : -2);
  return Array.from({ length: inner }, (_, k) => positionOf(shape, [...block, ...(position === 0 ? [row, k] : [k, column])]));
}

// The elements that each element of a reduction is made of.
function reduced(shape, axes) {
  const groups = [];
  const left = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  for (let at = 0; at < sizeOf(shape); at++) (groups[positionOf(left, broadcastTo(left, indicesOf(shape, at)))] ??= []).push(at);
  return groups;
}

// The elements of a node that the element `at` of an operand went into: its gradient is made of theirs.
function usesOf(node, position, at) {
  if (node.axis) return [reduced(nodes.get(node.from[position]).shape, node.axis).findIndex((group) => group.includes(at))];
  return Array.from({ length: sizeOf(node.shape) }, (_, use) => use).filter((use) => originsOf(node, position, use).includes(at));
}
