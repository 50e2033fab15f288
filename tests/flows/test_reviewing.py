"""A rater's desk: nothing tells whose a recording is, each mark is saved, and analyses heed them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.decoding import decode
from flows.rating import agreement_lines, compared
from flows.reporting import analysis_key, write_report
from flows.review_items import Item, in_order, items_of, write_batch_source
from flows.reviewing import Desk, Shown
from pipeline.edits import Action, Edit, Edits, read_edits
from pipeline.errors import InputError, UsageError
from pipeline.model import Recording
from pipeline.sealing import seal
from pipeline.store import Home, read_session
from tests.flows.batch.folders import folder_of, rows, run
from tests.flows.command_line import vagal_here
from tests.pipeline.sessions import records, write_journal
from tests.pipeline.test_edits import WHEN, edit, recorded

SESSION = "2026-11-20T09-00-00-ab12"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home" / "sessions" / "anna" / SESSION
    write_journal(folder, records(4))
    seal(folder, decode)
    return Home(tmp_path / "home")


@pytest.fixture
def folder(home: Home) -> Path:
    return home.find(SESSION)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("study")
    folder_of(place / "in", 3)
    done = run(place / "in", place / "out", "--workers", "1", "--no-prefect")
    assert done.returncode == 0, done.stderr
    return place


def desk_of(home: Home, rater: str = "ann") -> Desk:
    return Desk(items_of(home, SESSION), rater)


class TestDesk:
    def test_nothing_tells_whose_it_is(self, home: Home) -> None:
        desk = desk_of(home)
        told = json.dumps([desk.about(), desk.recording(0), desk.part(0, 0, 300, 500)])
        hidden = ("anna", SESSION, "Baseline", "Paced", "strap", "rmssd", "2026", "home")
        assert [word for word in hidden if word in told] == []

    def test_a_mark_is_on_disk_when_it_is_answered(self, home: Home, folder: Path) -> None:
        desk = desk_of(home)
        at_s = desk.part(0, 0, 60, 500)["beats"]["time"][5]
        facts = {"do": "exclude", "time_s": at_s, "end_s": at_s, "stream": "rr", "reason": "a\n b"}
        answer = desk.mark(0, facts)
        (mark,) = read_edits(folder / "edits.csv").marks
        assert (mark.time_s, mark.action, mark.reason, mark.who) == (at_s, Action.EXCLUDE, "a b", "ann")
        assert answer["marks"] == [
            {"time_s": at_s, "end_s": at_s, "stream": "rr", "action": "exclude", "reason": "a b"}
        ]
        assert (answer["can_undo"], answer["can_redo"]) == (True, False)
        assert desk_of(home).recording(0)["marks"] == answer["marks"]

    def test_undo_redo_and_how_far_one_looked(self, home: Home) -> None:
        desk = desk_of(home)
        made = desk.mark(0, {"do": "keep", "time_s": 10, "end_s": 20, "stream": "rr"})
        assert desk.mark(0, {"do": "undo"})["marks"] == []
        assert desk.mark(0, {"do": "redo"}) == made
        desk.mark(0, {"do": "reviewed", "time_s": 0, "end_s": 1e9})
        assert desk.about()["recordings"] == [{"marks": 1, "reviewed_s": desk.recording(0)["duration_s"]}]

    def test_raters_do_not_see_each_other(self, home: Home) -> None:
        desk_of(home).mark(0, {"do": "exclude", "time_s": 10, "end_s": 20, "stream": "rr"})
        assert desk_of(home, "bo").recording(0)["marks"] == []
        with pytest.raises(UsageError, match="nothing to undo"):
            desk_of(home, "bo").mark(0, {"do": "undo"})

    @pytest.mark.parametrize(
        "facts",
        [
            {"do": "delete"},
            {"do": "undo"},
            {"do": "exclude"},
            {"do": "exclude", "time_s": "x", "end_s": 2, "stream": "rr"},
            {"do": "exclude", "time_s": None, "end_s": [], "stream": "rr"},
            {"do": "exclude", "time_s": float("nan"), "end_s": 2, "stream": "rr"},
            {"do": "exclude", "time_s": 5, "end_s": 2, "stream": "rr"},
            {"do": "exclude", "time_s": 1, "end_s": 2, "stream": "eda"},
            {"do": "exclude", "time_s": 1, "end_s": 2, "stream": ["rr"]},
            {"do": "keep", "time_s": 1, "end_s": 2, "stream": "rr", "reason": "x" * 201},
        ],
        ids=str,
    )
    def test_what_cannot_be_marked_is_not_written(
        self, home: Home, folder: Path, facts: dict[str, object]
    ) -> None:
        with pytest.raises(UsageError):
            desk_of(home).mark(0, facts)
        assert not (folder / "edits.csv").exists()

    @pytest.mark.parametrize("asked", [(5, 5, 10), (float("nan"), 1, 10), (0, 1, 0), (0, 1, 10**6)], ids=str)
    def test_what_is_no_part(self, home: Home, asked: tuple[float, float, int]) -> None:
        with pytest.raises(UsageError, match="a part"):
            desk_of(home).part(0, *asked)

    def test_a_file_that_cannot_be_used_is_named_in_the_terminal_only(self, home: Home, folder: Path) -> None:
        (folder / "edits.csv").write_text("x\n")
        said: list[str] = []
        with pytest.raises(InputError) as told:
            Desk(items_of(home, SESSION), "ann", said.append).about()
        assert SESSION not in str(told.value)
        assert "edits.csv line 1" in said[0]

    @pytest.mark.parametrize("number", [-1, 1])
    def test_no_such_recording(self, home: Home, number: int) -> None:
        with pytest.raises(UsageError, match="no such recording"):
            desk_of(home).recording(number)


class TestShown:
    def test_from_near_each_interval_from_afar_how_far_they_reach(self) -> None:
        shown = Shown.of(recorded(4000))
        assert shown.beats is not None
        near, far = shown.part(100, 160, 500)["beats"], shown.part(0, 4000, 500)["beats"]
        inside = (shown.beats.time_s >= 100) & (shown.beats.time_s < 160)
        assert near["time"] == shown.beats.time_s[inside].tolist()
        assert len(far["time"]) <= 500
        assert min(far["low"]) == pytest.approx(shown.beats.interval_ms.min(), abs=1e-3)
        assert max(far["high"]) == pytest.approx(shown.beats.interval_ms.max(), abs=1e-3)

    def test_a_day_stays_small(self) -> None:
        shown = Shown.of(recorded(86_400))
        assert len(json.dumps(shown.part(0, 86_400, 1000))) < 200_000

    def test_what_was_marked_does_not_change_what_the_software_says(self) -> None:
        recording = recorded()
        time_s = recording.streams["rr"].time_s
        edited = replace(recording, edits=Edits((edit("exclude", time_s[5], time_s[50]),)))
        assert Shown.of(edited).part(0, 100, 500) == Shown.of(recording).part(0, 100, 500)


class TestSession:
    def test_the_next_report_heeds_what_was_marked(self, home: Home, folder: Path) -> None:
        write_report(folder)
        key, plain = analysis_key(folder), _values(folder)
        sealed = {path: path.read_bytes() for path in (folder / "streams").iterdir()}
        desk = desk_of(home)
        at_s = desk.part(0, 0, 60, 500)["beats"]["time"]
        desk.mark(0, {"do": "exclude", "time_s": at_s[3], "end_s": at_s[5], "stream": "rr"})
        assert analysis_key(folder) != key
        page = write_report(folder).read_text()
        assert "3 beat intervals were excluded by hand by ann" in page
        assert read_edits(folder / "edits.csv").sha256[0] in page
        assert _values(folder)["whole"] != plain["whole"]
        assert {path: path.read_bytes() for path in (folder / "streams").iterdir()} == sealed
        desk.mark(0, {"do": "undo"})
        write_report(folder)
        assert _values(folder)["whole"] == plain["whole"]

    def test_analyse_takes_a_file_of_edits(self, home: Home, folder: Path, tmp_path: Path) -> None:
        time_s = read_session(folder).streams["rr"].time_s.tolist()
        path = tmp_path / "mine.csv"
        path.write_text(f"time_s,end_s,stream,action,reason,who,when\n{time_s[4]},,rr,exclude,,ann,{WHEN}\n")
        done = vagal_here("analyse", SESSION, "--edits", path, home=home.path)
        assert "Note: 1 beat interval was excluded by hand by ann" in done.stdout
        path.write_text(path.read_text() + "x\n")
        refused = vagal_here("analyse", SESSION, "--edits", path, home=home.path)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (3, 1)
        assert "mine.csv line 3: has 1 cells, not 7" in refused.stderr


def _values(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "derived" / "report.json").read_bytes())
    return found


class TestOutput:
    def test_recordings_of_a_batch_in_an_order_of_each_raters_own(self, study: Path) -> None:
        home = Home(study / "home")
        items = items_of(home, str(study / "out"))
        assert [item.unit for item in items] == [f"sub-00/rest_00{n}.txt" for n in range(3)]
        assert in_order(items, "ann") == in_order(items, "ann")
        many = [replace(items[0], unit=f"u{n:03d}") for n in range(50)]
        orders = [[item.unit for item in in_order(many, rater)] for rater in ("ann", "bo")]
        assert orders[0] != orders[1]
        assert sorted(orders[0]) == sorted(orders[1]) == [item.unit for item in many]

    def test_a_batch_heeds_marks_and_does_again_only_what_was_marked(self, study: Path) -> None:
        home, out = Home(study / "home"), study / "out"
        parts = set((out / ".parts").glob("*.json"))
        before = rows(out)
        desk = Desk(items_of(home, str(out)), "ann")
        at_s = desk.part(1, 0, 60, 500)["beats"]["time"][7]
        desk.mark(1, {"do": "exclude", "time_s": at_s, "end_s": at_s, "stream": "rr"})
        (path,) = (out / "edits").rglob("*.csv")
        unit = path.relative_to(out / "edits").as_posix().removesuffix(".ann.csv")
        assert run(study / "in", out, "--workers", "1", "--no-prefect").returncode == 0
        after = rows(out)
        assert len(set((out / ".parts").glob("*.json")) - parts) == 1
        assert "1 beat interval was excluded by hand by ann" in after[unit]["notices"]
        told = json.loads((out / "provenance.json").read_bytes())["edits"]
        assert told == {f"{unit}.ann.csv": read_edits(path).sha256[0]}
        assert {name for name in after if after[name] != before[name]} == {unit}

    def test_what_analyse_wrote(self, study: Path, tmp_path: Path) -> None:
        home, out = Home(study / "home"), tmp_path / "out"
        path = study / "in" / "sub-00" / "rest_000.txt"
        assert vagal_here("analyse", path, "--unit", "ms", "--out", out, home=home.path).returncode == 0
        (item,) = items_of(home, str(out))
        assert Desk([item], "ann").recording(0)["intervals"] == 420

    def test_neither_a_session_nor_an_output_folder(self, home: Home, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match="neither a session"):
            items_of(home, str(tmp_path / "empty"))
        (tmp_path / "empty" / ".source.json").write_text("[]")
        with pytest.raises(InputError, match="run the analysis again"):
            items_of(home, str(tmp_path / "empty"))
        (tmp_path / "file.txt").write_text("800")
        with pytest.raises(UsageError, match="is a file"):
            items_of(home, str(tmp_path / "file.txt"))
        with pytest.raises(InputError, match="no such file"):
            items_of(home, "nothing")

    def test_an_output_folder_without_a_recording_that_can_be_looked_at(
        self, home: Home, tmp_path: Path
    ) -> None:
        write_batch_source(tmp_path, tmp_path, [{"recording_id": "a.txt", "status": "refused"}], {})
        with pytest.raises(UsageError, match="holds no recording that could be analysed"):
            items_of(home, str(tmp_path))

    def test_no_recording_lies_outside_the_folder_that_was_analysed(self, home: Home, tmp_path: Path) -> None:
        write_batch_source(tmp_path, tmp_path, [{"recording_id": "../a.txt", "status": "analysed"}], {})
        with pytest.raises(InputError, match="leads out of the folder"):
            items_of(home, str(tmp_path))


class TestAgreement:
    @staticmethod
    def rated(recording: Recording) -> Edits:
        time_s = recording.streams["rr"].time_s
        ann = [
            ("exclude", time_s[10], time_s[19], "rr"),
            ("exclude", 20, 40, "eda"),
            ("reviewed", 0, 200, ""),
        ]
        bo = [
            ("exclude", time_s[15], time_s[24], "rr"),
            ("exclude", 30, 50, "eda"),
            ("exclude", 300, 310, "eda"),
        ]
        made = [(who, *each) for who, lines in (("ann", ann), ("bo", bo)) for each in lines]
        return Edits(tuple(Edit(a, b, stream, Action(do), "", who, WHEN) for who, do, a, b, stream in made))

    def test_two_raters_up_to_where_both_had_looked(self) -> None:
        recording = recorded()
        seen = int(np.count_nonzero(recording.streams["rr"].time_s <= 200))
        found = compared(recording, self.rated(recording), "ann", "bo")
        assert (found.beats.both, found.beats.first_only, found.beats.second_only) == (5, 5, 5)
        assert (found.beats.n, found.seconds.n, found.software) == (seen, 200, 0)
        assert (found.seconds.both, found.seconds.first_only, found.seconds.second_only) == (10, 10, 10)
        assert found.spans.jaccard == pytest.approx(1 / 3)

    def test_it_is_told_in_lines(self, home: Home) -> None:
        for rater, last in (("ann", 12), ("bo", 14)):
            desk = desk_of(home, rater)
            at_s = desk.part(0, 0, 60, 500)["beats"]["time"]
            desk.mark(0, {"do": "exclude", "time_s": at_s[10], "end_s": at_s[last], "stream": "rr"})
        done = vagal_here("review", SESSION, "--agreement", home=home.path)
        assert done.stdout.splitlines()[0] == "ann and bo: 1 recording, up to where both had looked"
        assert "Cohen's kappa 0.7" in done.stdout
        assert "left out by ann 1." in done.stdout

    def test_one_rater_is_no_agreement(self, home: Home) -> None:
        with pytest.raises(UsageError, match="two raters"):
            list(agreement_lines(items_of(home, SESSION)))


def test_an_item_of_a_session_lies_beside_it(folder: Path) -> None:
    item = Item(folder.name, lambda: read_session(folder), None, folder)
    assert item.path("ann") == folder / "edits.csv"
    assert item.edits() == Edits()


def test_a_rater_is_named_as_a_file_can_be(home: Home) -> None:
    done = vagal_here("review", SESSION, "--rater", "Anna B.", "--no-browser", home=home.path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
