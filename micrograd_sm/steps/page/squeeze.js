// With scopes folded, bands of the picture are empty. They are taken out: every coordinate moves by one map across and one down,
// which keeps boxes as they are. An arrow to or from a folded scope is drawn anew.
const GAPS = { across: 34, down: 42 }; // of an empty band, what is kept
const TITLE = 24; // the height of a frame's title
const routes = new Map(); // by edge id, the arrows that are drawn anew
const before = new Map(); // by element, the attributes that a squeeze changes

function squeeze(cover) {
  for (const [element, attributes] of before) for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
  before.clear();
  for (const route of routes.values()) route.remove();
  routes.clear();
  for (const arrow of arrows.values()) arrow.classList.remove("covered");
  if (cover.size) squeezed(cover);
  const { width, height } = svg.viewBox.baseVal;
  natural = { width, height };
}

function squeezed(cover) {
  const boxes = new Map([...drawn].filter(([id]) => !cover.has(id)).map(([id, node]) => [node.group, boxOf(node.group)]));
  for (const box of covers.values()) boxes.set(box, boxOf(box));
  const open = [...frames].filter(([id]) => !cover.has(scopes.get(id).node)).map(([, frame]) => frame);
  const titles = open.map(boxOf).map(({ x, y, width }) => ({ x, y, width: Math.min(width, TITLE), height: TITLE }));
  const all = [...boxes.values(), ...titles];
  const across = bandMap(all.map(({ x, width }) => [x, x + width]), GAPS.across);
  const down = bandMap(all.map(({ y, height }) => [y, y + height]), GAPS.down);
  const moved = ({ x, y, width, height }) => ({ x: across(x), y: down(y), width, height });
  for (const [group, box] of boxes) set(group, "transform", `translate(${across(box.x) - box.x} ${down(box.y) - box.y})`);
  for (const frame of open) moveFrame(frame, across, down);
  for (const [id, arrow] of arrows) {
    const [from, to] = id.split("-").map((end) => cover.get(end));
    if (!from && !to) moveArrow(arrow, across, down);
    else {
      arrow.classList.add("covered");
      if (from !== to) routes.set(id, routeOf(id, (end) => moved(boxes.get(covers.get(cover.get(end)?.id) ?? drawn.get(end).group))));
    }
  }
  const outer = [...boxes.values()].map(moved).concat(open.map((frame) => boxOf(frame)));
  const [left, top] = [Math.min(...outer.map((box) => box.x)), Math.min(...outer.map((box) => box.y))];
  const [right, bottom] = [Math.max(...outer.map((box) => box.x + box.width)), Math.max(...outer.map((box) => box.y + box.height))];
  const [, dx, dy] = /translate\(([-\d.]+)[ ,]+([-\d.]+)\)/.exec(svg.querySelector(".graph").getAttribute("transform")).map(Number);
  set(svg, "viewBox", `${left + dx - 12} ${top + dy - 12} ${right - left + 24} ${bottom - top + 24}`);
}

// Return a map of coordinates that keeps the given bands, and of the gaps between them at most `gap`.
function bandMap(bands, gap) {
  const joined = [];
  for (const [low, high] of bands.sort((a, b) => a[0] - b[0])) {
    if (joined.length && low <= joined.at(-1)[1]) joined.at(-1)[1] = Math.max(joined.at(-1)[1], high);
    else joined.push([low, high]);
  }
  const knots = [];
  let shift = 0;
  joined.forEach(([low, high], index) => {
    if (index) shift -= Math.max(0, low - joined[index - 1][1] - gap);
    knots.push([low, low + shift], [high, high + shift]);
  });
  return (x) => {
    if (x <= knots[0][0]) return knots[0][1] - (knots[0][0] - x);
    const next = knots.findIndex(([at]) => at >= x);
    if (next < 0) return knots.at(-1)[1] + x - knots.at(-1)[0];
    const [[a, fa], [b, fb]] = [knots[next - 1], knots[next]];
    return b === a ? fb : fa + ((x - a) / (b - a)) * (fb - fa);
  };
}

function set(element, name, value) {
  const kept = before.get(element) ?? {};
  if (!(name in kept)) kept[name] = element.getAttribute(name);
  before.set(element, kept);
  element.setAttribute(name, value);
}

const mapPairs = (text, across, down) => {
  let index = 0;
  return text.replace(/-?[\d.]+/g, (number) => (index++ % 2 ? down : across)(Number(number)).toFixed(2));
};

function moveFrame(frame, across, down) {
  for (const shape of frame.querySelectorAll(":scope > path, :scope > polygon")) {
    const name = shape.hasAttribute("d") ? "d" : "points";
    set(shape, name, mapPairs(shape.getAttribute(name), across, down));
  }
  for (const text of frame.querySelectorAll(":scope > text")) {
    const box = boxOf(frame);
    set(text, "y", down(Number(text.getAttribute("y"))));
    set(text, "x", Math.min(across(Number(text.getAttribute("x"))), box.x + box.width - 8));
  }
}

function moveArrow(arrow, across, down) {
  for (const path of arrow.querySelectorAll("path")) set(path, "d", mapPairs(path.getAttribute("d"), across, down));
  for (const tip of arrow.querySelectorAll("polygon")) {
    const [xs, ys] = pointsOf(tip.getAttribute("points"));
    const [x, y] = [xs, ys].map((list) => list.reduce((a, b) => a + b) / list.length);
    set(tip, "transform", `translate(${across(x) - x} ${down(y) - y})`);
  }
  for (const text of arrow.querySelectorAll("text")) {
    set(text, "x", across(Number(text.getAttribute("x"))));
    set(text, "y", down(Number(text.getAttribute("y"))));
  }
}

// A straight arrow between two boxes, from border to border.
function routeOf(id, boxAt) {
  const [from, to] = id.split("-").slice(0, 2).map(boxAt);
  const [start, end] = [borderOf(from, to), borderOf(to, from)];
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.hypot(dx, dy) || 1;
  const at = (along, beside) => `${(end.x - (along * dx - beside * dy) / length).toFixed(2)},${(end.y - (along * dy + beside * dx) / length).toFixed(2)}`;
  const route = svgElement("g", { class: "edge route", "data-route": id });
  const back = at(8, 0);
  route.append(svgElement("path", { class: "line-edge", d: `M${start.x.toFixed(2)},${start.y.toFixed(2)}L${back}`, fill: "none" }));
  route.append(svgElement("polygon", { class: "tip-edge line-edge", points: `${at(0, 0)} ${at(9, 3.5)} ${at(9, -3.5)}` }));
  svg.querySelector(".graph").append(route);
  return route;
}

// Where the line between the middles of two boxes leaves the first.
function borderOf(box, other) {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const [dx, dy] = [other.x + other.width / 2 - x, other.y + other.height / 2 - y];
  const scale = Math.min(box.width / 2 / (Math.abs(dx) || 1e-9), box.height / 2 / (Math.abs(dy) || 1e-9));
  return { x: x + dx * scale, y: y + dy * scale };
}
