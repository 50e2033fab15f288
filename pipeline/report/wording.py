"""Every sentence that this page says, in one place: a translation is another file like this one.

Names in braces are filled in where a sentence is used. Reasons and warnings come from the analysis and are
quoted as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.heart.beats import BeatKind
from pipeline.model import PhaseKind
from pipeline.report.figures import THIN, number
from pipeline.skin.signal import EdaRule
from pipeline.spans import Signal

LANGUAGE = "en-GB"

# The page

TITLE = "Session report"
SIMULATED = "SIMULATED DATA"
RECOVERED = "Recovered after a crash"
NO_CLIENT = "no client named"
SKIP = "Skip to the summary"

DATE, DURATION, PROTOCOL, DEVICES, CONDITIONS = "Date", "Duration", "Protocol", "Devices", "Conditions"
NOT_RECORDED = "not recorded"
FIRMWARE, BATTERY = "firmware {version}", f"battery {{percent}}{THIN}%"

IN_SHORT = "In short"
QUALITY = "Signal quality"
COURSE = "The session over time"
PHASES = "Values by phase"
CHANGE = "Reactivity and recovery"
READING = "How to read this"
METHODS = "Methods"
SOURCES = "Sources"
DATA_TABLE = "Show as a table"
AS_TABLE = "{title}, as a table"
CAPTION, SCROLLS = "{caption}", "{caption} (scrolls sideways)"
SIGNS_OF_AROUSAL = (
    "These are signs of arousal, and arousal is not stress: effort, speech, movement and joy raise it too."
)
FOOTER = (
    "Not a medical device. This report makes no diagnosis and is meant for discussion with a practitioner."
)

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day(at: date) -> str:
    """A date."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def local_time(at: datetime) -> str:
    """A date and local time with its offset from UTC."""
    offset = at.strftime("%z")
    zone = f" (UTC{offset[:3].replace('-', '−')}:{offset[3:5]})" if offset else ""
    return f"{day(at)}, {at:%H:%M}{zone}"


# Grammar


def capitalised(text: str) -> str:
    """A sentence's first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A reason or warning as a sentence of its own."""
    text = capitalised(text.strip())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def because(reason: str) -> str:
    """A reason so that it can follow "because"."""
    reason = reason.rstrip(".")
    return f"there is {reason}" if reason.startswith(("too little ", "too few ")) else reason


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def numbered(count: int, one: str, many: str) -> str:
    """The form of a word or sentence that goes with a number; `{count}` in it is filled in."""
    return (one if count == 1 else many).format(count=number(count))


# Heart or pulse


@dataclass(frozen=True, slots=True)
class HeartWords:
    """What intervals, their variability and their rate are called, by where they come from."""

    interval: str
    variability: str
    rate: str
    rate_label: str


FROM_STRAP = HeartWords("RR interval", "heart-rate variability", "heart rate", "HR")
FROM_PULSE = HeartWords("PP interval", "pulse-rate variability", "pulse rate", "PR")


def heart_words(stream: str | None) -> HeartWords:
    """The words for intervals from a stream: `pp` comes from the pulse, all else from the heart."""
    return FROM_PULSE if stream == "pp" else FROM_STRAP


# In short. What a sentence does not say it leaves out: each is whole without those before it.

