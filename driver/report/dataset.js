"use strict";
// The page of `cell2text dataset stats`.
document.title = `Cell2Text dataset: ${data.name}`;
const cells = data.parts.reduce((sum, part) => sum + part.cells, 0);

add(page, "h1", data.name);
add(page, "p", `${whole(cells)} cells in ${data.parts.length} parts.`, "soft");
if (data.uncovered.length || data.donors_in_two_parts.length) {
  for (const one of data.uncovered) add(page, "p", `No cell of train has the ${spoken(one.label)} “${one.value}”, which ${whole(one.cells)} of ${one.part} have.`, "note");
  for (const donor of data.donors_in_two_parts) add(page, "p", `Donor ${donor} has cells in two parts.`, "note");
} else add(page, "p", "No donor is in two parts, and train has every cell type, organ and disease that validation and test have.", "soft");

function tableOf(titles, rows) {
  const table = add(scrolling(page), "table");
  const head = add(add(table, "thead"), "tr");
  for (const title of titles) add(head, "th", title);
  const body = add(table, "tbody");
  for (const values of rows) {
    const row = add(body, "tr");
    for (const value of values) add(row, "td", typeof value === "number" ? whole(value) : value, typeof value === "number" ? "number" : "");
  }
}
add(page, "h2", "Parts");
tableOf(["part", "cells", "share", "donors", "cell types", "tissues", "diseases"],
  data.parts.map((p) => [p.part, p.cells, percent(p.cells / cells), p.donors, p.cell_types, p.tissues, p.diseases]));
if (data.diversity.length) {
  add(page, "h2", "Diversity");
  add(page, "p", "Shannon entropy of a label over its largest possible value: before and after sampling. The paper has .7470 to .8431 for cell types, .6106 to .7035 for tissues, .3479 to .4957 for diseases.", "soft");
  tableOf(["label", "before", "after", "values before", "values after"],
    data.diversity.map((d) => [spoken(d.label), d.before.toFixed(4), d.after.toFixed(4), d.categories_before, d.categories_after]));
}

function bars(titleText, about, labels, counts, horizontal, axisTitle) {
  add(page, "h2", titleText);
  add(page, "p", about, "soft");
  plot(page, titleText, horizontal ? 60 + 20 * labels.length : 300, () => {
    const number = axis("cells", "linear"), name = axis(axisTitle, "category");
    number.beginAtZero = true;
    if (horizontal) name.ticks.autoSkip = false;
    return {
      type: "bar",
      data: { labels, datasets: [{ label: "cells", data: counts, backgroundColor: color("--accent"), barPercentage: 1, categoryPercentage: horizontal ? 0.8 : 0.96 }] },
      options: { animation: false, maintainAspectRatio: false, indexAxis: horizontal ? "y" : "x", plugins: { legend: { display: false } },
        scales: horizontal ? { x: number, y: name } : { x: name, y: number } }
    };
  });
}
for (const one of data.histograms) {
  if (!one.numbers) continue;
  const labels = one.counts.map((_, i) => one.width === 1 ? `${one.first + i}` : `${one.first + i * one.width}–${one.first + (i + 1) * one.width - 1}`);
  bars(one.what[0].toUpperCase() + one.what.slice(1), `Mean ${one.mean.toFixed(1)}, from ${whole(one.smallest)} to ${whole(one.largest)}; ${whole(one.numbers)} cells looked at.`,
    labels, one.counts, false, one.what);
}
for (const [label, values] of Object.entries(data.frequencies)) {
  const shown = values.slice(0, 30).map(([name]) => name.length > 46 ? name.slice(0, 45) + "…" : name);
  bars(spoken(label)[0].toUpperCase() + spoken(label).slice(1), values.length > 30 ? `The 30 most frequent of ${whole(values.length)}.` : `All ${values.length}.`,
    shown, values.slice(0, 30).map(([, n]) => n), true, "");
}

add(page, "h2", "How to make this again");
const details = add(page, "details");
add(details, "summary", "dataset.toml: every setting, and where the cells come from");
add(details, "pre", data.toml);
footer(page);
