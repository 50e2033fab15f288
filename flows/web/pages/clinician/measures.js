/** The measures a threshold or feedback can rest on. */

export const MEASURES = {
  rhythm_concentration: { title: "Rhythm concentration", unit: "", digits: 1, step: 0.1 },
  arousal: { title: "Arousal index", unit: "", digits: 0, step: 1 },
  heart_rate_bpm: { title: "Heart rate", unit: "bpm", digits: 0, step: 1 },
  rmssd_ms: { title: "RMSSD", unit: "ms", digits: 0, step: 1 },
  scl_us: { title: "Skin conductance level", unit: "µS", digits: 1, step: 0.1 },
  resp_rate_bpm: { title: "Breathing rate", unit: "/min", digits: 1, step: 0.1 },
};
