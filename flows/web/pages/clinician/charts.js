/** The chart panels: heading with current values, canvas, text alternative; and the one loop that draws them. */

import { isLive, subscribe } from "../net.js";
import { clockTime, el, number, sentence, setText } from "../say.js";
import { baselines } from "./baseline.js";
import { STRIP_PX, countText, drawBeats } from "./beat_classes.js";
import { StripChart, onInks } from "./chart.js";
import { isOver, store } from "./store.js";
import * as view from "./view.js";

const ECG_S = 6;
const ECG_SILENT_S = 3;
const TEXT_EVERY_MS = 5000;

/** The panels from the top: where each value comes from, what is drawn, which baseline and threshold belong to it. */
const PANELS = [
  {
    id: "heart", topic: "beats", title: "Heart rhythm", unit: "NN interval, ms", measure: "nn", limit: (limits) => limits.heart_rate_bpm && 60000 / limits.heart_rate_bpm,
    values: [["Heart rate", "heart_rate_bpm", 0, "bpm"], ["RMSSD", "rmssd_ms", 0, "ms"]],
    chart: () => ({ names: true, range: { least: 200, floor: 0 }, strip: { height: STRIP_PX + 4, draw: drawBeats },
      traces: [{ series: store.beats, column: "nn", ink: "accent", width: 1.75, dots: 1.9, gap_s: 2.2 }] }),
  },
  {
    id: "skin", topic: "skin", title: "Skin conductance", unit: "µS", measure: "scl_us", limit: (limits) => limits.scl_us, legend: true,
    values: [["Now", "eda_us", 2, "µS"], ["Level", "scl_us", 2, "µS"], ["Responses", "scr_per_min", 1, "/min"]],
    chart: () => ({ digits: 1, range: { least: 1, floor: 0 }, lower: { share: 0.34, digits: 1, range: { least: 0.5, floor: -0.1 } }, traces: [
      { series: store.skin, column: "tonic", ink: "accent", gap_s: 2 },
      { series: store.skin, column: "phasic", ink: "partner", dash: [4, 2.5], gap_s: 2, lower: true }] }),
  },
  {
    id: "arousal", topic: "course", title: "Arousal index", unit: "50 = baseline", measure: "arousal", limit: (limits) => limits.arousal, values: [["", "arousal", 0, ""]],
    chart: () => ({ range: { fixed: [0, 100] }, band: { series: store.course, low: "low", high: "high", ink: "accent", gap_s: 12 },
      traces: [{ series: store.course, column: "arousal", ink: "accent", gap_s: 12 }] }),
  },
  {
    id: "ecg", topic: "ecg", title: "ECG", unit: "mV", stretch_s: ECG_S, values: [["", "ecg", 0, ""]],
    chart: () => ({ digits: 1, scale: 0.001, range: { least: 1 }, traces: [{ series: store.ecg, column: "uv", ink: "good", width: 1.25, gap_s: 0.1 }] }),
  },
  {
    id: "rhythm", topic: "course", title: "Rhythm concentration", unit: "", measure: "rhythm_concentration", limit: (limits) => limits.rhythm_concentration,
    values: [["", "rhythm_concentration", 2, ""]],
    chart: () => ({ digits: 1, range: { least: 1, floor: 0 }, traces: [{ series: store.course, column: "rhythm_concentration", ink: "accent", gap_s: 12 }] }),
  },
  {
    id: "breathing", topic: "course", title: "Breathing rate", unit: "per minute", measure: "resp_rate_bpm", limit: (limits) => limits.resp_rate_bpm, values: [["", "resp_rate_bpm", 1, ""]],
    chart: () => ({ range: { least: 8, floor: 0 }, traces: [{ series: store.course, column: "resp_rate_bpm", ink: "accent", gap_s: 12 }] }),
  },
];

const panels = [];
let described = -1;

/** Build the panels in `place` and draw from now on. */
export function showCharts(place) {
  for (const plan of PANELS) panels.push(build(plan, place));
  onInks(() => { for (const { chart } of panels) chart.dirty = true; });
  subscribe("values", showValues);
  subscribe("session", showValues);
  setTimeout(describe, 1000);
  setInterval(describe, TEXT_EVERY_MS);
  requestAnimationFrame(frame);
}

function build(plan, place) {
  const canvas = el("canvas", { role: "img", "aria-label": `${plan.title}: no data yet` });
  const values = plan.values.map(([name, key, digits, unit]) => ({ key, digits, unit, dd: el("dd"), why: el("dd", { class: "why" }), name }));
  const list = values.map(({ name, dd, why }) => el("div", {}, el("dt", name ? {} : { class: "visually-hidden" }, name || plan.title), dd, why));
  const legend = plan.legend ? el("small", { class: "legend" }, el("i", { class: "tonic" }), "tonic", el("i", { class: "phasic" }), "phasic") : null;
  const count = plan.id === "heart" ? el("p", { class: "count soft" }, "Beats shown: none yet") : null;
  const title = el("h2", { id: `${plan.id}-title` }, plan.title, el("small", {}, plan.unit), legend);
  const room = el("div", { class: "room" }, canvas);
  const card = el("section", { class: "card chart", id: plan.id, "data-panel": plan.id, "aria-labelledby": `${plan.id}-title` },
    el("div", { class: "head" }, title, list.length ? el("dl", { class: "values" }, list) : null), room, count);
  place.append(card);
  return { plan, card, canvas, values, count, chart: new StripChart(canvas, plan.chart()), stamps: "", drawn_s: -1 };
}

