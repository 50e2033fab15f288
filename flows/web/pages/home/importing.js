/** Import by drop: files land anywhere on the page, a client code is asked for, then one file follows the other. */
import { el, setText } from "/pages/say.js";
import { whoAmI } from "/pages/net.js";
import { plural, text } from "/pages/words.js";
import { codeOf } from "./client_code.js";
import { currentClient } from "./start.js";

const dialog = document.querySelector("#import-dialog");
const chooser = document.querySelector("#import-files");
const curtain = document.querySelector("#drop");
const list = document.querySelector("#import-list");
const field = document.querySelector("#import-client");
const go = document.querySelector("#import-go");
const close = document.querySelector("#import-close");
const progress = document.querySelector("#import-progress");

let files = [];
let working = false;
let depth = 0;
let imported = () => {};

/** Call `reader()` when something was imported. */
export function onImported(reader) {
  imported = reader;
}

document.querySelector("#import-choose").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  ask([...chooser.files]);
  chooser.value = "";
});
document.querySelector("#import-form").addEventListener("submit", (event) => {
  event.preventDefault();
  importAll();
});
close.addEventListener("click", () => dialog.close());
dialog.addEventListener("cancel", (event) => {
  if (working) event.preventDefault();
});

for (const [name, reader] of Object.entries({ dragenter, dragover, dragleave, drop })) {
  addEventListener(name, (event) => {
    if (event.dataTransfer?.types.includes("Files")) reader(event);
  });
}

function dragenter(event) {
  event.preventDefault();
  depth += 1;
  curtain.hidden = working;
}

function dragover(event) {
  event.preventDefault();
  event.dataTransfer.dropEffect = working ? "none" : "copy";
}

function dragleave() {
  depth -= 1;
  if (depth <= 0) lift();
}

function drop(event) {
  event.preventDefault();
  lift();
  if (!working) ask([...event.dataTransfer.files]);
}

function lift() {
  depth = 0;
  curtain.hidden = true;
}

function ask(chosen) {
  if (!chosen.length) return;
  files = dialog.open && !go.hidden ? [...files, ...chosen] : chosen;
  list.replaceChildren(...files.map((file) => el("li", {}, el("span", {}, file.name), el("p", { class: "small soft" }, size(file)))));
  setText(document.querySelector("#import-dialog-title"), plural("web.import.title", files.length));
  setText(progress, "");
  setText(close, text("web.cancel"));
  document.querySelector("#import-who").hidden = false;
  go.hidden = false;
  field.value = currentClient();
  if (!dialog.open) dialog.showModal();
  field.focus();
  field.select();
}

async function importAll() {
  const client = codeOf(field, document.querySelector("#import-says"));
  if (client === null) return;
  setWorking(true);
  let good = 0;
  for (const [index, file] of files.entries()) {
    setText(progress, text("web.import.progress", { number: index + 1, of: files.length, client }));
    if (await importOne(file, client, list.children[index].querySelector("p"))) good += 1;
  }
  setWorking(false);
  setText(progress, plural("web.import.done", files.length, { good, client }));
  if (good) imported();
}

async function importOne(file, client, line) {
  setText(line, text("web.import.importing"));
  const answer = await upload(file, client);
  line.classList.toggle("wrong", !answer.ok);
  if (answer.ok) showResult(line, answer);
  else setText(line, answer.error);
  return answer.ok;
}

/** One raw file per request. {ok: true, sessions, notes} or {ok: false, error}. */
async function upload(file, client) {
  const headers = {
    "Content-Type": "application/octet-stream",
    "X-Vagal-CSRF": (await whoAmI()).csrf ?? "",
    "X-Vagal-Name": encodeURIComponent(file.name),
    "X-Vagal-Client": client,
  };
  try {
    const response = await fetch("/api/import", { method: "POST", credentials: "same-origin", headers, body: file });
    const answer = await response.json().catch(() => ({}));
    return response.ok ? { ...answer, ok: true } : { ok: false, error: answer.error ?? text("web.import.refused", { status: response.status }) };
  } catch {
    return { ok: false, error: text("web.import.not_arrived") };
  }
}

function showResult(line, { sessions, notes }) {
  const reports = sessions.filter(({ report }) => report).map(({ report, session_id }) =>
    el("a", { href: report, "aria-label": text("web.report_of", { what: session_id }) }, text("web.report")));
  line.replaceChildren(`${plural("web.import.imported", sessions.length)} `, ...reports.flatMap((link) => [link, " "]));
  line.after(...notes.map((note) => el("p", { class: "small soft" }, note)));
}

function setWorking(on) {
  working = on;
  go.hidden = true;
  document.querySelector("#import-who").hidden = true;
  close.disabled = on;
  setText(close, text("web.close"));
  if (!on) close.focus();
  else document.querySelector("#import-dialog-title").focus();
}

function size(file) {
  return file.size < 1e6
    ? text("web.import.kilobytes", { size: Math.max(1, Math.round(file.size / 1e3)) })
    : text("web.import.megabytes", { size: (file.size / 1e6).toFixed(1) });
}
