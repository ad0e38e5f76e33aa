// Where the texts of a run put each label's values, and how well it knows frequent and rare cell types.
const mostClasses = 40;

// Counts by truth and prediction of the classes that occur most; others are together, the last column is what no text
// said readably.
function denseTable(table) {
  const names = data.classes[table.classes], size = names.length, occurs = new Array(size).fill(0);
  for (let k = 0; k < table.cells.length; k += 3) {
    occurs[table.cells[k]] += table.cells[k + 2];
    if (table.cells[k + 1] < size) occurs[table.cells[k + 1]] += table.cells[k + 2];
  }
  const found = names.map((_, i) => i).filter((i) => occurs[i] > 0);
  const kept = found.length <= mostClasses ? found : [...found].sort((a, b) => occurs[b] - occurs[a]).slice(0, mostClasses).sort((a, b) => a - b);
  const place = new Map(kept.map((i, at) => [i, at])), shownNames = kept.map((i) => names[i]);
  if (kept.length < found.length) shownNames.push(`${found.length - kept.length} others`);
  const at = (i) => i === size ? shownNames.length : place.has(i) ? place.get(i) : kept.length;
  const counts = shownNames.map(() => new Array(shownNames.length + 1).fill(0));
  for (let k = 0; k < table.cells.length; k += 3) counts[at(table.cells[k])][at(table.cells[k + 1])] += table.cells[k + 2];
  return { names: shownNames, counts };
}

function matrix(box, table) {
  const { names, counts } = denseTable(table);
  const grid = add(scrolling(box), "table", null, "matrix"), head = add(add(grid, "thead"), "tr"), body = add(grid, "tbody");
  add(head, "td");
  names.forEach((name, i) => { add(head, "th", i + 1).title = name; });
  add(head, "th", "?").title = "unreadable";
  counts.forEach((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    if (total === 0) return;
    const line = add(body, "tr");
    const name = add(line, "th", null, "row");
    name.scope = "row";
    add(name, "span", `${names[i]}\u00a0\u00a0${i + 1}`);
    row.forEach((n, j) => {
      const cell = add(line, "td", n || "");
      if (n) cell.style.background = `rgba(var(--heat), ${(0.75 * n / total).toFixed(3)})`;
      if (i === j) cell.style.fontWeight = "700";
      cell.title = `${names[i]} → ${j < names.length ? names[j] : "unreadable"}: ${n} of ${total}`;
    });
  });
}

function confusions() {
  const labelsOf = [...new Set(runs.flatMap((run) => run.confusion.map((table) => table.label)))];
  for (const label of labelsOf) {
    add(page, "h2", `Where the texts put each ${spoken(label)}`);
    add(page, "p", "Rows: the truth. Columns: what the text says, by the row's number; the last one counts texts in which no known name was read.", "soft");
    chooseRun(add(page, "div", null, "bar"));
    drawnFor(["run"], page, (box) => {
      const table = runs[focus.run].confusion.find((one) => one.label === label);
      if (table) matrix(box, table); else add(box, "p", `This run has no such table: one ${spoken(label)} says nothing.`, "soft");
    });
  }
}

// Per class of a run: cells trained on (undefined where the model folder does not tell), tested, right.
function classesOf(r) {
  const table = runs[r].confusion.find((one) => one.label === "cell_type"), all = new Map();
  if (!table) return all;
  const names = data.classes[table.classes];
  for (let k = 0; k < table.cells.length; k += 3) {
    const [truth, said, n] = table.cells.slice(k, k + 3);
    const one = all.get(names[truth]) || { trained: table.trained && table.trained[truth], tested: 0, right: 0 };
    one.tested += n;
    if (truth === said) one.right += n;
    all.set(names[truth], one);
  }
  return all;
}

function frequencyPlot(box, list, of) {
  const x = (one) => Math.max(one[of], 0.5);  // none has a place on a logarithmic scale, too
  const powers = (n) => Number.isInteger(Math.log10(n)) ? whole(n) : "";
  plot(box, "Accuracy of each cell type against its frequency", 320, () => ({
    type: "scatter",
    data: { datasets: [
      { data: list.map((one) => ({ x: x(one), y: 100 * one.right / one.tested })), backgroundColor: color("--accent"), pointRadius: 5, pointHoverRadius: 7, clip: false },
      ...(many ? [{ data: list.map((one) => ({ x: x(one), y: 100 * one.mean })), borderColor: color("--soft"), backgroundColor: "transparent", pointRadius: 4, clip: false }] : [])] },
    options: {
      animation: false, maintainAspectRatio: false,
      layout: { padding: { top: 8, right: 8 } },
      scales: { x: { ...axis(of === "trained" ? "cells trained on" : "cells tested", "logarithmic"), ticks: { maxRotation: 0, color: color("--soft"), callback: powers }, min: list.some((one) => !one[of]) ? 0.4 : undefined }, y: { ...axis("accuracy, percent", "linear"), min: 0, max: 100 } },
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => {
        const one = list[item.dataIndex];
        return `${one.name}: ${item.parsed.y.toFixed(1)}%${item.datasetIndex ? " on average over runs" : ""}, ${one[of]} ${of === "trained" ? "trained on" : "tested"}`;
      } } } }
    }
  }));
}

function frequencies() {
  if (!runs.some((_, r) => classesOf(r).size)) return;
  add(page, "h2", "Accuracy of each cell type against its frequency");
  add(page, "p", "Which cell types are read back from the texts, and how many cells of each the model was trained on: at the left end those that it never saw." +
    (many ? " Filled: this run. Hollow: the mean over all runs." : ""), "soft");
  chooseRun(add(page, "div", null, "bar"));
  const every = runs.map((_, r) => classesOf(r));
  drawnFor(["run"], page, (box) => {
    const list = [...every[focus.run]].map(([name, one]) => {
      const shares = every.filter((run) => run.has(name)).map((run) => run.get(name).right / run.get(name).tested);
      return { name, ...one, mean: shares.reduce((a, b) => a + b, 0) / shares.length };
    });
    if (!list.length) return add(box, "p", "This run has no table of cell types.", "soft");
    list.sort((a, b) => b.tested - a.tested);
    const trained = list.some((one) => one.trained !== undefined);
    if (!trained) add(box, "p", "The run's model folder is gone, so that only the tested cells are counted.", "soft");
    frequencyPlot(box, list, trained ? "trained" : "tested");
    const table = add(scrolling(box, "tall"), "table", null, "types"), head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
    for (const title of ["cell type", ...(trained ? ["trained on"] : []), "tested", "right", "accuracy", ...(many ? ["mean of all runs"] : [])]) add(head, "th", title);
    for (const one of list) {
      const row = add(body, "tr"), number = (x, text) => sortedBy(add(row, "td", text, "number"), x);
      add(row, "td", one.name);
      if (trained) number(one.trained, whole(one.trained));
      number(one.tested, whole(one.tested));
      number(one.right, whole(one.right));
      number(one.right / one.tested, percent(one.right / one.tested));
      if (many) number(one.mean, percent(one.mean));
    }
    sortable(table);
  });
}