ROSE, FELL = "rose", "fell"
NOUNS = {ROSE: "rise", FELL: "fall"}
FURTHER = {ROSE: "higher", FELL: "lower"}
BEYOND = {ROSE: "below", FELL: "above"}
CHANGED = (
    f"{{subject}} {{verb}} by {{amount}} in {{challenge}} "
    f"(95{THIN}% interval {{low}} to {{high}}, against {{baseline}})"
)
NO_CHANGE = (
    f"No detectable change of {{subject}} in {{challenge}}: {{amount}} against {{baseline}} "
    f"(95{THIN}% interval {{low}} to {{high}})."
)
CHANGE_NOT_ESTIMABLE = "A change of {subject} in {challenge} is not estimable, because {reason}."
LEFT = (
    "{share} of that {noun} was left in the last two minutes of {recovery} "
    f"(95{THIN}% interval {{low}} to {{high}})"
)
NOTHING_LEFT = (
    "nothing of that {noun} was left in the last two minutes of {recovery} "
    f"({{share}}, 95{THIN}% interval {{low}} to {{high}})"
)
BEYOND_BASELINE = (
    "nothing of that {noun} was left in the last two minutes of {recovery}, when it lay {beyond} {baseline} "
    f"({{share}}, 95{THIN}% interval {{low}} to {{high}})"
)
FURTHER_STILL = (
    "it was {further} still in the last two minutes of {recovery} "
    f"({{share}} of that {{noun}}, 95{THIN}% interval {{low}} to {{high}})"
)
LEFT_NOT_ESTIMABLE = "how much was left afterwards is not estimable, because {reason}"
NO_BASELINE = "there is no baseline phase to hold it against"
PACED_CHALLENGE = "breathing was paced in it"
NO_RESULT = "none was computed"
NO_CHALLENGE = "There was no challenge phase, so no reactivity is estimated."
NO_HEART = "No heartbeat intervals were recorded."
NO_SKIN = "Skin conductance was not recorded."
SKIN_LEVEL = "skin conductance level"
ONE_MORE_CHALLENGE = "One more challenge is in the table of changes."
MORE_CHALLENGES = "{count} more challenges are in the table of changes."
LEVEL_NOT_ESTIMABLE = "not estimable ({reason})"
LEVELS_IN_PHASE = "In {phase}: {values}."
LEVELS_OVER_ALL = "Over the whole session: {values}."
COVERAGE = "Usable signal covers {parts} of the session."
CARE = "Read the values with that in mind."
OF_HEARTBEATS, OF_SKIN = "{share} (heartbeats)", "{share} (skin conductance)"

# Signal quality

USABLE_BEATS = "time with usable beats"
EXCLUDED = "intervals excluded ({excluded} of {all})"
USABLE_EDA = "time with usable skin conductance"
EDA_ARTEFACT = "skin conductance excluded"
NO_GAP = "gaps in recording"
ONE_GAP, MANY_GAPS = "gap in recording ({length})", "gaps in recording ({length})"
QUALITY_STRIP = "Where the signals can be used"
HEART_ROW, SKIN_ROW = "Heart", "Skin"
USABLE_KEY, EXCLUDED_KEY, GAP_KEY = "usable", "present but excluded", "no data"
MARKED_KEY = "excluded by marks"
MARKED = "Excluded by marks: {marks}."
MARKED_FOR = f"{{seconds}}{THIN}s {{kind}} ({{signals}})"
SIGNALS = {Signal.HEART: "heartbeats", Signal.SKIN: "skin conductance"}
USABLE_SHARE = "{signal}: {share} of the time usable."
WARNINGS = "Please note"
KINDS_CAPTION = "Beat intervals by kind"
KIND_HEAD = ("Kind", "Intervals", "Share")
KINDS = {
    BeatKind.NORMAL: "normal (NN)",
    BeatKind.ECTOPIC: "early or late beat",
    BeatKind.MISSED: "missed beat",
    BeatKind.EXTRA: "extra detection",
    BeatKind.LONG_SHORT: "too long or too short",
    BeatKind.IMPLAUSIBLE: "implausible (outside 300 to 2000 ms)",
    BeatKind.EXCLUDED: "excluded by marks",
}
RULES_CAPTION = "Skin conductance excluded, by rule"
RULE_HEAD = ("Rule", "Samples")
RULES = {
    EdaRule.MISSING: "no value",
    EdaRule.MARKED: "excluded by marks",
    EdaRule.RANGE: "outside 0.05 to 60 µS",
    EdaRule.STUCK: "stuck at one value",
    EdaRule.SLOPE: "steeper than 10 µS/s",
    EdaRule.NEARBY: "within 5 s of such a value",
}
GAPS_CAPTION = "Gaps, longest first"
GAP_HEAD = ("Time", "Length", "Signal", "Reason")
MORE_GAPS = "and {count} more"
STREAMS = {
    "rr": "RR intervals",
    "ecg_rr": "RR intervals from ECG",
    "pp": "PP intervals",
    "eda": "skin conductance",
    "ecg": "ECG",
    "ppg": "pulse wave",
    "ppg_rate": "pulse rate",
    "acc": "acceleration",
    "skin_temperature": "skin temperature",
    "respiration": "breathing",
}
UNREADABLE_HEART = (
    "More than one beat interval in five was unusable, so variability is not shown. This is often the "
    "sensor, and not something the client did. Chest pain, fainting or breathlessness need urgent help."
)

