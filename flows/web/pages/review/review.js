/** The review page: one recording at a time, what is selected in it, and marks that are saved as they are made. */
import { clockTime, el, number as figure, setText } from "/pages/say.js";
import { get, onTrouble, post } from "/pages/net.js";
import { plural, text } from "/pages/words.js";
import { beginView, currentPart, pan, reveal, show, view, zoom } from "./view.js";
import { KINDS, drawBeats, drawOverview, drawShape, drawSignal, readInks, shapeOf } from "./lanes.js";
import { holding, marks, marksIn, takeMarks } from "./marks.js";
import { listen, listenOverview } from "./gestures.js";

const REASONS = ["unsaid", "ectopic", "detection", "movement", "contact", "speech", "sound", "other"];
const LEGEND = ["normal", "excluded", "marked", "out", "kept"];
const KEYS = { a: "back", d: "on", "+": "closer", "=": "closer", "-": "wider", ",": "doubtful_before", ".": "doubtful_after", v: "spans", x: "exclude", k: "keep", c: "clear", z: "undo", y: "redo", r: "reviewed", PageUp: "back", PageDown: "on" };
const LISTED = 30;

const find = (query) => document.querySelector(query);
const lanes = { beats: find("#beats"), ecg: find("#ecg"), eda: find("#eda") };
const overview = find("#overview");

let chosen = 0;
let count = 0;
let recording = null;
let whole = null;
let selection = null;
let spanning = false;
let waiting = Promise.resolve();
let drawing = 0;

onTrouble(tell);
begin();

async function begin() {
  readInks();
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { readInks(); redraw(); legend(); });
  find("#reason").replaceChildren(...REASONS.map((name) => el("option", { value: name === "unsaid" ? "" : name }, text(`web.review.reasons.${name}`))));
  legend();
  const answer = await get("/api/review/recordings");
  if (!answer.ok) { tell(answer.error); return; }
  count = answer.recordings.length;
  setText(find("#rater"), text("web.review.rater", { rater: answer.rater }));
  find("#recordings").hidden = count < 2;
  find("#chosen").replaceChildren(...answer.recordings.map(({ reviewed_s, marks: made }, index) =>
    el("option", { value: index }, text(reviewed_s || made ? "web.review.begun" : "web.review.of", { number: index + 1, count }))));
  find("#chosen").addEventListener("change", ({ target }) => open(Number(target.value)));
  find("#previous").addEventListener("click", () => open(chosen - 1));
  find("#next").addEventListener("click", () => open(chosen + 1));
  for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => act(button.dataset.do));
  document.addEventListener("keydown", press);
  new ResizeObserver(redraw).observe(find("#lanes"));
  for (const [lane, canvas] of Object.entries(lanes)) {
    listen(canvas, {
      tap: (at_s) => (lane === "eda" ? select("eda", at_s - 1, at_s + 1) : selectNearest(at_s)),
      select: (from_s, to_s) => (lane === "eda" ? select("eda", from_s, to_s) : selectIntervals(from_s, to_s)),
      selecting: () => spanning,
      moved: redraw,
    });
  }
  listenOverview(overview, (at_s) => { const half = (view.to_s - view.from_s) / 2; show(at_s - half, at_s + half); redraw(); });
  const asked = Number(location.hash.slice(1)) - 1;
  await open(asked >= 0 && asked < count ? asked : 0);
}

async function open(wanted) {
  if (wanted < 0 || wanted >= count) return;
  chosen = wanted;
  recording = null;
  find("#looking").hidden = true;
  tell("");
  setText(find("#title"), text("web.loading"));
  history.replaceState(null, "", `#${chosen + 1}`);
  find("#chosen").value = String(chosen);
  find("#previous").disabled = chosen === 0;
  find("#next").disabled = chosen === count - 1;
  const answer = await get(`/api/review/${wanted}`);
  if (wanted !== chosen) return;
  setText(find("#title"), text("web.review.of", { number: chosen + 1, count }));
  if (!answer.ok) { tell(answer.error); return; }
  recording = answer;
  whole = selection = null;
  takeMarks(answer);
  for (const name of ["ecg", "eda"]) {
    lanes[name].hidden = !recording[name];
    find(`[data-of="${name}"]`).hidden = !recording[name];
  }
  find("#looking").hidden = false;
  beginView(chosen, recording.duration_s, innerWidth < 640 ? 45 : 120, (found) => (found.ok ? redraw() : tell(found.error)));
  if (marks.reviewed_s) show(marks.reviewed_s, marks.reviewed_s + (view.to_s - view.from_s));
  tellState();
  redraw();
  const all = await get(`/api/review/${wanted}/part?start_s=0&end_s=${recording.duration_s + 1}&points=${Math.round(innerWidth)}`);
  if (wanted === chosen && all.ok) { whole = all; redraw(); }
}

