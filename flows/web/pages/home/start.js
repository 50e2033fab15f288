/** The start form: with its defaults, Start alone suffices. */
import { el, setText } from "/pages/say.js";
import { post } from "/pages/net.js";
import { codeOf, tidied } from "./client_code.js";
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
  show();
  if (lacking && lacking !== whatIsMissing()) {
    lacking = null;
    setText(says, "");
  }
}

/** Suggest the clients that have sessions, the latest first. */
export function suggestClients(codes) {
  clients = codes;
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
  field.value = code;
  field.setAttribute("aria-invalid", "false");
  setText(document.querySelector("#client-says"), "");
  show();
}

function show() {
  if (!lobby) return;
  const askedLater = chosenProtocol()?.setting === "home"; // on the practice page
  showScreening(lobby.screening, !askedLater && isFirst(currentClient()));
  for (const each of document.querySelectorAll("#clients-recent button")) {
    each.setAttribute("aria-pressed", String(each.value === currentClient()));
  }
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
  setText(says, "Starting …");
  const answer = await post("/api/start", wish(client));
  if (answer.ok) location.assign(answer.url ?? "/live");
  else {
    go.disabled = false;
    setText(says, answer.error);
  }
}

function whatIsMissing() {
  if (!lobby || !chosenProtocol()) return "Not connected yet. Try again in a moment.";
  if (!lobby.sensors.length) return "No sensor found yet. Start works as soon as there is one.";
  if (!chosenSensors().length) return "Tick at least one sensor.";
  return null;
}

function wish(client) {
  const asked = { client, protocol: chosenProtocol().name, devices: chosenSensors() };
  if (chosenProtocol().can_shuffle) asked.order = form.elements.order.value;
  const screening = screeningAnswers();
  return screening === null ? asked : { ...asked, screening };
}
