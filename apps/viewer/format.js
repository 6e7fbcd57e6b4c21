// Numbers as text: the same rules as `ashlar report` in the terminal.
"use strict";

const threeDigits = (v) => v.toFixed(v < 9.995 ? 2 : v < 99.95 ? 1 : 0);

/** [number, unit] of bytes: ["1.50", "KiB"]. */
function bytesParts(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  if (n < 1024) return [String(Math.round(n)), "B"];
  let unit = 0;
  while (n >= 1023.5 && unit + 1 < units.length) { n /= 1024; unit += 1; }
  return [threeDigits(n), units[unit]];
}
const bytes = (n) => bytesParts(n).join("\u00a0");
/** Powers of two without needless digits, for axes and classes: "64 KiB". */
const roundBytes = (n) => bytesParts(n).map((s, i) => (i === 0 && s.includes(".") ? String(Number(s)) : s)).join("\u00a0");

function timeParts(ns) {
  if (ns < 999.5) return [Number.isInteger(ns) ? String(ns) : threeDigits(ns), "ns"];
  if (ns < 999.5e3) return [threeDigits(ns / 1e3), "\u00b5s"];
  if (ns < 999.5e6) return [threeDigits(ns / 1e6), "ms"];
  if (ns < 120e9) return [threeDigits(ns / 1e9), "s"];
  const s = Math.round(ns / 1e9);
  if (s < 7200) return [`${Math.floor(s / 60)}\u00a0min ${s % 60}`, "s"];
  return [`${Math.floor(s / 3600)}\u00a0h ${Math.floor(s / 60) % 60}`, "min"];
}
const time = (ns) => timeParts(ns).join("\u00a0");
const tickTime = (ns) => timeParts(ns).map((s, i) => (i === 0 && s.includes(".") ? String(Number(s)) : s)).join("\u00a0");
/** Two digits are enough for the edge of a class: "33 us", not "32.8 us". */
const roundTime = (ns) => timeParts(ns).map((s, i) => (i === 0 && s.includes(".") ? String(s < 9.95 ? Number(Number(s).toFixed(1)) : Math.round(s)) : s)).join("\u00a0");

const count = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
/** [number, unit] of a count that may be large: ["1.24", "million"]. */
function countParts(n) {
  if (n < 1e6) return [count(n), ""];
  return n < 999.5e6 ? [threeDigits(n / 1e6), "million"] : [threeDigits(n / 1e9), "billion"];
}
const aboutCount = (n) => countParts(n).filter(Boolean).join("\u00a0");
/** For axes: 1.5k, 20M. */
function shortCount(n) {
  const [v, unit] = n >= 1e9 ? [n / 1e9, "G"] : n >= 1e6 ? [n / 1e6, "M"] : n >= 1e3 ? [n / 1e3, "k"] : [n, ""];
  return Number(v.toPrecision(3)) + unit;
}
const plural = (n, one, many = one + "s") => `${count(n)}\u00a0${n === 1 ? one : many}`;

function share(part, whole) {
  if (!(whole > 0)) return "\u2013";
  const percent = (100 * part) / whole;
  return part > 0 && percent < 0.1 ? "<\u00a00.1\u00a0%" : `${percent.toFixed(percent < 99.95 ? 1 : 0)}\u00a0%`;
}

/** Characters that control a terminal or turn the direction of writing, made visible. */
const plain = (text) => String(text).replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
  (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

/** A value in the unit that the data names. */
function inUnit(v, unit) {
  if (v === null || v === undefined || !Number.isFinite(v)) return "\u2013";
  if (unit === "bytes") return bytes(v);
  if (unit === "ns") return time(v);
  if (unit === "count") return count(v);
  return threeDigits(v) + (unit && unit !== "ratio" ? `\u00a0${unit}` : "");
}
