// The picture, laid out once: a step changes classes and text, and moves the frames that mark its nodes.
const svg = document.querySelector("#picture svg");
const SVG = "http://www.w3.org/2000/svg";
const NOT_YET = "·";
const drawn = new Map();
const arrows = new Map();
const frames = new Map();
const covers = new Map();

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// The box of a group in its own coordinates, from the numbers of its outline: a frame that is not laid out yet has no other.
function boxOf(group) {
  const shape = group.querySelector(".box") ?? group.querySelector("path, polygon");
  const given = ["x", "y", "width", "height"].map((name) => Number(shape.getAttribute(name)));
  if (shape.tagName === "rect") return { x: given[0], y: given[1], width: given[2], height: given[3] };
  const [across, down] = pointsOf(shape.getAttribute("points") ?? shape.getAttribute("d"));
  const [x, y] = [Math.min(...across), Math.min(...down)];
  return { x, y, width: Math.max(...across) - x, height: Math.max(...down) - y };
}

function pointsOf(text) {
  const found = text.match(/-?[\d.]+/g).map(Number);
  return [found.filter((_, index) => index % 2 === 0), found.filter((_, index) => index % 2 === 1)];
}

function readPicture(onNode, onScope) {
  if (!svg) return;
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", svg.querySelector("title").textContent);
  for (const group of svg.querySelectorAll("[data-node]")) {
    const id = group.dataset.node;
    const cells = (selector) => [...group.querySelectorAll(selector)].map((text) => ({ text, final: text.textContent }));
    drawn.set(id, { group, values: cells("text.value, text.alarm:not(.grad)"), grads: cells("text.grad"), shown: "" });
    asButton(group, `${nodes.get(id).label}, ${nodes.get(id).op ?? "leaf"}: go to its step`, () => onNode(id));
  }
  for (const group of svg.querySelectorAll("[data-edge]")) arrows.set(group.dataset.edge, group);
  for (const group of svg.querySelectorAll("[data-scope]")) {
    const scope = scopes.get(group.dataset.scope);
    if (!scope) continue;
    frames.set(scope.id, group);
    group.classList.add("foldable");
    group.addEventListener("click", () => onScope(scope.id));
  }
}

function asButton(group, label, action) {
  group.setAttribute("role", "button");
  group.setAttribute("tabindex", "0");
  group.setAttribute("aria-label", label);
  group.addEventListener("click", action);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
}

// The text of the cells; null means that the numbers are not yet computed.
function fill(cells, texts) {
  cells.forEach((cell, index) => {
    const text = texts === null ? NOT_YET : texts[index] ?? "";
    if (cell.text.textContent !== text) cell.text.textContent = text;
  });
}

function textsAt(cells, event) {
  if (event === undefined) return null;
  return data.events[event].shown?.slice(1) ?? cells.map((cell) => cell.final);
}

function showNumbers(computed, totals) {
  for (const [id, node] of drawn) {
    const key = `${computed.has(id)} ${totals.get(id)}`;
    if (node.shown === key) continue;
    node.shown = key;
    fill(node.values, computed.has(id) ? node.values.map((cell) => cell.final) : null);
    fill(node.grads, textsAt(node.grads, totals.get(id)));
    node.group.classList.toggle("waiting", !computed.has(id));
    const later = totals.get(id) === undefined || data.events[totals.get(id)].shown !== undefined;
    node.group.classList.toggle("unfinished", later);
  }
}

// Marks of the current step ------------------------------------------------------------------------------------------

let marks = [];

function markStep(step, cover) {
  for (const mark of marks) mark.remove();
  for (const group of svg.querySelectorAll(".now, .to")) group.classList.remove("now", "to");
  const operands = step.phase === "forward" ? operandsOf(step) : step.parts.map((part) => part.operand);
  const shownFor = (id) => covers.get(cover.get(id)?.id) ?? drawn.get(id)?.group;
  marks = [...new Set(operands)].map((id) => frameAround(shownFor(id), "to"));
  marks.push(frameAround(shownFor(step.node), "now"));
  for (const id of edgesOf(step)) (routes.get(id) ?? arrows.get(id))?.classList.add("now");
}

