// The controls, the keys, the address, and render(), which shows the state and depends on nothing else.
const $ = (id) => document.getElementById(id);
const MANY = 150; // nodes up to which the browser may measure the columns of the table
const state = { step: 0, grain: data.start.grain, folded: new Set(data.start.folded), predicting: false, helped: false };
let { steps, cover } = walkOf(state.grain, state.folded);
let timer = null;
let playing = false;
let typed = ""; // digits typed before g
let sought = "";

const rows = new Map([...document.querySelectorAll("[data-row]")].map((row) => {
  const [, made, value, gradient, mark] = row.cells;
  const final = { made: made.textContent, value: value.textContent, gradient: gradient.textContent };
  return [row.dataset.row, { row, made, value, gradient, mark, final }];
}));

// Rendering ----------------------------------------------------------------------------------------------------------

function render(quietly = false) {
  const step = steps[state.step];
  const { computed, totals } = stateAfter(steps, state.step);
  showTable(step, computed, totals);
  showProgram(step, (node, backward) => saidOf(node, backward, computed, totals));
  if (svg) {
    showNumbers(computed, totals);
    for (const scope of new Set(cover.values())) fillCover(scope);
    markStep(step, cover);
  }
  showStep(step);
  showQuestion();
  $("slider").value = state.step + 1;
  $("slider").setAttribute("aria-valuetext", `Step ${state.step + 1} of ${steps.length}: ${sentences(step).join("; ")}`);
  $("place").textContent = `${state.step + 1} of ${steps.length}`;
  for (const id of ["first", "previous"]) setDisabled(id, state.step === 0);
  for (const id of ["next", "last"]) setDisabled(id, state.step === steps.length - 1);
  if (!quietly && !playing) say(`Step ${state.step + 1} of ${steps.length}. ${sentences(step).join(". ")}`);
  writeAddress();
}

const sentences = (step) => (step.text ? [step.text] : step.parts.map((part) => part.text));
const say = (text) => { $("live").textContent = text; };
// Only aria-disabled, since a disabled button would lose the focus.
const setDisabled = (id, off) => $(id).setAttribute("aria-disabled", String(off));
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

function showTable(step, computed, totals) {
  const changed = new Set(step.phase === "seed" ? [step.node] : step.parts.map((part) => part.operand));
  for (const [id, { row, made, value, gradient, mark, final }] of rows) {
    const event = data.events[totals.get(id)];
    setText(value, computed.has(id) ? final.value : NOT_YET);
    if (nodes.get(id).flows) setText(gradient, event === undefined ? NOT_YET : event.shown?.[0] ?? final.gradient);
    setText(made, cover.get(id)?.name ?? final.made);
    const now = id === step.node;
    setText(mark, [now ? "◀ step" : "", changed.has(id) ? "● changed" : ""].filter(Boolean).join(" "));
    row.classList.toggle("now", now);
    row.classList.toggle("changed", changed.has(id));
    row.hidden = cover.has(id) && cover.get(id).node !== id;
  }
}

// A node's value, or on the way back its gradient, in a few characters; "" if it is not computed yet.
function saidOf(node, backward, computed, totals) {
  const { final } = rows.get(node.id);
  const event = data.events[totals.get(node.id)];
  const inRow = (text) => (text.includes("\n") ? `[${text.replaceAll("\n", "; ")}]` : text).replace(/\s+/g, " ").replace("[ ", "[");
  const short = (text) => (inRow(text).length > 44 ? `${inRow(text).slice(0, 41)}...` : inRow(text));
  if (!backward) return computed.has(node.id) ? `${node.label} = ${short(final.value)}` : "";
  return event === undefined ? "" : `d${nodes.get(data.root).label}/d${node.label} = ${short(event.shown?.[0] ?? final.gradient)}`;
}

function showStep(step) {
  const what = { forward: "Forward", seed: "Seed", backward: "Backward" }[step.phase];
  const node = nodes.get(step.node);
  $("now-title").textContent = `Step ${state.step + 1}: ${what}, ${node.label}${step.phase === "seed" ? "" : ` (${step.scope?.name ?? node.op})`}`;
  $("source").textContent = node.source ?? (data.program.length ? "" : "To see the lines of your program here, compute the loss inside `with trace():`.");
  const parts = step.math ? [step] : step.parts;
  $("formula").replaceChildren(...parts.flatMap((part) => part.math).map(formulaElement), ...reasonsOf(parts));
  for (const item of $("list").querySelectorAll("[aria-current]")) item.removeAttribute("aria-current");
  const item = $("list").querySelector("ol").children[state.step];
  item.setAttribute("aria-current", "step");
  keepInView(item.parentElement.parentElement, item, 40);
  keepInView(rows.get(step.node).row.closest(".scroll"), rows.get(step.node).row, 40);
  showHeat(step, step.phase !== "forward");
  showNode(step);
}

