/** How what was entered is said: as it was entered, and nothing more. */

export const WEEK = [
  ["activity", "Physically active"],
  ["people", "With people who are good to be with"],
  ["novelty", "Something new"],
  ["nature", "Outdoors in nature"],
  ["sleep", "Slept well enough"],
];

export const PRIMARY = [
  ["ln_rmssd", "RMSSD"],
  ["mean_hr_bpm", "Heart rate"],
  ["ln_scl", "Skin level"],
  ["scr_per_min", "Skin responses per minute"],
];

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

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
  if (entry.kind === "week") return { title: `Week: ${days(entry)}`, words: null };
  return { title: "Something unwanted", words: entry.text };
}

/** A measure's name by its key. */
export function measure(key) {
  return PRIMARY.find(([known]) => known === key)?.[1] ?? key;
}

function outcome({ scale, value, item_9: item9 }) {
  const name = scale === "goal" ? "Own goal" : scale;
  return item9 === undefined ? `${name} ${value}` : `${name} ${value}, item 9: ${item9}`;
}

function days(entry) {
  return WEEK.filter(([part]) => part in entry).map(([part, name]) => `${name.toLowerCase()} ${entry[part]}`).join(", ");
}
