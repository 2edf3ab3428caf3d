"use strict";
// What every page uses. Text from a run reaches the page as text nodes only, never as markup.

const $ = (id) => document.getElementById(id);

// As the report does: what acts instead of showing (control characters, marks that reorder text) becomes a sign.
function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu, (sign) => {
    const code = sign.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

// Plotly reads a small HTML in labels; what stands in one must stay text.
const label = (text) => visible(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.map((child) => child instanceof Node ? child : visible(child)));
  return node;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "\u2013";
  const whole = Math.round(seconds);
  if (whole < 10) return `${Number(seconds).toFixed(seconds < 1 ? 2 : 1)} s`;
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function memory(mb) {
  if (mb === null || mb === undefined) return "\u2013";
  return mb < 1000 ? `${Math.round(mb)} MB` : `${(mb / 1000).toFixed(mb < 10000 ? 2 : 1)} GB`;
}

function when(time) {
  const date = new Date(time);
  return time && !Number.isNaN(date.valueOf()) ? date.toLocaleString() : "\u2013";
}

async function ask(path, body) {
  const options = body === undefined ? {} :
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Error("The process that serves this page has ended. `tunewright studio` shows the run again.");
  }
  const found = await response.json();
  if (!response.ok) throw new Error(found.error);
  return found;
}

function tell(text) {
  const node = $("problem");
  node.hidden = !text;
  node.textContent = text ? visible(text) : "";
}
