"""Every sentence that this page says, in one place: a translation is another file like this one.

Reasons and warnings come from the analysis and are quoted as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.beats import BeatKind
from pipeline.model import PhaseKind
from pipeline.report.figures import THIN, clock, number, percent

LANGUAGE = "en-GB"
TITLE = "Session report"
SIMULATED = "SIMULATED DATA"
RECOVERED = "Recovered after a crash"
NO_CLIENT = "no client named"
SKIP = "Skip to the summary"

CLIENT, DATE, DURATION, PROTOCOL, DEVICES = "Client", "Date", "Duration", "Protocol", "Devices"
CONDITIONS = "Conditions"
NOT_RECORDED = "not recorded"
BATTERY = "battery"
FIRMWARE = "firmware"

IN_SHORT = "In short"
QUALITY = "Signal quality"
COURSE = "The session over time"
EVENTS = "Markers, ratings and notes"
PHASES = "Values by phase"
CHANGE = "Reactivity and recovery"
READING = "How to read this"
METHODS = "Methods"
SOURCES = "Sources"
DATA_TABLE = "Show as a table"
SCROLL = "scrolls sideways"
SIGNS_OF_AROUSAL = (
    "These are signs of arousal, and arousal is not stress: effort, speech, movement and joy raise it too."
)
FOOTER = (
    "Not a medical device. This report makes no diagnosis and is meant for discussion with a practitioner."
)

_MONTHS = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip

PHASE_KINDS = {
    PhaseKind.SETTLE: "settling",
    PhaseKind.BASELINE: "baseline",
    PhaseKind.STRESSOR: "challenge",
    PhaseKind.RECOVERY: "recovery",
    PhaseKind.PACED: "paced",
    PhaseKind.REFERENCE: "reference",
    PhaseKind.OTHER: "",
}
WHOLE = "Whole session"


@dataclass(frozen=True, slots=True)
class HeartWords:
    """What intervals and their variability are called, by where they come from."""

    interval: str
    variability: str
    rate: str

    @property
    def rate_start(self) -> str:
        """The rate's name at the beginning of a sentence."""
        return capitalised(self.rate)


FROM_STRAP = HeartWords("RR interval", "heart-rate variability", "heart rate")
FROM_PULSE = HeartWords("PP interval", "pulse-rate variability", "pulse rate")


def heart_words(stream: str | None) -> HeartWords:
    """The words for intervals from a stream: `pp` comes from the pulse, all else from the heart."""
    return FROM_PULSE if stream == "pp" else FROM_STRAP


def capitalised(text: str) -> str:
    """A sentence's first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A reason or warning as a sentence of its own."""
    text = capitalised(text.strip())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def local_time(at: datetime) -> str:
    """A date and local time with its offset from UTC."""
    offset = at.strftime("%z")
    zone = f" (UTC{offset[:3].replace('-', '−')}:{offset[3:5]})" if offset else ""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}{zone}"


def page_title(client: str, date: str | None) -> str:
    return f"{TITLE}: {client}" + (f", {date}" if date else "")


def paced_at(breaths_per_min: float | None) -> str:
    """How a paced phase is marked."""
    if breaths_per_min is None:
        return "paced"
    return f"paced, {number(breaths_per_min, 0 if breaths_per_min == round(breaths_per_min) else 1)}/min"


# In short. `amount`, `low` and `high` are texts with a sign only where one can be wrong without it.

ROSE, FELL = "rose", "fell"


def changed(
    subject: str, verb: str, amount: str, interval: tuple[str, str], challenge: str, baseline: str
) -> str:
    low, high = interval
    return f"{subject} {verb} by {amount} in {challenge} (95{THIN}% interval {low} to {high}, against {baseline})"


def no_change(subject: str, amount: str, interval: tuple[str, str], challenge: str, baseline: str) -> str:
    low, high = interval
    return (
        f"No detectable change of {subject} in {challenge}: {amount} against {baseline} "
        f"(95{THIN}% interval {low} to {high})"
    )


def change_not_estimable(subject: str, challenge: str, reason: str) -> str:
    return f"A change of {subject} in {challenge} is not estimable, because {because(reason)}"


