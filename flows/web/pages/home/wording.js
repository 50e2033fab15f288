/** How this part of the app says things: dates, counts, what a sensor delivers, what a session was. */
import { text } from "/pages/words.js";

const DELIVERED = ["rr", "ecg", "pp", "ppg", "heart_rate", "eda", "scl", "acc", "skin_temperature", "respiration"];
const STATES = ["unfinished", "damaged"];
const LANGUAGE = document.documentElement.lang;

const DAY = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short" });
const MONTH = new Intl.DateTimeFormat(LANGUAGE, { month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit" });

/** What a sensor delivers: "heartbeats, ECG". Streams of one's own sensors keep their name. */
export function delivers(streams) {
  return streams.map((stream) => (DELIVERED.includes(stream) ? text(`web.delivers.${stream}`) : stream.replaceAll("_", " "))).join(", ");
}

/** Whose progress: “me” is the person who reads it. */
export function progressOf(client) {
  return client === "me" ? text("web.progress.yours") : text("web.progress.of", { client });
}

/** Minutes as "12 min"; a little is not rounded to nothing. */
export function minutes(value) {
  return value < 1 ? text("web.under_a_minute") : text("web.minutes", { minutes: Math.round(value) });
}

/** "20 Nov 2026". */
export function day(date) {
  return DAY.format(date);
}

/** "20 Nov", or "Nov 2026" where the times shown span so many days that the year matters. */
export function shortDay(date, days) {
  return (days > 300 ? MONTH : SHORT_DAY).format(date);
}

/** When a session began: "20 Nov 2026, 09:30"; its title where that is not known. */
export function sessionDay(session) {
  if (!session.date) return session.title;
  const date = new Date(session.date);
  return `${DAY.format(date)}, ${TIME.format(date)}`;
}

/** What a session was: "Daily practice · 12 min · simulated". */
export function sessionFacts(session) {
  const facts = [
    session.date ? session.title : null,
    session.minutes === null ? null : minutes(session.minutes),
    session.simulated ? text("web.session.simulated") : null,
    session.recovered ? text("web.session.recovered") : null,
    STATES.includes(session.state) ? [text(`web.session.${session.state}`), session.why].filter(Boolean).join(": ") : null,
  ];
  return facts.filter(Boolean).join(" · ");
}
