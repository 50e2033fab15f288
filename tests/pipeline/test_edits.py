from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis import analyse
from pipeline.edits import (
    COLUMNS,
    Action,
    Edit,
    Edits,
    append_edit,
    beat_owners,
    beats_with,
    edits_of_unit,
    edits_path,
    rater_name,
    read_edits,
    spans_with,
    with_edits,
)
from pipeline.errors import InputError, UsageError
from pipeline.heart.beats import BeatKind
from pipeline.model import Recording, Stream

HEAD = ",".join(COLUMNS)
WHEN = "2026-11-20T09:30:00+00:00"


def edit(
    action: str,
    from_s: float = 1.0,
    to_s: float | None = None,
    stream: str = "rr",
    *,
    who: str = "a",
    reason: str = "",
    when: str = WHEN,
) -> Edit:
    return Edit(from_s, from_s if to_s is None else to_s, stream, Action(action), reason, who, when)


def written(path: Path, *edits: Edit) -> Path:
    for each in edits:
        append_edit(path, each)
    return path


def recorded(seconds: int = 400, *, eda: bool = True) -> Recording:
    """A heart that swings about 800 ms and, with it, a skin that responds now and then."""
    rng = np.random.default_rng(3)
    rr_ms = 800 + 40 * np.sin(np.arange(int(seconds / 0.8)) * 0.3) + rng.normal(0, 8, int(seconds / 0.8))
    streams = {"rr": Stream("rr", np.cumsum(rr_ms) / 1000, {"rr_ms": rr_ms})}
    if eda:
        time_s = np.arange(0, seconds, 0.25)
        eda_us = 4 + 0.3 * np.exp(-(np.mod(time_s, 40) / 6)) + rng.normal(0, 0.002, len(time_s))
        streams["eda"] = Stream("eda", time_s, {"eda_us": eda_us}, 4.0)
    return Recording("made", "test", "", float(seconds), streams)


