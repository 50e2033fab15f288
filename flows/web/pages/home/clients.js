/** Clients, the latest first; each one's sessions, reports and progress are fetched when its fold is opened. */
import { el, setText } from "/pages/say.js";
import { get } from "/pages/net.js";
import { plural, text } from "/pages/words.js";
import { day, progressOf, sessionDay, sessionFacts } from "./wording.js";

const FEW = 8;

const list = document.querySelector("#clients");
const filter = document.querySelector("#clients-filter");
const more = document.querySelector("#clients-more");
let known = [];
let all = false;

filter.addEventListener("input", draw);
more.addEventListener("click", () => {
  all = true;
  draw();
  list.querySelectorAll(":scope > li > details > summary")[FEW]?.focus();
});

/** Show the stored clients: [{client, sessions: n, last}]. */
export function showClients(clients) {
  known = clients;
  document.querySelector("#clients-find").hidden = known.length <= FEW;
  setText(document.querySelector("#clients-count"), known.length ? plural("web.clients.count", known.length) : "");
  draw();
}

/** Say why nothing is listed; an empty text says nothing. */
export function noClients(why) {
  const part = document.querySelector("#clients-none");
  part.hidden = why === "";
  setText(part, why);
}

function draw() {
  const wanted = filter.value.trim().toLowerCase();
  const matching = known.filter(({ client }) => client.includes(wanted));
  const shown = all || wanted ? matching : matching.slice(0, FEW);
  const open = new Set([...list.querySelectorAll("details[open]")].map((fold) => fold.dataset.client));
  list.replaceChildren(...shown.map((entry) => row(entry, open.has(entry.client))));
  more.hidden = shown.length === matching.length;
  noClients(whyNone(matching.length));
}

function whyNone(n) {
  if (!known.length) return text("web.clients.none");
  return n ? "" : text("web.clients.no_such");
}

function row({ client, sessions, last }, open) {
  const about = [plural("web.sessions", sessions), last?.date ? day(new Date(last.date)) : null].filter(Boolean).join(" · ");
  const inside = el("div", { class: "inside" });
  const fold = el("details", { "data-client": client },
    el("summary", {}, el("strong", {}, client), el("span", { class: "small soft" }, about)), inside);
  fold.addEventListener("toggle", () => {
    if (fold.open && !inside.children.length) fill(inside, client);
  });
  fold.open = open;
  return el("li", {}, fold);
}

async function fill(inside, client) {
  inside.replaceChildren(el("p", { class: "small soft" }, text("web.loading")));
  const answer = await get(`/api/clients/${encodeURIComponent(client)}`);
  if (!answer.ok) {
    inside.replaceChildren(el("p", { class: "small wrong" }, answer.error));
    return;
  }
  inside.replaceChildren(
    el("p", {}, el("a", { href: `/progress/${encodeURIComponent(client)}` }, progressOf(client))),
    el("ul", { class: "sessions" }, answer.sessions.map(sessionRow)));
}

function sessionRow(session) {
  const when = sessionDay(session);
  return el("li", { class: "small spread" },
    el("div", {}, el("p", {}, when), el("p", { class: "soft" }, sessionFacts(session))),
    session.report ? el("a", { href: session.report, "aria-label": text("web.report_of", { what: when }) }, text("web.report")) : null);
}