function showNode(step) {
  const boxOfNode = (id) => covers.get(cover.get(id)?.id)?.querySelector(".content") ?? drawn.get(id)?.group;
  const shown = svg && boxOfNode(step.node);
  if (shown) keepInView(svg.parentElement, shown, 24, nodes.get(step.node).from.map(boxOfNode).filter(Boolean));
}

// Walks: another grain, other folds -------------------------------------------------------------------------------------

// Stay at the same event: go to the first step of the new walk that is not before the old step.
function rewalk(grain, folded) {
  const old = steps[state.step];
  const event = firstEvent(old);
  state.grain = grain;
  state.folded = folded;
  ({ steps, cover } = walkOf(grain, folded));
  const found = steps.findIndex((step) => lastEvent(step) >= event);
  state.step = found < 0 ? steps.length - 1 : found;
  showWalk();
  zoomTo($("zoom").value);
  render();
}

const eventOf = new Map(data.events.map((event, index) => [`${event.phase} ${event.node}`, index]).reverse());
const firstEvent = (step) => (step.parts.length ? step.parts[0].first : eventOf.get(`${step.phase} ${step.node}`));
const lastEvent = (step) => (step.parts.length ? Math.max(...step.parts.map((part) => part.last)) : firstEvent(step));

function showWalk() {
  $("grain").value = state.grain;
  $("slider").max = steps.length;
  for (const box of $("folds").querySelectorAll("input")) box.checked = state.folded.has(box.value);
  $("list").querySelector("ol").replaceChildren(...steps.map((step, index) => {
    const [item, button] = [document.createElement("li"), document.createElement("button")];
    button.type = "button";
    button.append(...sentences(step).map((sentence) => Object.assign(document.createElement("span"), { textContent: sentence })));
    button.addEventListener("click", () => go(index));
    item.append(button);
    return item;
  }));
  if (svg) {
    showFolds(cover, (id, isCover) => (isCover ? goToNode(scopes.get(id).node) : toggleFold(id)));
  }
}

function toggleFold(id) {
  const folded = new Set(state.folded);
  if (!folded.delete(id)) folded.add(id);
  rewalk(state.grain, folded);
  say(`${scopes.get(id).name} ${folded.has(id) ? "folded" : "open"}. ${steps.length} steps.`);
}

function foldAll() {
  rewalk(state.grain, new Set(state.folded.size ? [] : scopes.keys()));
  say(`${state.folded.size ? "Every scope is folded" : "Every scope is open"}. ${steps.length} steps.`);
}

// Open the folded scope of this step, or fold the innermost scope around it.
function foldHere() {
  const node = steps[state.step].node;
  const around = [...scopes.values()].filter((scope) => scope.inside.has(node)).sort((a, b) => a.inside.size - b.inside.size);
  const scope = cover.get(node) ?? around[0];
  if (scope) toggleFold(scope.id);
  else say("This step is not in a scope that can be folded.");
}

// Moving ---------------------------------------------------------------------------------------------------------------

function go(index, quietly = false) {
  state.helped = false;
  state.step = Math.max(0, Math.min(steps.length - 1, index));
  render(quietly);
}

// The steps of a node: its backward steps, then the others. The steps of a leaf: those that pass a gradient on to it.
function goToNode(id, direction = 1) {
  const own = steps.flatMap((step, index) => (step.node === id ? [index] : []));
  const about = [...own.filter((index) => steps[index].phase === "backward"), ...own.filter((index) => steps[index].phase !== "backward")];
  const reaching = steps.flatMap((step, index) => (step.parts.some((part) => part.operand === id) ? [index] : []));
  const using = steps.flatMap((step, index) => (operandsOf(step).includes(id) ? [index] : []));
  const targets = about.length ? about : reaching.length ? reaching : using;
  const at = targets.indexOf(state.step);
  if (targets.length) go(targets.at((at < 0 ? 0 : at + direction) % targets.length));
}

