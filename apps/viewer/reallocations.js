// Chains of reallocations: how often blocks grow, what that moves, who asks for it.
"use strict";

/** Where a row of the data says that it was asked for: two columns, which are left out where no row has a place. */
function placeColumns(rows) {
  if (!rows.some((r) => r.function)) return [];
  const where = (r) => (r.file ? `${r.file.slice(r.file.lastIndexOf("/") + 1)}:${r.line}` : r.module || "");
  return [
    { label: "Function", key: (r) => shortName(r.function || ""), show: (r) => h("span", { title: plain(r.function || "") }, plain(shortName(r.function || "")).slice(0, 60)) },
    { label: "Where", key: where, show: (r) => h("span", { title: plain(r.file || r.module || "") }, plain(where(r))) },
  ];
}

function reallocations(t) {
  const chains = t.realloc_chains;
  if (!chains || chains.chains === 0) return null;
  const most = Math.max(1, ...chains.longest.map((c) => c.reallocations));
  const rows = chains.lengths.map((r) => ({ label: r.from === r.to ? plural(r.from, "time") : `${count(r.from)} to ${count(r.to)} times`,
    value: r.chains, text: plural(r.chains, "block"), share: r.moved_bytes > 0 ? `${bytes(r.moved_bytes)} moved` : "" }));
  const by = (t.sites || []).filter((s) => s.reallocations > 0).sort((a, b) => b.moved_bytes - a.moved_bytes || b.reallocations - a.reallocations);
  const longest = table([
    ...placeColumns(chains.longest).slice(0, 1),
    { label: "Reallocations", key: (c) => c.reallocations, show: (c) => meter(count(c.reallocations), c.reallocations, most) },
    { label: "Moved", number: true, key: (c) => c.moved_bytes, show: (c) => bytes(c.moved_bytes) },
    { label: "Size", number: true, key: (c) => c.last_size, show: (c) => `${bytes(c.first_size)} to ${bytes(c.last_size)}` },
  ], chains.longest, { name: "Longest chains of reallocations", limit: 8 });
  const sites = by.length === 0 ? null : h("div.below", {}, h("h3", {}, "Who reallocates"), table([
    ...placeColumns(by),
    { label: "Moved", key: (s) => s.moved_bytes, show: (s) => meter(bytes(s.moved_bytes), s.moved_bytes, by[0].moved_bytes) },
    { label: "Reallocations", number: true, key: (s) => s.reallocations, show: (s) => count(s.reallocations) },
    { label: "Of them moved", number: true, key: (s) => s.moves, show: (s) => count(s.moves) },
  ], by, { name: "Call sites that reallocate", limit: 10 }));
  const lead = `${plural(t.reallocations, "reallocation")} of ${plural(chains.chains, "block")}; ${share(t.reallocations_in_place, t.reallocations)} kept their address, the others moved ${bytes(chains.moved_bytes)}.`;
  return section("reallocations", "Reallocations", lead, null, h("div.pair.to-table", {},
    h("div", {}, h("h3", {}, "How often one block is reallocated"), bars(rows, "Blocks by reallocations")),
    h("div", {}, h("h3", {}, "Blocks reallocated most often"), longest)), sites);
}
