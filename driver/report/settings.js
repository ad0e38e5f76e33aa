// How to make the runs again: what differs between them, then everything of each.
function differencesTable(box, columns) {
  const table = add(scrolling(box, "tall"), "table", null, "differences"), head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  add(head, "th", "key", "name");
  labels.forEach((text) => add(head, "th", text));
  for (const column of columns) {
    const row = add(body, "tr");
    add(row, "th", column.key, "name").scope = "row";
    everyRun.forEach((r) => add(row, "td", textOf(column, r)));
  }
}
function unfolds(parent, title, fill) {
  const details = add(parent, "details");
  add(details, "summary", title);
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) fill(details); });
}
function wholeRun(box, r) {
  unfolds(box, "Settings, every default written out", (details) => add(details, "pre", lines(runs[r].experiment)));
  unfolds(box, "Environment", (details) => add(details, "pre", lines(runs[r].environment)));
}

function settings() {
  add(page, "h2", "How to make this again");
  if (!many) return wholeRun(page, 0);
  for (const [columns, what] of [[data.settings, "Settings"], [data.facts, "Environment"]])
    if (columns.length) unfolds(page, `${what}: ${columns.length} ${columns.length === 1 ? "key differs" : "keys differ"} between the runs`, (details) => differencesTable(details, columns));
  ranked(focus.score ?? 0).forEach((r) => unfolds(page, labels[r], (details) => {
    add(details, "p", runs[r].folder, "soft");
    wholeRun(add(details, "div", null, "inside"), r);
  }));
}