function setPlaying(on) {
  playing = on;
  clearInterval(timer);
  $("play").textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (state.step === steps.length - 1) go(0);
  timer = setInterval(() => {
    if (state.step < steps.length - 1) go(state.step + 1);
    if (state.step === steps.length - 1) {
      setPlaying(false);
      say(`Step ${steps.length} of ${steps.length}, the last.`);
    }
  }, Number($("speed").value));
}

function find(text, direction = 1) {
  const wanted = text.trim().toLowerCase();
  sought = wanted;
  if (!wanted) return;
  const shown = data.nodes.filter((node) => !cover.has(node.id) || cover.get(node.id).node === node.id);
  const matches = [
    ...shown.filter((node) => [node.label, node.id].some((name) => name.toLowerCase() === wanted)),
    ...shown.filter((node) => `${node.label} ${node.op ?? ""}`.toLowerCase().includes(wanted)),
  ];
  if (matches.length) goToNode(matches[0].id, direction);
  else say(`No node is called ${text}.`);
}

// Predict --------------------------------------------------------------------------------------------------------------

function showQuestion() {
  const question = state.predicting ? questionOf(steps, state.step + 1) : null;
  $("question").hidden = !state.predicting;
  $("question").classList.toggle("waiting", !question);
  for (const id of ["guess", "reveal"]) $(id).disabled = !question;
  const node = question && nodes.get(question.of);
  const root = nodes.get(data.root).label;
  const next = steps[state.step + 1];
  const what = question?.value ? `the value of ${node.label}${question.element}` : `the gradient d${root}/d${node?.label}${question?.element}`;
  $("asked").textContent = question
    ? `What will ${what} be after step ${state.step + 2}, ${next.phase} at ${nodes.get(next.node).label}?`
    : next ? `${isEmpty(next) ? "An empty array has no number to predict" : "This array is too large to ask for one number of it"}: go on.` : "This was the last step.";
  $("needed").replaceChildren(...(question ? neededFor(next, state.helped) : []));
  $("reveal").textContent = state.helped ? "Show me" : "Hint";
}

function check(event) {
  event.preventDefault();
  const question = questionOf(steps, state.step + 1);
  if (!question) return;
  const { right, said } = verdictOn(question, $("guess").value);
  if (right) {
    $("guess").value = "";
    go(state.step + 1, true);
    $("guess").focus();
  }
  $("verdict").textContent = said;
  say(said);
}

function setPredicting(on) {
  state.predicting = on;
  $("predict").setAttribute("aria-pressed", String(on));
  document.documentElement.classList.toggle("predicting", on);
  $("verdict").textContent = "";
  if (on && state.grain !== "contribution") rewalk("contribution", state.folded);
  else render();
  if (on) $("guess").focus();
}

// The address -------------------------------------------------------------------------------------------------------------

function writeAddress() {
  const folds = state.folded.size ? `&fold=${[...state.folded].join(",")}` : "";
  const grain = state.grain === "node" ? "" : `&grain=${state.grain}`;
  try {
    history.replaceState(null, "", `#step=${state.step + 1}${grain}${folds}`);
  } catch {
    // A sandboxed frame has no address of its own.
  }
}

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const grain = ["node", "contribution"].includes(asked.get("grain")) ? asked.get("grain") : data.start.grain;
  const folds = asked.get("fold")?.split(",") ?? (asked.has("step") ? [] : data.start.folded);
  state.grain = grain;
  state.folded = new Set(folds.filter((id) => scopes.has(id)));
  ({ steps, cover } = walkOf(state.grain, state.folded));
  state.step = Math.max(0, Math.min(steps.length, Number.parseInt(asked.get("step"), 10) || 1) - 1);
}

// Start -----------------------------------------------------------------------------------------------------------------

