// One function for each section of the data; each gives elements and reads nothing but its argument.
"use strict";

function section(id, title, lead, controls, ...body) {
  return h("section", { id, "aria-labelledby": `${id}-title` },
    h("div.title", {}, h("h2", { id: `${id}-title` }, title), controls, lead && h("p", {}, lead)), ...body);
}
const measures = { name: "measure", label: "What is counted", options: [["blocks", "Blocks"], ["bytes", "Bytes"]] };
const clocks = { name: "clock", label: "How a lifetime is measured", options: [["time", "In time"], ["bytes", "In bytes allocated"]] };
const shown = (v, measure) => (measure === "bytes" ? bytes(v) : aboutCount(v));
const wholeOf = (t, measure) => (measure === "bytes" ? t.bytes_allocated : t.allocations);
/** Classes are powers of two, so "below the next power" reads best: "< 64 B". */
const below = (to, text) => (to < 1 ? text(0) : `< ${text(to + 1)}`);

const threadName = (t, id) => {
  const row = t.per_thread.find((x) => x.thread === id);
  return row && row.name ? `${id} ${plain(row.name)}` : String(id);
};

/* ---- the trace: head and headline figures ---- */

function head(page, t) {
  const title = page.title || (t && t.process.command.join(" ")) || "Memory report";
  const long = title.length > 220;
  const name = h(long ? "h1.long" : "h1", {}, h("bdi", {}, plain(title)));
  const more = long && h("button.more", { type: "button", onclick: () => name.classList.toggle("open") }, "Whole command line");
  const facts = [];
  if (t) {
    const at = new Date(t.process.start_unix_ns / 1e6);
    facts.push(`process ${t.process.pid}`);
    if (t.process.start_unix_ns > 0 && !Number.isNaN(at.getTime()))
      facts.push(`${at.toISOString().slice(0, 16).replace("T", " ")} UTC`);
    facts.push(`watched for ${time(t.duration_ns)}`, plural(t.events, "event"));
  }
  const sound = t && t.state === "closed" && t.dropped_events === 0 && !t.sample_mean;
  const notices = t ? [sound ? "" : t.state_text, t.damage_text].filter(Boolean) : [];
  return h("div.head", {}, h("p.eyebrow", {}, "Memory report"), name, more || null,
    h("p.meta", {}, facts.map((f) => h("span", {}, f)), sound && h("span", {}, t.state_text)),
    notices.map((n) => h("p.notice", { role: "status" }, n)));
}

function lede(t) {
  const b = (s) => h("b", {}, s);
  if (t.allocations === 0) return h("p.lede", {}, "The program asked for no memory while it was watched.");
  const end = t.leaked_blocks === 0 ? ["and everything was freed."]
    : ["and ", b(bytes(t.leaked_bytes)), ` in ${plural(t.leaked_blocks, "block")} ${t.leaked_blocks === 1 ? "was" : "were"} `,
      t.state === "closed" ? "never freed." : "still live when the recording ended."];
  return h("p.lede", {}, "Live memory peaked at ", b(bytes(t.peak_bytes)), " after ", b(time(t.peak_time_ns)), ". ",
    b(aboutCount(t.allocations)), t.allocations === 1 ? " allocation" : " allocations", " asked for ", b(bytes(t.bytes_allocated)), " in all, ", ...end);
}

function figures(t) {
  const figure = ([number, unit], name, under, warm) => h("div" + (warm ? ".warm" : ""), {},
    h("dt", {}, name), h("dd", {}, number, unit ? h("small", {}, `\u00a0${unit}`) : null), h("dd.under", {}, under));
  const seconds = t.duration_ns / 1e9;
  const turnover = t.peak_bytes > 0 ? t.bytes_allocated / t.peak_bytes : 0;
  return h("dl.figures", {},
    figure(bytesParts(t.peak_bytes), "Peak live bytes", `${plural(t.blocks_at_peak, "block")}, at ${time(t.peak_time_ns)}`),
    figure(countParts(t.allocations), "Allocations", seconds > 0 ? `${aboutCount(t.allocations / seconds)} a second` : ""),
    figure(bytesParts(t.bytes_allocated), "Bytes allocated", `${threeDigits(turnover)} times the peak`),
    figure(bytesParts(t.leaked_bytes), t.state === "closed" ? "Never freed" : "Live at the end", plural(t.leaked_blocks, "block"), t.leaked_blocks > 0),
    t.sample_mean ? null : figure([share(t.temporary_blocks, t.allocations).replace("\u00a0%", ""), "%"], "Temporary", t.temporary_blocks === 1 ? "1 block" : `${aboutCount(t.temporary_blocks)} blocks`),
    figure([count(t.threads), ""], t.threads === 1 ? "Thread" : "Threads", t.remote_frees === 0 ? "no block crosses threads" : `${share(t.remote_frees, t.frees)} of frees cross`));
}

