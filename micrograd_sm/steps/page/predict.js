// Predict: the next total is hidden, the reader predicts it, and the page names the slip behind a wrong answer.
const CLOSE = 0.01;

// A reader may write 0.5, -1/3, 1e-3, 0,5, inf, nan.
function parsed(text) {
  const plain = text.trim().toLowerCase().replace(/−/g, "-").replace(",", ".").replace("infinity", "inf").replace("∞", "inf");
  const named = { nan: NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity };
  if (plain in named) return named[plain];
  const [, top, bottom] = /^([-+]?[\d.]+(?:e[-+]?\d+)?)(?:\s*\/\s*([-+]?[\d.]+))?$/.exec(plain) ?? [];
  const value = top === undefined ? NaN : Number(top) / Number(bottom ?? 1);
  return Number.isNaN(value) ? undefined : value;
}

// Close enough: within one percent, or the right number rounded to the digits of the answer, at least two.
function agrees(answer, right, text = "") {
  if (!Number.isFinite(right)) return Object.is(answer, right);
  if (Math.abs(answer - right) <= CLOSE * Math.abs(right)) return true;
  const [, decimals = ""] = /\.(\d+)$/.exec(text.trim().replace(",", ".")) ?? [];
  const digits = text.replace(/\D/g, "").replace(/^0+/, "").length;
  return digits >= 2 && Number(right.toFixed(decimals.length)) === answer;
}

// The question at a step: a value, the seed, the total of one operand, or of one element. An array that is empty, or too large for its numbers to be here, has no question.
function questionOf(steps, index) {
  const step = steps[index];
  if (!step) return null;
  if (step.phase === "forward") {
    if (hasNone(step.node)) return null;
    const { data: values, shape } = nodes.get(step.node);
    const sizes = [values].flat().map((x) => Math.abs(number(x))).map((x) => (Number.isNaN(x) ? Infinity : x));
    const asked = sizes.indexOf(Math.max(...sizes));
    const right = elementOf(values, asked);
    return { of: step.node, element: elementName(shape, asked), right, amount: right, before: undefined, slips: {}, value: true };
  }
  if (step.phase === "seed") {
    const after = data.events[SEED].after;
    if (hasNone(step.node)) return null;
    return { of: step.node, element: "", right: elementOf(after, 0), amount: elementOf(after, 0), before: undefined, slips: {} };
  }
  const [part] = step.parts;
  if (hasNone(part.operand)) return null;
  const total = totalBefore(steps, index, part.operand);
  return {
    of: part.operand,
    element: elementName(nodes.get(part.operand).shape, part.asked),
    right: elementOf(data.events[part.last].after, part.asked),
    amount: elementOf(part.amount, part.asked),
    before: total === undefined ? undefined : elementOf(total, part.asked),
    slips: part.slips,
  };
}

// Whether the page has no numbers of a node: it is empty, or too large.
const hasNone = (id) => [nodes.get(id).data].flat().length === 0;
const isEmpty = (step) => nodes.get(step.parts[0]?.operand ?? step.node).shape.includes(0);

const elementName = (shape, position) => indicesOf(shape, position).map((index) => `[${index}]`).join("");

const SLIPS = {
  upstream: "the upstream gradient was forgotten: a contribution is the upstream gradient times the local derivative",
  local: "the local derivative was forgotten: a contribution is the upstream gradient times the local derivative",
  operand: "the wrong operand was taken: the derivative by one factor of a product is the other factor",
  sign: "the sign is wrong",
  overwritten: "the contribution overwrote the total: the contributions of all uses of a value are added",
  amount: "the contribution was not added: this is the total before it",
};

// The slips that lead to an answer. Overwriting can come together with any other slip.
function slipsIn(question, answer, text) {
  const { right, amount, before, slips } = question;
  if (agrees(answer, right, text)) return [];
  const amounts = { sign: -amount, ...slips };
  const kinds = Object.keys(amounts);
  const start = before ?? 0;
  if (before !== undefined && before !== 0 && agrees(answer, amount, text)) return ["overwritten"];
  const kind = kinds.find((each) => agrees(answer, start + amounts[each], text));
  if (kind) return [kind];
  if (agrees(answer, -right, text)) return ["sign"];
  if (before !== undefined && agrees(answer, before, text)) return ["amount"];
  const both = before ? kinds.find((each) => agrees(answer, amounts[each], text)) : undefined;
  return both ? ["overwritten", both] : ["unknown"];
}

function verdictOn(question, text) {
  const answer = parsed(text);
  if (answer === undefined) return { right: false, said: "That is not a number; write one such as 0.25, -1/3 or 1e-3." };
  const kinds = slipsIn(question, answer, text);
  if (!kinds.length) return { right: true, said: `Right: ${shortNumber(question.right)}.` };
  if (kinds[0] === "unknown") return { right: false, said: "Not right, and not one of the usual slips. The hint puts numbers into the formula." };
  return { right: false, said: `Not right. It looks as if ${kinds.map((kind) => SLIPS[kind]).join("; and ")}.` };
}

const shortNumber = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(4))) : { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" }[x]);

// What an answer needs: the formula in symbols, and after a first call for help with its numbers, but without the result.
function neededFor(step, helped) {
  const parts = step.math ? [step] : step.parts;
  const cut = (formula) => formula.slice(0, helped && formula.length > 2 ? 2 : 1);
  return parts.flatMap((part) => [...part.math, ...(part.rules ?? [])]).map((formula) => formulaElement(cut(formula)));
}