# The session over time

NUMBER, TIME, PHASE, KIND, TEXT = "No.", "Time", "Phase", "Kind", "Text"
FROM_TO = "{start} to {end}"
MICROSIEMENS, MILLISECONDS, BEATS_PER_MIN = "µS", "ms", "bpm"
PHASE_KEY = "Phases"
INTERVALS = "{interval}s"
INTERVALS_TOLD = (
    "{interval}s over {duration} that are normal to normal lie between {low} and {high} ms; "
    "{excluded} excluded intervals are drawn as separate ticks."
)
NO_NORMAL_INTERVAL = "No {interval} is usable."
EXCLUDED_INTERVAL = "excluded interval"
AT_EDGE = "Excluded intervals outside the scale stand at its edge."
INTERVAL_HEAD = (TIME, "Median (ms)", "Lowest", "Highest", "Excluded")
SKIN_TITLE = "Skin conductance"
TONIC, PHASIC, RESPONSE, ARTEFACT = "level (tonic)", "fast part (phasic)", "skin response", "artefact"
SKIN_TOLD = (
    "The tonic level lies between {low} and {high} µS; {responses} skin responses; "
    "{excluded} of samples excluded."
)
NO_USABLE_SKIN = "No skin conductance sample is usable."
SKIN_HEAD = (TIME, "Level (µS)", "Responses", "Excluded")
RATING_TITLE, RATING = "Self-report: {scale}", "rating"
RATING_TOLD = "{value} at {time}"
RATING_TEXT = "{scale}: {value}"
NOTE, SAID = "note", "“{text}”"
CHECK_INS = "Check-ins, as they were said"
CHECK_IN_HEAD = ("When", TIME, "Feeling", "Thought", "Body", "What I did")
NEVER_ANALYSED = "Notes and check-ins stand here as they were said. They are never analysed."
EVENTS = "Markers, ratings and notes"
EVENT_KEY = "Numbers at the foot of a chart refer to this list."
NO_EVENTS = "No markers, ratings or notes were recorded."

# Values by phase

PHASE_KINDS = {
    PhaseKind.SETTLE: "settling",
    PhaseKind.BASELINE: "baseline",
    PhaseKind.STRESSOR: "challenge",
    PhaseKind.RECOVERY: "recovery",
    PhaseKind.PACED: "paced",
    PhaseKind.REFERENCE: "reference",
    PhaseKind.OTHER: "",
}
PHASE_CAPTION = "Values of each phase"
WHOLE = "Whole session"
PACED, PACED_AT = "paced", "paced, {rate}/min"
PACED_ROWS = "Paced breathing changes these values by itself: not compared with the phases above."
PACED_ONLY = "Paced breathing changes these values by itself: not to be compared with unpaced phases."
LENGTH, BEATS, PAIRS = "Length", "Beats", "Pairs"
NOT_ESTIMABLE, NOT_COMPUTED = "not estimable", "not computed for these data"
LABELS = {
    "rmssd_ms": "RMSSD",
    "sdnn_ms": "SDNN",
    "lf_ms2": "LF",
    "hf_ms2": "HF",
    "scl_us": "SCL",
    "scr_per_min": "NS-SCR",
    "scr_amplitude_us": "SCR ampl.",
}
MEASURES = {
    "rmssd_ms": "RMSSD",
    "ln_rmssd": "RMSSD",
    "scl_us": "Skin conductance level",
    "ln_scl": "Skin conductance level",
    "scr_per_min": "NS-SCR rate",
}
NO_PHASES = "No phases were marked: the values describe the whole session."
COUNTS = "Beats counts normal intervals, pairs the differences between two that follow each other."
LENGTHS_DIFFER = "SDNN, LF and HF depend on length: compare them between phases of the same length only."
COMPARED = "Phases side by side"
UNPACED_KEY, PACED_KEY, LEVEL_OF = "unpaced", "paced, not compared", "level of {phase}"
COMPARED_TOLD = "{measure}. {values}."
SPECTRUM, DENSITY = "Spectrum, {phase}", "1000 ms²/Hz"
SPECTRUM_TOLD = "Highest density at {peak} Hz, between 0.04 and 0.40 Hz."
SPECTRUM_HEAD = ("Band (Hz)", "Power (ms²)")
SPECTRUM_NOTE = (
    "Each spectrum has a scale of its own. Slow paced breathing gathers power at the paced rate by itself: "
    "the two show what pacing does and are not a comparison of regulation."
)


