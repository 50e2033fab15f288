/** The screen while something runs: the words on top, pacer, picture or task in the middle, what one can do below. */

import { makeDistress } from "./distress.js";
import { ELEMENTS, isSound, makeFeedback } from "./feedback.js";
import { icon } from "./icons.js";
import { makePacer } from "./pacer.js";
import { makeSound } from "./sound.js";
import { makeTask } from "./tasks.js";
import { button, el, setText } from "../say.js";

/**
 * {element, show(data, {linkLost}), draw(now_s, now_ms), still()}; `ways` are what the taps do:
 * {stop, pause|null, unwell, rate(value), later, choose(element), skip, report(name, counts)}.
 */
export function makePhase(ways) {
  const pacer = makePacer();
  const feedback = makeFeedback();
  const sound = makeSound();
  const title = el("h1", { class: "phase-title" });
  const left = el("p", { class: "phase-left" });
  const instruction = el("p", { class: "phase-instruction" });
  const middle = el("div", { class: "phase-middle" });
  const news = el("p", { class: "visually-hidden", role: "status" });
  const soundAsk = el("button", { type: "button", class: "sound-ask", hidden: true, onclick: () => { sound.allow(); redraw(); } }, icon("sound"), "Turn the sound on");
  const distress = makeDistress({ rate: (value) => { openSheet(null); ways.rate(value); }, close: () => { openSheet(null); ways.later(); } });
  const pictures = makePictures({ choose, close: () => openSheet(null), sound, changed: () => redraw() });
  const sheets = { distress: distress.element, pictures: pictures.element };
  const unwell = el("button", { type: "button", class: "unwell", onclick: ways.unwell });
  const opensDistress = tool("rate", "Distress 0–10", () => openSheet("distress", true));
  const opensPictures = tool("picture", "Picture, sound", () => openSheet("pictures", true));
  const pause = ways.pause ? tool("pause", "Pause", ways.pause) : null;
  const stop = el("button", { type: "button", class: "tool stop primary", onclick: ways.stop }, icon("stop"), el("span", {}, "Stop ", el("kbd", {}, "Esc")));
  const tools = el("div", { class: "tools" }, opensDistress, opensPictures, pause, stop);
  const element = el("div", { class: "phase" }, feedback.element,
    el("header", { class: "phase-head" }, el("div", { class: "phase-names" }, title, left), instruction, news),
    middle, el("div", { class: "phase-foot" }, sheets.distress, sheets.pictures, unwell, tools));
  const rest = el("div", { class: "rest-mark", "aria-hidden": "true" });
  middle.append(rest, pacer.element, feedback.note, soundAsk);

  let data = null;
  let linkLost = false;
  let sheet = null;
  let task = null;
  let taskKey = null;

  function openSheet(name, byHand = false) {
    sheet = byHand && sheet === name ? null : name;
    for (const [each, panel] of Object.entries(sheets)) panel.hidden = each !== sheet;
    opensDistress.setAttribute("aria-expanded", String(sheet === "distress"));
    opensPictures.setAttribute("aria-expanded", String(sheet === "pictures"));
    if (byHand && sheet === "distress") distress.focus();
  }

  function choose(name) {
    if (isSound(name)) sound.allow();
    openSheet(isSound(name) ? "pictures" : null);
    ways.choose(name);
  }

  function show(next, link) {
    const before = data;
    data = next;
    linkLost = link.linkLost;
    if (!before || before.title !== data.title || before.instruction !== data.instruction) setText(news, [data.title, data.instruction].filter(Boolean).join(". "));
    setText(title, data.title || "");
    setText(instruction, data.instruction || "");
    setText(unwell, data.unwell ?? "");
    pacer.show(data.pacer, data.reminder);
    feedback.show(data.feedback, linkLost);
    showTask();
    showStrategy(before);
    redraw();
    if (data.asking === "distress" && link.asks) {
      if (sheet !== "distress") setText(news, "How much distress do you feel right now? From 0 to 10.");
      openSheet("distress");
    } else if (before?.asking === "distress" && !data.asking) openSheet(null);
  }

  function redraw() {
    const chosen = data.feedback?.element ?? null;
    unwell.hidden = !data.pacer;
    rest.hidden = Boolean(data.pacer || data.task || data.strategy || (chosen && !isSound(chosen)));
    opensPictures.hidden = chosen === null;
    soundAsk.hidden = !isSound(chosen) || sound.wanted();
    element.classList.toggle("with-picture", chosen !== null && !isSound(chosen));
    element.classList.toggle("with-pacer", Boolean(data.pacer));
    pictures.show(chosen);
  }

  function showTask() {
    const key = data.task ? `${data.task} ${data.task_seed} ${data.step_began_s}` : null;
    if (key === taskKey) return;
    dropTask();
    taskKey = key;
    if (!key) return;
    const name = data.task;
    task = makeTask(name, { seed: data.task_seed, began_s: data.step_began_s, steps: data.strategy?.steps, instruction: data.instruction, report: (counts) => ways.report(name, counts), skip: ways.skip, stop: ways.stop });
    middle.prepend(task.element);
  }

  function dropTask() {
    task?.leave();
    task?.element.remove();
    [task, taskKey] = [null, null];
  }

  function showStrategy(before) {
    const key = JSON.stringify([data.strategy, data.task]);
    if (before && key === JSON.stringify([before.strategy, before.task])) return;
    middle.querySelector(".strategy")?.remove();
    if (!data.strategy || data.task) return;
    middle.append(el("section", { class: "strategy" }, el("h2", {}, data.strategy.title), el("ol", { class: "ground" }, data.strategy.steps.map((step) => el("li", {}, step)))));
  }

  function draw(now_s, now_ms) {
    pacer.draw(now_s);
    task?.draw(now_s);
    feedback.draw(now_ms);
    sound.show(data.feedback?.element ?? null, feedback.level());
    setText(left, timeLeft(now_s, data.step_ends_s));
  }

  /** Everything that moves or sounds here ends at once. */
  function still() {
    sound.hush();
    dropTask();
    openSheet(null);
    pacer.show(null);
  }

  return { element, show, draw, still };
}

