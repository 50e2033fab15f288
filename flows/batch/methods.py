"""methods.md and checklist.md: what is known is filled in, and what only the study's people know is a blank.

The sentences and the guidelines' items stand in data/reporting.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from string import Formatter
from typing import Any

from flows.batch.facts import Facts
from pipeline.knowledge import data_path
from pipeline.language import catalogue

GUIDELINES = ("graph", "quigley", "boucsein", "lalanza")
_METHODS = "methods"
_WORKS = (  # as the sentences name them, and their keys in the catalogue
    ("Billman 2013", "billman_2013"),
    ("Kleckner 2018", "kleckner_2018"),
    ("Lipponen & Tarvainen 2019", "lipponen_2019"),
    ("Posada-Quintero 2016", "posada_2016"),
    ("Scargle 1982", "scargle_1982"),
    ("Task Force 1996", "task_force_1996"),
    ("Tarvainen 2002", "tarvainen_2002"),
    ("Welch 1967", "welch_1967"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """What a section asks for: a sentence with facts in braces, and what only the study's people know."""

    section: str
    id: str = ""
    asks: str = ""
    known: str = ""
    open: str = ""

    def filled(self, facts: Facts) -> str:
        """The sentence if all its facts are known, then the blank if there is one."""
        names = [name for _, name, _, _ in Formatter().parse(self.known) if name]
        known = self.known.format_map(facts) if all(facts[name] for name in names) else ""
        return " ".join(part for part in (known, _blank(self.open)) if part)


@dataclass(frozen=True, slots=True)
class Guideline:
    """A text with blanks, and where what it asks is from."""

    title: str
    note: str
    items: tuple[Item, ...]
    citation: str = ""
    doi: str = ""

    @property
    def reference(self) -> str:
        """The citation, with a link where the DOI is known."""
        return f"{self.citation} https://doi.org/{self.doi}" if self.doi else self.citation


@lru_cache
def guideline(name: str) -> Guideline:
    """One of the texts in data/reporting."""
    facts: Mapping[str, Any] = tomllib.loads((data_path() / "reporting" / f"{name}.toml").read_text("utf-8"))
    return Guideline(**{**facts, "items": tuple(Item(**item) for item in facts["items"])})


def methods_page(facts: Facts) -> str:
    """A draft of a methods section, in Markdown."""
    text = guideline(_METHODS)
    lines = [f"# {text.title}", "", f"*{text.note}*"]
    for section, items in groupby(text.items, key=lambda item: item.section):
        if sentences := " ".join(filter(None, (item.filled(facts) for item in items))):
            lines += ["", f"## {section}", "", sentences]
    said = "\n".join(lines)
    cited = [f"- {catalogue().text(f'sources.{key}', {})}" for work, key in _WORKS if work in said]
    lines += ["", "## References", "", *cited] if cited else []
    return "\n".join(lines) + "\n"


def checklist_page(facts: Facts) -> str:
    """The guidelines' items, each with what is known and what is to be filled in, in Markdown."""
    return "\n".join(["# Checklists", "", *(line for name in GUIDELINES for line in _checklist(name, facts))])


def _checklist(name: str, facts: Facts) -> Iterator[str]:
    text = guideline(name)
    yield f"## {text.title}\n"
    yield f"{text.reference}\n"
    yield f"*{text.note}*\n"
    for section, items in groupby(text.items, key=lambda item: item.section):
        yield f"### {section}\n"
        for item in items:
            done = "x" if not item.open and item.filled(facts) else " "
            asked = f"{item.id} {item.asks}".strip()
            yield f"- [{done}] **{asked}.** {item.filled(facts) or _blank('not known here')}"
        yield ""


def _blank(what: str) -> str:
    return f"[to be filled in: {what}]" if what else ""
