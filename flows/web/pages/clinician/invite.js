/** A second screen: open it on this computer, or let a phone or tablet in by code, link or QR picture. */

import { get, post, whoAmI } from "../net.js";
import { button, clockTime, el } from "../say.js";

/** The panel's content. */
export function invitePanel() {
  const ways = el("div", { class: "stack" });
  const open = button("Open client screen here", null, () => window.open("/client", "vagal-client"), { class: "primary small" });
  const show = button("Show a code", null, async () => fill(ways, await get("/api/invite"), await whoAmI()), { class: "small" });
  const revoke = button("Sign out other screens", null, async () => { if ((await post("/api/revoke", {})).ok) ways.replaceChildren(el("p", { class: "small" }, "Other screens are signed out.")); }, { class: "quiet small" });
  return el("div", { class: "stack" }, el("p", { class: "small" }, "The client's screen shows the pacer, one feedback element and the rating, nothing clinical."), el("div", { class: "row" }, open, show), ways, el("p", {}, revoke));
}

function fill(place, invite, me) {
  if (!invite.ok) return place.replaceChildren(el("p", { class: "small" }, invite.error));
  place.replaceChildren(...[
    invite.qr_svg ? el("img", { class: "qr", src: invite.qr_svg, alt: "QR picture of the link below", width: "132", height: "132" }) : null,
    el("p", {}, "Code ", el("strong", { class: "code" }, invite.code)),
    el("p", { class: "small" }, "Address ", el("a", { href: invite.url, target: "_blank", rel: "noopener" }, invite.url.split("#")[0])),
    el("p", { class: "soft small" }, `Good for ${clockTime(invite.expires_in_s)}. `, me.lan ? "The phone must be in the same network and warns once about the certificate." : "Only on this computer. For a phone, start vagal live with --lan."),
    invite.fingerprint ? el("p", { class: "soft small" }, `Fingerprint ${invite.fingerprint}`) : null,
  ].filter(Boolean));
}