/** Current values with why there is none; greyed while nothing is heard. */
export function showValues() {
  const shown = isLive() && !isOver() ? store.values : null;
  const none = isOver() ? "the session has ended" : isLive() ? "no data yet" : "no news";
  for (const { values } of panels) {
    values.forEach(({ key, digits, unit, dd, why }, index) => {
      if (key === "ecg") {
        setText(why, ecgText());
        return;
      }
      const value = shown?.[key] ?? { value: null, why: none };
      const known = value.value !== null && value.value !== undefined;
      setText(dd, number(value.value, digits));
      if (known && unit) dd.append(el("span", { class: "unit" }, unit));
      const next = shown?.[values[index + 1]?.key] ?? { value: null, why: none };
      const again = index + 1 < values.length && next.value === null && next.why === value.why;
      setText(why, known ? aside(key, value) : again ? "" : value.why ?? "not known");
      why.title = why.textContent;
      why.classList.toggle("beside", known);
    });
  }
}

/** What is said beside a value: how sure, or from where. */
function aside(key, value) {
  if (key === "arousal" && value.low !== null && value.low !== undefined) return `${number(value.low)}–${number(value.high)}${value.basis ? ` · ${value.basis}` : ""}`;
  if (key === "resp_rate_bpm" && value.source) return SOURCES[value.source] ?? `from ${value.source}`;
  return "";
}

const SOURCES = { belt: "from a belt", acc: "from chest movement", rr: "from the heart rhythm" };

function frame() {
  requestAnimationFrame(frame);
  const now_s = view.shownNow();
  if (now_s === null || document.hidden) return;
  const means = baselines(now_s);
  const session = store.session;
  const common = {
    now_s, stale: !isLive(), live: view.isMoving(), phases: session?.phases ?? [],
    markers: (session?.markers ?? []).filter((marker) => !spanOf(marker) && marker.kind !== "protocol"), spans: (session?.markers ?? []).filter(spanOf),
  };
  const stamps = `${store.stamps.session} ${view.stamp} ${common.stale} ${common.live}`;
  let painted = false;
  for (const panel of panels) painted = paint(panel, stamps, common, means) || painted;
  if (painted && view.stamp !== described) describe();
  if (!painted || !store.unpainted.length) return;
  for (const at of store.unpainted) window.vagalPainted?.(at);
  store.unpainted.length = 0;
}

const SPANS = new Set(["talking", "moving", "touching", "pause"]);

/** A marker that lasts: ended, or the latest of a kind that is open now. */
function spanOf(marker) {
  if (marker.end_s !== null && marker.end_s !== undefined) return marker.end_s > marker.time_s;
  if (!SPANS.has(marker.kind) || !store.session.open_spans?.includes(marker.kind)) return false;
  return store.session.markers.findLast((other) => other.kind === marker.kind) === marker;
}

function paint(panel, general, common, means) {
  const { plan, chart } = panel;
  const stamps = `${general} ${store.stamps[plan.topic]}`;
  if (!chart.visible) return false;
  const seen = { ...common, ...view.stretch(common.now_s, plan.stretch_s) };
  const moved = Math.abs(seen.to_s - panel.drawn_s) >= chart.pixel_s(seen);
  if (!chart.dirty && stamps === panel.stamps && !moved) return false;
  if (plan.topic === "skin") seen.spans = seen.spans.filter(({ kind }) => kind !== "talking");
  chart.draw({ ...seen, baseline: means[plan.measure], threshold: plan.limit?.(store.session?.thresholds ?? {}) });
  Object.assign(panel, { stamps, drawn_s: seen.to_s, seen });
  chart.dirty = false;
  return true;
}

/** The text alternatives, renewed at an eye's pace and silent. */
export function describe() {
  const now_s = view.shownNow();
  if (now_s === null) return;
  described = view.stamp;
  const means = baselines(now_s);
  for (const { plan, canvas, values, count, seen } of panels) {
    if (!seen) continue;
    const current = values.map(({ name, dd, why }) => sentence(`${name} ${dd.textContent}${dd.textContent && why.textContent ? ` (${why.textContent})` : why.textContent}`.trim()));
    const baseline = means[plan.measure] ? `Baseline ${number(means[plan.measure], plan.id === "heart" ? 0 : 1)}.` : "";
    const beats = count ? `Beats shown: ${countText(seen)}.` : "";
    canvas.setAttribute("aria-label", [`${plan.title}, ${clockTime(seen.from_s)} to ${clockTime(seen.to_s)}.`, current.join(", ") + (current.length ? "." : ""), baseline, beats].filter(Boolean).join(" "));
    if (count) setText(count, `Beats shown: ${countText(seen)}`);
  }
}

function ecgText() {
  const now_s = view.shownNow();
  return isLive() && now_s !== null && now_s - (store.ecg.last_s ?? -Infinity) < ECG_SILENT_S ? "arriving" : "no ECG is arriving";
}

/** Show the ECG panel only where there is such a signal. */
export function hasEcg() {
  return store.ecg.time.length > 0 || (store.session?.devices ?? []).some((device) => device.streams?.includes("ecg"));
}
