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
  /** Rises whenever something that a chart draws has changed. */
  stamp: 0,
  /** Send times of messages that are not painted yet; kept only where someone measures. */
  unpainted: [],
};

/** The phase that counts as baseline: the latest of that kind. */
export function baselinePhase() {
  return (store.session?.phases ?? []).findLast((phase) => phase.kind === "baseline") ?? null;
}

function changed(message) {
  store.stamp++;
  if (window.vagalPainted && message.topic !== "snapshot") store.unpainted.push(message.at);
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
  changed(message);
}

const isNormal = (kind) => kind.replace("?", "") === "normal";

function addSkin(rows, message, whole) {
  if (whole) store.skin.clear();
  for (const [time_s, tonic, phasic] of rows ?? []) store.skin.push(time_s, { tonic, phasic });
  changed(message);
}

function addEcg(data, message, whole) {
  if (whole) store.ecg.clear();
  const chunks = Array.isArray(data) ? data : [data].filter(Boolean);
  for (const { start_s, rate_hz, uv } of chunks) {
    uv.forEach((value, index) => store.ecg.push(start_s + index / rate_hz, { uv: value }));
  }
  changed(message);
}

function addCourse(data, message, whole) {
  if (whole) store.course.clear();
  for (const row of Array.isArray(data) ? data : [data].filter(Boolean)) store.course.push(row.time_s, row);
  changed(message);
}

/** Take in every topic of this page; call once, before the panels subscribe. */
export function follow() {
  for (const topic of ["session", "values", "table"]) {
    subscribe(topic, (data, message) => { store[topic] = data; changed(message); });
  }
  subscribe("beats", addBeats);
  subscribe("skin", addSkin);
  subscribe("ecg", addEcg);
  subscribe("course", addCourse);
}
