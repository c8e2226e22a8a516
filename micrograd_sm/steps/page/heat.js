// A large array as a heat map with its own axes: the last two dimensions are rows and columns, each index before them is a block.
const MOST_CELLS = 48; // along an axis; beyond, a cell is the mean of several elements
const LEAST_ELEMENTS = 17; // fewer are written out
const MOST_BLOCKS = 6;
const MOST_TOLD = 3; // elements that are listed with their numbers
const MOVES = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (columns) => -columns, ArrowDown: (columns) => columns };

function showHeat(step, backward) {
  const id = step.phase === "backward" ? step.parts[0].operand : step.node;
  const { totals } = stateAfter(steps, state.step);
  const shown = arrayOf(id, backward, totals);
  $("heat").hidden = sizeOf(shown.shape) < LEAST_ELEMENTS;
  if ($("heat").hidden) return;
  if (!isWhole(shown)) return $("heat").replaceChildren(`${shown.label}, ${shown.shape.join(" x ")} elements, is too large to be shown element by element.`);
  const sources = sourcesOf(step, id, totals).filter((source) => isWhole(source.array));
  const drawn = sources.filter((source) => sizeOf(source.array.shape) >= LEAST_ELEMENTS).map((source) => ({ ...source, heat: heatOf(source.array) }));
  const told = Object.assign(document.createElement("p"), { id: "told", textContent: "\u00a0" });
  const heat = heatOf(shown);
  const choose = (cell) => {
    const inside = heat.cells.get(cell);
    const from = sources.map((source) => ({ ...source, found: new Set(inside.flatMap(source.origins)) }));
    told.textContent = cell.title + madeOf(from.filter(({ found }) => found.size));
    mark([...heat.cells], new Set(inside));
    for (const { array, heat: map } of drawn) mark([...map.cells], from.find((source) => source.array === array).found);
  };
  heat.cells.forEach((_, cell) => cell.addEventListener("pointerenter", () => choose(cell)));
  heat.maps.forEach((map) => chosenByKeys(map, choose));
  $("heat").replaceChildren(heat.box, ...drawn.map((source) => source.heat.box), told);
}

// Whether the page has the numbers of an array; it has none of large ones.
const isWhole = ({ shape, flat }) => flat.length === sizeOf(shape);

function arrayOf(id, backward, totals) {
  const { label, shape, data: values } = nodes.get(id);
  const flat = [backward ? data.events[totals.get(id)]?.after ?? [] : values].flat().map(number);
  return { id, shape, flat, label: backward ? `d${nodes.get(data.root).label}/d${label}` : label };
}

// The arrays that the shown one is made of: operands on the way forward, the gradient of the result on the way back.
function sourcesOf(step, id, totals) {
  const node = nodes.get(step.node);
  if (step.scope || step.phase === "seed") return [];
  if (step.phase === "backward") {
    const positions = step.parts.filter((part) => part.operand === id).flatMap((part) => part.edges).map((edge) => Number(edge.split("-").at(-1)));
    return [{ array: arrayOf(node.id, true, totals), origins: (at) => positions.flatMap((position) => usesOf(node, position, at)) }];
  }
  return [...new Set(node.from)].map((operand) => ({
    array: arrayOf(operand, false, totals),
    origins: (at) => node.from.flatMap((from, position) => (from === operand ? originsOf(node, position, at) : [])),
  }));
}

function madeOf(sources) {
  const lists = sources.map(({ array, found }) => {
    const places = [...found].sort((a, b) => a - b);
    const first = places.slice(0, MOST_TOLD).map((at) => `${array.label}${placeOf(array.shape, at)} = ${shortNumber(array.flat[at])}`);
    return first.join(", ") + (places.length > MOST_TOLD ? `, ... (${places.length} elements of ${array.label})` : "");
  });
  return lists.length ? `, made of ${lists.join("; ")}` : "";
}

const placeOf = (shape, at) => elementName(shape, at).replaceAll("][", ", ");

function mark(cells, chosen) {
  for (const [cell, inside] of cells) cell.classList.toggle("chosen", inside.some((at) => chosen.has(at)));
}

// A map takes the focus, and the arrow keys move from cell to cell.
function chosenByKeys(map, choose) {
  let at = 0;
  map.tabIndex = 0;
  map.addEventListener("focus", () => choose(map.children[at]));
  map.addEventListener("keydown", (event) => {
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = at + MOVES[event.key](Number(map.style.getPropertyValue("--columns")));
    at = next in map.children ? next : at;
    choose(map.children[at]);
  });
}

// The heat map of an array: a box with its title, maps and legend; the maps, one for each block; the elements that each cell stands for.
function heatOf({ shape, flat, label }) {
  const [rows, columns] = shape.length > 1 ? shape.slice(-2) : [1, shape[0] ?? 1];
  const [down, across] = [Math.ceil(rows / MOST_CELLS), Math.ceil(columns / MOST_CELLS)];
  const every = sizeOf(shape) / (rows * columns);
  const finite = flat.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const signed = low < 0 && high > 0;
  const limit = Math.max(-low, high) || 1;
  const share = (x) => (signed ? x / limit : high > low ? (x - low) / (high - low) : 0.5);
  const cells = new Map();
  const maps = Array.from({ length: Math.min(every, MOST_BLOCKS) }, (_, block) => {
    return heatMap(cells, { shape, flat, label }, block, [rows, columns], [down, across], share);
  });
  const averaged = down * across > 1 ? `; a cell is the mean of up to ${down} x ${across} elements` : "";
  const more = every > MOST_BLOCKS ? `; the first ${MOST_BLOCKS} of ${every} blocks` : "";
  const title = Object.assign(document.createElement("p"), { textContent: `${label}, ${rows} x ${columns}${averaged}${more}` });
  const legend = Object.assign(document.createElement("p"), { className: "scale" });
  const ends = signed ? [-limit, 0, limit] : [low, high];
  legend.append(...ends.flatMap((x) => [painted(document.createElement("i"), share(x)), ` ${shortNumber(x)} `]));
  const box = document.createElement("div");
  box.append(title, ...maps, legend);
  return { box, maps, cells };
}

function heatMap(cells, { shape, flat, label }, block, [rows, columns], [down, across], share) {
  const map = document.createElement("div");
  map.className = "map";
  map.style.setProperty("--columns", Math.ceil(columns / across));
  map.setAttribute("role", "group");
  map.setAttribute("aria-label", `${label}: the arrow keys choose an element`);
  const start = block * rows * columns;
  for (let row = 0; row < rows; row += down) for (let column = 0; column < columns; column += across) {
    const inside = [];
    for (let r = row; r < Math.min(rows, row + down); r++) {
      for (let c = column; c < Math.min(columns, column + across); c++) inside.push(start + r * columns + c);
    }
    const mean = inside.reduce((sum, at) => sum + flat[at], 0) / inside.length;
    const cell = painted(document.createElement("i"), share(mean));
    const where = placeOf(shape, inside[0]);
    cell.title = inside.length > 1 ? `${where} to ${placeOf(shape, inside.at(-1))}: mean ${shortNumber(mean)}` : `${where} = ${shortNumber(mean)}`;
    cells.set(cell, inside);
    map.append(cell);
  }
  return map;
}

// Blue below 0, red above; the stronger, the farther from it. A nan has a mark of its own.
function painted(cell, share) {
  cell.className = Number.isFinite(share) ? (share < 0 ? "below" : "above") : "strange";
  cell.style.setProperty("--share", `${Math.min(100, Math.round(Math.abs(share) * 100)) || 0}%`);
  return cell;
}
