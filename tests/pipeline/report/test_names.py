import pytest

from pipeline.heart.beats import BeatKind
from pipeline.language import use
from pipeline.report.names import (
    FROM_PULSE,
    FROM_STRAP,
    HeartWords,
    choice,
    heart_words,
    known,
    label,
    measure,
)
from tests.pseudo_locale import pseudo_locale


@pytest.mark.parametrize(
    ("stream", "words"), [("rr", FROM_STRAP), ("ecg_rr", FROM_STRAP), ("pp", FROM_PULSE), (None, FROM_STRAP)]
)
def test_what_comes_from_the_pulse_is_called_so(stream: str | None, words: HeartWords) -> None:
    assert heart_words(stream) is words


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (FROM_STRAP, ("RR interval", "RR intervals", "heart-rate variability", "Heart rate", "HR")),
        (FROM_PULSE, ("PP interval", "PP intervals", "pulse-rate variability", "Pulse rate", "PR")),
    ],
    ids=["strap", "pulse"],
)
def test_words_of_the_heart(words: HeartWords, named: tuple[str, ...]) -> None:
    told = measure("mean_hr_bpm", words), label("mean_hr_bpm", words)
    assert (words.interval, words.intervals, words.variability, *told) == named


def test_words_change_with_the_language() -> None:
    with use(pseudo_locale()):
        assert FROM_PULSE.rate == "⟦ƥŭŀşḗ řȧŧḗ⟧"


def test_every_one_of_a_closed_set_has_a_name() -> None:
    assert choice("quality.kinds", BeatKind.LONG_SHORT) == "too long or too short"
    assert all(choice("quality.kinds", kind) for kind in BeatKind)


@pytest.mark.parametrize(
    ("table", "name", "told"),
    [
        ("streams", "eda", "skin conductance"),
        ("streams", "made at home", "made at home"),
        ("gap_reasons", "link lost", "link lost"),
        ("marks", "{7*7}", "{7*7}"),
    ],
)
def test_what_the_catalogue_does_not_know_keeps_its_name(table: str, name: str, told: str) -> None:
    assert known(table, name) == told