def because(reason: str) -> str:
    """A reason that can follow "because"."""
    return (
        f"there is {reason}" if reason.startswith(("too little ", "too few ", "no ")) else reason.rstrip(".")
    )


def left(verb: str, percent_left: str, recovery: str) -> str:
    noun = "rise" if verb == ROSE else "fall"
    return f"{percent_left} of that {noun} was left in the last two minutes of {recovery}"


def nothing_left(verb: str, recovery: str, baseline: str) -> str:
    noun, side = ("rise", "below") if verb == ROSE else ("fall", "above")
    return f"nothing of that {noun} was left in the last two minutes of {recovery}, when it lay {side} {baseline}"


def further(verb: str, percent_left: str, recovery: str) -> str:
    how, noun = ("higher", "rise") if verb == ROSE else ("lower", "fall")
    return f"it was {how} still in the last two minutes of {recovery} ({percent_left} of that {noun})"


def left_not_estimable(reason: str) -> str:
    return f"how much was left afterwards is not estimable, because {because(reason)}"


NO_BASELINE = "there is no baseline phase to hold it against"
NO_RESULT = "none was computed"
NO_CHALLENGE = "There was no challenge phase, so no reactivity is estimated."
NO_HEART = "No heartbeat intervals were recorded."
NO_SKIN = "Skin conductance was not recorded."
SKIN_LEVEL = "skin conductance level"


def more_challenges(count: int) -> str:
    what = "One more challenge is" if count == 1 else f"{count} more challenges are"
    return f"{what} in the table of changes."


def levels(where: str, values: Sequence[str]) -> str:
    return f"{where}: {joined(values)}."


def in_phase(name: str) -> str:
    return f"In {name}"


OVER_ALL = "Over the whole session"


HEART_SIGNAL, SKIN_SIGNAL = "heartbeats", "skin conductance"


def coverage(parts: Sequence[str], low: bool) -> str:
    """How much can be trusted, and a word of care where that is little."""
    care = " Read the values with that in mind." if low else ""
    return f"Usable signal covers {joined(parts)} of the session.{care}"


# Signal quality

USABLE_BEATS = "time with usable beats"
EXCLUDED = "intervals excluded"
GAPS = "gaps in recording"
USABLE_EDA = "time with usable skin conductance"
EDA_ARTEFACT = "skin conductance excluded"
NOT_AVAILABLE = "not recorded"
NO_GAPS = "no gap"
QUALITY_STRIP = "Where the signals can be used"
HEART_ROW, SKIN_ROW = "Heart", "Skin"
USABLE_KEY, EXCLUDED_KEY, GAP_KEY = "usable", "present but excluded", "no data"
WARNINGS = "Please note"
KINDS_CAPTION = "Beat intervals by kind"
GAPS_CAPTION = "Gaps, longest first"
REMOVED_CAPTION = "Skin conductance excluded, by rule"
KIND_HEAD = ("Kind", "Intervals", "Share")
RULE_HEAD = ("Rule", "Share of samples")
GAP_HEAD = ("From", "To", "Length", "Signal", "Reason")
KINDS = {
    BeatKind.NORMAL: "normal (NN)",
    BeatKind.ECTOPIC: "ectopic beat (early or late)",
    BeatKind.MISSED: "missed beat",
    BeatKind.EXTRA: "extra detection",
    BeatKind.LONG_SHORT: "too long or too short",
    BeatKind.IMPLAUSIBLE: "implausible (outside 300 to 2000 ms)",
}
UNREADABLE_HEART = (
    "More than one beat interval in five was unusable, so variability is not shown. This is often the sensor, and "
    "not something the client did. Chest pain, fainting or breathlessness need urgent medical help."
)
STREAMS = {
    "rr": "RR intervals",
    "pp": "PP intervals",
    "eda": "skin conductance",
    "ecg": "ECG",
    "ppg": "pulse wave",
    "acc": "acceleration",
    "skin_temperature": "skin temperature",
    "respiration": "breathing",
}


def stream_name(name: str) -> str:
    return STREAMS.get(name, name.replace("_", " "))


def excluded_of(excluded: int, of: int) -> str:
    return f"{number(excluded)} of {number(of)}"


