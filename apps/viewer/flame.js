// Who allocates: the tree of calls as a flame or icicle graph on a canvas, and the call sites as a table.
"use strict";

const treeMeasures = [["at_peak_bytes", "Live at the peak"], ["allocated_bytes", "Allocated"], ["allocations", "Allocations"],
  ["temporary_blocks", "Temporary"], ["leaked_bytes", "Never freed"]];
const inBytes = (measure) => measure.endsWith("bytes");
const costText = (v, measure) => (inBytes(measure) ? bytes(v) : plural(v, measure === "allocations" ? "allocation" : "block"));
/** A C++ name without template arguments and parameters, for places too narrow for all of it. */
const shortName = (name) => {
  const known = name.replace("(anonymous namespace)", "{unnamed}");
  if (/operator/.test(known)) return known;
  const at = known.indexOf("(");
  let text = at > 0 ? known.slice(0, at) : known, before;
  do { before = text; text = text.replace(/<[^<>]*>/g, ""); } while (text !== before);
  return text.slice(text.lastIndexOf(" ") + 1) || name;
};

/** The tree by functions: rows of nodes become {name, parent, children, value: {measure: inclusive}}. */
function mergedTree(data) {
  const column = (name) => data.node_columns.indexOf(name);
  const parentAt = column("parent"), frameAt = column("frame"), costs = treeMeasures.map(([m]) => column(m));
  const nodes = [{ name: "all", place: "", parent: null, depth: 0, children: [], value: costs.map(() => 0) }];
  const of = [0], known = new Map();
  data.nodes.forEach((row, i) => {
    if (i === 0) return;
    const [name, file, line] = data.frames[row[frameAt]];
    const key = `${of[row[parentAt]]} ${name}`;
    if (!known.has(key)) {
      const parent = nodes[of[row[parentAt]]];
      known.set(key, nodes.length);
      parent.children.push(nodes.length);
      nodes.push({ name, place: file ? `${file}:${line}` : data.modules[data.frames[row[frameAt]][3]] || "", parent: of[row[parentAt]],
        depth: parent.depth + 1, children: [], value: costs.map(() => 0) });
    }
    of.push(known.get(key));
  });
  data.nodes.forEach((row, i) => costs.forEach((c, k) => { nodes[of[i] || 0].value[k] += row[c]; }));
  for (let i = nodes.length - 1; i > 0; i -= 1) costs.forEach((_, k) => { nodes[nodes[i].parent].value[k] += nodes[i].value[k]; });
  return nodes;
}

/** Gives the nodes what they were in another tree, and adds those that were only there. */
function joinTrees(nodes, earlier) {
  const none = () => treeMeasures.map(() => 0), at = [0], known = new Map(nodes.map((n, i) => [`${n.parent} ${n.name}`, i]));
  nodes.forEach((n) => { n.before = none(); });
  earlier.forEach((old, i) => {
    if (i > 0) {
      const parent = at[old.parent], key = `${parent} ${old.name}`;
      if (!known.has(key)) {
        known.set(key, nodes.length);
        nodes[parent].children.push(nodes.length);
        nodes.push({ ...old, parent, depth: nodes[parent].depth + 1, children: [], value: none() });
      }
      at.push(known.get(key));
    }
    nodes[at[i]].before = old.value;
  });
  return nodes;
}

/** Boxes {node, x, width, row} of what is inside `focus`, and of its callers, in a graph of that width. */
function layOut(nodes, valueOf, focus, width) {
  const boxes = [], callers = [];
  for (let at = nodes[focus].parent; at !== null; at = nodes[at].parent) callers.unshift(at);
  callers.forEach((node, row) => boxes.push({ node, x: 0, width, row, caller: true }));
  const todo = [{ node: focus, x: 0, width, row: callers.length }];
  while (todo.length > 0) {
    const box = todo.pop();
    boxes.push(box);
    const whole = valueOf(box.node);
    let x = box.x;
    for (const child of [...nodes[box.node].children].sort((a, b) => valueOf(b) - valueOf(a))) {
      const part = (box.width * valueOf(child)) / whole;
      if (part >= 0.4) todo.push({ node: child, x, width: part, row: box.row + 1 });
      x += part;
    }
  }
  return boxes;
}

