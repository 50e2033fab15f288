"""Libraries that only some formats need."""

from __future__ import annotations

import sys

import pytest

from devices.exports.libraries import failure, library
from pipeline.errors import InputError


def test_a_library_that_is_there() -> None:
    assert library("json", "a.fit").loads("1") == 1


def test_one_that_is_missing_is_told_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fitdecode", None)
    with pytest.raises(InputError) as caught:
        library("fitdecode", "a.fit")
    assert str(caught.value) == 'a.fit: to read it, run pip install "vagal[formats]"'


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("bad size\nat 3"), "bad size"),
        (KeyError(), "KeyError"),
        (ValueError("x" * 100), "x" * 80),
    ],
    ids=["one line", "no words", "long"],
)
def test_why_one_failed(error: Exception, said: str) -> None:
    assert failure(error) == said
