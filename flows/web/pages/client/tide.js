/** The tide: water rises over a beach and lifts a small boat. */

import { drawing, svg } from "./draw.js";
import { el } from "../say.js";

const LOW = 0.13;
const RANGE = 0.37;
const WAVES = [
  { name: "back", swell: 9, cycles: 3, phase: 0.4, drift_s: 46, above: 0.024 },
  { name: "middle", swell: 11, cycles: 4, phase: 2.1, drift_s: 34, above: 0.01 },
  { name: "front", swell: 12, cycles: 3, phase: 4.4, drift_s: 27, above: -0.014 },
];
const BOAT_WAVE = 1;

/** {element, draw(level 0..1, seconds)}: `seconds` drives the drift and stands still where motion is not wanted. */
export function makeTide() {
  const waves = WAVES.map((wave) => ({ ...wave, element: el("div", { class: `tide-wave tide-${wave.name}` }, water(wave)) }));
  const boat = el("div", { class: "tide-boat" }, boatDrawing());
  const layers = waves.map((wave) => wave.element);
  layers.splice(BOAT_WAVE + 1, 0, boat);
  const element = el("div", { class: "scene scene-tide" }, beach(), layers, el("div", { class: "tide-depth" }));

  function draw(level, seconds) {
    for (const wave of waves) {
      const along = (seconds / wave.drift_s) % 1;
      const top = 1 - (LOW + RANGE * level + wave.above);
      wave.element.style.transform = `translate3d(${(-50 * along).toFixed(3)}%, ${(100 * top).toFixed(3)}%, 0)`;
    }
    const top = 1 - Math.max(LOW + RANGE * level, 0.15);
    const rock = level > 0.06 ? Math.sin(seconds * 0.9) * 2.2 : -4;
    boat.style.transform = `translate3d(0, ${(100 * top).toFixed(3)}%, 0) rotate(${rock.toFixed(2)}deg)`;
  }

  return { element, draw };
}

/** Two periods of one wave, side by side, so that a drift by one period has no seam. */
function water({ swell, cycles, phase }) {
  const points = [];
  for (let x = 0; x <= 2000; x += 10) {
    const turn = (2 * Math.PI * x) / 1000;
    const y = 20 + swell * (Math.sin(turn * cycles + phase) * 0.7 + Math.sin(turn * (cycles - 2) + 2 * phase) * 0.5);
    points.push(`${x} ${y.toFixed(1)}`);
  }
  return drawing(2000, 1000, { preserveAspectRatio: "none" }, svg("path", { d: `M0 1000L${points.join("L")}L2000 1000Z` }));
}

function beach() {
  return el("div", { class: "tide-beach" }, drawing(1000, 200, { preserveAspectRatio: "none" }, svg("path", { d: "M0 40C180 20 300 74 480 60S800 6 1000 30V200H0Z" })));
}

function boatDrawing() {
  return drawing(
    90, 84, { class: "tide-boat-picture" },
    svg("path", { class: "boat-mast", d: "M43 6V62" }),
    svg("path", { class: "boat-sail", d: "M46 8C64 22 72 38 74 54H46Z" }),
    svg("path", { class: "boat-jib", d: "M40 18C30 32 22 44 18 54H40Z" }),
    svg("path", { class: "boat-hull", d: "M8 60H84C80 74 70 82 58 82H32C20 82 12 74 8 60Z" }),
  );
}
