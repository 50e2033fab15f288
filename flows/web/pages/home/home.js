/** The home page: what the lobby says, what is stored, and how to begin. */
import { setText } from "/pages/say.js";
import { connect, get, onLink, subscribe } from "/pages/net.js";
import { text } from "/pages/words.js";
import { noClients, showClients } from "./clients.js";
import { onImported } from "./importing.js";
import { showInbox } from "./inbox.js";
import { showLobby, suggestClients } from "./start.js";

const LOOK_MS = 5000;

let running = false;
let session = null;
let watching = 0;

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
  showInbox(home.inbox);
  if (home.inbox !== null && !watching) watching = setInterval(watch, LOOK_MS);
}

/** Where a folder is watched: look what came in, and redraw the clients only then. */
async function watch() {
  const home = await get("/api/home");
  if (home.ok && showInbox(home.inbox)) {
    showClients(home.clients);
    suggestClients(home.clients);
  }
}