function operandsOf(step) {
  const inside = step.scope?.inside ?? new Set([step.node]);
  return [...inside].flatMap((id) => nodes.get(id).from).filter((id) => !inside.has(id));
}

function edgesOf(step) {
  if (step.phase !== "forward") return step.parts.flatMap((part) => part.edges);
  const inside = step.scope?.inside ?? new Set([step.node]);
  return [...inside].flatMap((id) => nodes.get(id).from.map((from, position) => [from, id, position]))
    .filter(([from]) => !inside.has(from)).map((edge) => edge.join("-"));
}

function frameAround(group, kind) {
  group.classList.add(kind);
  const box = boxOf(group);
  const room = kind === "now" ? 5 : 4;
  const frame = svgElement("rect", {
    class: `mark mark-${kind}`, rx: 8, x: box.x - room, y: box.y - room, width: box.width + 2 * room, height: box.height + 2 * room,
  });
  group.append(frame);
  return frame;
}

// Folding: one box in place of the inside of a frame; what is left empty is taken out ------------------------------------

function showFolds(cover, onScope) {
  const shown = new Set(cover.values());
  for (const [id, box] of covers) {
    box.remove();
    covers.delete(id);
  }
  for (const scope of shown) if (drawn.has(scope.node)) covers.set(scope.id, coverFor(scope, onScope));
  for (const [id, node] of drawn) node.group.classList.toggle("covered", cover.has(id));
  for (const [id, frame] of frames) frame.classList.toggle("covered", cover.has(scopes.get(id).node));
  squeeze(cover);
}

// The box of a folded scope, in the middle of the box of its result.
function coverFor(scope, onScope) {
  const group = svgElement("g", { class: "cover", "data-cover": scope.id });
  const rows = rowsOf(scope);
  const [width, height] = [Math.max(...rows.map(([, text]) => text.length)) * 7.5 + 36, 19 * rows.length + 18];
  const out = boxOf(drawn.get(scope.node).group);
  const [x, y] = [out.x + (out.width - width) / 2, out.y + (out.height - height) / 2];
  group.append(svgElement("rect", { class: "box", rx: 10, x, y, width, height }));
  group.append(svgElement("g", { class: "content", transform: `translate(${x + width / 2} ${y + 24})` }));
  svg.querySelector(".graph").append(group);
  asButton(group, `${scope.name}, folded: go to its step`, () => onScope(scope.id, true));
  return group;
}

function rowsOf(scope) {
  const node = drawn.get(scope.node);
  const columns = Math.min(nodes.get(scope.node).shape.at(-1) ?? 1, node.values.length);
  const rows = [["ink name", scope.name], ["quiet", nodes.get(scope.node).label]];
  return [...rows, ...linesOf("value", node.values, columns), ...linesOf("grad", node.grads, columns)];
}

function fillCover(scope) {
  const content = covers.get(scope.id)?.querySelector(".content");
  if (!content) return;
  content.replaceChildren(...rowsOf(scope).map(([style, text], row) =>
    svgElement("text", { class: style, x: 0, y: 19 * row, "text-anchor": "middle" }, text)));
}

function linesOf(role, cells, columns) {
  const texts = cells.map((cell) => cell.text.textContent).filter(Boolean);
  if (texts.length <= columns) return texts.length ? [[role, `${role}  ${texts.join("   ")}`]] : [];
  const rows = Array.from({ length: Math.ceil(texts.length / columns) }, (_, row) => texts.slice(row * columns, (row + 1) * columns));
  return [["quiet", role], ...rows.map((row) => [role, row.join("   ")])];
}

// Zoom and scrolling ---------------------------------------------------------------------------------------------------

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const READABLE = 1.33; // largest scale of a picture that does not fit into its box
const SMALLEST = 0.9;
let natural = svg ? { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height } : null;

function zoomTo(choice) {
  if (!svg) return;
  const room = svg.parentElement;
  const [across, down] = [(room.clientWidth - 8) / natural.width, (room.clientHeight - 8) / natural.height];
  const whole = Math.min(across, down, 2.4);
  const readable = whole >= SMALLEST ? whole : Math.max(Math.min(across, READABLE), SMALLEST);
  const scale = { fit: whole, auto: readable }[choice] ?? (4 / 3) * Number(choice);
  svg.setAttribute("width", natural.width * scale);
  svg.setAttribute("height", natural.height * scale);
  showOverview();
}

