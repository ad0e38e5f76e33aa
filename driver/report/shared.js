"use strict";
// What pages share: elements, charts that follow the colour scheme, tables that sort.
const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");

function add(parent, tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (name) node.className = name;
  parent.appendChild(node);
  return node;
}
const percent = (x) => (100 * x).toFixed(1) + "%";
const whole = (n) => n.toLocaleString("en");
const spoken = (label) => label.replace(/_/g, " ");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const axis = (title, type) => ({ type, title: { display: true, text: title, color: color("--soft") }, ticks: { color: color("--soft") }, grid: { color: color("--line") } });

// Wide things scroll in a box of their own, by the keyboard too.
function scrolling(parent, name) {
  const box = add(parent, "div", null, name ? "scroll " + name : "scroll");
  box.tabIndex = 0;
  return box;
}

// A chart; `configuration` makes it anew when the colour scheme changes.
const charts = [];
function plot(parent, about, height, configuration) {
  const box = add(parent, "div", null, "chart");
  box.style.height = `${height}px`;
  const canvas = add(box, "canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", about);
  const one = { canvas, chart: null, draw() { if (one.chart) one.chart.destroy(); one.chart = new Chart(canvas, configuration()); } };
  charts.push(one);
  one.draw();
  return one;
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((one) => one.draw()));

function clear(box) {
  for (let i = charts.length - 1; i >= 0; --i)
    if (box.contains(charts[i].canvas)) charts.splice(i, 1)[0].chart.destroy();
  box.replaceChildren();
}

// A labelled choice among [value, text].
function choice(parent, label, options, chosen, change) {
  const wrap = add(parent, "label", label + " ", "choice"), select = add(wrap, "select");
  for (const [value, text] of options) {
    const option = add(select, "option", text);
    option.value = value;
    option.selected = value === chosen;
  }
  select.addEventListener("change", () => change(options[select.selectedIndex][0]));
  return select;
}

// Puts a number that a table sorts by beside what a cell shows; null sorts last.
function sortedBy(cell, number) {
  cell.dataset.sort = number === null || number === undefined ? "" : number;
  return cell;
}
// Titles of the last row of the head become buttons: largest first, smallest first, as it was. Headings between rows
// (tr.group) make no sense in another order and go meanwhile.
function sortable(table) {
  const head = table.tHead.rows[table.tHead.rows.length - 1], body = table.tBodies[0], original = [...body.rows];
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.sort === undefined) return cell.dataset.text ?? cell.textContent;
    return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  [...head.cells].forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.appendChild(button);
    button.addEventListener("click", () => {
      const before = title.getAttribute("aria-sort");
      const numbers = original.some((row) => !row.classList.contains("group") && typeof keyOf(row, column) === "number");
      const [first, second] = numbers ? ["descending", "ascending"] : ["ascending", "descending"];
      const now = before === null ? first : before === first ? second : null;
      for (const other of head.cells) other.removeAttribute("aria-sort");
      if (now === null) return body.replaceChildren(...original);
      title.setAttribute("aria-sort", now);
      const rows = original.filter((row) => !row.classList.contains("group")).map((row) => [keyOf(row, column), row]);
      const sign = now === "ascending" ? 1 : -1;
      rows.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b));
      body.replaceChildren(...rows.map(([, row]) => row));
    });
  });
  return table;
}

// A table of texts and whole numbers.
function plainTable(parent, titles, rows) {
  const table = add(scrolling(parent), "table");
  const head = add(add(table, "thead"), "tr");
  for (const title of titles) add(head, "th", title);
  const body = add(table, "tbody");
  for (const values of rows) {
    const row = add(body, "tr");
    for (const value of values) add(row, "td", typeof value === "number" ? whole(value) : value, typeof value === "number" ? "number" : "");
  }
  return table;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const shortened = (text, most = 46) => text.length > most ? text.slice(0, most - 1) + "…" : text;

// Cells of each label, as bars; `horizontal` where the labels are names.
function bars(parent, about, labels, counts, horizontal, axisTitle) {
  return plot(parent, about, horizontal ? 60 + 20 * labels.length : 300, () => {
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

// The names of a histogram's classes.
const classNames = (one) => one.counts.map((_, i) => one.width === 1 ? `${one.first + i}` : `${one.first + i * one.width}–${one.first + (i + 1) * one.width - 1}`);
const spread = (one) => `Mean ${one.mean.toFixed(1)}, from ${whole(one.smallest)} to ${whole(one.largest)}`;

function footer(parent) {
  add(parent, "p", "Plots: Chart.js (MIT), part of this page. Nothing is loaded from the network.", "soft");
}
