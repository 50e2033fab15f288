/** What is shown when something is too much: stopped, unwell, distress; and how to come back. */

import { button, el } from "../say.js";

const GROUND = ["Feel both feet on the floor, and the seat under you.", "Look around: name five things you can see.", "Listen: name three things you can hear.", "Let your breath do what it likes."];
const URGENT = "Chest pain, fainting, or breathlessness that does not pass: seek urgent help now.";

/** The pause that one key makes: nothing runs here until a choice is made. */
export function stoppedScreen({ goOn, end }) {
  return screen("stopped", "Stopped", [
    el("p", { class: "screen-lead" }, "The pacer and the picture have stopped. Take your time."),
    ways(button("Go on", null, goOn, { class: "primary big" }), button("End the session", null, end, { class: "big" }))]);
}

/** Dizzy, tingling or short of breath: shown at once, without waiting for the recorder. */
export function unwellScreen({ home, crisis, carryOn, end }) {
  return screen("unwell", "Let your breath go back to normal", [
    el("p", { class: "screen-lead" }, "The pacer has stopped. Breathe as your body wants to: no counting, nothing to follow."),
    el("p", {}, "Sit or lie down if that helps, and look at one thing in the room. Dizziness and tingling often come from breathing too much, and mostly pass within a minute or two."),
    el("p", { class: "notice warn" }, URGENT),
    notice(home, crisis),
    ways(button("I feel all right, carry on", null, carryOn, { class: "primary big" }), button("End the session", null, end, { class: "big" }))]);
}

/** High distress: everything has stopped; a way to find the ground, and a question. */
export function concernScreen({ text, steps, home, crisis, carryOn, end }) {
  return screen("concern", "Let's pause here", [
    el("p", { class: "screen-lead" }, text || "That is a lot of distress. The exercise has stopped. There is nothing you have to do."),
    el("ol", { class: "ground" }, (steps?.length ? steps : GROUND).map((step) => el("li", {}, step))),
    text ? null : el("p", {}, "Would you like to carry on, or leave it here for today? Both are fine."),
    notice(home, crisis),
    ways(button("Carry on", null, carryOn, { class: "big" }), button("End the session", null, end, { class: "primary big" }))]);
}

/** Alone at home: what this is not, and whom to call. */
export function notice(home, crisis) {
  if (!home && !crisis) return null;
  return el("div", { class: "home-notice" }, home ? el("p", {}, "Nobody is watching this session. Not for emergencies.") : null, crisis ? el("p", {}, crisis) : null);
}

/** A quiet card in the middle of the screen. */
export function screen(name, title, children) {
  return el("section", { class: `screen-card screen-${name}` }, el("h1", { tabindex: "-1" }, title), children);
}

export function ways(...buttons) {
  return el("div", { class: "screen-ways" }, buttons.flat());
}
