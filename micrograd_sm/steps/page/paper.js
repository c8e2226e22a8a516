// On paper: the picture and the table after the last step, with every scope open. A picture whose letters would be too small
// is cut into sheets, between its boxes where that can be.
const SCALE = 0.8; // points on paper for a unit of the picture: its letters have 10 units
const SHEET = { width: 500 / SCALE, height: 690 / SCALE }; // what A4 and Letter have room for, in units
const EDGE = 40; // beside the boxes of a sheet, for arrows and frames
const MOST_SHEETS = 40;
let beforePrint = null;

function print(on) {
  if (on === (beforePrint !== null)) return;
  const kept = on ? { ...state } : beforePrint;
  beforePrint = on ? kept : null;
  Object.assign(state, kept);
  if (on) state.folded = new Set();
  ({ steps, cover } = walkOf(state.grain, state.folded));
  if (on) state.step = steps.length - 1;
  showWalk();
  render(true);
  if (svg) cutPicture(on);
}
window.addEventListener("beforeprint", () => print(true));
window.addEventListener("afterprint", () => print(false));
matchMedia("print").addEventListener("change", (query) => print(query.matches));

function cutPicture(on) {
  for (const sheet of document.querySelectorAll(".sheet")) sheet.remove();
  $("picture").classList.remove("cut");
  const { x, y, width, height } = svg.viewBox.baseVal;
  if (!on || (width <= SHEET.width && height <= SHEET.height)) return;
  const sheets = sheetsOf(y, y + height);
  if (sheets.length > MOST_SHEETS) return;
  $("picture").classList.add("cut");
  $("picture").append(...sheets.map(([left, top, width, height], index) => {
    const part = svg.cloneNode(true);
    part.removeAttribute("style");
    part.setAttribute("viewBox", [left, top, width, height].join(" "));
    part.setAttribute("width", `${width * SCALE}pt`);
    part.setAttribute("height", `${height * SCALE}pt`);
    const sheet = Object.assign(document.createElement("figure"), { className: "sheet" });
    sheet.append(Object.assign(document.createElement("figcaption"), { textContent: `Sheet ${index + 1} of ${sheets.length}` }), part);
    return sheet;
  }));
}

// The left, top, width and height of each sheet: the picture is cut into rows, and each row, if it is too wide, into columns.
function sheetsOf(top, bottom) {
  const [dx, dy] = /translate\(([-\d.]+)[ ,]+([-\d.]+)\)/.exec(svg.querySelector(".graph").getAttribute("transform")).slice(1).map(Number);
  const boxes = [...drawn.values()].map(({ group }) => boxOf(group)).map(({ x, y, width, height }) => ({ x: [x + dx, x + dx + width], y: [y + dy, y + dy + height] }));
  const down = cuts(boxes.map((box) => box.y), top, bottom, SHEET.height);
  return down.slice(1).flatMap((end, row) => {
    const inside = boxes.filter((box) => box.y[0] < end && box.y[1] > down[row]);
    const ends = inside.flatMap((box) => box.x);
    const across = cuts(inside.map((box) => box.x), Math.min(...ends) - EDGE, Math.max(...ends) + EDGE, SHEET.width);
    return across.slice(1).map((right, column) => [across[column], down[row], right - across[column], end - down[row]]);
  });
}

// Where to cut from `start` to `end` into as few parts as `room` allows: through as few boxes as possible, then evenly.
function cuts(bands, start, end, room) {
  const crossed = (at) => bands.filter(([low, high]) => low < at && at < high).length;
  const found = [start];
  for (let parts = Math.ceil((end - start) / room); parts > 1; parts--) {
    const [first, last] = [end - (parts - 1) * room, found.at(-1) + room];
    const even = found.at(-1) + (end - found.at(-1)) / parts;
    const cost = (at) => crossed(at) + Math.abs(at - even) / room;
    const places = Array.from({ length: 61 }, (_, k) => first + ((last - first) * k) / 60);
    found.push(places.reduce((best, at) => (cost(at) < cost(best) ? at : best)));
  }
  return [...found, end];
}
