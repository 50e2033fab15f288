/** Feedback to the ear: a chord that opens, or waves that soften. Never before a tap, never loud. */

import { chance, clamp } from "./draw.js";

export const LOUDEST = 0.2;
const FADE_S = 1;
const FOLLOWS_S = 1;
const NOISE_S = 9;

/** {wanted(), allow(), forbid(), volume(0..1), show(element|null, level|null), hush()}. `allow` must come from a tap. */
export function makeSound() {
  let context = null;
  let master = null;
  let voices = null;
  let playing = null;
  let allowed = false;
  let loudness = 0.5;

  function allow() {
    allowed = true;
    if (!context) build();
    context.resume();
  }

  function build() {
    context = new AudioContext();
    const limiter = new DynamicsCompressorNode(context, { threshold: -18, knee: 6, ratio: 20, attack: 0.003, release: 0.25 });
    master = new GainNode(context, { gain: loudness * LOUDEST });
    limiter.connect(master).connect(context.destination);
    voices = { tone: chord(context, limiter), noise: surf(context, limiter) };
  }

  /** Follow the feedback: the voice of `element` at `level`, silence for null. */
  function show(element, level) {
    if (!context) return;
    const next = allowed && level !== null && element in voices ? element : null;
    if (next !== playing) {
      if (playing) fade(context, voices[playing].gain, 0);
      if (next) fade(context, voices[next].gain, 1);
      playing = next;
    }
    if (next) voices[next].follow(clamp(level));
  }

  function volume(share) {
    loudness = clamp(share);
    if (master) master.gain.setTargetAtTime(loudness * LOUDEST, context.currentTime, 0.1);
  }

  return {
    wanted: () => allowed,
    playing: () => playing,
    allow,
    forbid: () => { allowed = false; show(null, null); },
    volume,
    loudness: () => loudness,
    show,
    hush: () => show(null, null),
  };
}

function fade(context, gain, to) {
  const now = context.currentTime;
  gain.gain.cancelScheduledValues(now);
  gain.gain.setValueAtTime(gain.gain.value, now);
  gain.gain.linearRampToValueAtTime(to, now + FADE_S);
}

/** A soft open chord; higher levels lift it by a tone and let its upper notes in. */
function chord(context, out) {
  const gain = new GainNode(context, { gain: 0 });
  const filter = new BiquadFilterNode(context, { type: "lowpass", frequency: 500, Q: 0.4 });
  filter.connect(gain).connect(out);
  const notes = [[1, 0.34, 0], [1.5, 0.2, 0.15], [2, 0.16, 0.4], [2.5, 0.1, 0.65]].map(([ratio, share, from]) => {
    const note = new OscillatorNode(context, { type: "triangle", frequency: 146.8 * ratio });
    const level = new GainNode(context, { gain: 0 });
    note.connect(level).connect(filter);
    note.start();
    return { ratio, share, from, note, level };
  });
  return { gain, follow(value) {
    const now = context.currentTime;
    filter.frequency.setTargetAtTime(420 + 1300 * value, now, FOLLOWS_S);
    for (const { ratio, share, from, note, level } of notes) {
      note.frequency.setTargetAtTime(146.8 * ratio * 2 ** ((2 * value) / 12), now, FOLLOWS_S);
      level.gain.setTargetAtTime(share * clamp((value - from) / 0.3 + (from === 0 ? 1 : 0)), now, FOLLOWS_S);
    }
  } };
}

/** Waves on a beach: filtered noise that swells about six times a minute and softens as the level rises. */
function surf(context, out) {
  const gain = new GainNode(context, { gain: 0 });
  const swell = new GainNode(context, { gain: 0.55 });
  const filter = new BiquadFilterNode(context, { type: "lowpass", frequency: 1200, Q: 0.3 });
  const source = new AudioBufferSourceNode(context, { buffer: softNoise(context), loop: true });
  const rhythm = new OscillatorNode(context, { frequency: 0.1 });
  const depth = new GainNode(context, { gain: 0.35 });
  rhythm.connect(depth).connect(swell.gain);
  source.connect(filter).connect(swell).connect(gain).connect(out);
  source.start();
  rhythm.start();
  return { gain, follow(value) {
    filter.frequency.setTargetAtTime(1500 - 1050 * value, context.currentTime, FOLLOWS_S);
  } };
}

/** Noise with less treble, its end blended into its start so that the loop has no seam. */
function softNoise(context) {
  const length = NOISE_S * context.sampleRate;
  const overlap = context.sampleRate;
  const next = chance(5);
  const long = new Float32Array(length + overlap);
  let held = 0;
  for (let index = 0; index < long.length; index += 1) {
    held = 0.97 * held + 0.03 * (next() * 2 - 1);
    long[index] = held * 4;
  }
  const buffer = context.createBuffer(1, length, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let index = 0; index < length; index += 1) {
    const along = Math.min(1, index / overlap);
    samples[index] = index < overlap ? long[index] * Math.sqrt(along) + long[length + index] * Math.sqrt(1 - along) : long[index];
  }
  return buffer;
}
