"""What the section on resonance says: a part of `pipeline.report.wording`, by the same rules."""

from __future__ import annotations

from pipeline.breathing.pacing import Basis
from pipeline.guidance.resonance_criteria import Criterion
from pipeline.report.figures import THIN

TITLE = "Resonance today"

# Verdicts

AGREED = "{count} of {counting} criteria that tell the rates apart agree on {rate} breaths a minute today."
ALIKE = "{rates} a minute cannot be told apart from it today."
NONE_STANDS_OUT = "No rate stands out today: {reason}."
LARGEST_ALIKE = "Heart rate moved most at {rates} a minute, which cannot be told apart."
NOT_ASSESSED = "Resonance could not be assessed: {reason}. This is not something the person did."
CRITERION_NOT_ASSESSED = "{criterion} is not assessed: {reason}"
ON_DAY = "This is the result of {day}."
THIS_DAY = "This is the result of one day."
RETEST = "Two of three people had another rate at retest (Capdevila 2021): re-check before relying on it."
UNKNOWN = "not known"

# Tables

BY_RATE = "Movement of heart rate at each rate"
BY_RATE_HEAD = (
    ("Rate", "per min"),
    ("Peak to trough", "bpm"),
    (f"95{THIN}% interval", "bpm"),
    ("Breaths", ""),
    ("Criteria that agree", ""),
    ("Pacer", ""),
    ("Reading", ""),
)
FOLLOWED = {
    Basis.BREATHING: "{outcome} (breathing)",
    Basis.HEART_RHYTHM: "{outcome} (heart rhythm)",
    Basis.NONE: "{outcome}",
}
BEST, NOT_USED, NOT_COMPARED = "most criteria agree", "not used", "not compared"
NOT_TOLD_APART, LOWER = "not told apart from {rate}", "lower than at {rate}"
AMONG_LARGEST, BELOW_LARGEST = "not told apart", "lower than the largest"
AGREEMENT = "What each criterion says"
CRITERION, PER_MIN, RANKS_BEST, ALL_ALIKE = "Criterion", "per min", "Ranks best", "all alike"
NAMES = {
    Criterion.SYNCHRONY: "Heart rate in step with breathing",
    Criterion.AMPLITUDE: "Peak to trough",
    Criterion.LF_POWER: "LF power",
    Criterion.LF_PEAK: "LF peak height",
    Criterion.SMOOTHNESS: "Smoothness",
    Criterion.LF_PEAKS: "LF peaks",
}
DETAILS = {
    Criterion.SYNCHRONY: "1 rises and falls together, 0 a quarter of a breath apart",
    Criterion.AMPLITUDE: "bpm, mean of breaths",
    Criterion.LF_POWER: "ms²",
    Criterion.LF_PEAK: "1000 ms²/Hz",
    Criterion.SMOOTHNESS: "0 to 1",
    Criterion.LF_PEAKS: "fewest is best",
}

# Under the tables

COUNTED = (
    "The six criteria of Shaffer & Meehan (2020), in their order. There are no published weights, so they "
    "are counted; peak to trough, LF power and LF peak height say much the same. One counts where it is "
    "known at every rate and not all tie. A rate is named if more than half of those that count agree on "
    "it, half of the other rates have a reliably lower peak to trough, and the rest lie beside it."
)
INTERVALS = (
    f"The first 30{THIN}s at each rate are left out. Intervals come from breath to breath; slow change "
    "during the session, and the order of the rates, are not in them."
)
SYNCHRONY_NEEDS = (
    "Whether heart rate is in step with breathing needs a belt or a chest sensor: the pacer is not one."
)
PACING_ITSELF = (
    "Large movement at a slow rate is what slow breathing does: it is not a measure of health, and a larger "
    "one is not better regulation."
)
