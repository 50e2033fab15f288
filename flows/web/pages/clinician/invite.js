/** A second screen: open it on this computer, or let a phone or tablet in by QR picture, address and code. */

import { get, post } from "../net.js";
import { button, el } from "../say.js";

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** The panel's content. */
export function invitePanel() {
  const code = el("div");
  const open = button("Open client screen here", null, () => window.open("/client", "vagal-client"), { class: "primary small" });
  const show = button("Show a code", null, async () => invite(code, await get("/api/invite")), { class: "small" });
  const revoke = button("Sign out other screens", null, async () => { if ((await post("/api/revoke", {})).ok) code.replaceChildren(el("p", { class: "small" }, "Other screens are signed out.")); }, { class: "quiet small" });
  return el("div", { class: "stack" },
    el("p", { class: "small" }, "The client’s screen shows the pacer, one picture or sound and the rating, nothing clinical. Open it in a window of its own, or on a phone or tablet with a code."),
    el("div", { class: "row" }, open, show), code, el("p", {}, revoke));
}

function invite(place, found) {
  if (!found.ok) return place.replaceChildren(el("p", { class: "small" }, found.error));
  const until = `Good until ${TIME.format(Date.now() + found.expires_in_s * 1000)}.`;
  place.replaceChildren(el("p", {}, "Code ", el("strong", { class: "code" }, found.code)), el("p", { class: "soft small" }, until));
  const dialog = document.getElementById("invite");
  const close = button("Close", "Esc", () => dialog.close(), { class: "primary" });
  dialog.replaceChildren(el("h2", { id: "invite-title" }, "A second screen"), ...(found.qr_svg ? onAPhone(found) : here(found)),
    el("div", { class: "row" }, close, el("span", { class: "soft small" }, until)));
  dialog.showModal();
  close.focus();
}

function onAPhone({ qr_svg, url, code, fingerprint }) {
  return [el("div", { class: "invite" },
    el("img", { class: "qr", src: qr_svg, alt: "QR picture of the address and the code" }),
    el("ol", { class: "steps" },
      el("li", {}, "The phone or tablet is in the same network as this computer. Point its camera at the picture, or type the address:", address(url)),
      el("li", {}, "Its browser warns that the connection is not private. It says so because this computer made its certificate itself. Choose “Advanced” or “Show details”, and go on to the page."),
      el("li", {}, "Tap Join. The code is filled in, or type it:", el("strong", { class: "code line-of" }, code)))),
  el("details", {}, el("summary", {}, "To be sure that nobody is in between"),
    el("p", { class: "small" }, "Look at the certificate in the phone’s warning. Its SHA-256 fingerprint must be this one; if it is not, do not go on."),
    el("p", { class: "fingerprint" }, fingerprint))];
}

function here({ url, code }) {
  return [el("p", {}, "On this computer, another browser comes in with the address and the code:"),
    el("p", {}, address(url), el("strong", { class: "code line-of" }, code)),
    el("p", { class: "soft small" }, "For a phone or tablet, start vagal live with --lan and this computer’s address in your network.")];
}

/** The code in it only fills the field, so what a person types is the address without. */
function address(url) {
  return el("a", { class: "line-of", href: url, target: "_blank", rel: "noopener" }, url.split("#")[0]);
}
