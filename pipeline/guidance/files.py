"""Text files that people write: each mistake is one line that names the file, the place and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

FENCE = "+++"  # above and below the keys of a page of text
_TOML = "a TOML text file"


class Table:
    """A table of a TOML file. Every way of taking a key raises InputError if the value cannot be used."""

    def __init__(self, facts: Mapping[str, Any], where: str) -> None:
        self._facts, self._where = facts, where

    def __contains__(self, key: str) -> bool:
        return key in self._facts

    def raw(self, key: str) -> object:
        """Whatever is there; None if nothing is."""
        return self._facts.get(key)

    def only(self, keys: Collection[str]) -> None:
        """Raise if there is a key that is not one of these."""
        for key in self._facts:
            if key not in keys:
                raise self.wrong(f"unknown key {key!r}; use {listed(keys)}")

    def wrong(self, what: str) -> InputError:
        """An error that says where."""
        return InputError(f"{self._where}: {what}")

    def text(self, key: str) -> str:
        """A text that is there and not empty."""
        value = self._facts.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f'{key} is needed: write {key} = "..."')
        return value

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if key in self._facts else None

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """One of some words; the default, if one is given and the key is not."""
        if default is not None and key not in self._facts:
            return default
        value = self.text(key)
        if value not in choices:
            raise self.wrong(f"{key} {value!r} is not known; use {listed(choices)}")
        return value

    def choice_or_none(self, key: str, choices: Collection[str]) -> str | None:
        return self.choice(key, choices) if key in self._facts else None

    def number(self, key: str, lowest: float, highest: float) -> float:
        """A number from `lowest` to `highest`, both included."""
        value = self._facts.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.wrong(f"{key} must be a number from {lowest:g} to {highest:g}")
        return float(value)

    def whole_number_or_none(self, key: str) -> int | None:
        """A number to count with, from 1 to 999."""
        if key not in self._facts:
            return None
        value = self.number(key, 1, 999)
        if value != int(value):
            raise self.wrong(f"{key} must be a whole number")
        return int(value)

    def flag(self, key: str) -> bool:
        """True or false, which it is if left out."""
        value = self._facts.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false, without quotes")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        value = self._facts.get(key)
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            raise self.wrong(f'{key} must be a list of texts: {key} = ["...", "..."]')
        return tuple(value)

    def table_or_none(self, key: str) -> Table | None:
        value = self._facts.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(f"{key} must be a table: {key} = {{ ... }}")
        return Table(value, f"{self._where}: {key}")

    def tables(self, key: str) -> list[Table]:
        """The tables of a list, at least one."""
        value = self._facts.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            raise self.wrong(f"no [[{key}]]: write at least one")
        return [Table(each, f"{self._where}: {key} {number}") for number, each in enumerate(value, 1)]


def read_table(path: Path) -> Table:
    """A TOML file; raises InputError if it cannot be read or is not TOML."""
    return _table(_read(path, _TOML), path)


def read_page(path: Path) -> tuple[Table, str]:
    """A text that opens with TOML between two lines of +++: the table, and the text below it, untouched.

    Raises InputError if it cannot be read, has no such opening, or what is between is not TOML.
    """
    opening, *lines = _read(path, "a text file").splitlines() or [""]
    ends = [number for number, line in enumerate(lines) if line.rstrip() == FENCE]
    if opening.rstrip() != FENCE or not ends:
        raise InputError(f"{path}: must open with a line of {FENCE}, its keys, and a second line of {FENCE}")
    head = "\n".join(["", *lines[: ends[0]]])  # the first line, left empty: line numbers stay true
    return _table(head, path), "\n".join(lines[ends[0] + 1 :])


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors put a mark first
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: is not {what} ({error})") from error


def _table(text: str, path: Path) -> Table:
    try:
        return Table(tomllib.loads(text), str(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not {_TOML} ({error})") from error


def listed(words: Collection[str]) -> str:
    """Words as a person reads them: "a, b or c"."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
