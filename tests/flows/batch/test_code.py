"""The hash of the code: of what reads and analyses, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.batch import code
from flows.batch.code import code_hash, source_files
from tests.conftest import REPO


def test_it_is_of_all_that_values_rest_on() -> None:
    names = {path.relative_to(REPO).as_posix() for path in source_files()}
    assert {
        "pipeline/analysis.py",
        "pipeline/heart/spectrum.py",
        "devices/exports/rr_text.py",
        "flows/batch/work.py",
    } <= names
    assert not any(name.startswith(("tests/", "flows/web/")) for name in names)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of another place, in the place of ours."""
    for name in ("pipeline/a.py", "devices/b.py", *code._OURS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    monkeypatch.setattr(code, "_ROOT", tmp_path)
    return tmp_path


def test_a_changed_line_changes_it_and_a_compiled_file_does_not(elsewhere: Path) -> None:
    before = code_hash.__wrapped__()
    (elsewhere / "pipeline" / "a.pyc").write_bytes(b"compiled")
    assert code_hash.__wrapped__() == before
    (elsewhere / "pipeline" / "a.py").write_text("# other\n")
    assert code_hash.__wrapped__() != before


def test_a_renamed_file_changes_it(elsewhere: Path) -> None:
    before = code_hash.__wrapped__()
    (elsewhere / "pipeline" / "a.py").rename(elsewhere / "pipeline" / "c.py")
    assert code_hash.__wrapped__() != before
