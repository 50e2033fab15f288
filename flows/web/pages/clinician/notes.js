/** Notes of this session, in the clinician's words. They are stored, never analysed. */

import { act, subscribe } from "../net.js";
import { clockTime, el } from "../say.js";

/** {content, write}: the panel's content, and a way to begin a note from elsewhere. */
export function notesPanel() {
  const text = el("textarea", { rows: "3", maxlength: "2000", placeholder: "Write a note" });
  const save = async () => {
    const words = text.value.trim();
    if (words && (await act("note", { text: words })).ok) text.value = "";
  };
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
    if (event.key === "Escape") { event.stopPropagation(); text.blur(); }
  });
  const list = el("ol", { class: "list" });
  const form = el("form", { class: "stack tight", onsubmit: (event) => { event.preventDefault(); save(); } },
    el("label", { class: "field" }, el("span", {}, "Note"), text), el("div", { class: "row" }, el("button", { type: "submit", class: "primary small" }, "Keep note", el("kbd", {}, "Ctrl Enter")), el("span", { class: "soft small" }, "Not analysed.")));
  let known = "";
  subscribe("session", (session) => {
    const notes = session?.notes ?? [];
    if (JSON.stringify(notes) === known) return;
    known = JSON.stringify(notes);
    list.replaceChildren(...notes.toReversed().map((note) => el("li", {}, el("span", { class: "soft at" }, clockTime(note.time_s)), " ", note.text)));
  });
  return { content: el("div", { class: "stack" }, form, list), write: () => text.focus() };
}
