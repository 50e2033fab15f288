/** The light: a lamp on a table grows warmer. */

import { drawing, svg } from "./draw.js";
import { el } from "../say.js";

const DIMMEST = 0.1;
const NOTICEABLE = 0.003;

/** {element, draw(level 0..1)}. */
export function makeLight() {
  const glow = el("div", { class: "light-glow" });
  const pool = el("div", { class: "light-pool" });
  const lit = svg("path", { class: "lamp-lit", d: SHADE });
  const element = el("div", { class: "scene scene-light" }, glow, el("div", { class: "light-table" }), pool, room(lit));
  let drawn = null;

  function draw(level) {
    if (drawn !== null && Math.abs(level - drawn) < NOTICEABLE) return;
    drawn = level;
    const warmth = DIMMEST + (1 - DIMMEST) * level;
    glow.style.opacity = warmth.toFixed(3);
    pool.style.opacity = warmth.toFixed(3);
    lit.style.opacity = warmth.toFixed(3);
  }

  return { element, draw };
}

const SHADE = "M112 24H188L216 104H84Z";

function room(lit) {
  return drawing(
    300, 236, { class: "light-lamp" },
    svg("path", { class: "lamp-stem", d: "M147 102H153V196H147Z" }),
    svg("path", { class: "lamp-foot", d: "M112 210C112 200 130 194 150 194S188 200 188 210Z" }),
    svg("path", { class: "lamp-shade", d: SHADE }),
    lit,
    svg("path", { class: "lamp-book", d: "M206 196H272V204H206ZM212 186H266V195H212Z" }),
    svg("path", { class: "lamp-cup", d: "M40 180H72V196C72 204 66 210 58 210H54C46 210 40 204 40 196Z" }),
    svg("path", { class: "lamp-handle", d: "M72 185C84 183 84 201 71 200" }),
  );
}