def gaps_total(count: int, total_s: float) -> str:
    return f"{number(count)}, {clock(total_s)} in all"


def more_rows(count: int) -> str:
    return f"and {number(count)} more"


def strip_description(heart: str | None, skin: str | None) -> str:
    told = [
        f"{name}: {text} of the time usable." for name, text in ((HEART_ROW, heart), (SKIN_ROW, skin)) if text
    ]
    return " ".join(told)


# Timeline

TIME, PHASE, KIND, TEXT = "Time", "Phase", "Kind", "Text"
SKIN_TITLE, MICROSIEMENS, MILLISECONDS, BEATS_PER_MIN = "Skin conductance", "µS", "ms", "bpm"
TONIC, PHASIC, RESPONSES, ARTEFACT = "level (tonic)", "fast part (phasic)", "skin response", "artefact"
EXCLUDED_BEAT = "excluded interval"
AT_EDGE = "Excluded intervals outside the scale stand at its edge."
HALF_MINUTES = "means of"
RATING = "Self-report"
RATED = "rating"
NO_EVENTS = "No markers, ratings or notes."
PHASE_KEY = "Phases"
EVENT_KEY = "Numbers at the foot of a chart refer to the list of markers below."
BASELINE_MEAN = "mean of"


def seconds(value: float) -> str:
    return f"{number(value)}{THIN}s"


def tachogram_title(words: HeartWords) -> str:
    return f"{words.interval}s"


def tachogram_description(
    words: HeartWords, low: float, high: float, excluded: int, duration_s: float
) -> str:
    return (
        f"{words.interval}s over {clock(duration_s)} that are normal to normal lie between {number(low)} and "
        f"{number(high)} ms; {number(excluded)} excluded intervals are drawn as separate ticks."
    )


def no_normal_beats(words: HeartWords) -> str:
    return f"No {words.interval} is usable."


def skin_description(low: float, high: float, responses: int, artefact: str) -> str:
    return (
        f"The tonic level lies between {number(low, 2)} and {number(high, 2)} µS; {number(responses)} skin responses; "
        f"{artefact} of samples excluded."
    )


NO_USABLE_SKIN = "No skin conductance sample is usable."


def rate_description(words: HeartWords, low: float, high: float, baseline: float | None) -> str:
    against = f" The baseline's mean is {number(baseline, 1)} bpm." if baseline is not None else ""
    return f"Mean {words.rate} lies between {number(low, 1)} and {number(high, 1)} bpm.{against}"


def rating_title(scale: str) -> str:
    return f"{RATING}: {scale}"


def rating_description(values: Sequence[tuple[float, float]]) -> str:
    return "; ".join(
        f"{number(value, 0 if value == round(value) else 1)} at {clock(at)}" for at, value in values
    )


def table_of(title: str) -> str:
    return f"{title}, as a table"


def tachogram_head(words: HeartWords) -> tuple[str, ...]:
    return (TIME, f"Median {words.interval} (ms)", "Lowest", "Highest", "Excluded")


SKIN_HEAD = (TIME, "Level (µS)", "Responses", "Excluded")


def rate_head(words: HeartWords) -> tuple[str, ...]:
    return (TIME, f"{words.rate_start} (bpm)")


def until(start_s: float, end_s: float) -> str:
    return f"{clock(start_s)} to {clock(end_s)}"


# Values by phase

PHASE_CAPTION = "Values of each phase"
PACED_ROWS = "Paced breathing changes these values by itself: not compared with the phases above."
PACED_ONLY = "Paced breathing changes these values by itself: not to be compared with unpaced phases."
COMPARED = "Phases side by side"
DASHED_IS_BASELINE = "the dashed line is"
LENGTH, BEATS_N, PAIRS_N = "Length", "Beats", "Pairs"
NOT_ESTIMABLE = "not estimable"
NOT_COMPUTED = "not computed for these data"
LABELS = {
    "mean_hr_bpm": "HR",
    "rmssd_ms": "RMSSD",
    "sdnn_ms": "SDNN",
    "lf_ms2": "LF",
    "hf_ms2": "HF",
    "scl_us": "SCL",
    "scr_per_min": "NS-SCR",
    "scr_amplitude_us": "SCR amplitude",
}
PULSE_RATE_LABEL = "PR"
NO_PHASES = "No phases were marked: the values describe the whole session."
LENGTHS_DIFFER = "SDNN, LF and HF grow with length: compare them between phases of the same length only."
COUNTS = "Beats counts normal intervals, pairs the differences between two that follow each other."


