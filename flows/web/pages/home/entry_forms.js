/** The forms on a client's page: each sends what was filled in, and says what became of it in one line. */
import { el, setText } from "/pages/say.js";
import { post } from "/pages/net.js";
import { keep, recall } from "/pages/clinician/remembered.js";
import { text } from "/pages/words.js";
import { PRIMARY, WEEK, dayOf, measure, today } from "./entry_words.js";
import { sessionDay } from "./wording.js";

const MOST = { PSS: 40, "GAD-7": 21, "PHQ-9": 27, goal: 10 };
const ONESELF = "me";

const by = document.querySelector("#by");
const forms = Object.fromEntries([...document.querySelectorAll(".entering form")].map((form) => [form.id, form]));
let client = null;
let done = () => {};

by.value = recall("by", "");
by.addEventListener("change", () => keep("by", enteredBy()));

/** Whose name stands under what is entered; empty where nobody said. */
export function enteredBy() {
  return by.value.trim();
}

/** Send something about the client, or show why not: {ok, line, notice} or {ok: false, error}. */
export async function send(what, facts) {
  const answer = await post(`/api/clients/${encodeURIComponent(client)}/${what}`, facts);
  if (answer.ok) await done(answer);
  return answer;
}

/** Prepare the forms for a client; `entered(answer)` is called after each that was kept. */
export function prepareForms(code, strategies, entered) {
  client = code;
  done = entered;
  if (client === ONESELF) forms.outcome.elements.scale.querySelector('[value="PHQ-9"]').remove();
  for (const form of Object.values(forms)) {
    if (form.elements.day) Object.assign(form.elements.day, { value: today(), max: today() });
    form.addEventListener("input", () => { form.dataset.begun = "yes"; });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(form);
    });
  }
  forms.outcome.elements.scale.addEventListener("change", showScale);
  document.querySelector("#week-parts").replaceChildren(...WEEK.map(([part, name]) => daysField(part, name)));
  fill(forms.primary.elements.first, PRIMARY);
  fill(forms.primary.elements.second, PRIMARY, text("web.forms.no_measure"));
  const named = strategies.map(({ id, title }) => [id, title]);
  fill(forms.plan.elements.strategy, named, text("web.forms.no_strategy"));
  document.querySelector("#alternation-choices").replaceChildren(...named.map(([id, title]) =>
    el("label", { class: "choice" }, el("input", { type: "checkbox", name: "strategies", value: id }), el("span", {}, title))));
  showScale();
}

/** Show what holds now, as the client's profile and sessions have it. */
export function showPlans({ primary, practice_plan: plan, alternation, goal }, sessions) {
  const titles = new Map([...forms.plan.elements.strategy.options].map((option) => [option.value, option.text]));
  const title = (id) => titles.get(id) ?? id;
  now(forms.primary, primary && text(`web.forms.judged_by.${primary.measures.length === 1 ? "one" : "two"}`, { day: dayOf(primary.date), first: measure(primary.measures[0]), second: measure(primary.measures[1]) }));
  now(forms.plan, plan && planned(plan, title));
  now(forms.alternation, alternation && text("web.forms.alternating", { day: dayOf(alternation.date), strategies: alternation.strategies.map(title).join(", ") }));
  fillUnlessBegun(forms.primary, { first: primary?.measures[0], second: primary?.measures[1] });
  fillUnlessBegun(forms.plan, plan ?? {});
  if (!forms.outcome.elements.goal.value) forms.outcome.elements.goal.value = goal ?? "";
  const chosen = forms.adverse.elements.session.value;
  fill(forms.adverse.elements.session,
    sessions.filter(({ state }) => state === "sealed").map((session) => [session.session_id, sessionDay(session)]), text("web.forms.no_session"));
  forms.adverse.elements.session.value = chosen;
}

function planned({ date, sessions_per_week: times, minutes, strategy }, title) {
  const facts = { day: dayOf(date), times, minutes };
  return strategy ? text("web.forms.planned_with", { ...facts, strategy: title(strategy) }) : text("web.forms.planned", facts);
}

async function submit(form) {
  const says = form.querySelector('[role="status"]');
  const go = form.querySelector('button[type="submit"]');
  if (go.disabled) return;
  go.disabled = true;
  setText(says, text("web.forms.entering"));
  const [what, facts] = factsOf(form);
  delete form.dataset.begun; // what is kept now is shown
  const answer = await send(what, facts);
  if (!answer.ok) form.dataset.begun = "yes";
  go.disabled = false;
  says.classList.toggle("wrong", !answer.ok);
  setText(says, answer.ok ? answer.line : answer.error);
  if (answer.ok) empty(form);
}

/** What holds stands in a form, until somebody begins to change it. */
function fillUnlessBegun(form, values) {
  if (form.dataset.begun) return;
  for (const field of form.elements) {
    const value = values[field.name];
    if (value !== undefined && value !== null) field.value = value;
  }
}

/** What a form sends, and where: empty fields are left out. */
function factsOf(form) {
  const fields = new FormData(form);
  const said = Object.fromEntries([...fields].filter(([, value]) => value !== ""));
  const whole = (...names) => Object.fromEntries(names.filter((name) => name in said).map((name) => [name, Number(said[name])]));
  if (form.id === "primary") return ["plan", { what: "primary", measures: [said.first, said.second].filter(Boolean) }];
  if (form.id === "plan") return ["plan", { what: "plan", ...said, ...whole("sessions_per_week", "minutes") }];
  if (form.id === "alternation") return ["plan", { what: "alternation", strategies: fields.getAll("strategies") }];
  if (form.id === "outcome" && said.scale !== "PHQ-9") delete said.item_9;
  if (form.id === "outcome" && said.scale !== "goal") delete said.goal;
  return ["entries", { kind: form.id, ...said, ...whole("value", "item_9", ...WEEK.map(([part]) => part)), by: enteredBy() }];
}

function empty(form) {
  if (form === forms.primary || form === forms.plan) return;
  for (const field of form.elements) {
    if (["number", "textarea"].includes(field.type) || field.name === "item_9" || WEEK.some(([part]) => part === field.name)) field.value = "";
    if (field.type === "checkbox") field.checked = false;
  }
}

function showScale() {
  const scale = forms.outcome.elements.scale.value;
  forms.outcome.elements.value.max = MOST[scale];
  setText(document.querySelector("#outcome-value"), text("web.forms.value", { most: MOST[scale] }));
  document.querySelector("#outcome-item-9").hidden = scale !== "PHQ-9";
  document.querySelector("#outcome-goal").hidden = scale !== "goal";
}

function daysField(part, name) {
  return el("label", { class: "field" }, el("span", {}, name),
    el("select", { name: part }, el("option", { value: "" }, "-"), [...Array(8).keys()].map((days) => el("option", {}, days))));
}

function fill(select, choices, none = null) {
  select.replaceChildren(
    ...(none === null ? [] : [el("option", { value: "" }, none)]),
    ...choices.map(([value, title]) => el("option", { value }, title)));
}

function now(form, line) {
  setText(form.querySelector("[data-now]"), line || "");
}
