/** The client's page: a second screen at /client, practising alone at /practice. One view at a time. */

import { makePhase } from "./phase.js";
import { notice, concernScreen, stoppedScreen, unwellScreen } from "./safety.js";
import { makeScreening } from "./screening.js";
import { afterScreen, blankScreen, endedScreen, openingScreen, pausedScreen, waitingScreen } from "./screens.js";
import { keepAwake } from "./wake.js";
import { act, connect, onLink, onTrouble, sessionNow, subscribe } from "../net.js";
import { setText } from "../say.js";

const ALONE = location.pathname.startsWith("/practice");
const RETRY_MS = 3000;
const TROUBLE_MS = 8000;
const SETTLE_MS = 400;
const LOST = "Connection to the recorder lost. Recording goes on there; this page looks for it by itself.";

const main = document.querySelector("main");
const linkLine = document.querySelector("#link");
const troubleLine = document.querySelector("#trouble");

let data = null;
let lobby = null;
let session = null;
let link = { state: "connecting", text: "" };
let held = null; // "stopped" or "unwell": what this person chose here comes before what the recorder says
let pausing = null;
let unwellTold = true;
let laterAsked = false;
let screened = false;
let checkedOut = false;
let shown = null;
let settleTimer = null;
let troubleTimer = null;

const phase = makePhase({
  stop: halt,
  pause: ALONE ? () => act("pause") : null,
  unwell,
  rate,
  later: () => { laterAsked = true; },
  choose: (element) => act("feedback", { element }),
  skip: () => act("skip"),
  report: (name, counts) => act("task", { name, ...counts }),
});

/** Which view it is now: the person's own stop first, then safety, then what the recorder shows. */
function viewName() {
  if (data?.screen === "ended") return data.check_in === "after" && !checkedOut ? "after" : "ended";
  if (held === "unwell" || data?.safety?.kind === "unwell") return "unwell";
  if (held === "stopped") return "stopped";
  if (data?.safety) return "concern";
  if (!data || data.screen === "waiting") return "waiting";
  if (data.screen === "opening") return questions().length && !screened ? "screening" : "opening";
  return ["paused", "blank"].includes(data.screen) ? data.screen : "phase";
}

/** What a view is built from; it is built anew only when this changes. */
function viewKey(name) {
  const parts = {
    waiting: () => waitingWords(),
    screening: () => questions(),
    opening: () => [data.title, data.opening, data.instruction, data.home, data.check_in, data.advice, data.coming_pacer, data.reminder, crisis()],
    paused: () => [data.title],
    concern: () => [data.safety?.text, data.strategy?.steps],
    ended: () => [data.ended?.text, session?.report, session?.state],
  };
  return JSON.stringify([name, parts[name]?.() ?? null]);
}

const build = {
  waiting: () => waitingScreen({ ...waitingWords(), home: notice(ALONE, null), link: ALONE && lobby && !lobby.running ? { href: "/", text: "To the start page" } : null }),
  screening: () => makeScreening(questions(), (answers) => { screened = true; act("screening", answers); render(); }).element,
  opening: () => openingScreen({ data, crisis: crisis(), begin }),
  paused: () => pausedScreen({ data, crisis: crisis(), mayResume: ALONE || data.home, goOn: () => act("resume"), end: () => act("stop") }),
  stopped: () => stoppedScreen({ goOn, end }),
  unwell: () => unwellScreen({ home: data?.home ?? ALONE, crisis: crisis(), carryOn, end }),
  concern: () => concernScreen({ text: data.safety.text, steps: data.strategy?.steps, home: data.home, crisis: crisis(), carryOn: () => act("carry_on"), end: () => act("stop") }),
  after: () => afterScreen({ asks: data.asking === "distress" && !laterAsked, rate, save: leave, notNow: () => leave(null) }),
  ended: () => endedScreen({ text: data.ended?.text, wait: ALONE && session?.state === "sealing" ? "Your session is kept. The report is being made, which takes a minute or two; you need not wait for it." : null, links: endLinks(), home: data.home, crisis: crisis() }),
  blank: () => blankScreen(),
  phase: () => phase.element,
};

function render() {
  const name = viewName();
  const key = viewKey(name);
  if (name !== "phase" && shown?.name === "phase") phase.still();
  if (name === "phase") phase.show(data, { linkLost: lost(), asks: !laterAsked });
  if (key !== shown?.key) {
    const focus = shown !== null && document.activeElement !== document.body;
    const view = build[name]();
    main.replaceChildren(view);
    settle();
    document.body.dataset.view = name;
    if (name !== shown?.name && (focus || name !== "phase")) view.querySelector("h1[tabindex]")?.focus({ preventScroll: true });
    shown = { name, key };
  }
  setText(linkLine, linkWords());
  linkLine.hidden = linkLine.textContent === "";
  keepAwake(["phase", "concern", "unwell", "stopped"].includes(name));
}

