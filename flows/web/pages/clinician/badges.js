/** Whose session this is, the link to the recorder, and each sensor with the reason when it is not good. */

import { onLink, subscribe } from "../net.js";
import { el, setText } from "../say.js";
import { isOver } from "./store.js";

const WORDS = { good: "good", poor: "poor", lost: "lost", waiting: "waiting" };
const SIGNS = { good: "✓", poor: "!", lost: "×", waiting: "…" };
const LINKS = { connecting: ["waiting", "Connecting"], live: ["good", "Live"], silent: ["lost", "No news"], lost: ["lost", "Reconnecting"], refused: ["lost", "Signed out"] };

/** Fill the header's line and badges. */
export function showBadges(who, list) {
  let [devices, link, over] = [[], "connecting", false];
  const show = () => {
    const [look, word] = over && link === "live" ? ["plain", "Recording has ended"] : LINKS[link];
    list.replaceChildren(el("li", { class: `badge ${look}` }, link === "live" && !over ? el("i", { class: "pulse", "aria-hidden": "true" }) : null, word), ...devices.map((device) => badge(device, link === "live")));
  };
  subscribe("session", (session) => {
    setText(who, session ? [`Client ${session.client}`, session.session_number && `session ${session.session_number}`, session.protocol.title].filter(Boolean).join(" · ") : "");
    if (session?.simulated) who.append(" ", el("span", { class: "badge poor simulated" }, "Simulated data"));
    const now = session?.devices ?? [];
    over = isOver();
    if (JSON.stringify(now) !== JSON.stringify(devices) || over) { devices = over ? [] : now; }
    show();
  });
  onLink(({ state }) => { link = state; show(); });
}

/** Without what kind of sensor it is: that is in its title. */
const shortened = (label) => label.replace(/ \(.*\)$/, "");

/** A sensor in words; while nothing is heard its last state is no news. */
function badge({ label, state, why, battery_pct }, heard) {
  if (!heard) return el("li", { class: "badge plain" }, shortened(label));
  const battery = battery_pct !== null && battery_pct !== undefined && battery_pct <= 20 ? ` · battery ${battery_pct} %` : "";
  const reason = why && state !== "good" ? `: ${why}` : "";
  return el("li", { class: `badge ${state}`, title: `${label}${battery_pct ? `, battery ${battery_pct} %` : ""}` },
    el("span", { "aria-hidden": "true" }, SIGNS[state] ?? "·"), `${shortened(label)} ${WORDS[state] ?? state}${reason}${battery}`);
}
