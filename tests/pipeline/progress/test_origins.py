"""Where values come from: the same words where it is the same, other words where anything differs."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from pipeline.language import told, use
from pipeline.progress.measures import MEASURES, Measure
from pipeline.progress.origins import Origin
from tests.pseudo_locale import plain_english, pseudo_locale


@pytest.mark.parametrize(
    ("origin", "label"),
    [
        pytest.param(
            Origin("rr", "Polar H10", None, "sitting"), "RR intervals, Polar H10, sitting", id="heart"
        ),
        pytest.param(
            Origin("eda", "Shimmer 9F", "fingers", "lying"),
            "skin conductance, Shimmer 9F, fingers, lying",
            id="skin",
        ),
        pytest.param(Origin("ecg", None, None, "sitting"), "RR intervals from ECG, sitting", id="no device"),
        pytest.param(Origin(None, None, None, "sitting"), "sitting", id="nothing known"),
        pytest.param(
            Origin("x", "y", "the ear", "on a swing"), "x, y, the ear, on a swing", id="words of one's own"
        ),
    ],
)
def test_an_origin_in_words(origin: Origin, label: str) -> None:
    assert origin.label == label


def test_other_origins_have_other_labels() -> None:
    every = [
        Origin(*each)
        for each in product(
            ("rr", "ecg", "pp"), ("H10", "OH1"), (None, "fingers", "palm"), ("sitting", "lying")
        )
    ]
    assert not [pair for pair in combinations(every, 2) if pair[0].label == pair[1].label]


def test_only_the_device_is_no_word_of_the_catalogue() -> None:
    label = Origin("eda", "Shimmer 9F", "fingers", "sitting").label
    with use(pseudo_locale()):
        assert plain_english(f"<p>{told(label)}</p>", ["Shimmer 9F"]) == []


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_where_a_prior_is_from_is_said_in_any_language(measure: Measure) -> None:
    with use(pseudo_locale()):
        assert plain_english(f"<p>{told(measure.prior.source)}</p>") == []
