/** Axes a person can read: round steps, and a range that stays put until the data leave it. */

/** A step of 1, 2 or 5 times a power of ten that gives about `count` ticks. */
export function niceStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
}

/** Round values from `low` to `high`, at least two. */
export function ticks(low, high, count) {
  const step = niceStep(high - low, count);
  const made = [];
  for (let index = Math.ceil(low / step - 1e-6); index * step <= high + step * 1e-6; index++) made.push(index * step + 0);
  if (made.length < 2 && count < 8) return ticks(low, high, count + 1);
  return made;
}

const TIME_STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

/** Moments on the session clock, no nearer than `least_s` to each other. */
export function timeTicks(from_s, to_s, least_s) {
  const step = TIME_STEPS_S.find((candidate) => candidate >= least_s) ?? 600;
  const made = [];
  for (let time_s = Math.ceil(from_s / step) * step; time_s <= to_s; time_s += step) made.push(time_s);
  return made;
}

/** A vertical range that changes rarely: it widens when data leave it and narrows when they fill less than half of it. */
export class Range {
  constructor({ least, floor = -Infinity, ceiling = Infinity, fixed = null }) {
    Object.assign(this, { least, floor, ceiling });
    [this.low, this.high] = fixed ?? [null, null];
    this.fixed = fixed !== null;
  }

  fit(low, high) {
    if (this.fixed || low > high) return;
    const outside = this.low === null || low < this.low || high > this.high;
    const loose = !outside && (high - low) * 2.6 < this.high - this.low && this.high - this.low > this.least * 1.7;
    if (!outside && !loose) return;
    const span = Math.max(this.least, (high - low) * 1.3);
    const middle = (low + high) / 2;
    const step = niceStep(span, 6);
    this.low = Math.max(this.floor, Math.floor((middle - span / 2) / step) * step);
    this.high = Math.min(this.ceiling, Math.ceil((middle + span / 2) / step) * step);
  }
}
