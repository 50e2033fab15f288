/** Strategies for the phase that runs: aim, steps, when not to use it, how well it is supported. */

import { act, get, subscribe } from "../net.js";
import { button, el } from "../say.js";
import { store } from "./store.js";

/** The panel's content. */
export function strategyPanel() {
  const now = el("p", { class: "small" });
  const choice = el("select", { id: "strategy-choice" });
  const about = el("div", { class: "about" });
  const use = button("Use in this phase", null, () => act("strategy", { id: choice.value }), { class: "primary small" });
  const none = button("None", null, () => act("strategy", { id: null }), { class: "quiet small" });
  const content = el("div", { class: "stack" }, now, el("label", { class: "field" }, el("span", {}, "Strategy"), choice), about, el("div", { class: "row" }, use, none));
  let known = [];
  const title = (id) => known.find((one) => one.id === id)?.title ?? id;
  let offered = "";
  /** Those that the protocol offers for this phase come first. */
  const list = () => {
    const first = store.session?.offered ?? [];
    const [ours, others] = [true, false].map((wanted) => known.filter(({ id }) => first.includes(id) === wanted).map(option));
    const kept = choice.value;
    choice.replaceChildren(...(ours.length ? [el("optgroup", { label: "For this phase" }, ours), el("optgroup", { label: "Others" }, others)] : others));
    if (known.some(({ id }) => id === kept)) choice.value = kept;
  };
  const showNow = () => {
    const running = ["running", "paused"].includes(store.session?.state);
    now.replaceChildren("In this phase: ", el("strong", {}, store.session?.strategy ? title(store.session.strategy) : "none"));
    use.disabled = !running || !choice.value;
    none.disabled = !running || !store.session?.strategy;
  };
  choice.addEventListener("change", () => { describe(about, known.find((one) => one.id === choice.value)); showNow(); });
  get("/api/strategies").then((answer) => {
    known = answer.strategies ?? [];
    list();
    choice.value = store.session?.strategy ?? choice.value;
    describe(about, known.find((one) => one.id === choice.value));
    showNow();
  });
  let last = null;
  subscribe("session", (session) => {
    if (JSON.stringify(session?.offered) !== offered) {
      offered = JSON.stringify(session?.offered);
      list();
      if (session?.offered?.length && !session.strategy) choice.value = session.offered[0];
      describe(about, known.find((one) => one.id === choice.value));
    }
    if (session?.strategy && session.strategy !== last) {
      choice.value = session.strategy;
      describe(about, known.find((one) => one.id === choice.value));
    }
    last = session?.strategy ?? null;
    showNow();
  });
  return content;
}

const option = ({ id, title, kind }) => el("option", { value: id }, kind ? `${title} (${kind})` : title);

function describe(place, strategy) {
  if (!strategy) return place.replaceChildren(el("p", { class: "soft small" }, "No strategies were found."));
  place.replaceChildren(...[
    el("p", {}, strategy.aim),
    strategy.steps?.length ? el("ol", { class: "steps" }, strategy.steps.map((step) => el("li", {}, step))) : null,
    strategy.not_when ? el("p", {}, el("strong", {}, "When not to use it: "), strategy.not_when) : null,
    evidence(strategy.evidence),
  ].filter(Boolean));
}

function evidence(facts) {
  if (!facts) return null;
  return el("p", { class: "soft small" }, el("strong", {}, `Evidence: ${facts.grade}. `), facts.sentence);
}
