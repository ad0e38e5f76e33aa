"use strict";
function add(parent, tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (name) node.className = name;
  parent.appendChild(node);
  return node;
}
const percent = (x) => (100 * x).toFixed(1) + "%";
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const axis = (title, type) => ({ type, title: { display: true, text: title, color: color("--soft") }, ticks: { color: color("--soft") }, grid: { color: color("--line") } });
