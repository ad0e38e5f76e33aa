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

add(page, "h2", "Parts");
plainTable(page, ["part", "cells", "share", "donors", "cell types", "tissues", "diseases"],
  data.parts.map((p) => [p.part, p.cells, percent(p.cells / cells), p.donors, p.cell_types, p.tissues, p.diseases]));
if (data.diversity.length) {
  add(page, "h2", "Diversity");
  add(page, "p", "Shannon entropy of a label over its largest possible value: before and after sampling. The paper has .7470 to .8431 for cell types, .6106 to .7035 for tissues, .3479 to .4957 for diseases.", "soft");
  plainTable(page, ["label", "before", "after", "values before", "values after"],
    data.diversity.map((d) => [spoken(d.label), d.before.toFixed(4), d.after.toFixed(4), d.categories_before, d.categories_after]));
}

function section(title, about, labels, counts, horizontal, axisTitle) {
  add(page, "h2", title);
  add(page, "p", about, "soft");
  bars(page, title, labels, counts, horizontal, axisTitle);
}
for (const one of data.histograms)
  if (one.numbers) section(capital(one.what), `${spread(one)}; ${whole(one.numbers)} cells looked at.`, classNames(one), one.counts, false, one.what);
for (const [label, values] of Object.entries(data.frequencies))
  section(capital(spoken(label)), values.length > 30 ? `The 30 most frequent of ${whole(values.length)}.` : `All ${values.length}.`,
    values.slice(0, 30).map(([name]) => shortened(name)), values.slice(0, 30).map(([, n]) => n), true, "");

add(page, "h2", "How to make this again");
const details = add(page, "details");
add(details, "summary", "dataset.toml: every setting, and where the cells come from");
add(details, "pre", data.toml);
footer(page);
