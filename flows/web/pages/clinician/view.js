/** Which stretch of time the charts show: the last 1, 5 or 20 minutes, moving or frozen. */

import { isLive, sessionNow, subscribe } from "../net.js";
import { button, clockTime, el, setText } from "../say.js";
import { keep, recall } from "./remembered.js";
import { isOver, store } from "./store.js";

const SPANS = [[60, "1 min"], [300, "5 min"], [1200, "20 min"]];
const YOUNG_S = 10;

let span_s = recall("span_s", 60);
let frozen_s = null;
let seen_s = null;
let place = null;

export let stamp = 0;

/** The moment the charts end at: now, the frozen one, or the last that was heard of. */
export function shownNow() {
  if (isOver()) seen_s = Math.max(store.beats.last_s ?? 0, store.skin.last_s ?? 0, store.course.last_s ?? 0) || null;
  else if (isLive()) seen_s = sessionNow();
  return frozen_s ?? seen_s;
}

/** True while the charts follow the time. */
export const isMoving = () => frozen_s === null && isLive() && !isOver();

/** {from_s, to_s} that ends at `now_s`: young data start at the left edge, and the window grows to the chosen span. */
export function stretch(now_s, chosen_s = span_s) {
  const firsts = [store.beats.first_s, store.skin.first_s, store.course.first_s].filter((first) => first !== null);
  const first_s = firsts.length ? Math.min(...firsts) : now_s;
  if (now_s - first_s >= chosen_s) return { from_s: now_s - chosen_s, to_s: now_s };
  const from_s = Math.min(first_s, now_s);
  return { from_s, to_s: Math.max(now_s, from_s + Math.min(YOUNG_S, chosen_s)) };
}

export const spanText = () => SPANS.find(([length]) => length === span_s)?.[1] ?? "";

export function freeze() {
  frozen_s = frozen_s === null ? shownNow() : null;
  tell();
}

/** Move a frozen view by a part of its span. */
export function pan(part) {
  if (frozen_s === null) return;
  const first_s = store.beats.first_s ?? store.skin.first_s ?? 0;
  frozen_s = Math.max(first_s + YOUNG_S, Math.min(seen_s ?? frozen_s, frozen_s + part * span_s));
  tell();
}

function choose(length) {
  span_s = length;
  keep("span_s", length);
  tell();
}

/** The next longer view, and round again. */
export function widen() {
  const at = SPANS.findIndex(([length]) => length === span_s);
  choose(SPANS[(at + 1) % SPANS.length][0]);
}

const choices = SPANS.map(([length, text]) => [length, el("button", { type: "button", class: "quiet small", onclick: () => choose(length) }, text)]);
const freezeButton = button("Freeze", "F", freeze, { class: "quiet small" });
const back = button("Earlier", "←", () => pan(-0.25), { class: "quiet small" });
const forth = button("Later", "→", () => pan(0.25), { class: "quiet small" });
const said = el("span", { class: "soft small" });

function tell() {
  stamp++;
  for (const [length, choice] of choices) choice.setAttribute("aria-pressed", String(length === span_s));
  freezeButton.setAttribute("aria-pressed", String(frozen_s !== null));
  back.hidden = forth.hidden = frozen_s === null;
  place?.classList.toggle("frozen", frozen_s !== null);
  setText(said, frozen_s === null ? "" : `Still at ${clockTime(frozen_s)}. Recording goes on.`);
}

const legend = () => el("p", { class: "key soft small" }, el("span", {}, el("i", { class: "usual" }), "baseline"), el("span", {}, el("i", { class: "limit" }), "threshold"), el("span", {}, el("i", { class: "out" }), "left out"));

/** Put the view's buttons into `place`. */
export function showView(where) {
  place = where;
  let shown = null;
  subscribe("session", (session) => {
    if (session?.session_id === shown) return;
    shown = session?.session_id;
    frozen_s = seen_s = null;
    tell();
  });
  place.append(el("span", { class: "group row" }, choices.map(([, choice]) => choice)), freezeButton, back, forth, said, legend());
  tell();
}
