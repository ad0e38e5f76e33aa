// The effect of an axis with the others averaged out. Matched: scores are compared within a setting of the other axes, at
// seeds at which every value of the axis was run; then averaged over seeds, then over settings.
function effectOf(a, s) {
  const column = data.axes[a], settings = new Map();
  const order = valuesOf(column).filter((value) => everyRun.some((r) => textOf(column, r) === value && valueOf(r, s) !== null));
  runs.forEach((run, r) => {
    if (valueOf(r, s) === null) return;
    const setting = JSON.stringify(data.axes.filter((_, i) => i !== a).map((other) => textOf(other, r)));
    const bySeed = settings.get(setting) || settings.set(setting, new Map()).get(setting);
    const byValue = bySeed.get(run.seed) || bySeed.set(run.seed, new Map()).get(run.seed);
    const value = textOf(column, r);
    byValue.set(value, [...(byValue.get(value) || []), valueOf(r, s)]);
  });
  const mean = (list) => list.reduce((x, y) => x + y, 0) / list.length;
  const lines = [];  // of each matched setting and value: the scores at its seeds
  for (const bySeed of settings.values()) {
    const matched = [...bySeed.values()].filter((byValue) => order.every((value) => byValue.has(value)));
    if (matched.length) lines.push(order.map((value) => matched.map((byValue) => mean(byValue.get(value)))));
  }
  const rows = order.map((value, v) => {
    const all = lines.map((line) => line[v]);
    let squares = 0, freedom = 0;
    for (const scores of all) {
      squares += scores.reduce((sum, x) => sum + (x - mean(scores)) ** 2, 0);
      freedom += scores.length - 1;
    }
    const unmatched = everyRun.filter((r) => textOf(column, r) === value && valueOf(r, s) !== null).map((r) => valueOf(r, s));
    return { value, mean: all.length ? mean(all.map(mean)) : unmatched.length ? mean(unmatched) : null,
      spread: freedom > 0 ? Math.sqrt(squares / freedom) : null, runs: all.length ? all.reduce((sum, x) => sum + x.length, 0) : unmatched.length };
  });
  return { rows, lines: lines.map((line) => line.map(mean)), settings: settings.size };
}

function effectPlot(box, a, s, effect) {
  const scale = isShare(s) ? 100 : 1, times = (x) => x === null ? null : scale * x;
  plot(box, `${axisNames[a]}: ${fullName(s)}`, 240, () => {
    const each = effect.lines.map((line) => ({ type: "line", data: line.map(times), borderColor: color("--soft") + "66", borderWidth: 1, pointRadius: 0, order: 2 }));
    const spread = { type: "bar", data: effect.rows.map((row) => row.spread === null ? null : [times(row.mean - row.spread), times(row.mean + row.spread)]),
      backgroundColor: color("--accent"), barThickness: 2, order: 1 };
    const means = { type: "line", data: effect.rows.map((row) => times(row.mean)), borderColor: color("--accent"), backgroundColor: color("--accent"), borderWidth: 2, pointRadius: 5, showLine: effect.lines.length > 0, order: 0 };
    const y = { ...axis(isShare(s) ? "percent" : data.scores[s].unit, "linear"), beginAtZero: false, grace: "10%" }, x = { ...axis(axisNames[a], "category"), offset: true };
    return { type: "line", data: { labels: effect.rows.map((row) => row.value), datasets: [means, spread, ...each] },
      options: { animation: false, maintainAspectRatio: false, scales: { x, y },
        plugins: { legend: { display: false }, tooltip: { filter: (item) => item.datasetIndex === 0, callbacks: { label: (item) => item.parsed.y.toFixed(2) } } } } };
  });
}

function effectTable(box, s, effect) {
  const table = add(scrolling(box), "table"), head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  for (const title of ["value", "mean", "to the best", "spread over seeds", "runs"]) add(head, "th", title);
  const known = effect.rows.filter((row) => row.mean !== null).map((row) => row.mean);
  const top = data.scores[s].lower_is_better ? Math.min(...known) : Math.max(...known);
  for (const one of effect.rows) {
    const row = add(body, "tr", null, one.mean === top ? "best" : "");
    const name = add(row, "td", one.value);
    if (one.value.trim() !== "" && Number.isFinite(Number(one.value))) sortedBy(name, Number(one.value));
    const number = (x, text) => sortedBy(add(row, "td", text, "number"), x);
    number(one.mean, shown(s, one.mean, 2));
    number(one.mean === null ? null : one.mean - top, one.mean === null || one.mean === top ? "–" : shown(s, one.mean - top, 2));
    number(one.spread, one.spread === null ? "–" : `± ${shown(s, one.spread, 2)}`);
    number(one.runs, one.runs);
  }
  sortable(table);
}

function effects() {
  if (!data.axes.length) return;
  add(page, "h2", "Effect of each axis");
  add(page, "p", "The others averaged out: the mean over settings of the other axes, at seeds at which every value of the axis was run, so that like is compared with like. " +
    "Thin lines: such a setting each. Bars and spread: the standard deviation over seeds within a setting. Bold: the best value.", "soft");
  chooseScore(add(page, "div", null, "bar"));
  drawnFor(["score"], page, (box) => {
    if (!runs.some((_, r) => valueOf(r, focus.score) !== null)) return;
    const plots = add(box, "div", null, "plots");
    data.axes.forEach((column, a) => {
      const one = add(plots, "div", null, "effect"), effect = effectOf(a, focus.score);
      one.dataset.axis = column.key;
      add(one, "h3", column.key);
      if (column.with.length) add(one, "p", `Changes together with ${few(column.with)}.`, "soft");
      add(one, "p", effect.lines.length ? `${effect.lines.length} of ${effect.settings} settings of the others are matched.`
        : "No setting of the others was run at every value: these are means over different settings, which may differ for other reasons than this axis.", effect.lines.length ? "soft" : "note");
      effectPlot(one, a, focus.score, effect);
      effectTable(one, focus.score, effect);
    });
  });
}