def label(key: str, words: HeartWords) -> str:
    """A column's head: short."""
    return words.rate_label if key == "mean_hr_bpm" else LABELS[key]


def measure(key: str, words: HeartWords) -> str:
    """A measure's name in full, as it begins a line."""
    return capitalised(words.rate) if key == "mean_hr_bpm" else MEASURES[key]


# Reactivity and recovery

RATE_TOLD = "Mean {rate} lies between {low} and {high} bpm."
RATE_BASELINE_TOLD = "The mean of {baseline} is {level} bpm."
BLOCK_MEANS, BASELINE_MEAN = f"means of {{seconds}}{THIN}s", "mean of {baseline}"
CHANGE_CAPTION = "Change in a challenge, and the share of it left at the end of recovery"
CHANGE_HEAD = (
    "Measure",
    "Change",
    f"95{THIN}% interval",
    "Blocks",
    "Reading",
    f"Left after recovery (95{THIN}% interval)",
)
CHANGE_FROM_TO = "{baseline} to {challenge}"
CHANGE_FROM_TO_THEN = "{baseline} to {challenge}, left at the end of {recovery}"
LOW_TO_HIGH = "{low} to {high}"
SHARE_LEFT = "{share} ({low} to {high})"
DETECTABLE, NOT_DETECTABLE = "detectable change", "no detectable change"
NO_CHANGES = "No change is estimated."
NO_CHANGES_WITHOUT_BASELINE = (
    "No change is estimable, because there is no baseline phase to hold a challenge against."
)
NO_RECOVERY = "no recovery phase follows the challenge"
RATIO_NOTE = "Changes of RMSSD and of skin conductance level are ratios, given as percent."
SHARE_NOTE = (
    f"Left after recovery: 0{THIN}% is back at baseline, 100{THIN}% as far from it as in the challenge, "
    f"below 0{THIN}% beyond baseline."
)

# How to read this