// A small map of the picture where it is larger than its room, with a frame around what is visible; a click goes there.
const LARGEST_MAP = { width: 130, height: 170 };

function overview() {
  const [map, room] = [$("overview"), svg.parentElement];
  const goTo = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const at = map.getBoundingClientRect();
    room.scrollTo(
      ((event.clientX - at.left) / at.width) * room.scrollWidth - room.clientWidth / 2,
      ((event.clientY - at.top) / at.height) * room.scrollHeight - room.clientHeight / 2,
    );
  };
  for (const kind of ["pointerdown", "pointermove"]) map.addEventListener(kind, goTo);
  room.addEventListener("scroll", showView, { passive: true });
}

// Draw the boxes as they lie now, for a picture that a reader can find something in.
function showOverview() {
  const [map, room] = [$("overview"), svg.parentElement];
  const { x, y, width, height } = svg.viewBox.baseVal;
  const scale = Math.min(LARGEST_MAP.width / width, LARGEST_MAP.height / height);
  map.hidden = true;
  if (drawn.size > MANY) return;
  map.hidden = room.scrollHeight <= room.clientHeight + 4 && room.scrollWidth <= room.clientWidth + 4;
  if (map.hidden) return;
  place(map, 0, 0, width * scale, height * scale);
  const whole = svg.getBoundingClientRect();
  const shown = [...[...drawn.values()].map((node) => node.group).filter((group) => !group.matches(".covered")), ...covers.values()];
  map.replaceChildren(...[...shown.map((group) => group.querySelector(".box") ?? group), null].map((group) => {
    const part = document.createElement("i");
    if (group === null) part.className = "view";
    else {
      const box = group.getBoundingClientRect();
      const [across, down] = [(width * scale) / whole.width, (height * scale) / whole.height];
      place(part, (box.left - whole.left) * across, (box.top - whole.top) * down, box.width * across, box.height * down);
    }
    return part;
  }));
  showView();
}

function showView() {
  const [map, room] = [$("overview"), svg.parentElement];
  const view = map.querySelector(".view");
  if (map.hidden || !view) return;
  const [across, down] = [map.clientWidth / room.scrollWidth, map.clientHeight / room.scrollHeight];
  place(view, room.scrollLeft * across, room.scrollTop * down, room.clientWidth * across, room.clientHeight * down);
}

function place(element, left, top, width, height) {
  for (const [name, value] of Object.entries({ left, top, width, height })) element.style.setProperty(`--${name}`, `${value.toFixed(1)}px`);
}

// Scroll a box, never the page, until an element is visible, and those around it if there is room for all: to the middle.
function keepInView(box, element, margin, around = []) {
  const outer = box.getBoundingClientRect();
  const all = unionOf([element, ...around].map((one) => one.getBoundingClientRect()));
  const fits = all.width <= box.clientWidth - 2 * margin && all.height <= box.clientHeight - 2 * margin;
  const inner = fits ? all : element.getBoundingClientRect();
  const shift = (low, size, from, room) => {
    if (size > room - 2 * margin) return low - from - margin;
    const shows = low >= from + margin && low + size <= from + room - margin;
    return shows ? 0 : low + size / 2 - from - room / 2;
  };
  const left = shift(inner.left, inner.width, outer.left, box.clientWidth);
  const top = shift(inner.top, inner.height, outer.top, box.clientHeight);
  const far = Math.abs(top) > 2 * box.clientHeight;
  if (left || top) box.scrollBy({ left, top, behavior: calm.matches || playing || far ? "instant" : "smooth" });
}

function unionOf(rects) {
  const [left, top] = [Math.min(...rects.map((rect) => rect.left)), Math.min(...rects.map((rect) => rect.top))];
  const [right, bottom] = [Math.max(...rects.map((rect) => rect.right)), Math.max(...rects.map((rect) => rect.bottom))];
  return { left, top, width: right - left, height: bottom - top };
}
