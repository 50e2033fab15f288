"""Exports of stored sessions: read back they give the same features; what can't be exported says why."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from devices.exports.formats import read_recording
from flows.exporting import export
from flows.importing import Reading, import_recording
from pipeline.analysis import analyse
from pipeline.errors import InputError, UsageError
from pipeline.model import Recording
from pipeline.store import Home, read_session, save_import
from tests.flows.command_line import vagal_here
from tests.flows.rooms import play, resting
from tests.pipeline.report.recordings import recording
from tests.pipeline.sessions import records, write_journal

# What depends on when a recording begins and ends: a table or text by itself begins with its first sample.
EDGES = {
    "nn_coverage",
    "eda_coverage",
    "longest_gap_s",
    "arousal",
    "arousal_low",
    "arousal_high",
    "hpa_model_au",
}
BY_CUMULATION = 5e-4  # a text has no times: beats lie where their intervals add up to, which spectra see
BY_SIXTEEN_BITS = 5e-3  # skin conductance over a range of 80 µS


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A recorded session of simulated strap and skin sensor, and one that was imported, with gaps."""
    home = Home(tmp_path_factory.mktemp("home"))
    play(home.path, resting(120), client="sim-1")
    for client in ("whole-1", "gaps-1"):
        made = recording() if client == "gaps-1" else recording(phases=recording().phases[:2])
        save_import(home, replace(made, client=client), {}, 1.8e9)
    return home


def session_of(home: Home, client: str) -> Path:
    [folder] = [folder for folder in home.sessions() if folder.parent.name == client]
    return folder


def features(made: Recording, stream: str) -> Mapping[str, float]:
    """The whole recording's features from one stream, without what depends on where it begins and ends."""
    alone = replace(made, streams={stream: made.streams[stream]}, phases=(), markers=(), ratings=())
    found = analyse(alone).whole
    numbers = {name: found.number(name) for name in found.features if name not in EDGES}
    return {name: float(value) for name, value in numbers.items() if value is not None}


