/** The lanes on their canvases: beat intervals, ECG, skin conductance, and all of the recording above them. */
import { clockTime } from "/pages/say.js";
import { view } from "./view.js";
import { holding, marks, marksIn } from "./marks.js";

export const KINDS = ["normal", "ectopic", "missed", "extra", "long_short", "implausible", "marked"];
const LEFT = 40;
const PAD = 6;

let inks = {};
let font = "";

/** Read the colours in use; again when the page turns dark or light. */
export function readInks() {
  const style = getComputedStyle(document.documentElement);
  font = `11px ${getComputedStyle(document.body).fontFamily}`;
  inks = Object.fromEntries(["ink", "soft", "line", "grid", "accent", "partner", "good", "pale", "edge", "card"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Seconds at a place of a lane, and back. */
export function secondsAt(canvas, x) {
  return view.from_s + ((x - LEFT) / (canvas.clientWidth - LEFT)) * (view.to_s - view.from_s);
}

function sheet(canvas, { from_s, to_s } = view) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = font;
  return { pen, width, height, x: (at_s) => LEFT + ((at_s - from_s) / (to_s - from_s)) * (width - LEFT) };
}

function scaleOf(low, high, height) {
  const room = high - low || 1;
  return (value) => height - PAD - ((value - low) / room) * (height - 2 * PAD);
}

/** So many that the three values of an axis differ. */
function decimals(range) {
  if (range >= 20) return 0;
  return range >= 0.5 ? 1 : 2;
}

function axis({ pen, width, height }, low, high, y, digits) {
  pen.strokeStyle = inks.grid;
  pen.fillStyle = inks.soft;
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const share of [0.1, 0.5, 0.9]) {
    const value = low + share * (high - low);
    pen.fillText(value.toFixed(digits), LEFT - 5, Math.min(Math.max(y(value), 7), height - 7));
    pen.beginPath();
    pen.moveTo(LEFT, y(value));
    pen.lineTo(width, y(value));
    pen.stroke();
  }
}

function ticks({ pen, height, x }) {
  const span = view.to_s - view.from_s;
  const step = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400].find((each) => span / each <= 8) ?? 28800;
  pen.fillStyle = inks.soft;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  for (let at = Math.ceil(view.from_s / step) * step; at < view.to_s; at += step) {
    pen.fillRect(x(at), height - 4, 1, 4);
    pen.fillText(clockTime(at), x(at) + 3, height - 2);
  }
}

function shade({ pen, height, x }, from_s, to_s, ink, alpha) {
  const [left, right] = [Math.max(x(from_s), LEFT), x(to_s)];
  if (right <= LEFT) return;
  pen.globalAlpha = alpha;
  pen.fillStyle = inks[ink];
  pen.fillRect(left, 0, Math.max(right - left, 2), height);
  pen.globalAlpha = 1;
}

/** Beat intervals: each with its shape, or, from afar, how far they reach. */
export function drawBeats(canvas, part, recording, selection) {
  const on = sheet(canvas);
  const [low, high] = roomy(recording.range_ms);
  const y = scaleOf(low, high, on.height - 14);
  axis(on, low, high, y, 0);
  ticks(on);
  if (selection?.lane === "beats") shade(on, selection.from_s, selection.to_s, "accent", 0.15);
  const beats = part?.beats;
  if (!beats) return;
  const among = marksIn(recording.stream, part.start_s, part.end_s);
  const cut = (value) => Math.min(Math.max(y(value), 5), on.height - 20);
  clip(on, () => (beats.low ? drawReach(on, beats, cut) : drawEach(on, beats, cut, among, selection)));
  if (beats.low) for (const mark of among) shade(on, mark.time_s, mark.end_s, mark.action === "keep" ? "good" : "partner", 0.5);
}

function roomy([low, high]) {
  const more = Math.max(0.2 * (high - low), 60);
  return [Math.max(low - more, 0), high + more];
}

function clip({ pen, width, height }, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT, height);
  pen.clip();
  draw();
  pen.restore();
}

function drawReach({ pen, x }, { time, low, high, kind }, cut) {
  for (let index = 0; index < time.length; index++) {
    if (low[index] === null) continue;
    pen.fillStyle = kind[index] ? inks.partner : inks.accent;
    const top = cut(high[index]);
    pen.fillRect(x(time[index]), top, 1.5, Math.max(cut(low[index]) - top, 1.5));
  }
}

function drawEach({ pen, x }, { time, ms, kind }, cut, among, selection) {
  pen.strokeStyle = inks.line;
  pen.lineWidth = 1.2;
  pen.beginPath();
  let linked = false;
  for (let index = 0; index < time.length; index++) {
    const gap = index > 0 && time[index] - time[index - 1] > ms[index] / 1000 + 0.3;
    if (ms[index] === null) { linked = false; continue; }
    if (linked && !gap) pen.lineTo(x(time[index]), cut(ms[index]));
    else pen.moveTo(x(time[index]), cut(ms[index]));
    linked = true;
  }
  pen.stroke();
  for (let index = 0; index < time.length; index++) {
    const at = [x(time[index]), cut(ms[index] ?? 0)];
    drawShape(pen, shapeOf(kind[index], holding(among, time[index])), ...at);
    if (selection?.lane === "beats" && selection.from_s === time[index]) ring(pen, ...at);
  }
}

