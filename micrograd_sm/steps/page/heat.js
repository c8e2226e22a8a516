// A large array as a heat map with its own axes: the last two dimensions are rows and columns, each index before them is a block.
const MOST_CELLS = 48; // along an axis; beyond, a cell is the mean of several elements
const LEAST_ELEMENTS = 17; // fewer are written out

function showHeat(step, backward) {
  const id = step.phase === "backward" ? step.parts[0].operand : step.node;
  const node = nodes.get(id);
  const event = backward ? data.events[stateAfter(steps, state.step).totals.get(id)] : undefined;
  const flat = [backward ? event?.after ?? [] : node.data].flat().map(number);
  const size = node.shape.reduce((a, b) => a * b, 1);
  $("heat").hidden = size < LEAST_ELEMENTS || flat.length !== size;
  if ($("heat").hidden) return;
  const what = backward ? `d${nodes.get(data.root).label}/d${node.label}` : node.label;
  const [rows, columns] = node.shape.length > 1 ? node.shape.slice(-2) : [1, node.shape[0]];
  const [down, across] = [Math.ceil(rows / MOST_CELLS), Math.ceil(columns / MOST_CELLS)];
  const blocks = Math.min(size / (rows * columns), 6);
  const finite = flat.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const signed = low < 0 && high > 0;
  const limit = Math.max(-low, high) || 1;
  const share = (x) => (signed ? x / limit : high > low ? (x - low) / (high - low) : 0.5);
  const maps = Array.from({ length: blocks }, (_, block) => heatMap(flat, node.shape, block, [rows, columns], [down, across], share));
  const averaged = down * across > 1 ? `; a cell is the mean of up to ${down} x ${across} elements` : "; a cell is an element";
  const more = size / (rows * columns) > blocks ? `; the first ${blocks} of ${size / (rows * columns)} blocks` : "";
  const legend = Object.assign(document.createElement("p"), { className: "scale" });
  const ends = signed ? [-limit, 0, limit] : [low, high];
  legend.append(...ends.flatMap((x) => [colourOf(share(x), signed), ` ${shortNumber(x)} `]));
  const title = Object.assign(document.createElement("p"), { textContent: `${what}, ${rows} rows, ${columns} columns${averaged}${more}` });
  const told = Object.assign(document.createElement("p"), { id: "told", textContent: "\u00a0" });
  $("heat").replaceChildren(title, ...maps, legend, told);
}

function colourOf(share, signed = true) {
  const cell = document.createElement("i");
  paint(cell, share, signed);
  return cell;
}

// Blue below 0, red above; the stronger, the farther from it. A nan has a mark of its own.
function paint(cell, share) {
  cell.className = Number.isFinite(share) ? (share < 0 ? "below" : "above") : "strange";
  cell.style.setProperty("--share", `${Math.min(100, Math.round(Math.abs(share) * 100)) || 0}%`);
}

function heatMap(flat, shape, block, [rows, columns], [down, across], share) {
  const map = document.createElement("div");
  map.className = "map";
  map.style.setProperty("--columns", Math.ceil(columns / across));
  const start = block * rows * columns;
  for (let row = 0; row < rows; row += down) for (let column = 0; column < columns; column += across) {
    const inside = [];
    for (let r = row; r < Math.min(rows, row + down); r++) {
      for (let c = column; c < Math.min(columns, column + across); c++) inside.push(start + r * columns + c);
    }
    const mean = inside.reduce((sum, at) => sum + flat[at], 0) / inside.length;
    const cell = document.createElement("i");
    paint(cell, share(mean));
    const where = elementName(shape, inside[0]).replaceAll("][", ", ");
    cell.title = inside.length > 1 ? `${where} to ${elementName(shape, inside.at(-1)).replaceAll("][", ", ")}: mean ${shortNumber(mean)}` : `${where} = ${shortNumber(mean)}`;
    map.append(cell);
  }
  map.addEventListener("pointerover", (event) => { if (event.target.title) $("told").textContent = event.target.title; });
  return map;
}
