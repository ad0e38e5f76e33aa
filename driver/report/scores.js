// One run's scores, beside its baselines, the control, and the paper.
function scoresTable(box, r) {
  const systems = runs[r].systems, rows = [], without = new Map();  // scores that have no value, by the reason
  data.scores.forEach((_, s) => {
    const full = fullName(s), dot = full.lastIndexOf("."), group = full.slice(0, dot), name = full.slice(dot + 1);
    if (valueOf(r, s) !== null) return rows.push({ s, full, group, name, paper: data.paper.scores[full] || [] });
    const reason = noteOf(r, s) || "no value", groups = without.get(reason) || new Map();
    groups.set(group, [...(groups.get(group) || []), name]);
    without.set(reason, groups);
  });
  if (systems.length > 1)
    add(box, "p", "Beside the model: " + systems.slice(1).map((one) => one.name + (one.about === one.name ? "" : ` (${one.about})`)).join(", ") +
      ". Systems that give labels alone have no scores that compare wording.", "soft");
  // Of the paper's columns those that have a number beside one of ours.
  const columns = data.paper.columns.map((_, i) => i).filter((i) => rows.some((row) => typeof row.paper[i] === "number"));
  const table = add(scrolling(box), "table", null, "scores one");
  const head = add(table, "thead"), spans = add(head, "tr"), titleRow = add(head, "tr");
  add(spans, "td", null, "name spans");
  add(spans, "th", "this run", "spans first").colSpan = systems.length;
  if (columns.length) add(spans, "th", "the paper, on other cells", "spans first").colSpan = columns.length;
  add(titleRow, "th", "score", "name");
  systems.forEach((one, i) => add(titleRow, "th", one.name, i ? "" : "first"));
  columns.forEach((column, i) => add(titleRow, "th", data.paper.columns[column], i ? "" : "first"));
  const body = add(table, "tbody");
  let group = null;
  for (const one of rows) {
    if (one.group !== group) {
      const heading = add(add(body, "tr", null, "group"), "th");
      add(heading, "span", group = one.group);
      heading.colSpan = 1 + systems.length + columns.length;
    }
    const row = add(body, "tr"), name = add(row, "th", null, "name");
    name.scope = "row";
    add(name, "span", one.group + ".", "whole");  // shown while no heading says it
    add(name, "span", one.name);
    systems.forEach((_, i) => scoreCell(row, r, one.s, i, i ? "" : "first"));
    columns.forEach((column, i) => {
      const number = one.paper[column], known = typeof number === "number";
      sortedBy(add(row, "td", known ? number.toFixed(1) : "", i ? "" : "first"), known ? number / 100 : null);
    });
  }
  sortable(table);
  for (const [reason, groups] of without) {
    const list = [...groups].map(([of, names]) => names.length < 3 ? names.map((name) => of + "." + name).join(", ") : `${names.length} of ${of}`);
    add(box, "p", `Not scored (${reason}): ${list.join(", ")}.`, "soft");
  }
}

function scores() {
  add(page, "h2", many ? "One run, beside its baselines" : "Scores");
  add(page, "p", "In percent; the small numbers are 95% intervals by bootstrap, over donors where two are known, else over cells; in each resample all systems are looked at on the same cells. " +
    "The paper's columns are of another dataset (1 million cells, 783 cell types, split by donor) and other models: a scale, not a comparison. A click on a title sorts.", "soft");
  const bar = add(page, "div", null, "bar");
  chooseRun(bar);
  if (!many) csvButton(bar);
  drawnFor(["run"], page, (box) => scoresTable(box, focus.run));
}
