// Live bytes and allocation rate over time: two uPlot charts with one cursor.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const timelines = [];  // functions that draw the charts again, for a new width or theme
const powersOfTwo = Array.from({ length: 60 }, (_, i) => 2 ** i);

function axis(extra) {
  return { stroke: colour("soft"), font: `12px ${colour("sans")}`, grid: { show: false },
    ticks: { stroke: colour("rule"), width: 1, size: 4 }, ...extra };
}

function plotOptions(width, height, withTimes, values, paint) {
  return {
    width, height, legend: { show: false }, padding: [20, 14, withTimes ? 0 : 10, 0],
    cursor: { sync: { key: "ashlar" }, y: false, drag: { x: true, y: false, setScale: true }, points: { show: false } },
    scales: { x: { time: false }, y: { range: (u, low, high) => [0, Math.max(high, 1) * 1.08] } },
    axes: [
      axis({ show: withTimes, values: (u, at) => at.map((v) => (v === 0 ? "0" : tickTime(v))), space: 90 }),
      axis({ size: 76, space: withTimes ? 22 : 34, grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false }, ...values }),
    ],
    ...paint,
  };
}

function markPeak(u, t) {
  const { ctx } = u, ratio = devicePixelRatio;
  if (t.peak_time_ns < u.scales.x.min || t.peak_time_ns > u.scales.x.max || !(t.peak_bytes > 0)) return;
  const x = u.valToPos(t.peak_time_ns, "x", true), y = u.valToPos(t.peak_bytes, "y", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("warm");
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x, u.bbox.top + u.bbox.height);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `600 ${12 * ratio}px ${colour("sans")}`;
  const text = `peak ${bytes(t.peak_bytes)} at ${time(t.peak_time_ns)}`;
  const onLeft = x + ctx.measureText(text).width + 12 * ratio > u.bbox.left + u.bbox.width;
  ctx.textAlign = onLeft ? "right" : "left";
  ctx.textBaseline = "bottom";
  // A rim of paper keeps the words apart from grid and line.
  ctx.setLineDash([]);
  ctx.strokeStyle = colour("paper");
  ctx.lineWidth = 5 * ratio;
  ctx.lineJoin = "round";
  const at = x + (onLeft ? -9 : 9) * ratio;
  ctx.strokeText(text, at, y - 4 * ratio);
  ctx.fillText(text, at, y - 4 * ratio);
  ctx.restore();
}

/** Where the program loads a library (upwards) or lets one go (downwards): a mark on the time axis. */
function markLibraries(u, t) {
  const { ctx } = u, ratio = devicePixelRatio, foot = u.bbox.top + u.bbox.height;
  ctx.save();
  ctx.fillStyle = colour("good");
  for (const each of t.mappings ? t.mappings.libraries : []) {
    if (each.time_ns < u.scales.x.min || each.time_ns > u.scales.x.max) continue;
    const x = u.valToPos(each.time_ns, "x", true), up = each.call === "dlopen" ? 1 : -1;
    ctx.beginPath();
    ctx.moveTo(x - 4 * ratio, foot - (up > 0 ? 0 : 8 * ratio));
    ctx.lineTo(x + 4 * ratio, foot - (up > 0 ? 0 : 8 * ratio));
    ctx.lineTo(x, foot - (up > 0 ? 8 * ratio : 0));
    ctx.fill();
  }
  ctx.restore();
}

/** The libraries loaded and let go within a bucket, by name. */
function librariesAt(t, from, to) {
  const there = (t.mappings ? t.mappings.libraries : []).filter((l) => l.time_ns >= from && l.time_ns < to);
  return there.slice(0, 3).map((l) => `${l.call} ${plain(l.name.split("/").pop()) || "the program itself"}`).concat(there.length > 3 ? [`and ${there.length - 3} more`] : []);
}

/** The curves beside that of live bytes: {name, label, mark, values}, a value for each point, null where nothing was told. */
function curvesOf(t, n) {
  const m = t.memory, none = () => Array(n + 1).fill(null), curves = [], by = t.mappings;
  if (by && by.maps > 0) curves.push({ name: "mapped", label: "Mapped by the program", dash: [1, 2], tone: "warm", values: [...by.mapped_most, by.mapped_most[n - 1]] });
  if (!m) return curves;
  if (m.usable_most) curves.push({ name: "usable", label: "Usable", dash: [2, 3], tone: "accent", values: [...m.usable_most, m.usable_most[n - 1]] });
  for (const [name, label, tone, dash] of [["resident", "Resident", "good", []], ["committed", "Committed", "soft", [7, 4]]]) {
    if (m[name].length === 0) continue;
    const values = none();
    m.time_ns.forEach((at, i) => { values[Math.min(n, Math.floor(at / t.timeline.bucket_ns))] = m[name][i]; });
    curves.push({ name, label, tone, dash, values });
  }
  // What lies far above the live bytes would press them flat: it is there for the asking.
  curves.forEach((c) => { c.on = Math.max(...c.values.map((v) => v ?? 0)) < 8 * Math.max(1, t.peak_bytes); });
  return curves;
}

