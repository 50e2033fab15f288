/** A small picture of what the client sees, drawn from the same topic, with keys to blank it and to hide heart data. */

import { act, isLive, sessionNow, subscribe } from "../net.js";
import { button, el, setText } from "../say.js";
import { key } from "./keys.js";
import { isOver, store } from "./store.js";

const SCREENS = {
  waiting: "Waiting", opening: "Opening", phase: "", rest: "Rest", grounding: "Grounding", paused: "Paused", ended: "The end", blank: "Blank",
};
const FRAME_MS = 66;

const running = () => store.session && !isOver();
const blank = () => running() && act("blank", { on: !store.session.blank });
const hide = () => running() && act("hide_heart", { on: !store.session.hide_heart });

/** Fill the panel. */
export function showMirror(place) {
  const title = el("p", { class: "title" }), disc = el("i", { class: "disc", hidden: true }), bar = el("div", { class: "bar" }, el("i")), below = el("p", { class: "below" });
  const picture = el("div", { class: "picture", role: "img", "aria-label": "The client's screen" }, title, disc, bar, below);
  const blankButton = button("Blank", "B", blank, { class: "quiet small", "aria-pressed": "false" });
  const hideButton = button("Hide heart", "H", hide, { class: "quiet small", "aria-pressed": "false", title: "Hide heart data from the client" });
  place.append(el("h2", { id: "mirror-title" }, "Client's screen"), picture, el("div", { class: "buttons" }, blankButton, hideButton));
  key("b", "blank the client's screen", blank);
  key("h", "hide heart data from the client", hide);
  let client = null;
  subscribe("client", (data) => {
    client = data;
    const screen = data?.screen ?? "waiting";
    const value = data?.feedback?.value;
    picture.classList.toggle("blank", screen === "blank");
    setText(title, screen === "blank" ? "Blank" : data?.title || SCREENS[screen] || "");
    disc.hidden = !data?.pacer || screen !== "phase";
    bar.hidden = value === null || value === undefined || screen !== "phase";
    if (!bar.hidden) bar.firstChild.style.width = `${Math.round(value * 100)}%`;
    setText(below, screen === "blank" ? "" : words(data));
    picture.setAttribute("aria-label", `The client's screen: ${[title.textContent, data?.pacer && "breathing pacer", below.textContent].filter(Boolean).join(", ")}`);
  });
  subscribe("session", (session) => {
    blankButton.setAttribute("aria-pressed", String(session?.blank ?? false));
    hideButton.setAttribute("aria-pressed", String(session?.hide_heart ?? false));
    blankButton.disabled = hideButton.disabled = !running();
  });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  setInterval(() => {
    if (disc.hidden || document.hidden || !isLive()) return;
    disc.style.transform = `scale(${still.matches ? 0.8 : 0.5 + 0.5 * fullness(client.pacer, sessionNow() ?? 0)})`;
  }, FRAME_MS);
}

function words(data) {
  if (!data) return "";
  if (data.screen === "ended") return data.check_in ? `Check-in ${data.check_in}` : SCREENS.ended;
  if (data.safety) return "Safety message";
  if (data.screen === "paused") return SCREENS.paused;
  if (data.asking) return "Asked: distress 0 to 10";
  if (data.check_in) return `Check-in ${data.check_in}`;
  if (data.task) return `Task: ${data.task.replace("-", " ")}`;
  if (data.feedback) return data.feedback.paused ? `${data.feedback.element}, paused` : data.feedback.element;
  return SCREENS[data.screen] === data.title ? "" : SCREENS[data.screen] ?? "";
}

/** 0 at the end of breathing out, 1 at the end of breathing in, smooth between. */
function fullness({ breaths_per_min, inhale_share, began_s }, now_s) {
  const breath = ((((now_s - began_s) * breaths_per_min) / 60) % 1 + 1) % 1;
  const part = breath < inhale_share ? breath / inhale_share : 1 - (breath - inhale_share) / (1 - inhale_share);
  return (1 - Math.cos(Math.PI * part)) / 2;
}
