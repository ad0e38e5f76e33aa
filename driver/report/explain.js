// The page of `cell2text explain`: of each label, which genes speak for it and which against it.
"use strict";
document.title = `${data.cell}: why`;
add(page, "h1", `Why this word? ${data.cell}`);
add(page, "p", `Row ${data.row}; model ${data.model}. ${data.text_given ? "The text was given" : "The text is what the model writes of the cell"}:`, "soft");

// The words of each label are marked in the text, from left to right.
const told = add(page, "p", null, "example");
let rest = data.text;
for (const label of data.labels) {
  const at = rest.indexOf(label.words);
  if (at < 0) continue;
  add(told, "span", rest.slice(0, at));
  add(told, "mark", label.words);
  rest = rest.slice(at + label.words.length);
}
add(told, "span", rest);

const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toPrecision(3);
const probability = (log) => Number(Math.exp(log).toPrecision(3)).toString();
function change(log) {
  const factor = Math.exp(log);
  return factor > 11 ? `${factor.toFixed(0)} times` : `${Number((100 * (factor - 1)).toPrecision(2))}%`;
}

const unrelated = data.labels.filter((label) => !label.from_cell);
if (unrelated.length) {
  const about = unrelated.length === data.labels.length ? "The text does not come from the cell" : "Not from the cell";
  add(page, "p", `${about}: ${unrelated.map((label) => `${spoken(label.label)} “${label.value}”`).join(", ")}. None of ${unrelated[0].other_cells.length} other cells in its place changes the probability by a tenth, so that the genes below say little.`, "note");
}
add(page, "p", `Bars are shares of the label's log probability, given the text before it: integrated gradients on the ${data.attributed_to}. They are measured from ${data.baseline}.`, "soft");

function bars(label) {
  const shown = label.genes.slice(0, data.top);
  plot(page, `Genes that moved ${spoken(label.label)}`, 60 + 22 * shown.length, () => {
    const number = axis("share of the log probability", "linear"), name = axis("", "category");
    name.ticks.autoSkip = false;
    return {
      type: "bar",
      data: { labels: shown.map((gene) => gene.gene), datasets: [{ data: shown.map((gene) => gene.attribution), backgroundColor: shown.map((gene) => color(gene.attribution < 0 ? "--c1" : "--c0")), barPercentage: 1, categoryPercentage: 0.8 }] },
      options: { animation: false, maintainAspectRatio: false, indexAxis: "y", plugins: { legend: { display: false } }, scales: { x: number, y: name } }
    };
  });
}

function genes(label) {
  const details = add(page, "details");
  add(details, "summary", `all ${whole(label.genes.length)} genes`);
  const table = add(scrolling(details, "tall"), "table"), head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  const dropped = label.genes.some((gene) => gene.change_without !== undefined);
  for (const title of ["gene", "id", "count", "place", "attribution", ...(dropped ? ["without it"] : [])]) add(head, "th", title);
  for (const gene of label.genes) {
    const row = add(body, "tr");
    add(row, "td", gene.gene);
    add(row, "td", gene.id, "soft");
    for (const value of [gene.count, gene.place]) sortedBy(add(row, "td", whole(value), "number"), value);
    sortedBy(add(row, "td", signed(gene.attribution), "number"), gene.attribution);
    if (dropped) sortedBy(add(row, "td", gene.change_without === undefined ? "" : signed(gene.change_without), "number"), gene.change_without);
  }
  sortable(table);
}

for (const label of data.labels) {
  add(page, "h2", `${spoken(label.label)[0].toUpperCase()}${spoken(label.label).slice(1)}: ${label.value}`);
  const compared = label.other_cells.length ? `; ${label.other_cells.length} other cells in its place change that by up to ${change(label.largest_change)}` : "";
  add(page, "p", `Probability ${probability(label.log_probability)} for this cell, ${probability(label.baseline_log_probability)} from the baseline${compared}.`);
  if (!label.from_cell) add(page, "p", "Does not come from the cell.", "note");
  const difference = label.log_probability - label.baseline_log_probability;
  add(page, "p", `Shares sum to ${signed(label.sum)} of ${signed(difference)}; ${label.gap}.`, label.complete ? "soft" : "note");
  bars(label);
  genes(label);
}
footer(page);
document.body.dataset.drawn = Math.round(performance.now());
