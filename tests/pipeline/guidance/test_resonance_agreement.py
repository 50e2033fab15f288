import pytest

from pipeline.guidance.resonance_agreement import NO_DIFFERENCE, Agreement, agreement, leader
from pipeline.guidance.resonance_criteria import Criterion, Measured

RATES = (6.0, 5.5, 5.0)


def _one(criterion: Criterion, *values: float | None) -> Agreement:
    by_rate = zip(RATES, values, strict=True)
    return agreement(
        {rate: (Measured(criterion, value, None if value is not None else "why"),) for rate, value in by_rate}
    )[0]


@pytest.mark.parametrize(
    ("criterion", "values", "best", "reason"),
    [
        (Criterion.AMPLITUDE, (10.0, 12.0, 8.0), (5.5,), None),
        (Criterion.AMPLITUDE, (11.5, 12.0, 8.0), (6.0, 5.5), None),
        (Criterion.AMPLITUDE, (11.9, 12.0, 11.8), RATES, NO_DIFFERENCE),
        (Criterion.LF_POWER, (950.0, 1000.0, 800.0), (6.0, 5.5), None),
        (Criterion.LF_PEAKS, (2.0, 1.0, 1.0), (5.5, 5.0), None),
        (Criterion.LF_PEAKS, (1.0, 1.0, 1.0), RATES, NO_DIFFERENCE),
        (Criterion.SYNCHRONY, (-0.2, 0.3, 0.1), (5.5,), None),
        (Criterion.SYNCHRONY, (0.9, None, 0.1), (), "not known for every rate"),
        (Criterion.SYNCHRONY, (None, None, None), (), "why"),
    ],
    ids=lambda value: str(value) if isinstance(value, Criterion) else None,
)
def test_each_criterion_names_its_best(
    criterion: Criterion, values: tuple[float | None, ...], best: tuple[float, ...], reason: str | None
) -> None:
    assert _one(criterion, *values) == Agreement(criterion, best, reason)


def _ranked(*best: tuple[float, ...]) -> tuple[Agreement, ...]:
    return tuple(
        Agreement(criterion, each, None if each else "why")
        for criterion, each in zip(Criterion, best, strict=False)
    )


@pytest.mark.parametrize(
    ("best", "rate", "reason"),
    [
        (((5.5,), (5.5,), (6.0,)), 5.5, None),
        (((5.5, 6.0), (5.5,), (6.0,)), None, "as many criteria rank 5.5 and 6 a minute best"),
        (((5.5,), (6.0,)), None, "as many criteria rank 5.5 and 6 a minute best"),
        (((5.5,), (5.5,), (6.0,), (5.0,)), None, "at most 2 of 4 criteria agree on a rate"),
        (((5.5,), (), ()), 5.5, None),
        (((), ()), None, "no criterion tells the rates apart"),
    ],
    ids=["two of three", "a tie shared", "one each", "half", "one counts", "none counts"],
)
def test_the_leader_has_more_than_half_and_nobody_beside(
    best: tuple[tuple[float, ...], ...], rate: float | None, reason: str | None
) -> None:
    ranked = _ranked(*best)
    agreeing = {each: sum(each in one.best_bpm for one in ranked) for each in RATES}
    assert leader(agreeing, ranked) == (rate, reason)
