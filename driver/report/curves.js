// Learning curves: of one run training and validation in one plot, of many a plot each.
const palette = (n) => color(`--c${n % 8}`);
const dash = (n) => n < 8 ? [] : n < 16 ? [6, 3] : [2, 2];

// What lines are coloured by: each run where they are few, or the values of an axis, or the seed.
function colourings() {
  const list = data.axes.map((column, a) => {
    const names = valuesOf(column);
    return { name: axisNames[a], names, of: everyRun.map((r) => names.indexOf(textOf(column, r))) };
  });
  if (seeds.length > 1) list.push({ name: "seed", names: seeds.map(String), of: runs.map((run) => seeds.indexOf(run.seed)) });
  const byRun = { name: "run", names: labels, of: everyRun };
  if (runs.length <= 8 || !list.length) list.unshift(byRun); else list.push(byRun);
  return list;
}

// A logarithmic axis that spans less than a decade is mostly empty.
const lossAxis = (() => {
  const all = runs.flatMap((run) => [run.training, run.validated].flatMap(([, loss]) => loss)).filter((x) => x > 0);
  return all.length && all.reduce((a, b) => Math.max(a, b)) > 4 * all.reduce((a, b) => Math.min(a, b)) ? "logarithmic" : "linear";
})();

function lossPlot(box, title, height, sets) {
  plot(box, title, height, () => ({
    type: "line",
    data: { datasets: sets() },
    options: {
      animation: false, maintainAspectRatio: false, parsing: false, normalized: true, interaction: { mode: "nearest", intersect: false },
      scales: { x: axis("step", "linear"), y: axis("loss", lossAxis) },
      plugins: { legend: { display: !many, labels: { color: color("--ink") } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.parsed.y.toPrecision(4)}`, title: (items) => items.length ? `step ${items[0].parsed.x}` : "" } } }
    }
  }));
}
const points = ([steps, loss]) => steps.map((x, i) => ({ x, y: loss[i] }));

function learningCurves() {
  add(page, "h2", many ? "Learning curves" : "Learning curve");
  add(page, "p", `Cross-entropy per description token${lossAxis === "linear" ? "" : ", on a logarithmic scale"}. Steps are a running mean over 10.`, "soft");
  if (!many)
    return lossPlot(page, "Learning curve", 300, () => [
      { label: "training", data: points(runs[0].training), borderColor: color("--soft"), borderWidth: 1.5, pointRadius: 0 },
      { label: "validation", data: points(runs[0].validated), borderColor: color("--accent"), backgroundColor: color("--accent"), borderWidth: 2, pointRadius: 3 }]);
  const bar = add(page, "div", null, "bar"), box = add(page, "div"), ways = colourings();
  const draw = (way) => {
    clear(box);
    const legend = add(box, "div", null, "legend");
    if (way.names.length <= 24)
      way.names.forEach((name, n) => { add(legend, "span", name).style.setProperty("--key", `var(--c${n % 8})`); });
    const sets = (part, radius) => () => runs.map((run, r) => {
      const n = way.of[r];
      return { label: labels[r], data: points(run[part]), borderColor: palette(n), backgroundColor: palette(n), borderDash: dash(n), borderWidth: radius ? 1.5 : 1, pointRadius: radius };
    });
    const plots = add(box, "div", null, "plots");
    for (const [part, title, radius] of [["training", "Training", 0], ["validated", "Validation", 2]]) {
      if (!runs.some((run) => run[part][0].length)) continue;
      const one = add(plots, "div");
      add(one, "h3", title);
      lossPlot(one, `${title} loss of all runs`, 320, sets(part, radius));
    }
  };
  choice(bar, "Colours by", ways.map((way, i) => [i, way.name]), 0, (i) => draw(ways[i]));
  draw(ways[0]);
}
