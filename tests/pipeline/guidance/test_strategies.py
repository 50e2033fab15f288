"""Strategies: every kind ships, each with its limits and what is known of it; files of one's own are read."""

import re
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.guidance.safety import GROUNDING
from pipeline.guidance.strategies import Evidence, Grade, Strategy, StrategyKind, strategies

SHIPPED = list(strategies().values())

TEA = """title = "A cup of tea"
kind = "grounding"
aim = "To pause."
steps = ["Put the kettle on.", "Wait."]
not_when = "When it is late."
minutes = 5
evidence = { grade = "traditional", sentence = "No source verified." }
"""


def _home(tmp_path: Path, text: str, name: str = "tea") -> Path:
    (tmp_path / "strategies").mkdir(exist_ok=True)
    (tmp_path / "strategies" / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_there_are_one_or_two_of_every_kind() -> None:
    kinds = [each.kind for each in SHIPPED]
    assert {kind: 1 <= kinds.count(kind) <= 2 for kind in StrategyKind} == dict.fromkeys(StrategyKind, True)


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda each: each.name)
def test_each_is_short_and_plain(strategy: Strategy) -> None:
    assert 3 <= len(strategy.steps) <= 6
    assert [step for step in strategy.steps if len(step.split()) > 16] == []
    assert [text for text in (*strategy.steps, strategy.aim) if text[-1] not in ".?"] == []


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda each: each.name)
def test_each_names_a_source_with_its_year_or_says_there_is_none(strategy: Strategy) -> None:
    sentence = strategy.evidence.sentence
    assert ("no source verified" in sentence) != bool(re.search(r" (19|20)\d\d\b", sentence))
    if strategy.evidence.grade in (Grade.GOOD, Grade.SOME):
        assert "no source verified" not in sentence


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda each: each.name)
def test_none_promises_treatment_or_speaks_of_hormones(strategy: Strategy) -> None:
    text = " ".join((*strategy.steps, strategy.aim, strategy.not_when, strategy.evidence.sentence)).lower()
    assert [
        word for word in ("cortisol", "hormone", "cure", "treat anxiety", "diagnos") if word in text
    ] == []


def test_breathing_is_smaller_and_softer() -> None:
    breathing = [each for each in SHIPPED if each.kind is StrategyKind.BREATHING]
    assert all("Smaller and softer, not deeper." in each.steps for each in breathing)


def test_what_is_offered_in_distress_is_there_and_grounds() -> None:
    assert strategies()[GROUNDING].kind is StrategyKind.GROUNDING


def test_one_of_ones_own_is_read(tmp_path: Path) -> None:
    assert strategies(_home(tmp_path, TEA))["tea"] == Strategy(
        name="tea",
        title="A cup of tea",
        kind=StrategyKind.GROUNDING,
        aim="To pause.",
        steps=("Put the kettle on.", "Wait."),
        not_when="When it is late.",
        minutes=5.0,
        evidence=Evidence(Grade.TRADITIONAL, "No source verified."),
    )


def test_one_of_ones_own_takes_the_place_of_one_that_ships(tmp_path: Path) -> None:
    own = strategies(_home(tmp_path, TEA, GROUNDING))
    assert (own[GROUNDING].title, own.keys()) == ("A cup of tea", strategies().keys())


@pytest.mark.parametrize(
    ("found", "instead", "told"),
    [
        ('title = "A cup of tea"', "", "title is needed"),
        ('kind = "grounding"', 'kind = "magic"', "kind 'magic' is not known; use breathing, grounding"),
        ("minutes = 5", "minutes = 0", "minutes must be a number from 0.5 to 120"),
        ("minutes = 5", "minute = 5", "unknown key 'minute'; use title"),
        ('["Put the kettle on.", "Wait."]', "[]", "steps is empty: write at least one short sentence"),
        ('["Put the kettle on.", "Wait."]', '["Wait.", ""]', "steps must be a list of texts"),
        (
            'grade = "traditional"',
            'grade = "proven"',
            "evidence: grade 'proven' is not known; use good, some",
        ),
        ('sentence = "No source verified."', 'source = "Me."', "evidence: unknown key 'source'"),
        ("evidence = {", "# {", "evidence is needed"),
        ("title =", "title", "is not a TOML text file"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    tmp_path: Path, found: str, instead: str, told: str
) -> None:
    assert found in TEA
    home = _home(tmp_path, TEA.replace(found, instead))
    with pytest.raises(InputError, match=told) as caught:
        strategies(home)
    assert str(caught.value).startswith(f"{home / 'strategies' / 'tea.toml'}: ")
    assert "\n" not in str(caught.value)
