// The page of a training: the state is the iteration, and show() shows it and depends on nothing else.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const frames = data.frames;
const SVG = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 392, 10, 138];
let current = 0;
let timer = null;

// A frame holds only the texts that differ from the frame before, unless its picture is another.
frames.forEach((frame, index) => {
  const before = frames[index - 1];
  if (before?.picture === frame.picture) frame.shown = { ...before.shown, ...frame.shown };
});

const pictures = [...document.querySelectorAll("[data-picture]")].map((element) => ({
  element,
  nodes: new Map([...element.querySelectorAll("[data-node]")].map((group) => [group.dataset.node, {
    values: [...group.querySelectorAll("text.value, text.alarm:not(.grad)")], grads: [...group.querySelectorAll("text.grad")],
  }])),
}));

function fill(cells, texts) {
  cells.forEach((cell, index) => { if (cell.textContent !== (texts[index] ?? "")) cell.textContent = texts[index] ?? ""; });
}

function show(index) {
  current = Math.max(0, Math.min(frames.length - 1, index));
  const frame = frames[current];
  pictures.forEach(({ element, nodes }, picture) => {
    element.hidden = picture !== frame.picture;
    if (!element.hidden) for (const [id, cells] of nodes) {
      const [values, grads] = frame.shown[id];
      fill(cells.values, values);
      fill(cells.grads, grads);
    }
  });
  $("now-title").textContent = `Iteration ${current + 1}: loss ${frame.loss}`;
  $("updates").replaceChildren(...updatesOf(frame));
  $("slider").value = current + 1;
  $("place").textContent = `${current + 1} of ${frames.length}`;
  for (const id of ["first", "previous"]) $(id).setAttribute("aria-disabled", String(current === 0));
  for (const id of ["next", "last"]) $(id).setAttribute("aria-disabled", String(current === frames.length - 1));
  const x = acrossAt(current);
  here.setAttribute("x1", x);
  here.setAttribute("x2", x);
  dot.setAttribute("cx", x);
  dot.setAttribute("cy", downAt(data.losses[current]));
  if (timer === null) $("live").textContent = `Iteration ${current + 1}, loss ${frame.loss}`;
  history.replaceState(null, "", `#iteration=${current + 1}`);
}

function* updatesOf(frame) {
  if (frame.note) yield Object.assign(document.createElement("p"), { textContent: frame.note });
  for (const [name, lines] of frame.updates) {
    yield Object.assign(document.createElement("h3"), { textContent: name });
    for (const line of lines) yield Object.assign(document.createElement("p"), { textContent: line });
  }
}

// The curve -------------------------------------------------------------------------------------------------------------

const finite = data.losses.filter((loss) => typeof loss === "number");
const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
const acrossAt = (index) => LEFT + (frames.length > 1 ? (index / (frames.length - 1)) * (RIGHT - LEFT) : 0);
const downAt = (loss) => (typeof loss === "number" && high > low ? BOTTOM - ((loss - low) / (high - low)) * (BOTTOM - TOP) : (TOP + BOTTOM) / 2);

function draw(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  $("losses").append(element);
  return element;
}

draw("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM });
draw("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: BOTTOM });
for (const [loss, text] of high > low ? [[low, data.ends[0]], [high, data.ends[1]]] : [[low, data.ends[0]]]) {
  draw("text", { x: LEFT - 5, y: downAt(loss) + 4, "text-anchor": "end" }, text);
}
draw("text", { x: LEFT, y: BOTTOM + 16 }, "1");
draw("text", { x: RIGHT, y: BOTTOM + 16, "text-anchor": "end" }, `iteration ${frames.length}`);
const drawn = data.losses.map((loss, index) => (typeof loss === "number" ? `${acrossAt(index)},${downAt(loss)}` : "")).filter(Boolean);
draw("polyline", { class: "line", points: drawn.join(" ") });
const here = draw("line", { class: "here", y1: TOP, y2: BOTTOM });
const dot = draw("circle", { class: "dot", r: 4 });

function toPointer(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform($("losses").getScreenCTM().inverse());
  show(Math.round(((point.x - LEFT) / (RIGHT - LEFT)) * (frames.length - 1)));
}
for (const kind of ["pointerdown", "pointermove"]) $("losses").addEventListener(kind, toPointer);

// Controls and keys ---------------------------------------------------------------------------------------------------------

function setPlaying(on) {
  clearInterval(timer);
  timer = null;
  $("play").textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (current === frames.length - 1) show(0);
  timer = setInterval(() => (current < frames.length - 1 ? show(current + 1) : setPlaying(false)), Math.max(60, 8000 / frames.length));
}

const actions = { first: () => show(0), previous: () => show(current - 1), next: () => show(current + 1), last: () => show(frames.length - 1), play: () => setPlaying(timer === null) };
for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", action);
const KEYS = { ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last", " ": "play" };
addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey || (event.key === " " && event.target.tagName === "BUTTON")) return;
  event.preventDefault();
  actions[KEYS[event.key]]();
});
$("whole").addEventListener("change", () => $("picture").classList.toggle("whole", $("whole").checked));
$("slider").max = frames.length;
$("slider").addEventListener("input", () => show(Number($("slider").value) - 1));
document.documentElement.classList.add("live");
show(Number(new URLSearchParams(location.hash.slice(1)).get("iteration") ?? 1) - 1 || 0);
window.training = { get iteration() { return current + 1; }, go: (iteration) => show(iteration - 1) };
