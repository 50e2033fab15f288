/** Distress from 0 to 10 with one tap. */

import { button, el } from "../say.js";

let made = 0;

/** The scale: {element, focus()}; `rate(value)` and `close()` are called from taps. */
export function makeDistress({ rate, close }) {
  const values = Array.from({ length: 11 }, (_, value) => el("button", { type: "button", class: "distress-value", "aria-label": label(value), onclick: () => rate(value) }, value));
  const id = `distress-heading-${(made += 1)}`;
  const heading = el("h2", { id, tabindex: "-1" }, "How much distress do you feel right now?");
  const element = el("section", { class: "sheet distress", "aria-labelledby": id, hidden: true },
    el("div", { class: "spread" }, heading, button("Not now", null, close, { class: "quiet sheet-close" })),
    el("div", { class: "distress-values", role: "group", "aria-label": "From 0 to 10" }, values),
    el("div", { class: "distress-ends", "aria-hidden": "true" }, el("span", {}, "0: none"), el("span", {}, "10: the most I can imagine")));
  return { element, focus: () => heading.focus() };
}

function label(value) {
  if (value === 0) return "0, none";
  return value === 10 ? "10, the most I can imagine" : String(value);
}