/** The last value told at or before a point. */
function lastTold(values, i) {
  while (i > 0 && values[i] === null) i -= 1;
  return values[i];
}

/** The columns that the charts draw. One more point at the end closes the last bucket. */
function columnsOf(line) {
  const n = line.live_most.length, seconds = line.bucket_ns / 1e9;
  const closed = (values) => [...values, values[n - 1]];
  return {
    n, at: Array.from({ length: n + 1 }, (_, i) => i * line.bucket_ns),
    most: closed(line.live_most), least: closed(line.live_least), rate: closed(line.allocations.map((a) => a / seconds)),
  };
}

function timeline(t) {
  const c = columnsOf(t.timeline), curves = curvesOf(t, c.n);
  const readout = h("p.readout", { "aria-live": "polite" });
  const live = h("div"), rate = h("div");
  const chart = h("div.chart", { tabindex: 0, role: "img",
    "aria-label": `Live bytes over time: from 0 to a peak of ${bytes(t.peak_bytes)} at ${time(t.peak_time_ns)}. Arrow keys read values.` },
    live, h("h3", { style: { margin: "6px 0 0" } }, "Allocations per second"), rate);
  let plots = [], at = null;

  function read(i) {
    at = i;
    readout.replaceChildren(...(i === null || i === undefined
      ? ["Drag to zoom, double-click or Esc to see all, arrow keys to walk."]
      : [h("span", {}, "at ", h("b", {}, time(c.at[i]))),
         h("span", {}, "live ", h("b", {}, c.least[i] === c.most[i] ? bytes(c.most[i]) : `${bytes(c.least[i])} to ${bytes(c.most[i])}`)),
         ...curves.filter((x) => x.on).map((x) => h("span", {}, `${x.label.toLowerCase()} `, h("b", {}, inUnit(lastTold(x.values, i), "bytes")))),
         ...librariesAt(t, c.at[i], c.at[i + 1] ?? Infinity).map((text) => h("span", {}, text)),
         h("span", {}, h("b", {}, count(c.rate[i])), " allocations/s")]));
  }
  const stepped = uPlot.paths.stepped({ align: 1 });
  function draw() {
    const width = Math.floor(chart.clientWidth);
    if (width < 50) return;
    plots.forEach((p) => p.destroy());
    const line = { stroke: colour("accent"), width: 1.25, paths: stepped, points: { show: false } };
    const inBytes = { incrs: powersOfTwo, values: (u, v) => v.map(roundBytes) };
    plots = [
      new uPlot(plotOptions(width, width < 600 ? 220 : 300, false, inBytes, {
        series: [{}, { ...line, fill: colour("accent-soft") }, { ...line, width: 0, fill: colour("accent-soft") },
          ...curves.map((x) => ({ stroke: colour(x.tone), width: 1.25, dash: x.dash, show: x.on, spanGaps: true, points: { show: false }, ...(x.name === "usable" || x.name === "mapped" ? { paths: stepped } : {}) }))],
        hooks: { draw: [(u) => markLibraries(u, t), (u) => markPeak(u, t)], setCursor: [(u) => read(u.cursor.idx)] },
      }), [c.at, c.most, c.least, ...curves.map((x) => x.values)], live),
      new uPlot(plotOptions(width, 130, true, { values: (u, v) => v.map(shortCount) }, {
        series: [{}, { ...line, width: 1, fill: colour("accent-soft") }],
      }), [c.at, c.rate], rate),
    ];
  }
  const zoomOut = () => plots.forEach((p) => p.setScale("x", { min: c.at[0], max: c.at[c.n] }));
  chart.addEventListener("keydown", (e) => {
    if (e.key === "Escape") return zoomOut();
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50, Home: -c.n, End: c.n }[e.key];
    if (!step) return undefined;
    e.preventDefault();
    const to = Math.min(c.n, Math.max(0, (at ?? 0) + step));
    plots.forEach((p) => p.setCursor({ left: p.valToPos(c.at[to], "x"), top: 10 }));
    return read(to);
  });
  live.addEventListener("dblclick", zoomOut);
  read(null);
  timelines.push(draw);
  const boxes = curves.map((x) => h("label", { class: `curve ${x.name}` },
    h("input", { type: "checkbox", checked: x.on, onchange: (e) => { x.on = e.target.checked; draw(); } }), x.label));
  return h("div", {}, boxes.length > 0 ? h("p.curves", {}, h("span.curve.live", {}, "Live"), boxes) : null, readout, chart);
}
