/** The distress rating, 0 to 10: asked with a key, answered with number keys or buttons here, or by the client. */

import { act, subscribe } from "../net.js";
import { button, clockTime, el, setText } from "../say.js";
import { key } from "./keys.js";
import { store } from "./store.js";

const TEN_MS = 700; // so long a 1 may still become 10
const AFTER_MS = 1000; // so long after the answer a digit is no marker either

let waiting = null;
let asked_ms = -Infinity;

const rate = (value) => act("rate", { scale: "distress", value });
const mayAsk = () => ["running", "paused", "closing"].includes(store.session?.state);
const asking = () => store.session?.asking === "distress" && mayAsk();
const toggle = () => mayAsk() && act("ask", { scale: asking() ? null : "distress" });

/** Take a number key as the answer while it is asked for; true if it is not a marker's. */
export function takeDigit(value) {
  if (!asking()) return performance.now() - asked_ms < AFTER_MS;
  const digit = waiting !== null && value === 0 ? 10 : value;
  wait(digit === 1);
  if (digit !== 1) rate(digit);
  return true;
}

function wait(begins) {
  clearTimeout(waiting);
  waiting = begins ? setTimeout(() => { wait(false); if (asking()) rate(1); }, TEN_MS) : null;
  document.querySelector(".scale").dataset.waits = String(begins);
}

/** Add the row to the markers' panel. */
export function showDistress(place) {
  const last = el("span", { class: "soft small grow" });
  const ask = button("Ask", "D", toggle, { class: "compact" });
  const scale = el("div", { class: "scale", role: "group", "aria-label": "Distress, 0 none to 10 most" },
    Array.from({ length: 11 }, (_, value) => el("button", { type: "button", class: "small", onclick: () => rate(value), "aria-keyshortcuts": value === 10 ? "x" : String(value) }, String(value), value === 10 ? el("kbd", {}, "X") : null)));
  const box = el("div", { class: "distress" }, el("div", { class: "row tight" }, el("h3", {}, "Distress"), last, ask), scale);
  place.append(box);
  key("d", "ask for distress; 0 – 9 answer it, X is 10", toggle);
  key("x", null, () => takeDigit(10));
  subscribe("session", (session) => {
    if (asking()) asked_ms = performance.now();
    place.classList.toggle("asked", asking());
    scale.hidden = !asking();
    ask.disabled = !mayAsk();
    setText(ask.firstChild, asking() ? "Don't ask" : "Ask");
    const ratings = (session?.ratings ?? []).filter((rating) => rating.scale === "distress");
    const words = ratings.slice(-4).map(({ value, time_s }) => `${value} at ${clockTime(time_s)}`);
    setText(last, asking() ? "digits answer now" : words.length ? words.join(", ") : "not rated yet");
  });
}
