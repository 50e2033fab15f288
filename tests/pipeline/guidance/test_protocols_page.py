"""docs/protocols.md tells of every protocol and strategy that ships, and of every key of their files."""

from pathlib import Path

import pytest

from pipeline.guidance.protocol import (
    ASSESSMENTS,
    KEYS,
    PACER_KEYS,
    SCALES,
    STEP_KEYS,
    Measure,
    Protocol,
    Setting,
    Task,
    protocol,
    protocols,
)
from pipeline.guidance.safety import OPENING
from pipeline.guidance.strategies import EVIDENCE_KEYS, Grade, Strategy, StrategyKind, strategies
from pipeline.guidance.strategies import KEYS as STRATEGY_KEYS
from pipeline.model import PhaseKind
from tests.conftest import REPO

PAGE = (REPO / "docs" / "protocols.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("```toml\n")[2].partition("```")[0]
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("shipped", [protocol(name) for name in protocols()], ids=lambda each: each.name)
def test_every_protocol_is_on_the_page_with_its_minutes(shipped: Protocol) -> None:
    start = f"| `{shipped.name}` | {shipped.minutes or 'open'} | {shipped.setting} | "
    assert len([row for row in ROWS if row.startswith(start)]) == 1


@pytest.mark.parametrize("shipped", list(strategies().values()), ids=lambda each: each.name)
def test_every_strategy_is_on_the_page_with_its_grade_and_source(shipped: Strategy) -> None:
    start = f"| `{shipped.name}` | {shipped.kind} | {shipped.evidence.grade} | "
    (source,) = [row.removeprefix(start).removesuffix(" |") for row in ROWS if row.startswith(start)]
    told = shipped.evidence.sentence
    assert source in told or (source == "none verified" and "no source verified" in told)


def test_every_key_and_every_word_of_a_choice_is_on_the_page() -> None:
    kinds = [kind for kind in PhaseKind if kind is not PhaseKind.REFERENCE]
    words = [*KEYS, *STEP_KEYS, *PACER_KEYS, *STRATEGY_KEYS, *EVIDENCE_KEYS, *ASSESSMENTS, *SCALES]
    words += [*Setting, *Task, *Measure, *kinds, *StrategyKind, *Grade]
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_the_example_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "sit-and-breathe.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    sit = protocol(str(path))
    assert (sit.title, sit.minutes, len(sit.steps)) == ("Sit and breathe", 6, 2)
    assert OPENING in sit.opening