class TestFile:
    def test_what_is_added_is_read(self, tmp_path: Path) -> None:
        made = (edit("exclude", 0.1 + 0.2, reason='movement: "x", y'), edit("keep", 3, 4.5, "eda", who="b"))
        read = read_edits(written(tmp_path / "edits.csv", *made))
        assert (read.lines, read.marks) == (made, made)

    def test_one_line_under_the_head_each(self, tmp_path: Path) -> None:
        path = written(tmp_path / "edits.csv", edit("exclude"), edit("undo"))
        assert path.read_text().splitlines() == [
            HEAD,
            f"1.0,1.0,rr,exclude,,a,{WHEN}",
            f"1.0,1.0,rr,undo,,a,{WHEN}",
        ]

    def test_none_where_there_is_no_file(self, tmp_path: Path) -> None:
        assert read_edits(tmp_path / "edits.csv") == Edits()
        assert with_edits(recorded(10), tmp_path / "edits.csv").edits is None

    def test_as_a_spreadsheet_saves_it(self, tmp_path: Path) -> None:
        path = tmp_path / "edits.csv"
        path.write_bytes(f"\ufeff{HEAD}\r\n2,,rr,exclude,,a,{WHEN}\r\n\r\n".encode())
        assert read_edits(path).marks == (edit("exclude", 2.0),)

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            pytest.param(f"x,2,rr,exclude,,a,{WHEN}", "could not convert", id="no number"),
            pytest.param(f"nan,2,rr,exclude,,a,{WHEN}", "seconds from the start", id="nan"),
            pytest.param(f"3,2,rr,exclude,,a,{WHEN}", "end not before", id="ends before it begins"),
            pytest.param(f"-1,2,rr,exclude,,a,{WHEN}", "seconds from the start", id="before the start"),
            pytest.param(f"1,2,hrv,exclude,,a,{WHEN}", "stream: choose from", id="no such stream"),
            pytest.param(f"1,2,rr,delete,,a,{WHEN}", "delete", id="no such action"),
            pytest.param(f"1,1,eda,exclude,,a,{WHEN}", "has to last", id="a moment of skin conductance"),
            pytest.param(f"1,2,rr,exclude,,,{WHEN}", "name: is empty", id="by nobody"),
            pytest.param("1,2,rr,exclude,,a,2026-11-20T09:30:00", "time zone", id="no zone"),
            pytest.param("1,2,rr,exclude,,a,yesterday", "ISO 8601", id="no moment"),
            pytest.param("1,2,rr,exclude,,a", "6 cells, not 7", id="too few cells"),
            pytest.param(f'1,2,rr,exclude,"torn,a,{WHEN}', "line 3: ", id="a quote that never ends"),
            pytest.param(f"9,9,rr,undo,,a,{WHEN}", "not the last mark of a", id="takes back another"),
            pytest.param(f"1,1,rr,redo,,a,{WHEN}", "not the last mark", id="brings back nothing"),
        ],
    )
    def test_a_bad_line_is_refused_with_its_number(self, tmp_path: Path, line: str, why: str) -> None:
        path = tmp_path / "edits.csv"
        good = f"1,1,rr,exclude,,a,{WHEN}"
        path.write_text("\n".join([HEAD, good, line, good]) + "\n")
        with pytest.raises(InputError, match=r"edits\.csv line 3: ") as refused:
            read_edits(path)
        assert why in str(refused.value)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        "content", [b"", b"time,action\n", b"\xff\xfe\x00"], ids=["empty", "head", "bytes"]
    )
    def test_what_is_no_such_file(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "edits.csv"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"edits\.csv"):
            read_edits(path)

    def test_a_line_cut_short_by_a_crash_is_no_mark(self, tmp_path: Path) -> None:
        path = written(tmp_path / "edits.csv", edit("exclude"), edit("exclude", 2, reason="moved, twice"))
        content = path.read_bytes()
        begins = content.rstrip(b"\n").rindex(b"\n") + 1
        for end in range(begins + 1, len(content) - len(":00\n")):  # +00 is a zone, too
            path.write_bytes(content[:end])
            assert read_edits(path).marks == (edit("exclude"),)
        append_edit(path, edit("keep", 3))
        assert read_edits(path).marks == (edit("exclude"), edit("keep", 3))

    def test_what_cannot_follow_is_not_written(self, tmp_path: Path) -> None:
        path = written(tmp_path / "edits.csv", edit("exclude"))
        before = path.read_bytes()
        for bad in (edit("undo", 2.0), edit("redo"), edit("exclude", reason="a\nb"), edit("undo", who="b")):
            with pytest.raises(UsageError):
                append_edit(path, bad)
        assert path.read_bytes() == before


class TestHistory:
    def test_undo_and_redo_are_each_persons_own(self, tmp_path: Path) -> None:
        first, others, last = edit("exclude", 1), edit("exclude", 2, who="b"), edit("keep", 3)
        path = written(tmp_path / "edits.csv", first, others, last, edit("undo", 3), edit("undo", 1))
        assert read_edits(path).marks == (others,)
        written(path, edit("redo", 1))
        assert read_edits(path).marks == (first, others)
        assert read_edits(path).by["a"].undone == (last,)

    def test_a_new_mark_ends_what_could_be_brought_back(self, tmp_path: Path) -> None:
        path = written(tmp_path / "e.csv", edit("exclude", 1), edit("undo", 1), edit("keep", 2))
        assert read_edits(path).by["a"].undone == ()

    def test_how_far_somebody_looked_is_what_they_said_last(self, tmp_path: Path) -> None:
        path = written(tmp_path / "e.csv", edit("reviewed", 0, 60, ""), edit("reviewed", 0, 40, ""))
        assert read_edits(path).by["a"].reviewed_s == 40
        assert read_edits(path).marks == ()

    def test_files_are_joined_in_order_of_time(self, tmp_path: Path) -> None:
        early, late = edit("keep", when=WHEN), edit("exclude", who="b", when="2026-11-20T10:31:00+01:00")
        paths = [written(tmp_path / "b.csv", late), written(tmp_path / "a.csv", early)]
        read = read_edits(*paths)
        assert (read.marks, len(read.sha256)) == ((early, late), 2)

    def test_one_persons_marks_lie_in_one_file(self, tmp_path: Path) -> None:
        paths = [written(tmp_path / name, edit("keep")) for name in ("a.csv", "b.csv")]
        with pytest.raises(InputError, match="another file"):
            read_edits(*paths)


