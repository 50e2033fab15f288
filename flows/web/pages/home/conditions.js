/** The conditions asked before a session, all optional. Those that stay the same are filled in from the last session. */
import { el, setText } from "/pages/say.js";
import { text } from "/pages/words.js";

const list = document.querySelector("#conditions-list");
const said = document.querySelector("#conditions-said");
let asked = [];
let shown = "";
let filledFor = null;
const byHand = new Set(); // answered on this page

list.addEventListener("change", ({ target }) => {
  byHand.add(target.dataset.condition);
  tell();
});

/** Offer the questions: [{name, title, several, values: [{value, title}]}]. What was chosen stays. */
export function showConditions(questions) {
  const signature = JSON.stringify(questions);
  if (signature === shown) return;
  shown = signature;
  asked = questions;
  list.replaceChildren(...asked.map((each) => (each.several ? boxes(each) : choice(each))));
}

/** Fill in what a client said last time, once for each client; `kept` is {name: value}. What was answered here stays. */
export function fillConditions(client, kept) {
  if (client === filledFor || !asked.length) return;
  filledFor = client;
  for (const { name, several } of asked.filter((each) => !byHand.has(each.name))) {
    const values = (kept[name] ?? "").split(", ");
    if (several) for (const box of fields(name)) box.checked = values.includes(box.value);
    else fields(name)[0].value = values[0];
  }
  tell();
}

/** Forget what was answered here: it was of another client. */
export function forgetConditions() {
  byHand.clear();
}

/** {name: value} of what is chosen. */
export function conditionsSaid() {
  const chosen = asked.map(({ name, several }) =>
    [name, several ? fields(name).filter((box) => box.checked).map((box) => box.value).join(", ") : fields(name)[0].value]);
  return Object.fromEntries(chosen.filter(([, value]) => value !== ""));
}

/** What the session will store is said beside the closed fold as well. */
function tell() {
  const chosen = conditionsSaid();
  const told = asked.filter(({ name }) => name in chosen).map(({ name, title, values }) => {
    const titles = values.filter(({ value }) => chosen[name].split(", ").includes(value)).map((each) => each.title);
    return text("web.conditions.said", { title, answers: titles.join(", ") });
  });
  setText(said, told.join(" · ") || text("web.conditions.none"));
}

function choice({ name, title, values }) {
  return el("label", { class: "field" }, el("span", {}, title),
    el("select", { "data-condition": name }, el("option", { value: "" }, text("web.conditions.not_said")),
      values.map((each) => el("option", { value: each.value }, each.title))));
}

function boxes({ name, title, values }) {
  return el("fieldset", {}, el("legend", {}, title), el("div", {}, values.map((each) =>
    el("label", { class: "choice" }, el("input", { type: "checkbox", value: each.value, "data-condition": name }), el("span", {}, each.title)))));
}

function fields(name) {
  return [...list.querySelectorAll(`[data-condition="${name}"]`)];
}
