/** This client's goal, last next step and thresholds; they are kept for the next sessions. */

import { act, subscribe } from "../net.js";
import { el, setText } from "../say.js";
import { MEASURES } from "./measures.js";
import { store } from "./store.js";

/** Keep something of the client whom this page shows, and of no other. */
const keep = (action, fields) => act(action, { ...fields, session: store.session?.session_id ?? null });

/** The panel's content. */
export function personPanel() {
  const goal = line("Goal", "goal", (session) => session.goal, "In the client's own words");
  const step = line("Next step, for after this session", "next_step", () => undefined, "One small practice");
  const last = el("p", { class: "small" });
  const limits = Object.entries(MEASURES).map(([measure, facts]) => threshold(measure, facts));
  subscribe("session", (session) => setText(last, session?.next_step ? `Next step from last time: ${session.next_step}` : "No next step from last time."));
  return el("div", { class: "stack" }, last, goal, step,
    el("fieldset", { class: "limits" }, el("legend", {}, "Thresholds for this person"), limits));
}

function line(label, action, read, placeholder) {
  const input = el("input", { type: "text", maxlength: "300", placeholder });
  const save = el("button", { type: "submit", class: "small" }, "Keep");
  subscribe("session", (session) => {
    const value = session ? read(session) : undefined;
    if (value !== undefined && document.activeElement !== input) input.value = value ?? "";
  });
  return el("form", { onsubmit: (event) => { event.preventDefault(); keep(action, { text: input.value.trim() }); } },
    el("label", { class: "field" }, el("span", {}, label), el("span", { class: "pair with" }, input, save)));
}

function threshold(measure, { title, unit, step }) {
  const input = el("input", { type: "number", step, min: 0, inputmode: "decimal", placeholder: "-" });
  input.addEventListener("change", () => {
    if (input.value === "" || Number.isFinite(input.valueAsNumber)) keep("threshold", { measure, value: input.value === "" ? null : input.valueAsNumber });
  });
  subscribe("session", (session) => {
    if (document.activeElement !== input) input.value = session?.thresholds?.[measure] ?? "";
  });
  return el("label", { class: "limit" }, el("span", {}, title, unit ? el("small", { class: "soft" }, ` ${unit}`) : null), input);
}