const KEYS = {
  ArrowRight: () => go(state.step + 1),
  ArrowLeft: () => go(state.step - 1),
  Home: () => go(0),
  End: () => go(steps.length - 1),
  "/": () => { $("options").open = true; $("find").focus(); },
  l: () => go(state.step + 1),
  h: () => go(state.step - 1),
  G: () => go(steps.length - 1),
  n: () => find(sought),
  N: () => find(sought, -1),
  f: foldHere,
  F: foldAll,
  c: () => rewalk(state.grain === "node" ? "contribution" : "node", state.folded),
  p: () => (state.predicting ? $("guess").focus() : setPredicting(true)),
  " ": () => setPlaying(!playing),
  "?": () => { $("help").open = !$("help").open; $("options").open ||= $("help").open; },
  g: () => go(typed ? Number(typed) - 1 : 0),
  Escape: () => { $("help").open = $("folds").open = false; },
};

// Whether the control with the focus needs a key for itself.
function isTheirs(key, control) {
  if (control.closest("#find, #guess, select")) return true;
  return (key === " " && control.closest("button, summary, input")) || (key.length > 1 && control.closest("[type=range]"));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTheirs(event.key, event.target)) return;
  if (/^\d$/.test(event.key)) {
    typed += event.key;
    $("place").textContent = `go to ${typed}, then g`;
    return;
  }
  const action = KEYS[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
  if (typed && !["Shift"].includes(event.key)) {
    typed = "";
    $("place").textContent = `${state.step + 1} of ${steps.length}`;
  }
}

function fillFolds() {
  const drop = $("folds").querySelector(".drop");
  for (const scope of scopes.values()) {
    const [label, box] = [document.createElement("label"), document.createElement("input")];
    box.type = "checkbox";
    box.value = scope.id;
    box.addEventListener("change", () => toggleFold(scope.id));
    label.append(box, ` ${scope.name} (${scope.inside.size} nodes)`);
    drop.append(label);
  }
  $("folds").hidden = scopes.size === 0;
}

function connect() {
  const clicks = {
    first: () => go(0), previous: () => go(state.step - 1), next: () => go(state.step + 1), last: () => go(steps.length - 1),
    play: () => setPlaying(!playing), predict: () => setPredicting(!state.predicting), reveal: () => reveal(), theme: nextTheme,
  };
  for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
  $("slider").addEventListener("input", () => go(Number($("slider").value) - 1));
  $("speed").addEventListener("change", () => { if (playing) setPlaying(true); });
  $("grain").addEventListener("change", () => rewalk($("grain").value, state.folded));
  $("zoom").addEventListener("change", () => { zoomTo($("zoom").value); showNode(steps[state.step]); });
  $("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter") find($("find").value);
    if (event.key === "Escape") $("find").blur();
  });
  $("guess").addEventListener("keydown", (event) => { if (event.key === "Escape") $("guess").blur(); });
  $("question").addEventListener("submit", check);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => { readAddress(); showWalk(); zoomTo($("zoom").value); render(); });
  window.addEventListener("resize", () => zoomTo($("zoom").value));
  $("names").append(...data.nodes.map((node) => Object.assign(document.createElement("option"), { value: node.label })));
}

// Help comes in two stages: the numbers of the formula, then the answer.
function reveal() {
  if (!state.helped) {
    state.helped = true;
    showQuestion();
    say("The formula with its numbers is shown.");
    return;
  }
  const question = questionOf(steps, state.step + 1);
  $("guess").value = "";
  go(state.step + 1, true);
  $("verdict").textContent = `It is ${shortNumber(question.right)}.`;
  say($("verdict").textContent);
}

function nextTheme() {
  const themes = ["", "light", "dark"];
  const theme = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "") + 1) % 3];
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = `Theme: ${theme || "system"}`;
}

// The options are open if there is room for them.
const wide = matchMedia("(min-width: 64rem)");
const openOptions = () => { $("options").open = wide.matches; };
wide.addEventListener("change", openOptions);
openOptions();
document.documentElement.classList.add("live");
document.documentElement.classList.toggle("many", data.nodes.length > MANY);
for (const id of ["controls", "now"]) $(id).hidden = false;
document.querySelector(".legend").hidden = !svg;
readPicture(goToNode, toggleFold);
buildProgram();
fillFolds();
connect();
readAddress();
showWalk();
zoomTo("auto");
render(true);
if (svg) overview();

// For tests and the curious: the running gradients, bit for bit those of the pass.
window.stepper = {
  get step() { return state.step; },
  get length() { return steps.length; },
  get gradients() {
    const { totals } = stateAfter(steps, state.step);
    return Object.fromEntries([...totals].map(([id, event]) => [id, numbers(data.events[event].after)]));
  },
  go,
};
