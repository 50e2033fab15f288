/** Markers by button and key, spans that are held or switched, and the list, in which each can be named anew. */

import { act, subscribe } from "../net.js";
import { button, clockTime, el, sentence } from "../say.js";
import { key, tellKey } from "./keys.js";
import { store } from "./store.js";

const KINDS = ["stressor", "emotion", "noise", "symptom", "note"]; // moments; what lasts is a span
const SPANS = [["talking", "Talking", "T"], ["moving", "Moving", "M"], ["touching", "Touching", "C"]];
const OWN = new Set(["protocol", "safety", "task", "strategy"]);
const AGO_S = 10;
const HELD_MS = 400;

const open = () => ["waiting", "opening", "running", "paused", "closing"].includes(store.session?.state);
const mark = (kind, ago_s = 0) => open() && act("mark", ago_s ? { kind, ago_s } : { kind });

/** Fill the panel; `digits(n)` may take a number key first (a rating that was asked for). */
export function showMarkers(place, digits) {
  const buttons = KINDS.map((kind, index) => {
    key(String(index + 1), null, (event) => digits(index + 1) || mark(kind, event.shiftKey ? AGO_S : 0));
    return button(sentence(kind), String(index + 1), (event) => mark(kind, event.shiftKey ? AGO_S : 0), { class: "compact" });
  });
  for (const digit of ["6", "7", "8", "9", "0"]) key(digit, null, () => digits(Number(digit)));
  tellKey("1 – 5", `markers: ${KINDS.join(", ")}`);
  tellKey("Shift 1 – 5", `the same, ${AGO_S} s ago`);
  const spans = SPANS.map(([kind, label, letter]) => span(kind, label, letter));
  const list = el("ol", { class: "list marks", tabindex: "0", "aria-label": "Markers, latest first" });
  place.append(el("h2", { id: "markers-title" }, "Markers"),
    el("div", { class: "thirds", role: "group", "aria-label": "Mark now" }, buttons, el("p", { class: "soft small hint" }, el("kbd", {}, "Shift"), ` ${AGO_S} s ago`)),
    el("div", { class: "thirds", role: "group", "aria-label": "While it lasts" }, el("p", { class: "soft small all" }, "Hold while it lasts: left out of heart variability"), spans.map(({ made }) => made)),
    list);
  let known = "";
  subscribe("session", (session) => {
    for (const one of spans) one.show();
    for (const made of buttons) made.disabled = !open();
    const now = JSON.stringify([session?.markers, session?.open_spans]);
    if (now === known || list.querySelector("form")) return;
    known = now;
    const rows = (session?.markers ?? []).toSorted((one, other) => other.time_s - one.time_s);
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.marker : null;
    list.replaceChildren(...(rows.length ? rows.map(row) : [el("li", { class: "soft small" }, "None yet.")]));
    if (focused) list.querySelector(`[data-marker="${focused}"]`)?.focus();
  });
}

/** A span that lasts while its key or button is held; a short press switches it on, another off. */
function span(kind, label, letter) {
  let began_ms = 0;
  const isOpen = () => store.session?.open_spans?.includes(kind) ?? false;
  const press = () => {
    if (!open()) return;
    began_ms = isOpen() ? 0 : performance.now();
    act(isOpen() ? "span_end" : "span_start", { kind });
  };
  const release = () => {
    if (began_ms && performance.now() - began_ms > HELD_MS) act("span_end", { kind });
    began_ms = 0;
  };
  const made = button(label, letter, (event) => { if (event.detail === 0) { press(); began_ms = 0; } }, { class: "compact", "aria-pressed": "false" });
  made.addEventListener("pointerdown", (event) => { if (event.button === 0) { made.setPointerCapture(event.pointerId); press(); } });
  made.addEventListener("pointerup", release);
  made.addEventListener("pointercancel", release);
  key(letter.toLowerCase(), `${label.toLowerCase()}, while held; a short press switches`, press, { release });
  return { made, show: () => { made.disabled = !open(); made.setAttribute("aria-pressed", String(isOpen())); } };
}

/** A marker as a line; what the session itself has noted can't be changed. */
function row(marker) {
  const running = marker.end_s === null && store.session.open_spans.includes(marker.kind);
  const length = marker.end_s !== null && marker.end_s > marker.time_s ? `, ${Math.round(marker.end_s - marker.time_s)} s` : "";
  const item = el("li", {}, el("span", { class: "at" }, clockTime(marker.time_s)), el("span", { class: "grow" }, sentence(marker.kind), marker.text ? el("span", { class: "soft" }, ` ${marker.kind === "strategy" ? marker.text.replaceAll("-", " ") : marker.text}`) : null, running ? ", now" : length));
  if (OWN.has(marker.kind)) return item;
  const change = button("Change", null, () => edit(item, marker), { class: "quiet tiny", "data-marker": marker.id, "aria-label": `Change ${marker.kind} at ${clockTime(marker.time_s)}` });
  item.append(change);
  return item;
}

function edit(item, marker) {
  const kinds = KINDS.includes(marker.kind) ? KINDS : [marker.kind, ...KINDS];
  const kind = el("select", { "aria-label": "Kind" }, kinds.map((one) => el("option", { value: one, selected: one === marker.kind }, sentence(one))));
  const text = el("input", { type: "text", value: marker.text ?? "", "aria-label": "Words", placeholder: "Words, if you like", maxlength: "200" });
  const before = [...item.childNodes];
  const close = () => { item.replaceChildren(...before); item.querySelector("button")?.focus(); };
  const form = el("form", { class: "row tight", onsubmit: (event) => { event.preventDefault(); act("relabel", { id: marker.id, kind: kind.value, text: text.value.trim() }); close(); } },
    kind, text, el("button", { type: "submit", class: "primary small" }, "Save"), button("Remove", null, () => { act("remove", { id: marker.id }); close(); }, { class: "quiet small" }), button("Leave", null, close, { class: "quiet small" }));
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } });
  item.replaceChildren(form);
  text.focus();
}
