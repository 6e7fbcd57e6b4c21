// The address space of each allocator while the trace is replayed on it: pictures side by side, and a film of them.
"use strict";

/** Where each cell is drawn: cells in order of address; where some address space lies between two, a place stays empty. */
function filmPlaces(film) {
  const places = [];
  let at = 0, number = film.first;
  film.gaps.forEach((gap, i) => {
    at += i > 0 && gap > 0 ? 1 : 0;
    number += gap;
    places.push({ at, number });
    at += 1;
    number += 1;
  });
  return { places, length: at };
}

/** The last frame that is not later than the moment: allocators that look at other steps stay in time. */
const frameAt = (film, steps) => {
  let i = film.frames.length - 1;
  while (i > 0 && film.frames[i].steps > steps) i -= 1;
  return film.frames[i];
};

function screen(row) {
  const film = row.film, { places, length } = filmPlaces(film);
  const canvas = h("canvas.map", { role: "img" }), name = h("h4", {}, row.name), figures = h("p.note");
  let frame = film.frames[0], size = 8, columns = 1;
  const level = (c) => (c === "." ? -1 : parseInt(c, 16));
  function describe(i) {
    const v = level(frame.map[i]);
    const state = v < 0 ? "not used yet" : v === 0 ? "used before, empty now" : v === 15 ? "full, or nearly" : `filled to ${Math.round((100 * v) / 15)}\u00a0% at most`;
    return `${row.name}: from ${hex(BigInt(places[i].number) * BigInt(film.cell_bytes))}\n${bytes(film.cell_bytes)}, ${state}`;
  }
  function draw() {
    const width = Math.floor(canvas.parentElement ? canvas.parentElement.clientWidth : 0);
    if (width < 50) return;
    size = [14, 11, 9, 7].find((s) => Math.ceil(length / Math.floor(width / s)) * s <= 130) || 5;
    columns = Math.max(1, Math.floor(width / size));
    const height = Math.ceil(length / columns) * size, ratio = Math.min(devicePixelRatio || 1, 3), box = size - (size > 6 ? 2 : 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const g = canvas.getContext("2d"), faint = colour("faint"), rule = colour("rule"), accent = colour("accent"), warm = colour("warm");
    const shades = Array.from({ length: 16 }, (_, v) => (v === 0 ? rule : v <= 3 ? warm : `color-mix(in oklab, ${accent} ${Math.round(20 + (80 * v) / 15)}%, ${faint})`));
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    places.forEach((p, i) => {
      const v = level(frame.map[i]), x = (p.at % columns) * size, y = Math.floor(p.at / columns) * size;
      g.fillStyle = v < 0 ? faint : shades[v];
      if (v === 0) g.fillRect(x, y + box - 2, box, 2);
      else g.fillRect(x, y, box, box);
    });
    canvas.setAttribute("aria-label", `${row.name}: ${figures.textContent}`);
  }
  function show(steps) {
    frame = frameAt(film, steps);
    figures.textContent = frame.used > 0 ? `${bytes(frame.used)} used for ${bytes(frame.live)} live: ${(frame.used / Math.max(1, frame.live)).toFixed(2)}`
      : `${bytes(frame.held)} held for ${bytes(frame.live)} live`;
    draw();
  }
  canvas.addEventListener("mousemove", (e) => {
    const place = canvas.getBoundingClientRect();
    const x = Math.floor((e.clientX - place.left) / size), y = Math.floor((e.clientY - place.top) / size);
    const i = x < columns ? places.findIndex((p) => p.at === y * columns + x) : -1;
    if (i < 0) return tip.hide();
    const left = place.left + x * size, top = place.top + y * size;
    return tip.show(describe(i), { getBoundingClientRect: () => ({ left, top, width: size, height: size, bottom: top + size }) });
  });
  canvas.addEventListener("mouseleave", () => tip.hide());
  timelines.push(draw);
  return { body: h("div.screen", {}, name, h("div.map-box", {}, canvas), figures), show };
}

/** For the section on the replay; null where no row has a film. */
function films(r) {
  const rows = (r.rows || []).filter((x) => x.film && x.film.frames.length > 0);
  if (rows.length === 0) return null;
  const moments = [...new Set(rows.flatMap((x) => x.film.frames.map((f) => f.steps)))].sort((a, b) => a - b);
  const screens = rows.map(screen), name = h("output");
  let at = 0, playing = 0;
  const slider = h("input", { type: "range", min: 0, max: moments.length - 1, "aria-label": "Moment of the replay", oninput: (e) => { stop(); show(Number(e.target.value)); } });
  const button = h("button", { type: "button", onclick: () => (playing ? stop() : play()) }, "Play");
  function show(i) {
    at = i;
    slider.value = i;
    name.textContent = `step ${count(moments[i])} of ${count(r.steps || moments[moments.length - 1])}`;
    slider.setAttribute("aria-valuetext", name.textContent);
    screens.forEach((s) => s.show(moments[i]));
  }
  function stop() {
    clearInterval(playing);
    playing = 0;
    button.textContent = "Play";
  }
  function play() {
    if (at === moments.length - 1) show(0);
    button.textContent = "Pause";
    playing = setInterval(() => {
      show(at + 1);
      if (at === moments.length - 1) stop();
    }, 120);
  }
  const fullest = moments.reduce((best, steps, i) => {
    const live = frameAt(rows[0].film, steps).live;
    return live > best.live ? { live, i } : best;
  }, { live: -1, i: 0 });
  const all = h("div.below", { id: "film" }, h("h3", {}, "The heap as the trace goes"),
    h("p.note", {}, "Address space that a block ever lay in, from low to high, a cell for neighbouring pages. Blue cells are filled with granted bytes, the paler the less; red ones are at most a fifth full and cannot be given back; a bare line was used before and is empty now."),
    h("p.moment", {}, button, h("label", {}, "At ", slider), name), h("div.screens", {}, screens.map((s) => s.body)));
  show(fullest.i);
  return all;
}
