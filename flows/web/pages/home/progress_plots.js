/** One small plot for each thing that can be held side by side across sessions. */
import { el, number } from "/pages/say.js";
import { dotPlot } from "./dot_plot.js";
import { MEASURES, distress, resting } from "./measures.js";
import { counted, day } from "./wording.js";

const REASONS = 3;

/** Figures of the sessions (any order; those without a date are left to the table). */
export function showPlots(part, sessions) {
  const dated = sessions.filter(({ date }) => date).map((session) => ({ ...session, at: Date.parse(session.date) })).sort((a, b) => a.at - b.at);
  if (!dated.length) return;
  part.replaceChildren(...MEASURES.map((measure) => restingFigure(measure, dated)), distressFigure(dated));
}

function restingFigure(measure, sessions) {
  const found = sessions.map((session) => ({ session, at: session.at, ...resting(session, measure.key) }));
  const shown = found.filter(({ value }) => value !== null);
  const values = shown.map(({ value }) => value);
  const plot = {
    ...measure,
    label: spoken(measure.title, measure.unit, values, measure.digits, sessions.length),
    dates: sessions.map(({ at }) => at),
    dots: shown.map((each) => ({
      at: each.at,
      value: each.value,
      look: each.session.simulated ? "simulated" : "dot",
      title: `${day(each.at)}: ${number(each.value, measure.digits)} ${measure.short}, n ${each.n ?? "-"} ${measure.basis}`,
      note: each.n === null ? "" : `n ${each.n}`,
    })),
    none: gaps(found.filter(({ value }) => value === null)),
  };
  const key = shown.some(({ session }) => session.simulated) ? ["dot", "recorded", "simulated", "simulated"] : [];
  return figure(measure.title, measure.unit, plot, [restsOn(shown, measure.basis), missing(found)], key);
}

function distressFigure(sessions) {
  const found = sessions.map((session) => ({ session, at: session.at, ...distress(session) }));
  const rated = found.filter(({ before }) => before !== null);
  const both = rated.filter(({ after }) => after !== null);
  const plot = {
    label: spokenPairs(both, sessions.length),
    digits: 0,
    log: false,
    range: [0, 10],
    dates: sessions.map(({ at }) => at),
    pairs: both.map(({ at, before, after }) => ({ at, from: before, to: after })),
    dots: rated.flatMap(({ at, before, after, n }) => [
      { at, value: before, look: "before", title: `${day(at)}: before ${before}, n ${counted(n, "rating")}` },
      ...(after === null ? [] : [{ at, value: after, look: "after", title: `${day(at)}: after ${after}, n ${counted(n, "rating")}` }]),
    ]),
    none: gaps(found.filter(({ before }) => before === null)),
  };
  const notes = [`${both.length} of ${counted(sessions.length, "session")} rated twice or more`, missing(found.filter(({ before }) => before === null))];
  return figure("Distress, before and after", "rating, 0 to 10", plot, notes, ["before", "before", "after", "after"]);
}

function figure(title, unit, plot, notes, key) {
  const box = el("div", { class: "box" });
  if (plot.dots.length) dotPlot(box, plot);
  else box.append(el("p", { class: "soft empty" }, "Not enough data: not something the person did."));
  const legend = [];
  for (let i = 0; i < key.length; i += 2) legend.push(el("li", {}, el("i", { class: `key ${key[i]}` }), key[i + 1]));
  return el("figure", { class: "card" },
    el("figcaption", { class: "spread" }, el("h2", {}, title, el("small", {}, unit)), el("ul", { class: "legend small soft" }, legend)),
    box,
    el("p", { class: "small soft" }, notes.filter(Boolean).join(". "), "."));
}

function gaps(found) {
  return found.map(({ at, why }) => ({ at, title: `${day(at)}: -, ${why}` }));
}

function restsOn(shown, basis) {
  const ns = shown.map(({ n }) => n).filter((n) => n !== null);
  if (!ns.length) return "";
  const [low, high] = [Math.min(...ns), Math.max(...ns)];
  return `n ${low === high ? low : `${low} to ${high}`} ${basis}`;
}

/** No value in 3 sessions: no skin sensor (2), too few beats (1). */
function missing(found) {
  const whys = found.filter(({ why }) => why !== null).map(({ why }) => why);
  if (!whys.length) return "";
  const reasons = [...new Set(whys)];
  const counts = reasons.slice(0, REASONS).map((why) => (reasons.length === 1 ? why : `${why}\u00a0(${whys.filter((each) => each === why).length})`));
  return `No value in ${counted(whys.length, "session")}: ${counts.join(", ")}${reasons.length > REASONS ? " and others, see the table" : ""}`;
}

function spoken(title, unit, values, digits, of) {
  if (!values.length) return `${title}: no values.`;
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => number(value, digits));
  return `${title}, ${unit}. ${values.length} of ${counted(of, "session")} with a value, from ${low} to ${high}; the latest ${number(values.at(-1), digits)}. The table has each.`;
}

function spokenPairs(both, of) {
  const last = both.at(-1);
  if (!last) return "Distress before and after: no session with two ratings.";
  return `Distress, own rating from 0 to 10. ${both.length} of ${counted(of, "session")} with two ratings; the latest ${last.before} before and ${last.after} after. The table has each.`;
}
