/** Begin, pause, next phase, extend, stop; Escape stops what the client follows. */

import { act, subscribe } from "../net.js";
import { button } from "../say.js";
import { key } from "./keys.js";
import { store } from "./store.js";
import { sure } from "./sure.js";

const EXTEND_S = 60;

const is = (...states) => states.includes(store.session?.state);
const begin = () => is("opening") && act("begin");
const pause = () => (is("paused") ? act("resume") : is("running") && act("pause"));
const next = () => hasNext() && act("next");
const extend = () => is("running", "paused") && hasEnd() && act("extend", { seconds: EXTEND_S });
const hasNext = () => is("running", "paused") && store.session.step < store.session.steps.length - 1; // after the last there is Stop
const hasEnd = () => store.session.steps[store.session.step].duration_s !== null;

function stop() {
  if (!is("waiting", "opening", "running", "paused", "closing")) return;
  sure("Stop the session?", "Recording ends here. What was recorded is kept, and the report is made.", "Stop the session", () => act("stop"));
}

/** Stop pacer and feedback at once, asking nothing; recording goes on. */
function calm() {
  if (!is("running", "paused")) return;
  if (store.session.pacer) act("pacer", { off: true });
  if (store.session.feedback?.on) act("feedback", { on: false });
}

/** Put the buttons into `place`; which there are follows the session's state. */
export function showControls(place) {
  const buttons = [
    [button("Begin", "Enter", begin, { class: "primary" }), () => is("opening")],
    [button("Pause", "P", pause), () => is("running")],
    [button("Go on", "P", pause, { class: "primary" }), () => is("paused")],
    [button("Next phase", "N", next), hasNext],
    [button("+1 min", "E", extend), () => is("running", "paused") && hasEnd()],
    [button("Stop", "S", stop, { class: "stop" }), () => is("waiting", "opening", "running", "paused", "closing")],
  ];
  place.append(...buttons.map(([made]) => made));
  const show = () => { for (const [made, wanted] of buttons) made.hidden = !wanted(); };
  subscribe("session", show);
  show();
  key("Enter", "begin", begin, { shown: "Enter" });
  key("p", "pause, go on", pause);
  key("n", "next phase", next);
  key("e", "one minute more", extend);
  key("s", "stop the session (asks first)", stop);
  key("Escape", "stop pacer and feedback at once", calm, { shown: "Esc" });
}
