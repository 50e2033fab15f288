/** What the page knows of the running session: the latest states, and the history the charts draw. */

import { subscribe } from "../net.js";
import { Series } from "./series.js";

export const store = {
  session: null,
  values: null,
  table: null,
  beats: new Series("nn", "rr", "kind"),
  skin: new Series("tonic", "phasic"),
  ecg: new Series("uv"),
  course: new Series("arousal", "low", "high", "rhythm_concentration", "resp_rate_bpm"),
  /** By topic: rises whenever something of it that a chart draws has changed. */
  stamps: { session: 0, beats: 0, skin: 0, ecg: 0, course: 0 },
  /** Send times of messages that are not painted yet; kept only where someone measures. */
  unpainted: [],
};

/** True once the recording is at its end: charts and values stand still. */
export const isOver = () => ["sealing", "ended", "failed"].includes(store.session?.state);

/** The phase that counts as baseline: the latest of that kind. */
export function baselinePhase() {
  return (store.session?.phases ?? []).findLast((phase) => phase.kind === "baseline") ?? null;
}

function changed(topic, message) {
  store.stamps[topic]++;
  if (window.vagalPainted && message.topic === topic) store.unpainted.push(message.at);
}

function addBeats(data, message, whole) {
  const { beats } = store;
  if (whole) beats.clear();
  for (const [time_s, rr, kind] of data?.add ?? []) beats.push(time_s, { rr, kind, nn: isNormal(kind) ? rr : null });
  for (const [time_s, kind] of data?.revise ?? []) {
    const index = beats.indexOf(time_s - 1e-6);
    if (Math.abs((beats.time[index] ?? Infinity) - time_s) > 1e-3) continue;
    beats.columns.kind[index] = kind;
    beats.columns.nn[index] = isNormal(kind) ? beats.columns.rr[index] : null;
  }
  changed("beats", message);
}

const isNormal = (kind) => kind.replace("?", "") === "normal";

function addSkin(rows, message, whole) {
  if (whole) store.skin.clear();
  for (const [time_s, tonic, phasic] of rows ?? []) store.skin.push(time_s, { tonic, phasic });
  changed("skin", message);
}

function addEcg(data, message, whole) {
  if (whole) store.ecg.clear();
  const chunks = Array.isArray(data) ? data : [data].filter(Boolean);
  for (const { start_s, rate_hz, uv } of chunks) {
    uv.forEach((value, index) => store.ecg.push(start_s + index / rate_hz, { uv: value }));
  }
  changed("ecg", message);
}

function addCourse(data, message, whole) {
  if (whole) store.course.clear();
  for (const row of Array.isArray(data) ? data : [data].filter(Boolean)) store.course.push(row.time_s, row);
  changed("course", message);
}

/** Take in every topic of this page; call once, before the panels subscribe. */
export function follow() {
  for (const topic of ["values", "table"]) subscribe(topic, (data) => { store[topic] = data; });
  subscribe("session", (data) => { store.session = data; store.stamps.session++; });
  subscribe("beats", addBeats);
  subscribe("skin", addSkin);
  subscribe("ecg", addEcg);
  subscribe("course", addCourse);
}
