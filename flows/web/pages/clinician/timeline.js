/** The protocol's phases as a strip, the one that runs now in words, and the time that is left. */

import { isLive, sessionNow, subscribe } from "../net.js";
import { clockTime, duration, el, setText } from "../say.js";
import { isOver, store } from "./store.js";

const OPEN_S = 300;

let segments = [];
let known = "";
let reached = { session: null, index: null };

/** Fill the strip and the words; both follow the session from now on. */
export function showTimeline(strip, phase) {
  const name = el("strong", {}), left = el("span", { class: "figure" }), leftWord = el("span", { class: "soft small" }), instruction = el("p", { class: "soft instruction" });
  phase.append(el("p", { class: "name" }, name), el("p", { class: "left" }, left, " ", leftWord), instruction);
  const show = () => {
    build(strip, store.session?.steps ?? []);
    tick();
  };
  const tick = () => {
    const session = store.session;
    const step = stepOf(session);
    fill(session);
    setText(name, step ? step.name : titleOf(session));
    setText(instruction, step ? step.instruction : textOf(session));
    const seconds = secondsLeft(session);
    setText(left, step ? clockTime(seconds ?? Math.max(0, (sessionNow() ?? 0) - (session.step_began_s ?? 0))) : "");
    setText(leftWord, step ? (session.state === "paused" ? "left, paused" : seconds === null ? "so far, no set end" : "left") : "");
    left.classList.toggle("stale", !isLive());
  };
  subscribe("session", show);
  setInterval(tick, 250);
}

const RUNS = new Set(["running", "paused"]);
const stepOf = (session) => (session && RUNS.has(session.state) && session.step !== null ? session.steps[session.step] : null);

function titleOf(session) {
  if (!session) return "No session is running";
  const titles = { waiting: "Waiting for the sensors", opening: session.protocol.title, closing: "The protocol is over", sealing: "Saving the session", ended: "The session has ended", failed: "The session could not go on" };
  return titles[session.state] ?? session.protocol.title;
}

function textOf(session) {
  return session?.state === "opening" ? session.protocol.opening : "";
}

/** Seconds to the end of the step; null where it has none. */
function secondsLeft(session) {
  if (!stepOf(session)) return null;
  if (session.state === "paused") return session.left_s; // time stands still, and there is no moment it ends at
  if (session.step_ends_s === null || sessionNow() === null) return null;
  return Math.max(0, session.step_ends_s - sessionNow());
}

function build(strip, steps) {
  const key = JSON.stringify(steps.map(({ name, duration_s }) => [name, duration_s]));
  if (key === known) return;
  known = key;
  segments = steps.map((step) => {
    const done = el("i", {});
    const word = el("span", { class: "visually-hidden" });
    const length = step.duration_s === null ? "no set end" : duration(step.duration_s);
    const item = el("li", { title: `${step.name}, ${length}` }, el("div", { class: "bar" }, done), el("span", { class: step.name.length < 8 ? "label short" : "label" }, step.name, el("small", {}, ` ${step.duration_s === null ? "open" : length}`)), word);
    item.style.flexGrow = String(step.duration_s ?? OPEN_S);
    return { item, done, word };
  });
  strip.replaceChildren(...segments.map(({ item }) => item));
}

/** Index of the last step that ran: seen here, or after the end by the phases' names. */
function lastStep(session) {
  if (session && session.session_id !== reached.session) reached = { session: session.session_id, index: null };
  if (stepOf(session)) reached.index = session.step;
  return reached.index ?? session?.steps.findLastIndex((step) => session.phases.some((phase) => phase.name === step.name)) ?? -1;
}

function fill(session) {
  const last = lastStep(session);
  segments.forEach(({ item, done, word }, index) => {
    const over = isOver() || session?.state === "closing";
    const current = !over && stepOf(session) !== null && index === session.step;
    const past = over ? index <= last : stepOf(session) !== null && index < session.step;
    const step = session?.steps[index];
    const left_s = current ? secondsLeft(session) : null;
    const share = past ? 1 : !current ? 0 : step.duration_s ? 1 - (left_s ?? 0) / step.duration_s : 1;
    done.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    item.classList.toggle("open", current && !step.duration_s);
    if (current) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
    setText(word, past ? ", done" : current ? ", now" : ", to come");
  });
}
