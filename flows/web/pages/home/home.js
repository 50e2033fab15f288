/** The home page: what the lobby says, what is stored, and how to begin. */
import { setText } from "/pages/say.js";
import { connect, get, onLink, subscribe } from "/pages/net.js";
import { text } from "/pages/words.js";
import { noClients, showClients } from "./clients.js";
import { onImported } from "./importing.js";
import { showLobby, suggestClients } from "./start.js";

let running = false;
let session = null;

subscribe("session", (data) => { session = data; });
subscribe("lobby", (lobby) => {
  if (!lobby) return;
  if (running && !lobby.running) list();
  running = lobby.running;
  showRunning(lobby);
  document.querySelector("#simulated").hidden = lobby.simulated === null;
  document.querySelector("#simulated-text").hidden = lobby.simulated === null;
  setText(document.querySelector("#simulated-text"), lobby.simulated ?? "");
  showLobby(lobby);
});
onLink(({ state, text: line }) => {
  setText(document.querySelector("#connection"), line);
  document.querySelector("#sensors").classList.toggle("stale", state !== "live");
});
onImported(list);
connect("operator");
list();

function showRunning(lobby) {
  document.querySelector("#running").hidden = !running;
  document.querySelector("#start").hidden = running;
  if (!running || !session?.protocol) return;
  const { name, title } = session.protocol;
  const alone = lobby.protocols.find((protocol) => protocol.name === name)?.setting === "home";
  document.querySelector("#running-link").href = alone ? "/practice" : "/live";
  setText(document.querySelector("#running-what"), text("web.home.running_what", { title, client: session.client }));
}

async function list() {
  const home = await get("/api/home");
  if (!home.ok) {
    noClients(home.error);
    return;
  }
  showClients(home.clients);
  suggestClients(home.clients);
}
