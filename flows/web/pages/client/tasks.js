/** Tasks on the screen: subtraction, colour words, imagery. Each can be skipped or stopped. */

import { chance } from "./draw.js";
import { button, el, setText } from "../say.js";

const PATIENCE_MS = 4000;
const IMAGERY_S = 30;

/** The task named `name`: {element, draw(now_s), leave()}; `report({shown, right})` tells the recorder the counts at its end. */
export function makeTask(name, { seed, began_s, steps, instruction, report, skip, stop }) {
  const makers = { "serial-subtraction": subtraction, stroop, imagery };
  const task = (makers[name] ?? imagery)({ seed, began_s, steps, instruction, report });
  const ways = el("div", { class: "task-ways" }, button("Skip this task", null, skip, { class: "quiet" }), button("Stop", "Esc", stop, { class: "quiet" }));
  return { draw() {}, leave() {}, ...task, element: el("section", { class: `task task-${name}`, "aria-label": task.title }, task.element, ways) };
}

/** Where subtraction begins: 1022, or another start of four figures for another seed. */
export function subtractionStart(seed) {
  return 1022 + 13 * 7 * (Math.abs(Math.trunc(seed ?? 0)) % 9);
}

/** What the instruction says holds: the number it begins at, and whether it is aloud or in the head. */
function subtraction({ seed, instruction }) {
  const start = Number(/\bfrom (\d+)/.exec(instruction ?? "")?.[1] ?? subtractionStart(seed));
  let taken = 0;
  const count = el("p", { class: "soft", role: "status" }, "Tapping is optional. Nothing of it is kept.");
  const next = button("I have the next one", null, () => {
    taken += 1;
    setText(count, taken === 1 ? "1 step taken." : `${taken} steps taken.`);
  }, { class: "big" });
  return { title: "Subtraction", element: el("div", { class: "task-body" },
    el("p", { class: "task-sum" }, el("span", {}, `from ${start.toLocaleString("en-GB").replace(",", "")}`), el("span", {}, "take away 13")),
    el("p", {}, "Then take away 13 from the answer, and again, and again. If you lose the thread, begin anew."),
    next, count) };
}

export const INKS = ["blue", "orange", "pink", "black"];

/** The words of a run: {word, ink} pairs that follow from the seed; three of four disagree, and none comes twice in a row. */
export function stroopTrials(seed) {
  const next = chance(seed);
  let before = null;
  return () => {
    let trial;
    do {
      const ink = INKS[Math.floor(next() * INKS.length)];
      const others = INKS.filter((name) => name !== ink);
      trial = { ink, word: next() < 0.25 ? ink : others[Math.floor(next() * others.length)] };
    } while (before && trial.ink === before.ink && trial.word === before.word);
    before = trial;
    return trial;
  };
}

function stroop({ seed, report }) {
  const trials = stroopTrials(seed ?? 1);
  const counts = { shown: 0, right: 0 };
  const word = el("p", { class: "stroop-word" });
  let trial = null;
  let since_ms = 0;

  function advance() {
    trial = trials();
    counts.shown += 1;
    since_ms = performance.now();
    setText(word, trial.word.toUpperCase());
    word.dataset.ink = trial.ink;
  }
  function answer(ink) {
    if (ink === trial.ink) counts.right += 1;
    advance();
  }
  function draw() {
    if (performance.now() - since_ms > PATIENCE_MS) advance();
  }
  function onKey(event) {
    const index = Number(event.key) - 1;
    if (event.target.matches?.("input, textarea") || !(index in INKS) || event.repeat) return;
    event.preventDefault();
    answer(INKS[index]);
  }
  const answers = INKS.map((ink, index) => el("button", { type: "button", class: "stroop-answer", onclick: () => answer(ink) }, el("kbd", {}, index + 1), el("span", { class: "stroop-swatch", "data-ink": ink }), ink));
  document.addEventListener("keydown", onKey);
  advance();
  return { title: "Colours of words", draw,
    element: el("div", { class: "task-body" },
      el("p", { class: "task-lead" }, "Which colour is the word written in? Leave aside what it says."),
      el("div", { class: "stroop-card" }, word),
      el("div", { class: "stroop-answers", role: "group", "aria-label": "The colour" }, answers)),
    leave() {
      document.removeEventListener("keydown", onKey);
      if (counts.shown > 1) report({ shown: counts.shown - 1, right: counts.right });
    } };
}

const IMAGERY = [
  "Sit comfortably. Keep your eyes open or close them, as you like.",
  "Choose a moment that was a little stressful: about 3 or 4 out of 10, nothing worse.",
  "Picture where you were. What is around you? What do you see and hear?",
  "Notice what you thought, and what your body did.",
  "Stay with the picture as far as it is comfortable. You can leave it whenever you like.",
  "Let the picture grow small and far away. Look around the room you are in now.",
];

function imagery({ began_s, steps }) {
  const lines = steps?.length ? steps : IMAGERY;
  const line = el("p", { class: "task-line", role: "status" });
  const where = el("p", { class: "soft" });
  return { title: "Imagery",
    element: el("div", { class: "task-body" }, el("p", { class: "task-lead" }, "In your mind, without speaking:"), line, where),
    draw(now_s) {
      const index = Math.min(lines.length - 1, Math.max(0, Math.floor(((now_s ?? began_s) - began_s) / IMAGERY_S)));
      setText(line, lines[index]);
      setText(where, `${index + 1} of ${lines.length}`);
    } };
}
