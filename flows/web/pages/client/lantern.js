/** The lantern: a paper lantern rises over quiet hills, two smaller ones after it. */

import { chance, drawing, svg } from "./draw.js";
import { el } from "../say.js";

const LANTERNS = [
  { name: "first", low: 0.8, high: 0.13, sway: 5, turn_s: 9 },
  { name: "second", low: 0.86, high: 0.3, sway: 4, turn_s: 11 },
  { name: "third", low: 0.88, high: 0.42, sway: 3, turn_s: 13 },
];

/** {element, draw(level 0..1, seconds)}. */
export function makeLantern() {
  const lanterns = LANTERNS.map((lantern) => ({ ...lantern, element: el("div", { class: `lantern lantern-${lantern.name}` }, el("div", { class: "lantern-glow" }), paper()) }));
  const element = el("div", { class: "scene scene-lantern" }, stars(), hills("far", "M0 90C120 30 260 20 400 70S700 110 1000 36V200H0Z"), lanterns.map((lantern) => lantern.element), hills("near", "M0 60C160 110 320 120 520 76S860 40 1000 84V200H0Z"));

  function draw(level, seconds) {
    for (const lantern of lanterns) {
      const top = lantern.low + (lantern.high - lantern.low) * level;
      const sway = Math.sin((2 * Math.PI * seconds) / lantern.turn_s) * lantern.sway;
      lantern.element.style.transform = `translate3d(${sway.toFixed(2)}px, ${(100 * top).toFixed(3)}%, 0)`;
      lantern.element.style.opacity = (0.62 + 0.38 * level).toFixed(3);
    }
  }

  return { element, draw };
}

function paper() {
  return drawing(
    64, 84, { class: "lantern-paper" },
    svg("path", { class: "lantern-body", d: "M14 12C6 30 6 52 16 70H48C58 52 58 30 50 12Z" }),
    svg("path", { class: "lantern-flame", d: "M22 66C16 50 20 36 32 26C44 36 48 50 42 66Z" }),
    svg("path", { class: "lantern-rib", d: "M24 12C20 32 20 52 25 70M40 12C44 32 44 52 39 70" }),
    svg("path", { class: "lantern-rim", d: "M15 9H49V13H15ZM16 69H48V74H16Z" }),
  );
}

function hills(name, d) {
  return el("div", { class: `lantern-hills lantern-${name}` }, drawing(1000, 200, { preserveAspectRatio: "none" }, svg("path", { d })));
}

function stars() {
  const next = chance(7);
  const points = Array.from({ length: 46 }, () => svg("circle", { cx: (next() * 1600).toFixed(0), cy: (next() * 620).toFixed(0), r: (0.8 + next() * 1.3).toFixed(1) }));
  return drawing(1600, 900, { class: "lantern-stars", preserveAspectRatio: "xMidYMin slice" }, points);
}
