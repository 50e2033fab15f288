/** One calm place for what needs a word: lost link, refused action, safety stop, the session's state, its report. */

import { act, onLink, onTrouble, subscribe } from "../net.js";
import { button, el } from "../say.js";
import { isOver } from "./store.js";

const TROUBLE_MS = 8000;

/** Fill `place`; it is empty while all is well. */
export function showMessages(place) {
  let [link, session, trouble, timer, known] = ["", null, "", 0, ""];
  const show = () => {
    const key = JSON.stringify([link, trouble, session?.state, session?.message, session?.safety, session?.report, session?.advice, session?.unusable_beats]);
    if (key === known) return;
    known = key;
    place.replaceChildren(...[ofSafety(session), ofBeats(session), ofSession(session), ...ofAdvice(session), link && notice(link, true), trouble && notice(trouble, true)].filter(Boolean));
  };
  onLink(({ text }) => { link = text; show(); });
  onTrouble((text) => {
    trouble = text;
    clearTimeout(timer);
    timer = setTimeout(() => { trouble = ""; show(); }, TROUBLE_MS);
    show();
  });
  subscribe("session", (now) => { session = now; show(); });
}

function notice(text, warn, ...more) {
  return el("div", { class: warn ? "notice warn" : "notice" }, el("p", { class: "grow" }, text), ...more);
}

function ofSafety(session) {
  if (!session?.safety || isOver()) return null;
  return notice(`The client’s screen says: “${session.safety.text}”`, true, button("Carry on", null, () => act("carry_on"), { class: "small" }));
}

/** Many unusable beats: what that means, and what it does not. */
function ofBeats(session) {
  return session?.unusable_beats && !isOver() ? notice(session.unusable_beats, true) : null;
}

/** What the answers before a first session call for; until the protocol begins. */
function ofAdvice(session) {
  return ["waiting", "opening"].includes(session?.state) ? (session.advice ?? []).map((text) => notice(text, true)) : [];
}

function ofSession(session) {
  const home = el("a", { class: "button small", href: "/" }, "Home page");
  if (!session) return notice("Start a session on the home page.", false, home);
  const { state, message, report } = session;
  if (state === "waiting") return notice(message ?? "Waiting for the sensors. Check that they are worn and switched on.");
  if (state === "closing") return notice(message ?? "The protocol is over. A last word, a rating or a note is welcome; then end the session.", false, button("End the session", null, () => act("stop"), { class: "primary small" }));
  if (state === "sealing") return notice(message ?? "Saving the session. This goes on by itself, also without this page.");
  if (state === "ended") {
    const link = report ? el("a", { class: "button primary small", href: report }, "Open the report") : el("span", { class: "soft" }, "The report is being made …");
    return notice(message ?? "The session has ended and is saved.", false, link, home);
  }
  if (state === "failed") return notice(message ?? "The session could not go on. What was recorded is kept.", true, home);
  return message ? notice(message) : null;
}
