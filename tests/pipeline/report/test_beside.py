from pipeline.analysis import analyse
from pipeline.language import text
from pipeline.report import render
from pipeline.report.beside import beside
from tests.pipeline.report.recordings import page_of, recording


def test_where_nothing_was_rated_there_are_no_columns_for_it() -> None:
    analysis = analyse(recording(ratings=()))
    table = beside(analysis)
    assert table is not None
    assert [label for label, _ in table.head] == ["Phase", "Arousal index", "Near own baseline"]
    assert {len(row.cells) for group in table.groups for row in group.rows} == {2}
    words = page_of(render(analysis)).words
    assert text("beside.unrated.note") in words
    assert text("beside.note") not in words


def test_where_something_was_rated_both_stand_side_by_side() -> None:
    table = beside(analyse(recording()))
    assert table is not None
    assert [label for label, _ in table.head][1:3] == ["Distress, first", "Distress, last"]
