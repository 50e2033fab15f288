/** What the client follows: the pacer by hand, and the one feedback element. */

import { act, subscribe } from "../net.js";
import { button, el, number, pace, setText } from "../say.js";
import { MEASURES } from "./measures.js";
import { store } from "./store.js";

const ELEMENTS = { tide: "Tide", light: "Light", lantern: "Lantern", garden: "Garden", tone: "Tone", noise: "Soft noise" };
const SLOWEST = 4.5, FASTEST = 12;

const running = () => ["running", "paused"].includes(store.session?.state);

/** The panel's content. */
export function guidePanel() {
  return el("div", { class: "stack" }, pacer(), feedback());
}

function pacer() {
  const rate = el("input", { type: "range", min: SLOWEST, max: FASTEST, step: 0.1, value: 6 });
  const share = el("input", { type: "range", min: 0.3, max: 0.6, step: 0.05, value: 0.4 });
  const said = el("p", { class: "small" });
  const chosen = () => ({ breaths_per_min: Number(rate.value), inhale_share: Number(share.value) });
  const start = button("Start pacer", null, () => act("pacer", chosen()), { class: "primary small" });
  const stop = button("Stop pacer", null, () => act("pacer", { off: true }), { class: "small" });
  const show = () => {
    const runs = store.session?.pacer && pace(store.session.pacer) === pace(chosen());
    setText(said, `${runs ? "Runs now: " : ""}${pace(chosen())}. ${store.session?.reminder ?? ""}`);
    setText(start, store.session?.pacer ? "Change pacer" : "Start pacer");
    start.disabled = !running();
    stop.disabled = !running() || !store.session?.pacer;
  };
  rate.addEventListener("input", show);
  share.addEventListener("input", show);
  let last = null;
  subscribe("session", (session) => {
    const key = JSON.stringify(session?.pacer ?? null);
    if (session?.pacer && key !== last) { rate.value = session.pacer.breaths_per_min; share.value = session.pacer.inhale_share; }
    last = key;
    show();
  });
  show();
  return el("section", { class: "stack tight", "aria-label": "Pacer" }, el("h3", {}, "Breathing pacer"),
    el("div", { class: "pair" }, el("label", { class: "field" }, el("span", {}, "Breaths per minute"), rate), el("label", { class: "field" }, el("span", {}, "Part inhaling"), share)), said, el("div", { class: "row" }, start, stop));
}

function feedback() {
  const element = select(ELEMENTS, (value) => act("feedback", { element: value }));
  const measure = select({ "": "-", ...Object.fromEntries(Object.entries(MEASURES).map(([name, { title }]) => [name, title])) }, (value) => value && act("feedback", { measure: value }));
  const on = button("Switch on", null, () => act("feedback", { on: !store.session?.feedback?.on }), { class: "small" });
  const said = el("p", { class: "soft small" });
  let offered = "";
  subscribe("session", (session) => {
    const now = session?.feedback;
    if (JSON.stringify(now?.measures) !== offered) {
      offered = JSON.stringify(now?.measures);
      for (const option of measure.options) option.hidden = now?.measures && option.value ? !now.measures.includes(option.value) : false;
    }
    for (const [field, value] of [[element, now?.element], [measure, now?.measure]]) {
      if (document.activeElement !== field) field.value = value ?? "";
      field.disabled = !running();
    }
    on.disabled = !running();
    setText(on, now?.on ? "Switch off" : "Switch on");
    const limit = now?.threshold !== null && now?.threshold !== undefined ? ` Threshold ${number(now.threshold, 1)}${now.direction ? ` (${now.direction})` : ""}.` : "";
    setText(said, now?.on && !now.measure ? "This phase has no feedback. Choose what it should follow." : now?.on ? (now.paused ? `Paused: ${now.paused}.` : `The client sees it now.${limit}`) : "No feedback is shown now.");
  });
  return el("section", { class: "stack tight", "aria-label": "Feedback" }, el("div", { class: "spread" }, el("h3", {}, "Feedback"), on), said,
    el("div", { class: "pair" }, el("label", { class: "field" }, el("span", {}, "Element"), element), el("label", { class: "field" }, el("span", {}, "Follows"), measure)));
}

function select(options, chosen) {
  const made = el("select", {}, Object.entries(options).map(([value, text]) => el("option", { value }, text)));
  made.addEventListener("change", () => chosen(made.value));
  return made;
}
