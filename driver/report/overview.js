// The top of the page: what it is about, what to beware of, the main scores; and of many runs the table of them all.
function heading() {
  document.title = `Cell2Text: ${data.name}`;
  add(page, "h1", data.name);
  const cellsOf = ([train, validation, test]) => `${whole(train)} cells trained on, ${whole(validation)} to choose the best weights, ${whole(test)} described and scored.`;
  const alike = runs.every((run) => run.cells.join() === runs[0].cells.join()) ? cellsOf(runs[0].cells) : "The runs are of different numbers of cells.";
  if (!many) {
    const [encoder, adapter, decoder, finetuning] = runs[0].parts;
    add(page, "p", `${alike} Encoder ${encoder}, adapter ${adapter}, decoder ${decoder}, fine-tuning ${finetuning}.`, "soft");
    return;
  }
  const varied = data.axes.map((column) => `${column.key} (${few(valuesOf(column), 8)})` + (column.with.length ? `, with ${few(column.with)}` : ""));
  add(page, "p", `${runs.length} runs. ${alike} ${seeds.length > 1 ? `Seeds ${seeds.join(", ")}. ` : ""}` +
    (varied.length ? `Varied: ${varied.join("; ")}.` : "No setting differs but the seed, names and what changes no result."), "soft");
}
function few(list, count = 3) {
  return list.slice(0, count).join(", ") + (list.length > count ? ` and ${list.length - count} more` : "");
}

function warnings() {
  const said = new Map();
  runs.forEach((run, r) => run.caveats.forEach((text) => said.set(text, [...(said.get(text) || []), r])));
  for (const [text, of] of said)
    add(page, "p", many && of.length < runs.length ? `${few(of.map((r) => labels[r]))}: ${text}` : text, "note");
  if (!data.skipped.length) return;
  const note = add(page, "div", null, "note");
  add(note, "b", `Left out: ${data.skipped.length} of ${data.skipped.length + runs.length} runs`);
  const list = add(note, "ul");
  for (const one of data.skipped) add(list, "li", one.reason.includes(one.folder) ? one.reason : `${one.folder}: ${one.reason}`);
}

const titles = { "labels.cell_type.accuracy": "cell types read back", "overlap.exact": "texts equal to the letter", "overlap.bleu_4": "BLEU-4", "overlap.rouge_l_f": "ROUGE-L F" };
function cards() {
  const box = add(page, "div", null, "cards");
  for (const s of mainScores) {
    const r = best(s, everyRun);
    if (!titles[fullName(s)] || r === null) continue;
    const card = add(box, "div", null, "card"), [value, low, high] = numbersOf(r, s);
    add(card, "b", percent(value));
    add(card, "span", many ? `${titles[fullName(s)]}, best of all` : titles[fullName(s)]);
    if (low !== undefined) add(card, "div", `${percent(low)} to ${percent(high)}`, "soft");
    const tied = allBest(s, everyRun).length - 1;
    if (many) add(card, "div", labels[r] + (tied ? ` and ${tied} more` : ""), "soft");
  }
}

// A value with its interval below.
function scoreCell(row, r, s, system = 0, name = "") {
  const cell = sortedBy(add(row, "td", null, name), valueOf(r, s, system)), numbers = numbersOf(r, s, system);
  cell.title = noteOf(r, s, system) || (numbers ? "" : "not scored");
  if (!numbers) cell.textContent = "–";
  if (!numbers) return cell;
  const [value, low, high] = numbers;
  add(cell, "div", shown(s, value));
  if (low === undefined || !isShare(s)) return cell;
  const digits = high - low < 0.03 ? 1 : 0;  // a narrow one would round to nothing
  add(cell, "div", `${shown(s, low, digits)}–${shown(s, high, digits)}`, "soft interval");
  return cell;
}

