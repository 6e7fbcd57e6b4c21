// Reads the data, shows the sections that are there, and looks after theme, width and saving.
"use strict";

function applyTheme(choice) {
  const dark = choice === "dark" || (choice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[choice];
  timelines.forEach((draw) => draw());
}

function setUpTheme() {
  const key = "ashlar-theme", order = ["auto", "light", "dark"];
  let choice = "auto";
  // Some browsers refuse storage to pages from file://.
  try { choice = order.includes(localStorage.getItem(key)) ? localStorage.getItem(key) : "auto"; } catch { /* auto */ }
  document.getElementById("theme").addEventListener("click", () => {
    choice = order[(order.indexOf(choice) + 1) % order.length];
    try { localStorage.setItem(key, choice); } catch { /* holds for this visit */ }
    applyTheme(choice);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(choice));
  applyTheme(choice);
}

function saveData() {
  const link = h("a", { href: URL.createObjectURL(new Blob([document.getElementById("data").textContent], { type: "application/json" })), download: "ashlar-report.json" });
  link.click();
}

function show(page) {
  const main = document.getElementById("main");
  if (page.ashlar_page !== 1) {
    main.append(h("p.notice", {}, `This page reads data of version 1; it was given version ${String(page.ashlar_page)}.`));
    return;
  }
  const t = page.trace;
  main.append(head(page, t));
  if (t) main.append(lede(t));
  if (t && t.events > 0) main.append(figures(t), facts(t));
  const sections = [page.advice && advice(page.advice), page.tune && tune(page.tune), page.replay && replay(page.replay)];
  if (t) sections.push(page.against && compare(t, page.against), overTime(t), callers(t), sizes(t), lifetimes(t), reallocations(t), pages(t), threads(t), kinds(t), libraries(t), words(t));
  const present = sections.filter(Boolean);
  main.append(...present);
  document.getElementById("contents").append(...present.map((s) => h("a", { href: `#${s.id}` }, s.querySelector("h2").textContent)));
  document.getElementById("foot").append(h("span", {}, `Made by ashlar ${page.ashlar || ""}. One file, nothing fetched.`),
    h("button", { type: "button", onclick: saveData }, "Save the data as JSON"));
  if (page.title) document.title = `${plain(page.title.slice(0, 80))} \u2013 Ashlar report`;
}

show(JSON.parse(document.getElementById("data").textContent));
setUpTheme();
let resizing = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => timelines.forEach((draw) => draw()));
});
document.documentElement.dataset.ready = "yes";  // tests wait for it