/** A second tap of a double tap must not land on a button that has only just come under the finger. */
function settle() {
  main.classList.add("settling");
  clearTimeout(settleTimer);
  settleTimer = setTimeout(() => main.classList.remove("settling"), SETTLE_MS);
}

function rate(value) {
  laterAsked = true;
  act("rate", { scale: "distress", value });
}

function lost() {
  return link.state === "lost" || link.state === "silent";
}

function linkWords() {
  if (link.state === "refused") return link.text;
  if (!lost() || data?.screen === "ended") return "";
  return data?.pacer && shown?.name === "phase" ? `${LOST} The pacer keeps its own time.` : LOST;
}

function waitingWords() {
  if (link.state === "connecting") return { title: "One moment", text: "Connecting …" };
  if (ALONE && session?.state === "failed") return { title: "That did not work", text: session.message ?? "The recording could not go on." };
  if (ALONE && !data && lobby && !lobby.running) return { title: "Nothing is running", text: "A session is begun from the start page." };
  const looking = ALONE ? lobby?.trouble ?? session?.message : null;
  return { title: data?.title || "Welcome", text: data?.instruction || looking || (ALONE ? "Looking for your sensors …" : "Your session begins in a moment.") };
}

function questions() {
  return data?.screening ?? (ALONE && lobby?.first_session ? lobby.screening : null) ?? [];
}

function crisis() {
  return data?.crisis_line ?? (ALONE ? lobby?.crisis_line : null) ?? null;
}

function endLinks() {
  if (!ALONE) return [];
  const home = { href: "/", text: "To the start page" };
  return session?.report ? [home, { href: session.report, text: "See the report" }] : [home];
}

async function begin(checkIn) {
  if (checkIn) await act("check_in", checkIn);
  await act("begin");
}

/** Everything stops here at once; the recorder hears of it as a pause, and the end is only a choice. */
function halt() {
  if (held || shown?.name !== "phase") return;
  held = "stopped";
  render();
  pausing = act("pause");
}

async function goOn() {
  held = null;
  render();
  if ((await pausing)?.ok) act("resume");
}

/** The choice stays on screen until the recorder has ended, so that it can be made again if it did not arrive. */
function end() {
  act("stop");
}

/** The last word, or none: alone, nobody else would say that it is over. */
function leave(answers) {
  checkedOut = true;
  if (answers) act("check_in", answers);
  else if (ALONE) act("stop");
  render();
}

function unwell() {
  held = "unwell";
  unwellTold = false;
  render();
  tellUnwell();
}

/** The recorder must know, also when the connection fails just then. */
async function tellUnwell() {
  if (unwellTold) return;
  unwellTold = (await act("unwell")).ok;
  if (!unwellTold && held === "unwell") setTimeout(tellUnwell, RETRY_MS);
}

async function carryOn() {
  const answer = await act("carry_on");
  if (!answer.ok && answer.status !== 0) {
    held = null;
    render();
    return;
  }
  if (data?.safety?.kind === "unwell" && answer.ok) data = { ...data, safety: null };
  held = null;
  render();
}

function frame(now_ms) {
  if (shown?.name === "phase") phase.draw(sessionNow(), now_ms);
  requestAnimationFrame(frame);
}

function onKey(event) {
  if (event.key === "Escape") halt();
  const free = !event.target.closest?.("button, a, input, textarea, select, summary, [role=button]");
  if (event.key === " " && free && shown?.name === "phase") {
    event.preventDefault();
    halt();
  }
}

function tellTrouble(text) {
  setText(troubleLine, text);
  troubleLine.hidden = false;
  clearTimeout(troubleTimer);
  troubleTimer = setTimeout(() => { troubleLine.hidden = true; }, TROUBLE_MS);
}

function take(next) {
  if (!next || ["ended", "waiting", "opening"].includes(next.screen)) held = null;
  if (!next?.asking) laterAsked = false;
  if (next?.screen !== "ended") checkedOut = false;
  if (next?.screen === "opening" && data?.screen !== "opening") screened = false;
  data = next;
  render();
}

document.addEventListener("keydown", onKey);
subscribe("client", take);
if (ALONE) {
  subscribe("lobby", (next) => { lobby = next; render(); });
  subscribe("session", (next) => { session = next; render(); });
}
onLink((next) => { link = next; render(); });
onTrouble(tellTrouble);
connect(ALONE ? "operator" : "client");
requestAnimationFrame(frame);