function facts(t) {
  const list = [
    [t.frees, "free", "frees"], [t.peak_blocks, "block at most", "blocks at most"],
    [t.reallocations, "reallocation", "reallocations", `, ${share(t.reallocations_in_place, t.reallocations)} in place`],
    [t.failed_requests, "refused request", "refused requests"], [t.zero_size, "request for 0 bytes", "requests for 0 bytes"],
    [t.null_frees, "free of NULL", "frees of NULL"],
    [t.foreign_frees, "free of a block from before the recording", "frees of blocks from before the recording"],
    [t.lost_frees, "free that was not recorded", "frees that were not recorded"], [t.dropped_events, "event lost", "events lost"]];
  return h("ul.facts", {}, list.filter(([n], i) => n > 0 || i < 2).map(([n, one, many, more]) =>
    h("li", {}, h("b", {}, count(n)), ` ${n === 1 ? one : many}${more || ""}`)));
}

/* ---- the trace: charts ---- */

function overTime(t) {
  if (t.events === 0) return null;
  return section("time", "Live bytes over time", `Requested bytes of the blocks that are live. The line is the most in each moment, the pale band reaches down to the least.${t.memory && t.memory.time_ns.length > 0 ? " Resident and committed memory is that of the whole process, told now and then." : ""}`,
    null, timeline(t));
}

function libraries(t) {
  if (!t.mappings || t.mappings.libraries.length === 0) return null;
  const rows = table([
    { label: "At", number: true, key: (r) => r.time_ns, show: (r) => time(r.time_ns) },
    { label: "Call", key: (r) => r.call, show: (r) => r.call },
    { label: "Library", key: (r) => r.name, show: (r) => plain(r.name) || "the program itself" },
    { label: "Thread", number: true, key: (r) => r.thread, show: (r) => count(r.thread) },
  ], t.mappings.libraries, { name: "Libraries loaded and let go" });
  return section("libraries", "Libraries", "What the program loads by itself, as it named it, when it asked. The triangles at the foot of the timeline are these calls.", null, rows);
}

/** Rows of a histogram; two classes are joined into one when there are too many to read. */
function classRows(classes, measure, text, limit, whole) {
  const used = classes.filter((c) => c.blocks > 0);
  if (used.length === 0) return [];
  let rows = classes.filter((c) => c.to >= used[0].from && c.from <= used[used.length - 1].to);
  while (rows.length > limit) {
    rows = rows.reduce((all, c, i) => (i % 2 === 0 ? [...all, { ...c }]
      : [...all.slice(0, -1), { from: all[all.length - 1].from, to: c.to, blocks: all[all.length - 1].blocks + c.blocks, bytes: all[all.length - 1].bytes + c.bytes }]), []);
  }
  return rows.map((c) => ({ label: below(c.to, text), value: c[measure], text: c.blocks ? shown(c[measure], measure) : "\u2013", share: c.blocks ? share(c[measure], whole) : "" }));
}

