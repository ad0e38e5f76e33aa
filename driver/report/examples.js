// Cells with what several runs wrote of them, and the reference.

// The words of two texts that are not in a longest common subsequence of theirs: [of the one, of the other, gaps], where
// gaps holds, by place in the one, the words of the other that it lacks there.
function differing(one, other) {
  const a = one.split(/\s+/).filter(Boolean), b = other.split(/\s+/).filter(Boolean), width = b.length + 1;
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; --i)
    for (let j = b.length - 1; j >= 0; --j)
      length[i * width + j] = a[i] === b[j] ? 1 + length[(i + 1) * width + j + 1] : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
  const marked = [a.map((word) => [word, true]), b.map((word) => [word, true]), new Map()];
  const lacks = (i, words) => marked[2].set(i, [...(marked[2].get(i) || []), ...words]);
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) marked[0][i++][1] = marked[1][j++][1] = false;
    else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) ++i;
    else lacks(i, [b[j++]]);
  }
  if (j < b.length) lacks(i, b.slice(j));
  return marked;
}
// Neighbouring words that differ are one mark; a gap with the same words on both sides is an ellipsis.
function withMarks(parent, words, gaps = new Map()) {
  const differs = (i) => words[i] !== undefined && words[i][1];
  const gap = (i) => {
    if (!gaps.has(i) || differs(i) || differs(i - 1)) return;
    add(parent, "mark", "…").title = `lacks: ${gaps.get(i).join(" ")}`;
    if (i < words.length) parent.append(" ");
  };
  for (let i = 0; i < words.length;) {
    let end = i + 1;
    while (end < words.length && words[end][1] === words[i][1] && (words[i][1] || !gaps.has(end))) ++end;
    const text = words.slice(i, end).map(([word]) => word).join(" ");
    if (i) parent.append(" ");
    gap(i);
    if (words[i][1]) add(parent, "mark", text); else parent.append(text);
    i = end;
  }
  if (words.length) parent.append(" ");
  gap(words.length);
}

const mostWritten = 5;
function example(box, one) {
  const of = new Map(one.texts.map((entry) => [entry[0], entry]));
  const order = many ? ranked(focus.score ?? 0, [...of.keys()]) : [0];
  let reference = null;
  const write = (r) => {
    const [, truth, written, logProbability] = of.get(r);
    const [inText, inTruth, gaps] = differing(data.lines[written], data.lines[truth]);
    if (truth !== reference) {
      const line = add(box, "p");
      add(line, "span", "reference", "who");
      if (many) line.append(data.lines[truth]); else withMarks(line, inTruth);
      reference = truth;
    }
    const line = add(box, "p");
    add(line, "span", many ? labels[r] : "written", "who");
    withMarks(line, inText, many ? gaps : undefined);
    if (logProbability !== null) line.title = `log probability ${logProbability.toFixed(2)}`;
    if (many && !inText.some(([, marked]) => marked) && !inTruth.some(([, marked]) => marked)) line.className = "same";
  };
  order.slice(0, mostWritten).forEach(write);
  if (order.length <= mostWritten) return;
  const button = add(box, "button", `Show the other ${order.length - mostWritten}`, "button");
  button.type = "button";
  button.addEventListener("click", () => { button.remove(); order.slice(mostWritten).forEach(write); });
}

function examples() {
  if (!data.examples.length) return;
  add(page, "h2", "Examples");
  add(page, "p", many ? "The same cell, as its reference and the runs describe it, best runs first; marked: words of a run that the reference does not have there, and … where it lacks some. Green edge: the same to the letter."
    : "Words that the other text does not have there are marked.", "soft");
  drawnFor(many ? ["score"] : [], page, (box) => data.examples.forEach((one, i) => {
    if (!many) {
      const shown = add(box, "div", null, "example"), logProbability = one.texts[0][3];
      add(shown, "p", one.cell + (logProbability === null ? "" : `, log probability ${logProbability.toFixed(2)}`), "soft");
      return example(shown, one);
    }
    const details = add(box, "details", null, "example");
    add(details, "summary", `${one.cell}, of ${one.texts.length} runs`);
    details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) example(details, one); });
    details.open = i === 0;
  }));
}
