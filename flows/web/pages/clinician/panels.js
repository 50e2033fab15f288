/** Which panels are shown: any can be switched off, and this browser remembers it. */

import { subscribe } from "../net.js";
import { button, el } from "../say.js";
import { hasEcg } from "./charts.js";
import { keep, recall } from "./remembered.js";

const NAMES = {
  heart: "Heart rhythm", skin: "Skin conductance", arousal: "Arousal index", ecg: "ECG", rhythm: "Rhythm concentration", breathing: "Breathing rate",
  markers: "Markers and distress", side: "Table, strategy, notes", mirror: "Client's screen",
};

const off = new Set(recall("panels_off", []));

function apply() {
  for (const name of Object.keys(NAMES)) {
    const panel = document.querySelector(`[data-panel="${name}"]`);
    if (panel) panel.hidden = off.has(name) || (name === "ecg" && !hasEcg());
  }
  const small = document.querySelectorAll("#charts .chart:not([hidden], #heart, #skin)").length;
  const rows = [["heart", "1.6fr"], ["skin", "1.15fr"]].filter(([name]) => !off.has(name)).map(([, height]) => `minmax(0, ${height})`);
  document.getElementById("charts").dataset.small = String(small);
  document.getElementById("charts").style.gridTemplateRows = rows.join(" ");
  const all = (names) => names.every((name) => off.has(name));
  document.getElementById("right").hidden = all(["markers", "side"]);
  document.body.classList.toggle("wide", all(["markers", "side"]));
}

function set(name, shown) {
  if (shown) off.delete(name);
  else off.add(name);
  keep("panels_off", [...off]);
  apply();
}

/** The button that opens the choice of panels; call after the panels are built. */
export function showPanels(place) {
  const dialog = document.getElementById("panels");
  const choices = Object.entries(NAMES).map(([name, title]) => {
    const box = el("input", { type: "checkbox", checked: !off.has(name), onchange: () => set(name, box.checked) });
    return el("li", {}, el("label", { class: "choice" }, box, title));
  });
  dialog.append(el("h2", { id: "panels-title" }, "Panels"), el("p", { class: "soft small" }, "Switch off what you don't need. This browser remembers it."),
    el("ul", { class: "stack choices" }, choices), button("Close", null, () => dialog.close(), { class: "primary" }));
  place.append(button("Panels", null, () => dialog.showModal(), { class: "quiet small" }));
  apply();
  let ecg = hasEcg();
  const check = () => { if (hasEcg() !== ecg) { ecg = hasEcg(); apply(); } };
  subscribe("session", check);
  subscribe("ecg", check);
}