def paced_kept_apart(words: HeartWords) -> str:
    return f"Paced phases are marked; {words.variability} in them is not held against unpaced phases."


def side_by_side(label: str, rows: Sequence[tuple[str, str]]) -> str:
    return f"{label}. " + "; ".join(f"{name}: {value}" for name, value in rows) + "."


SPECTRUM = "Rhythm spectrum"
DENSITY = "ms²/Hz"
FREQUENCY_HEAD = ("Band", "Power (ms²)")
SPECTRUM_NOTE = (
    "Slow paced breathing gathers power at the paced rate by itself; the two curves show what pacing does and are "
    "not a comparison of regulation."
)


def spectrum_description(curves: Sequence[tuple[str, float | None]]) -> str:
    told = [f"{name}: highest density at {number(peak, 3)} Hz" for name, peak in curves if peak is not None]
    return "; ".join(told) + "."


# Reactivity and recovery

CHANGE_CAPTION = "Change from baseline to challenge"
LEFT_CAPTION = "Share of the change left at the end of recovery"
CHANGE_HEAD = ("Measure", "Change", f"95{THIN}% interval", "Blocks", "Reading")
LEFT_HEAD = ("Measure", "After", "In", "Share left")
STANDS_OUT, NOT_DETECTABLE = "detectable change", "no detectable change"
REGULATION = {
    "mean_hr_bpm": "Heart rate",
    "ln_rmssd": "RMSSD",
    "ln_scl": "Skin conductance level",
    "scr_per_min": "NS-SCR rate",
}
NO_CHANGES = "No change is estimated."
NO_RECOVERY = "No recovery phase followed a challenge, so no share is estimated."
SHARE_NOTE = f"0{THIN}% means back at baseline, 100{THIN}% as high as during the challenge, less than 0{THIN}% beyond baseline."
LOG_NOTE = "Changes of RMSSD and of skin conductance level are ratios, given as percent."


def from_to(baseline: str, challenge: str) -> str:
    return f"{baseline} to {challenge}"


def rate_course_title(words: HeartWords) -> str:
    return words.rate_start


# How to read this


def reading(words: HeartWords) -> tuple[tuple[str, str], ...]:
    """Term and what it is and is not."""
    pulse = words is FROM_PULSE
    return (
        (
            words.rate_start,
            "Mean over usable beats. Effort, speech, posture, caffeine, fever, joy and worry all raise it.",
        ),
        (
            "RMSSD",
            f"How much successive intervals differ, a short-term part of {words.variability}. It is a proxy for the "
            "vagal influence on the heart, not a level of it; breathing rate and depth change it too.",
        ),
        ("SDNN", "Spread of all normal intervals. It grows with the length of a phase."),
        (
            "LF and HF",
            f"Power at 0.04{NDASH}0.15 and 0.15{NDASH}0.40 Hz. Slow breathing moves power into LF by itself. Their "
            "ratio is not a balance of two branches (Billman 2013) and is not shown.",
        ),
        (
            "SCL, NS-SCR, SCR amplitude",
            "Skin conductance level, spontaneous responses per minute, and their mean size. They follow sympathetic "
            "nerves of the sweat glands and are blind to whether arousal is pleasant. Sites and sensors are not "
            "comparable, and about one person in ten shows hardly any response.",
        ),
        (
            f"95{THIN}% interval",
            f"From the change between blocks of 30{THIN}s within this session. If it includes no change, none was "
            "detectable; that is not proof that there was none.",
        ),
        (
            "One session",
            "A person's RMSSD differs from day to day by some 12 to 35 percent without any reason to be found. Two "
            "single sessions set side by side can't show a change in most people.",
        ),
        (
            "Proxies",
            f"{capitalised(words.variability)} and skin conductance are weak proxies of arousal. Cortisol and other "
            "hormones are not measured, and no value here stands for them.",
        ),
        *(
            [
                (
                    "From the pulse",
                    "Intervals come from an optical pulse sensor. Pulse-rate variability is not the same as "
                    "heart-rate variability, least of all in motion (Schäfer & Vagedes 2013).",
                )
            ]
            if pulse
            else []
        ),
    )


