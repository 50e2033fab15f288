/** One strip of time on a canvas: traces, band, gaps, baseline, threshold, phases, markers, spans, axes with units. */

import { clockTime } from "../say.js";
import { Range, ticks, timeTicks } from "./scale.js";

const LEFT = 46, RIGHT = 12, TOP = 8, BOTTOM = 20;
const FONT = "11.5px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif";

const inks = {};
function readInks() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["card", "ink", "soft", "line", "edge", "grid", "accent", "partner", "good", "pale", "pale-partner", "shade"]) {
    inks[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

/** Call `redraw` when the colours change. */
export function onInks(redraw) {
  readInks();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readInks(); redraw(); });
}

/**
 * A chart on `canvas`. `traces`: [{series, column, ink, dash, width, dots, gap_s, step}], `band`: {series, low, high, ink},
 * `range`: see Range, `digits` of the axis labels, `lower`: {share, range, digits} of a part below with an own scale for traces that
 * are `lower`, `strip`: {height, draw} below the plot, `names`: phases are named.
 */
export class StripChart {
  constructor(canvas, { traces = [], band = null, range, digits = 0, lower = null, strip = null, names = false, scale = 1 }) {
    Object.assign(this, { canvas, traces, band, digits, strip, names, scale });
    this.pen = canvas.getContext("2d");
    this.range = new Range(range);
    this.lower = lower && { ...lower, range: new Range(lower.range) };
    this.width = this.height = 0;
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect)).observe(canvas);
  }

  get visible() {
    return this.width > 0 && this.height > 0;
  }

  /** Session seconds that one device pixel stands for in this view. */
  pixel_s(view) {
    return (view.to_s - view.from_s) / Math.max(1, (this.width - LEFT - RIGHT) * this.ratio);
  }

  /** Draw {from_s, to_s, phases, markers, spans, baseline, threshold, stale, live}. */
  draw(view) {
    const { pen } = this;
    const below = this.strip?.height ?? 0;
    this.box = { left: LEFT, right: this.width - RIGHT, top: this.names ? 18 : TOP, bottom: this.height - BOTTOM - below };
    this.parts = [{ range: this.range, digits: this.digits, ...this.box }];
    if (this.lower) {
      const middle = Math.round(this.box.bottom - this.lower.share * (this.box.bottom - this.box.top));
      this.parts[0].bottom = middle - 5;
      this.parts.push({ range: this.lower.range, digits: this.lower.digits, top: middle + 5, bottom: this.box.bottom });
    }
    const perSecond = (this.box.right - LEFT) / (view.to_s - view.from_s);
    const x = (time_s) => LEFT + (time_s - view.from_s) * perSecond;
    this.#fit(view);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = FONT;
    this.#phases(view, x);
    this.#grid(view, x, perSecond);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, this.box.right - LEFT + 4, this.height);
    pen.clip();
    this.#spans(view, x);
    this.#level(view.threshold, "partner", [2, 3]);
    this.#level(view.baseline, "soft", [7, 4]);
    pen.globalAlpha = view.stale ? 0.45 : 1;
    if (this.band) this.#band(view, x);
    for (const trace of this.traces) this.#trace(trace, view, x);
    this.strip?.draw(pen, x, view, this.box, inks, (value) => this.#y(value));
    pen.globalAlpha = 1;
    this.#markers(view, x);
    pen.restore();
  }

  #resize({ width, height }) {
    this.ratio = window.devicePixelRatio || 1;
    [this.width, this.height] = [width, height];
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.dirty = true;
  }

  #y(value, part = this.parts[0]) {
    const { low, high } = part.range;
    return part.bottom - ((value * this.scale - low) / (high - low)) * (part.bottom - part.top);
  }

  #partOf(trace) {
    return this.parts[trace.lower ? 1 : 0];
  }

  #fit(view) {
    this.#fitPart(this.range, this.traces.filter((trace) => !trace.lower), view);
    if (this.lower) this.#fitPart(this.lower.range, this.traces.filter((trace) => trace.lower), view);
    this.ready = this.range.low !== null;
  }

  #fitPart(range, traces, view) {
    let [low, high] = [Infinity, -Infinity];
    const shown = this.band ? [...traces, { ...this.band, column: this.band.low }, { ...this.band, column: this.band.high }] : traces;
    for (const { series, column } of shown) {
      const values = series.columns[column];
      for (let index = series.indexOf(view.from_s); index < values.length && series.time[index] <= view.to_s; index++) {
        const value = values[index];
        if (value === null) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    range.fit(low * this.scale, high * this.scale);
  }

  #phases(view, x) {
    const { pen, box } = this;
    view.phases.forEach((phase, index) => {
      const from = Math.max(box.left, x(phase.start_s));
      const to = Math.min(box.right, x(phase.end_s ?? view.now_s));
      if (to <= from) return;
      if (index % 2) {
        pen.fillStyle = inks.shade;
        pen.fillRect(from, box.top, to - from, this.height - BOTTOM - box.top);
      }
      if (!this.names || to - from < 44) return;
      pen.fillStyle = inks.soft;
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(shortened(pen, phase.name, to - from - 6), from + 3, 8);
    });
  }

  #grid(view, x, perSecond) {
    const { pen, box } = this;
    const across = timeTicks(view.from_s, view.to_s, 74 / perSecond);
    const up = this.parts.filter(({ range }) => range.low !== null).flatMap((part) =>
      ticks(part.range.low, part.range.high, Math.max(part.bottom - part.top < 40 ? 1 : 2, Math.min(5, (part.bottom - part.top) / 26)))
        .map((value) => ({ y: this.#y(value / this.scale, part), text: label(value, part.digits) })));
    pen.strokeStyle = inks.grid;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const time_s of across) { pen.moveTo(crisp(x(time_s)), box.top); pen.lineTo(crisp(x(time_s)), this.height - BOTTOM); }
    for (const { y } of up) { pen.moveTo(box.left, crisp(y)); pen.lineTo(box.right, crisp(y)); }
    pen.moveTo(box.left, crisp(this.height - BOTTOM));
    pen.lineTo(box.right, crisp(this.height - BOTTOM));
    pen.stroke();
    pen.fillStyle = inks.soft;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    let above = Infinity;
    for (const { y, text } of up.toSorted((one, other) => other.y - one.y)) {
      if (above - y < 12) continue;
      pen.fillText(text, box.left - 7, y);
      above = y;
    }
    pen.textAlign = "center";
    const end = view.live ? "now" : clockTime(view.to_s);
    for (const time_s of across) {
      if (x(time_s) < box.right - 34) pen.fillText(clockTime(time_s), Math.max(x(time_s), box.left + 8), this.height - 9);
    }
    pen.textAlign = "right";
    pen.fillText(end, this.width - 4, this.height - 9);
  }

  #spans(view, x) {
    const { pen, box } = this;
    for (const span of view.spans) {
      const [from, to] = [x(span.time_s), x(span.end_s ?? view.now_s)];
      if (to < box.left || from > box.right) continue;
      pen.fillStyle = inks["pale-partner"];
      pen.fillRect(from, box.top, Math.max(2, to - from), box.bottom - box.top);
      pen.fillStyle = inks.partner;
      pen.fillRect(from, box.top, Math.max(2, to - from), 2);
    }
  }

  #level(value, ink, dash) {
    if (value === null || value === undefined || !this.ready) return;
    const { pen, box } = this;
    const y = this.#y(value);
    if (y < box.top || y > this.parts[0].bottom) return;
    pen.strokeStyle = inks[ink];
    pen.lineWidth = 1.25;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(box.left, y);
    pen.lineTo(box.right, y);
    pen.stroke();
    pen.setLineDash([]);
  }

  #band({ from_s, to_s }, x) {
    if (!this.ready) return;
    const { series, low, high, ink } = this.band;
    const { pen } = this;
    pen.fillStyle = inks[ink];
    const alpha = pen.globalAlpha;
    pen.globalAlpha = alpha * 0.2;
    for (const [first, last] of runs(series, low, from_s, to_s, this.band.gap_s)) {
      pen.beginPath();
      for (let index = first; index <= last; index++) pen.lineTo(x(series.time[index]), this.#y(series.columns[high][index]));
      for (let index = last; index >= first; index--) pen.lineTo(x(series.time[index]), this.#y(series.columns[low][index]));
      pen.fill();
    }
    pen.globalAlpha = alpha;
  }

  #trace(trace, { from_s, to_s }, x) {
    if (!this.ready) return;
    const { series, column, ink, dash = [], width = 1.75, dots = 0, gap_s } = trace;
    const { pen } = this;
    const part = this.#partOf(trace);
    if (part.range.low === null) return;
    const y = (value) => this.#y(value, part);
    const values = series.columns[column];
    pen.strokeStyle = pen.fillStyle = inks[ink];
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.setLineDash(dash);
    pen.beginPath();
    const lone = [];
    for (const [first, last] of runs(series, column, from_s, to_s, gap_s)) {
      if (first === last) lone.push(first);
      else this.#line(series.time, values, first, last, x, y);
    }
    pen.stroke();
    pen.setLineDash([]);
    const spacing = x(1) - x(0);
    if (dots && spacing > 6) {
      pen.beginPath();
      for (let index = series.indexOf(from_s); index < values.length && series.time[index] <= to_s; index++) {
        if (values[index] !== null) dot(pen, x(series.time[index]), y(values[index]), dots);
      }
      pen.fill();
    } else if (lone.length) {
      pen.beginPath();
      for (const index of lone) dot(pen, x(series.time[index]), y(values[index]), 1.5);
      pen.fill();
    }
  }

  /** A run of points; where several share a pixel column, its first, lowest, highest and last are enough. */
  #line(time, values, first, last, x, y) {
    const { pen } = this;
    const dense = last - first > 2 * (x(time[last]) - x(time[first]));
    pen.moveTo(x(time[first]), y(values[first]));
    if (!dense) {
      for (let index = first + 1; index <= last; index++) pen.lineTo(x(time[index]), y(values[index]));
      return;
    }
    for (let index = first; index <= last;) {
      const column = Math.floor(x(time[index]));
      let [low, high, end] = [values[index], values[index], index];
      while (end < last && Math.floor(x(time[end + 1])) === column) {
        end++;
        if (values[end] < low) low = values[end];
        if (values[end] > high) high = values[end];
      }
      pen.lineTo(column, y(values[index]));
      if (low !== high) { pen.lineTo(column, y(low)); pen.lineTo(column, y(high)); }
      pen.lineTo(column, y(values[end]));
      index = end + 1;
    }
  }

  #markers(view, x) {
    const { pen, box } = this;
    const taken = [];
    for (const marker of view.markers) {
      const at = crisp(x(marker.time_s));
      if (at < box.left || at > box.right) continue;
      pen.strokeStyle = inks.ink;
      pen.lineWidth = 1;
      pen.setLineDash([2, 2]);
      pen.beginPath();
      pen.moveTo(at, box.top);
      pen.lineTo(at, box.bottom);
      pen.stroke();
      pen.setLineDash([]);
      if (!this.names) continue;
      const text = shortened(pen, marker.kind, 70);
      const wide = pen.measureText(text).width;
      const left = at + wide + 8 > box.right ? at - wide - 6 : at + 3;
      if (taken.some(([from, to]) => left < to && left + wide > from)) continue;
      taken.push([left - 4, left + wide + 4]);
      pen.fillStyle = inks.card;
      pen.fillRect(left - 2, box.top + 1, wide + 4, 14);
      pen.fillStyle = inks.ink;
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(text, left, box.top + 8);
    }
  }
}

