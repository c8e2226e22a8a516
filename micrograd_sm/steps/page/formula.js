// Formulas: MathML made of pieces in the data. Only tags from a list are made, so a name can only be text.

// A formula in lines: symbols, then numbers, then the result. A line breaks only between its terms.
function formulaElement(formula) {
  const element = document.createElement("p");
  element.className = "formula";
  formula.forEach((part, line) => {
    const row = document.createElement("span");
    if (line) row.append(wordsElement("="));
    row.append(...termsOf(data.fragments[part][1]).map((terms) =>
      (terms.length === 1 && isText(terms[0]) ? wordsElement(data.fragments[terms[0]][1]) : mathElement(terms))));
    element.append(row);
  });
  return element;
}

// The rules of the local derivatives, each once, and the sentence that says why.
function reasonsOf(parts) {
  const rules = [...new Map(parts.flatMap((part) => part.rules ?? []).map((rule) => [String(rule), rule])).values()];
  const reasons = rules.map((rule) => {
    const element = formulaElement(rule);
    element.className = "formula rule";
    element.prepend(Object.assign(document.createElement("b"), { textContent: "local" }));
    return element;
  });
  const sentences = new Set(parts.flatMap((part) => part.why.split(/(?<=\.) /)));
  const why = Object.assign(document.createElement("p"), { id: "why", textContent: [...sentences].join(" ") });
  return [...reasons, why];
}

function wordsElement(text) {
  const element = document.createElement("span");
  element.className = "words";
  element.textContent = text.replace(/^[,\s]+|\s+$/g, "");
  return element;
}

const tagOf = (index) => data.fragments[index][0];
const isText = (index) => tagOf(index) === "mtext";

// The terms of a row, each with the operator before it. A row that begins with an operator, bracket or sign stays together.
function termsOf(index) {
  const isCall = (piece) => data.fragments[piece].some((child) => typeof child === "number" && data.fragments[child][1] === "\u2061");
  const flat = (piece) => (tagOf(piece) === "mrow" && tagOf(data.fragments[piece][1]) !== "mo" && !isCall(piece)
    ? data.fragments[piece].slice(1).flatMap(flat) : [piece]);
  const terms = [];
  for (const piece of flat(index)) {
    const open = terms.at(-1)?.length === 1 && tagOf(terms.at(-1)[0]) === "mo";
    if (open && !isText(piece)) terms.at(-1).push(piece);
    else terms.push([piece]);
  }
  return terms;
}

const MATH = "http://www.w3.org/1998/Math/MathML";
const MATH_TAGS = new Set(["mrow", "mi", "mn", "mo", "mtext", "mfrac", "msup", "msub", "mtable", "mtr", "mtd", "mspace", "mstyle", "mpadded", "ms"]);

const MATH_ATTRIBUTES = new Set(["mathvariant", "stretchy", "fence", "lspace", "rspace", "displaystyle", "width"]);

function mathElement(indices) {
  const math = document.createElementNS(MATH, "math");
  math.append(...indices.map(pieceElement));
  if (indices.length > 1) for (const [side, room] of [["lspace", "0.1em"], ["rspace", "0.3em"]]) math.firstChild.setAttribute(side, room);
  return math;
}

function pieceElement(index) {
  const [tag, ...children] = data.fragments[index];
  const element = document.createElementNS(MATH, MATH_TAGS.has(tag) ? tag : "mtext");
  for (const child of children) {
    if (typeof child === "number") element.append(pieceElement(child));
    else if (typeof child === "string") element.append(child);
    else for (const [name, value] of Object.entries(child)) if (MATH_ATTRIBUTES.has(name)) element.setAttribute(name, value);
  }
  return element;
}
