// Two traces beside each other: figures, live bytes over time, call sites, and the tree of calls coloured by its changes.
"use strict";

const comparedFigures = [["peak_bytes", "Peak", "bytes"], ["blocks_at_peak", "Blocks at the peak", "count"],
  ["pages_at_peak_bytes", "Pages held at the peak", "bytes"], ["allocations", "Allocations", "count"],
  ["bytes_allocated", "Bytes allocated", "bytes"], ["temporary_blocks", "Temporary blocks", "count"],
  ["leaked_bytes", "Never freed", "bytes"], ["leaked_blocks", "Blocks never freed", "count"], ["reallocations", "Reallocations", "count"],
  ["moved_bytes", "Moved by reallocations", "bytes"], ["remote_frees", "Frees by another thread", "count"],
  ["threads", "Threads", "count"], ["duration_ns", "Watched for", "ns"]];

/** "+12.0 KiB", marked as more or less. */
function changed(before, now, unit) {
  if (before === now) return "";
  return h(now > before ? "span.worse" : "span.better", {}, `${now > before ? "+" : "\u2212"}${inUnit(Math.abs(now - before), unit)}`);
}
function changedBy(before, now) {
  if (before === now) return "";
  if (before === 0) return "new";
  if (now === 0) return "gone";
  const percent = 100 * (now / before - 1);
  return percent > 999 ? `${(now / before).toFixed(1)} times` : `${percent > 0 ? "+" : "\u2212"}${Math.abs(percent).toFixed(1)}\u00a0%`;
}

function comparedTable(d) {
  return table([
    { label: "Figure", show: ([, words]) => words },
    { label: "Before", number: true, show: ([key, , unit]) => inUnit(d.figures[key].before, unit) },
    { label: "Now", number: true, show: ([key, , unit]) => inUnit(d.figures[key].now, unit) },
    { label: "Change", number: true, show: ([key, , unit]) => changed(d.figures[key].before, d.figures[key].now, unit) },
    { label: "", number: true, show: ([key]) => changedBy(d.figures[key].before, d.figures[key].now) },
  ], comparedFigures.filter(([key]) => d.figures[key] && (d.figures[key].before > 0 || d.figures[key].now > 0)), { name: "Figures of both traces", limit: 20 });
}

/** Both lines of live bytes on one clock: the value of each at every moment at which one of them has a bucket. */
function comparedLines(before, now) {
  const times = (line) => line.live_most.map((_, i) => i * line.bucket_ns);
  const at = [...new Set([...times(before), ...times(now)])].sort((a, b) => a - b);
  const of = (line) => at.map((x) => line.live_most[Math.floor(x / line.bucket_ns)] ?? null);
  return [at, of(now), of(before)];
}

function comparedChart(t, against) {
  const columns = comparedLines(against.timeline, t.timeline), box = h("div.chart", { role: "img", "aria-label": "Live bytes over time, now and before" });
  const readout = h("p.readout", {}), stepped = uPlot.paths.stepped({ align: 1 });
  const read = (i) => readout.replaceChildren(...(i === null || i === undefined
    ? [h("span.now", {}, "now"), h("span.before", {}, "before"), h("span", {}, "Drag to zoom, double-click to see all.")]
    : [h("span", {}, "at ", h("b", {}, time(columns[0][i]))), h("span.now", {}, "now ", h("b", {}, inUnit(columns[1][i], "bytes"))), h("span.before", {}, "before ", h("b", {}, inUnit(columns[2][i], "bytes")))]));
  let plot = null;
  timelines.push(() => {
    const width = Math.floor(box.clientWidth);
    if (width < 50) return;
    if (plot) plot.destroy();
    const line = { width: 1.25, paths: stepped, points: { show: false }, spanGaps: false };
    plot = new uPlot(plotOptions(width, width < 600 ? 220 : 260, true, { incrs: powersOfTwo, values: (u, v) => v.map(roundBytes) }, {
      series: [{}, { ...line, stroke: colour("accent"), fill: colour("accent-soft") }, { ...line, stroke: colour("warm"), dash: [5, 3] }],
      hooks: { setCursor: [(u) => read(u.cursor.idx)] },
    }), columns, box);
  });
  read(null);
  return h("div", {}, readout, box);
}

function changedSites(d) {
  if (d.sites.length === 0) return null;
  const keys = [["at_peak_bytes", "Live at the peak"], ["allocated_bytes", "Allocated"], ["allocations", "Allocations"],
    ["temporary_blocks", "Temporary"], ["leaked_bytes", "Never freed"]];
  const by = (key) => (r) => Math.abs(r.now[key] - r.before[key]);
  const p = panel([{ name: "key", label: "What is compared", options: keys }], ({ key }) => {
    const rows = d.sites.filter((r) => by(key)(r) > 0).sort((a, b) => by(key)(b) - by(key)(a)), unit = inBytes(key) ? "bytes" : "count";
    if (rows.length === 0) return h("p.note", {}, "No call site changed by this.");
    return table([
      ...placeColumns(rows),
      { label: "Before", number: true, key: (r) => r.before[key], show: (r) => inUnit(r.before[key], unit) },
      { label: "Now", number: true, key: (r) => r.now[key], show: (r) => inUnit(r.now[key], unit) },
      { label: "Change", number: true, key: (r) => r.now[key] - r.before[key], show: (r) => changed(r.before[key], r.now[key], unit) },
      { label: "", number: true, show: (r) => changedBy(r.before[key], r.now[key]) },
    ], rows, { name: "Call sites that changed", limit: 15 });
  });
  return h("div.below", {}, h("div.title", {}, h("h3", {}, `Call sites that grew or shrank`), p.controls), p.body);
}

function compare(t, against) {
  const d = t.difference;
  if (!d) return null;
  const trees = t.call_tree && against.call_tree ? flameGraph(joinTrees(mergedTree(t.call_tree), mergedTree(against.call_tree)), true) : null;
  return section("difference", "Against the earlier trace", h("span", {}, "Before: ", h("code", {}, h("bdi", {}, plain(d.before.slice(0, 300))))), null,
    comparedChart(t, against), comparedTable(d), changedSites(d),
    trees ? h("div.below", {}, h("div.title", {}, h("h3", {}, "Calls that grew, red, and shrank, green"), trees.controls), trees.body)
      : h("p.note", {}, "Call sites are not compared: not both traces have call stacks."));
}