/** "about 4 min left": by the minute, so that nobody watches seconds. */
export function timeLeft(now_s, ends_s) {
  if (now_s === null || ends_s === null || ends_s === undefined) return "";
  const minutes = Math.ceil((ends_s - now_s) / 60 - 1e-6);
  if (minutes <= 1) return ends_s - now_s < 20 ? "almost done" : "a minute left";
  return `about ${minutes} min left`;
}

function tool(name, words, onclick) {
  return el("button", { type: "button", class: "tool quiet", onclick }, icon(name), el("span", {}, words));
}

/** The choice of pictures and sounds, and how loud. */
function makePictures({ choose, close, sound, changed }) {
  const choices = ELEMENTS.map(({ id, name, says }) => el("button", { type: "button", class: "picture", "aria-pressed": "false", onclick: () => choose(id) }, icon(id), el("span", {}, el("b", {}, name), el("small", {}, says))));
  const slider = el("input", { type: "range", min: 0, max: 100, step: 5, value: 50, oninput: (event) => sound.volume(event.target.value / 100) });
  const off = button("Turn the sound off", null, () => { sound.forbid(); changed(); }, { class: "quiet" });
  const loudness = el("div", { class: "loudness", hidden: true }, el("label", { class: "field" }, el("span", {}, "Volume"), slider), off);
  const element = el("section", { class: "sheet pictures", "aria-labelledby": "pictures-heading", hidden: true },
    el("div", { class: "spread" }, el("h2", { id: "pictures-heading" }, "Picture or sound"), button("Close", null, close, { class: "quiet sheet-close" })),
    el("div", { class: "picture-choices", role: "group", "aria-labelledby": "pictures-heading" }, choices), loudness);
  return { element, show(chosen) {
    choices.forEach((choice, index) => choice.setAttribute("aria-pressed", String(ELEMENTS[index].id === chosen)));
    loudness.hidden = !isSound(chosen) || !sound.wanted();
  } };
}
