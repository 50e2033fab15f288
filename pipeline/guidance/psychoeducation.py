"""Psycho-education: cards of plain text with their sources, and which goes with what a session showed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.guidance.files import FENCE, Table, listed, read_page
from pipeline.guidance.strategies import Grade, Strategy, StrategyKind, strategies
from pipeline.knowledge import data_path

KEYS = ("title", "card", "grade", "sources", "fits", "try")
SOURCE_KEYS = ("author", "year", "journal")

MOST_WORDS_IN_TITLE = 10
MOST_WORDS_ON_CARD = 60
MOST_WORDS = 220
LETTERS_A_WORD = 8  # in plain English about six, with the space: a text is no longer than its words allow
EARLIEST, LATEST = 1800, 2100

_BETWEEN_PARAGRAPHS = re.compile(r"\n\s*\n")

SEVERAL_WEEKS = 6  # with practice in them: from then on repetition is worth a card
LITTLE = 2.0  # of 10, in a week's log: a day of seven is less, two are more
FEWEST_THIN = 3  # of the parts of a week's log
LATELY = 4  # sessions: a card that was shown in none of them may come again


class Fit(StrEnum):
    """What a card can go with. The order is that of matching: the first that a session shows has its card."""

    UNWELL = "unwell"
    HIGH_DISTRESS = "high-distress"
    FIRST_SESSION = "first-session"
    NO_SIGNAL = "no-usable-signal"
    NO_SKIN_RESPONSE = "no-skin-response"
    RATING_DIFFERED = "rating-and-signals-differed"
    RESONANCE = "resonance-assessment"
    THIN_WEEK = "thin-week"
    SEVERAL_WEEKS = "several-weeks"
    RECOVERY = "reaction-and-recovery"
    REACTION = "reaction"
    NO_REACTION = "no-reaction"
    PACED = "paced-breathing"
    ANY = "any-session"


# What matters then is said, however often it was: the cards that fit take turns.
PRESSING = (Fit.UNWELL, Fit.HIGH_DISTRESS)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from: `journal` is the publisher of a book."""

    author: str
    year: int
    journal: str

    @property
    def told(self) -> str:
        """As a list of sources has it."""
        return f"{self.author} ({self.year}). {self.journal}."


@dataclass(frozen=True, slots=True)
class Card:
    """Something to know: `short` is what fits on a card, `paragraphs` the whole; plain text without markup.

    `grade` is how well the statement is supported in groups of people, never in the one who reads it.
    `practice` is the one small thing to try.
    """

    name: str
    title: str
    short: str
    paragraphs: tuple[str, ...]
    grade: Grade
    sources: tuple[Source, ...]
    fits: tuple[Fit, ...]
    practice: Strategy


@dataclass(frozen=True, slots=True)
class Facts:
    """What a session showed, as far as cards go by it. What is not known keeps its default.

    `weeks` have had practice in them, up to this session. `reacted` and `recovered` are None without a
    challenge, or where a change is not estimable. `skin_responded` and `rating_agreed` are None where nobody
    could tell. `gently` is what the questions before a first session set: then no card is chosen that has
    breathing to try.
    """

    first_session: bool = False
    weeks: int = 0
    unwell: bool = False
    high_distress: bool = False
    usable: bool = True
    reacted: bool | None = None
    recovered: bool | None = None
    skin_responded: bool | None = None
    rating_agreed: bool | None = None
    paced: bool = False
    resonance: bool = False
    thin_week: bool = False
    gently: bool = False


def cards(own: Path | None = None) -> dict[str, Card]:
    """Every card by its id, which is its file's name; those in `own`/psychoeducation take others' places.

    `own` is a home. Raises InputError, which names the file, if one cannot be used.
    """
    practices = strategies(own)
    return {name: _card(path, practices) for name, path in card_paths(own).items()}


