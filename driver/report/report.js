// The page, a section at a time, so that the first is read while the others are drawn.
const sections = [heading, warnings, cards, ...(many ? [allRuns] : []), learningCurves, effects, scores, confusions, frequencies, examples, settings, () => footer(page)];
function drawNext() {
  if (!sections.length) return document.body.setAttribute("data-drawn", Math.round(performance.now()));
  sections.shift()();
  setTimeout(drawNext);
}
drawNext();
