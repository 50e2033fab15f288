/** One feedback element at a time: which picture, how full it is, and why it waits. */

import { clamp, lessMotion } from "./draw.js";
import { makeGarden } from "./garden.js";
import { makeLantern } from "./lantern.js";
import { makeLight } from "./light.js";
import { makeTide } from "./tide.js";
import { el, sentence, setText } from "../say.js";

/** What can be chosen, in the order it is offered. */
export const ELEMENTS = [
  { id: "tide", name: "Tide", says: "Water rises and lifts a boat" },
  { id: "light", name: "Light", says: "A lamp grows warmer" },
  { id: "lantern", name: "Lantern", says: "A lantern rises" },
  { id: "garden", name: "Garden", says: "Leaves unfold" },
  { id: "tone", name: "Tone", says: "A soft chord opens" },
  { id: "noise", name: "Waves", says: "The sound of waves" },
];
const SOUNDS = new Set(["tone", "noise"]);
const SCENES = { tide: makeTide, light: makeLight, lantern: makeLantern, garden: makeGarden };
const SETTLES_S = 1.4;
const STEP_S = 3;
const FRAME_MS = 30; // slow pictures need every other frame only; the pacer gets them all

export function isSound(element) {
  return SOUNDS.has(element);
}

/** Why feedback waits, as a sentence; null while it runs. */
export function waiting(feedback, linkLost) {
  if (!feedback) return null;
  const waits = isSound(feedback.element) ? "the sound waits" : "the picture waits";
  if (linkLost) return `No news from the sensor just now: ${waits}.`;
  if (feedback.paused) return `${sentence(feedback.paused.replace(/[.:;\s]+$/, ""))}: ${waits}.`;
  return feedback.value === null || feedback.value === undefined ? `The sensor needs a moment: ${waits}.` : null;
}

/**
 * The picture behind the pacer: {element, note, show(feedback|null, linkLost), draw(now_ms), level()}.
 * It holds still and dims while there is no value; it never plays one that was not measured.
 */
export function makeFeedback() {
  const element = el("div", { class: "feedback", "aria-hidden": "true" });
  const note = el("p", { class: "feedback-note", role: "status", hidden: true });
  const scenes = {};
  let scene = null;
  let target = null;
  let level = null;
  let drawn_ms = null;
  let stepped_ms = -Infinity;
  let drift_s = 0;

  function show(feedback, linkLost) {
    const why = waiting(feedback, linkLost);
    target = feedback && !why ? clamp(feedback.value) : null;
    if (level === null) level = target;
    choose(feedback ? feedback.element : null);
    element.classList.toggle("waits", why !== null);
    note.hidden = why === null;
    if (why) setText(note, why);
  }

  function choose(name) {
    const wanted = name in SCENES ? (scenes[name] ??= SCENES[name]()) : null;
    if (wanted === scene) return;
    scene = wanted;
    stepped_ms = -Infinity;
    element.replaceChildren(...(scene ? [scene.element] : []));
    scene?.draw(level ?? 0, drift_s, true);
  }

  function draw(now_ms) {
    const passed_s = drawn_ms === null ? 0 : Math.min(0.2, (now_ms - drawn_ms) / 1000);
    drawn_ms = now_ms;
    if (target === null || level === null) return;
    level += (target - level) * (1 - Math.exp(-passed_s / SETTLES_S));
    if (!scene) return;
    if (lessMotion()) {
      if (now_ms - stepped_ms < STEP_S * 1000) return;
      stepped_ms = now_ms;
      scene.draw(Math.round(level * 10) / 10, 0, true);
      return;
    }
    drift_s += passed_s;
    if (now_ms - stepped_ms < FRAME_MS) return;
    stepped_ms = now_ms;
    scene.draw(level, drift_s);
  }

  return { element, note, show, draw, level: () => (target === null ? null : level) };
}