function redraw() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    if (!recording) return;
    drawBeats(lanes.beats, currentPart(), recording, selection);
    for (const name of ["ecg", "eda"]) if (recording[name]) drawSignal(lanes[name], currentPart(), name, selection);
    drawOverview(overview, whole, recording);
    setText(find("#span"), text("web.review.shown", { from: clockTime(view.from_s), to: clockTime(view.to_s) }));
    lanes.beats.setAttribute("aria-label", beatsTold());
  });
}

function beatsTold() {
  const beats = currentPart()?.beats;
  if (!beats) return text("web.review.intervals");
  let [shown, left] = [0, 0];
  beats.time.forEach((at, index) => {
    if (at < view.from_s || at > view.to_s) return;
    shown += 1;
    left += beats.kind[index] !== 0;
  });
  return text("web.review.told", { from: clockTime(view.from_s), to: clockTime(view.to_s), shown, left });
}

function legend() {
  find("#legend").replaceChildren(...LEGEND.map((shape) => {
    const canvas = el("canvas", { width: 28, height: 28, "aria-hidden": "true" });
    const pen = canvas.getContext("2d");
    pen.scale(2, 2);
    drawShape(pen, shape, 7, 7);
    return el("li", {}, canvas, text(`web.review.legend.${shape}`));
  }));
}

function press(event) {
  if (event.target.matches("input, select, textarea, summary") || event.altKey) return;
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z" || letter === "y") { event.preventDefault(); act(letter === "y" || event.shiftKey ? "redo" : "undo"); }
    return;
  }
  if (letter === "ArrowLeft" || letter === "ArrowRight") step(letter === "ArrowRight" ? 1 : -1, event.shiftKey);
  else if (letter === "ArrowUp" || letter === "ArrowDown") changeLane(letter === "ArrowDown" ? "eda" : "beats");
  else if (letter === "Home") show(0, view.to_s - view.from_s);
  else if (letter === "End") show(view.duration_s - (view.to_s - view.from_s), view.duration_s);
  else if (letter === "Escape") { selection = null; tellSelection(); }
  else if (KEYS[letter]) act(KEYS[letter]);
  else return;
  event.preventDefault();
  redraw();
}

/** One interval, or one second of skin conductance, on or back; or that much more or less of it. */
function step(by, extend) {
  if (!recording) return;
  const middle = (view.from_s + view.to_s) / 2;
  if (selection?.lane === "eda" || !recording.stream) {
    const { from_s, to_s } = selection ?? { from_s: middle - 1, to_s: middle };
    select("eda", extend ? from_s : from_s + by, Math.max(to_s + by, from_s + 1));
    return;
  }
  const time = individual();
  if (!time) return;
  const last = selection ? time.indexOf(selection.to_s) : -1;
  if (last < 0) { selectNearest(middle); return; }
  const next = time[last + by];
  if (next === undefined) { pan(by * 0.3); return; }
  if (extend) select("beats", Math.min(selection.from_s, next), next);
  else select("beats", next, next);
}

function changeLane(lane) {
  if (!recording?.[lane === "eda" ? "eda" : "stream"]) return;
  const at_s = selection?.from_s ?? (view.from_s + view.to_s) / 2;
  if (lane === "eda") select("eda", at_s, at_s + 1);
  else selectNearest(at_s);
}

/** The ends of the intervals that are here one by one; null, with a word why, where the view is too wide. */
function individual() {
  const beats = currentPart()?.beats;
  if (!beats) return null;
  if (beats.ms) return beats.time;
  setText(find("#selected"), text("web.review.too_wide"));
  return null;
}

function selectNearest(at_s) {
  const time = individual();
  if (!time?.length) return;
  const nearest = time.reduce((best, each) => (Math.abs(each - at_s) < Math.abs(best - at_s) ? each : best));
  select("beats", nearest, nearest);
}

function selectIntervals(from_s, to_s) {
  const held = individual()?.filter((at) => at >= from_s && at <= to_s);
  if (held?.length) select("beats", held[0], held[held.length - 1]);
}

function select(lane, from_s, to_s) {
  selection = { lane, from_s: Math.max(from_s, 0), to_s: Math.min(to_s, recording.duration_s) };
  reveal(selection.to_s);
  tellSelection();
  redraw();
}

function fine(seconds) {
  return `${clockTime(seconds)}.${Math.floor((seconds % 1) * 10)}`;
}

function tellSelection() {
  setText(find("#selected"), selection ? (selection.lane === "eda" ? skinTold() : intervalsTold()) : text("web.review.nothing"));
}

function skinTold() {
  const { from_s, to_s } = selection;
  return text("web.review.skin_selected", { from: fine(from_s), to: fine(to_s), seconds: figure(to_s - from_s, 1) });
}

function intervalsTold() {
  const { time, ms, kind } = currentPart().beats;
  const { from_s, to_s } = selection;
  const rows = time.flatMap((at, index) => (at >= from_s && at <= to_s ? [index] : []));
  if (rows.length !== 1) return plural("web.review.intervals_selected", rows.length, { from: fine(from_s), to: fine(to_s) });
  const byHand = holding(marksIn(recording.stream, from_s, to_s), from_s);
  const state = byHand ? text(`web.review.legend.${shapeOf(0, byHand)}`) : text(`web.review.kinds.${KINDS[kind[rows[0]]]}`);
  return text("web.review.interval_selected", { at: fine(from_s), ms: figure(ms[rows[0]]), state });
}