function sizes(t) {
  if (t.allocations === 0) return null;
  const p = panel([measures], ({ measure }) => bars(classRows(t.sizes.classes, measure, roundBytes, 26, wholeOf(t, measure)), "Blocks by size"));
  const top = t.sizes.top.slice(0, 14);
  const most = Math.max(...top.map((r) => r.blocks));
  const side = table([
    { label: "Size", number: true, key: (r) => r.size, show: (r) => `${count(r.size)} B` },
    { label: "Blocks", number: true, key: (r) => r.blocks, show: (r) => count(r.blocks) },
    { label: "Share", key: (r) => r.blocks, show: (r) => meter(share(r.blocks, t.allocations), r.blocks, most) },
    { label: "Bytes", number: true, key: (r) => r.bytes, show: (r) => bytes(r.bytes) },
  ], top, { name: "Most frequent sizes" });
  const lead = `${plural(t.sizes.distinct, "distinct size")}${t.sizes.uncounted_blocks > 0 ? `, and ${plural(t.sizes.uncounted_blocks, "block")} of further sizes` : ""}. Each bar is one doubling of the size.`;
  return section("sizes", "Sizes", lead, p.controls, h("div.pair", {}, p.body, h("div", {}, h("h3", {}, "Most frequent"), side)));
}

function lifetimes(t) {
  if (t.allocations === 0) return null;
  const text = (clock) => (clock === "time" ? roundTime : roundBytes);
  const never = (measure) => ({ label: "never freed", warm: true, value: t[`leaked_${measure}`], text: shown(t[`leaked_${measure}`], measure),
    share: share(t[`leaked_${measure}`], wholeOf(t, measure)) });
  const p = panel([clocks, measures], ({ clock, measure }) => h("div.pair", {},
    h("div", {}, h("h3", {}, "How long blocks live"), bars([...classRows(t.lifetimes[clock], measure, text(clock), 22, wholeOf(t, measure)), never(measure)], "Blocks by lifetime")),
    h("div", {}, h("h3", {}, "Size by lifetime"), sizeByLifetime(t, clock, measure))));
  return section("lifetimes", "Lifetimes", "From a block's allocation to its free; a lifetime in bytes is how much the whole program allocated meanwhile, the clock that allocators feel.",
    p.controls, p.body);
}

const classOf = (from) => (from < 1 ? 0 : Math.floor(Math.log2(from)) + 1);
const classStart = (c) => (c === 0 ? 0 : 2 ** (c - 1));

function sizeByLifetime(t, clock, measure) {
  const value = measure === "bytes" ? 3 : 2;
  const text = clock === "time" ? roundTime : roundBytes;
  const cells = new Map(t.size_by_lifetime[clock].map((r) => [classOf(r[0]) * 100 + classOf(r[1]), r]));
  const never = new Map(t.never_freed.filter((r) => r.blocks > 0).map((r) => [classOf(r.from), r]));
  const span = (list) => (list.length ? [Math.min(...list), Math.max(...list)] : [0, 0]);
  const [low, high] = span([...[...cells.keys()].map((k) => Math.floor(k / 100)), ...never.keys()]);
  const [first, last] = span([...cells.keys()].map((k) => k % 100));
  const rowAt = (r) => high - r, columnAt = (c) => first + c, columns = last - first + 1;
  const every = Math.ceil(columns / 6);
  const describe = (blocks, size, step, lived) =>
    `${plural(blocks, "block")}, ${bytes(size)}\nsize ${below(2 * classStart(step) - 1, roundBytes)}\n${lived}`;
  return heat({
    name: "Size by lifetime", rowAxis: "size", columnAxis: clock === "time" ? "lived less than" : "lived for less than, in bytes allocated",
    rows: Array.from({ length: high - low + 1 }, (_, r) => ((high - r) % 2 === 0 ? below(2 * classStart(rowAt(r)) - 1, roundBytes) : "")),
    columns: [...Array.from({ length: columns }, (_, c) => (c % every === 0 && columns - c > every / 2 ? text(2 * classStart(columnAt(c))) : "")), "never"],
    split: columns,
    cell(r, c) {
      const gone = never.get(rowAt(r));
      if (c === columns) return gone ? { value: measure === "bytes" ? gone.bytes : gone.blocks, warm: true, text: describe(gone.blocks, gone.bytes, rowAt(r), "never freed") } : null;
      const cell = cells.get(rowAt(r) * 100 + columnAt(c));
      return cell ? { value: cell[value], text: describe(cell[2], cell[3], rowAt(r), `lived ${below(2 * classStart(columnAt(c)) - 1, text)}${clock === "bytes" ? " allocated" : ""}`) } : null;
    },
  });
}

/* ---- the trace: threads, kinds, words ---- */

