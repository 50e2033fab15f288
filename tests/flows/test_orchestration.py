"""Prefect's settings: in place before it is imported, and the user's own stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.orchestration import configure


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of Prefect's settings; what is set in a test ends with it."""
    kept = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    monkeypatch.setattr(os, "environ", kept)


def test_a_new_home_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    configure(tmp_path / "new" / "home")
    assert (tmp_path / "new" / "home" / "prefect").is_dir()
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "new" / "home" / "prefect")
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    os.environ |= {"PREFECT_HOME": str(tmp_path / "own" / "place"), "PREFECT_LOGGING_LEVEL": "DEBUG"}
    configure(tmp_path / "home")
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "own" / "place")
    assert (tmp_path / "own" / "place").is_dir()
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_made_is_left_to_prefect_to_tell(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    configure(tmp_path / "file" / "home")