def card_paths(own: Path | None = None) -> dict[str, Path]:
    """The ids there are, and where each card lies, unread."""
    folders = [data_path() / "psychoeducation", *([own / "psychoeducation"] if own is not None else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.md"))}


def matched(facts: Facts, seen: Sequence[str] = (), own: Path | None = None) -> Card:
    """The card that goes best with what a session showed, and was not shown lately. There always is one.

    `seen` are the ids shown in sessions before this one, the latest last; of these the last few count. The
    same facts and cards seen give the same card. What is pressing has a card although all that fit were shown
    lately: then the one of longest ago.
    """
    return chosen(list(cards(own).values()), facts, seen)


def chosen(among: Sequence[Card], facts: Facts, seen: Sequence[str] = ()) -> Card:
    """As `matched`, from these: for the first fit that has a card left, the one that names it earliest."""
    lately = seen[-LATELY:]
    allowed = [card for card in among if not (facts.gently and card.practice.kind is StrategyKind.BREATHING)]
    for fit in fits(facts):
        fitting = sorted((card for card in allowed if fit in card.fits), key=lambda card: _place(card, fit))
        for card in fitting:
            if card.name not in lately:
                return card
        if fitting and fit in PRESSING:
            return min(fitting, key=lambda card: _latest(card.name, lately))
    return min(allowed or among, key=lambda card: (_latest(card.name, seen), card.name))


def fits(facts: Facts) -> tuple[Fit, ...]:
    """What these facts fit, in the order of matching; any session fits the last."""
    shown = {
        Fit.UNWELL: facts.unwell,
        Fit.HIGH_DISTRESS: facts.high_distress,
        Fit.FIRST_SESSION: facts.first_session,
        Fit.NO_SIGNAL: not facts.usable,
        Fit.NO_SKIN_RESPONSE: facts.skin_responded is False,
        Fit.RATING_DIFFERED: facts.rating_agreed is False,
        Fit.RESONANCE: facts.resonance,
        Fit.THIN_WEEK: facts.thin_week,
        Fit.SEVERAL_WEEKS: facts.weeks >= SEVERAL_WEEKS,
        Fit.RECOVERY: facts.reacted is True and facts.recovered is True,
        Fit.REACTION: facts.reacted is True and facts.recovered is not True,
        Fit.NO_REACTION: facts.reacted is False,
        Fit.PACED: facts.paced,
        Fit.ANY: True,
    }
    return tuple(fit for fit in Fit if shown[fit])


def thin_week(log: Mapping[str, float]) -> bool:
    """Whether little was there in a week: of what its log says, from 0 to 10, three or more are 2 or less."""
    return sum(each <= LITTLE for each in log.values()) >= FEWEST_THIN


def _place(card: Card, fit: Fit) -> tuple[int, str]:
    return card.fits.index(fit), card.name


def _latest(name: str, seen: Sequence[str]) -> int:
    """When a card was last shown, later being more; 0 for never."""
    return max((number for number, each in enumerate(seen, 1) if each == name), default=0)


def _card(path: Path, practices: Mapping[str, Strategy]) -> Card:
    table, body = read_page(path)
    table.only(KEYS)
    grade = Grade(table.choice("grade", list(Grade)))
    return Card(
        name=path.stem,
        title=_fitting(table, "title", table.text("title"), MOST_WORDS_IN_TITLE),
        short=_fitting(table, "card", table.text("card"), MOST_WORDS_ON_CARD),
        paragraphs=_paragraphs(table, body),
        grade=grade,
        sources=_sources(table, grade),
        fits=_fits(table),
        practice=practices[table.choice("try", list(practices))],
    )


def _paragraphs(table: Table, body: str) -> tuple[str, ...]:
    _fitting(table, "the text", body, MOST_WORDS)
    paragraphs = tuple(" ".join(each.split()) for each in _BETWEEN_PARAGRAPHS.split(body) if each.strip())
    if not paragraphs:
        raise table.wrong(f"there is no text below the second {FENCE}")
    return paragraphs


def _fitting(table: Table, what: str, text: str, words: int) -> str:
    """The text in one line, unless it is too long for its place or holds what cannot be shown."""
    line = " ".join(text.split())
    if (count := len(line.split())) > words:
        raise table.wrong(f"{what} has {count} words; {words} at most")
    if len(line) > words * LETTERS_A_WORD:
        raise table.wrong(f"{what} has {len(line)} letters; {words * LETTERS_A_WORD} at most")
    if not line.isprintable():
        raise table.wrong(f"{what} holds a sign that cannot be shown")
    return line


def _sources(table: Table, grade: Grade) -> tuple[Source, ...]:
    if table.raw("sources") == []:
        if grade is not Grade.TRADITIONAL:
            raise table.wrong(f"without sources the grade is {Grade.TRADITIONAL}, not {grade}")
        return ()
    return tuple(_source(each) for each in table.tables("sources"))


def _source(table: Table) -> Source:
    table.only(SOURCE_KEYS)
    year = int(table.number("year", EARLIEST, LATEST))
    return Source(table.text("author"), year, table.text("journal"))


def _fits(table: Table) -> tuple[Fit, ...]:
    named = table.texts("fits")
    if unknown := next((each for each in named if each not in list(Fit)), None):
        raise table.wrong(f"fits {unknown!r} is not known; use {listed(list(Fit))}")
    if not named:
        raise table.wrong(f"fits is empty: write what the card goes with, such as {Fit.ANY}")
    return tuple(Fit(each) for each in named)
