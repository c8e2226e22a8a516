// The data of the page, and the steps and totals made from it. Nothing here changes the document.
const data = JSON.parse(document.getElementById("data").textContent);
const lines = [...document.querySelectorAll("#list li > span")].map((line) => line.textContent);
const nodes = new Map(data.nodes.map((node) => [node.id, node]));
const scopes = new Map(data.scopes.map((scope) => [scope.id, { ...scope, inside: new Set(scope.inside) }]));
const SEED = data.events.findIndex((event) => event.phase === "seed");

// JSON has no nan and no infinity, so they are strings.
const number = (x) => (typeof x === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[x] : x);
const numbers = (x) => (Array.isArray(x) ? x.map(number) : number(x));
const elementOf = (x, index) => number(Array.isArray(x) ? x[index] : x);

// The folded scopes that are visible, which lie in no other folded scope, by the nodes that they cover.
function coverOf(folded) {
  const cover = new Map();
  for (const scope of scopes.values()) { // outer scopes come first
    if (folded.has(scope.id) && !cover.has(scope.node)) for (const inside of scope.inside) cover.set(inside, scope);
  }
  return cover;
}

// A part is one contribution: from the event that starts it (`first`) to the event that sets the operand's total (`last`).
const rawPart = (index) => {
  const event = data.events[index];
  return { ...event, amount: event.amount ?? event.after, first: index, last: index, text: lines[index], edges: [event.edge] };
};
const foldedPart = (part, scope) => ({
  ...part,
  edges: data.events.slice(part.first, part.last + 1)
    .filter((event) => event.operand === part.operand && scope.inside.has(event.node)).map((event) => event.edge),
});

// The steps of the whole pass at a grain, with some scopes folded into single operations.
function walkOf(grain, folded) {
  const cover = coverOf(folded);
  const steps = [];
  const add = (phase, node, scope, parts, { text, math, why, rules } = {}) => steps.push({ phase, node, scope, parts, text, math, why, rules });
  for (let index = 0; index < data.events.length; ) {
    const event = data.events[index];
    const scope = cover.get(event.node);
    const node = scope?.node ?? event.node;
    let end = index + 1;
    if (event.phase === "forward") {
      if (event.node === node) add("forward", node, scope, [], scope ?? { ...event, text: lines[index] });
    } else if (event.phase === "seed") {
      add("seed", node, scope, [], { ...event, text: lines[index] });
    } else {
      while (end < data.events.length && (cover.get(data.events[end].node)?.node ?? data.events[end].node) === node) end++;
      const run = Array.from({ length: end - index }, (_, k) => index + k);
      const parts = scope ? scope.parts.map((part) => foldedPart(part, scope)) : run.map(rawPart);
      for (const group of grain === "node" ? [parts] : parts.map((part) => [part])) add("backward", node, scope, group);
    }
    index = end;
  }
  return { steps, cover };
}

// The state after a step: which values are computed, and which event was the last to set each gradient.
function stateAfter(steps, index) {
  const computed = new Set(data.nodes.filter((node) => node.op === null).map((node) => node.id));
  const totals = new Map();
  for (const step of steps.slice(0, index + 1)) {
    if (step.phase === "forward") computed.add(step.node);
    if (step.phase === "seed") totals.set(step.node, SEED);
    for (const part of step.parts) totals.set(part.operand, part.last);
  }
  return { computed, totals };
}

// The total of an operand before a step, or undefined if it has none yet.
function totalBefore(steps, index, operand) {
  const event = stateAfter(steps, index - 1).totals.get(operand);
  return event === undefined ? undefined : data.events[event].after;
}
