/** The page's one line to the recorder: socket with resume, session clock, actions. Topics: see each page.
 *
 *   connect("operator")                        open the socket of that role; it looks after itself from then on
 *   subscribe("session", (data, message, whole) => ...)   whole: data replaces what was known (always so for state topics);
 *                                              null and whole: nothing is known of this topic (new process, no session)
 *   onLink(({ state, text }) => ...)           "connecting" | "live" | "silent" | "lost" | "refused", with a calm sentence
 *   onTrouble(text => ...)                     why an action did not happen
 *   sessionNow()                               seconds on the session clock, extrapolated; null before any message
 *   await act("mark", { kind: "Note" })        { ok: true, ... } or { ok: false, error }
 *   await get("/api/home"), await post("/api/start", body, headers)   the same answers; body may be a File, sent as it is
 */

import { text } from "./words.js";

const SERIES = new Set(["beats", "skin", "ecg", "course"]);
const SILENCE_MS = 3000;
const RETRY_MS = [500, 1000, 2000, 5000];

const topicReaders = new Map();
const linkReaders = new Set();
const troubleReaders = new Set();
const clock = { session_s: null, at_ms: 0, speed: 1 };
let role = "operator";
let me = null;
let epoch = null;
let last = 0;
let heard_ms = 0;
let tries = 0;
let state = "connecting";

/** Call `reader(data, message, whole)` for each message of the topic; returns a function that ends it. */
export function subscribe(topic, reader) {
  if (!topicReaders.has(topic)) topicReaders.set(topic, new Set());
  topicReaders.get(topic).add(reader);
  return () => topicReaders.get(topic).delete(reader);
}

/** Call `reader({state, text})` now and at each change of the link. */
export function onLink(reader) {
  linkReaders.add(reader);
  reader({ state, text: linkText() });
}

/** Call `reader(text)` when an action was refused or did not arrive. */
export function onTrouble(reader) {
  troubleReaders.add(reader);
}

/** Seconds on the session's clock now, or null. */
export function sessionNow() {
  if (clock.session_s === null) return null;
  return clock.session_s + ((performance.now() - clock.at_ms) / 1000) * clock.speed;
}

/** Session seconds that pass in one second here (a simulated session may run faster). */
export function sessionSpeed() {
  return clock.speed;
}

/** True while news arrive: values may be shown as current. */
export function isLive() {
  return state === "live";
}

/** Open the socket as "operator" or "client"; call once. */
export function connect(as) {
  role = as;
  open();
  setInterval(listenForSilence, 500);
}

/** Ask the recorder for an action. */
export function act(name, fields = {}) {
  return post(role === "client" ? "/api/act?role=client" : "/api/act", { do: name, ...fields });
}

/** GET JSON. */
export function get(path) {
  return answer(() => fetch(path, { credentials: "same-origin", headers: { Accept: "application/json" } }));
}

/** POST JSON (or a File as it is) with the token that proves this page sent it; one fresh token if the first has run out. */
export async function post(path, body, more = {}) {
  const raw = body instanceof Blob;
  const send = async () => {
    const type = raw ? "application/octet-stream" : "application/json";
    const headers = { "X-Vagal-CSRF": (await whoAmI()).csrf ?? "", "Content-Type": type, ...more };
    return fetch(path, { method: "POST", credentials: "same-origin", headers, body: raw ? body : JSON.stringify(body) });
  };
  let result = await answer(send);
  if (result.status === 403 && me) {
    me = null;
    result = await answer(send);
  }
  if (!result.ok) for (const reader of troubleReaders) reader(result.error);
  return result;
}

/** {role, csrf, lan, version} of this page's cookie; {} while signed out. */
export async function whoAmI() {
  if (!me) {
    const result = await get(`/api/me?role=${role}`);
    if (!result.ok) return {};
    me = result;
  }
  return me;
}

async function answer(send) {
  try {
    const response = await send();
    const body = await response.json().catch(() => ({}));
    const fault = body.error ?? text("web.link.no", { status: response.status });
    return response.ok ? { ...body, ok: true } : { ok: false, status: response.status, error: fault };
  } catch {
    return { ok: false, status: 0, error: text("web.link.not_reached") };
  }
}

function open() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const since = epoch === null ? "" : `&after=${last}&epoch=${encodeURIComponent(epoch)}`;
  const socket = new WebSocket(`${scheme}://${location.host}/socket?role=${role}${since}`);
  let opened = false;
  socket.onopen = () => { opened = true; heard_ms = performance.now(); };
  socket.onmessage = (event) => { tries = 0; hear(JSON.parse(event.data)); };
  socket.onclose = async () => {
    if (state !== "refused") tell("lost");
    if (!opened && (await get(`/api/me?role=${role}`)).status === 401) tell("refused");
    setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
  };
}

function hear(message) {
  heard_ms = performance.now();
  if (message.epoch !== epoch) {
    epoch = message.epoch;
    me = null;
    clock.session_s = null;
  }
  last = message.n;
  setClock(message);
  tell("live");
  if (message.topic === "snapshot") {
    for (const [topic, readers] of topicReaders) give(readers, message.data[topic] ?? null, message, true);
  } else if (topicReaders.has(message.topic)) {
    give(topicReaders.get(message.topic), message.data, message, !SERIES.has(message.topic));
  }
}

function give(readers, data, message, whole) {
  for (const reader of readers) reader(data, message, whole);
}

/** Follow the sender's clock without a jump at each message: travel time varies by milliseconds, a chart must not. */
function setClock({ time_s, speed }) {
  if (typeof time_s !== "number") {
    clock.session_s = null;
    return;
  }
  const guess_s = sessionNow();
  const rate = typeof speed === "number" && speed > 0 ? speed : 1;
  const miss_s = guess_s === null ? Infinity : time_s - guess_s;
  const jump = Math.abs(miss_s) > 0.25 * rate || rate !== clock.speed;
  clock.session_s = jump ? time_s : guess_s + 0.1 * miss_s;
  clock.at_ms = heard_ms;
  clock.speed = rate;
}

function listenForSilence() {
  if (state === "live" && performance.now() - heard_ms > SILENCE_MS) tell("silent");
}

/** What is said of the link, also while nobody answers: the words came with the page. */
function linkText() {
  return state === "live" ? "" : text(`web.link.${state}`);
}

function tell(next) {
  if (next === state) return;
  state = next;
  for (const reader of linkReaders) reader({ state, text: linkText() });
}