class TestPlaces:
    @pytest.mark.parametrize("name", ["A", "a b", "", "../x", "a.b", "a" * 33])
    def test_names_that_no_file_may_bear(self, name: str) -> None:
        with pytest.raises(UsageError, match="small letters"):
            rater_name(name)

    def test_the_files_of_a_recording_are_told_from_anothers(self, tmp_path: Path) -> None:
        for unit, rater in (("s/x", "ann"), ("s/x", "bo"), ("s/x.csv", "ann"), ("x", "ann")):
            path = edits_path(tmp_path, unit, rater)
            path.parent.mkdir(parents=True, exist_ok=True)
            written(path, edit("exclude", who=rater))
        assert list(edits_of_unit(tmp_path, "s/x")) == ["ann", "bo"]
        assert list(edits_of_unit(tmp_path, "s/x.csv")) == ["ann"]
        assert edits_of_unit(tmp_path, "other/y") == {}


class TestMasks:
    def test_the_later_of_two_holds(self) -> None:
        marks = [edit("exclude", 1, 4), edit("keep", 2), edit("clear", 3), edit("exclude", 9, stream="pp")]
        owners = beat_owners(marks, "rr", np.arange(6.0))
        assert owners.tolist() == [-1, 0, 1, 2, 0, -1]
        assert beats_with(marks, owners, Action.EXCLUDE).tolist() == [False, True, False, False, True, False]

    def test_spans_are_painted_over_one_another(self) -> None:
        marks = [
            edit("exclude", 0, 10, "eda"),
            edit("keep", 4, 6, "eda"),
            edit("clear", 9, 12, "eda", who="b"),
        ]
        assert spans_with(marks, Action.EXCLUDE) == [(0, 4), (6, 9)]
        assert spans_with(marks, Action.KEEP) == [(4, 6)]
        assert spans_with(marks, Action.EXCLUDE, "b") == []
        assert spans_with([], Action.KEEP) == []

    @given(
        st.lists(
            st.tuples(st.sampled_from(["exclude", "keep", "clear"]), st.integers(0, 9), st.integers(1, 5))
        )
    )
    def test_spans_are_what_painting_by_the_second_gives(self, drawn: list[tuple[str, int, int]]) -> None:
        marks = [edit(action, at, at + length, "eda") for action, at, length in drawn]
        painted = [""] * 20
        for action, at, length in drawn:
            painted[at : at + length] = [action] * length
        held = [any(a <= second < b for a, b in spans_with(marks, Action.EXCLUDE)) for second in range(20)]
        assert held == [each == "exclude" for each in painted]


