from dataclasses import replace

import pytest

from pipeline.analysis import analyse
from pipeline.claims.claim import Audience
from pipeline.claims.progress import progress_claims
from pipeline.model import Rating
from pipeline.progress.progress import Progress, progress
from pipeline.progress.sessions import Distress, SessionValues, Value
from pipeline.report.context import Context
from pipeline.report.since_last import report_claims, since_last, verdict_claims
from tests.pipeline.report.known import before
from tests.pipeline.report.progressions import sessions
from tests.pipeline.report.recordings import recording

NOW = replace(
    before(28),
    rest={
        "mean_hr_bpm": Value(68.4),
        "ln_rmssd": Value(3.7),
        "ln_scl": Value(None, reason="too little usable signal"),
        "scr_per_min": Value(2.0),
    },
    distress=Distress(4.0, 2.0, 2),
)


def _cells(*earlier: SessionValues) -> list[tuple[str, str, str | None]]:
    table = since_last(NOW, earlier).table
    assert table is not None
    [row] = table.groups[0].rows
    plain = [(cell.text, cell.detail, cell.reason) for cell in row.cells]
    return [(text.replace("\u202f", " "), detail.replace("\u202f", " "), why) for text, detail, why in plain]


def test_one_row_beside_the_session_before() -> None:
    assert _cells(before(10), before(24)) == [
        ("70.0 → 68.4", "−1.6 bpm", None),
        ("33 → 40", "+22 %", None),
        ("–", "", "too little usable signal"),
        ("3.0 → 2.0", "−1.0 per min", None),
        ("3 → 2", "", None),
    ]


def test_the_first_session_has_nothing_to_stand_beside() -> None:
    told = since_last(NOW, ())
    assert (told.table, told.nothing[:24]) == (None, "There is no earlier sess")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        pytest.param({"device": "another strap"}, [0, 1], id="another strap"),
        pytest.param({"beat_source": "pp"}, [0, 1], id="pulse"),
        pytest.param({"eda_site": "wrist"}, [2, 3], id="another site"),
        pytest.param({"distress": Distress()}, [2, 4], id="not rated"),
        pytest.param({"rest": {}}, [0, 1, 2, 3], id="no rest"),
    ],
)
def test_what_is_not_alike_is_not_held_against_it(change: dict[str, object], missing: list[int]) -> None:
    cells = _cells(replace(before(24), **change))  # type: ignore[arg-type]
    assert [place for place, (text, _, _) in enumerate(cells) if text == "–"] == sorted({2, *missing})
    assert all(why for text, _, why in cells if text == "–")


def test_a_simulated_session_is_passed_over() -> None:
    assert _cells(before(10), replace(before(24), simulated=True)) == _cells(before(10))


def test_no_verdict_is_in_it() -> None:
    words = str(since_last(NOW, (before(24),))).lower()
    assert not [never for never in ("reliab", "improv", "better", "worse", "progress") if never in words]


def test_below_it_stands_what_the_progress_report_says() -> None:
    so_far = progress(sessions(11, effect=1.0))
    told = verdict_claims(so_far, sessions(11)[-1].session_id)
    assert told == (
        progress_claims(so_far).find("verdict.ln_rmssd"),
        progress_claims(so_far).find("client.verdict.ln_rmssd"),
    )
    assert since_last(NOW, (before(24),), told[:1]).verdicts == (told[0].text,)
    assert since_last(NOW, (), told[:1]).verdicts == (told[0].text,)


@pytest.mark.parametrize(("count", "baselines"), [(1, 0), (3, 2), (10, 9)])
def test_before_a_first_look_the_clinician_reads_how_far_it_is_and_the_client_nothing(
    count: int, baselines: int
) -> None:
    every = sessions(count)
    told = verdict_claims(progress(every), every[-1].session_id)
    said = f"Progress: too early to say ({baselines} of 10 baselines)."
    assert [(each.text, each.audience) for each in told] == [(said, Audience.CLINICIAN)]
    assert since_last(NOW, (), (*told, *told)).verdicts == (said,)


@pytest.mark.parametrize("so_far", [None, progress(sessions(11))], ids=["not looked at", "not counted"])
def test_nothing_of_a_session_that_does_not_count(so_far: Progress | None) -> None:
    assert verdict_claims(so_far, "another") == ()


@pytest.mark.parametrize(("distress", "told"), [(2.0, 1), (9.0, 0)], ids=["as usual", "hard"])
def test_after_a_hard_session_the_client_is_told_no_verdict(distress: float, told: int) -> None:
    every = sessions(11, effect=1.0)
    analysis = analyse(
        replace(recording(ratings=(Rating(5.0, "distress", distress),)), recording_id=every[-1].session_id)
    )
    claims = report_claims(analysis, Context(progress=progress(every)))
    assert len(claims.about("client.verdict")) == told
    assert len(claims.about("verdict")) == 1
