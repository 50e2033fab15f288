/** The sensors found so far, each with what it delivers; the ticked ones record. */
import { el, setText } from "/pages/say.js";
import { text } from "/pages/words.js";
import { delivers } from "./wording.js";

const STATES = ["looking", "ready", "none", "trouble"];

const list = document.querySelector("#sensors");
const rows = new Map();
const decided = new Map();

/** Show what the lobby knows of sensors. */
export function showSensors(lobby) {
  setText(document.querySelector("#sensors-state"), stateOf(lobby));
  const found = new Set(lobby.sensors.map((sensor) => sensor.address));
  for (const [address, row] of rows) {
    if (!found.has(address)) {
      row.remove();
      rows.delete(address);
    }
  }
  for (const sensor of lobby.sensors) update(rows.get(sensor.address) ?? add(sensor.address), sensor);
  showHelp(lobby);
  showUnusable(lobby.unusable);
}

/** Addresses of the ticked sensors. */
export function chosenSensors() {
  return [...rows].filter(([, row]) => row.querySelector("input").checked).map(([address]) => address);
}

function stateOf(lobby) {
  if (lobby.state === "ready" && !lobby.sensors.length) return text("web.sensors.none");
  return STATES.includes(lobby.state) ? text(`web.sensors.${lobby.state}`) : "";
}

function add(address) {
  const box = el("input", { type: "checkbox", onchange: () => decided.set(address, box.checked) });
  const row = el("li", {}, el("label", { class: "choice" }, box, el("div", {}, el("strong"), el("span", { class: "small soft" }))));
  rows.set(address, row);
  list.append(row);
  return row;
}

function update(row, sensor) {
  row.querySelector("input").checked = decided.get(sensor.address) ?? sensor.chosen;
  setText(row.querySelector("strong"), sensor.label || sensor.name);
  setText(row.querySelector("span"), delivers(sensor.streams));
}

function showHelp(lobby) {
  document.querySelector("#sensors-help").hidden = lobby.sensors.length > 0;
  setText(document.querySelector("#sensors-trouble"), lobby.trouble ?? (lobby.state === "looking" ? text("web.sensors.wear") : ""));
  document.querySelector("#sensors-advice").hidden = lobby.trouble !== null || lobby.state === "looking";
}

function showUnusable(unusable) {
  const part = document.querySelector("#unusable");
  const lines = unusable.map(({ name, why }) => text("web.sensors.unusable", { name, why }));
  if ([...part.children].map((item) => item.textContent).join("\n") === lines.join("\n")) return;
  part.replaceChildren(...lines.map((line) => el("li", {}, line)));
}
