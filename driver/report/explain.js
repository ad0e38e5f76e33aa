// The page of `cell2text explain`: of each label, which genes speak for it and which against it.
document.title = `${data.cell}: why`;
add(page, "h1", `Why this word? ${data.cell}`);
add(page, "p", `Row ${data.row}; model ${data.model}. ${data.text_given ? "The text was given" : "The text is what the model writes of the cell"}:`, "soft");
markedText(add(page, "p", null, "example"), data);

const unrelated = data.labels.filter((label) => !label.from_cell);
if (unrelated.length) {
  const about = unrelated.length === data.labels.length ? "The text does not come from the cell" : "Not from the cell";
  add(page, "p", `${about}: ${unrelated.map((label) => `${spoken(label.label)} “${label.value}”`).join(", ")}. None of ${unrelated[0].other_cells.length} other cells in its place changes the probability by a tenth, so that the genes below say little.`, "note");
}
add(page, "p", whatSharesAre(data), "soft");

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
  add(page, "h2", `${capital(spoken(label.label))}: ${label.value}`);
  labelNumbers(page, label);
  geneBars(page, label, data.top);
  genes(label);
}
footer(page);
document.body.dataset.drawn = Math.round(performance.now());