function threads(t) {
  if (t.per_thread.length === 0) return null;
  const many = t.per_thread.length > 1;
  const most = Math.max(1, ...t.per_thread.map((r) => r.bytes_allocated));
  const rows = table([
    { label: "Thread", key: (r) => r.thread, show: (r) => threadName(t, r.thread) },
    { label: "Allocations", number: true, key: (r) => r.allocations, show: (r) => count(r.allocations) },
    { label: "Bytes", key: (r) => r.bytes_allocated, show: (r) => meter(bytes(r.bytes_allocated), r.bytes_allocated, most) },
    { label: "Peak of its blocks", number: true, key: (r) => r.peak_bytes, show: (r) => bytes(r.peak_bytes) },
    { label: "Frees", number: true, key: (r) => r.frees, show: (r) => count(r.frees) },
    { label: "Frees of others' blocks", number: true, key: (r) => r.remote_frees, show: (r) => count(r.remote_frees) },
    { label: "Never freed", number: true, key: (r) => r.leaked_bytes, show: (r) => bytes(r.leaked_bytes) },
  ], t.per_thread, { name: "Threads", limit: 12 });
  const lead = !many ? "One thread allocated, and it freed its own blocks."
    : t.crossings.length === 0 ? "Every block was freed by the thread that allocated it."
    : `${plural(t.remote_frees, "block")} (${share(t.remote_frees, t.frees)} of all frees) ended in another thread than they began in.`;
  return section("threads", t.threads === 1 ? "Thread" : "Threads", lead, null, rows, t.crossings.length > 0 ? birthDeath(t) : null, sharedLines(t));
}

function birthDeath(t) {
  const traffic = new Map();
  for (const c of t.crossings) for (const id of [c.born, c.died]) traffic.set(id, (traffic.get(id) || 0) + c.blocks);
  const busiest = [...traffic].sort((a, b) => b[1] - a[1]).slice(0, 24).map(([id]) => id).sort((a, b) => a - b);
  const pairs = new Map(t.crossings.map((c) => [`${c.born} ${c.died}`, c]));
  const map = heat({
    name: "Blocks by the thread that allocated and the thread that freed", cellSize: "44px",
    rows: busiest.map((id) => threadName(t, id)), columns: busiest.map(String), rowAxis: "allocated by", columnAxis: "freed by",
    cell(r, c) {
      const pair = pairs.get(`${busiest[r]} ${busiest[c]}`);
      return pair ? { value: pair.blocks, text: `${plural(pair.blocks, "block")}, ${bytes(pair.bytes)}\nallocated by ${threadName(t, pair.born)}\nfreed by ${threadName(t, pair.died)}` } : null;
    },
  });
  const rest = traffic.size - busiest.length;
  return h("div.below", {}, h("h3", {}, "Blocks that cross threads"), map,
    rest > 0 ? h("p.note", {}, `The ${busiest.length} threads with most crossings; ${count(rest)} more are in the data.`) : null);
}

function kinds(t) {
  const asked = t.kinds.filter((k) => k.group !== "fact");
  if (asked.length === 0) return null;
  const most = Math.max(...asked.map((k) => k.events));
  return section("kinds", "Kinds of calls", "How the program spoke to its allocator.", null, table([
    { label: "Call", key: (k) => k.kind, show: (k) => h("code", {}, k.kind) },
    { label: "Calls", key: (k) => k.events, show: (k) => meter(count(k.events), k.events, most) },
    { label: "Refused", number: true, key: (k) => k.failed, show: (k) => (k.group === "request" ? count(k.failed) : "") },
    { label: "Bytes granted", number: true, key: (k) => k.bytes, show: (k) => (k.group === "request" ? bytes(k.bytes) : "") },
    { label: "Mean size", number: true, key: (k) => k.bytes / Math.max(1, k.events - k.failed), show: (k) => (k.group === "request" && k.events > k.failed ? bytes(k.bytes / (k.events - k.failed)) : "") },
  ], asked, { name: "Kinds of calls" }));
}

function words(t) {
  return section("words", "What the words mean", null, null,
    h("dl.words", {}, t.definitions.map(({ word, meaning }) => [h("dt", {}, word), h("dd", {}, meaning)])));
}
