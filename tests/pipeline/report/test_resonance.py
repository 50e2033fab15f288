from dataclasses import replace

import pytest

from pipeline.guidance.resonance import Assessment, Dated
from pipeline.report.resonance import Resonance, rate, section
from pipeline.report.tables import Table
from tests.pipeline.guidance.paced import assessed, belt, heart, peaking, steps, without

RETEST = (
    "This is the result of one day. "
    "Two of three people had another rate at retest (Capdevila 2021): re-check before relying on it."
)
CAUSES = ("treat", "improv", "cortisol", "norm", "score", "should", "failed")


def _best() -> Assessment:
    phases = steps()
    return assessed(phases, heart(phases, peaking(5.5)))


def _alike() -> Assessment:
    phases = steps()
    return assessed(phases, heart(phases, lambda _: 12.0), belt(phases))


def _one_lost() -> Assessment:
    phases = steps()
    return assessed(phases, without(heart(phases, peaking(5.5)), phases[0].start_s, phases[0].end_s))


def _none() -> Assessment:
    return assessed(steps(), None)


MADE = {"a best": _best, "all alike": _alike, "one step lost": _one_lost, "not assessed": _none}


def _texts(shown: Resonance) -> list[str]:
    told = [*shown.found, *shown.remarks]
    for table in (shown.by_rate, shown.agreement):
        told += [cell.text for group in table.groups for row in group.rows for cell in row.cells]
        told += [text for _, text in table.notes]
    return told


def _row(table: Table, head: str) -> list[str]:
    return next(
        [cell.text for cell in row.cells] for group in table.groups for row in group.rows if row.head == head
    )


class TestSentences:
    def test_a_best_rate(self) -> None:
        assert section(_best()).found == (
            "3 of 3 criteria that tell the rates apart agree on 5.5 breaths a minute today.",
            "Heart rate in step with breathing is not assessed: no breathing signal.",
            RETEST,
        )

    def test_none_that_stands_out(self) -> None:
        found = section(_alike()).found
        assert found[0].startswith("No rate stands out today: ")
        assert (
            found[1]
            == "Heart rate moved most at 6.5, 6.0, 5.5, 5.0 and 4.5 a minute, which cannot be told apart."
        )
        assert found[-1] == RETEST

    def test_what_could_not_be_assessed_says_why_and_blames_nobody(self) -> None:
        found = section(_none()).found
        assert found[0].startswith("Resonance could not be assessed: 3 rates with usable signal are needed")
        assert found[0].endswith("This is not something the person did.")

    def test_a_recording_without_a_date(self) -> None:
        found = section(replace(_best(), dated=Dated(None, "x"))).found
        assert found[-1].startswith("This is the result of one day. Two of three people")


class TestTables:
    def test_each_criterion_has_a_value_at_each_rate_and_its_best(self) -> None:
        table = section(_best()).agreement
        assert [text for text, _ in table.head] == [
            "Criterion",
            "6.5",
            "6.0",
            "5.5",
            "5.0",
            "4.5",
            "Ranks best",
        ]
        assert _row(table, "Peak to trough")[-1] == "5.5"
        assert _row(table, "Heart rate in step with breathing") == ["–"] * 6
        assert table.notes == (("a", "No breathing signal."),)

    def test_a_step_that_takes_no_part_says_why(self) -> None:
        shown = section(_one_lost())
        assert _row(shown.by_rate, "6.5")[-1] == "not used"
        reason = "Too few clean beats: 0 of 9 breaths have them, 5 are needed."
        assert ("a", reason) in shown.by_rate.notes
        assert reason in [text for _, text in shown.agreement.notes]

    def test_the_best_rate_is_marked_in_words(self) -> None:
        table = section(_best()).by_rate
        readings = {head: _row(table, head)[-1] for head in ("6.5", "5.5", "4.5")}
        assert readings == {
            "6.5": "lower than at 5.5",
            "5.5": "most criteria agree",
            "4.5": "lower than at 5.5",
        }


@pytest.mark.parametrize("made", MADE)
class TestWords:
    def test_every_cell_says_something_or_why_not(self, made: str) -> None:
        shown = section(MADE[made]())
        cells = [
            cell
            for table in (shown.by_rate, shown.agreement)
            for group in table.groups
            for row in group.rows
            for cell in row.cells
        ]
        assert all(cell.text != "–" or cell.reason for cell in cells)
        assert not any(text in ("nan", "None", "inf") for text in _texts(shown))

    def test_nothing_is_claimed(self, made: str) -> None:
        words = " ".join(_texts(section(MADE[made]()))).lower()
        assert not [cause for cause in CAUSES if cause in words.replace("normal beats", "")]


@pytest.mark.parametrize(("bpm", "text"), [(6.0, "6.0"), (5.5, "5.5"), (5.25, "5.25")])
def test_a_rate_has_the_digits_it_needs(bpm: float, text: str) -> None:
    assert rate(bpm) == text
