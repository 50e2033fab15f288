/** The sessions as a table, and the minutes of each week with a session. */
import { el, number } from "/pages/say.js";
import { text } from "/pages/words.js";
import { MEASURES, distress, resting } from "./measures.js";
import { day, minutes, sessionDay, sessionFacts } from "./wording.js";

const FEW = 12;

/** One row a session, in the order given. */
export function showSessions(table, sessions) {
  const heads = [text("web.tables.session"), ...MEASURES.map(({ name, short }) => [`${name} `, short]),
    [`${text("web.tables.distress")} `, text("web.tables.before_after")], text("web.report")];
  table.replaceChildren(
    el("thead", {}, el("tr", {}, heads.map(head))),
    el("tbody", {}, sessions.map(row)));
}

/** Minutes of the sessions recorded here, by week; weeks run from Monday. */
export function showWeeks(table, sessions) {
  const weeks = new Map();
  for (const session of sessions.filter((each) => each.date && each.source === "session" && each.minutes !== null)) {
    const monday = mondayOf(new Date(session.date));
    const sums = weeks.get(monday) ?? { sessions: 0, minutes: 0, paced: 0 };
    sums.sessions += 1;
    sums.minutes += session.minutes;
    for (const phase of session.phases) sums.paced += phase.kind === "paced" ? phase.minutes : 0;
    weeks.set(monday, sums);
  }
  const latest = [...weeks].sort(([a], [b]) => b - a).slice(0, FEW);
  table.replaceChildren(
    el("thead", {}, el("tr", {}, ["week", "sessions", "minutes", "paced"].map((name) => head(text(`web.tables.${name}`))))),
    el("tbody", {}, latest.map(week)));
  return latest.length;
}

function week([monday, sums]) {
  return el("tr", {},
    el("th", { scope: "row" }, day(monday)),
    el("td", {}, number(sums.sessions)),
    el("td", {}, number(sums.minutes)),
    el("td", {}, number(sums.paced)));
}

function head(name) {
  const [title, unit] = Array.isArray(name) ? name : [name, null];
  return el("th", { scope: "col" }, title, unit ? el("small", {}, unit) : null);
}

function row(session) {
  const when = sessionDay(session);
  const report = session.report ? el("a", { href: session.report, "aria-label": text("web.report_of", { what: when }) }, text("web.report")) : "-";
  return el("tr", {},
    el("th", { scope: "row" }, when, el("small", {}, facts(session))),
    MEASURES.map((measure) => restingCell(session, measure)),
    distressCell(session),
    el("td", {}, report));
}

/** The length of the baseline belongs to what may be compared. */
function facts(session) {
  const rested = session.phases.some(({ kind }) => kind === "baseline") ? session.baseline : null;
  return rested ? `${sessionFacts(session)} · ${text("web.tables.baseline", { minutes: minutes(rested.minutes) })}` : sessionFacts(session);
}

function restingCell(session, { key, name, short, digits, basis }) {
  const { value, n, why } = resting(session, key);
  return cell(`${name}, ${short}`, number(value, digits), value === null ? why : text("web.measures.n_of", { n: n ?? "-", basis }));
}

function distressCell(session) {
  const { before, after, n, why } = distress(session);
  const label = `${text("web.tables.distress")}, ${text("web.tables.before_after")}`;
  if (before === null) return cell(label, "-", why);
  return after === null ? cell(label, String(before), text("web.tables.one_rating")) : cell(label, `${before}, ${after}`, text("web.measures.n", { n }));
}

function cell(label, value, below) {
  return el("td", { "data-label": label }, value, " ", el("small", {}, below));
}

function mondayOf(date) {
  const midnight = new Date(date.getFullYear(), date.getMonth(), date.getDate());
  midnight.setDate(midnight.getDate() - ((midnight.getDay() + 6) % 7));
  return midnight.getTime();
}
