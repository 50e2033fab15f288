/** What was entered of a client, how to enter more, and what the clinician has to read first. */
import { el, setText } from "/pages/say.js";
import { text } from "/pages/words.js";
import { enteredBy, prepareForms, send, showPlans } from "./entry_forms.js";
import { dayOf, told } from "./entry_words.js";

const FEW = 12;

const speak = document.querySelector("#speak");
const list = document.querySelector("#entered");
const trouble = document.querySelector("#entered-trouble");
const says = document.querySelector("#entered-says");
let all = false;

/** Offer the forms for a client; `reload` shows the client's facts again after each entry. */
export function offerEntries(client, strategies, reload) {
  document.querySelector("#entering").hidden = false;
  prepareForms(client, strategies, async ({ notice }) => {
    if (notice) showNotice(notice); // at once, whatever becomes of the rest
    await reload();
    if (notice) speak.scrollIntoView({ block: "center" });
  });
}

/** Show a client's diary, and what holds of their profile. */
export function showEntries({ diary, profile, sessions }) {
  showNotice(diary.notice);
  const troubles = [diary.trouble, profile.trouble].filter(Boolean);
  trouble.hidden = !troubles.length;
  setText(trouble, troubles.join(" "));
  const shown = all ? diary.entries : diary.entries.slice(0, FEW);
  const more = el("button", { type: "button", class: "quiet small", onclick: () => {
    all = true;
    showEntries({ diary, profile, sessions });
  } }, text("web.show_all"));
  list.replaceChildren(...shown.map(row), ...(shown.length < diary.entries.length ? [el("li", {}, more)] : []));
  if (!shown.length) list.append(el("li", { class: "small soft" }, text("web.entries.none")));
  showPlans(profile, sessions);
}

function showNotice(notice) {
  speak.hidden = !notice;
  setText(speak, notice ?? "");
}

function row(entry) {
  const { title, words } = told(entry);
  const when = dayOf(entry.day);
  const about = `${when} · ${title}`;
  return el("li", {},
    el("div", {},
      el("p", {}, el("strong", {}, title), words ? el("span", { class: "words" }, ` ${text("web.entries.quoted", { words })}`) : null),
      el("p", { class: "small soft" }, `${when} · ${entry.by}`)),
    takeBack(entry.id, about));
}

/** The first press asks, the second does it. */
function takeBack(id, about) {
  const button = el("button", { type: "button", class: "quiet small", "aria-label": text("web.entries.take_back_it", { about }) }, text("web.entries.take_back"));
  button.addEventListener("click", async () => {
    if (!button.dataset.asked) {
      button.dataset.asked = "yes";
      button.setAttribute("aria-label", text("web.entries.really_it", { about }));
      setText(button, text("web.entries.really"));
      return;
    }
    button.disabled = true;
    const answer = await send("entries", { kind: "taken-back", of: id, by: enteredBy() });
    says.classList.toggle("wrong", !answer.ok);
    setText(says, answer.ok ? answer.line : answer.error);
    document.querySelector("#entered-title").scrollIntoView({ block: "nearest" });
  });
  return button;
}
