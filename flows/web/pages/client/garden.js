/** The garden: leaves unfold one after another, and a few flowers last. */

import { chance, drawing, smoothstep, svg } from "./draw.js";
import { el } from "../say.js";

const WIDTH = 1600;
const HEIGHT = 360;
const SPACING = 74;
const FOLDED = 0.12;
const YOUNG = 0.52;
const NOTICEABLE = 0.004;
const AT_ONCE = 3;

/** {element, draw(level 0..1, seconds, whole)}: a few plants a call, unless `whole`, so that no frame is late. */
export function makeGarden() {
  const plants = plantsAcross();
  const ground = svg("path", { class: "garden-ground", d: `M0 ${HEIGHT - 26}C260 ${HEIGHT - 44} 520 ${HEIGHT - 12} 800 ${HEIGHT - 28}S1340 ${HEIGHT - 40} ${WIDTH} ${HEIGHT - 22}V${HEIGHT}H0Z` });
  const element = el("div", { class: "scene scene-garden" }, drawing(WIDTH, HEIGHT, { class: "garden-bed", preserveAspectRatio: "xMidYMax slice" }, plants.map((each) => each.element), ground));
  let turn = 0;

  function draw(level, seconds, whole = false) {
    for (let count = whole ? plants.length : AT_ONCE; count > 0; count -= 1) {
      tend(plants[turn], level);
      turn = (turn + 1) % plants.length;
    }
  }

  return { element, draw };
}

function tend(plant, level) {
  if (plant.level !== null && Math.abs(level - plant.level) < NOTICEABLE) return;
  plant.level = level;
  for (const open of plant.parts) open(level);
}

function plantsAcross() {
  const next = chance(20);
  const plants = [];
  for (let x = 26; x < WIDTH; x += SPACING) plants.push(plant(x + (next() - 0.5) * 34, next));
  return plants;
}

function plant(x, next) {
  const parts = [];
  const tall = 120 + next() * 190;
  const lean = (next() - 0.5) * 110;
  const foot = HEIGHT - 26;
  const at = (along) => [x + lean * along * along, foot - tall * along];
  const [topX, topY] = at(1);
  const group = svg("g", { class: `plant plant-${Math.floor(next() * 3)}` }, svg("path", { class: "stem", d: `M${x} ${foot}Q${x} ${foot - tall / 2} ${topX} ${topY}` }));
  parts.push((level) => {
    const grown = YOUNG + (1 - YOUNG) * level;
    group.setAttribute("transform", `translate(${(x * (1 - grown)).toFixed(2)} ${(foot * (1 - grown)).toFixed(2)}) scale(${grown.toFixed(4)})`);
  });
  const leaves = Math.round(tall / 21);
  for (let index = 0; index < leaves; index += 1) {
    const along = 0.12 + (0.86 * index) / leaves;
    const size = (1.25 - 0.6 * along) * (0.85 + next() * 0.3);
    group.append(leaf(at(along), index % 2 ? 1 : -1, size, 0.66 * along + next() * 0.14, parts));
  }
  if (next() > 0.45) group.append(flower([topX, topY], 0.72 + next() * 0.12, parts));
  return { element: group, parts, level: null };
}

function leaf([x, y], side, size, from, parts) {
  const shape = svg("path", { class: "leaf", d: "M0 0C10 -15 32 -17 50 -4C34 5 13 7 0 0Z" });
  parts.push((level) => {
    const open = FOLDED + (1 - FOLDED) * smoothstep(from, from + 0.2, level);
    const turn = -70 + 48 * open;
    shape.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${(side * size * open).toFixed(3)} ${(size * open).toFixed(3)}) rotate(${turn.toFixed(1)})`);
  });
  return shape;
}

function flower([x, y], from, parts) {
  const petals = [0, 72, 144, 216, 288].map((turn) => svg("ellipse", { class: "petal", cx: 0, cy: -9, rx: 5.5, ry: 9, transform: `rotate(${turn})` }));
  const group = svg("g", {}, petals, svg("circle", { class: "heart", r: 4 }));
  parts.push((level) => {
    const open = FOLDED + (1 - FOLDED) * smoothstep(from, from + 0.16, level);
    group.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${open.toFixed(3)})`);
  });
  return group;
}
