/** How this part of the app says things: dates, counts, what a sensor delivers, what a session was. */

const DELIVERED = {
  rr: "heartbeats",
  ecg: "ECG",
  pp: "pulse beats",
  ppg: "pulse wave",
  heart_rate: "heart rate",
  eda: "skin conductance",
  scl: "skin-conductance level",
  acc: "movement",
  skin_temperature: "skin temperature",
  respiration: "breathing",
};

const STATE = { unfinished: "not finished", damaged: "damaged" };

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** What a sensor delivers: "heartbeats, ECG". Streams of one's own sensors keep their name. */
export function delivers(streams) {
  return streams.map((stream) => DELIVERED[stream] ?? stream.replaceAll("_", " ")).join(", ");
}

/** "1 session", "3 sessions". */
export function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** Whose progress: “me” is the person who reads it. */
export function progressOf(client) {
  return client === "me" ? "Your progress" : `Progress of ${client}`;
}

/** Minutes as "12 min"; a little is not rounded to nothing. */
export function minutes(value) {
  return value < 1 ? "under 1 min" : `${Math.round(value)} min`;
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
    session.simulated ? "simulated" : null,
    session.recovered ? "recovered" : null,
    STATE[session.state] ? [STATE[session.state], session.why].filter(Boolean).join(": ") : null,
  ];
  return facts.filter(Boolean).join(" · ");
}
