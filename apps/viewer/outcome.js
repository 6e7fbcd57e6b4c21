// The sections of `ashlar tune`: advice, the program's own runs, the replay.
"use strict";

function advice(a) {
  return section("advice", "Advice", null, null, h("p.verdict", {}, a.verdict || ""),
    h("ul.reasons", {}, (a.sentences || []).map((s) => h("li", {}, h("span", {}, s.text), h("span.evidence", {}, s.evidence || "")))),
    a.conf ? h("details", {}, h("summary", {}, "ashlar.conf"), h("pre", {}, a.conf)) : null);
}

const median = (values) => {
  const v = [...values].sort((a, b) => a - b), m = v.length >> 1;
  return v.length === 0 ? NaN : v.length % 2 ? v[m] : (v[m - 1] + v[m]) / 2;
};
const middleOf = (run) => run.median ?? median(run.values);
const spreadOf = (run) => run.spread ?? median(run.values.map((v) => Math.abs(v - middleOf(run))));

/** "8.2 % lower", marked as better or worse only when it is more than 1 % and more than the runs spread. */
function difference(metric, run) {
  const base = metric.runs[0], a = middleOf(base), b = middleOf(run);
  if (run === base || !(a > 0)) return null;
  const change = (100 * (b - a)) / a;
  const clear = Math.abs(change) > 1 && Math.abs(b - a) > 2 * Math.max(spreadOf(base), spreadOf(run));
  const good = (b < a) === (metric.better !== "higher");
  return h("span" + (clear ? (good ? ".better" : ".worse") : ""), {},
    ` \u00b7 ${Math.abs(change).toFixed(1)}\u00a0% ${b < a ? "lower" : "higher"}${clear ? "" : ", within the spread"}`);
}

function metricStrips(m) {
  const all = m.runs.flatMap((r) => r.values).filter(Number.isFinite);
  const low = Math.min(...all), high = Math.max(...all), room = (high - low) * 0.06 || high * 0.02 || 1;
  const from = Math.max(0, low - room), to = high + room;
  const text = (v) => inUnit(v, m.unit);
  return h("div.metric", {}, h("h3", {}, m.name), h("div.runs", {},
    m.runs.map((r) => [h("span", {}, r.name),
      strip([...r.values.map((v) => ({ at: v, kind: "dot", text: text(v) })), { at: middleOf(r), kind: "middle", text: `median ${text(middleOf(r))}` }], from, to, `${m.name}, ${r.name}`),
      h("span", {}, `${text(middleOf(r))} \u00b1 ${text(spreadOf(r))}`, difference(m, r))]),
    h("span"), h("span.ends", {}, h("span", {}, text(from)), h("span", {}, text(to))), h("span")));
}

function tune(u) {
  return section("tune", "The program itself", u.note || "Each dot is one run, the bar is the median; after it, the median absolute deviation.", null,
    u.verdict ? h("p.verdict", {}, u.verdict) : null, (u.metrics || []).map(metricStrips));
}

/** Where a column's bars end: at the greatest value, or at five times the least, so that one slow row hides no other. */
function barEnd(values) {
  const known = values.filter((v) => v > 0);
  return known.length === 0 ? 1 : Math.min(Math.max(...known), 5 * Math.min(...known));
}

function replay(r) {
  const rows = r.rows || [], ran = rows.filter((x) => !x.refused);
  const slowest = barEnd(ran.map((x) => x.ns_per_op)), largest = barEnd(ran.map((x) => x.peak_footprint_ratio));
  const tails = ran.flatMap((x) => [x.p50, x.p99, x.p999]).filter((v) => v > 0).map(Math.log10);
  const ends = [Math.min(...tails) - 0.08, Math.max(...tails) + 0.08];
  const last = (key) => (x) => x[key] ?? Infinity;
  const mark = (x, key, kind, name) => ({ at: Math.log10(x[key] ?? NaN), kind, text: `${name} ${inUnit(x[key], "ns")}` });
  return section("replay", "Replay", `${r.note || "The recorded requests, given again to each allocator."} Bars end at five times the least.`, null, table([
    { label: "Allocator", key: (x) => x.name, show: (x) => [x.name, x.group === "peer" ? h("span.note", {}, " \u00b7 peer") : null] },
    { label: "Time per operation", key: last("ns_per_op"), show: (x) => (x.refused ? h("span.note", {}, x.refused) : meter(inUnit(x.ns_per_op, "ns"), x.ns_per_op, slowest)) },
    { label: "p50 \u00b7 p99 \u00b7 p99.9 (logarithmic)", strip: true, key: last("p999"), show: (x) => (x.refused || tails.length === 0 ? "" :
      strip([mark(x, "p50", "dot", "p50"), mark(x, "p99", "hollow", "p99"), mark(x, "p999", "small", "p99.9")], ends[0], ends[1], x.name)) },
    { label: "p99.9", number: true, key: last("p999"), show: (x) => (x.refused ? "" : inUnit(x.p999, "ns")) },
    { label: "Peak footprint / peak live", key: last("peak_footprint_ratio"), show: (x) => (x.refused ? "" : meter(inUnit(x.peak_footprint_ratio, "ratio"), x.peak_footprint_ratio, largest)) },
  ], rows, { name: "Replay", limit: 40, chosen: (x) => r.choice !== undefined && x.name === r.choice }), films(r));
}
