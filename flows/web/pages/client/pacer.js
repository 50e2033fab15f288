/** The breathing pacer: one calm shape that grows and shrinks, or steps that fill where motion is not wanted. */

import { clamp, lessMotion, onLessMotion } from "./draw.js";
import { breathAt, counts, lengths, safeRate } from "./breath.js";
import { el, number, setText } from "../say.js";

const SMALLEST = 0.52;
const BLEND_MS = 900;
const WORDS = { in: "Breathe in", out: "Breathe out" };

/** A pacer: {element, show(pacer|null, reminder|null), draw(now_s)}. `draw` is cheap and is called once a frame. */
export function makePacer() {
  const core = el("div", { class: "pacer-core" });
  const halo = el("div", { class: "pacer-halo" });
  const word = el("p", { class: "pacer-word" });
  const count = el("p", { class: "pacer-count" });
  const words = el("div", { class: "pacer-words", "aria-hidden": "true" }, word, count);
  const shape = el("div", { class: "pacer-shape" }, el("div", { class: "pacer-ring" }), halo, core);
  const steps = el("div", { class: "pacer-steps", "aria-hidden": "true" });
  const figure = el("div", { class: "pacer-figure", role: "img" }, shape, steps, words);
  const reminder = el("p", { class: "pacer-reminder", hidden: true });
  const element = el("div", { class: "pacer", hidden: true }, figure, reminder);

  let running = null;
  let rows = null;
  let shown = null;
  let blend = null;

  /** Take over another pacer without a jump: what is seen now flows into the new breath. */
  function show(pacer, says = null) {
    reminder.hidden = !says;
    if (says) setText(reminder, says);
    const key = pacer && JSON.stringify([pacer.breaths_per_min, pacer.inhale_share, pacer.began_s]);
    if (key === (running && running.key)) return;
    blend = running && pacer && shown !== null ? { from: shown, since_ms: performance.now() } : null;
    running = pacer && { ...pacer, key };
    element.hidden = !pacer;
    if (!pacer) shown = null;
    else figure.setAttribute("aria-label", description(pacer));
    buildSteps();
  }

  function buildSteps() {
    const still = lessMotion();
    element.classList.toggle("still", still);
    rows = running && still ? stepRows(running) : null;
    steps.replaceChildren(...(rows ? [rows.in.element, rows.out.element] : []));
  }

  function draw(now_s) {
    if (!running || now_s === null) return;
    const breath = breathAt(now_s, running);
    setText(word, WORDS[breath.part]);
    setText(count, String(breath.count));
    if (rows) fillSteps(rows, breath);
    else scale(breath.fullness);
  }

  function scale(fullness) {
    shown = fullness;
    if (blend) {
      const along = clamp((performance.now() - blend.since_ms) / BLEND_MS);
      shown = blend.from + (fullness - blend.from) * along;
      if (along === 1) blend = null;
    }
    const size = SMALLEST + (1 - SMALLEST) * shown;
    core.style.transform = `scale(${size.toFixed(4)})`;
    halo.style.transform = `scale(${(size * 1.02).toFixed(4)})`;
    halo.style.opacity = (0.35 + 0.65 * shown).toFixed(3);
  }

  onLessMotion(buildSteps);
  return { element, show, draw };
}

/** What a screen reader is told once instead of a word every few seconds. */
function description(pacer) {
  const { in_s, out_s } = lengths(pacer);
  const rate = number(safeRate(pacer.breaths_per_min), 1).replace(/\.0$/, "");
  return `Breathing pacer: ${rate} breaths a minute, about ${counts(in_s)} counts in and ${counts(out_s)} counts out.`;
}

function stepRows(pacer) {
  const { in_s, out_s } = lengths(pacer);
  return { in: stepRow("in", counts(in_s)), out: stepRow("out", counts(out_s)) };
}

function stepRow(part, of) {
  const cells = Array.from({ length: of }, () => el("span", { class: "pacer-step" }));
  const element = el("div", { class: "pacer-row" }, el("span", { class: "pacer-name" }, part === "in" ? "In" : "Out"), el("div", { class: "pacer-cells" }, cells));
  return { element, cells };
}

function fillSteps(rows, { part, count }) {
  for (const name of ["in", "out"]) {
    rows[name].element.classList.toggle("now", name === part);
    rows[name].cells.forEach((cell, index) => cell.classList.toggle("full", name === part && index < count));
  }
}
