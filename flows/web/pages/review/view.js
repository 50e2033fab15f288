/** The stretch of time that is shown, and a part of the recording that holds it and some more either side. */
import { get } from "/pages/net.js";

const LEAST_S = 4;
const BESIDE = 0.6; // of what is shown, on either side
const SOON_MS = 60;

export const view = { from_s: 0, to_s: 120, duration_s: 0 };

let number = 0;
let part = null;
let timer = 0;
let asked = 0;
let arrived = () => {};

/** Begin with a recording: its first `span_s` seconds. `whenThere(part)` is called for each part that arrives. */
export function beginView(recording, duration_s, span_s, whenThere) {
  number = recording;
  part = null;
  arrived = whenThere;
  view.duration_s = duration_s;
  show(0, Math.min(span_s, duration_s));
}

/** Show a stretch, moved and cut so that it lies in the recording. */
export function show(from_s, to_s) {
  const least = Math.min(LEAST_S, view.duration_s);
  const span = Math.min(Math.max(to_s - from_s, least), view.duration_s);
  const middle = (from_s + to_s) / 2;
  view.from_s = Math.min(Math.max(middle - span / 2, 0), view.duration_s - span);
  view.to_s = view.from_s + span;
  if (!holds()) ask();
}

/** Move by a share of what is shown. */
export function pan(share) {
  const by = share * (view.to_s - view.from_s);
  show(view.from_s + by, view.to_s + by);
}

/** Show more (above 1) or less of it, around a moment. */
export function zoom(factor, at_s = (view.from_s + view.to_s) / 2) {
  show(at_s - (at_s - view.from_s) * factor, at_s + (view.to_s - at_s) * factor);
}

/** Bring a moment into view, in the middle if it is not there yet. */
export function reveal(at_s) {
  if (at_s >= view.from_s && at_s <= view.to_s) return;
  const half = (view.to_s - view.from_s) / 2;
  show(at_s - half, at_s + half);
}

/** The part that is here, or null. */
export function currentPart() {
  return part;
}

/** A part holds the view if it reaches over it, and was not made for a much wider one. */
function holds() {
  const span = view.to_s - view.from_s;
  return part !== null && part.start_s <= view.from_s && part.end_s >= view.to_s && part.end_s - part.start_s < 6 * span;
}

function ask() {
  clearTimeout(timer);
  timer = setTimeout(fetchPart, part === null ? 0 : SOON_MS);
}

async function fetchPart() {
  const mine = ++asked;
  const of = number;
  const beside = BESIDE * (view.to_s - view.from_s);
  const [start, end] = [Math.max(view.from_s - beside, 0), Math.min(view.to_s + beside, view.duration_s + 1)];
  const points = Math.min(4000, Math.round(innerWidth * 2.5));
  const answer = await get(`/api/review/${of}/part?start_s=${start}&end_s=${end}&points=${points}`);
  if (mine !== asked || of !== number) return;
  if (answer.ok) part = answer;
  arrived(answer);
}
