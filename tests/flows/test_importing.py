"""Phases files: what they may say, and what is said of those that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from flows.importing import Reading, import_recording, name_phases, read_phases
from pipeline.errors import InputError, UsageError
from pipeline.model import Phase, PhaseKind, Recording, Stream
from pipeline.store import Home, read_session

STARTED = datetime(2022, 2, 7, 9, 52, 54, tzinfo=UTC)
UNIX_S = int(STARTED.timestamp())
HEAD = "name,kind,start_s,end_s\n"
PHASES = (Phase("Rest", PhaseKind.BASELINE, 10.0, 70.0), Phase("Sums", PhaseKind.STRESSOR, 70.0, 190.5))


def recording(started_at: datetime | None = STARTED) -> Recording:
    beats = Stream("rr", np.array([200.0]), {"rr_ms": np.array([800.0])})
    return Recording("x", "rr-text", "", 200.0, {"rr": beats}, started_at=started_at)


def iso(seconds: float, zone: str = "+00:00") -> str:
    return (STARTED + timedelta(seconds=seconds)).isoformat().replace("+00:00", zone)


@pytest.fixture
def phases_file(tmp_path: Path) -> Path:
    return tmp_path / "phases.csv"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + "Rest,baseline,10,70\nSums,stressor,70,190.5\n", id="seconds"),
        pytest.param(
            HEAD + f"Rest,baseline,{UNIX_S + 10},{UNIX_S + 70}\nSums,stressor,{UNIX_S + 70},{UNIX_S + 190}.5",
            id="unix seconds",
        ),
        pytest.param(
            HEAD + f"Rest,baseline,{iso(10)},{iso(70)}\nSums,stressor,{iso(70)},{iso(190.5)}\n", id="ISO 8601"
        ),
        pytest.param(
            HEAD + f"Rest,baseline,{iso(3610, '+01:00')},{iso(70, 'Z')}\nSums,stressor,{iso(70)},190.5\n",
            id="other zones, mixed",
        ),
        pytest.param(
            "\ufeffend_s,note,start_s,kind,name\r\n"
            "190.5,x,70, Stressor ,Sums\r\n\r\n70,,10,BASELINE, Rest \r\n",
            id="as a spreadsheet writes it, columns and rows in any order",
        ),
    ],
)
def test_phases(phases_file: Path, text: str) -> None:
    phases_file.write_text(text, encoding="utf-8")
    assert read_phases(phases_file, recording()) == PHASES


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        (HEAD + "All,,0,200\n", Phase("All", PhaseKind.OTHER, 0.0, 200.0)),
        ("name,start_s,end_s\nAll,0,200\n", Phase("All", PhaseKind.OTHER, 0.0, 200.0)),
        (HEAD + "All,paced,-5,1e3\n", Phase("All", PhaseKind.PACED, 0.0, 200.0)),
    ],
    ids=["no kind", "no column of kinds", "cut to the recording"],
)
def test_what_may_be_left_to_the_reader(phases_file: Path, text: str, phase: Phase) -> None:
    phases_file.write_text(text)
    assert read_phases(phases_file, recording()) == (phase,)


NEEDED = "needs the columns name, kind, start_s, end_s"
KINDS = "settle, baseline, stressor, recovery, paced, reference, other"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f": {NEEDED} (missing: end_s, name, start_s)"),
        ("name,kind,from,to\n", f": {NEEDED} (missing: end_s, start_s)"),
        ("name,kind,start_s\nRest,baseline,0\n", f": {NEEDED} (missing: end_s)"),
        (HEAD, ": holds no phases"),
        (HEAD + "\n\n", ": holds no phases"),
        (HEAD + "Rest,baseline,nan,100\n", " line 2: 'nan' is not a time"),
        (HEAD + "Rest,baseline,0,NaN\n", " line 2: 'NaN' is not a time"),
        (HEAD + "Rest,baseline,0,inf\n", " line 2: 'inf' is not a time"),
        (HEAD + "Rest,baseline,-inf,100\n", " line 2: '-inf' is not a time"),
        (HEAD + "Rest,baseline,0,1e999\n", " line 2: '1e999' is not a time"),
        (HEAD + "Rest,baseline,0,70\nSums,stressor,noon,100\n", " line 3: 'noon' is not a time"),
        (HEAD + "Rest,baseline,0,70\n\nSums,stressor,70,\n", " line 4: '' is not a time"),
        (HEAD + "Rest,baseline,0\n", " line 2: '' is not a time"),
        (
            HEAD + "Rest,baseline,2022-02-07T09:53:00,70\n",
            " line 2: '2022-02-07T09:53:00' does not name its time zone: add one, such as Z or +01:00",
        ),
        (HEAD + "Rest,calm,0,70\n", f" line 2: 'calm' is no phase kind ({KINDS})"),
        (HEAD + "Rest,baseline,70,10\n", " line 2: phase 'Rest' ends before it begins"),
        (HEAD + "Rest,baseline,70,70\n", " line 2: phase 'Rest' ends before it begins"),
        (HEAD + "Rest,baseline,200,300\n", " line 2: phase 'Rest' lies outside the recording"),
        (HEAD + "Rest,baseline,-9,0\n", " line 2: phase 'Rest' lies outside the recording"),
        (
            HEAD + "Sums,stressor,60,190\nRest,baseline,0,70\n",
            ": phases 'Rest' and 'Sums' overlap",
        ),
    ],
    ids=[
        "empty", "other columns", "a column short", "only a header", "blank lines", "NaN start", "NaN end",
        "infinite end", "infinite start", "overflow", "a word", "blank cell after a blank line", "short row",
        "no zone", "unknown kind", "backwards", "no length", "after the end", "before the start", "overlap",
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(phases_file: Path, text: str, message: str) -> None:
    phases_file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_phases(phases_file, recording())
    assert str(caught.value) == f"{phases_file}{message}"


def test_a_date_needs_a_recording_that_says_when_it_began(phases_file: Path) -> None:
    phases_file.write_text(HEAD + f"Rest,baseline,{UNIX_S},{UNIX_S + 60}\n")
    with pytest.raises(InputError) as caught:
        read_phases(phases_file, recording(started_at=None))
    assert str(caught.value) == (
        f"{phases_file} line 2: '{UNIX_S}' is a date, but the recording does not say when it began: "
        "use seconds from its start"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), (b"\xff\xfe\x00", "is not a text file")],
    ids=["no file", "no text"],
)
def test_a_file_that_cannot_be_read(phases_file: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        phases_file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_phases(phases_file, recording())
    assert str(caught.value) == f"{phases_file}: {message}"


MINE = """
title = "Mine"
summary = "One step."
opening = "You can stop at any time."

[[step]]
name = "Sitting"
kind = "baseline"
duration_s = 60
instruction = "Sit quietly."
"""


def test_a_protocol_of_one_s_own_names_the_phases(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.path / "protocols").mkdir(parents=True)
    (home.path / "protocols" / "mine.toml").write_text(MINE)
    how = Reading(protocol="mine")
    with pytest.raises(UsageError, match="no protocol 'mine'"):
        name_phases(recording(), how)
    assert [phase.name for phase in name_phases(recording(), how, home.path).phases] == ["Sitting"]
    export = tmp_path / "beats.txt"
    export.write_text("\n".join(["800", "810", "790", "805"] * 60))
    folder, _ = import_recording(home, export, "anna-1", how)
    session = read_session(folder)
    assert (session.protocol, [phase.name for phase in session.phases]) == ("mine", ["Sitting"])
