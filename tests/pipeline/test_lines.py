"""Append-only lines: what was said to be kept is there, whatever happens to a process or another line."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.lines import append_line, read_lines

_WRITER = """
import sys
from pathlib import Path
from pipeline.lines import append_line
path, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    append_line(path, {"who": who, "number": number, "text": "x" * 2000})
    print(number, flush=True)
"""


def writer(path: Path, who: str, count: int) -> subprocess.Popen[str]:
    """A process that appends, once it is told to, and says what is kept."""
    command = [sys.executable, "-c", _WRITER, str(path), who, str(count)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def objects(path: Path) -> list[Any]:
    return [facts for _, facts in read_lines(path)]


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    told: list[dict[str, Any]] = [{"text": "ä – <b>\n\u2028"}, {"n": 1.5, "none": None}, {}]
    for facts in told:
        append_line(path, facts)
    assert read_lines(path) == list(enumerate(told, 1))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["x.jsonl"]


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "x.jsonl") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", range(1, 18))
def test_a_line_that_was_cut_short_loses_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.jsonl"
    append_line(path, {"first": 1})
    whole = path.read_bytes()
    append_line(path, {"second": "µ"})
    line = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + line[:-cut])
    before = objects(path)
    append_line(path, {"third": 3})
    # Without its end alone, or all of it, nothing is lost.
    left = [{"second": "µ"}] if cut == 1 else [None] if cut < len(line) else []
    assert before == [{"first": 1}, *left]
    assert objects(path) == [{"first": 1}, *left, {"third": 3}]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\n\n", b"\x00\x00", b"\xff{}", b"[]", b"5", b'{"a": ', b"{" * 100_000, b"null"],
    ids=["nothing", "empty lines", "zeros", "no text", "a list", "a number", "half", "deep", "null"],
)
def test_a_damaged_line_is_known_as_one(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"first": 1}\n' + damage + b'\n{"last": 2}\n')
    lost = [] if not damage.strip() else [None]
    assert objects(path) == [{"first": 1}, *lost, {"last": 2}]


def test_a_kill_while_it_appends(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    process = writer(path, "a", 10_000)
    assert process.stdout is not None
    go(process)
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    said = [int(line) for line in process.stdout if line.endswith("\n")]
    process.communicate()
    append_line(path, {"number": "after"})
    numbers = [facts["number"] for facts in objects(path) if facts is not None]
    assert numbers[-1] == "after"
    assert numbers[:-1] == list(range(len(numbers) - 1))
    assert len(numbers) - 1 > max(said, default=19)
    assert objects(path).count(None) <= 1


def test_two_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    both = [writer(path, who, 40) for who in ("a", "b")]
    for process in both:
        go(process)
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = objects(path)
    assert {who: [each["number"] for each in found if each["who"] == who] for who in ("a", "b")} == {
        "a": list(range(40)),
        "b": list(range(40)),
    }
    assert [each.name for each in tmp_path.iterdir()] == ["x.jsonl"]


def test_a_full_disk_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    append_line(path, {"first": 1})
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipeline.lines.os.fsync", full)
    with pytest.raises(InputError, match="No space left"):
        append_line(path, {"second": 2})
    monkeypatch.undo()
    assert path.read_bytes() == before
    append_line(path, {"second": 2})
    assert objects(path) == [{"first": 1}, {"second": 2}]


def test_what_json_does_not_have_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        append_line(tmp_path / "x.jsonl", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        append_line(tmp_path / "x.jsonl", {})
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(tmp_path / "x.jsonl")


def test_a_line_says_what_json_says(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    append_line(path, {"a": "b\nc"})
    assert json.loads(path.read_text()) == {"a": "b\nc"}
    assert path.read_bytes().count(b"\n") == 1