/** `earlier`: the nodes know what they were in another trace, and are coloured by the difference. */
function flameGraph(nodes, earlier = false) {
  const rowHeight = 20, state = { before: false, k: 0, icicle: earlier, focus: 0, at: null, search: null, boxes: [], rows: 1 };
  const canvas = h("canvas.flame", { tabindex: 0, role: "img" });
  const readout = h("p.readout", { "aria-live": "polite" });
  const found = h("span.found", { "aria-live": "polite" });
  const valueOf = (i) => (state.before ? nodes[i].before : nodes[i].value)[state.k];
  const amount = (i) => {
    const measure = treeMeasures[state.k][0], text = `${costText(valueOf(i), measure)}, ${share(valueOf(i), valueOf(0))}`;
    const was = earlier ? nodes[i].before[state.k] : 0, is = nodes[i].value[state.k];
    return earlier ? `${costText(was, measure)} before, ${costText(is, measure)} now` : text;
  };
  const matches = (i) => state.search !== null && state.search.test(nodes[i].name);

  function tell(i) {
    const n = i === null ? null : nodes[i];
    readout.replaceChildren(...(n === null
      ? ["Click or Enter zooms in, Esc shows all, arrow keys walk, / searches."]
      : [h("b", {}, plain(shortName(n.name))), h("span", {}, plain(n.place)), h("span", {}, amount(i))]));
  }
  function boxTop(row) { return (state.icicle ? row : state.rows - 1 - row) * rowHeight; }

  function draw() {
    const width = Math.floor(canvas.parentElement ? canvas.parentElement.clientWidth : 0);
    if (width < 50) return;
    state.boxes = valueOf(state.focus) > 0 ? layOut(nodes, valueOf, state.focus, width) : [];
    state.rows = Math.max(1, ...state.boxes.map((b) => b.row + 1));
    const ratio = Math.min(devicePixelRatio || 1, 16000 / (state.rows * rowHeight));
    canvas.width = width * ratio;
    canvas.height = state.rows * rowHeight * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${state.rows * rowHeight}px`;
    canvas.setAttribute("aria-label", `Tree of calls by ${treeMeasures[state.k][1].toLowerCase()}, ${plural(state.boxes.length, "function")} shown`);
    const g = canvas.getContext("2d"), ink = colour("ink"), paper = colour("paper"), soft = colour("soft");
    const shades = [22, 28, 34, 40, 46].map((level) => `color-mix(in oklab, ${colour("accent")} ${level}%, ${paper})`);
    const changeShade = ({ before, value }) => {
      const was = before[state.k], is = value[state.k], part = Math.abs(is - was) / Math.max(1, is, was);
      return part < 0.005 ? colour("faint") : `color-mix(in oklab, ${colour(is > was ? "warm" : "good")} ${Math.round(15 + 45 * part)}%, ${paper})`;
    };
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.font = `12px ${colour("sans")}`;
    g.textBaseline = "middle";
    let hits = 0;
    for (const b of state.boxes) {
      const n = nodes[b.node], top = boxTop(b.row), hit = matches(b.node);
      let hash = 0;
      for (let i = 0; i < n.name.length; i += 1) hash = (hash * 31 + n.name.charCodeAt(i)) % 9973;
      g.fillStyle = hit ? colour("warm") : b.caller ? colour("faint") : earlier ? changeShade(n) : shades[hash % shades.length];
      g.fillRect(b.x, top, Math.max(b.width - 1, 0.5), rowHeight - 1);
      if (b.node === state.at) {
        g.strokeStyle = ink;
        g.lineWidth = 2;
        g.strokeRect(b.x + 1, top + 1, Math.max(b.width - 3, 1), rowHeight - 3);
      }
      if (b.width < 28) continue;
      g.save();
      g.beginPath();
      g.rect(b.x, top, b.width - 4, rowHeight);
      g.clip();
      g.fillStyle = hit ? paper : b.caller ? soft : ink;
      g.fillText(plain(shortName(n.name)), b.x + 5, top + rowHeight / 2);
      g.restore();
    }
    // A match inside a match is counted once.
    const covered = nodes.map(() => false);
    nodes.forEach((n, i) => {
      covered[i] = n.parent !== null && (covered[n.parent] || matches(n.parent));
      if (matches(i) && !covered[i]) hits += valueOf(i);
    });
    found.textContent = state.search === null ? "" : `${share(hits, valueOf(0))} in matches`;
  }
  const under = (e) => {
    const place = canvas.getBoundingClientRect(), x = e.clientX - place.left, y = e.clientY - place.top;
    return state.boxes.find((b) => x >= b.x && x < b.x + b.width && y >= boxTop(b.row) && y < boxTop(b.row) + rowHeight) || null;
  };
  const choose = (i) => { state.at = i; tell(i); draw(); };
  const zoom = (i) => { state.focus = i; tip.hide(); choose(i === 0 ? null : i); };

  canvas.addEventListener("mousemove", (e) => {
    const box = under(e);
    canvas.style.cursor = box ? "pointer" : "default";
    if (!box) return tip.hide();
    const place = canvas.getBoundingClientRect(), n = nodes[box.node];
    const left = place.left + box.x, top = place.top + boxTop(box.row);
    tip.show(`${plain(n.name)}\n${n.place ? `${plain(n.place)}\n` : ""}${amount(box.node)}`,
      { getBoundingClientRect: () => ({ left, top, width: box.width, height: rowHeight, bottom: top + rowHeight }) });
    return undefined;
  });
  canvas.addEventListener("mouseleave", () => tip.hide());
  canvas.addEventListener("click", (e) => { const box = under(e); if (box) zoom(box.node); });
  canvas.addEventListener("keydown", (e) => {
    const now = state.at ?? state.focus, n = nodes[now];
    const largest = (list) => [...list].sort((a, b) => valueOf(b) - valueOf(a));
    const beside = () => (n.parent === null ? [now] : largest(nodes[n.parent].children));
    const inwards = state.icicle ? "ArrowDown" : "ArrowUp", outwards = state.icicle ? "ArrowUp" : "ArrowDown";
    if (e.key === "Escape") zoom(0);
    else if (e.key === "Enter") zoom(now);
    else if (e.key === inwards && n.children.length > 0) choose(largest(n.children)[0]);
    else if (e.key === outwards && n.parent !== null) choose(n.parent);
    else if (e.key === "ArrowRight" || e.key === "ArrowLeft") {
      const all = beside(), to = all.indexOf(now) + (e.key === "ArrowRight" ? 1 : -1);
      if (to >= 0 && to < all.length) choose(all[to]);
    } else if (e.key === "/") search.focus();
    else return;
    e.preventDefault();
  });
  const search = h("input.search", { type: "search", placeholder: "Search functions", "aria-label": "Search functions", oninput: (e) => {
    const text = e.target.value.trim();
    // What is no regular expression is meant as it stands.
    try { state.search = text ? new RegExp(text, "i") : null; } catch { state.search = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i"); }
    draw();
  } });
  const shownMeasures = treeMeasures.map(([m, label], k) => [k, label]).filter(([k]) => nodes[0].value[k] > 0 || (earlier && nodes[0].before[k] > 0));
  const sides = earlier ? choice("Which trace", [["now", "Now"], ["before", "Before"]], (side) => { state.before = side === "before"; draw(); }) : null;
  const controls = h("div.choices", {}, sides, choice("What is counted", shownMeasures, (k) => { state.k = k; tell(state.at); draw(); }),
    choice("Which way up", earlier ? [["icicle", "Icicle"], ["flame", "Flame"]] : [["flame", "Flame"], ["icicle", "Icicle"]], (way) => { state.icicle = way === "icicle"; draw(); }));
  if (shownMeasures.length > 0) [[state.k]] = shownMeasures;
  tell(null);
  timelines.push(draw);
  return { controls, body: h("div", {}, h("p.searching", {}, search, found), readout, h("div.flame-box", {}, canvas)) };
}

function siteTable(t) {
  const most = Math.max(1, ...t.sites.map((s) => s.at_peak_bytes));
  const where = (s) => (s.file ? `${s.file.slice(s.file.lastIndexOf("/") + 1)}:${s.line}` : s.module);
  return table([
    { label: "Function", key: (s) => shortName(s.function), show: (s) => h("span", { title: plain(s.function) }, plain(shortName(s.function)).slice(0, 70)) },
    { label: "Where", key: where, show: (s) => h("span", { title: plain(s.file || s.module) }, plain(where(s))) },
    { label: "Live at the peak", key: (s) => s.at_peak_bytes, show: (s) => meter(bytes(s.at_peak_bytes), s.at_peak_bytes, most) },
    { label: "Allocated", number: true, key: (s) => s.allocated_bytes, show: (s) => bytes(s.allocated_bytes) },
    { label: "Allocations", number: true, key: (s) => s.allocations, show: (s) => count(s.allocations) },
    { label: "Temporary", number: true, key: (s) => s.temporary_blocks, show: (s) => count(s.temporary_blocks) },
    { label: "Never freed", number: true, key: (s) => s.leaked_bytes, show: (s) => bytes(s.leaked_bytes) },
  ], t.sites, { name: "Call sites", limit: 15 });
}

function callers(t) {
  if (!t.call_tree || t.call_tree.nodes.length < 2) return null;
  const nodes = mergedTree(t.call_tree), graph = flameGraph(nodes);
  const notes = (t.symbol_notes || []).map((n) => h("p.note", {}, plain(n)));
  return section("callers", "Who allocates", "A box is a function; its width is what it and the functions it calls asked for. Boxes on it are what it called.",
    graph.controls, graph.body, h("div.below", {}, h("h3", {}, "Call sites"), siteTable(t)), notes);
}
