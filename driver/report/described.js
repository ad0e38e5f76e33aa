// The page of `cell2text describe --report`.
document.title = `Cell2Text: ${data.file}`;
const nameOf = (type) => type === "" ? "no readable cell type" : type;
const named = data.types.map(([type]) => nameOf(type));
const mostColours = 7;  // the eighth is everything else
const colourOf = (n) => color(`--c${Math.min(n, mostColours)}`);

function heading() {
  add(page, "h1", data.file);
  add(page, "p", `${whole(data.cells)} cells, described by ${data.model} (${data.model_hash.slice(0, 12)}).`, "soft");
  const cards = add(page, "div", null, "cards");
  const card = (number, text) => { const box = add(cards, "div", null, "card"); add(box, "b", number); add(box, "span", text, "soft"); };
  card(whole(data.cells), "cells described");
  card(whole(data.types.filter(([type]) => type !== "").length), "cell types found");
  for (const one of data.confidences) if (one.label === "cell_type") card(one.mean.toFixed(2), "mean confidence of the cell type");
  const doubtful = data.cells - (data.statuses.ok ?? 0);
  card(percent(doubtful / Math.max(data.cells, 1)), "cells with a status other than ok");
}

const statusWords = {
  ok: "described", no_counts: "no counts at all: no text", few_known_genes: "fewer than 20 genes that the encoder knows",
  unreadable: "no known cell type can be read from the text", truncated: "the text was cut at its longest length"
};
function statuses() {
  add(page, "h2", "What became of the cells");
  plainTable(page, ["status", "meaning", "cells"], Object.entries(data.statuses).map(([name, n]) => [name, statusWords[name] ?? "", n]));
}

function findings() {
  add(page, "h2", "The file, as the doctor sees it");
  const told = data.findings.filter((one) => one.severity !== "ok");
  if (!told.length) return add(page, "p", "Nothing to remark: raw counts, known genes, one species.", "soft");
  for (const one of told) {
    const box = add(page, "div", null, one.severity === "note" ? "soft" : "note");
    add(box, "span", `${capital(one.severity)}: ${one.found}.`);
    for (const [key, title] of [["expected", "Expected"], ["fix", "What to do"]])
      if (one[key]) add(box, "p", `${title}: ${one[key]}.`);
  }
}

function plane(parent, title, sets) {
  const box = add(parent, "div");
  add(box, "h3", title);
  plot(box, `${title}, on the UMAP of the file`, 420, () => ({
    type: "scatter",
    data: { datasets: sets().map((set) => ({ ...set, pointRadius: data.umap.x.length > 5000 ? 1.2 : 2, pointHoverRadius: 4, borderWidth: 0 })) },
    options: { animation: false, maintainAspectRatio: false, plugins: { legend: { display: false },
      tooltip: { callbacks: { label: (item) => item.raw.text } } },
      scales: { x: axis("UMAP 1", "linear"), y: axis("UMAP 2", "linear") } }
  }));
  return box;
}
function key(parent, entries) {
  const legend = add(parent, "div", null, "legend");
  for (const [text, name] of entries) add(legend, "span", text).style.setProperty("--key", `var(${name})`);
}
function umap() {
  if (!data.umap) return;
  const { x, y, type, confidence } = data.umap;
  add(page, "h2", "On the UMAP");
  add(page, "p", x.length < data.cells ? `${whole(x.length)} of the cells, drawn at random.` : "The coordinates are those of the file, obsm[\"X_umap\"].", "soft");
  const both = add(page, "div", null, "plots");
  const all = x.map((_, i) => i), sure = (i) => confidence[i] === null ? "" : `, confidence ${confidence[i].toFixed(2)}`;
  const point = (i) => ({ x: x[i], y: y[i], text: named[type[i]] + sure(i) });
  const groupOf = (i) => Math.min(type[i], mostColours);
  const left = plane(both, "Predicted cell type", () => [...new Set(all.map(groupOf))].sort((a, b) => b - a).map((n) => ({
    label: n < mostColours ? named[n] : "others", backgroundColor: colourOf(n), data: all.filter((i) => groupOf(i) === n).map(point) })));
  key(left, [...named.slice(0, mostColours).map((name, n) => [name, `--c${n}`]), ...(named.length > mostColours ? [[`${named.length - mostColours} more`, `--c${mostColours}`]] : [])]);
  if (!confidence.some((one) => one !== null)) return;
  const steps = 10, step = (i) => confidence[i] === null ? -1 : Math.min(Math.floor(confidence[i] * steps), steps - 1);
  const right = plane(both, "Confidence of the cell type", () => [...new Set(all.map(step))].sort((a, b) => b - a).map((n) => ({
    label: n < 0 ? "none" : `${n / steps}`, backgroundColor: n < 0 ? color("--line") : sureness((n + 0.5) / steps), data: all.filter((i) => step(i) === n).map(point) })));
  const legend = add(right, "div", null, "legend");
  for (const part of [0.05, 0.35, 0.65, 0.95]) add(legend, "span", part.toFixed(2)).style.setProperty("--key", sureness(part));
}
// From the colour of warnings, unsure, to the accent, sure.
function sureness(part) {
  const parse = (text) => text.match(/[0-9a-f]{2}/gi).map((two) => parseInt(two, 16));
  const from = parse(color("--c1")), to = parse(color("--c0"));
  return `rgb(${from.map((a, i) => Math.round(a + (to[i] - a) * part)).join(", ")})`;
}

