/** Mouse and touch on a lane: a drag moves or, where spans are chosen, selects; a tap points; a pinch and the wheel zoom. */
import { pan, view, zoom } from "./view.js";
import { secondsAt } from "./lanes.js";

const TAP_PX = 6;

/** Listen to a lane: `on.tap(seconds)`, `on.select(from_s, to_s)`, `on.moved()`, `on.selecting()` tells which. */
export function listen(canvas, on) {
  const held = new Map();
  let began = null;
  let apart = 0;

  const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
  const spread = () => {
    const [first, second] = [...held.values()];
    return Math.max(Math.abs(first - second), 10);
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    if (held.size === 2) { apart = spread(); began = null; return; }
    began = { x: place(event), at_s: secondsAt(canvas, place(event)), selecting: on.selecting() || event.shiftKey, dragged: false };
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const before = held.get(event.pointerId);
    held.set(event.pointerId, place(event));
    if (held.size === 2) {
      const [first, second] = [...held.values()];
      zoom(apart / spread(), secondsAt(canvas, (first + second) / 2));
      apart = spread();
      on.moved();
    } else if (began) {
      began.dragged ||= Math.abs(place(event) - began.x) > TAP_PX;
      if (!began.dragged) return;
      if (began.selecting) on.select(...[began.at_s, secondsAt(canvas, place(event))].sort((a, b) => a - b));
      else { pan((before - place(event)) / canvas.clientWidth); on.moved(); }
    }
  });

  const end = (event) => {
    held.delete(event.pointerId);
    if (began && !began.dragged && event.type === "pointerup") on.tap(began.at_s);
    began = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) pan((event.deltaX || event.deltaY) / 800);
    else zoom(Math.exp(event.deltaY / 400), secondsAt(canvas, place(event)));
    on.moved();
  }, { passive: false });
}

/** A press on the overview: the view goes there, and follows. */
export function listenOverview(canvas, go) {
  const there = (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    const room = width - 40;
    go(((event.clientX - left - 40) / room) * view.duration_s);
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); there(event); });
  canvas.addEventListener("pointermove", (event) => { if (canvas.hasPointerCapture(event.pointerId)) there(event); });
}