READING_TERMS = (
    (
        "{rate}",
        "Mean over usable beats. Effort, speech, posture, caffeine, fever, joy and worry all raise it.",
    ),
    (
        "RMSSD",
        "How much successive intervals differ, a short-term part of {variability}. It is a proxy for the "
        "vagal influence on the heart, not a level of it; breathing rate and depth change it too.",
    ),
    ("SDNN", "Spread of all normal intervals. It depends on how long a phase is."),
    (
        "LF and HF",
        "Power at 0.04–0.15 and 0.15–0.40 Hz. Slow breathing moves power into LF by itself. Their ratio "
        "is not a balance of two branches (Billman 2013) and is not shown.",
    ),
    (
        "SCL, NS-SCR, SCR amplitude",
        "Skin conductance level, spontaneous responses per minute, and their mean size. They follow "
        "sympathetic nerves of the sweat glands and are blind to whether arousal is pleasant. Sites and "
        "sensors are not comparable, and about one person in ten shows hardly any response.",
    ),
    (
        f"95{THIN}% interval",
        f"From the change between blocks of 30{THIN}s within this session. Where it includes no change, "
        "none was detectable; that does not show that there was none.",
    ),
    (
        "One session",
        f"A person's RMSSD differs from day to day by some 12 to 35{THIN}% (typical error; Buchheit 2014) "
        "without anything having changed. Two single sessions can't show a change in most people.",
    ),
    (
        "Proxies",
        "Both {variability} and skin conductance are weak proxies of arousal. Cortisol and other hormones "
        "are not measured, and no value here stands for them.",
    ),
)
READING_PULSE = (
    "From the pulse",
    "Intervals come from an optical pulse sensor. Pulse-rate variability is not the same as heart-rate "
    "variability, least of all in motion (Schäfer & Vagedes 2013).",
)


def reading(words: HeartWords) -> list[tuple[str, str]]:
    """Term and what it is and is not."""
    filled = {"rate": capitalised(words.rate), "variability": words.variability}
    terms = [(term.format(**filled), text.format(**filled)) for term, text in READING_TERMS]
    return [*terms, READING_PULSE] if words is FROM_PULSE else terms


# Methods

VALUES_METHOD, BEATS_METHOD, SPECTRUM_METHOD, SKIN_METHOD = "Values", "Beats", "Spectrum", "Skin conductance"
CHANGES_METHOD, FLOORS_METHOD, WINDOWS_METHOD = "Changes", "Left out", "Windows"
INPUT, UNITS, SESSION, SHA256, SOFTWARE = "Input", "Units", "Session", "Data (SHA-256)", "Software"
UNIT_OF = "{stream}: {unit}"
FINAL = (
    "Final: computed after the session, with look-ahead. Values on the live page are causal and may differ."
)
INTERVALS_USED = "From {interval}s; normal ones are NN intervals."
CORRECTION = {
    "exclude": (
        "Intervals labelled ectopic, missed, extra, too long or too short (Lipponen & Tarvainen 2019), or "
        "outside 300 to 2000 ms, are excluded and not replaced; differences never cross an excluded interval "
        "or a gap."
    ),
    "interpolate": (
        "Intervals labelled ectopic, missed or extra (Lipponen & Tarvainen 2019) are put right where a whole "
        "number of intervals fits between the normal ones around them; all others so labelled, or outside "
        "300 to 2000 ms, are excluded."
    ),
    "none": (
        "No correction was asked for: all intervals above zero count as normal. "
        "Differences never cross a gap."
    ),
}
PSD = {
    "welch": (
        "Welch 1967: Hann window, segments of 300 s, half overlapping, "
        "intervals resampled at 4 Hz by a spline"
    ),
    "lomb": "Lomb-Scargle (Scargle 1982): intervals at their own times, segments of 300 s, half overlapping",
}
DETREND = {
    "none": "no trend removed",
    "linear": "linear trend removed",
    "smoothness_priors": "trend removed by smoothness priors (Tarvainen et al. 2002)",
}
SPECTRUM_USED = "{psd}; {detrend}; one method for the whole recording. LF 0.04–0.15 Hz, HF 0.15–0.40 Hz."
NO_SPECTRUM = "No spectrum was computed."
SKIN_USED = (
    "Responses from trough to peak of at least {threshold} µS (Boucsein et al. 2012). Excluded: values "
    "outside 0.05 to 60 µS, slopes beyond 10 µS/s, and 5 s around either (after Kleckner et al. 2018); a "
    "value that stays exactly the same for two minutes. Tonic is the level that responses stand on (an "
    "opening over 20 s), phasic the rest."
)
CHANGES_USED = (
    "Differences of means over blocks of 30 s, Student's t; errors and degrees of freedom (Satterthwaite "
    "1946) allow for correlation from block to block, unbiased and drawn towards 0.6. What is left: the last "
    "two minutes of recovery less baseline, over the change (interval: Fieller 1954). No paced phase takes "
    "part."
)
FLOORS_USED = (
    f"A value that a phase is too short or too incomplete for is left out, with the reason. Above 5{THIN}% "
    f"excluded intervals no spectrum, above 20{THIN}% no variability is shown."
)
WINDOWS_USED = "Sliding windows of {window} s every {step} s in the feature table."
WRITTEN_BY = "{name} {version}"
FORMULAS_CAPTION = "How each value is computed"
FORMULA_HEAD = ("Value", "Unit", "Definition", "Source")
SOURCE_LIST = (
    "Billman GE (2013). The LF/HF ratio does not accurately measure cardiac sympatho-vagal balance. "
    "Front Physiol 4:26.",
    "Boucsein W et al. (2012). Publication recommendations for electrodermal measurements. "
    "Psychophysiology 49:1017.",
    "Buchheit M (2014). Monitoring training status with HR measures: do all roads lead to Rome? "
    "Front Physiol 5:73.",
    "Fieller EC (1954). Some problems in interval estimation. J R Stat Soc B 16:175.",
    "Kleckner IR et al. (2018). Simple, transparent, and flexible automated quality assessment procedures "
    "for ambulatory electrodermal activity data. IEEE Trans Biomed Eng 65:1460.",
    "Lipponen JA, Tarvainen MP (2019). A robust algorithm for heart rate variability time series artefact "
    "correction using novel beat classification. J Med Eng Technol 43:173.",
    "Satterthwaite FE (1946). An approximate distribution of estimates of variance components. "
    "Biometrics Bull 2:110.",
    "Scargle JD (1982). Studies in astronomical time series analysis. II. Astrophys J 263:835.",
    "Schäfer A, Vagedes J (2013). How accurate is pulse rate variability as an estimate of heart rate "
    "variability? Int J Cardiol 166:15.",
    "Tarvainen MP et al. (2002). An advanced detrending method with application to HRV analysis. "
    "IEEE Trans Biomed Eng 49:172.",
    "Task Force of the European Society of Cardiology and the North American Society of Pacing and "
    "Electrophysiology (1996). Heart rate variability. Circulation 93:1043.",
    "Welch PD (1967). The use of fast Fourier transform for the estimation of power spectra. "
    "IEEE Trans Audio Electroacoust 15:70.",
)

