/** Client editions: read, released by somebody with a name, or taken back to a draft. */
import { el, setText } from "/pages/say.js";
import { post } from "/pages/net.js";
import { text } from "/pages/words.js";
import { enteredBy } from "./entry_forms.js";
import { day, sessionDay } from "./wording.js";

const FEW = 6;

const part = document.querySelector("#editions");
const list = document.querySelector("#editions-list");
const says = document.querySelector("#editions-says");

/** Show the latest sessions' client editions; `reload` shows the client's facts again after each change. */
export function showEditions(client, sessions, reload) {
  const sealed = sessions.filter(({ state }) => state === "sealed").slice(0, FEW);
  part.hidden = !sealed.length;
  list.replaceChildren(...sealed.map((session) => row(client, session, reload)));
}

function row(client, session, reload) {
  const when = sessionDay(session);
  const { release, release_trouble: trouble } = session;
  const state = release ? text("web.editions.released", { by: release.by, day: day(new Date(release.at)) }) : text("web.editions.draft");
  const what = release ? "withdraw" : "release";
  const button = el("button", { type: "button", class: "quiet small", "aria-label": text(`web.editions.${what}_of`, { when }) },
    text(`web.editions.${what}`));
  button.addEventListener("click", () => decide(button, client, session, what, reload));
  return el("li", {},
    el("div", {},
      el("p", {}, el("a", { href: `${session.report}/client`, "aria-label": text("web.editions.of", { when }) }, when)),
      el("p", { class: "small soft" }, trouble ? `${state} · ${trouble}` : state)),
    button);
}

async function decide(button, client, session, what, reload) {
  if (!enteredBy()) {
    say(text("web.editions.who"), true);
    document.querySelector("#by").focus();
    return;
  }
  button.disabled = true;
  const path = `/api/sessions/${encodeURIComponent(client)}/${encodeURIComponent(session.session_id)}/release`;
  const answer = await post(path, { what, by: enteredBy() });
  button.disabled = false;
  say(answer.ok ? answer.line : answer.error, !answer.ok);
  if (answer.ok) await reload();
}

function say(line, wrong) {
  says.classList.toggle("wrong", wrong);
  setText(says, line);
}
