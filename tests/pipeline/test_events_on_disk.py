"""Events of a session, from the journal through the manifest and back, corrections applied."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoding import decode
from pipeline.analysis import analyse
from pipeline.errors import InputError
from pipeline.events import Mark, conditions_of, is_event, marks_of
from pipeline.indices.components import heart_note
from pipeline.journal import Kind, Record
from pipeline.model import CheckIn, Marker, Note, Pacer, Phase, PhaseKind, Recording
from pipeline.report import render
from pipeline.sealing import read_table, records_of, seal
from pipeline.store import Home, read_session, recover
from pipeline.verification import problems_of
from tests.pipeline.sessions import HEADER, event, numbered, records, write_journal

END_S = 120.5  # of the session that events are added to
BEFORE = {"when": "before", "feeling": "tense <b>", "thought": "“too much”", "body": "", "did": ""}
PACED = {"name": "Paced", "kind": "paced", "pacer": {"breaths_per_min": 6.0, "inhale_share": 0.4}}


def _sealed(folder: Path, *events: Record) -> Recording:
    """The two-minute session with these events in their place, sealed and read back."""
    made = numbered(sorted((*records(), *events), key=lambda record: record.arrival_s))
    write_journal(folder, made)
    seal(folder, decode)
    return read_session(folder)


def _marked(*facts: tuple[float, dict[str, Any]]) -> list[Record]:
    """Marker records alone, numbered from 0."""
    return numbered([event(Kind.MARKER, at_s, each) for at_s, each in facts])


def _now(*facts: tuple[float, dict[str, Any]]) -> list[Marker]:
    return [mark.marker for mark in marks_of(_marked(*facts), END_S)]


class TestSpans:
    def test_a_start_and_an_end_make_one_marker(self) -> None:
        start, end = {"kind": "talking", "text": "", "span": "start"}, {"kind": "talking", "span": "end"}
        assert _now((10.0, start), (45.0, end)) == [Marker(10.0, "talking", "", 45.0)]

    def test_one_that_nobody_ends_lasts_to_the_end(self) -> None:
        start = {"kind": "moving", "text": "", "span": "start"}
        assert marks_of(_marked((10.0, start)), END_S) == [
            Mark(0, Marker(10.0, "moving", "", END_S), open=True)
        ]

    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            pytest.param([(1, "talking", "end")], [], id="an end alone"),
            pytest.param(
                [(1, "talking", "start"), (2, "talking", "start"), (3, "talking", "end")],
                [Marker(1.0, "talking", "", 3.0)],
                id="a second start",
            ),
            pytest.param(
                [
                    (1, "talking", "start"),
                    (2, "moving", "start"),
                    (3, "talking", "end"),
                    (4, "moving", "end"),
                ],
                [Marker(1.0, "talking", "", 3.0), Marker(2.0, "moving", "", 4.0)],
                id="over each other",
            ),
            pytest.param(
                [
                    (1, "talking", "start"),
                    (2, "talking", "end"),
                    (3, "talking", "start"),
                    (4, "talking", "end"),
                ],
                [Marker(1.0, "talking", "", 2.0), Marker(3.0, "talking", "", 4.0)],
                id="one after the other",
            ),
        ],
    )
    def test_pair_up_by_kind(self, facts: list[tuple[float, str, str]], expected: list[Marker]) -> None:
        assert (
            _now(*((at_s, {"kind": kind, "text": "", "span": span}) for at_s, kind, span in facts))
            == expected
        )

    def test_pauses_are_spans(self, tmp_path: Path) -> None:
        paused = [
            event(Kind.PAUSE, at_s, {"paused": on}) for at_s, on in ((20, True), (50, False), (100, True))
        ]
        markers = _sealed(tmp_path / "s", *paused).markers
        assert [marker for marker in markers if marker.kind == "pause"] == [
            Marker(20.0, "pause", "", 50.0),
            Marker(100.0, "pause", "", END_S),
        ]

    @settings(max_examples=50)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "kind": st.sampled_from(["talking", "moving", "strategy", "x"]),
                    "text": st.text(max_size=3),
                    "span": st.sampled_from(["start", "end", "middle"]),
                    "ago_s": st.floats(0, 100),
                    "relabel": st.integers(0, 9),
                    "remove": st.integers(0, 9),
                },
            ),
            max_size=10,
        )
    )
    def test_any_order_of_marker_records_can_be_told(self, facts: list[dict[str, Any]]) -> None:
        marks = marks_of(_marked(*((10.0 * at, each) for at, each in enumerate(facts))), END_S)
        assert len({mark.id for mark in marks}) == len(marks) <= len(facts)
        assert all(mark.marker.end_s is None or mark.marker.end_s >= mark.marker.time_s for mark in marks)


class TestCorrections:
    NOTE = (30.0, {"kind": "insight", "text": "first"})

    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            pytest.param({"relabel": 0, "kind": "trigger", "text": "phone"}, ["trigger phone"], id="both"),
            pytest.param({"relabel": 0, "kind": "trigger"}, ["trigger first"], id="the kind alone"),
            pytest.param({"remove": 0}, [], id="removed"),
            pytest.param({"relabel": 7, "kind": "x"}, ["insight first"], id="a number that is none"),
            pytest.param({"remove": 7}, ["insight first"], id="a number that is none, removed"),
        ],
    )
    def test_name_the_marker_by_its_record(self, facts: dict[str, Any], expected: list[str]) -> None:
        assert [f"{marker.kind} {marker.text}" for marker in _now(self.NOTE, (60.0, facts))] == expected

    def test_the_latest_counts(self) -> None:
        turns = ({"relabel": 0, "kind": "a"}, {"relabel": 0, "kind": "b"})
        assert _now(self.NOTE, (60.0, turns[0]), (61.0, turns[1])) == [Marker(30.0, "b", "first")]

    def test_a_span_can_be_called_another(self) -> None:
        start = {"kind": "talking", "text": "", "span": "start"}
        end = {"kind": "talking", "text": "", "span": "end"}
        found = _now((10.0, start), (20.0, end), (30.0, {"relabel": 0, "kind": "moving"}))
        assert found == [Marker(10.0, "moving", "", 20.0)]

    @pytest.mark.parametrize(("ago_s", "time_s"), [(10.0, 20.0), (45.0, 0.0), (0.0, 30.0), (None, 30.0)])
    def test_a_marker_may_lie_before_its_record(self, ago_s: float | None, time_s: float) -> None:
        assert _now((30.0, {"kind": "trigger", "text": "", "ago_s": ago_s})) == [Marker(time_s, "trigger")]

    def test_raw_keeps_what_was_said_before(self, tmp_path: Path) -> None:
        made = records()
        marker = next(record for record in made if record.kind is Kind.MARKER)
        correction = event(Kind.MARKER, 50.2, {"relabel": marker.sequence, "kind": "insight", "text": "door"})
        session = _sealed(tmp_path / "s", correction)
        assert session.markers == (Marker(30.5, "insight", "door"),)
        kept = records_of(read_table(tmp_path / "s" / "raw.parquet"))
        assert [r.facts for r in kept if r.kind is Kind.MARKER] == [marker.facts, correction.facts]


class TestPhases:
    def test_a_strategy_chosen_in_a_phase_is_what_it_practises(self, tmp_path: Path) -> None:
        chosen = [
            event(Kind.MARKER, at_s, {"kind": "strategy", "text": text})
            for at_s, text in ((10.0, "box"), (20.0, "five-senses"))
        ]
        phases = _sealed(tmp_path / "s", *chosen).phases
        assert [phase.strategy for phase in phases] == ["five-senses", None]

    def test_a_strategy_can_be_dropped(self, tmp_path: Path) -> None:
        chosen = [
            event(Kind.PHASE, 61.0, {**PACED, "strategy": "box"}),
            event(Kind.MARKER, 70.0, {"kind": "strategy", "text": ""}),
        ]
        assert [phase.strategy for phase in _sealed(tmp_path / "s", *chosen).phases] == [None, None, None]

    def test_a_baseline_that_restarts_does_not_go_on_with_a_strategy(self, tmp_path: Path) -> None:
        made = [
            event(Kind.MARKER, 20.0, {"kind": "strategy", "text": "box"}),
            event(Kind.PHASE, 40.0, {"name": "Baseline", "kind": "baseline", "restarts": True}),
        ]
        assert [phase.strategy for phase in _sealed(tmp_path / "s", *made).phases] == ["box", None, None]

    def test_another_pacer_is_a_phase_of_the_same_name(self, tmp_path: Path) -> None:
        slower = {"breaths_per_min": 5.5, "inhale_share": 0.4}
        session = _sealed(
            tmp_path / "s",
            event(Kind.MARKER, 80.0, {"kind": "strategy", "text": "box"}),
            event(Kind.MARKER, 90.0, {"kind": "pacer", "text": "5.5/min, 40 % in"}),
            event(Kind.PHASE, 90.0, {**PACED, "pacer": slower}),
        )
        assert session.phases[1:] == (
            Phase("Paced", PhaseKind.PACED, 60.5, 90.0, "box", None, Pacer(6.0, 0.4)),
            Phase("Paced", PhaseKind.PACED, 90.0, END_S, "box", None, Pacer(5.5, 0.4)),
        )
        found = analyse(session)
        assert [row["condition_order"] for row in found.phase_rows()] == [1, 2, 3]
        assert [row["pacer_bpm"] for row in found.phase_rows()] == [None, 6.0, 5.5]
        page = render(found)
        assert "2 Paced: " in page
        assert "3 Paced: " in page

    def test_a_baseline_that_restarts_is_the_later_one(self, tmp_path: Path) -> None:
        again = event(Kind.PHASE, 40.0, {"name": "Baseline", "kind": "baseline", "restarts": True})
        kinds = [(phase.name, phase.kind) for phase in _sealed(tmp_path / "s", again).phases]
        assert kinds == [
            ("Baseline", PhaseKind.OTHER),
            ("Baseline", PhaseKind.BASELINE),
            ("Paced", PhaseKind.PACED),
        ]


class TestSaid:
    def test_check_ins_and_notes_come_back_as_they_were_said(self, tmp_path: Path) -> None:
        session = _sealed(
            tmp_path / "s",
            event(Kind.CHECK_IN, 0.8, BEFORE),
            event(Kind.NOTE, 33.0, {"text": "Tür – <i>bang</i>"}),
            event(Kind.CHECK_IN, 119.0, {"when": "after", "feeling": "calmer", "of": 3}),
        )
        assert session.check_ins == (
            CheckIn(0.8, "before", "tense <b>", "“too much”"),
            CheckIn(119.0, "after", "calmer"),
        )
        assert session.notes == (Note(33.0, "Tür – <i>bang</i>"),)
        manifest = json.loads((tmp_path / "s" / "session.json").read_bytes())
        assert manifest["check_ins"][0] == {**BEFORE, "time_s": 0.8}
        assert manifest["notes"] == [{"time_s": 33.0, "text": "Tür – <i>bang</i>"}]
        assert problems_of(tmp_path / "s") == []

    def test_a_session_sealed_before_there_were_notes_still_reads(self, tmp_path: Path) -> None:
        _sealed(tmp_path / "s")
        path = tmp_path / "s" / "session.json"
        manifest = json.loads(path.read_bytes())
        assert manifest.pop("notes") == []
        path.write_text(json.dumps({**manifest, "check_ins": []}))
        session = read_session(tmp_path / "s")
        assert (session.notes, session.check_ins) == ((), ())

    def test_they_change_no_value(self, tmp_path: Path) -> None:
        said = [event(Kind.CHECK_IN, 0.8, BEFORE), event(Kind.NOTE, 33.0, {"text": "talking"})]
        plain, told = (analyse(_sealed(tmp_path / n, *extra)) for n, extra in (("a", ()), ("b", said)))
        assert [v.features for v in told.windows] == [v.features for v in plain.windows]
        assert told.whole.features == plain.whole.features


class TestConditions:
    def test_later_ones_count_and_what_is_no_text_does_not(self) -> None:
        made = [
            event(Kind.HEADER, 0.0, HEADER),
            event(Kind.CONDITIONS, 1.0, {"posture": "lying", "caffeine": "none", "age": 40}),
            event(Kind.CONDITIONS, 2.0, {"caffeine": "one cup"}),
        ]
        assert conditions_of(made) == {"posture": "lying", "caffeine": "one cup"}

    @pytest.mark.parametrize("prefix", ["", "screening_"])
    @pytest.mark.parametrize(
        ("question", "answer", "noted"),
        [
            ("pacemaker", "yes", "pacemaker noted"),
            ("pacemaker", "no", None),
            ("pacemaker", "not said", None),
            ("beta-blocker", "yes", "beta-blocker noted"),
            ("beta-blocker", "no", None),
            ("asthma-or-copd", "yes", None),
        ],
    )
    def test_answers_before_a_first_session(
        self, prefix: str, question: str, answer: str, noted: str | None
    ) -> None:
        assert heart_note({f"{prefix}{question}": answer}) == noted


def test_a_recovered_session_has_them_all(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    folder = home.new_session("c1", 1.8e9)
    events = [
        event(Kind.CHECK_IN, 0.8, {"when": "before", "feeling": "tense"}),
        event(Kind.MARKER, 40.0, {"kind": "talking", "text": "", "span": "start"}),
        event(Kind.PAUSE, 50.0, {"paused": True}),
        event(Kind.NOTE, 55.0, {"text": "n"}),
    ]
    made = sorted((*records(), *events), key=lambda record: record.arrival_s)
    journal = write_journal(folder, numbered(made))
    journal.write_bytes(journal.read_bytes()[:-7])
    assert [recovery.trouble for recovery in recover(home, decode)] == [None]
    session = read_session(folder)
    assert (len(session.check_ins), len(session.notes)) == (1, 1)
    assert [(m.kind, m.time_s, m.end_s) for m in session.markers if m.end_s is not None] == [
        ("talking", 40.0, 120.0),
        ("pause", 50.0, 120.0),
    ]
    assert problems_of(folder) == []


def test_without_a_header_it_is_left_as_it_is(tmp_path: Path) -> None:
    write_journal(tmp_path, numbered([event(Kind.NOTE, 1.0, {"text": "n"})]))
    with pytest.raises(InputError, match="holds no readable header"):
        seal(tmp_path, decode)


@pytest.mark.parametrize(
    ("marker", "event"),
    [
        (Marker(1, "stressor"), True),
        (Marker(1, "stressor", end_s=9), True),
        (Marker(1, "talking", end_s=9), False),
        (Marker(1, "pause", end_s=9), False),
        (Marker(1, "link", "strap: lost"), False),
        (Marker(1, "protocol", "Baseline: extended by 60 s"), False),
        (Marker(1, "strategy", "five-senses"), False),
        (Marker(1, "safety", "unwell"), False),
    ],
    ids=lambda value: f"{value.kind} {value.end_s}" if isinstance(value, Marker) else None,
)
def test_what_a_body_may_have_responded_to(marker: Marker, event: bool) -> None:
    assert is_event(marker) is event
