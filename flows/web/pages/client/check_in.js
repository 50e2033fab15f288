/** The 30-second check-in before and after: a feeling word, a thought, the body, what I did. All of it optional. */

import { el } from "../say.js";

const FEELINGS = ["calm", "content", "hopeful", "tired", "tense", "worried", "sad", "irritated", "numb"];
const FIELDS = {
  before: [["thought", "A thought that is with me"], ["body", "What my body tells me"], ["did", "What I did before this"]],
  after: [["thought", "A thought that is with me"], ["body", "What my body tells me"], ["did", "What I did in this session"]],
};
let made = 0;

/** The form: {element, answers()}; `answers()` holds only what was said, null while that is nothing. */
export function makeCheckIn(when) {
  const id = `check-in-${(made += 1)}`;
  let feeling = null;
  const own = el("input", { type: "text", id: `${id}-own`, maxlength: 40, autocomplete: "off", placeholder: "or a word of your own", "aria-label": "A feeling word of your own", oninput: () => press(null) });
  const chips = FEELINGS.map((word) => el("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => press(word === feeling ? null : word, true) }, word));

  function press(word, empties = false) {
    feeling = word;
    if (word && empties) own.value = "";
    chips.forEach((chip, index) => chip.setAttribute("aria-pressed", String(FEELINGS[index] === word)));
  }

  const texts = FIELDS[when].map(([name, label]) => {
    const input = el("input", { type: "text", id: `${id}-${name}`, maxlength: 200, autocomplete: "off" });
    return { name, input, field: el("label", { class: "field" }, el("span", {}, label), input) };
  });
  const fields = el("div", { class: "stack" }, texts.map((text) => text.field));
  const more = when === "after" ? fields : el("details", { class: "check-in-more" }, el("summary", {}, "Add a thought or the body"), fields);
  const element = el("section", { class: "check-in", "aria-labelledby": id },
    el("h2", { id }, when === "before" ? "How are you right now?" : "How are you now?", el("small", {}, "optional, half a minute")),
    el("div", { class: "chips", role: "group", "aria-label": "A feeling word" }, chips), own, more);

  function answers() {
    const all = [["feeling", feeling ?? own.value.trim()], ...texts.map(({ name, input }) => [name, input.value.trim()])];
    const said = all.filter(([, text]) => text);
    return said.length ? { when, ...Object.fromEntries(said) } : null;
  }

  return { element, answers };
}
