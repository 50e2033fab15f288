/** A calm plot of dots over time: no line joins them, nothing is claimed. It follows the width of its box. */
import { number } from "/pages/say.js";
import { shortDay } from "./wording.js";

const HEIGHT = 210;
const EDGE = { left: 38, right: 14, top: 22, bottom: 42 }; // below the axis: a lane for "-", then the dates
const INSET = 14;
const LABEL_ROOM = 38;
const RADIUS = { dot: 5, before: 6.5, after: 4 };
const MANY = 60;
const DAY_MS = 86_400_000;
const LOG_STEPS = [1, 1.5, 2, 3, 4, 5, 7];

/**
 * Draw into `box`, again at each change of its width.
 * plot: {label, digits, log, least | range, dates, dots: [{at, value, look, title, note}], pairs: [{at, from, to}], none: [{at, title}]}
 */
export function dotPlot(box, plot) {
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.round(box.clientWidth);
    if (!width || width === drawn) return;
    drawn = width;
    box.replaceChildren(draw(plot, width));
  }).observe(box);
}

function draw(plot, width) {
  const x = timeScale(plot.dates, EDGE.left + INSET, width - EDGE.right - INSET);
  const range = plot.range ?? rangeOf(plot);
  const y = valueScale(range, plot.log);
  const noted = plot.dots.length < 2 || closest(plot.dots.map(({ at }) => x(at))) >= LABEL_ROOM;
  return shape("svg", { class: "plot", role: "img", "aria-label": plot.label, viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT },
    ...ticksOf(range, plot.log).map((value) => level(value, y(value), width, plot.digits)),
    shape("line", { class: "axis", x1: EDGE.left, x2: width - EDGE.right, y1: HEIGHT - EDGE.bottom, y2: HEIGHT - EDGE.bottom }),
    ...dateLabels(plot.dates, x),
    ...plot.none.map(({ at, title }) => shape("text", { class: "none", x: x(at), y: HEIGHT - EDGE.bottom + 15 }, "-", shape("title", {}, title))),
    ...(plot.pairs ?? []).map(({ at, from, to }) => shape("line", { class: "pair", x1: x(at), x2: x(at), y1: y(from), y2: y(to) })),
    ...plot.dots.map((dot) => mark(dot, x(dot.at), y(dot.value), plot.dots.length > MANY ? 0.6 : 1)),
    ...(noted ? plot.dots.filter(({ note }) => note).map((dot) => noteOf(dot, x(dot.at), y(dot.value))) : []));
}

function mark({ look, title }, cx, cy, scale) {
  return shape("circle", { class: look, cx, cy, r: (RADIUS[look] ?? RADIUS.dot) * scale }, shape("title", {}, title));
}

function noteOf({ note }, x, y) {
  return shape("text", { class: "note", x, y: y - 10 }, note);
}

function level(value, y, width, digits) {
  const text = number(value, Number.isInteger(value) ? 0 : Math.max(digits, 1));
  return shape("g", {},
    shape("line", { class: "level", x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y }),
    shape("text", { class: "tick", x: EDGE.left - 8, y: y + 4 }, text));
}

/** First and last day, and one between where there is room for it. */
function dateLabels(dates, x) {
  const [first, last] = [Math.min(...dates), Math.max(...dates)];
  const room = x(last) - x(first);
  const shown = room < 90 ? [last] : room < 260 ? [first, last] : [first, (first + last) / 2, last];
  return shown.map((at) => shape("text", { class: "date", x: x(at), y: HEIGHT - 6 }, shortDay(new Date(at), (last - first) / DAY_MS)));
}

function timeScale(dates, left, right) {
  const [first, last] = [Math.min(...dates), Math.max(...dates)];
  return (at) => (last === first ? (left + right) / 2 : left + ((at - first) / (last - first)) * (right - left));
}

function valueScale([low, high], log) {
  const f = log ? Math.log : (value) => value;
  const [bottom, top] = [HEIGHT - EDGE.bottom, EDGE.top];
  return (value) => bottom - ((f(value) - f(low)) / (f(high) - f(low))) * (bottom - top);
}

/** At least `least` wide (a factor on a log axis): the usual ups and downs should not look like an event. */
function rangeOf({ dots, log, least }) {
  const values = dots.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) {
    const spare = Math.max(Math.sqrt(least / (high / low)), 1.15);
    return [low / spare, high * spare];
  }
  const spare = Math.max((least - (high - low)) / 2, (high - low) * 0.12);
  const bottom = Math.max(0, low - spare);
  return [bottom, Math.max(high + spare, bottom + least)];
}

function ticksOf([low, high], log) {
  if (log) {
    const decades = [0, 1, 2, 3].flatMap((power) => LOG_STEPS.map((step) => step * 10 ** power));
    return decades.filter((value) => value >= low && value <= high);
  }
  const step = [0.5, 1, 2, 5, 10, 20, 50].find((each) => (high - low) / each <= 5) ?? 100;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

function closest(places) {
  const sorted = [...places].sort((a, b) => a - b);
  return Math.min(...sorted.slice(1).map((place, index) => place - sorted[index]));
}

function shape(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