/** [first, last] index pairs of what is without a gap: no null, no step in time longer than `gap_s`; one more at either edge. */
function* runs(series, column, from_s, to_s, gap_s) {
  const { time } = series;
  const values = series.columns[column];
  let first = -1;
  const end = Math.min(time.length - 1, series.indexOf(to_s));
  for (let index = Math.max(0, series.indexOf(from_s) - 1); index <= end; index++) {
    const broken = values[index] === null || (first >= 0 && time[index] - time[index - 1] > gap_s);
    if (broken && first >= 0) { yield [first, index - 1]; first = -1; }
    if (values[index] !== null && first < 0) first = index;
  }
  if (first >= 0) yield [first, end];
}

const dot = (pen, x, y, radius) => { pen.moveTo(x + radius, y); pen.arc(x, y, radius, 0, 7); };
const crisp = (value) => Math.round(value - 0.5) + 0.5;
const widths = new Map();

/** A text that fits, with an ellipsis where it does not. */
function shortened(pen, text, room) {
  const key = `${text}|${Math.round(room / 4)}`;
  if (!widths.has(key)) {
    let cut = text;
    while (cut.length > 1 && pen.measureText(cut).width > room) cut = cut.slice(0, -2) + "…";
    widths.set(key, cut);
  }
  return widths.get(key);
}

const labels = new Map();
function label(value, digits) {
  const key = value * 10 + digits;
  if (!labels.has(key)) labels.set(key, value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return labels.get(key);
}
