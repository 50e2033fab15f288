"""The command line as a person meets it: one clear line, the right exit code, nothing half-written."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.commands.sessions import conditions_of
from flows.surroundings import bluetooth
from pipeline.profile import read_profile
from pipeline.store import Home
from tests.conftest import REPO
from tests.flows.command_line import vagal, vagal_here
from tests.flows.web.live import without_prefect


@pytest.fixture
def rr(tmp_path: Path) -> Path:
    """Five minutes of a quiet heart with respiratory arrhythmia, in ms, one interval a line."""
    import math

    path, lines, at_s = tmp_path / "rr.txt", [], 0.0
    while at_s < 400:
        rr_ms = 850 + 40 * math.sin(2 * math.pi * 0.25 * at_s) + 10 * math.sin(2 * math.pi * 0.1 * at_s)
        lines.append(f"{rr_ms:.0f}")
        at_s += rr_ms / 1000
    path.write_text("\n".join(lines) + "\n")
    return path


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['vagal', '--help']\n"
        "from flows.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'prefect', 'neurokit2', 'pandas', 'bumble', 'scipy', 'numpy', 'bleak', 'pyarrow', 'rich'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPO, check=True)
    assert run.stdout.splitlines()[-1] == "LOADED []"
    assert "vagal demo" in run.stdout


def test_analyse_prints_one_json_object(rr: Path, tmp_path: Path) -> None:
    run = vagal("analyse", rr, "--json", home=tmp_path / "home")
    assert (run.returncode, run.stderr) == (0, "")
    analysis = json.loads(run.stdout)
    assert analysis["recording"]["source"] == "rr-text"
    assert analysis["recording"]["units"] == {"rr": "ms (from the median)"}
    assert analysis["whole"]["hf_ms2"] == pytest.approx(40**2 / 2, rel=0.05)
    assert {"recording", "whole", "windows", "quality", "warnings"} <= set(analysis)
    assert not (tmp_path / "home").exists()


def test_no_correction_gives_the_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "rr.txt"
    path.write_text("\n".join(["800", "1600", "800", "400", "800"] * 40))
    run = vagal_here("analyse", path, "--no-correction", "--json", home=tmp_path / "home")
    whole = json.loads(run.stdout)["whole"]
    assert whole["beats"] == 200
    assert whole["mean_nn_ms"] == 880
    assert whole["artefact_pct"] == 0


def test_import_stores_and_reports_and_list_shows_it(rr: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = vagal("import", rr, "--client", "anna-1", home=home)
    assert run.returncode == 0, run.stderr
    [report] = home.glob("sessions/anna-1/*/derived/report.html")
    assert f"Report   {report}" in run.stdout
    assert "anna-1" in vagal_here("list", home=home).stdout
    assert vagal_here("verify", home=home).stdout == "1 sessions are as they were sealed.\n"
    assert vagal_here("report", home=home).stdout.strip() == str(report)


def test_phases_come_from_a_file(rr: Path, tmp_path: Path) -> None:
    phases = tmp_path / "phases.csv"
    phases.write_text("name,kind,start_s,end_s\nQuiet,baseline,0,180\nSums,stressor,180,390\n")
    run = vagal_here("analyse", rr, "--phases", phases, "--json", home=tmp_path / "home")
    analysis = json.loads(run.stdout)
    assert [(p["name"], p["kind"]) for p in analysis["phases"]] == [
        ("Quiet", "baseline"),
        ("Sums", "stressor"),
    ]
    assert [r["measure"] for r in analysis["reactivity"]][:2] == ["mean_hr_bpm", "ln_rmssd"]
    assert not any("no phases were named" in warning for warning in analysis["warnings"])


@pytest.mark.parametrize(
    ("name", "content", "exit_code", "said"),
    [
        ("empty.txt", "", 3, "is empty"),
        ("word.txt", "800\n810\nabc\n820\n", 3, "line 3: 'abc' is not a number"),
        ("fast.txt", "9000\n" * 40, 3, "name their unit with --unit"),
        ("binary.bin", "\x00\x01\x02\x03" * 50, 3, "not a format vagal can read"),
    ],
    ids=["empty", "a-word", "no-unit", "binary"],
)
def test_bad_files_are_one_line(tmp_path: Path, name: str, content: str, exit_code: int, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    run = vagal_here("import", path, "--client", "c1", home=tmp_path / "home")
    assert (run.returncode, said in run.stderr) == (exit_code, True), run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "home").glob("sessions/*/*"))


def test_one_bad_file_does_not_keep_the_others_out(rr: Path, tmp_path: Path) -> None:
    run = vagal_here("import", "nowhere.zip", rr, "--client", "c1", home=tmp_path / "home")
    assert run.returncode == 3
    assert len(list((tmp_path / "home").glob("sessions/c1/*/session.json"))) == 1


def test_nothing_usable_is_exit_1_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("-5\n0\n" * 60)
    run = vagal("analyse", path, "--unit", "ms", home=tmp_path / "home")
    assert run.returncode == 1
    assert "nothing usable" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["import", "nowhere.zip", "--client", "c1"], 3, "nowhere.zip"),
        (["import", "README.md", "--client", "Anna B."], 2, "for example 'client-1'"),
        (["import", "README.md", "--client", "Anna_1"], 2, "for example 'anna-1'"),
        (["import", "README.md"], 2, "Missing option '--client'"),
        (["analyse", "no-such-session"], 3, "no such file, folder or session"),
        (["live", "--speed", "5"], 2, "--speed goes with --simulate"),
        (["live", "--simulate", "--protocol", "nope"], 2, "guided-session"),
        (["devices", "--seconds", "1"], 3, "Bluetooth"),
        (["report"], 3, "no such file, folder or session"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
    ids=[
        "no-file", "a-real-name", "near-one", "no-client", "no-session", "speed-without-simulate",
        "no-protocol", "no-bluetooth", "no-last", "no-command",
    ],
)  # fmt: skip
def test_wrong_requests_are_one_clear_line(
    tmp_path: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    run = vagal_here(*arguments, home=tmp_path / "home", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
    assert (run.returncode, said in run.stderr) == (exit_code, True), run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_recover_with_nothing_to_do(tmp_path: Path) -> None:
    run = vagal_here("recover", home=tmp_path / "home")
    assert (run.returncode, run.stdout) == (0, "Nothing to recover: every session is sealed.\n")


def test_an_unreadable_journal_is_named_and_left(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "sessions" / "c1" / "2026-01-01T00-00-00-0000"
    folder.mkdir(parents=True)
    (folder / "journal.bin").write_bytes(b"\0" * 100)
    run = vagal_here("recover", home=tmp_path / "home")
    assert run.returncode == 3
    assert "no readable header" in run.stdout
    assert (folder / "journal.bin").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["live", "--simulate", "nonsense"], 2, "no scenario 'nonsense': there are adapter-off"),
        (["live", "--simulate", "--replay", "last"], 2, "--simulate and --replay exclude each other"),
        (["live", "--speed", "2"], 2, "--speed goes with --simulate or --replay"),
        (["live", "--replay", "last", "--device", "x"], 2, "--device goes with sensors in reach"),
        (["live", "--replay", "nowhere"], 3, "no such file, folder or session"),
        (["capture", "x", "--simulate", "--out", "no/folder.jsonl"], 3, "there is no folder no"),
        (
            ["live", "--no-browser", "--simulate", "--device", "nobody"],
            3,
            "no supported sensor named 'nobody' in reach",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_one_line(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    run = vagal_here(*arguments, home=tmp_path)
    assert run.returncode == code
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) <= 4  # wrong usage shows the usage, too
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.rglob("session.json"))


def test_a_scenario_with_a_mistake_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('sensors = ["hart_rate"]')
    run = vagal("record", "--simulate", path, home=tmp_path)
    assert run.returncode == 3
    assert run.stderr.splitlines()[-1].startswith("vagal: there is no virtual sensor 'hart_rate': there are")


def test_a_mistake_in_a_sensor_of_one_s_own_stops_only_what_lists_sensors(tmp_path: Path) -> None:
    (tmp_path / "sensors").mkdir()
    (tmp_path / "sensors" / "mine.toml").write_text("name = 5")
    listed = vagal_here("devices", "--simulate", "--seconds", "1", home=tmp_path)
    assert listed.returncode == 3
    assert "mine.toml" in listed.stderr
    captured = vagal_here("capture", "nobody", "--simulate", "--speed", "50", home=tmp_path)
    assert "sensors of your own are passed over" in captured.stderr
    assert "no supported sensor named 'nobody'" in captured.stderr


BRIEF = """
title = "Brief"
summary = "A minute."
opening = "You can stop at any time."

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = 60
instruction = "Sit quietly."
"""


def _recording(home: Path, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
    """A simulated session of a minute that is recorded without a screen."""
    (home / "brief.toml").write_text(BRIEF)
    asked = ["record", "--simulate", "--speed", "60", "--protocol", str(home / "brief.toml"), *arguments]
    without = {"PYTHONPATH": str(without_prefect(home / "without"))}
    environment = {**os.environ, "VAGAL_HOME": str(home), **without}
    command = [sys.executable, "-m", "flows.cli", *asked]
    return subprocess.Popen(command, text=True, cwd=REPO, env=environment, **streams)


def _conditions(home: Path) -> dict[str, str]:
    [manifest] = home.glob("sessions/me/*/session.json")
    stored: dict[str, str] = json.loads(manifest.read_bytes())["conditions"]
    return stored


def test_record_stores_the_conditions_it_is_given_and_waits_for_nobody(tmp_path: Path) -> None:
    nobody, quiet = subprocess.PIPE, subprocess.DEVNULL  # an input that stays open, and silent
    with _recording(
        tmp_path, "--conditions", "caffeine=none-today", stdin=nobody, stdout=quiet, stderr=nobody
    ) as run:
        assert run.stderr is not None
        said = run.stderr.read()
    assert (run.returncode, "Conditions" in said) == (0, False), said
    assert _conditions(tmp_path) == {"caffeine": "none-today"}


def test_record_asks_once_in_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "wb", buffering=0) as terminal,
        _recording(tmp_path, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run,
    ):
        os.close(theirs)
        terminal.write(b"posture=lying room=cold\n")
        assert run.stderr is not None
        said = run.stderr.read()
    assert (run.returncode, said.count("Conditions:")) == (0, 1), said
    assert _conditions(tmp_path) == {"posture": "lying", "room": "cold"}
    assert not (tmp_path / "clients" / "me.json").exists()  # of a simulated client nothing is kept


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["record", "--simulate", "--conditions", "weather=fine"], 2, "no condition 'weather'"),
        (["record", "--simulate", "--conditions", "nowhere.toml"], 3, "conditions are name=value"),
        (["live", "--simulate", "--conditions", "room=cold"], 2, "the start page asks"),
    ],
    ids=["no condition", "no file", "a page asks"],
)
def test_wrong_conditions_are_one_line(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    run = vagal_here(*arguments, home=tmp_path)
    assert (run.returncode, said in run.stderr) == (code, True), run.stderr
    assert not list(tmp_path.rglob("session.json"))


def test_what_a_real_client_said_is_offered_again(tmp_path: Path) -> None:
    home, real = Home(tmp_path), replace(bluetooth(Home(tmp_path)), simulated=False)
    assert conditions_of(home, "me", ("hand=left", "room=cold"), real) == {"hand": "left", "room": "cold"}
    assert conditions_of(home, "me", ("medication=none",), real) == {"medication": "none"}
    assert read_profile(tmp_path, "me").conditions == {"hand": "left", "medication": "none"}
    assert conditions_of(home, "me", (), real) == {}  # nobody was asked


def test_both_editions_of_what_is_analysed(rr: Path, tmp_path: Path) -> None:
    run = vagal_here("analyse", rr, "--out", tmp_path / "out", home=tmp_path / "home")
    names = ["features.parquet", "beats.parquet", "analysis.json", "report.html", "client.html"]
    assert run.stderr.splitlines() == [f"Wrote {tmp_path / 'out' / name}" for name in names]
    pages = {name: (tmp_path / "out" / name).read_text(encoding="utf-8") for name in names[-2:]}
    assert 'id="h-methods"' in pages["report.html"]
    assert "Draft." in pages["client.html"]
