/** The measures a threshold or feedback can rest on. */

export const MEASURES = {
  rhythm_concentration: { title: "Rhythm concentration", unit: "", step: 0.1 },
  arousal: { title: "Arousal index", unit: "", step: 1 },
  heart_rate_bpm: { title: "Heart rate", unit: "bpm", step: 1 },
  scl_us: { title: "Skin conductance level", unit: "µS", step: 0.1 },
  scr_per_min: { title: "Skin responses", unit: "/min", step: 0.1 },
  resp_rate_bpm: { title: "Breathing rate", unit: "/min", step: 0.1 },
};
