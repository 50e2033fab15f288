/** Practices and protocols as one choice, grouped by where they are meant for. */
import { el, setText } from "/pages/say.js";
import { text } from "/pages/words.js";

const GROUPS = ["home", "clinic", "any"];

const part = document.querySelector("#protocols");
const readers = new Set();
let known = [];
let shown = "";

/** Call `reader(protocol)` when another one is chosen. */
export function onProtocol(reader) {
  readers.add(reader);
}

/** Show the lobby's protocols; what was chosen here stays chosen. */
export function showProtocols(lobby) {
  const signature = JSON.stringify(lobby.protocols);
  if (signature === shown) return;
  const before = chosenProtocol()?.name ?? lobby.protocol;
  shown = signature;
  known = lobby.protocols;
  part.replaceChildren(...GROUPS.map(group).filter((made) => made !== null));
  for (const input of part.querySelectorAll("input")) input.checked = input.value === before;
  tell();
}

/** The chosen protocol, or null before any is known. */
export function chosenProtocol() {
  const name = part.querySelector("input:checked")?.value;
  return known.find((protocol) => protocol.name === name) ?? null;
}

function group(setting) {
  const members = known.filter((protocol) => protocol.setting === setting);
  if (!members.length) return null;
  const id = `protocols-${setting}`;
  return el("div", { class: "group", role: "group", "aria-labelledby": id }, el("h3", { id }, text(`web.settings.${setting}`)), members.map(option));
}

function option(protocol) {
  const input = el("input", {
    type: "radio",
    name: "protocol",
    value: protocol.name,
    onchange: tell,
    "aria-describedby": "protocol-summary",
  });
  return el("label", { class: "choice option" }, input, el("span", { class: "grow" }, protocol.title), length(protocol));
}

function length(protocol) {
  const said = protocol.minutes === null ? text("web.open_end") : text("web.minutes", { minutes: Math.round(protocol.minutes) });
  return el("span", { class: "small soft length" }, said);
}

function tell() {
  const protocol = chosenProtocol();
  setText(document.querySelector("#protocol-summary"), protocol?.summary ?? "");
  document.querySelector("#order").hidden = !protocol?.can_shuffle;
  for (const reader of readers) reader(protocol);
}
