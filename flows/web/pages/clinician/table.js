/** This phase against baseline, as it runs. */

import { act, isLive, onLink, subscribe } from "../net.js";
import { button, clockTime, el, number, signed } from "../say.js";
import { baselinePhase, store } from "./store.js";
import { sure } from "./sure.js";

const restart = () => sure("Start the baseline anew?", "What counts as baseline begins now. The phases so far stay recorded as they were.", "Start it now", () => act("restart_baseline"));

/** The panel's content. */
export function tablePanel() {
  const caption = el("p");
  const body = el("tbody");
  const head = el("tr", {}, ["Measure", "Baseline", "Now", "Change"].map((word) => el("th", { scope: "col" }, word)));
  const table = el("table", { "aria-label": "This phase against baseline" }, el("thead", {}, head), body);
  const reasons = el("div", { class: "soft small reasons" });
  const empty = el("p", { class: "soft small" }, "Fills once a baseline and another phase have run for a while.");
  const anew = button("Restart baseline", null, restart, { class: "quiet tiny" });
  const content = el("div", {}, el("div", { class: "spread over" }, caption, anew), table, reasons, empty);
  let data = null;
  const show = () => {
    const rows = data?.rows ?? [];
    table.hidden = !rows.length;
    empty.hidden = rows.length > 0;
    const against = data?.baseline && data?.phase && data.baseline !== data.phase ? `Against ${data.baseline.toLowerCase()}` : data?.baseline ?? data?.phase ?? "This phase against baseline";
    caption.replaceChildren(against, el("small", { class: "soft" }, data?.seconds ? ` ${clockTime(data.seconds)}` : ""));
    body.replaceChildren(...rows.map(row));
    reasons.replaceChildren(...grouped(rows).map(([why, names]) => el("p", {}, `${names.join(", ")}: ${why}.`)));
  };
  subscribe("table", (now) => { data = now; show(); });
  subscribe("session", () => { anew.hidden = !["running", "paused"].includes(store.session?.state) || !baselinePhase(); });
  onLink(show);
  return content;
}

/** [why, names]: what can't be told, each reason once. */
function grouped(rows) {
  const found = new Map();
  for (const { name, why } of rows) if (why) found.set(why, [...(found.get(why) ?? []), name]);
  return [...found].map(([why, names]) => [why, names.length === rows.length ? ["All"] : names]);
}

function row({ name, unit, baseline, phase, difference, digits }) {
  const title = el("th", { scope: "row" }, name, el("small", {}, unit ? ` ${unit}` : ""));
  const heard = isLive();
  return el("tr", {}, title, el("td", {}, number(baseline, digits)), el("td", {}, number(heard ? phase : null, digits)), el("td", {}, signed(heard ? difference : null, digits)));
}
