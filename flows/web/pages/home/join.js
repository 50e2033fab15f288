/** A second screen comes in with the code from the first. A code in the address only fills the field. */
import { setText } from "/pages/say.js";
import { text } from "/pages/words.js";

const LENGTH = 6;

const field = document.querySelector("#code");
const go = document.querySelector("#join-go");

field.value = codeIn(decodeURIComponent(location.hash.slice(1)));
if (field.value) setText(document.querySelector("#join-about"), text("web.join.filled_in"));
history.replaceState(null, "", location.pathname);
field.addEventListener("input", () => say(""));
document.querySelector("#join").addEventListener("submit", (event) => {
  event.preventDefault();
  join(codeIn(field.value));
});

/** The code without spaces and hyphens, in capitals. */
function codeIn(typed) {
  return typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
}

async function join(code) {
  field.value = code;
  if (code.length !== LENGTH) {
    say(text("web.join.length", { length: LENGTH }));
    return;
  }
  go.disabled = true;
  const answer = await send(code);
  go.disabled = false;
  if (answer.url) location.assign(answer.url);
  else say(answer.error);
}

async function send(code) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("/join", { method: "POST", credentials: "same-origin", headers, body: JSON.stringify({ code }) });
    return await response.json();
  } catch {
    return { error: text("web.join.not_reached") };
  }
}

function say(line) {
  setText(document.querySelector("#join-says"), line);
  field.setAttribute("aria-invalid", String(line !== ""));
  if (line) field.focus();
}
