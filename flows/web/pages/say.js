/** Words, numbers and elements: everything shown goes through text nodes, never through markup. */

/** An element: `el("p", { class: "soft", hidden: true, onclick }, "text", child)`. Null children are left out. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** A button with its key shown: `button("Pause", "P", onclick, { class: "primary" })`. */
export function button(label, key, onclick, props = {}) {
  return el("button", { type: "button", onclick, ...props }, label, key ? el("kbd", {}, key) : null);
}

/** Set text only where it changed: a page that redraws each second must not disturb selection or a screen reader. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** 1,234.5 or "-" where there is no number. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** +3.2, −3.2, 0.0 or "-". */
export function signed(value, digits = 0) {
  const text = number(value === null || value === undefined ? null : Math.abs(value), digits);
  if (text === "-" || Number(text.replaceAll(",", "")) === 0) return text;
  return (value < 0 ? "−" : "+") + text;
}

/** 4:05, 1:02:09; "-" for null. */
export function clockTime(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const two = (part) => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** "5 min", "90 s", "1 min 30 s" for a length. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
}

/** First letter large. */
export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

/** "6 breaths per minute, 4 s in, 6 s out". */
export function pace(pacer) {
  const cycle_s = 60 / pacer.breaths_per_min;
  const tidy = (value) => number(value, Math.abs(value - Math.round(value)) < 0.05 ? 0 : 1);
  return `${tidy(pacer.breaths_per_min)} breaths per minute, ${tidy(cycle_s * pacer.inhale_share)} s in, ${tidy(cycle_s * (1 - pacer.inhale_share))} s out`;
}