function csv() {
  const quoted = (x) => /[",\r\n]/.test(x) ? `"${String(x).replace(/"/g, '""')}"` : String(x);
  const head = ["run", "folder", "system", "seed", ...data.axes.map((column) => column.key)];
  for (const s of scored) head.push(fullName(s), fullName(s) + ".low", fullName(s) + ".high");
  const rows = [head];
  runs.forEach((run, r) => run.systems.forEach((system, i) => {
    const row = [labels[r], run.folder, system.name, run.seed, ...data.axes.map((column) => textOf(column, r))];
    for (const s of scored) { const [value = "", low = "", high = ""] = system.values[s] || []; row.push(value, low, high); }
    rows.push(row);
  }));
  return rows.map((row) => row.map(quoted).join(",") + "\r\n").join("");
}
function csvButton(parent) {
  const button = add(parent, "button", "Download as CSV", "button");
  button.type = "button";
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = `${data.name.replace(/[^\w.-]+/g, "_")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// The groups of scores that a table can show: the main ones, those of a kind, all.
function scoreGroups() {
  const groups = new Map([["main scores", mainScores]]);
  for (const s of scored) {
    const name = fullName(s).slice(0, fullName(s).lastIndexOf("."));
    groups.set(name, [...(groups.get(name) || []), s]);
  }
  return [...groups.set("all scores", scored)];
}

// A long name that may be broken behind its dots.
function breakable(parent, name) {
  name.split(/(?<=\.)/).forEach((part, i) => { if (i) add(parent, "wbr"); parent.append(part); });
}

function runsTable(box, columns) {
  const table = add(scrolling(box, runs.length > 15 ? "tall" : ""), "table", null, "scores runs");
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  add(head, "th", "run", "name");
  data.axes.forEach((column, a) => { add(head, "th", axisNames[a], "text").title = [column.key, ...column.with].join(", "); });
  if (seeds.length > 1) add(head, "th", "seed");
  columns.forEach((s, i) => breakable(add(head, "th", null, i ? "" : "first"), fullName(s)));
  const bestOf = new Map(columns.map((s) => [s, new Set(data.scores[s].tells_of_one ? [] : allBest(s, everyRun))]));
  const bestOfAxis = data.axes.map((column) => new Set(column.texts.flatMap((_, v) => allBest(focus.score, everyRun.filter((r) => column.of[r] === v)))));
  ranked(focus.score).forEach((r) => {
    const row = add(body, "tr");
    const name = add(row, "th", null, "name");
    name.scope = "row";
    add(name, "span", data.grid ? folderName(runs[r]) : labels[r]).title = runs[r].folder;  // the axes' columns say the rest
    data.axes.forEach((column, a) => {
      const cell = add(row, "td", textOf(column, r), "text"), text = textOf(column, r);
      if (text.trim() !== "" && Number.isFinite(Number(text))) sortedBy(cell, Number(text));
      else cell.dataset.text = text;
      if (bestOfAxis[a].has(r)) add(cell, "span", " ★", "star").title = `best run with this value, by ${fullName(focus.score)}`;
    });
    if (seeds.length > 1) sortedBy(add(row, "td", runs[r].seed), runs[r].seed);
    columns.forEach((s, i) => scoreCell(row, r, s, 0, (i ? "" : "first") + (bestOf.get(s).has(r) ? " best" : "")));
  });
  if (data.skipped.length) {
    const foot = add(table, "tfoot");
    for (const one of data.skipped) {
      const cell = add(add(foot, "tr"), "td", `${one.folder}: left out, see above`, "text soft");
      cell.colSpan = head.cells.length;
    }
  }
  sortable(table);
}

function allRuns() {
  add(page, "h2", "All runs");
  add(page, "p", "In percent; the small numbers are 95% intervals by bootstrap, over donors where two are known, else over cells. Bold: the best of a column. " +
    (data.axes.length ? "★: the best run with this value of the axis, by the score that runs are judged by. " : "") + "A click on a title sorts.", "soft");
  const bar = add(page, "div", null, "bar"), groups = scoreGroups();
  let columns = mainScores;
  chooseScore(bar);
  const box = add(page, "div"), draw = () => { clear(box); runsTable(box, columns); };
  choice(bar, "Show", groups.map(([name], i) => [i, name]), 0, (i) => { columns = groups[i][1]; draw(); });
  csvButton(bar);
  focus.listeners.push({ keys: ["score"], draw });
  draw();
}
