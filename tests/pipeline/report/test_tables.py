"""Notes under a table: a mark for each reason, and one for all that differ in how little there was."""

from pipeline.language import reason
from pipeline.report.tables import Notes


def _covered(held: float) -> str:
    return reason("reasons.floors.covered", needed=48.0, held=held)


def test_reasons_that_differ_in_how_little_there_was_share_a_note() -> None:
    notes = Notes()
    cells = [notes.missing(_covered(11.0)), notes.missing(_covered(44.0))]
    assert [cell.mark for cell in cells] == ["a", "a"]
    assert [cell.reason for cell in cells] == [
        "needs 48 s of normal beats, there are 11 s",
        "needs 48 s of normal beats, there are 44 s",
    ]
    assert notes.listed() == (("a", "Fewer than 48 s of normal beats."),)


def test_another_need_or_another_reason_has_a_note_of_its_own() -> None:
    notes = Notes()
    notes.missing(_covered(11.0))
    notes.missing(reason("reasons.floors.covered", needed=96.0, held=11.0))
    notes.marked("78.7", reason("regulation.few_blocks", least=8, blocks=0))
    notes.missing("nobody asked")
    assert notes.listed() == (
        ("a", "Fewer than 48 s of normal beats."),
        ("b", "Fewer than 96 s of normal beats."),
        ("c", "No interval: fewer than 8 usable blocks of half a minute or more."),
        ("d", "Nobody asked."),
    )
