/** What is held side by side across sessions, and what each value rests on. */

const NOT_SEALED = "session not finished";

/** {key, title, name, unit, short, digits, basis, log, least}: `least` is the narrowest span (factor, if log) that a plot's axis covers. */
export const MEASURES = [
  { key: "mean_hr_bpm", title: "Resting heart rate", name: "Heart rate", unit: "beats per minute", short: "bpm", digits: 0, basis: "beats", log: false, least: 24 },
  { key: "rmssd_ms", title: "Resting RMSSD", name: "RMSSD", unit: "ms, log scale", short: "ms", digits: 0, basis: "pairs", log: true, least: 3 },
  { key: "scl_us", title: "Skin level at rest", name: "Skin level", unit: "µS", short: "µS", digits: 1, basis: "s", log: false, least: 4 },
];

/** {value, n, why} of a measure in the session's resting baseline. */
export function resting(session, key) {
  const why = whyNone(session);
  if (why) return { value: null, n: null, why };
  const { value, n, why: reason } = session.baseline[key];
  if (value !== null) return { value, n, why: null };
  return { value, n, why: n ? (reason ?? "not computed") : "not recorded" };
}

/** {before, after, n, why} of the distress ratings; a single rating has no after. */
export function distress(session) {
  const rated = session.distress;
  if (!rated) return { before: null, after: null, n: 0, why: session.state === "sealed" ? "not rated" : NOT_SEALED };
  return { before: rated.first, after: rated.n > 1 ? rated.last : null, n: rated.n, why: null };
}

/** Why a session has no baseline; null if it has. What stands in for one in an import need not be at rest. */
function whyNone(session) {
  if (session.state !== "sealed") return NOT_SEALED;
  if (!session.phases.some(({ kind }) => kind === "baseline")) return "no resting baseline";
  return session.baseline ? null : "no report yet: open it once";
}
