/** The start form: with its defaults, Start alone suffices. */
import { el, setText } from "/pages/say.js";
import { post } from "/pages/net.js";
import { text } from "/pages/words.js";
import { codeOf, isCode, tidied } from "./client_code.js";
import { conditionsSaid, fillConditions, forgetConditions, showConditions } from "./conditions.js";
import { chosenProtocol, onProtocol, showProtocols } from "./protocols.js";
import { screeningAnswers, showScreening } from "./screening.js";
import { chosenSensors, showSensors } from "./sensors.js";

const RECENT = 4;

const form = document.querySelector("#start");
const field = document.querySelector("#client");
const go = document.querySelector("#go");
const says = document.querySelector("#go-says");
let lobby = null;
let clients = null;
let keptBy = {}; // conditions of each client's last session
let typed = false;
let lacking = null; // what kept the last click on Start from starting

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
field.addEventListener("input", () => {
  typed = true;
  show();
});
onProtocol(() => show());
addEventListener("pageshow", () => {
  go.disabled = false;
  setText(says, "");
});

/** Show what the lobby knows; what was chosen on the page stays chosen. */
export function showLobby(data) {
  lobby = data;
  if (!typed) field.value = lobby.client;
  showSensors(lobby);
  showProtocols(lobby);
  showConditions(lobby.conditions);
  show();
  if (lacking && lacking !== whatIsMissing()) {
    lacking = null;
    setText(says, "");
  }
}

/** Suggest the clients that have sessions, the latest first: [{client, conditions}]. */
export function suggestClients(known) {
  const codes = known.map(({ client }) => client);
  clients = codes;
  keptBy = Object.fromEntries(known.map(({ client, conditions }) => [client, conditions]));
  document.querySelector("#clients-known").replaceChildren(...codes.map((code) => el("option", { value: code })));
  const recent = [...new Set(["me", ...codes])].slice(0, RECENT + 1);
  document.querySelector("#clients-recent").replaceChildren(...(codes.length ? recent.map(shortcut) : []));
  show();
}

/** The code in the client field as it stands. */
export function currentClient() {
  return tidied(field.value);
}

function shortcut(code) {
  return el("button", { type: "button", class: "quiet small", value: code, onclick: () => choose(code) }, code);
}

function choose(code) {
  typed = true;
  if (code !== currentClient()) forgetConditions();
  field.value = code;
  field.setAttribute("aria-invalid", "false");
  setText(document.querySelector("#client-says"), "");
  show();
}

function show() {
  if (!lobby) return;
  const askedLater = chosenProtocol()?.setting === "home"; // on the practice page
  const code = currentClient();
  showScreening(lobby.screening, !askedLater && isFirst(code));
  const page = document.querySelector("#client-page");
  page.hidden = !isCode(code);
  page.href = `/progress/${encodeURIComponent(code)}`;
  if (clients !== null) fillConditions(code, keptOf(code));
  for (const each of document.querySelectorAll("#clients-recent button")) {
    each.setAttribute("aria-pressed", String(each.value === currentClient()));
  }
}

function keptOf(code) {
  return (code === lobby.client ? lobby.conditions_kept : keptBy[code]) ?? {};
}

function isFirst(code) {
  if (code === lobby.client) return lobby.first_session;
  return clients !== null && !clients.includes(code);
}

async function start() {
  if (go.disabled) return;
  setText(says, "");
  const client = codeOf(field, document.querySelector("#client-says"));
  if (client === null) return;
  lacking = whatIsMissing();
  if (lacking) {
    setText(says, lacking);
    return;
  }
  go.disabled = true;
  setText(says, text("web.start.starting"));
  const answer = await post("/api/start", wish(client));
  if (answer.ok) location.assign(answer.url ?? "/live");
  else {
    go.disabled = false;
    setText(says, answer.error);
  }
}

function whatIsMissing() {
  if (!lobby || !chosenProtocol()) return text("web.start.not_connected");
  if (!lobby.sensors.length) return text("web.start.no_sensor");
  if (!chosenSensors().length) return text("web.start.none_ticked");
  return null;
}

function wish(client) {
  const asked = { client, protocol: chosenProtocol().name, devices: chosenSensors(), conditions: conditionsSaid() };
  if (chosenProtocol().can_shuffle) asked.order = form.elements.order.value;
  const screening = screeningAnswers();
  return screening === null ? asked : { ...asked, screening };
}
