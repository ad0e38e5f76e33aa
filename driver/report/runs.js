"use strict";
// The runs of the page: what they are called, their scores, what was varied, what is looked at. See report_data.hpp for
// the form of the data.
const runs = data.runs, many = runs.length > 1;
const seeds = [...new Set(runs.map((run) => run.seed))].sort((a, b) => a - b);
const textOf = (column, r) => column.texts[column.of[r]];
const shortKey = (key) => key.endsWith(".plugin") ? key.slice(0, -7) : key.slice(key.lastIndexOf(".") + 1);

// An axis by its short name, or where two would be alike by the whole one.
const axisNames = data.axes.map((one) => data.axes.filter((other) => shortKey(other.key) === shortKey(one.key)).length > 1 ? one.key : shortKey(one.key));
// The values of an axis in their order: numbers by size, others by the alphabet.
function valuesOf(column) {
  const numbers = column.texts.every((text) => text.trim() !== "" && Number.isFinite(Number(text)));
  return [...column.texts].sort(numbers ? (a, b) => a - b : undefined);
}

const folderName = (run) => run.folder.replace(/\/+$/, "").split("/").pop();
const labels = (() => {
  let made = runs.map((run, r) => {
    if (!data.grid || !data.axes.length) return run.name;
    const parts = data.axes.map((column, a) => column.key.endsWith(".plugin") ? textOf(column, r) : `${axisNames[a]} ${textOf(column, r)}`);
    return parts.join(", ") + (seeds.length > 1 ? `, seed ${run.seed}` : "");
  });
  const unclear = (list) => new Set(list.filter((text, i) => list.indexOf(text) !== i));
  let twice = unclear(made);
  made = made.map((text, r) => twice.has(text) ? `${text} (${folderName(runs[r])})` : text);
  twice = unclear(made);
  return made.map((text, r) => twice.has(text) ? `${text} #${r + 1}` : text);
})();

// Scores. `system` 0 is the model.
const fullName = (s) => data.scores[s].metric + "." + data.scores[s].name;
const numbersOf = (r, s, system = 0) => runs[r].systems[system].values[s];
const valueOf = (r, s, system = 0) => numbersOf(r, s, system) ? numbersOf(r, s, system)[0] : null;
const noteOf = (r, s, system = 0) => { const line = runs[r].systems[system].notes[s]; return line === undefined ? "" : data.lines[line]; };
const isShare = (s) => !data.scores[s].unit;
function shown(s, x, digits = 1) {
  if (x === null || x === undefined) return "–";
  return isShare(s) ? (100 * x).toFixed(digits) : `${x.toFixed(0)} ${data.scores[s].unit}`;
}
const scored = data.scores.map((_, s) => s).filter((s) => runs.some((_, r) => valueOf(r, s) !== null));
const mainNames = ["labels.cell_type.accuracy", "labels.tissue.accuracy", "labels.disease.accuracy", "overlap.exact", "overlap.bleu_4", "overlap.rouge_l_f",
  "pagerank.similarity", "pathways.jaccard"];
const mainScores = (() => {
  const found = mainNames.map((name) => scored.find((s) => fullName(s) === name)).filter((s) => s !== undefined);
  return found.length ? found : scored.filter((s) => !data.scores[s].tells_of_one).slice(0, 6);
})();
const better = (s, a, b) => data.scores[s].lower_is_better ? a < b : a > b;
// Of some runs the best by a score, or null.
function best(s, among) {
  let found = null;
  for (const r of among) if (valueOf(r, s) !== null && (found === null || better(s, valueOf(r, s), valueOf(found, s)))) found = r;
  return found;
}
// Those that share the best value.
function allBest(s, among) {
  const one = best(s, among);
  return one === null ? [] : among.filter((r) => valueOf(r, s) === valueOf(one, s));
}
const everyRun = runs.map((_, r) => r);
// Best first; runs without the score last.
function ranked(s, among = everyRun) {
  return [...among].sort((a, b) => {
    const x = valueOf(a, s), y = valueOf(b, s);
    if (x === null || y === null) return (x === null) - (y === null);
    return better(s, x, y) ? -1 : better(s, y, x) ? 1 : 0;
  });
}

// What is looked at: the score that runs are judged by, and the one run that is shown in detail. Sections that depend on
// them draw themselves again.
const focus = { score: mainScores[0], run: 0, listeners: [] };
if (focus.score !== undefined) focus.run = ranked(focus.score)[0];
function look(change) {
  Object.assign(focus, change);
  for (const listener of focus.listeners) if (Object.keys(change).some((key) => listener.keys.includes(key))) listener.draw();
}
function drawnFor(keys, parent, draw) {
  const box = add(parent, "div");
  const again = () => { clear(box); draw(box); };
  focus.listeners.push({ keys, draw: again });
  again();
}
// Choices of the same thing in several places show the same.
function focusChoice(parent, key, label, options) {
  const select = choice(parent, label, options, focus[key], (value) => look({ [key]: value }));
  focus.listeners.push({ keys: [key], draw() { select.selectedIndex = options.findIndex(([value]) => value === focus[key]); } });
}
const chooseRun = (parent) => many && focusChoice(parent, "run", "Run", ranked(focus.score ?? 0).map((r) => [r, labels[r]]));
const chooseScore = (parent) => scored.length > 1 && focusChoice(parent, "score", "Judged by", scored.map((s) => [s, fullName(s)]));

const lines = (numbers) => numbers.map((n) => data.lines[n]).join("\n");
