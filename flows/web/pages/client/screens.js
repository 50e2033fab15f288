/** The screens between the phases: waiting, opening, paused, check-in after, ended, blank. */

import { makeCheckIn } from "./check_in.js";
import { makeDistress } from "./distress.js";
import { button, el, pace } from "../say.js";
import { notice, screen, ways } from "./safety.js";

const CAN_STOP = "You can stop or skip any task.";

export function waitingScreen({ title, text, home, link }) {
  return screen("waiting", title, [
    el("div", { class: "waiting-mark", "aria-hidden": "true" }, el("span"), el("span"), el("span")),
    el("p", { class: "screen-lead", role: "status" }, text),
    link ? ways(el("a", { class: "button big", href: link.href }, link.text)) : null,
    home]);
}

/** What the protocol says first, the check-in on the same screen, and Begin. */
export function openingScreen({ data, crisis, begin }) {
  const checkIn = data.check_in === "before" ? makeCheckIn("before") : null;
  const opening = data.opening || CAN_STOP;
  return screen("opening", data.title || "Ready when you are", [
    el("p", { class: "screen-lead" }, opening),
    opening.toLowerCase().includes("skip") ? null : el("p", { class: "screen-lead" }, CAN_STOP),
    data.instruction && data.instruction !== opening ? el("p", { class: "soft" }, data.instruction) : null,
    data.coming_pacer ? el("p", { class: "soft" }, [`The pacer will go at ${pace(data.coming_pacer)}.`, data.reminder].filter(Boolean).join(" ")) : null,
    data.advice?.length ? el("div", { class: "notice stack" }, data.advice.map((line) => el("p", {}, line))) : null,
    checkIn?.element,
    ways(button("Begin", null, () => begin(checkIn?.answers() ?? null), { class: "primary big begin" })),
    notice(data.home, crisis)]);
}

export function pausedScreen({ data, crisis, mayResume, goOn, end }) {
  const waits = mayResume ? "Take the time you need." : "Your practitioner will go on when you are both ready.";
  return screen("paused", data.title && data.title.toLowerCase() !== "paused" ? `Paused: ${data.title}` : "Paused", [
    el("p", { class: "screen-lead" }, waits),
    ways(mayResume ? button("Go on", null, goOn, { class: "primary big" }) : null, button("End the session", null, end, { class: "big" })),
    notice(data.home, crisis)]);
}

/** The last word; with a distress rating where one is still asked for. */
export function afterScreen({ asks, rate, save, notNow }) {
  const checkIn = makeCheckIn("after");
  const put = () => { distress.element.hidden = true; };
  const distress = makeDistress({ rate: (value) => { put(); rate(value); }, close: put });
  distress.element.hidden = !asks;
  return screen("after", "Before you go", [
    distress.element,
    checkIn.element,
    ways(button("Keep this", null, () => save(checkIn.answers()), { class: "primary big" }), button("Not now", null, notNow, { class: "big" }))]);
}

export function endedScreen({ text, wait, links, home, crisis }) {
  return screen("ended", "That was the session", [
    el("p", { class: "screen-lead" }, text || "Thank you for the time you gave yourself."),
    wait ? el("p", { class: "soft" }, wait) : null,
    links.length ? ways(links.map(({ href, text: words }, index) => el("a", { class: index ? "button big" : "button primary big", href }, words))) : null,
    notice(home, crisis)]);
}

export function blankScreen() {
  return el("section", { class: "screen-blank" }, el("h1", { class: "visually-hidden" }, "The screen is resting"), el("p", {}, "The screen is resting."));
}
