/** What this browser remembers of the page's set-up; nothing where it may not keep anything. */

/** The value kept under `name`, or `fallback`. */
export function recall(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`vagal.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Keep a value for the next visit. */
export function keep(name, value) {
  try {
    localStorage.setItem(`vagal.${name}`, JSON.stringify(value));
  } catch {
    return;
  }
}
