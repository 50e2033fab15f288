/** How what was entered is said: as it was entered, and nothing more. */
import { text } from "/pages/words.js";

export const WEEK = ["activity", "people", "novelty", "nature", "sleep"].map((part) => [part, text(`web.week.${part}`)]);

export const PRIMARY = ["ln_rmssd", "mean_hr_bpm", "ln_scl", "scr_per_min"].map((key) => [key, text(`web.primary.${key}`)]);

const DAY = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** "20 Nov 2026" of "2026-11-20". */
export function dayOf(iso) {
  const date = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? iso : DAY.format(date);
}

/** Today as a date field has it. */
export function today() {
  const now = new Date();
  const two = (part) => String(part).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** {title, words} of an entry; `words` are the person's own. */
export function told(entry) {
  if (entry.kind === "outcome") return { title: outcome(entry), words: entry.goal ?? null };
  if (entry.kind === "week") return { title: text("web.entries.week", { days: days(entry) }), words: null };
  return { title: text("web.entries.adverse"), words: entry.text };
}

/** A measure's name by its key. */
export function measure(key) {
  return PRIMARY.find(([known]) => known === key)?.[1] ?? key;
}

function outcome({ scale, value, item_9: item9 }) {
  const name = scale === "goal" ? text("web.entries.own_goal") : scale;
  const line = `${name} ${value}`;
  return item9 === undefined ? line : text("web.entries.with_item_9", { line, value: item9 });
}

function days(entry) {
  return WEEK.filter(([part]) => part in entry).map(([part]) => text(`web.week_said.${part}`, { days: entry[part] })).join(", ");
}
