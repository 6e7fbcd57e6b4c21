// How blocks lie in memory: the pages they hold, as a map on a canvas, and the lines that threads share.
"use strict";

const hex = (n) => `0x${n.toString(16)}`;
/** Where in the recording: "703 ms, the peak". */
const momentName = (p, i) => `${time(p.moments[i].time_ns)}${i === p.peak ? ", the peak" : i === p.moments.length - 1 ? ", the end" : ""}`;

/** The cells of a moment: {number, pages, bytes, at}, `at` being the place in the drawing; a gap takes one place. */
function cellsOf(m) {
  const cells = [];
  let number = m.first_cell, at = 0;
  for (let i = 0; i < m.cells.length; i += 3) {
    number += m.cells[i];
    at += i > 0 && m.cells[i] > 0 ? 1 : 0;
    cells.push({ number, pages: m.cells[i + 1], bytes: m.cells[i + 2], at });
    number += 1;
    at += 1;
  }
  return cells;
}

function heldMap(p, state) {
  const canvas = h("canvas.map", { tabindex: 0, role: "img" }), readout = h("p.readout", { "aria-live": "polite" });
  let cells = [], columns = 1, size = 12, at = null;
  const moment = () => p.moments[state.moment];
  const filled = (c) => c.bytes / (c.pages * p.page_bytes);
  const describe = (c) => {
    const bytesEach = moment().pages_per_cell * p.page_bytes;
    return `from ${hex(BigInt(c.number) * BigInt(bytesEach))}\n${plural(c.pages, "page")}${moment().pages_per_cell > 1 ? ` of ${count(moment().pages_per_cell)}` : ""} held, ${bytes(c.bytes)} live\n${share(c.bytes, c.pages * p.page_bytes)} filled`;
  };
  function tell() {
    const c = at === null ? null : cells[at];
    readout.replaceChildren(...(c ? describe(c).split("\n").map((s) => h("span", {}, s)) : ["Point at a cell, or walk with the arrow keys."]));
  }
  function draw() {
    const width = Math.floor(canvas.parentElement ? canvas.parentElement.clientWidth : 0);
    if (width < 50) return;
    cells = cellsOf(moment());
    if (at !== null && at >= cells.length) at = null;
    const places = cells.length ? cells[cells.length - 1].at + 1 : 1;
    size = [22, 16, 12, 9].find((s) => Math.ceil(places / Math.floor(width / s)) * s <= 260) || 7;
    columns = Math.max(1, Math.floor(width / size));
    const height = Math.ceil(places / columns) * size, ratio = Math.min(devicePixelRatio || 1, 3);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.setAttribute("aria-label", `Map of ${plural(moment().pages, "held page")} in ${plural(cells.length, "cell")}`);
    const g = canvas.getContext("2d"), faint = colour("faint"), accent = colour("accent"), warm = colour("warm");
    const shade = (c) => (filled(c) <= p.sparse_bytes / p.page_bytes ? warm
      : `color-mix(in oklab, ${accent} ${Math.round(25 + 75 * filled(c))}%, ${faint})`);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    cells.forEach((c, i) => {
      const x = (c.at % columns) * size, y = Math.floor(c.at / columns) * size, box = size - (size > 9 ? 2 : 1);
      const part = Math.max(2, box * Math.min(1, c.pages / moment().pages_per_cell));
      g.fillStyle = faint;
      g.fillRect(x, y, box, box);
      g.fillStyle = shade(c);
      g.fillRect(x, y + box - part, box, part);
      if (i === at) {
        g.strokeStyle = colour("ink");
        g.lineWidth = 2;
        g.strokeRect(x + 0.5, y + 0.5, box - 1, box - 1);
      }
    });
    tell();
  }
  canvas.addEventListener("mousemove", (e) => {
    const place = canvas.getBoundingClientRect();
    const x = Math.floor((e.clientX - place.left) / size), y = Math.floor((e.clientY - place.top) / size);
    const c = x < columns ? cells.find((one) => one.at === y * columns + x) : undefined;
    if (!c) return tip.hide();
    const left = place.left + x * size, top = place.top + y * size;
    return tip.show(describe(c), { getBoundingClientRect: () => ({ left, top, width: size, height: size, bottom: top + size }) });
  });
  canvas.addEventListener("mouseleave", () => tip.hide());
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -cells.length, End: cells.length }[e.key];
    if (e.key === "Escape") at = null;
    else if (step && cells.length > 0) at = at === null ? 0 : Math.min(cells.length - 1, Math.max(0, at + step));
    else return;
    e.preventDefault();
    draw();
  });
  timelines.push(draw);
  return { canvas, readout, draw };
}

/** Bars of pages by how much of them is live, two sixteenths at a time. */
function fillBars(p, m) {
  const rows = Array.from({ length: 8 }, (_, i) => {
    const pages = m.pages_by_share[2 * i + 1] + m.pages_by_share[2 * i + 2] + (i === 0 ? m.pages_by_share[0] : 0);
    return { label: `${i === 0 ? "up to" : `${(100 * i) / 8} to`} ${(100 * (i + 1)) / 8} %`, value: pages, warm: (i + 1) * 512 <= p.sparse_bytes,
      text: pages ? count(pages) : "\u2013", share: pages ? share(pages, m.pages) : "" };
  });
  return bars(rows, "Pages by how much of them is live");
}

