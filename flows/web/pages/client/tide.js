/** The tide: water rises over a beach and lifts a small boat. */

import { drawing, svg } from "./draw.js";
import { el } from "../say.js";

const LOW = 0.12;
const RANGE = 0.38;
const AFLOAT = 0.05;
const WAVES = [
  { name: "back", swell: 17, cycles: 3, phase: 0.4, drift_s: 46 },
  { name: "middle", swell: 20, cycles: 4, phase: 2.1, drift_s: 34 },
  { name: "front", swell: 22, cycles: 3, phase: 4.4, drift_s: 27 },
];

/** {element, draw(level 0..1, seconds)}: `seconds` drives the drift and stands still where motion is not wanted. */
export function makeTide() {
  const [back, middle, front] = WAVES.map((wave) => ({ ...wave, element: el("div", { class: `tide-wave tide-${wave.name}` }, crest(wave)) }));
  const boat = el("div", { class: "tide-boat" }, boatDrawing());
  const sea = el("div", { class: "tide-sea" }, back.element, middle.element, boat, front.element, el("div", { class: "tide-body" }));
  const element = el("div", { class: "scene scene-tide" }, beach(), sea);

  function draw(level, seconds) {
    sea.style.transform = `translate3d(0, ${(100 * (1 - LOW - RANGE * level)).toFixed(3)}%, 0)`;
    for (const wave of [back, middle, front]) {
      const along = (seconds / wave.drift_s) % 1;
      wave.element.style.transform = `translate3d(${(-50 * along).toFixed(3)}%, 0, 0)`;
    }
    boat.style.transform = `rotate(${(level > AFLOAT ? 2.2 * Math.sin(seconds * 0.9) : -3).toFixed(2)}deg)`;
  }

  return { element, draw };
}

/** Two periods of one wave's top, side by side, so that a drift by one period has no seam; the sea's body hangs below. */
function crest({ swell, cycles, phase }) {
  const points = [];
  for (let x = 0; x <= 2000; x += 10) {
    const turn = (2 * Math.PI * x) / 1000;
    const y = 34 + swell * (Math.sin(turn * cycles + phase) * 0.7 + Math.sin(turn * (cycles - 2) + 2 * phase) * 0.5);
    points.push(`${x} ${y.toFixed(1)}`);
  }
  return drawing(2000, 160, { preserveAspectRatio: "none" }, svg("path", { d: `M0 160L${points.join("L")}L2000 160Z` }));
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
