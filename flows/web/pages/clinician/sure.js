/** One question before what can't be taken back. */

import { button, el } from "../say.js";

/** Ask; do `yes` when confirmed. */
export function sure(title, text, label, yes) {
  const dialog = document.getElementById("sure");
  const confirm = button(label, null, () => { dialog.close(); yes(); }, { class: "primary" });
  dialog.replaceChildren(el("h2", { id: "sure-title" }, title), el("p", {}, text), el("div", { class: "row" }, confirm, button("Go back", "Esc", () => dialog.close(), { class: "quiet" })));
  dialog.showModal();
  confirm.focus();
}