function heldOverTime(p) {
  const most = Math.max(1, ...p.moments.map((m) => m.pages)) * p.page_bytes;
  return table([
    { label: "At", key: (m) => m.time_ns, show: (m) => momentName(p, p.moments.indexOf(m)) },
    { label: "Pages held", key: (m) => m.pages, show: (m) => meter(bytes(m.pages * p.page_bytes), m.pages * p.page_bytes, most) },
    { label: "Filled", number: true, key: (m) => m.live_bytes / m.pages, show: (m) => share(m.live_bytes, m.pages * p.page_bytes) },
    { label: "Sparse", number: true, key: (m) => m.sparse_pages, show: (m) => count(m.sparse_pages) },
  ], p.moments, { name: "Pages held over time", limit: 18 });
}

function sparseSites(p) {
  const lists = [["end", "At the end"], ["peak", "At the peak"]].filter(([key]) => p[`sparse_at_${key}`].some((r) => r.function));
  if (lists.length === 0) return null;
  const pick = panel([{ name: "when", label: "When", options: lists }], ({ when }) => {
    const rows = p[`sparse_at_${when}`], most = Math.max(1, ...rows.map((r) => r.unused_bytes));
    return table([
      ...placeColumns(rows),
      { label: "Unused beside them", key: (r) => r.unused_bytes, show: (r) => meter(bytes(r.unused_bytes), r.unused_bytes, most) },
      { label: "Live", number: true, key: (r) => r.live_bytes, show: (r) => bytes(r.live_bytes) },
      { label: "Blocks", number: true, key: (r) => r.blocks, show: (r) => count(r.blocks) },
    ], rows, { name: "Who holds sparse pages", limit: 10 });
  });
  return h("div.below", {}, h("div.title", {}, h("h3", {}, "Who holds sparse pages"), pick.controls), pick.body);
}

function pages(t) {
  const p = t.pages;
  if (!p || !p.moments.some((m) => m.pages > 0)) return null;
  const state = { moment: p.peak }, map = heldMap(p, state);
  const fill = h("div"), name = h("output"), figures = h("p.note");
  const slider = h("input", { type: "range", min: 0, max: p.moments.length - 1, value: p.peak, "aria-label": "Moment", oninput: (e) => show(Number(e.target.value)) });
  function show(i) {
    state.moment = i;
    const m = p.moments[i];
    name.textContent = momentName(p, i);
    slider.setAttribute("aria-valuetext", momentName(p, i));
    figures.textContent = `${bytes(m.pages * p.page_bytes)} in ${plural(m.pages, "page")} held for ${bytes(m.live_bytes)} live: ${share(m.live_bytes, m.pages * p.page_bytes)} filled.`
      + (m.pages_per_cell > 1 ? ` A cell is ${count(m.pages_per_cell)} neighbouring pages; its height, how many are held.` : " A cell is a page.");
    fill.replaceChildren(fillBars(p, m));
    map.draw();
  }
  const all = section("pages", "Pages held", `Pages of ${bytes(p.page_bytes)} with a live block in them, by address; between cells with a gap nothing is held. Sparse pages, at most a quarter filled, are red: nearly empty, yet not free.`,
    null, h("p.moment", {}, h("label", {}, "At ", slider), name), figures, h("div.map-box", {}, map.canvas), map.readout,
    h("div.pair", {}, h("div", {}, h("h3", {}, "Pages by how much of them is live"), fill),
      h("div", {}, h("h3", {}, "From moment to moment"), heldOverTime(p))), sparseSites(p));
  show(p.peak);
  return all;
}

/** For the section on threads: lines in which blocks of two threads lie. */
function sharedLines(t) {
  const s = t.shared_lines;
  if (!s || t.threads < 2) return null;
  if (s.lines === 0) return h("p.note.below", {}, `No line of ${bytes(s.line_bytes)} held blocks of two threads at the moments that were looked at.`);
  const most = Math.max(1, ...s.pairs.map((r) => r.lines));
  const where = (o) => h("span", { title: plain(o.function || "") }, `${o.function ? plain(shortName(o.function)).slice(0, 48) : "thread"} `, h("span.note", {}, o.function ? `thread ${threadName(t, o.thread)}` : threadName(t, o.thread)));
  return h("div.below", {}, h("h3", {}, "Lines that threads share"),
    h("p.note", {}, `At ${time(s.time_ns)}, ${plural(s.lines, "line")} of ${bytes(s.line_bytes)} held live blocks that different threads allocated. If both write to theirs, each slows the other down.`),
    table([
      { label: "Lines", key: (r) => r.lines, show: (r) => meter(count(r.lines), r.lines, most) },
      { label: "One thread", key: (r) => r.one.function || "", show: (r) => where(r.one) },
      { label: "Another", key: (r) => r.other.function || "", show: (r) => where(r.other) },
    ], s.pairs, { name: "Lines that threads share", limit: 10 }));
}
