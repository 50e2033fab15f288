/** One small plot for each thing that can be held side by side across sessions. */
import { el, number } from "/pages/say.js";
import { plural, text } from "/pages/words.js";
import { dotPlot } from "./dot_plot.js";
import { MEASURES, distress, resting } from "./measures.js";
import { day } from "./wording.js";

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
      title: text("web.plots.value", { day: day(each.at), value: number(each.value, measure.digits), unit: measure.short, n: each.n ?? "-", basis: measure.basis }),
      note: each.n === null ? "" : text("web.measures.n", { n: each.n }),
    })),
    none: gaps(found.filter(({ value }) => value === null)),
  };
  const key = shown.some(({ session }) => session.simulated) ? ["dot", text("web.plots.recorded"), "simulated", text("web.session.simulated")] : [];
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
      { at, value: before, look: "before", title: plural("web.plots.before_value", n, { day: day(at), value: before }) },
      ...(after === null ? [] : [{ at, value: after, look: "after", title: plural("web.plots.after_value", n, { day: day(at), value: after }) }]),
    ]),
    none: gaps(found.filter(({ before }) => before === null)),
  };
  const notes = [plural("web.plots.rated_twice", sessions.length, { rated: both.length }), missing(found.filter(({ before }) => before === null))];
  return figure(text("web.plots.distress"), text("web.plots.distress_unit"), plot, notes, ["before", text("web.plots.before"), "after", text("web.plots.after")]);
}

function figure(title, unit, plot, notes, key) {
  const box = el("div", { class: "box" });
  if (plot.dots.length) dotPlot(box, plot);
  else box.append(el("p", { class: "soft empty" }, text("web.plots.none")));
  const legend = [];
  for (let i = 0; i < key.length; i += 2) legend.push(el("li", {}, el("i", { class: `key ${key[i]}` }), key[i + 1]));
  return el("figure", { class: "card" },
    el("figcaption", { class: "spread" }, el("h2", {}, title, el("small", {}, unit)), el("ul", { class: "legend small soft" }, legend)),
    box,
    el("p", { class: "small soft" }, notes.filter(Boolean).map((note) => text("web.plots.note", { note })).join(" ")));
}

function gaps(found) {
  return found.map(({ at, why }) => ({ at, title: text("web.plots.gap", { day: day(at), why }) }));
}

function restsOn(shown, basis) {
  const ns = shown.map(({ n }) => n).filter((n) => n !== null);
  if (!ns.length) return "";
  const [low, high] = [Math.min(...ns), Math.max(...ns)];
  return low === high ? text("web.measures.n_of", { n: low, basis }) : text("web.plots.n_from", { low, high, basis });
}

/** No value in 3 sessions: no skin sensor (2), too few beats (1). */
function missing(found) {
  const whys = found.filter(({ why }) => why !== null).map(({ why }) => why);
  if (!whys.length) return "";
  const reasons = [...new Set(whys)];
  const counts = reasons.slice(0, REASONS).map((why) => (reasons.length === 1 ? why : `${why}\u00a0(${whys.filter((each) => each === why).length})`));
  const line = plural("web.plots.missing", whys.length, { reasons: counts.join(", ") });
  return reasons.length > REASONS ? text("web.plots.and_others", { line }) : line;
}

function spoken(title, unit, values, digits, of) {
  if (!values.length) return text("web.plots.spoken_none", { title });
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => number(value, digits));
  const facts = { title, unit, held: values.length, low, high, latest: number(values.at(-1), digits) };
  return plural("web.plots.spoken", of, facts);
}

function spokenPairs(both, of) {
  const last = both.at(-1);
  if (!last) return text("web.plots.spoken_no_pairs");
  return plural("web.plots.spoken_pairs", of, { held: both.length, before: last.before, after: last.after });
}
