"""A language made of the catalogue, in which no letter is plain: what still is, no catalogue said.

`with use(pseudo_locale()): html = ...` and then `plain_english(html, data)`. Its decimals have a comma, so
that `plain_decimals(html, data)` finds a point that no catalogue said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from string import Formatter

from pipeline.language import Catalogue, Text, catalogue

_ACCENTED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥɋřşŧŭṽẇẋẏẑȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤɊŘŞŦŬṼẆẊẎẐ",
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_SIGNS: dict[str, Text] = {"numbers.decimal": ",", "numbers.group": "\u2019"}
_SAID_IN = ("aria-label", "alt", "title", "placeholder")
_UNSAID = ("style", "script")


def pseudo_locale() -> Catalogue:
    """The English catalogue with every letter accented and each text in ⟦brackets⟧; places stay."""
    english = catalogue()
    return Catalogue(
        "en-x-pseudo", {key: _wrapped(key, found) for key, found in english.entries.items()} | _SIGNS
    )


def plain_english(html: str, data: Iterable[str] = ()) -> list[str]:
    """What a page says with two plain letters in a row or more, less the data: names, notes, units, sources.

    What stands in a page's tags counts as well, where a screen reader or a pointer brings it out.
    """
    return _left(html, data, _WORD)


def plain_decimals(html: str, data: Iterable[str] = ()) -> list[str]:
    """What a page says with a point between digits, less the data: versions, formulas, sources."""
    return _left(html, data, _POINT)


def _left(html: str, data: Iterable[str], plain: re.Pattern[str]) -> list[str]:
    page = _Said()
    page.feed(html)
    page.close()
    known = sorted((each for each in data if each), key=len, reverse=True)
    return [said for said in page.said if plain.search(_without(said, known))]


def _wrapped(key: str, found: Text) -> Text:
    if key == "page.language":
        return found  # of the attribute `lang`, which no one reads
    return _accented(found) if isinstance(found, str) else tuple(_accented(each) for each in found)


def _accented(found: str) -> str:
    return f"⟦{''.join(_parts(found))}⟧" if found else ""


def _parts(found: str) -> Iterator[str]:
    for literal, name, spec, how in Formatter().parse(found):
        yield _POINT.sub(",", literal.translate(_ACCENTED))
        if name is not None:
            yield f"{{{name}{f'!{how}' if how else ''}{f':{spec}' if spec else ''}}}"


def _without(said: str, known: Iterable[str]) -> str:
    for each in known:
        said = said.replace(each, "")
    return said


class _Said(HTMLParser):
    """Every text of a page, also those in its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._unsaid = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unsaid += tag in _UNSAID
        self.said += [value for name, value in attrs if name in _SAID_IN and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if name in _SAID_IN and value]

    def handle_endtag(self, tag: str) -> None:
        self._unsaid -= tag in _UNSAID

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._unsaid:
            self.said.append(data.strip())
