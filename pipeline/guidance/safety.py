"""What keeps practice safe: the pacer's limits, when distress is a concern, and what is said when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import UsageError
from pipeline.floors import HRV_MAX_CORRECTED_PCT
from pipeline.heart.beats import Beats
from pipeline.model import Pacer

SLOWEST_BPM = 4.5
FASTEST_BPM = 20.0
SHORTEST_SHARE, LONGEST_SHARE = 0.2, 0.6  # of a breath, to breathe in

HIGH_DISTRESS = 8.0
RISE_OF_DISTRESS = 3.0
MOST_DISTRESS = 10.0

LATELY_S = 120.0
FEWEST_BEATS = 30

OPENING = "You can stop or skip any task."
PACER = "Smaller and softer, not deeper."
PACER_OFF = "The pacer is off. Breathe as you usually do, easily and not deeply."
HOME = "Nobody is watching this session. Not for emergencies."
UNWELL_BUTTON = "Dizzy, tingling or short of breath"
UNUSABLE_BEATS = (
    "Many of the latest beats are unusable: heart variability is not shown. "
    "This is often the sensor and is not a diagnosis. "
    "Chest pain, fainting or breathlessness: seek urgent help now."
)
GROUNDING = "five-senses"  # the strategy that is offered when distress is high


class ConcernKind(StrEnum):
    """Why practice stops and a person is asked."""

    DISTRESS = "distress"
    UNWELL = "unwell"


@dataclass(frozen=True, slots=True)
class Concern:
    """A reason to stop feedback and pacer, and what is said to the person."""

    kind: ConcernKind
    text: str


UNWELL = Concern(
    ConcernKind.UNWELL,
    "The pacer has stopped. Breathe as you usually do, easily and not deeply. "
    "Dizziness and tingling often come from breathing more than you need, and mostly pass in a few minutes. "
    "Stay seated. Chest pain, fainting, or breathlessness that lasts: seek urgent help now.",
)
_HIGH = Concern(
    ConcernKind.DISTRESS,
    "That is a lot to feel. Feedback and the pacer have stopped. Keep your eyes open, feel your feet on the "
    "floor, and look around. What would help now? You can go on, or stop here. Both are fine.",
)
_RISEN = Concern(
    ConcernKind.DISTRESS,
    "This is harder than when you began. Feedback and the pacer have stopped. Keep your eyes open, feel your "
    "feet on the floor, and look around. What would help now? You can go on, or stop here. Both are fine.",
)


class DistressWatch:
    """Ratings of distress, 0 to 10, in one session: 8 or more, or 3 above the first, is a concern."""

    def __init__(self) -> None:
        self._first: float | None = None

    def rated(self, value: float) -> Concern | None:
        """A concern that this rating raises; UsageError if it is not one from 0 to 10."""
        if not 0 <= value <= MOST_DISTRESS:
            raise UsageError(f"distress is rated from 0 to 10, not {value:g}")
        if self._first is None:
            self._first = value
        if value >= HIGH_DISTRESS:
            return _HIGH
        return _RISEN if value - self._first >= RISE_OF_DISTRESS else None


def checked_pacer(breaths_per_min: float, inhale_share: float = 0.4) -> Pacer:
    """A pacer set by hand, whose rate and ratio a person can breathe along with; else UsageError."""
    if not SLOWEST_BPM <= breaths_per_min <= FASTEST_BPM:
        raise UsageError(f"breaths a minute: choose from {SLOWEST_BPM:g} to {FASTEST_BPM:g}")
    if not SHORTEST_SHARE <= inhale_share <= LONGEST_SHARE:
        raise UsageError(f"inhale share: choose from {SHORTEST_SHARE:g} to {LONGEST_SHARE:g}")
    return Pacer(float(breaths_per_min), float(inhale_share))


def many_unusable(beats: Beats, now_s: float) -> bool:
    """Whether so many of the last two minutes' beats are unusable that variability is not shown.

    More than one in five, as in a report; what a person marked does not count, nor do a few beats alone.
    """
    lately = beats.between(now_s - LATELY_S, now_s)
    return int((~lately.excluded).sum()) >= FEWEST_BEATS and lately.corrected_pct > HRV_MAX_CORRECTED_PCT


@dataclass(frozen=True, slots=True)
class Question:
    """A question before a first session, and what a yes changes, as it is said to the person.

    `heart_with_care`, `skin_with_care`: these values cannot be read as usual. `gently`: paced practice is
    shorter, after a word with the practitioner.
    """

    id: str
    text: str
    advice: str
    heart_with_care: bool = False
    skin_with_care: bool = False
    gently: bool = False

    @property
    def asked(self) -> dict[str, str]:
        """The question as a page asks it, with what it says to a yes."""
        return {"id": self.id, "text": self.text, "advice": self.advice}


_GENTLY = "Practise for 3 to 5 minutes, slower but not deeper, and talk to your practitioner first."

# The ids are what a session's conditions are called: pipeline.indices.components.heart_note reads them.
QUESTIONS = (
    Question(
        "pacemaker",
        "Do you have a pacemaker or another implanted heart device?",
        "A pacemaker sets part of the heart's rhythm: heart values are left out of the arousal index and "
        "read with care. Ask your cardiology clinic before you wear a chest strap.",
        heart_with_care=True,
    ),
    Question(
        "arrhythmia",
        "Have you been told that your heartbeat is irregular?",
        "With an irregular heartbeat, heart variability cannot be read as usual: look at it with care.",
        heart_with_care=True,
    ),
    Question(
        "beta-blocker",
        "Do you take a beta-blocker?",
        "A beta-blocker steadies the heart: heart values are left out of the arousal index and read with "
        "care. Take it as prescribed.",
        heart_with_care=True,
    ),
    Question(
        "anticholinergic",
        "Do you take a medicine that can make your mouth dry, such as an anticholinergic?",
        "Such medicines can lessen sweating and quicken the heart: skin and heart values are read with care. "
        "Take them as prescribed.",
        heart_with_care=True,
        skin_with_care=True,
    ),
    Question("pregnancy", "Are you pregnant?", _GENTLY, gently=True),
    Question(
        "epilepsy",
        "Do you have epilepsy, or have you had a seizure?",
        f"Breathing too much can set off a seizure in some people. {_GENTLY}",
        gently=True,
    ),
    Question(
        "asthma-or-copd",
        "Do you have asthma or COPD?",
        f"{_GENTLY} Keep your inhaler at hand.",
        gently=True,
    ),
    Question(
        "panic-or-trauma",
        "Have you had panic attacks, or something very frightening that still comes back?",
        f"Attending to breath and body can bring anxiety. Keep your eyes open; leave at any time. {_GENTLY}",
        gently=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Screened:
    """What the answers before a first session change.

    `conditions` is what the session stores: "yes" or "no" by the question's id, where answered.
    """

    answers: Mapping[str, bool]
    conditions: Mapping[str, str]
    advice: tuple[str, ...]
    heart_with_care: bool
    skin_with_care: bool
    gently: bool


def screened_before(answers: Mapping[str, bool]) -> Screened:
    """What answers of an earlier day change, by the questions that are still asked."""
    ids = {question.id for question in QUESTIONS}
    return screened({name: said for name, said in answers.items() if name in ids})


def screened(answers: Mapping[str, bool]) -> Screened:
    """What these answers, by a question's id, change; UsageError for a question that is not asked."""
    ids = [question.id for question in QUESTIONS]
    if unknown := next((each for each in answers if each not in ids), None):
        raise UsageError(f"no question {unknown!r}: there are {', '.join(ids)}")
    yes = [question for question in QUESTIONS if answers.get(question.id)]
    return Screened(
        answers=dict(answers),
        conditions={each: "yes" if answers[each] else "no" for each in ids if each in answers},
        advice=tuple(dict.fromkeys(question.advice for question in yes)),
        heart_with_care=any(question.heart_with_care for question in yes),
        skin_with_care=any(question.skin_with_care for question in yes),
        gently=any(question.gently for question in yes),
    )
