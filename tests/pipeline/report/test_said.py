"""What people said and marked, on the page: as text, in quotes, on the timeline."""

from functools import cache

import pytest

from pipeline.analysis import analyse
from pipeline.language import text
from pipeline.model import CheckIn, Marker, Note
from pipeline.report import render, svg
from pipeline.report.said import events_of, said
from tests.pipeline.report.recordings import Page, page_of, recording

MARKS = (
    Marker(60.0, "talking", end_s=95.0),
    Marker(250.0, "moving", end_s=300.0),
    Marker(390.0, "pause", end_s=410.0),
)
HOSTILE = "<script>alert(1)</script>"


@cache
def _html() -> str:
    return render(
        analyse(
            recording(
                markers=MARKS,
                check_ins=(
                    CheckIn(1.0, "before", "tense", "", "shoulders"),
                    CheckIn(830.0, "after", "calmer"),
                ),
                notes=(Note(100.0, "laughed"),),
                conditions={
                    "posture": "sitting",
                    "pacemaker": "no",
                    "screening_epilepsy": "no",
                    "pregnancy": "yes",
                },
            )
        )
    )


def _page() -> Page:
    return page_of(_html())


def test_quality_tells_what_was_excluded_by_marks() -> None:
    assert (
        "Excluded by marks: 35 s talking (heartbeats); 50 s moving (heartbeats and skin conductance); "
        "20 s pause (heartbeats and skin conductance)."
    ) in _page().words.replace("\u202f", " ")
    assert "excluded by marks 130" in _page().words


def test_charts_show_the_spans() -> None:
    heart, skin = (
        _html()[_html().index(f">{title}") :].partition(f'<g fill="{svg.MARK}">')[2].partition("</g>")[0]
        for title in ("RR intervals <small>", "Skin conductance</a> <small>")
    )
    assert (heart.count("<rect"), skin.count("<rect")) == (3, 2)
    assert _page().words.count(text("quality.marked_key")) >= 2


def test_spans_stand_in_the_list_of_markers() -> None:
    words = _page().words
    for told in (
        "1:00 to 1:35 Baseline talking",
        "4:10 to 5:00 Challenge moving",
        "6:30 to 6:50 Recovery pause",
    ):
        assert told in words


def test_check_ins_and_notes_are_quoted_and_never_analysed() -> None:
    words = _page().words
    assert "before 0:01 “tense” – “shoulders” –" in words
    assert "after 13:50 “calmer” – – –" in words
    assert "note “laughed”" in words
    assert text("course.never_analysed") in words


def test_of_the_questions_before_a_first_session_only_a_yes_is_told() -> None:
    assert "Posture: sitting; Pregnancy: yes" in _page().words
    assert "pacemaker" not in _page().words
    assert "epilepsy" not in _page().words


def _tags(count: int, words: str = "tag {}") -> tuple[Marker, ...]:
    return tuple(Marker(60.0 * each, "tag", words.format(each)) for each in range(1, count + 1))


@pytest.mark.parametrize(
    ("markers", "rows"),
    [
        pytest.param(_tags(6), [str(each) for each in range(1, 7)], id="six stay"),
        pytest.param(_tags(9), ["1", "2", "3", "4", "5", "6 to 9"], id="nine"),
        pytest.param(_tags(9, ""), ["1", "2", "3", "4", "5", "6 to 9"], id="without a number"),
        pytest.param(_tags(9, "exam {}"), [str(each) for each in range(1, 10)], id="with words"),
        pytest.param(
            (*_tags(9), Marker(250.0, "note", "laughed")),
            [str(each) for each in range(1, 11)],
            id="with something between them",
        ),
    ],
)
def test_many_tags_without_words_are_one_row(markers: tuple[Marker, ...], rows: list[str]) -> None:
    session = recording(markers=markers, ratings=())
    events = said(session).events
    assert events is not None
    found = events.groups[0].rows
    assert [row.head for row in found] == rows
    assert (found[-1].cells[-1].text == "and 4 more tags, the last at 9:00") == (" to " in rows[-1])
    assert [each.number for each in events_of(session)] == list(range(1, len(markers) + 1))


def test_nothing_said_takes_no_room() -> None:
    words = page_of(render(analyse(recording(markers=())))).words
    never = ("course.never_analysed", "course.check_ins", "quality.marked_key")
    assert not any(text(key) in words for key in never)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"notes": (Note(10.0, HOSTILE),)}, id="note"),
        pytest.param({"check_ins": (CheckIn(1.0, HOSTILE, "x"),)}, id="when"),
        pytest.param({"check_ins": (CheckIn(1.0, "before", HOSTILE),)}, id="feeling"),
        pytest.param({"check_ins": (CheckIn(1.0, "before", "", HOSTILE),)}, id="thought"),
        pytest.param({"check_ins": (CheckIn(1.0, "before", "", "", HOSTILE),)}, id="body"),
        pytest.param({"check_ins": (CheckIn(1.0, "before", "", "", "", HOSTILE),)}, id="did"),
        pytest.param({"markers": (Marker(10.0, "talking", HOSTILE, 20.0),)}, id="span"),
        pytest.param({"markers": (Marker(10.0, "strategy", HOSTILE),)}, id="strategy"),
        pytest.param({"conditions": {f"screening_{HOSTILE}": "yes"}}, id="condition"),
    ],
)
def test_what_people_write_is_text(said: dict[str, object]) -> None:
    html = render(analyse(recording(40.0, phases=(), ratings=(), **said)))
    assert "<script" not in html
    assert HOSTILE in page_of(html).words