@pytest.mark.parametrize("client", ["sim-1", "gaps-1"])
@pytest.mark.parametrize(
    ("target", "stream", "ending", "within"),
    [
        ("csv", "rr", "/rr.csv", 1e-6),
        ("csv", "eda", "/eda.csv", 1e-6),
        ("bids", "rr", "_acq-rr_beh.tsv", 1e-6),
        ("bids", "eda", "_recording-eda_physio.tsv.gz", 1e-6),
        ("edf", "eda", "_eda.edf", BY_SIXTEEN_BITS),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 5 else "",
)
def test_what_is_read_back_has_the_same_features(
    home: Home, tmp_path: Path, client: str, target: str, stream: str, ending: str, within: float
) -> None:
    folder = session_of(home, client)
    [told] = export(home, [str(folder)], target, tmp_path / "out")
    [path] = [path for path in told.files if str(path).endswith(ending)]
    found = features(read_recording(path)[1], stream)
    assert found == pytest.approx(features(read_session(folder), stream), rel=within, abs=within)


def test_a_text_for_kubios_has_the_same_features(home: Home, tmp_path: Path) -> None:
    folder = session_of(home, "sim-1")
    [told] = export(home, [folder.name], "kubios", tmp_path / "out")
    path = told.files[0]
    assert path.name == "sim-1_session-01_simulated_rr.txt"
    found = features(read_recording(path)[1], "rr")
    assert found == pytest.approx(features(read_session(folder), "rr"), rel=BY_CUMULATION, abs=BY_CUMULATION)


def test_a_real_wristband_s_skin_conductance_comes_back(recordings: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    folder, _ = import_recording(home, recordings / "stress_predict_e4" / "S02", "e4", Reading())
    expected = features(read_session(folder), "eda")
    for target, ending, within in (
        ("csv", "/eda.csv", 1e-6),
        ("bids", "-eda_physio.tsv.gz", 1e-6),
        ("edf", "_eda.edf", 5e-3),
    ):
        [told] = export(home, ["last"], target, tmp_path / target)
        [path] = [path for path in told.files if str(path).endswith(ending)]
        assert features(read_recording(path)[1], "eda") == pytest.approx(expected, rel=within, abs=within), (
            target
        )


def test_an_imported_export_is_a_session_again(home: Home, tmp_path: Path) -> None:
    list(export(home, [session_of(home, "gaps-1").name], "csv", tmp_path / "out"))
    there = tmp_path / "out" / "gaps-1_session-01"
    arguments = ("import", there / "eda.csv", "--client", "again-1", "--phases", there / "phases.csv")
    ended = vagal_here(*arguments, home=tmp_path / "home")
    assert ended.returncode == 0, ended.stderr
    [folder] = Home(tmp_path / "home").sessions()
    phases = read_session(folder).phases
    assert [phase.name for phase in phases] == ["Baseline", "Challenge", "Recovery", "Paced breathing"]


def test_sessions_are_numbered_by_time_among_their_client_s(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for month in (5, 3, 4):
        began = recording().started_at
        assert began is not None
        made = replace(recording(), client="c", started_at=began.replace(month=month))
        save_import(home, made, {}, 1.8e9)
    names = [folder.name for folder in home.sessions()]
    told = list(export(home, [names[2], names[0]], "csv", tmp_path / "out"))
    assert [(each.session_id, each.name) for each in told] == [
        (names[2], "c_session-03"),
        (names[0], "c_session-01"),
    ]


def test_a_folder_that_holds_something_is_left_alone(home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already; name a new or empty folder"):
        list(export(home, ["last"], "csv", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_two_sessions_of_one_name_are_not_mixed(home: Home, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "whole-1" / "other"
    shutil.copytree(session_of(home, "whole-1"), copy)
    with pytest.raises(UsageError, match="by another export or for a session of the same client and number"):
        list(export(home, [str(session_of(home, "whole-1")), str(copy)], "csv", tmp_path / "out"))


def test_a_name_that_leads_elsewhere_is_refused(home: Home, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "x" / "y"
    shutil.copytree(session_of(home, "whole-1"), copy)
    manifest = (copy / "session.json").read_text()
    (copy / "session.json").write_text(manifest.replace('"client": "whole-1"', '"client": "../evil"'))
    with pytest.raises(InputError, match="is the session damaged"):
        list(export(home, [str(copy)], "csv", tmp_path / "out" / "deep"))
    assert not list(tmp_path.glob("**/evil*"))


def test_a_session_that_is_not_finished_is_recovered_first(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    folder = home.sessions_path / "c1" / "2026-01-01T10-00-00-abcd"
    write_journal(folder, records(ended=False))
    for name in (folder.name, "2026-01", str(folder)):
        with pytest.raises(InputError, match="is not finished: end it, or `vagal recover`"):
            list(export(home, [name], "csv", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_one_that_has_no_beats_does_not_keep_the_others(home: Home, tmp_path: Path) -> None:
    skin = {"eda": recording().streams["eda"]}
    folder = save_import(home, replace(recording(), client="skin-1", streams=skin), {}, 1.8e9)
    names = (str(folder), str(session_of(home, "sim-1")))
    out = tmp_path / "out"
    ended = vagal_here("export", *names, "--to", "kubios", "--out", out, home=home.path)
    assert (ended.returncode, ended.stderr) == (
        1,
        "vagal: skin-1_session-01: holds no beats, and nothing to find any in\n",
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "sim-1_session-01_simulated_rr.txt",
        "sim-1_session-01_simulated_rr_phases.csv",
    ]


def test_nothing_is_made_for_a_session_that_is_not_there(tmp_path: Path) -> None:
    ended = vagal_here("export", "nobody", "--to", "bids", "--out", tmp_path / "out", home=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1)
    assert "`vagal list` shows them" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_the_terminal_says_what_went_where(home: Home, tmp_path: Path) -> None:
    name = session_of(home, "gaps-1").name
    ended = vagal_here("export", name, "--to", "edf", "--out", tmp_path / "out", home=home.path)
    assert ended.stdout.splitlines() == [
        f"{name} -> gaps-1_session-01: 1 file",
        f"Wrote {tmp_path / 'out'}",
    ]
    assert ended.stderr.startswith("Note: not in the export: rr: single values have no place in EDF+")


def test_an_export_is_for_its_owner_s_eyes(home: Home, tmp_path: Path) -> None:
    list(export(home, [str(session_of(home, "gaps-1"))], "bids", tmp_path / "new" / "out"))
    folders = [path for path in (tmp_path / "new").rglob("*") if path.is_dir()]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