class TestAnalysis:
    def test_without_marks_every_value_is_the_same(self, tmp_path: Path) -> None:
        recording = recorded()
        path = written(tmp_path / "e.csv", edit("exclude"), edit("undo"), edit("reviewed", 0, 90, ""))
        plain, looked_at = analyse(recording), analyse(with_edits(recording, path))
        assert looked_at.whole == plain.whole
        assert list(looked_at.windows) == list(plain.windows)

    def test_an_excluded_interval_is_as_good_as_missing(self) -> None:
        recording = recorded(eda=False)
        rr = recording.streams["rr"]
        rows = [100, 101, 250]
        marks = (edit("exclude", rr.time_s[100], rr.time_s[101]), edit("exclude", rr.time_s[250]))
        left = np.delete(np.arange(len(rr)), rows)
        without = Stream("rr", rr.time_s[left], {"rr_ms": rr.value[left]})
        marked = analyse(replace(recording, edits=Edits(marks)))
        never = analyse(replace(recording, streams={"rr": without}))
        assert marked.beats is not None
        assert np.flatnonzero(marked.beats.kind == BeatKind.EXCLUDED).tolist() == rows
        values, expected = marked.whole.features, never.whole.features
        heart = (
            "mean_hr_bpm",
            "mean_nn_ms",
            "sdnn_ms",
            "rmssd_ms",
            "pnn50_pct",
            "nn_coverage",
            "artefact_pct",
        )
        assert {name: values[name] for name in heart} == pytest.approx(
            {name: expected[name] for name in heart}
        )
        assert recording.streams["rr"] is rr

    def test_an_interval_can_be_kept_whatever_the_software_says(self) -> None:
        recording = recorded(eda=False)
        rr = recording.streams["rr"]
        ms = rr.value.copy()
        ms[200] += 500
        odd = Stream("rr", np.cumsum(ms) / 1000, {"rr_ms": ms})
        recording = replace(recording, streams={"rr": odd})
        plain = analyse(recording)
        kept = analyse(replace(recording, edits=Edits((edit("keep", odd.time_s[200]),))))
        assert plain.beats is not None
        assert kept.beats is not None
        assert (plain.beats.nn[200], kept.beats.nn[200]) == (False, True)

    def test_skin_conductance_is_masked_and_unmasked(self) -> None:
        recording = recorded()
        eda = recording.streams["eda"]
        high = eda.value.copy()
        high[400:440] = 70.0  # beyond what is plausible, from 100 to 110 s
        recording = replace(
            recording, streams={**recording.streams, "eda": replace(eda, columns={"eda_us": high})}
        )
        marks = (edit("exclude", 200, 230, "eda"), edit("keep", 90, 95, "eda"))
        plain, edited = analyse(recording), analyse(replace(recording, edits=Edits(marks)))
        assert plain.eda is not None
        assert edited.eda is not None
        before, after = plain.eda.valid, edited.eda.valid
        assert not after[800:920].any()
        assert after[360:380].all()
        untouched = np.ones(len(after), dtype=bool)
        untouched[800:920] = untouched[360:380] = False
        assert np.array_equal(before[untouched], after[untouched])
        assert edited.eda.marked[800:920].all()

    def test_a_report_says_who_left_out_how_much(self) -> None:
        recording = recorded()
        time_s = recording.streams["rr"].time_s
        marks = (
            edit("exclude", time_s[10], time_s[12], who="ann"),
            edit("keep", time_s[11], who="bo"),
            edit("exclude", 20, 31.5, "eda", who="ann"),
            edit("exclude", time_s[20] + 0.1, who="bo"),
        )
        found = analyse(replace(recording, edits=Edits(marks, ("ab",))))
        told = [str(each) for each in found.warnings]
        assert "2 beat intervals were excluded by hand by ann" in told
        assert "1 beat interval was kept by hand by bo, whatever the software found" in told
        assert "12 s of skin conductance were excluded by hand by ann" in told
        assert "marks by hand in which no beat interval lies: 1" in told
        assert found.quality["edits"]["sha256"] == ["ab"]

    @pytest.mark.parametrize(
        "mark",
        [edit("exclude", 5, 6, "pp"), edit("exclude", 5000.0), edit("keep", 5, 9, "eda")],
        ids=["another source of beats", "after the end", "no skin conductance"],
    )
    def test_marks_of_another_recording_are_refused(self, mark: Edit) -> None:
        recording = replace(recorded(eda=False), edits=Edits((mark,)))
        with pytest.raises(InputError, match="another recording"):
            analyse(recording)
