/** The watched folder, where `vagal up` runs: what came in, what is on its way, what stays there and why. */
import { el, setText } from "/pages/say.js";
import { plural, text } from "/pages/words.js";

const MOST = 5;

const card = document.querySelector("#inbox");
let shown = "";

/** Show what is told of the folder; null hides it. True if a session came in since the last time. */
export function showInbox(inbox) {
  card.hidden = inbox === null;
  const now = JSON.stringify(inbox);
  if (now === shown) return false;
  const before = shown ? JSON.parse(shown) : null;
  shown = now;
  if (inbox === null) return false;
  setText(document.querySelector("#inbox-folder"), inbox.folder);
  setText(document.querySelector("#inbox-state"), state(inbox));
  document.querySelector("#inbox-left").replaceChildren(...few(inbox.left, left));
  document.querySelector("#inbox-taken").replaceChildren(...few(inbox.taken, taken));
  return before !== null && before.taken[0]?.session !== inbox.taken[0]?.session;
}

function state({ trouble, waiting }) {
  if (trouble) return trouble;
  return waiting.length ? text("web.inbox.waiting", { what: waiting.slice(0, MOST).join(", ") }) : "";
}

/** A few rows, and the others where they can be opened: a new one may be among them. */
function few(entries, row) {
  const rows = entries.slice(0, MOST).map(row);
  const others = entries.slice(MOST).map(row);
  if (!others.length) return rows;
  const summary = el("summary", { class: "small soft" }, plural("web.inbox.more", others.length));
  return [...rows, el("li", {}, el("details", {}, summary, el("ul", { class: "list" }, ...others)))];
}

function left({ path, reason }) {
  return el("li", { class: "small" }, el("p", {}, path), el("p", { class: "soft" }, text("web.inbox.left", { why: reason })));
}

function taken({ client, session, path, reason }) {
  const report = `/report/${encodeURIComponent(client)}/${encodeURIComponent(session)}`;
  const about = { what: path };
  return el("li", { class: "small spread" },
    el("div", {}, el("p", {}, path), reason ? el("p", { class: "soft" }, reason) : null),
    reason ? null : el("a", { href: report, "aria-label": text("web.report_of", about) }, text("web.report")));
}