function act(name) {
  const doing = { back: () => pan(-0.8), on: () => pan(0.8), closer: () => zoom(0.6, inView()), wider: () => zoom(1.7, inView()), doubtful_before: () => doubtful(-1), doubtful_after: () => doubtful(1), spans: toggleSpans, reviewed: reviewedOn };
  if (!recording) return;
  if (doing[name]) doing[name]();
  else if (name === "undo" || name === "redo") send({ do: name });
  else markSelected(name);
  redraw();
}

/** The middle of what is selected, where that is in view: zooming stays with it. */
function inView() {
  const at_s = selection ? (selection.from_s + selection.to_s) / 2 : -1;
  return at_s >= view.from_s && at_s <= view.to_s ? at_s : undefined;
}

function toggleSpans() {
  spanning = !spanning;
  find('[data-do="spans"]').setAttribute("aria-pressed", String(spanning));
  find("#lanes").classList.toggle("spanning", spanning);
}

/** Go to the next interval, or the one before, that the software left out. */
function doubtful(by) {
  const at = selection?.lane === "beats" ? selection.from_s : by > 0 ? view.from_s : view.to_s;
  const found = by > 0 ? recording.doubtful_s.find((each) => each > at + 1e-6) : recording.doubtful_s.findLast((each) => each < at - 1e-6);
  if (found === undefined) { setText(find("#selected"), text("web.review.no_doubtful")); return; }
  const half = Math.min((view.to_s - view.from_s) / 2, 60);
  show(found - half, found + half);
  const wait = setInterval(() => {
    if (!currentPart()?.beats?.time.includes(found)) return;
    clearInterval(wait);
    select("beats", found, found);
  }, 30);
  setTimeout(() => clearInterval(wait), 5000);
}

function markSelected(action) {
  if (!selection) { setText(find("#selected"), text("web.review.nothing")); return; }
  const words = find("#words").value.trim();
  const reason = action === "clear" ? "" : [find("#reason").value, words].filter(Boolean).join(": ");
  const stream = selection.lane === "eda" ? "eda" : recording.stream;
  send({ do: action, time_s: selection.from_s, end_s: selection.to_s, stream, reason });
}

async function reviewedOn() {
  const { from_s, to_s } = view;
  if (from_s > marks.reviewed_s + 1) {
    show(marks.reviewed_s, marks.reviewed_s + to_s - from_s);
    setText(find("#selected"), text("web.review.not_seen", { until: clockTime(marks.reviewed_s) }));
    return;
  }
  const end_s = to_s >= view.duration_s - 0.5 ? view.duration_s : to_s;
  if ((await send({ do: "reviewed", time_s: 0, end_s })) && end_s === to_s) show(to_s, 2 * to_s - from_s);
  redraw();
}

/** Save, one after the other; whether it was. */
function send(facts) {
  const of = chosen;
  setText(find("#saved"), text("web.review.saving"));
  const sent = waiting.then(async () => {
    const answer = await post(`/api/review/${of}/marks`, facts);
    setText(find("#saved"), answer.ok ? text("web.review.saved") : text("web.review.not_saved"));
    if (!answer.ok || of !== chosen) return answer.ok;
    tell("");
    takeMarks(answer);
    tellState();
    if (facts.do !== "reviewed") tellSelection();
    redraw();
    return true;
  });
  waiting = sent.catch(() => {});
  return sent;
}

function tellState() {
  const until = Math.min(marks.reviewed_s, view.duration_s);
  setText(find("#progress"), text("web.review.progress", { until: clockTime(until), all: clockTime(view.duration_s) }));
  find("#bar").style.width = `${(100 * until) / (view.duration_s || 1)}%`;
  find('[data-do="undo"]').disabled = !marks.can_undo;
  find('[data-do="redo"]').disabled = !marks.can_redo;
  setText(find("#marks-title"), plural("web.review.marks", marks.list.length));
  find("#marks").replaceChildren(...marks.list.slice(-LISTED).reverse().map((mark) => {
    const facts = { from: fine(mark.time_s), to: fine(mark.end_s), action: text(`web.review.done.${mark.action}`), reason: mark.reason };
    const line = text(mark.stream === "eda" ? "web.review.mark_skin" : "web.review.mark_beats", facts);
    return el("li", {}, el("button", { type: "button", class: "quiet small", onclick: () => goTo(mark) }, line));
  }));
}

function goTo(mark) {
  reveal(mark.time_s);
  if (mark.stream === "eda" || individual()) select(mark.stream === "eda" ? "eda" : "beats", mark.time_s, mark.end_s);
}

function tell(trouble) {
  find("#trouble").hidden = !trouble;
  setText(find("#trouble"), trouble);
}
