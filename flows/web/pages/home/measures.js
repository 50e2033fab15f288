/** What is held side by side across sessions, and what each value rests on. */
import { text } from "/pages/words.js";

const NOT_SEALED = text("web.measures.not_finished");

const SAID = ["title", "name", "unit", "short", "basis"];

/** {key, title, name, unit, short, digits, basis, log, least}: `basis` is what n counts, `least` the narrowest span (factor, if log) that a plot's axis covers. */
export const MEASURES = [
  { key: "mean_hr_bpm", digits: 0, log: false, least: 24 },
  { key: "rmssd_ms", digits: 0, log: true, least: 3 },
  { key: "scl_us", digits: 1, log: false, least: 4 },
].map((measure) => ({ ...measure, ...Object.fromEntries(SAID.map((part) => [part, text(`web.measures.${measure.key}.${part}`)])) }));

/** {value, n, why} of a measure in the session's resting baseline. */
export function resting(session, key) {
  const why = whyNone(session);
  if (why) return { value: null, n: null, why };
  const { value, n, why: reason } = session.baseline[key];
  if (value !== null) return { value, n, why: null };
  return { value, n, why: n ? (reason ?? text("web.measures.not_computed")) : text("web.measures.not_recorded") };
}

/** {before, after, n, why} of the distress ratings; a single rating has no after. */
export function distress(session) {
  const rated = session.distress;
  if (!rated) return { before: null, after: null, n: 0, why: session.state === "sealed" ? text("web.measures.not_rated") : NOT_SEALED };
  return { before: rated.first, after: rated.n > 1 ? rated.last : null, n: rated.n, why: null };
}

/** Why a session has no baseline; null if it has. What stands in for one in an import need not be at rest. */
function whyNone(session) {
  if (session.state !== "sealed") return NOT_SEALED;
  if (!session.phases.some(({ kind }) => kind === "baseline")) return text("web.measures.no_baseline");
  return session.baseline ? null : text("web.measures.no_report");
}
