"""The client's edition: one picture, one sentence, one practice, one card, and never a judgement."""

import re
from dataclasses import replace
from functools import cache

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.guidance.psychoeducation import Card, cards
from pipeline.language import use
from pipeline.model import Rating
from pipeline.profile import Profile
from pipeline.report.client_page import render_client
from pipeline.report.context import Context
from tests.pipeline.report.known import known, released
from tests.pipeline.report.recordings import GUIDED, Page, beats, page_of, recording
from tests.pseudo_locale import plain_english, pseudo_locale

MOST_BYTES = 150_000
HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\"'&amp;{{ 7*7 }}</td></svg></style>" * 130


@cache
def _guided() -> Analysis:
    return analyse(recording())


def _page(context: Context | None = None) -> Page:
    return page_of(render_client(_guided(), context or known(card=cards()["stress-response"])))


def test_one_of_each() -> None:
    page = _page()
    assert len(page.all("svg", role="img")) == 1
    assert len([found for tag, found in page.tags if tag == "p" and found.get("class") == "sentence"]) == 1
    assert [words for level, words in page.headings if level == 1] == ["Your session"]
    assert [words for level, words in page.headings if level == 2] == [
        "Signs of activation during the session",
        "To practise next",
        cards()["stress-response"].title,
        "What this can't tell you",
    ]


def test_a_draft_until_it_is_released() -> None:
    assert "Your practitioner has not released this page yet." in _page().words
    words = _page(released(known())).words
    assert "Draft" not in words
    assert "Released by Dr T on 2 March 2026." in words


def test_the_crisis_line_of_the_clinic() -> None:
    assert "In a crisis: 0800 111 0 111" in _page().words
    assert "In a crisis" not in _page(Context()).words


def test_what_is_for_the_clinician_alone_is_not_there() -> None:
    words = _page().words.lower()
    for never in ("phq", "item 9", "pss", "outcome", "light-headed", "95", "bpm", "rmssd", "µs"):
        assert never not in words, never


def test_no_judgement_norm_or_disorder() -> None:
    words = _page(known()).words.lower()  # what cards may say: tests.pipeline.guidance.test_psychoeducation
    for never in (
        "improve", "normal", "score", "streak", "better than", "anxiety", "depression", "disorder",
        "cortisol", "reliably", "too high", "too low", "good job", "well done",
    ):  # fmt: skip
        assert never not in words.replace("rated stress and anxiety lower", ""), never
    assert "diagnosis" in words


def test_no_number_is_up_the_side_of_the_picture() -> None:
    html = render_client(_guided(), Context())
    picture = html[html.index("<svg") : html.index("</svg>\n")]
    below = [text for text in re.findall(r">([^<>]*)</text>", picture) if text[:1].isdigit()]
    assert below == ["0", "4", "8", "12\u202fmin"]
    assert 'dx="-7"' not in picture


def test_without_a_baseline_the_picture_is_the_heart_rate() -> None:
    page = page_of(render_client(analyse(recording(phases=GUIDED[1:])), Context()))
    assert "Your heart rate during the session" in page.words
    assert "There was no rest to hold it against" in page.words


def test_without_enough_signal_there_is_none_and_nobody_is_to_blame() -> None:
    short = {"rr": beats(40.0)}
    page = page_of(render_client(analyse(recording(40.0, streams=short, phases=(), ratings=())), Context()))
    assert page.all("svg") == []
    assert "There is no picture today" in page.words
    assert "not something you did" in page.words


@pytest.mark.parametrize("said", ["next_step", "goal"])
def test_text_of_people_stays_text(said: str) -> None:
    profile = Profile(**{said: HOSTILE})  # type: ignore[arg-type]
    page = page_of(render_client(_guided(), known(profile=profile)))
    assert not {tag for tag, _ in page.tags} & {"script", "img"}


def test_after_a_hard_session_no_practice_is_asked_for() -> None:
    hard = analyse(recording(ratings=(Rating(170.0, "distress", 3.0), Rating(355.0, "distress", 9.0))))
    page = page_of(render_client(hard, Context()))
    assert "practitioner" in page.words


def test_in_a_made_up_language_it_speaks_that_language() -> None:
    card = cards()["stress-response"]
    own = (
        card.title,
        card.short,
        *card.paragraphs,
        *(source.told for source in card.sources),
        *(f"{source.author} ({source.year})" for source in card.sources),
        "Clinic by the lake",
        "Dr T",
    )
    with use(pseudo_locale()):
        html = render_client(_guided(), released(known(card=card)))
    assert plain_english(html, own) == []


@pytest.mark.parametrize("card", cards().values(), ids=lambda each: each.name)
def test_all_of_a_card_can_be_read_with_its_sources(card: Card) -> None:
    html = render_client(_guided(), known(card=card))
    words = page_of(html).words
    assert [each for each in (card.short, *card.paragraphs) if each not in words] == []
    assert [each.told for each in card.sources if each.told not in words] == []
    assert len(html.encode()) < MOST_BYTES


def test_the_long_form_of_a_card_is_closed_until_it_is_asked_for() -> None:
    page = _page()
    assert [found for found in page.all("details") if "open" in found] == []
    assert "Read more" in page.words


def test_without_a_card_there_is_nothing_more_to_read() -> None:
    assert "Read more" not in _page(known()).words


def test_markup_in_a_card_of_ones_own_stays_text() -> None:
    card = replace(cards()["stress-response"], paragraphs=(HOSTILE,), sources=())
    page = _page(known(card=card))
    assert not {tag for tag, _ in page.tags} & {"script", "img"}


def test_a_simulated_session_says_so() -> None:
    assert "SIMULATED DATA" in page_of(render_client(analyse(recording(simulated=True)), Context())).words
