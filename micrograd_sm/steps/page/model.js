// What the page knows, and the steps and totals that follow from it. Nothing here touches the document.
const data = JSON.parse(document.getElementById("data").textContent);
const lines = [...document.querySelectorAll("#list li > span")].map((line) => line.textContent);
const nodes = new Map(data.nodes.map((node) => [node.id, node]));
const scopes = new Map(data.scopes.map((scope) => [scope.id, { ...scope, inside: new Set(scope.inside) }]));
const SEED = data.events.findIndex((event) => event.phase === "seed");

// JSON has no nan and no infinity: they are written as strings.
const number = (x) => (typeof x === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[x] : x);
const numbers = (x) => (Array.isArray(x) ? x.map(number) : number(x));
const elementOf = (x, place) => number(Array.isArray(x) ? x[place] : x);

// The folded scopes that show: those inside no other folded one, by each node that they cover.
function coverOf(folded) {
  const cover = new Map();
  for (const scope of scopes.values()) { // the outer ones come first
    if (folded.has(scope.id) && !cover.has(scope.node)) for (const inside of scope.inside) cover.set(inside, scope);
  }
  return cover;
}

// A part is one contribution: which event sets the operand's total (`last`), and which one found it (`first`).
const rawPart = (place) => {
  const event = data.events[place];
  return { ...event, amount: event.amount ?? event.after, first: place, last: place, text: lines[place], edges: [event.edge] };
};
const foldedPart = (part, scope) => ({
  ...part,
  edges: data.events.slice(part.first, part.last + 1)
    .filter((event) => event.operand === part.operand && scope.inside.has(event.node)).map((event) => event.edge),
});

// The steps of the whole pass, at a grain, with some scopes as single operations.
function walkOf(grain, folded) {
  const cover = coverOf(folded);
  const steps = [];
  const add = (phase, node, scope, parts, text, math) => steps.push({ phase, node, scope, parts, text, math });
  for (let place = 0; place < data.events.length; ) {
    const event = data.events[place];
    const scope = cover.get(event.node);
    const node = scope?.node ?? event.node;
    let end = place + 1;
    if (event.phase === "forward") {
      if (event.node === node) add("forward", node, scope, [], scope?.text ?? lines[place], scope?.math ?? event.math);
    } else if (event.phase === "seed") {
      add("seed", node, scope, [], lines[place], event.math);
    } else {
      while (end < data.events.length && (cover.get(data.events[end].node)?.node ?? data.events[end].node) === node) end++;
      const places = Array.from({ length: end - place }, (_, k) => place + k);
      const parts = scope ? scope.parts.map((part) => foldedPart(part, scope)) : places.map(rawPart);
      for (const group of grain === "node" ? [parts] : parts.map((part) => [part])) add("backward", node, scope, group);
    }
    place = end;
  }
  return { steps, cover };
}

// After a step: which values are computed, and which event has set each node's gradient last.
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

// The total of a part's operand before it, undefined when it is the first.
function totalBefore(steps, index, operand) {
  const place = stateAfter(steps, index - 1).totals.get(operand);
  return place === undefined ? undefined : data.events[place].after;
}
