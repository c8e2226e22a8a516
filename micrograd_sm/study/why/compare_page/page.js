// The page of a comparison: the state is the moment, 0 before any step, and show() shows it and depends on nothing else.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const LETTERS = ["a", "b"];
const SVG = "http://www.w3.org/2000/svg";
let current = 0;
let timer = null;

const match = { a: new Map(data.matches), b: new Map(data.matches.map(([a, b]) => [b, a])) };
const other = (letter) => (letter === "a" ? "b" : "a");

// For each moment, how many steps each side has done.
const done = [{ a: 0, b: 0 }];
for (const [a, b] of data.moments) {
  const before = done.at(-1);
  done.push({ a: a === null ? before.a : a + 1, b: b === null ? before.b : b + 1 });
}

const sides = Object.fromEntries(LETTERS.map((letter) => {
  const element = $(letter);
  const svg = element.querySelector("svg");
  const nodes = new Map([...element.querySelectorAll("[data-node]")].map((group) => {
    const cells = (selector) => [...group.querySelectorAll(selector)].map((cell) => ({ cell, text: cell.textContent }));
    return [group.dataset.node, { group, values: cells("text.value, text.alarm:not(.grad)"), grads: cells("text.grad") }];
  }));
  const computed = new Map(data.sides[letter].steps.flatMap((step, index) => (step.phase === "forward" ? [[step.node, index]] : [])));
  const mark = document.createElementNS(SVG, "rect");
  mark.setAttribute("class", "mark");
  mark.setAttribute("rx", "6");
  svg?.querySelector("g.graph").append(mark);
  const edges = new Map([...element.querySelectorAll("[data-edge]")].map((edge) => [edge.dataset.edge, edge]));
  return [letter, { letter, svg, nodes, edges, computed, mark, steps: data.sides[letter].steps, said: element.querySelector(".said"), scroll: element.querySelector(".scroll") }];
}));

function fill(cells, texts) {
  cells.forEach(({ cell }, index) => {
    const text = texts === null ? "·" : texts[index] ?? "";
    if (cell.textContent !== text) cell.textContent = text;
  });
}

function show(moment) {
  current = Math.max(0, Math.min(data.moments.length, moment));
  const steps = current ? data.moments[current - 1] : [null, null];
  const here = LETTERS.map((letter, index) => (steps[index] === null ? null : sides[letter].steps[steps[index]]));
  LETTERS.forEach((letter, index) => showSide(sides[letter], done[current][letter], here[index], here[1 - index]));
  for (const row of document.querySelectorAll("#nodes tbody tr")) {
    const now = here.some((step, index) => step && row.dataset[LETTERS[index]] === step.node);
    row.classList.toggle("now", now);
    if (now) follow(row.closest(".scroll"), row, false);
  }
  $("slider").value = current;
  const phase = (here[0] ?? here[1])?.phase;
  $("place").textContent = `${current} of ${data.moments.length}${phase ? `, ${phase}` : ""}`;
  for (const id of ["first", "previous"]) $(id).setAttribute("aria-disabled", String(current === 0));
  for (const id of ["next", "last"]) $(id).setAttribute("aria-disabled", String(current === data.moments.length));
  if (timer === null) $("live").textContent = LETTERS.map((letter) => `${letter}: ${sides[letter].said.textContent}`).join(" ");
  history.replaceState(null, "", `#step=${current}`);
}

function showSide(side, count, step, elsewhere) {
  const grads = new Map(side.steps.slice(0, count).flatMap(({ gradients }) => gradients));
  for (const [id, { group, values, grads: cells }] of side.nodes) {
    const waiting = (side.computed.get(id) ?? -1) >= count;
    group.classList.toggle("waiting", waiting);
    fill(values, waiting ? null : values.map(({ text }) => text));
    fill(cells, grads.get(id) ?? null);
  }
  for (const [id, edge] of side.edges) edge.classList.toggle("now", step?.edges.includes(id) ?? false);
  const partner = elsewhere && match[other(side.letter)].get(elsewhere.node);
  side.mark.classList.toggle("partner", !step);
  put(side, step ? step.node : partner, side.steps[count - 1]?.node);
  side.said.replaceChildren(...saidOf(side, step, elsewhere, partner, count));
}

