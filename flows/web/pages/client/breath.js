/** Where in the breath a moment lies: pure, from the session clock alone, so that every screen breathes together. */

export const SLOWEST_PER_MIN = 4.5;
const FASTEST_PER_MIN = 20;
const USUAL_PER_MIN = 6;
const SHARES = [0.2, 0.6];
const USUAL_SHARE = 0.4;

/** A rate that may be breathed, whatever the data say: never below 4.5 a minute. */
export function safeRate(breaths_per_min) {
  if (typeof breaths_per_min !== "number" || Number.isNaN(breaths_per_min)) return USUAL_PER_MIN;
  return Math.min(FASTEST_PER_MIN, Math.max(SLOWEST_PER_MIN, breaths_per_min));
}

/** The part of a breath spent breathing in, between 0.2 and 0.6. */
export function safeShare(inhale_share) {
  if (typeof inhale_share !== "number" || Number.isNaN(inhale_share)) return USUAL_SHARE;
  return Math.min(SHARES[1], Math.max(SHARES[0], inhale_share));
}

/** The lengths of one breath: {period_s, in_s, out_s}. */
export function lengths(pacer) {
  const period_s = 60 / safeRate(pacer.breaths_per_min);
  const in_s = period_s * safeShare(pacer.inhale_share);
  return { period_s, in_s, out_s: period_s - in_s };
}

/** How many counts a half breath has, about one a second and all of equal length. */
export function counts(seconds) {
  return Math.max(1, Math.round(seconds));
}

/**
 * The breath at `now_s` of a pacer {breaths_per_min, inhale_share, began_s}:
 * {part: "in" | "out", along: 0..1 through this half, fullness: 0..1 eased, count: 1.., of}.
 * A breath begins with breathing in at `began_s`; before that it waits there, empty.
 */
export function breathAt(now_s, pacer) {
  const { period_s, in_s, out_s } = lengths(pacer);
  const since_s = Math.max(0, now_s - pacer.began_s);
  const within_s = since_s - period_s * Math.floor(since_s / period_s);
  const part = within_s < in_s ? "in" : "out";
  const half_s = part === "in" ? in_s : out_s;
  const along = Math.min(1, part === "in" ? within_s / in_s : (within_s - in_s) / out_s);
  const eased = (1 - Math.cos(Math.PI * along)) / 2;
  const of = counts(half_s);
  const count = Math.min(of, 1 + Math.floor(along * of));
  return { part, along, fullness: part === "in" ? eased : 1 - eased, count, of };
}