function types() {
  add(page, "h2", "Cell types");
  const shown = data.types.slice(0, 30);
  add(page, "p", data.types.length > 30 ? `The 30 most frequent of ${data.types.length}.` : "As the texts name them.", "soft");
  bars(page, "Cells of each predicted type", shown.map(([type]) => shortened(nameOf(type))), shown.map(([, n]) => n), true, "");
}

function composition() {
  for (const one of data.composition) {
    add(page, "h2", `Composition by ${one.column}`);
    add(page, "p", one.groups.length < one.values ? `The ${one.groups.length} values with most cells, of ${whole(one.values)}.` : "Shares of the predicted cell types.", "soft");
    const names = one.groups.map((group) => `${group.name ?? "(missing)"} (${whole(group.cells)})`);
    const share = (group, n) => n < mostColours ? (group.types[data.types[n]?.[0]] ?? 0) / group.cells
      : 1 - data.types.slice(0, mostColours).reduce((sum, [type]) => sum + (group.types[type] ?? 0), 0) / group.cells;
    const sets = Math.min(named.length, mostColours + 1);
    plot(page, `Composition by ${one.column}`, 70 + 22 * names.length, () => {
      const x = { ...axis("share of cells", "linear"), stacked: true, max: 1, min: 0 }, y = { ...axis("", "category"), stacked: true };
      y.ticks.autoSkip = false;
      return { type: "bar",
        data: { labels: names.map((name) => shortened(name, 30)), datasets: [...Array(sets).keys()].map((n) => ({
          label: n < mostColours ? named[n] : "others", backgroundColor: colourOf(n), data: one.groups.map((group) => share(group, n)) })) },
        options: { animation: false, maintainAspectRatio: false, indexAxis: "y", scales: { x, y },
          plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${percent(item.raw)}` } } } } };
    });
    key(page, [...Array(sets).keys()].map((n) => [n < mostColours ? named[n] : "others", `--c${n}`]));
  }
}

function confidences() {
  if (!data.confidences.length) return;
  add(page, "h2", "How sure the model is");
  add(page, "p", "Probability of the label that the text has, among all labels that the model knows; of the cells whose text has one.", "soft");
  const plots = add(page, "div", null, "plots");
  for (const one of data.confidences) {
    const box = add(plots, "div");
    add(box, "h3", `${capital(spoken(one.label))}: mean ${one.mean.toFixed(3)}`);
    bars(box, `Confidence of the ${spoken(one.label)}`, one.cells.map((_, i) => (i / one.cells.length).toFixed(2)), one.cells, false, "confidence, from");
  }
}

function genes() {
  if (!data.genes.numbers) return;
  add(page, "h2", "Genes used per cell");
  add(page, "p", `${spread(data.genes)}. What reaches the language model of each cell.`, "soft");
  bars(page, "Genes used per cell", classNames(data.genes), data.genes.counts, false, "genes");
}

function least() {
  if (!data.least.length) return;
  add(page, "h2", "The least certain cells");
  const explained = data.least.find((one) => one.explanation);
  if (explained) add(page, "p", `${whatSharesAre(explained.explanation)} Right speaks for the label, left against it.`, "soft");
  for (const one of data.least) {
    const box = add(page, "div", null, "example");
    add(box, "span", `${one.cell}: ${nameOf(one.cell_type)}, confidence ${one.confidence.toFixed(3)}`, "who");
    if (one.explanation) markedText(add(box, "p"), one.explanation);
    else add(box, "p", one.text);
    if (one.best) add(box, "p", `Most probable: ${one.best}`, "soft");
    if (one.explanation) why(box, one.explanation);
  }
}

// Which genes moved each label that comes from the cell; of others the shares say nothing.
function why(box, cell) {
  if (!cell.labels.length) return add(box, "p", "The text names no label that could be explained.", "soft");
  if (cell.labels.every((label) => label.label !== "cell_type"))
    add(box, "p", "The text's cell type is none that the model was trained on: there is nothing to explain of it.", "soft");
  const unrelated = cell.labels.filter((label) => !label.from_cell);
  if (unrelated.length)
    add(box, "p", `${unrelated.map((label) => `${capital(spoken(label.label))} “${label.value}” (probability ${probability(label.log_probability)})`).join(", ")}: not from the cell, as none of ${unrelated[0].other_cells.length} other cells in its place changes the probability by a tenth.`, "soft");
  const plots = add(box, "div", null, "plots");
  for (const label of cell.labels.filter((label) => label.from_cell)) {
    const part = add(plots, "div");
    add(part, "h3", `${capital(spoken(label.label))}: ${label.value}`);
    geneBars(part, label, cell.top);
    add(part, "p", `All other genes: ${signed(label.rest)}.`, "soft");
    labelNumbers(part, label);
  }
}

for (const draw of [heading, findings, statuses, umap, types, composition, confidences, genes, least]) draw();
footer(page);
document.body.setAttribute("data-drawn", Math.round(performance.now()));
