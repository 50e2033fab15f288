/** A few panels in one place, one at a time; arrows move between their tabs. */

import { el } from "../say.js";
import { keep, recall } from "./remembered.js";

/** Fill `place` with `tabs`: [id, title, content element]; returns a function that opens one by id. */
export function showTabs(place, tabs) {
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": "More of this session" });
  const heads = new Map();
  const open = (id) => {
    for (const [name, { head, body }] of heads) {
      head.setAttribute("aria-selected", String(name === id));
      head.tabIndex = name === id ? 0 : -1;
      body.hidden = name !== id;
    }
    keep("tab", id);
  };
  for (const [id, title, content] of tabs) {
    const head = el("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, onclick: () => open(id) }, title);
    const body = el("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, tabindex: "0" }, content);
    heads.set(id, { head, body });
    list.append(head);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...heads.keys()];
    const at = all.findIndex((id) => heads.get(id).head === document.activeElement);
    const next = all[(at + step + all.length) % all.length];
    open(next);
    heads.get(next).head.focus();
    event.preventDefault();
  });
  place.append(list, ...[...heads.values()].map(({ body }) => body));
  const remembered = recall("tab", null);
  open(heads.has(remembered) ? remembered : tabs[0][0]);
  return open;
}
