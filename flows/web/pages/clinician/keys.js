/** Keys of the page: who does what, the list of them (`?`), and a switch, for single letters get in some people's way. */

import { button, el } from "../say.js";
import { keep, recall } from "./remembered.js";

const keys = new Map();
const listed = [];
let on = recall("keys", true);

/** Do `press` at a key ("p", "Escape", "1"); `release` when it is let go. `what` names it in the list. */
export function key(name, what, press, { release = null, shown = null } = {}) {
  keys.set(name, { press, release });
  if (what) tellKey(shown ?? name.toUpperCase(), what);
}

/** A line of the list for keys that need more than one word. */
export function tellKey(shown, what) {
  listed.push([shown, what]);
}

const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || (target.matches("input:not([type=checkbox], [type=range]), select, textarea")));
const busy = (event) => event.ctrlKey || event.altKey || event.metaKey || event.isComposing || document.querySelector("dialog[open]");

/** The name of a key: digits by their place on the keyboard, so that Shift does not change them. */
function nameOf(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit) return digit[1];
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function down(event) {
  if (busy(event) || (typing(event.target) && event.key !== "Escape")) return;
  const name = nameOf(event);
  const found = keys.get(name);
  if (!found || (!on && name.length === 1 && name !== "?")) return;
  if (["Enter", "ArrowLeft", "ArrowRight"].includes(name) && event.target.closest?.("button, a, [role=tab], input")) return;
  event.preventDefault();
  if (!event.repeat) found.press(event);
}

function up(event) {
  keys.get(nameOf(event))?.release?.(event);
}

/** A key that is down when the window loses focus is let go: its release would not be heard. */
function letGo() {
  for (const { release } of keys.values()) release?.();
}

/** Listen, and put the button that lists the keys into `place`. */
export function showKeys(place) {
  const dialog = document.getElementById("keys");
  const box = el("input", { type: "checkbox", checked: on, onchange: () => {
    on = box.checked;
    keep("keys", on);
  } });
  const open = () => {
    dialog.replaceChildren(el("h2", { id: "keys-title" }, "Keys"),
      el("dl", { class: "keylist" }, listed.map(([name, what]) => el("div", {}, el("dt", {}, el("kbd", {}, name)), el("dd", {}, what)))),
      el("p", {}, el("label", { class: "choice" }, box, "Use single keys on this page")),
      button("Close", null, () => dialog.close(), { class: "primary" }));
    dialog.showModal();
  };
  key("?", "this list", open);
  place.append(button("Keys", "?", open, { class: "quiet small" }));
  document.addEventListener("keydown", down);
  document.addEventListener("keyup", up);
  window.addEventListener("blur", letGo);
}
