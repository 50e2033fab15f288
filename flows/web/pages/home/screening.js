/** The questions before a first session in the clinic. At home they are asked on the practice page. */
import { el } from "/pages/say.js";

const part = document.querySelector("#screening");
const questions = document.querySelector("#screening-questions");
const list = document.querySelector("#screening-list");
let shown = "";

for (const input of part.querySelectorAll('[name="screening"]')) {
  input.addEventListener("change", () => { questions.hidden = choice() !== "now"; });
}

/** Offer the questions, or not. What was ticked stays. */
export function showScreening(asked, offered) {
  part.hidden = !offered || !asked.length;
  const signature = JSON.stringify(asked);
  if (signature === shown) return;
  shown = signature;
  list.replaceChildren(...asked.map(question));
}

/** {answers, noted} for the start of the session; null where they were put off or not offered. */
export function screeningAnswers() {
  if (part.hidden || choice() === "later") return null;
  const boxes = choice() === "now" ? [...list.querySelectorAll("input")] : [];
  return { answers: Object.fromEntries(boxes.map((box) => [box.value, box.checked])), noted: choice() === "noted" };
}

function question({ id, text: words, advice }) {
  const told = el("p", { class: "soft small", role: "status", hidden: true }, advice);
  const box = el("input", { type: "checkbox", value: id, onchange: () => { told.hidden = !box.checked; } });
  return el("li", {}, el("label", { class: "choice" }, box, el("span", {}, words)), told);
}

function choice() {
  return part.querySelector('[name="screening"]:checked').value;
}
