from dataclasses import replace
from datetime import UTC, datetime

from pipeline.diary import Diary
from pipeline.entries import Adverse, Outcome, Scale
from pipeline.model import Marker
from pipeline.profile import Profile
from pipeline.report.context import Context
from pipeline.report.entered import entered, notices
from pipeline.report.tables import Table
from tests.pipeline.report.known import DIARY, before, known
from tests.pipeline.report.recordings import recording


def _rows(table: Table | None) -> list[list[str]]:
    assert table is not None
    return [
        [row.head, *(f"{cell.text} {cell.detail}".strip() for cell in row.cells)]
        for group in table.groups
        for row in group.rows
    ]


def test_practice_planned_beside_what_was_recorded() -> None:
    assert _rows(entered(recording(), known()).practice) == [
        ["Planned a week", "5", "50", "Slow, soft breathing"],
        ["7 days before this session", "1", "5", "Slow, soft breathing"],
        ["7 days before those", "0", "0", "none recorded"],
    ]


def test_without_plan_and_practice_there_is_no_table() -> None:
    assert entered(recording(), Context()).practice is None


def test_outcomes_as_they_were_entered() -> None:
    assert _rows(entered(recording(), known()).outcomes) == [
        ["PSS", "19 22 February 2026", "24 1 February 2026", "24 1 February 2026"],
        ["PHQ-9", "9 20 February 2026, item 9: 1", "–", "9 20 February 2026, item 9: 1"],
        ["Take the bus", "4 22 February 2026", "–", "4 22 February 2026"],
    ]


def test_the_week() -> None:
    assert _rows(entered(recording(), known()).week) == [
        ["Week of 16 February 2026", "3", "2", "–", "–", "5"]
    ]


def test_what_was_entered_after_the_session_is_of_another_one() -> None:
    early = recording(started_at=datetime(2026, 2, 2, tzinfo=UTC))
    told = entered(early, known(earlier=()))
    assert [row[0] for row in _rows(told.outcomes)] == ["PSS"]
    assert (told.week, told.adverse) == (None, None)


def test_item_9_is_told_whatever_day_it_was_entered() -> None:
    early = recording(started_at=datetime(2026, 2, 2, tzinfo=UTC))
    [notice] = entered(early, known()).notices
    assert "20 February 2026" in notice
    assert "0800 111 0 111" in notice


def test_a_later_phq_9_without_it_ends_the_notice() -> None:
    later = Outcome(day="2026-02-27", by="Dr T", scale=Scale.PHQ_9, value=5, item_9=0)
    assert notices(known(diary=replace(DIARY, outcomes=(*DIARY.outcomes, later)))) == ()


def test_what_could_not_be_read_is_told() -> None:
    context = known(diary=Diary(trouble="diary: 1 line cannot be read"), troubles=("clinic.toml: broken",))
    assert notices(context) == ("clinic.toml: broken", "diary: 1 line cannot be read")


def test_unwanted_experiences_of_the_session_and_since_the_last() -> None:
    stopped = recording(markers=(Marker(300.0, "safety", "unwell"), Marker(10.0, "note", "x")))
    of_it = Adverse(day="2026-01-01", by="Dr T", text="Cried", session="r1")
    context = known(
        diary=replace(DIARY, adverse=(*DIARY.adverse, of_it)), earlier=(before(24),), profile=Profile()
    )
    assert _rows(entered(stopped, context).adverse) == [
        ["5:00", "in session", "dizzy, tingling or short of breath: pacer and feedback were stopped"],
        ["25 February 2026", "client", "“Light-headed after practice <b>at home</b>”"],
        ["1 January 2026", "Dr T", "“Cried”"],
    ]
