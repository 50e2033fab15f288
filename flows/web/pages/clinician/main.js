/** The clinician's page: every panel put in its place, then the line to the recorder opened. */

import { connect, onLink } from "../net.js";
import { showBadges } from "./badges.js";
import { showCharts, showValues } from "./charts.js";
import { showControls } from "./controls.js";
import { showDistress, takeDigit } from "./distress.js";
import { guidePanel } from "./guide.js";
import { invitePanel } from "./invite.js";
import { key, showKeys } from "./keys.js";
import { showMarkers } from "./markers.js";
import { showMessages } from "./messages.js";
import { showMirror } from "./mirror.js";
import { notesPanel } from "./notes.js";
import { showPanels } from "./panels.js";
import { personPanel } from "./person.js";
import { follow } from "./store.js";
import { strategyPanel } from "./strategy.js";
import { tablePanel } from "./table.js";
import { showTabs } from "./tabs.js";
import { showTimeline } from "./timeline.js";
import { freeze, pan, showView, widen } from "./view.js";

const at = (id) => document.getElementById(id);

follow();
showBadges(at("who"), at("badges"));
showTimeline(at("timeline"), at("phase"));
showControls(at("controls"));
showMarkers(at("markers"), takeDigit);
showDistress(at("markers"));
showMirror(at("mirror"));
showMessages(at("messages"));
const notes = notesPanel();
const openTab = showTabs(at("side"), [
  ["table", "Table", tablePanel()],
  ["strategy", "Strategy", strategyPanel()],
  ["guide", "Guide", guidePanel()],
  ["notes", "Notes", notes.content],
  ["person", "Person", personPanel()],
  ["screen", "Screen", invitePanel()],
]);
showView(at("view"));
showCharts(at("charts"));
showPanels(at("view"));
key("f", "freeze the charts", freeze);
key("v", "view 1, 5, 20 minutes", widen);
key("ArrowLeft", "earlier, when frozen", () => pan(-0.25), { shown: "←" });
key("ArrowRight", "later, when frozen", () => pan(0.25), { shown: "→" });
key("w", "write a note", () => { openTab("notes"); notes.write(); });
showKeys(at("view"));
onLink(showValues);
connect("operator");
