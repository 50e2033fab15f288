/** The progress page: one client's sessions over time, and what is entered of them. */
import { el, setText } from "/pages/say.js";
import { get } from "/pages/net.js";
import { plural, text } from "/pages/words.js";
import { showEditions } from "./editions.js";
import { offerEntries, showEntries } from "./entries.js";
import { showPlots } from "./progress_plots.js";
import { showSessions, showWeeks } from "./progress_tables.js";
import { day, progressOf } from "./wording.js";

const about = document.querySelector("#about");
const client = decodeURIComponent(location.pathname.split("/")[2]);

begin();

async function begin() {
  const title = progressOf(client);
  setText(document.querySelector("#title"), title);
  document.title = text("web.progress.page_of", { title });
  const [known, offered] = await Promise.all([facts(), get("/api/strategies")]);
  if (!known.ok) return;
  offerEntries(client, offered.strategies ?? [], reload);
  showSessionsOf(known);
  showEntered(known);
}

async function reload() {
  const known = await facts();
  if (known.ok) showEntered(known);
}

async function facts() {
  const answer = await get(`/api/clients/${encodeURIComponent(client)}`);
  if (!answer.ok) setText(about, answer.error);
  return answer;
}

function showSessionsOf({ sessions }) {
  setText(about, span(sessions));
  document.querySelector("#found").hidden = !sessions.length;
  linkReport(sessions);
  showPlots(document.querySelector("#plots"), sessions);
  showSessions(document.querySelector("#sessions"), sessions);
  document.querySelector(".weeks").hidden = !showWeeks(document.querySelector("#weeks"), sessions);
}

function linkReport(sessions) {
  const report = `/progress/${encodeURIComponent(client)}/report`;
  document.querySelector("#progress-report").hidden = !sessions.some(({ state }) => state === "sealed");
  document.querySelector("#clinician-edition").href = report;
  document.querySelector("#client-edition").href = `${report}/client`;
}

function showEntered(known) {
  showWords(known.profile);
  showEntries(known);
  showEditions(client, known.sessions, reload);
}

function span(sessions) {
  const dates = sessions.filter(({ date }) => date).map(({ date }) => Date.parse(date));
  if (!sessions.length) return text("web.progress.none");
  const counted = plural("web.sessions", sessions.length);
  if (!dates.length) return counted;
  const [first, last] = [Math.min(...dates), Math.max(...dates)].map(day);
  return first === last
    ? text("web.progress.on", { sessions: counted, day: first })
    : text("web.progress.span", { sessions: counted, first, last });
}

function showWords({ goal, next_step: nextStep }) {
  const said = [[text("web.progress.goal"), goal], [text("web.progress.next_step"), nextStep]].filter(([, words]) => words);
  const part = document.querySelector("#words");
  part.hidden = !said.length;
  part.replaceChildren(...said.map(([name, words]) => el("div", {}, el("dt", { class: "small soft" }, name), el("dd", {}, words))));
}
