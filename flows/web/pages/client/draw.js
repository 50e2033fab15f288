/** Small things every picture needs: SVG elements, easing, a fixed source of chance. */

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An SVG element: `svg("path", { d, class: "leaf" }, child)`. */
export function svg(tag, props = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, String(value));
  made.append(...children.flat());
  return made;
}

/** A drawing of the given size, for the eye only: its words stand beside it. */
export function drawing(width, height, props, ...children) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false", ...props }, ...children);
}

export function clamp(value, low = 0, high = 1) {
  return Math.min(high, Math.max(low, value));
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function smoothstep(from, to, value) {
  const along = clamp((value - from) / (to - from));
  return along * along * (3 - 2 * along);
}

/** Numbers in 0..1 that follow from `seed` alone (a 32-bit mixing counter). */
export function chance(seed) {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 4294967296;
  };
}

const quiet = matchMedia("(prefers-reduced-motion: reduce)");

/** True while this person has asked their device for less motion. */
export function lessMotion() {
  return quiet.matches;
}

/** Call `reader()` when that wish changes. */
export function onLessMotion(reader) {
  quiet.addEventListener("change", reader);
}