function ring(pen, x, y) {
  pen.strokeStyle = inks.ink;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(x, y, 8, 0, 7);
  pen.stroke();
}

/** "normal", "excluded" or "marked" by the software; "out" or "kept" by hand. */
export function shapeOf(kind, byHand) {
  if (byHand === "exclude") return "out";
  if (byHand === "keep") return "kept";
  return kind === 0 ? "normal" : kind === 6 ? "marked" : "excluded";
}

/** A point of the tachogram: shape and colour both say what it is. */
export function drawShape(pen, shape, x, y) {
  pen.lineWidth = 1.8;
  pen.beginPath();
  if (shape === "normal") pen.arc(x, y, 2.6, 0, 7);
  else if (shape === "kept") pen.rect(x - 4, y - 4, 8, 8);
  else if (shape === "marked") pen.arc(x, y, 4, 0, 7);
  else if (shape === "excluded") { pen.moveTo(x, y - 5); pen.lineTo(x + 5, y); pen.lineTo(x, y + 5); pen.lineTo(x - 5, y); pen.closePath(); }
  else { pen.moveTo(x - 4.5, y - 4.5); pen.lineTo(x + 4.5, y + 4.5); pen.moveTo(x - 4.5, y + 4.5); pen.lineTo(x + 4.5, y - 4.5); }
  pen.fillStyle = pen.strokeStyle = inks[{ normal: "accent", kept: "good", marked: "edge", excluded: "partner", out: "ink" }[shape]];
  if (shape === "normal" || shape === "kept") pen.fill();
  else pen.stroke();
}

/** A sampled signal, with what is masked and marked of it. */
export function drawSignal(canvas, part, name, selection) {
  const on = sheet(canvas);
  const held = part?.[name];
  if (!held) return;
  const [low, high] = reach(held);
  const y = scaleOf(low, high, on.height);
  if (name === "eda") {
    for (const [from_s, to_s] of part.masked) shade(on, from_s, to_s, "edge", 0.3);
    for (const mark of marksIn("eda", part.start_s, part.end_s)) {
      if (mark.action === "clear") continue;
      shade(on, mark.time_s, mark.end_s, mark.action === "keep" ? "good" : "partner", 0.35);
    }
  }
  if (selection?.lane === name) shade(on, selection.from_s, selection.to_s, "accent", 0.25);
  axis(on, low, high, y, decimals(high - low));
  clip(on, () => drawLine(on, held, y));
}

function reach({ time, low, high }, { from_s, to_s } = view) {
  let [lowest, highest] = [Infinity, -Infinity];
  for (let index = 0; index < time.length; index++) {
    if (low[index] === null || time[index] < from_s || time[index] > to_s) continue;
    lowest = Math.min(lowest, low[index]);
    highest = Math.max(highest, high ? high[index] : low[index]);
  }
  if (lowest > highest) return [0, 1];
  const more = 0.08 * (highest - lowest) || 0.5;
  return [lowest - more, highest + more];
}

function drawLine({ pen, x }, { time, low, high }, y) {
  pen.strokeStyle = inks.accent;
  pen.lineWidth = 1.2;
  const usual = time.length > 2 ? (time[time.length - 1] - time[0]) / (time.length - 1) : 1;
  pen.beginPath();
  let linked = false;
  for (let index = 0; index < time.length; index++) {
    if (low[index] === null) { linked = false; continue; }
    const gap = index > 0 && time[index] - time[index - 1] > 3 * usual;
    const at = x(time[index]);
    if (linked && !gap) pen.lineTo(at, y(low[index]));
    else pen.moveTo(at, y(low[index]));
    if (high) pen.lineTo(at, y(high[index]));
    linked = true;
  }
  pen.stroke();
}

/** All of the recording: where the view lies, how far was reviewed, what was marked. */
export function drawOverview(canvas, whole, recording) {
  const all = { from_s: 0, to_s: view.duration_s };
  const on = sheet(canvas, all);
  shade(on, 0, marks.reviewed_s, "good", 0.14);
  if (whole?.beats) {
    const [low, high] = roomy(recording.range_ms);
    const y = scaleOf(low, high, on.height);
    const { time, ms } = whole.beats;
    const cut = (value) => Math.min(Math.max(y(value), 3), on.height - 3);
    drawReach(on, ms ? { time, low: ms, high: ms, kind: whole.beats.kind } : whole.beats, cut);
  } else if (whole?.eda) {
    drawLine(on, whole.eda, scaleOf(...reach(whole.eda, all), on.height));
  }
  on.pen.fillStyle = inks.ink;
  for (const mark of marks.list) on.pen.fillRect(on.x(mark.time_s), 0, Math.max(on.x(mark.end_s) - on.x(mark.time_s), 2), 5);
  on.pen.strokeStyle = inks.ink;
  on.pen.lineWidth = 1.5;
  on.pen.strokeRect(on.x(view.from_s), 1, Math.max(on.x(view.to_s) - on.x(view.from_s), 4), on.height - 2);
}
