"""The protocol engine: known courses by hand, and laws that hold whatever anybody does."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.guidance.engine import (
    Engine,
    Entered,
    Extended,
    Finished,
    Paused,
    Restarted,
    Resumed,
    Skipped,
    Turn,
)
from pipeline.guidance.protocol import Protocol, Step
from pipeline.model import PhaseKind

SETTLE = Step("Settle", PhaseKind.SETTLE, 60, "Settle.")
BASELINE = Step("Baseline", PhaseKind.BASELINE, 180, "Sit.")
CHALLENGE = Step("Challenge", PhaseKind.STRESSOR, 120, "Count.")
REST = Step("Rest", PhaseKind.RECOVERY, None, "Rest.")


def _protocol(*steps: Step) -> Protocol:
    return Protocol("p", "P", "A protocol.", "You can stop or skip any task.", steps)


def _engine(*steps: Step, begun_s: float | None = 10.0) -> Engine:
    engine = Engine(_protocol(*(steps or (SETTLE, BASELINE, CHALLENGE, REST))))
    if begun_s is not None:
        engine.begin(begun_s)
    return engine


def _state(engine: Engine, now_s: float) -> tuple[object, ...]:
    return (engine.index, engine.paused, engine.due_s, engine.left_s(now_s), engine.durations_s)


def test_time_alone_leads_through_the_steps() -> None:
    engine = _engine(SETTLE, BASELINE, begun_s=None)
    turns = [
        engine.begin(10),
        engine.advance(69.9),
        engine.advance(70),
        engine.advance(250),
        engine.advance(999),
    ]
    assert turns == [
        [Entered(10, SETTLE, 0, 1)],
        [],
        [Entered(70, BASELINE, 1, 1)],
        [Finished(250, stopped=False)],
        [],
    ]


def test_before_and_after_there_is_no_step() -> None:
    engine = _engine(begun_s=None)
    assert (engine.step, engine.begun, engine.finished, engine.advance(5)) == (None, False, False, [])
    assert (engine.due_s, engine.spent_s(5), engine.left_s(5), engine.step_ends_s(5)) == (None,) * 4
    engine.begin(6)
    assert (engine.step, engine.begun, engine.step_began_s) == (SETTLE, True, 6)
    engine.stop(7)
    assert (engine.step, engine.index, engine.step_began_s, engine.finished) == (None, None, None, True)
    assert (engine.due_s, engine.spent_s(8), engine.left_s(8), engine.step_ends_s(8)) == (None,) * 4


def test_called_late_the_next_step_begins_late_and_none_is_missed() -> None:
    engine = _engine()
    assert engine.advance(500) == [Entered(500, BASELINE, 1, 1)]
    assert engine.due_s == 680


def test_paused_time_does_not_count() -> None:
    engine = _engine()
    assert engine.pause(30) == [Paused(30, SETTLE)]
    assert (engine.due_s, engine.left_s(30), engine.left_s(95), engine.step_ends_s(95)) == (None, 40, 40, 135)
    assert engine.advance(500) == []
    assert engine.resume(530) == [Resumed(530, SETTLE, 500)]
    assert (engine.due_s, engine.spent_s(535), engine.left_s(535), engine.step_ends_s(535)) == (
        570,
        25,
        35,
        570,
    )


def test_a_step_is_extended_also_in_a_pause() -> None:
    engine = _engine()
    assert engine.extend(20, 60) == [Extended(20, SETTLE, 60, 120)]
    engine.pause(40)
    assert engine.extend(50, 30) == [Extended(50, SETTLE, 30, 150)]
    assert (engine.paused, engine.left_s(60), engine.durations_s) == (True, 120, (150, 180, 120, None))
    engine.resume(60)
    assert engine.due_s == 10 + 150 + 20


def test_a_step_is_shortened_to_what_has_been_spent_and_ends_then() -> None:
    engine = _engine()
    assert engine.extend(30, -3600) == [Extended(30, SETTLE, -40, 20)]
    assert engine.left_s(30) == 0
    assert engine.extend(30, -1) == []
    assert engine.advance(30) == [Entered(30, BASELINE, 1, 1)]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), float("-inf"), 86400.0])
def test_a_step_is_not_made_endless(seconds: float) -> None:
    engine = _engine()
    with pytest.raises(UsageError, match="24 hours"):
        engine.extend(20, seconds)
    assert engine.durations_s[0] == 60


def test_a_step_left_before_its_end_is_skipped() -> None:
    engine = _engine()
    assert engine.next_step(25) == [Skipped(25, SETTLE, 45), Entered(25, BASELINE, 1, 1)]


def test_the_next_step_in_a_pause_goes_on_first() -> None:
    engine = _engine()
    engine.pause(25)
    assert engine.next_step(40) == [
        Resumed(40, SETTLE, 15),
        Skipped(40, SETTLE, 45),
        Entered(40, BASELINE, 1, 1),
    ]
    assert engine.due_s == 220


def test_an_open_ended_step_is_left_not_skipped_and_has_no_end() -> None:
    engine = _engine(REST, SETTLE)
    assert (engine.due_s, engine.left_s(99), engine.step_ends_s(99), engine.spent_s(99)) == (
        None,
        None,
        None,
        89,
    )
    with pytest.raises(UsageError, match="no end to move"):
        engine.extend(99, 60)
    assert engine.next_step(100) == [Entered(100, SETTLE, 1, 1)]
    assert engine.next_step(101) == [Skipped(101, SETTLE, 59), Finished(101, stopped=False)]


def test_a_stop_is_recorded_as_one_also_in_a_pause() -> None:
    engine = _engine()
    engine.pause(20)
    assert engine.stop(30) == [Finished(30, stopped=True)]
    assert not engine.paused


def test_what_is_stopped_before_it_began_is_over() -> None:
    engine = _engine(begun_s=None)
    assert engine.stop(3) == [Finished(3, stopped=True)]
    with pytest.raises(UsageError, match="begun already"):
        engine.begin(4)


def test_the_baseline_begins_again_from_a_later_step_with_all_that_follows() -> None:
    engine = _engine()
    engine.advance(70)
    engine.extend(80, 30)
    engine.advance(280)
    engine.extend(290, 60)
    engine.pause(300)
    assert engine.restart_baseline(310) == [
        Resumed(310, CHALLENGE, 10),
        Restarted(310, BASELINE, left=CHALLENGE, abandoned=1),
        Entered(310, BASELINE, 1, 2),
    ]
    assert (engine.durations_s, engine.due_s, engine.paused) == ((60, 180, 120, None), 490, False)
    assert engine.restart_baseline(400) == [
        Restarted(400, BASELINE, left=BASELINE, abandoned=2),
        Entered(400, BASELINE, 1, 3),
    ]
    assert engine.advance(580) == [Entered(580, CHALLENGE, 2, 2)]


def test_of_two_baselines_the_first_is_restarted() -> None:
    again = Step("Baseline 2", PhaseKind.BASELINE, 60, "Sit.")
    engine = _engine(BASELINE, again)
    engine.next_step(20)
    assert engine.restart_baseline(30)[-1] == Entered(30, BASELINE, 0, 2)


def test_a_time_before_the_last_counts_as_the_last() -> None:
    engine = _engine()
    engine.pause(50)
    assert engine.resume(40) == [Resumed(50, SETTLE, 0)]
    assert engine.next_step(45) == [Skipped(50, SETTLE, 20), Entered(50, BASELINE, 1, 1)]
    assert engine.left_s(30) == 180


def _over(engine: Engine) -> None:
    engine.stop(20)


@pytest.mark.parametrize(
    ("prepare", "do", "why"),
    [
        (None, lambda e: e.pause(1), "has not begun"),
        (None, lambda e: e.resume(1), "has not begun"),
        (None, lambda e: e.extend(1, 60), "has not begun"),
        (None, lambda e: e.next_step(1), "has not begun"),
        (None, lambda e: e.restart_baseline(1), "has not begun"),
        (lambda e: e.begin(0), lambda e: e.begin(1), "begun already"),
        (lambda e: e.begin(0), lambda e: e.resume(1), "not paused"),
        (lambda e: e.begin(0), lambda e: e.restart_baseline(1), "nothing to restart yet"),
        (lambda e: (e.begin(0), e.pause(1)), lambda e: e.pause(2), "paused already"),
        (_over, lambda e: e.begin(30), "begun already"),
        (_over, lambda e: e.pause(30), "is over"),
        (_over, lambda e: e.resume(30), "is over"),
        (_over, lambda e: e.extend(30, 60), "is over"),
        (_over, lambda e: e.next_step(30), "is over"),
        (_over, lambda e: e.restart_baseline(30), "is over"),
        (_over, lambda e: e.stop(30), "over already"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    prepare: Callable[[Engine], object] | None, do: Callable[[Engine], object], why: str
) -> None:
    engine = _engine(begun_s=None)
    if prepare:
        prepare(engine)
    before = _state(engine, 40)
    with pytest.raises(UsageError, match=why):
        do(engine)
    assert _state(engine, 40) == before


def test_a_protocol_without_a_baseline_has_none_to_restart() -> None:
    with pytest.raises(UsageError, match="no baseline"):
        _engine(SETTLE).restart_baseline(20)


# Whatever is done, in whatever order: multiples of 1/8 s, so that sums are exact.

_ACTIONS = ("advance", "pause", "resume", "extend", "next_step", "restart_baseline", "stop")
_EIGHTHS = st.integers(0, 2400).map(lambda n: n / 8)
_STEPS = st.lists(
    st.tuples(st.sampled_from([k for k in PhaseKind if k is not PhaseKind.REFERENCE]), st.none() | _EIGHTHS),
    min_size=1,
    max_size=6,
)
_DOINGS = st.lists(
    st.tuples(st.sampled_from(_ACTIONS), _EIGHTHS, st.integers(-2400, 2400).map(lambda n: n / 8)),
    max_size=40,
)


@dataclass(frozen=True)
class _Course:
    """A random passage: the turns of each moment, and the engine at its end."""

    engine: Engine
    turns: list[Turn]
    end_s: float


def _passage(steps: list[tuple[PhaseKind, float | None]], doings: list[tuple[str, float, float]]) -> _Course:
    protocol = _protocol(*(Step(f"{n}", kind, duration_s, "") for n, (kind, duration_s) in enumerate(steps)))
    engine, now_s = Engine(protocol), 4.0
    turns = engine.begin(now_s)
    for action, later_s, seconds in doings:
        now_s += later_s
        before = _state(engine, now_s)
        try:
            turns += engine.extend(now_s, seconds) if action == "extend" else getattr(engine, action)(now_s)
        except UsageError:
            assert _state(engine, now_s) == before
        _check_state(engine, now_s)
    return _Course(engine, turns, now_s)


def _check_state(engine: Engine, now_s: float) -> None:
    left_s, ends_s = engine.left_s(now_s), engine.step_ends_s(now_s)
    assert (engine.step is None) == (engine.finished or not engine.begun)
    assert (left_s is None) == (ends_s is None)
    assert left_s is None or left_s >= 0
    assert engine.due_s is None or engine.due_s == ends_s
    assert not (engine.paused and engine.due_s is not None)
    if engine.paused and left_s is not None:
        assert engine.left_s(now_s + 1000) == left_s
    if left_s is not None and engine.index is not None and engine.durations_s[engine.index] is not None:
        spent_s, duration_s = engine.spent_s(now_s), engine.durations_s[engine.index]
        assert spent_s is not None
        assert duration_s is not None
        assert left_s == max(0.0, duration_s - spent_s)


def _visits(turns: list[Turn], end_s: float) -> list[tuple[float, float | None, list[Turn]]]:
    """Of each stay in a step: the time in it without pauses, how long it lasts as extended, and its turns."""
    visits = []
    starts = [row for row, turn in enumerate(turns) if isinstance(turn, Entered)]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        entered, inside = turns[start], turns[start + 1 : following]
        left_s = turns[following].time_s if following is not None else end_s
        duration_s = entered.step.duration_s if isinstance(entered, Entered) else None
        paused_s, since_s = 0.0, None
        for turn in inside:
            match turn:
                case Paused(time_s=time_s):
                    since_s = time_s
                case Resumed():
                    paused_s, since_s = paused_s + turn.paused_s, None
                case Extended():
                    duration_s = turn.duration_s
                case Finished(time_s=time_s):
                    left_s = time_s
        paused_s += left_s - since_s if since_s is not None else 0.0
        visits.append((left_s - entered.time_s - paused_s, duration_s, inside))
    return visits


@given(_STEPS, _DOINGS)
@settings(deadline=None)
def test_time_in_steps_is_the_time_that_was_not_paused(
    steps: list[tuple[PhaseKind, float | None]], doings: list[tuple[str, float, float]]
) -> None:
    course = _passage(steps, doings)
    visits = _visits(course.turns, course.end_s)
    for spent_s, duration_s, inside in visits[:-1]:  # left for another step
        skipped = [turn.left_s for turn in inside if isinstance(turn, Skipped)]
        if skipped:
            assert duration_s == spent_s + skipped[0]
        elif duration_s is not None and not any(isinstance(turn, Restarted) for turn in inside):
            assert spent_s >= duration_s
    if not course.engine.finished:
        assert visits[-1][:2] == (
            course.engine.spent_s(course.end_s),
            course.engine.durations_s[course.engine.index or 0],
        )


@given(_STEPS, _DOINGS)
@settings(deadline=None)
def test_steps_come_in_order_and_only_a_restart_goes_back(
    steps: list[tuple[PhaseKind, float | None]], doings: list[tuple[str, float, float]]
) -> None:
    turns = _passage(steps, doings).turns
    at, parts = -1, [0] * len(steps)
    baselines = [n for n, (kind, _) in enumerate(steps) if kind is PhaseKind.BASELINE]
    for before, turn in zip([None, *turns], turns, strict=False):
        if isinstance(turn, Restarted):
            assert (turn.step.name, turn.left.name) == (str(baselines[0]), str(at))
            assert turn.abandoned == parts[baselines[0]]
        if isinstance(turn, Entered):
            assert turn.index == (baselines[0] if isinstance(before, Restarted) else at + 1)
            at, parts[turn.index] = turn.index, parts[turn.index] + 1
            assert turn.part == parts[turn.index]
    assert [t.time_s for t in turns] == sorted(t.time_s for t in turns)
    assert [isinstance(t, Finished) for t in turns].count(True) <= 1
    assert not any(isinstance(t, Finished) for t in turns[:-1])


@given(_STEPS, _DOINGS)
@settings(deadline=None)
def test_the_turns_tell_the_whole_story(
    steps: list[tuple[PhaseKind, float | None]], doings: list[tuple[str, float, float]]
) -> None:
    """From what is journalled one can say which step it is, how long it lasts and whether it stands still."""
    course = _passage(steps, doings)
    index: int | None = None
    durations_s: list[float | None] = []
    paused = False
    for turn in course.turns:
        match turn:
            case Entered():
                index = turn.index
                durations_s[index:] = [duration_s for _, duration_s in steps[index:]]
            case Extended(by_s=by_s, duration_s=duration_s):
                assert index is not None
                assert durations_s[index] is not None
                assert duration_s == (durations_s[index] or 0.0) + by_s
                durations_s[index] = duration_s
            case Paused() | Resumed():
                assert paused == isinstance(turn, Resumed)
                paused = not paused
            case Finished():
                index, paused = None, False
            case Skipped(left_s=left_s):
                assert left_s > 0
    assert (index, tuple(durations_s), paused) == (
        course.engine.index,
        course.engine.durations_s,
        course.engine.paused,
    )
