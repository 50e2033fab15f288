/** The progress page: one client's sessions over time. */
import { el, setText } from "/pages/say.js";
import { get } from "/pages/net.js";
import { showPlots } from "./progress_plots.js";
import { showSessions, showWeeks } from "./progress_tables.js";
import { counted, day, progressOf } from "./wording.js";

const about = document.querySelector("#about");

load(decodeURIComponent(location.pathname.split("/")[2]));

async function load(client) {
  const title = progressOf(client);
  setText(document.querySelector("#title"), title);
  document.title = `${title} · vagal`;
  const answer = await get(`/api/clients/${encodeURIComponent(client)}`);
  if (!answer.ok) {
    setText(about, answer.error);
    return;
  }
  setText(about, span(answer.sessions));
  document.querySelector("#found").hidden = !answer.sessions.length;
  showWords(answer.profile);
  showPlots(document.querySelector("#plots"), answer.sessions);
  showSessions(document.querySelector("#sessions"), answer.sessions);
  document.querySelector(".weeks").hidden = !showWeeks(document.querySelector("#weeks"), answer.sessions);
}

function span(sessions) {
  const dates = sessions.filter(({ date }) => date).map(({ date }) => Date.parse(date));
  if (!sessions.length) return "No sessions are stored under this code.";
  if (!dates.length) return counted(sessions.length, "session");
  const [first, last] = [Math.min(...dates), Math.max(...dates)].map(day);
  return `${counted(sessions.length, "session")}, ${first === last ? first : `${first} to ${last}`}`;
}

function showWords({ goal, next_step: nextStep }) {
  const said = [["Goal", goal], ["Next step, from last time", nextStep]].filter(([, text]) => text);
  const part = document.querySelector("#words");
  part.hidden = !said.length;
  part.replaceChildren(...said.map(([name, text]) => el("div", {}, el("dt", { class: "small soft" }, name), el("dd", {}, text))));
}
