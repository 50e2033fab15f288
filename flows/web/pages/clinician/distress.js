/** The distress rating, 0 to 10: asked with a key, answered with number keys or buttons here, or by the client. */

import { act, subscribe } from "../net.js";
import { button, clockTime, el, setText } from "../say.js";
import { key } from "./keys.js";
import { store } from "./store.js";

const rate = (value) => act("rate", { scale: "distress", value });
const mayAsk = () => ["running", "paused", "closing"].includes(store.session?.state);
const asking = () => store.session?.asking === "distress" && mayAsk();
const toggle = () => mayAsk() && act("ask", { scale: asking() ? null : "distress" });

/** Take a number key as the answer while it is asked for. */
export function takeDigit(value) {
  if (!asking()) return false;
  rate(value);
  return true;
}

/** Add the row to the markers' panel. */
export function showDistress(place) {
  const last = el("span", { class: "soft small grow" });
  const ask = button("Ask", "D", toggle, { class: "compact" });
  const scale = el("div", { class: "scale", role: "group", "aria-label": "Distress, 0 none to 10 most" },
    Array.from({ length: 11 }, (_, value) => el("button", { type: "button", class: "small", onclick: () => rate(value), "aria-keyshortcuts": value === 10 ? "x" : String(value) }, String(value), value === 10 ? el("kbd", {}, "X") : null)));
  const box = el("div", { class: "distress" }, el("div", { class: "row tight" }, el("h3", {}, "Distress"), last, ask), scale);
  place.append(box);
  key("d", "ask for distress, 0 – 9 and X for 10 answer", toggle);
  key("x", null, () => takeDigit(10));
  subscribe("session", (session) => {
    box.classList.toggle("asked", asking());
    scale.hidden = !asking();
    ask.disabled = !mayAsk();
    setText(ask.firstChild, asking() ? "Don't ask" : "Ask");
    const ratings = (session?.ratings ?? []).filter((rating) => rating.scale === "distress");
    const words = ratings.slice(-4).map(({ value, time_s }) => `${value} at ${clockTime(time_s)}`);
    setText(last, asking() ? "asked now" : words.length ? words.join(", ") : "not rated yet");
  });
}
