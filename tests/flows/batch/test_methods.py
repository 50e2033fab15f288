"""Methods and checklists: what is known is said, what is not is a marked blank, and sources are cited."""

import re

import pytest

from flows.batch.facts import facts_of
from flows.batch.methods import GUIDELINES, checklist_page, guideline, methods_page
from pipeline.exclusions import Rules
from pipeline.parameters_file import Analysing
from tests.flows.batch.study import phases, recordings

FACTS = facts_of(recordings(), phases(), Analysing(rules=Rules(10.0, 0.5), phase_edges_s=(30.0, 0.0)))
NOTHING = facts_of([], [], Analysing())


def test_every_fact_that_a_text_wants_is_one() -> None:
    for name in ("methods", *GUIDELINES):
        for item in guideline(name).items:
            assert set(re.findall(r"{(\w+)}", item.known)) <= set(FACTS), (name, item)
            assert item.known or item.open


def test_guidelines_are_cited() -> None:
    page = checklist_page(FACTS)
    assert "Transl Psychiatry 6:e803. https://doi.org/10.1038/tp.2016.73\n" in page
    for name in GUIDELINES:
        assert guideline(name).citation in page


def test_works_that_the_methods_name_are_listed() -> None:
    page = methods_page(FACTS)
    sentences, _, works = page.partition("## References")
    assert set(re.findall(r"[(; ]([A-Z][\w-]+(?: & \w+| Force)? (?:19|20)\d\d)", sentences)) == {
        *("Lipponen & Tarvainen 2019", "Welch 1967", "Scargle 1982", "Task Force 1996", "Billman 2013")
    }
    assert works.count("\n- ") == 5


def test_graph_has_its_thirteen_items() -> None:
    assert [item.id for item in guideline("graph").items] == [
        *("1a", "1b", "1c", "1d", "1e", "2a", "2b", "3a", "3b", "3c", "3d", "4a", "4b")
    ]


@pytest.mark.parametrize(
    "said",
    [
        "The study has 5 recordings of 4 participants.",
        "By group: control (2), patient (2).",
        "A recording lasted a median of 11.5 min (10 to 13).",
        "Phases were Rest (4), Task (4).",
        "Of the intervals of a recording a median of 6 % (0 to 12) were not usable",
        "Of each phase the first 30 s and the last 0 s were left off.",
        "over 10 % of it was not usable",
        "Recordings: 5 found, 1 refused, 4 readable, 4 analysed.",
        "[to be filled in: who was recruited",
    ],
)
def test_methods_say_what_is_known(said: str) -> None:
    assert said in methods_page(FACTS)


def test_what_is_not_there_is_not_written_of() -> None:
    page = methods_page(FACTS)
    assert "µS" not in page  # no recording has skin conductance
    assert "pulse" not in page
    assert "## Sensitivity" not in page


def test_pulses_are_called_so() -> None:
    page = methods_page(facts_of(recordings(beat_source="pp"), [], Analysing()))
    assert "Beat intervals came from pulses (4)." in page
    assert "pulse-rate variability" in page


@pytest.mark.parametrize(
    "page", [methods_page(NOTHING), checklist_page(NOTHING)], ids=["methods", "checklist"]
)
def test_an_empty_study_is_all_blanks(page: str) -> None:
    assert "{" not in page
    assert "[to be filled in: " in page
    assert re.search(r"\b(None|nan)\b", page) is None


def test_a_box_is_ticked_only_where_nothing_is_left_to_fill_in() -> None:
    for line in checklist_page(FACTS).splitlines():
        if line.startswith("- "):
            assert line.startswith("- [x]") == ("[to be filled in" not in line), line
