// The page's parts: elements, choices, bars, heat maps, tables, dot strips, the tooltip. Text goes in as text nodes only.
"use strict";

/** h("p.note", {title: "x"}, "text", child...): an element. A null child is left out. */
function h(kind, props, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = document.createElement(tag);
  if (classes.length > 0) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props || {})) {
    if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

const tip = {
  show(text, at) {
    const box = document.getElementById("tip");
    box.textContent = text;
    box.hidden = false;
    const place = at.getBoundingClientRect();
    const left = Math.min(Math.max(8, place.left + place.width / 2 - box.offsetWidth / 2), innerWidth - box.offsetWidth - 8);
    const above = place.top - box.offsetHeight - 8;
    box.style.left = `${left}px`;
    box.style.top = `${above > 56 ? above : place.bottom + 8}px`;
  },
  hide() { document.getElementById("tip").hidden = true; },
};
document.addEventListener("keydown", (e) => { if (e.key === "Escape") tip.hide(); });
document.addEventListener("scroll", () => tip.hide(), { passive: true });

/** A row of radio buttons: options are [value, label] pairs; the first is chosen. */
let choicesMade = 0;
function choice(label, options, changed) {
  choicesMade += 1;
  const name = `choice-${choicesMade}`;
  return h("fieldset.choice", { "aria-label": label }, options.map(([value, text], i) =>
    h("label", {}, h("input", { type: "radio", name, value, checked: i === 0, onchange: () => changed(value) }), text)));
}

/** A panel that is drawn again when one of its choices changes: pick = {name: value}. */
function panel(choices, draw) {
  const pick = {};
  const body = h("div.panel-body");
  const redraw = () => { tip.hide(); body.replaceChildren(draw(pick)); };
  const controls = choices.filter((c) => c.options.length > 1).map((c) =>
    choice(c.label, c.options, (value) => { pick[c.name] = value; redraw(); }));
  for (const c of choices) pick[c.name] = c.options[0][0];
  redraw();
  return { controls: h("div.choices", {}, controls), body };
}

/** Horizontal bars that read as a table. rows: {label, value, text, share, warm}. */
function bars(rows, name) {
  const most = Math.max(1, ...rows.map((r) => r.value));
  return h("div.bars", { role: "table", "aria-label": name }, rows.map((r) =>
    h("div" + (r.value === 0 ? ".none" : "") + (r.warm ? ".warm" : ""), { role: "row" },
      h("span.label", { role: "rowheader" }, r.label),
      h("span.track", { "aria-hidden": "true" }, h("div.fill", { style: { width: `${(100 * r.value) / most}%` } })),
      h("span.number", { role: "cell" }, r.text),
      h("span.number", { role: "cell" }, r.share))));
}

/**
 * A heat map on a grid, dark by the logarithm of the value. rows and columns are labels ("" for none);
 * cell(row, column) gives {value, text, warm} or null. Arrow keys walk over its cells.
 */
function heat({ rows, columns, cell, rowAxis, columnAxis, name, split, cellSize }) {
  const cells = rows.map((_, r) => columns.map((__, c) => cell(r, c)));
  const most = Math.max(1, ...cells.flat().map((c) => (c ? c.value : 0)));
  const level = (v) => `${Math.round(14 + 86 * (most > 1 ? Math.log(Math.max(1, v)) / Math.log(most) : 1))}%`;
  const width = cellSize ? `minmax(10px, ${cellSize})` : "minmax(4px, 1fr)";
  const parts = columns.map((_, c) => (c === split ? "12px " : "") + width).join(" ");
  const grid = h("div.heat", { role: "grid", "aria-label": name, style: { "grid-template-columns": `max-content ${parts}` } });
  const place = (c) => c + 2 + (split !== undefined && c >= split ? 1 : 0);
  const boxes = cells.map((row, r) => {
    const line = h("div", { role: "row", style: { display: "contents" } },
      h("span.row-label", { role: "rowheader", style: { "grid-row": r + 1, "grid-column": 1 } }, rows[r]));
    const drawn = row.map((c, at) => {
      const on = c && c.value > 0;
      const box = h("span.cell" + (on ? ".on" : "") + (on && c.warm ? ".warm" : ""), {
        role: "gridcell", tabindex: -1, "aria-label": on ? c.text : null,
        style: { "grid-row": r + 1, "grid-column": place(at), ...(on ? { "--level": level(c.value) } : {}) },
        onmouseenter: (e) => on && tip.show(c.text, e.target), onmouseleave: tip.hide,
        onfocus: (e) => (on ? tip.show(c.text, e.target) : tip.hide()), onblur: tip.hide,
      });
      line.append(box);
      return box;
    });
    grid.append(line);
    return drawn;
  });
  columns.forEach((label, c) => label && grid.append(
    h("span.column-label" + (c === columns.length - 1 && split !== undefined ? ".last" : ""), { style: { "grid-row": rows.length + 1, "grid-column": place(c) } }, label)));
  if (columnAxis) grid.append(h("span.axis", { style: { "grid-row": rows.length + 2, "grid-column": "2 / -1" } }, columnAxis));
  const first = boxes.flat().find((b) => b.classList.contains("on"));
  if (first) first.tabIndex = 0;
  grid.addEventListener("keydown", (e) => walk(e, boxes));
  return h("div", {}, rowAxis && h("div.note", {}, rowAxis), grid,
    h("div.scale", {}, "1", h("i"), `${shortCount(most)} (logarithmic)`));
}

function walk(e, boxes) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
  if (!steps) return;
  const r = boxes.findIndex((row) => row.includes(e.target));
  if (r < 0) return;
  const to = (boxes[r + steps[0]] || [])[boxes[r].indexOf(e.target) + steps[1]];
  if (!to) return;
  e.preventDefault();
  e.target.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** columns: {label, number, key(row), show(row)}. A click on a heading sorts by it. Long tables begin short. */
function table(columns, rows, { name, limit = 20, chosen, sortable = true } = {}) {
  let sorted = rows, open = rows.length <= limit + 3;
  const body = h("tbody");
  const kindOf = (c) => (c.number ? ".number" : c === columns[0] ? "" : ".wide");
  const fill = () => body.replaceChildren(...(open ? sorted : sorted.slice(0, limit)).map((row) =>
    h(chosen && chosen(row) ? "tr.chosen" : "tr", {}, columns.map((c) =>
      h("td" + kindOf(c) + (c.strip ? ".strip" : ""), {}, c.show(row))))));
  const heads = columns.map((c) => h("th" + kindOf(c), { scope: "col" },
    sortable && c.key ? h("button", { type: "button", onclick: () => sort(c) }, c.label) : c.label));
  function sort(c) {
    const head = heads[columns.indexOf(c)];
    const down = head.getAttribute("aria-sort") !== "descending";
    heads.forEach((x) => x.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    sorted = [...rows].sort((a, b) => (down ? -1 : 1) * order(c.key(a), c.key(b)));
    fill();
  }
  fill();
  const more = !open && h("button.more", { type: "button", onclick: (e) => { open = true; fill(); e.target.remove(); } },
    `Show all ${count(rows.length)}`);
  return h("div", {}, h("div.scroll", {}, h("table", { "aria-label": name },
    h("thead", {}, h("tr", {}, heads)), body)), more || null);
}

/** A number and, beside it, a bar for its share of `whole`. */
const meter = (text, part, whole) => [h("span.amount", {}, text), h("span.meter", { "aria-hidden": "true" },
  h("i", { style: { width: `${whole > 0 && part > 0 ? Math.min(100, (100 * part) / whole) : 0}%` } }))];

/** Dots on a line from `from` to `to`: marks are {at, kind: "dot" | "hollow" | "small" | "middle", text}. */
function strip(marks, from, to, name) {
  const left = (v) => `${to > from ? (100 * (v - from)) / (to - from) : 50}%`;
  const known = marks.filter((m) => Number.isFinite(m.at));
  const dots = known.filter((m) => m.kind !== "middle").map((m) => m.at);
  const line = h("div.track-line", { role: "img", "aria-label": `${name}: ${known.map((m) => m.text).join(", ")}` });
  if (dots.length > 1) {
    const low = Math.min(...dots), high = Math.max(...dots);
    line.append(h("span.span", { style: { left: left(low), width: `calc(${left(high)} - ${left(low)})` } }));
  }
  for (const m of known) {
    line.append(h(m.kind === "middle" ? "span.middle" : m.kind === "dot" ? "i" : `i.${m.kind}`, {
      style: { left: left(m.at) }, onmouseenter: (e) => tip.show(m.text, e.target), onmouseleave: tip.hide,
    }));
  }
  return line;
}
