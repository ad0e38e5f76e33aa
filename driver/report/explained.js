"use strict";
// What the pages of `explain` and of `describe --report` show of an explained cell: its text, and of each label which
// genes speak for it and which against it.
const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toPrecision(3);
const probability = (log) => Number(Math.exp(log).toPrecision(3)).toString();
function change(log) {
  const factor = Math.exp(log);
  return factor > 11 ? `${factor.toFixed(0)} times` : `${Number((100 * (factor - 1)).toPrecision(2))}%`;
}

// The words of each label are marked in the text, from left to right.
function markedText(parent, cell) {
  let rest = cell.text;
  for (const label of cell.labels) {
    const at = rest.indexOf(label.words);
    if (at < 0) continue;
    add(parent, "span", rest.slice(0, at));
    add(parent, "mark", label.words);
    rest = rest.slice(at + label.words.length);
  }
  add(parent, "span", rest);
}

const whatSharesAre = (cell) => `Bars are shares of the label's log probability, given the text before it: integrated gradients on the ${cell.attributed_to}. They are measured from ${cell.baseline}.`;

function labelNumbers(parent, label) {
  const compared = label.other_cells.length ? `; ${label.other_cells.length} other cells in its place change that by up to ${change(label.largest_change)}` : "";
  add(parent, "p", `Probability ${probability(label.log_probability)} for this cell, ${probability(label.baseline_log_probability)} from the baseline${compared}.`);
  if (!label.from_cell) add(parent, "p", "Does not come from the cell.", "note");
  const difference = label.log_probability - label.baseline_log_probability;
  add(parent, "p", `Shares sum to ${signed(label.sum)} of ${signed(difference)}; ${label.gap}.`, label.complete ? "soft" : "note");
}

function geneBars(parent, label, top) {
  const shown = label.genes.slice(0, top);
  plot(parent, `Genes that moved ${spoken(label.label)}`, 60 + 22 * shown.length, () => {
    const number = axis("share of the log probability", "linear"), name = axis("", "category");
    name.ticks.autoSkip = false;
    Object.assign(number.ticks, { maxTicksLimit: 7, maxRotation: 0, callback: (x) => Number(x.toPrecision(3)) });
    return {
      type: "bar",
      data: { labels: shown.map((gene) => gene.gene), datasets: [{ data: shown.map((gene) => gene.attribution), backgroundColor: shown.map((gene) => color(gene.attribution < 0 ? "--c1" : "--c0")), barPercentage: 1, categoryPercentage: 0.8 }] },
      options: { animation: false, maintainAspectRatio: false, indexAxis: "y", plugins: { legend: { display: false } }, scales: { x: number, y: name } }
    };
  });
}
