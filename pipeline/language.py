"""Every text that a report says, from one catalogue: `data/wording/<language>.toml`.

A translation is one such file. Keys are the TOML's, joined by dots. Names in braces are filled in where a
text is used. What a translation does not have is said in English. A clinic may put some texts otherwise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Any, Self

from pipeline.errors import InputError
from pipeline.knowledge import data_path
from pipeline.phrasing import refusal

ENGLISH = "en"
DECIMAL_SIGN = "numbers.decimal"
Text = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language, by key."""

    language: str
    entries: Mapping[str, Text]

    def text(self, key: str, values: Mapping[str, object]) -> str:
        """The text of a key, with values filled in and reasons among them said in this language."""
        found = self.entries[key]
        assert isinstance(found, str), f"{key} holds several texts"
        if not values:
            return found
        said = {name: self.told(value) for name, value in values.items()}
        sign = self.decimal_sign
        return found.format(**said) if sign == "." else _Signs(sign).vformat(found, (), said)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a key that holds several."""
        found = self.entries[key]
        assert not isinstance(found, str), f"{key} holds one text"
        return found

    @property
    def decimal_sign(self) -> str:
        """What stands between a number's whole part and its decimals."""
        sign = self.entries.get(DECIMAL_SIGN, ".")
        return sign if isinstance(sign, str) else "."

    def told(self, value: object) -> object:
        """A reason in this language; anything else as it is."""
        return self.text(value.key, value.values) if isinstance(value, Reason) else value

    def with_phrases(self, phrases: Mapping[str, object]) -> Catalogue:
        """The catalogue with some texts put otherwise; keys with dots, or tables in tables.

        Raises InputError for the first that cannot stand there, or says what no report says.
        """
        own = dict(_flat(phrases))
        made = self._with(own, self.language)
        for key, other in own.items():
            for before, after in zip(_each(self.entries[key]), _each(other), strict=True):
                if why := refusal(key, before, after):
                    raise InputError(f"{key}: {why}")
        return made

    def _with(self, others: Mapping[str, Text], language: str) -> Catalogue:
        for key, other in others.items():
            _check(key, other, self.entries)
        return Catalogue(language, {**self.entries, **others})


class _Signs(Formatter):
    """Fills in as `str.format` does, with another decimal sign."""

    def __init__(self, sign: str) -> None:
        self.sign = sign

    def format_field(self, value: object, format_spec: str) -> str:
        said: str = super().format_field(value, format_spec)
        return said.replace(".", self.sign) if isinstance(value, float) else said


class Reason(str):
    """Why something is not there: its text in English, which is stored, and what any language makes of it."""

    __slots__ = ("key", "values")
    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, values: Mapping[str, object]) -> Self:
        english = _catalogue(ENGLISH).entries[key]
        assert isinstance(english, str), f"{key} holds several texts"
        made = super().__new__(cls, english.format_map(values) if values else english)
        made.key, made.values = key, values
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, object]]:  # type: ignore[override]  # a str has one
        return self.key, self.values


def reason(key: str, /, **values: object) -> Reason:
    """A reason, from its key and what is filled in."""
    return Reason(key, values)


def together(key: str, parts: Sequence[str]) -> str:
    """Reasons put together, two by two, by the text of a key with {first} and {last}; one alone as it is."""
    first, *others = parts
    for other in others:
        first = reason(key, first=first, last=other)
    return first


def catalogue(language: str = ENGLISH, phrases: Mapping[str, object] | None = None) -> Catalogue:
    """The catalogue of a language, with phrases of a clinic's own over it.

    Raises InputError if there is no such language, its file cannot be read, or a phrase cannot stand there.
    """
    found = _catalogue(language)
    return found.with_phrases(phrases) if phrases else found


@lru_cache(maxsize=8)
def _catalogue(language: str) -> Catalogue:
    path = data_path() / "wording" / f"{language}.toml"
    try:
        own = dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
        return Catalogue(language, own) if language == ENGLISH else catalogue()._with(own, language)
    except (OSError, ValueError, InputError) as error:
        raise InputError(f"{path}: the texts of this language cannot be used ({error})") from error


_current: ContextVar[Catalogue | None] = ContextVar("catalogue", default=None)


@contextmanager
def use(chosen: Catalogue) -> Iterator[None]:
    """Say everything from this catalogue for as long as the context lasts."""
    before = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(before)


def current() -> Catalogue:
    """The catalogue in use; the English one unless another was chosen."""
    return _current.get() or catalogue()


def text(key: str, /, **values: object) -> str:
    """The text of a key in the language in use."""
    return current().text(key, values)


def text_or(key: str, otherwise: str) -> str:
    """The text of a key if there is one: for what has a name in the catalogue only if it is known."""
    found = current().entries.get(key, otherwise)
    assert isinstance(found, str), f"{key} holds several texts"
    return found


def texts(key: str, /) -> tuple[str, ...]:
    """The texts of a key that holds several, such as the heads of a table."""
    return current().texts(key)


def plural(key: str, count: int, /, **values: object) -> str:
    """The form that goes with a number: `<key>.one` or `<key>.many`; `{count}` in it is the number."""
    return text(f"{key}.one" if count == 1 else f"{key}.many", **{"count": count, **values})


def told(value: object) -> str:
    """A reason in the language in use; any other value as text."""
    return str(current().told(value))


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Text]]:
    for name, value in tables.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        elif isinstance(value, str):
            yield key, value
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            yield key, tuple(value)
        else:
            raise InputError(f"{key}: {value!r} is no text in quotation marks")


def _check(key: str, other: Text, known: Mapping[str, Text]) -> None:
    """Raise InputError unless a text can stand in the place of the one that has its key."""
    there = known.get(key)
    if there is None:
        raise InputError(f"{key}: there is no such text to put otherwise")
    if isinstance(there, str) != isinstance(other, str) or len(_each(there)) != len(_each(other)):
        raise InputError(f"{key}: needs {_number(there)}, and has {_number(other)}")
    for before, after in zip(_each(there), _each(other), strict=True):
        needed, given = _places(before), _places(after)
        if needed != given:
            raise InputError(f"{key}: {after!r} {_places_told(needed, given)}")


def _each(found: Text) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


def _number(found: Text) -> str:
    return "one text" if isinstance(found, str) else f"a list of {len(found)} texts"


def _places(found: str) -> frozenset[str] | None:
    """What stands in braces in a text; None if its braces do not pair."""
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(found) if name is not None]
    except ValueError:
        return None
    return frozenset(
        f"{{{name}{f'!{how}' if how else ''}{f':{spec}' if spec else ''}}}" for name, spec, how in fields
    )


def _places_told(needed: frozenset[str] | None, given: frozenset[str] | None) -> str:
    if given is None or needed is None:
        return "has a brace without its other half"
    if unknown := given - needed:
        known = f"; known are {', '.join(sorted(needed))}" if needed else ""
        return f"asks for {min(unknown)}, which is not known there{known}"
    return f"leaves out {min(needed - given)}"