function* saidOf(side, step, elsewhere, partner, count) {
  const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
  if (step) {
    for (const text of step.lines) yield line(text);
    yield line(step.why);
    return;
  }
  if (!elsewhere) return void (yield line(count ? "" : "Nothing is computed yet. Next, or the right arrow, goes on."));
  yield line(partner ? "Waits: its match has its step now, and comes here in another order." : `Waits: only ${other(side.letter)} has this step.`);
}

function put(side, id, last) {
  const node = side.nodes.get(id);
  side.mark.toggleAttribute("hidden", !node);
  if (!node && side.nodes.has(last)) follow(side.scroll, side.nodes.get(last).group);
  if (!node) return;
  const { x, y, width, height } = node.group.querySelector(".box").getBBox();
  for (const [name, size] of Object.entries({ x: x - 5, y: y - 5, width: width + 10, height: height + 10 })) side.mark.setAttribute(name, size);
  follow(side.scroll, node.group);
}

function follow(scroll, element, across = true) {
  const room = scroll.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const beyond = (low, high, from, to) => (low < from + 12 || high > to - 12 ? (low + high) / 2 - (from + to) / 2 : 0);
  scroll.scrollBy(across ? beyond(box.left, box.right, room.left, room.right) : 0, beyond(box.top, box.bottom, room.top, room.bottom));
}

// A node of a picture or of the table: its value's moment; its gradient's, if it is there already.
function goTo(letter, id) {
  const index = LETTERS.indexOf(letter);
  const found = data.moments.flatMap((steps, place) => (steps[index] !== null && sides[letter].steps[steps[index]].node === id ? [place + 1] : []));
  if (found.length) return show(found.find((place) => place > current) ?? found[0]);
  const first = data.moments.findIndex((steps) => steps[index] !== null && sides[letter].steps[steps[index]].gradients.some(([to]) => to === id));
  if (first >= 0) show(first + 1); // a leaf: where it gets its first gradient
}

for (const side of Object.values(sides)) {
  for (const [id, { group }] of side.nodes) group.addEventListener("click", () => goTo(side.letter, id));
}
for (const row of document.querySelectorAll("#nodes tbody tr")) {
  const letter = row.dataset.a ? "a" : "b";
  row.addEventListener("click", () => goTo(letter, row.dataset[letter]));
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") goTo(letter, row.dataset[letter]); });
}

// Controls and keys ---------------------------------------------------------------------------------------------------------

function setPlaying(on) {
  clearInterval(timer);
  timer = null;
  $("play").textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (current === data.moments.length) show(0);
  timer = setInterval(() => (current < data.moments.length ? show(current + 1) : setPlaying(false)), 1500);
}

const actions = { first: () => show(0), previous: () => show(current - 1), next: () => show(current + 1), last: () => show(data.moments.length), play: () => setPlaying(timer === null) };
for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", action);
const KEYS = { ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last", " ": "play" };
addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey || (event.key === " " && ["BUTTON", "INPUT"].includes(event.target.tagName))) return;
  event.preventDefault();
  actions[KEYS[event.key]]();
});
$("whole").addEventListener("change", () => { document.body.classList.toggle("whole", $("whole").checked); show(current); });
$("slider").max = data.moments.length;
$("slider").addEventListener("input", () => show(Number($("slider").value)));
document.documentElement.classList.add("live");
show(Number(new URLSearchParams(location.hash.slice(1)).get("step") ?? 1) || 0);
window.comparison = { get step() { return current; }, get count() { return data.moments.length; }, go: show };
