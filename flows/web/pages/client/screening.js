/** The questions before a first session: answered, or not, by the person alone. */

import { button, el, setText } from "../say.js";

const ANSWERS = [["yes", "Yes"], ["no", "No"], ["unsaid", "I'd rather not say"]];

/** The questions [{id, text, advice}]: {element}; `done({answers, noted})` gets only what was said; `noted`: the advice after a yes was read. */
export function makeScreening(questions, done) {
  const said = {};
  const advice = el("div", { class: "notice stack", role: "status", hidden: true });
  const go = button("Go on", null, finish, { class: "primary big" });

  function answer(id, value) {
    if (value === "unsaid") delete said[id];
    else said[id] = value === "yes";
    const yes = questions.filter((question) => said[question.id]);
    const lines = new Set(yes.map((question) => question.advice));
    advice.hidden = yes.length === 0;
    advice.replaceChildren(...[...lines].map((line) => el("p", {}, line)));
    setText(go, yes.length ? "I have read this, go on" : "Go on");
  }
  function finish() {
    done({ answers: said, noted: Object.values(said).includes(true) });
  }

  const element = el("section", { class: "screen-card screening" },
    el("h1", { tabindex: "-1" }, "Before your first session"),
    el("p", {}, "A few questions, so that you can take care of yourself. Answer what you like. They are kept on this computer for your next sessions."),
    el("div", { class: "screening-list" }, questions.map((question) => row(question, answer))),
    advice,
    el("div", { class: "screen-ways" }, go));
  return { element };
}

function row({ id, text }, answer) {
  const choices = ANSWERS.map(([value, words]) => el("label", { class: "pill" }, el("input", { type: "radio", name: `screening-${id}`, value, onchange: () => answer(id, value) }), el("span", {}, words)));
  return el("fieldset", { class: "screening-row" }, el("legend", {}, text), el("div", { class: "pills" }, choices));
}
