// The reader's program: the lines of the current step are marked, with the values or gradients of what they made beside them.
const codeLines = new Map(); // by "file:number"
const madeOn = new Map(); // the nodes that a line made

const lineOf = (node) => (node.line ? node.line.join(":") : undefined);

function buildProgram() {
  for (const node of data.nodes) if (node.line) madeOn.set(lineOf(node), [...(madeOn.get(lineOf(node)) ?? []), node]);
  $("code").hidden = data.program.length === 0;
  const room = $("code").querySelector(".scroll");
  data.program.forEach(({ name, first, lines }, file) => {
    room.append(Object.assign(document.createElement("h3"), { textContent: name }));
    lines.forEach((text, index) => {
      const line = document.createElement("div");
      line.className = "line";
      for (const [tag, content] of [["i", first + index], ["code", text || " "], ["b", ""]]) {
        line.append(Object.assign(document.createElement(tag), { textContent: content }));
      }
      room.append(line);
      const at = `${file}:${first + index}`;
      codeLines.set(at, line);
      const made = madeOn.get(at);
      if (made) line.addEventListener("click", () => goToNode(made.at(-1).id));
      line.classList.toggle("made", Boolean(made));
    });
  });
}

function showProgram(step, shownOf) {
  if (!codeLines.size) return;
  const inside = step.scope?.inside ?? new Set([step.node]);
  const now = new Set([...inside].map((id) => lineOf(nodes.get(id))));
  const backward = step.phase !== "forward";
  for (const [at, line] of codeLines) {
    line.classList.toggle("now", now.has(at));
    const made = madeOn.get(at);
    if (made) setText(line.lastChild, made.filter((node) => node.named || node === made.at(-1)).map((node) => shownOf(node, backward)).filter(Boolean).join("   "));
  }
  const marked = [...codeLines.values()].find((line) => line.classList.contains("now"));
  if (marked) keepInView(marked.parentElement, marked, 20);
}