NDASH = "\u2013"

# Methods

INPUT, UNITS, SHA256, SOFTWARE, SESSION = "Input", "Units", "Data (SHA-256)", "Software", "Session"
BEATS_METHOD, SPECTRUM_METHOD, SKIN_METHOD = "Beats", "Spectrum", "Skin conductance"
WINDOWS_METHOD, CHANGES_METHOD, VALUES_METHOD = "Windows", "Changes", "Values"
FINAL = "Final: computed after the session, with look-ahead; the live page's values are causal."
CORRECTION = {
    "exclude": (
        "Intervals labelled ectopic, missed, extra, too long or short (Lipponen & Tarvainen 2019) or outside 300 to "
        "2000 ms are excluded, never interpolated for time-domain values; differences never cross an excluded interval "
        "or a gap."
    ),
    "none": "No correction was asked for: all intervals above zero count as normal. Gaps are still never bridged.",
}
PSD = {
    "welch": "Welch 1967: Hann, segments of 300 s, half overlapping, intervals resampled at 4 Hz",
    "lomb": "Lomb 1976, Scargle 1982: intervals at their own times, segments of 300 s, half overlapping",
}
DETREND = {
    "none": "no trend removed",
    "linear": "linear trend removed",
    "smoothness_priors": "trend removed by smoothness priors (Tarvainen 2002)",
}
NO_SPECTRUM = "No spectrum was computed."


def spectrum_method(psd: str, detrend: str) -> str:
    return (
        f"{PSD.get(psd, psd)}; {DETREND.get(detrend, detrend)}; one method for the whole recording. "
        "LF 0.04–0.15 Hz, HF 0.15–0.40 Hz."
    )


def skin_method(threshold_us: float) -> str:
    return (
        f"Responses from trough to peak of at least {number(threshold_us, 2)} µS (Boucsein et al. 2012). Excluded: "
        "values outside the range of skin, slopes too steep for skin, and what lies near them (after Kleckner et al. "
        "2018)."
    )


def windows_method(window_s: float, step_s: float) -> str:
    return f"Sliding windows of {number(window_s)} s every {number(step_s)} s in the feature table."


CHANGES_TEXT = (
    "Differences of means over blocks of 30 s, errors widened for correlation from block to block, Student's t. Share "
    "left: the last two minutes of recovery, less baseline, over the change."
)
FLOORS = (
    "Values that a phase is too short or too incomplete for are left out, with the reason. Above 5 % excluded "
    "intervals no spectrum, above 20 % no variability is shown."
)

SOURCES_TEXT = (
    "Billman GE (2013). The LF/HF ratio does not accurately measure cardiac sympatho-vagal balance. Front Physiol 4:26.",
    "Boucsein W et al. (2012). Publication recommendations for electrodermal measurements. Psychophysiology 49:1017.",
    "Buchheit M (2014). Monitoring training status with HR measures. Front Physiol 5:73.",
    "Kleckner IR et al. (2018). Simple, transparent, and flexible automated quality assessment procedures for "
    "ambulatory electrodermal activity data. IEEE Trans Biomed Eng 65:1460.",
    "Lipponen JA, Tarvainen MP (2019). A robust algorithm for heart rate variability time series artefact correction "
    "using novel beat classification. J Med Eng Technol 43:173.",
    "Schäfer A, Vagedes J (2013). How accurate is pulse rate variability as an estimate of heart rate variability? "
    "Int J Cardiol 166:15.",
    "Task Force of the European Society of Cardiology and the North American Society of Pacing and Electrophysiology "
    "(1996). Heart rate variability. Circulation 93:1043.",
    "Welch PD (1967). The use of fast Fourier transform for the estimation of power spectra. IEEE Trans Audio "
    "Electroacoust 15:70.",
    "Scargle JD (1982). Studies in astronomical time series analysis II. Astrophys J 263:835.",
)
