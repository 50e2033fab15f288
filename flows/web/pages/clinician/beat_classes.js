/** Beats by class: word, shape and colour of each, and the strip below the tachogram. */

import { store } from "./store.js";

const CLASSES = {
  normal: { word: "NN", ink: "accent", shape: "bar" },
  ectopic: { word: "ectopic", ink: "partner", shape: "diamond" },
  missed: { word: "missed", ink: "partner", shape: "gap" },
  extra: { word: "extra", ink: "partner", shape: "cross" },
  longshort: { word: "long or short", ink: "partner", shape: "triangle" },
  implausible: { word: "implausible", ink: "partner", shape: "ring" },
};

/** By the kind as it is sent: "ectopic?" is an ectopic that may still change. */
const KINDS = Object.fromEntries(Object.entries(CLASSES).flatMap(([kind, facts]) => [[kind, { ...facts, final: true }], [`${kind}?`, { ...facts, final: false }]]));
const lookUp = (kind) => KINDS[kind] ?? KINDS.implausible;

export const STRIP_PX = 16;

/** Each beat as a bar in the strip, each that is not normal as its shape there and at its interval. */
export function drawBeats(pen, x, view, box, inks, y) {
  const { time, columns } = store.beats;
  const middle = box.bottom + STRIP_PX / 2 + 1;
  const first = store.beats.indexOf(view.from_s);
  const last = store.beats.indexOf(view.to_s);
  drawBars(pen, first, last, x, middle, inks);
  for (let index = first; index < last; index++) {
    const { ink, shape, final } = lookUp(columns.kind[index]);
    if (shape === "bar") continue;
    pen.strokeStyle = pen.fillStyle = inks[ink];
    draw(pen, shape, x(time[index]), middle, final);
    draw(pen, shape, x(time[index]), Math.min(box.bottom - 5, Math.max(box.top + 5, y(columns.rr[index]))), final);
  }
}

/** Normal beats: final ones tall, those that may still change low and pale; one bar to a pixel is enough. */
function drawBars(pen, first, last, x, middle, inks) {
  const { time, columns } = store.beats;
  for (const [final, ink, half] of [[true, "accent", 5], [false, "edge", 2.5]]) {
    pen.fillStyle = inks[ink];
    pen.beginPath();
    let before = -Infinity;
    for (let index = first; index < last; index++) {
      const found = lookUp(columns.kind[index]);
      const at = x(time[index]);
      if (found.shape !== "bar" || found.final !== final || at - before < 1.5) continue;
      pen.rect(at - 0.75, middle - half, 1.5, 2 * half);
      before = at;
    }
    pen.fill();
  }
}

function draw(pen, shape, x, y, full) {
  const size = 4.5;
  pen.lineWidth = 1.5;
  pen.beginPath();
  if (shape === "diamond") polygon(pen, [[x, y - size], [x + size, y], [x, y + size], [x - size, y]]);
  else if (shape === "triangle") polygon(pen, [[x, y - size], [x + size, y + size - 1], [x - size, y + size - 1]]);
  else if (shape === "gap") polygon(pen, [[x - size, y - 3], [x + size, y - 3], [x + size, y + 3], [x - size, y + 3]]);
  else if (shape === "ring") pen.arc(x, y, size - 0.5, 0, 7);
  else { pen.moveTo(x - 4, y - 4); pen.lineTo(x + 4, y + 4); pen.moveTo(x + 4, y - 4); pen.lineTo(x - 4, y + 4); }
  if (full && (shape === "diamond" || shape === "triangle")) pen.fill();
  else pen.stroke();
}

function polygon(pen, points) {
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.closePath();
}

/** {NN: 71, ectopic: 1, provisional: 4} of a stretch of time. */
export function countBeats({ from_s, to_s }) {
  const counts = {};
  const { time, columns } = store.beats;
  for (let index = store.beats.indexOf(from_s); index < time.length && time[index] <= to_s; index++) {
    const { word: found, final } = lookUp(columns.kind[index]);
    const word = final ? found : "provisional";
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

/** "61 NN, 1 ectopic, 4 provisional". */
export function countText(view) {
  const parts = Object.entries(countBeats(view)).map(([word, count]) => `${count} ${word}`);
  return parts.length ? parts.join(", ") : "no beats yet";
}
