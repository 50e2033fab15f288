/** What was usual in the baseline phase, per trace: the mean over it of what the chart draws, else from the table. */

import { baselinePhase, store } from "./store.js";

const SERIES = {
  nn: () => [store.beats, "nn", 5],
  scl_us: () => [store.skin, "tonic", 5],
  arousal: () => [store.course, "arousal", 10],
  rhythm_concentration: () => [store.course, "rhythm_concentration", 10],
  resp_rate_bpm: () => [store.course, "resp_rate_bpm", 10],
};
const ROWS = {
  nn: [/heart rate/i, (bpm) => 60000 / bpm],
  scl_us: [/skin.*(level|conductance)|scl/i, (value) => value],
  arousal: [/arousal/i, (value) => value],
  rhythm_concentration: [/rhythm/i, (value) => value],
  resp_rate_bpm: [/breath/i, (value) => value],
};
const LEAST_S = 30;

let known = { key: null, values: {} };

/** Baseline means by measure; null where there is none yet. */
export function baselines(now_s) {
  const phase = baselinePhase();
  const key = phase ? `${phase.start_s} ${phase.end_s} ${store.course.last_s} ${phase.end_s === null ? Math.floor(now_s / 5) : ""}` : "none";
  if (key !== known.key) {
    known = { key, values: Object.fromEntries(Object.keys(SERIES).map((name) => [name, mean(name, phase, now_s)])) };
  }
  return known.values;
}

function mean(name, phase, now_s) {
  if (!phase) return null;
  const [series, column, slack_s] = SERIES[name]();
  const end_s = phase.end_s ?? now_s;
  const whole = series.first_s !== null && series.first_s <= phase.start_s + slack_s + 5;
  if (whole && end_s - phase.start_s >= LEAST_S) return series.mean(column, phase.start_s, end_s);
  const [pattern, convert] = ROWS[name];
  const row = store.table?.rows?.find((candidate) => pattern.test(candidate.name) && candidate.baseline !== null);
  return row ? convert(row.baseline) : null;
}