FROM_PULSES = (
    "From a wrist or finger pulse, short-term variability is less sure than its intervals let it look: "
    "movement and blood vessels change it, too. The arousal index leaves it out."
)
AROUSAL, AROUSAL_UNIT = "Arousal index", "50 is this session's baseline"
AROUSAL_LINE, AROUSAL_BAND, AROUSAL_LEVEL = "index", "how uncertain it is", "the baseline"
AROUSAL_TOLD = "Between {low} and {high}; 50 is the baseline, 10 points are one standard deviation of it."
AROUSAL_HEAD = ("Time", "Index", "From", "To")
INDEX_METHOD, INDEX_USED = (
    "Arousal index",
    "Heart and skin conductance in equal parts, each in standard deviations of a minute of this session's "
    "baseline, and 10 points for one of the whole. What is missing or poor widens the band. The delayed line "
    "lets the index above 50 rise and clear as slowly as cortisol does; hormones are not measured, and "
    "nothing is concluded from it.",
)
AROUSAL_SCALE = (
    "50 is this session's baseline; 10 points are one standard deviation of a minute at rest. Each value is "
    "of the minute before it. Arousal is not stress: exercise and joy raise it too."
)
AROUSAL_BASES = "What it rests on: {bases}."
AROUSAL_MISSING = "Where the line is missing, the signals could not carry it."
DELAYED, ARBITRARY_UNIT = "Delayed arousal, with cortisol-like timing", "arbitrary units"
DELAYED_LINE = "peak after 30 min, then half gone every 60"
DELAYED_BAND = "other timings, and the index's own band"
DELAYED_HEAD = ("Time", "Low", "Middle", "High")
