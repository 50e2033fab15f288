"""Psycho-education: cards are plain, short and honest; each fact has its card; own files are read."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.guidance.psychoeducation import (
    LATELY,
    MOST_WORDS,
    MOST_WORDS_ON_CARD,
    PRESSING,
    SEVERAL_WEEKS,
    Card,
    Facts,
    Fit,
    Source,
    card_paths,
    cards,
    chosen,
    fits,
    matched,
    thin_week,
)
from pipeline.guidance.strategies import Grade, StrategyKind, strategies

SHIPPED = list(cards().values())
each_card = pytest.mark.parametrize("card", SHIPPED, ids=lambda each: each.name)

FEWEST_WORDS = 120
LONGEST_SENTENCE = 30
MOST_LETTERS_A_WORD = 4.9  # over a whole card: what a fourteen-year-old reads easily lies below

DISORDERS = (
    "disorder",
    "depress",
    "anxiety",
    "trauma",
    "patholog",
    "symptom",
    "illness",
    "burnout",
    "diagnos",
)
PROMISES = (
    "cure",
    "heals",
    "healing",
    "treatment",
    "proven",
    "proves",
    "guarantee",
    "rewire",
    "improves your",
)
NORMS = (
    "normal range",
    "average person",
    "healthy people",
    "too high",
    "too low",
    "percentile",
    "better than others",
)
NOT_OURS = ("vagal tone", "limbic", "over-active", "overactive", "detox", "coherence")

TEA = """+++
title = "A cup of tea"
card = "Tea is warm."
grade = "traditional"
sources = []
fits = ["any-session"]
try = "five-senses"
+++

Tea is warm,
and takes its time.

Some like it with milk.
"""

EACH_FACT = {
    Fit.UNWELL: Facts(unwell=True),
    Fit.HIGH_DISTRESS: Facts(high_distress=True),
    Fit.FIRST_SESSION: Facts(first_session=True),
    Fit.NO_SIGNAL: Facts(usable=False),
    Fit.NO_SKIN_RESPONSE: Facts(skin_responded=False),
    Fit.RATING_DIFFERED: Facts(rating_agreed=False),
    Fit.RESONANCE: Facts(resonance=True),
    Fit.THIN_WEEK: Facts(thin_week=True),
    Fit.SEVERAL_WEEKS: Facts(weeks=SEVERAL_WEEKS),
    Fit.RECOVERY: Facts(reacted=True, recovered=True),
    Fit.REACTION: Facts(reacted=True, recovered=False),
    Fit.NO_REACTION: Facts(reacted=False),
    Fit.PACED: Facts(paced=True),
    Fit.ANY: Facts(),
}

EXPECTED = {
    Fit.UNWELL: "when-to-stop",
    Fit.HIGH_DISTRESS: "when-to-stop",
    Fit.FIRST_SESSION: "feelings-thoughts-body",
    Fit.NO_SIGNAL: "feelings-thoughts-body",
    Fit.NO_SKIN_RESPONSE: "what-the-skin-tells",
    Fit.RATING_DIFFERED: "feelings-thoughts-body",
    Fit.RESONANCE: "breathing-and-the-heart",
    Fit.THIN_WEEK: "a-fuller-week",
    Fit.SEVERAL_WEEKS: "practice-and-the-brain",
    Fit.RECOVERY: "stress-response",
    Fit.REACTION: "settling-can-be-practised",
    Fit.NO_REACTION: "feelings-thoughts-body",
    Fit.PACED: "breathing-and-the-heart",
    Fit.ANY: "not-alone-with-it",
}

any_facts = st.builds(
    Facts,
    **{
        each.name: st.integers(0, 60)
        if each.name == "weeks"
        else st.sampled_from([True, False, None] if "None" in str(each.type) else [True, False])
        for each in fields(Facts)
    },
)
any_seen = st.lists(st.sampled_from([card.name for card in SHIPPED]), max_size=15)


def _home(tmp_path: Path, text: str, name: str = "tea") -> Path:
    (tmp_path / "psychoeducation").mkdir(exist_ok=True)
    (tmp_path / "psychoeducation" / f"{name}.md").write_text(text, encoding="utf-8")
    return tmp_path


def _whole(card: Card) -> str:
    return " ".join((card.title, card.short, *card.paragraphs))


def _sentences(text: str) -> list[str]:
    return re.findall(r"[^.!?]+[.!?]”?", text)


# What ships


def test_there_is_a_card_for_every_topic() -> None:
    assert set(cards()) == {
        "stress-response",
        "feelings-thoughts-body",
        "settling-can-be-practised",
        "practice-and-the-brain",
        "a-fuller-week",
        "breathing-and-the-heart",
        "what-the-skin-tells",
        "not-alone-with-it",
        "when-to-stop",
    }


@each_card
def test_each_is_as_long_as_a_card_and_a_page_hold(card: Card) -> None:
    assert FEWEST_WORDS <= len(" ".join(card.paragraphs).split()) <= MOST_WORDS
    assert 25 <= len(card.short.split()) <= MOST_WORDS_ON_CARD


@each_card
def test_each_is_plain_to_read(card: Card) -> None:
    texts = (card.short, *card.paragraphs)
    assert [text for text in texts if text[-1] not in ".?"] == []
    assert [one for text in texts for one in _sentences(text) if len(one.split()) > LONGEST_SENTENCE] == []
    words = re.findall(r"[a-z]+", _whole(card).lower())
    assert sum(map(len, words)) / len(words) < MOST_LETTERS_A_WORD


@each_card
def test_none_names_a_disorder_promises_compares_or_explains_a_brain(card: Card) -> None:
    text = _whole(card).lower()
    assert [word for word in (*DISORDERS, *PROMISES, *NORMS, *NOT_OURS) if word in text] == []


@each_card
def test_no_source_shows_a_client_the_name_of_a_disorder(card: Card) -> None:
    assert [
        source.told for source in card.sources if any(word in source.told.lower() for word in DISORDERS)
    ] == []


@each_card
def test_who_speaks_of_hormones_says_that_none_are_measured(card: Card) -> None:
    for text in (card.short, " ".join(card.paragraphs)):
        if re.search(r"hormone|cortisol|\bhpa\b", text.lower()):
            assert re.search(r"no hormones (are|were) measured", text.lower())


@each_card
def test_each_has_sources_with_their_years(card: Card) -> None:
    assert card.sources
    assert [source for source in card.sources if not 1900 <= source.year <= 2026] == []
    assert list(card.sources) == sorted(card.sources, key=lambda source: (source.year, source.author))


def test_the_slogan_is_called_one_and_no_brain_is_seen() -> None:
    card = cards()["practice-and-the-brain"]
    assert card.grade is Grade.WEAK
    for text in (card.short, " ".join(card.paragraphs)):
        assert "“What fires together wires together” is a slogan" in text
        assert re.search("cannot show a change in your brain|nothing here looks into your brain", text)


def test_breathing_is_smaller_and_softer_on_the_card_itself() -> None:
    assert "Smaller and softer, not deeper." in cards()["breathing-and-the-heart"].short
    assert [card.name for card in SHIPPED if card.practice.kind is StrategyKind.BREATHING] == [
        "breathing-and-the-heart"
    ]


def test_no_two_try_the_same() -> None:
    assert len({card.practice.name for card in SHIPPED}) == len(SHIPPED)


# Matching


@pytest.mark.parametrize("fit", list(Fit), ids=str)
def test_each_fact_has_its_card(fit: Fit) -> None:
    assert fits(EACH_FACT[fit])[0] is fit
    assert matched(EACH_FACT[fit]).name == EXPECTED[fit]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        pytest.param(
            Facts(first_session=True, high_distress=True, reacted=True),
            "when-to-stop",
            id="distress comes first",
        ),
        pytest.param(
            Facts(usable=False, paced=True), "feelings-thoughts-body", id="nothing usable, then pacing"
        ),
        pytest.param(Facts(resonance=True, paced=True, weeks=20), "breathing-and-the-heart", id="resonance"),
        pytest.param(
            Facts(thin_week=True, reacted=True, recovered=True),
            "a-fuller-week",
            id="a thin week, then recovery",
        ),
        pytest.param(Facts(reacted=True), "settling-can-be-practised", id="recovery not estimable"),
        pytest.param(
            Facts(reacted=False, recovered=True), "feelings-thoughts-body", id="nothing to recover from"
        ),
        pytest.param(Facts(weeks=SEVERAL_WEEKS - 1), "not-alone-with-it", id="not yet several weeks"),
        pytest.param(
            Facts(paced=True, gently=True), "settling-can-be-practised", id="gently: no breathing to try"
        ),
        pytest.param(
            Facts(resonance=True, gently=True), "not-alone-with-it", id="gently: nor after an assessment"
        ),
    ],
)
def test_of_several_facts_the_first_counts(facts: Facts, name: str) -> None:
    assert matched(facts).name == name


def test_cards_shown_lately_make_way_and_come_again() -> None:
    seen: list[str] = []
    for _ in range(2 * LATELY):
        seen.append(matched(Facts(reacted=True, recovered=True), seen).name)
    assert seen == [
        "stress-response",
        "settling-can-be-practised",
        "not-alone-with-it",
        "practice-and-the-brain",
        "a-fuller-week",
        "stress-response",
        "settling-can-be-practised",
        "not-alone-with-it",
    ]


@pytest.mark.parametrize(
    ("fit", "shown"),
    [
        pytest.param(Fit.UNWELL, ["when-to-stop"] * 4, id="unwell: the one that fits, each time"),
        pytest.param(
            Fit.HIGH_DISTRESS,
            ["when-to-stop", "not-alone-with-it", "when-to-stop", "not-alone-with-it"],
            id="high distress: two that fit take turns",
        ),
    ],
)
def test_what_is_pressing_is_said_each_time(fit: Fit, shown: list[str]) -> None:
    seen: list[str] = []
    for _ in shown:
        seen.append(matched(EACH_FACT[fit], seen).name)
    assert seen == shown


@given(facts=any_facts)
def test_no_card_comes_twice_running_while_another_fits_as_well(facts: Facts) -> None:
    first = chosen(SHIPPED, facts)
    again = chosen(SHIPPED, facts, [first.name])
    others = [card for card in SHIPPED if Fit.UNWELL in card.fits and card != first]
    assert again != first or (fits(facts)[0] is Fit.UNWELL and not others)


@given(facts=any_facts, seen=any_seen)
def test_there_is_always_one_and_always_the_same(facts: Facts, seen: list[str]) -> None:
    card = chosen(SHIPPED, facts, seen)
    assert card == chosen(list(reversed(SHIPPED)), facts, seen)
    assert not (facts.gently and card.practice.kind is StrategyKind.BREATHING)
    assert card.name not in seen[-LATELY:] or fits(facts)[0] in PRESSING


@given(facts=any_facts)
def test_the_first_time_the_card_fits_a_fact(facts: Facts) -> None:
    assert set(chosen(SHIPPED, facts).fits) & set(fits(facts))


def test_with_all_seen_the_longest_ago_comes_again() -> None:
    two = SHIPPED[:2]
    assert chosen(two, Facts(), [two[0].name, two[1].name, two[0].name]) == two[1]


@pytest.mark.parametrize(
    ("days", "thin"),
    [
        pytest.param({}, False, id="nothing said"),
        pytest.param({"activity": 0, "people": 1}, False, id="two parts on few days"),
        pytest.param({"activity": 0, "people": 1, "nature": 1, "sleep": 7}, True, id="three"),
        pytest.param(
            {"activity": 2, "people": 2, "novelty": 2, "nature": 2, "sleep": 2}, False, id="two days each"
        ),
    ],
)
def test_a_thin_week_has_three_parts_on_one_day_or_none(days: dict[str, int], thin: bool) -> None:
    assert thin_week({part: each * 10 / 7 for part, each in days.items()}) is thin


# Files of one's own


def test_one_of_ones_own_is_read(tmp_path: Path) -> None:
    assert cards(_home(tmp_path, TEA))["tea"] == Card(
        name="tea",
        title="A cup of tea",
        short="Tea is warm.",
        paragraphs=("Tea is warm, and takes its time.", "Some like it with milk."),
        grade=Grade.TRADITIONAL,
        sources=(),
        fits=(Fit.ANY,),
        practice=strategies()["five-senses"],
    )


def test_one_of_ones_own_takes_the_place_of_one_that_ships(tmp_path: Path) -> None:
    home = _home(tmp_path, TEA, "not-alone-with-it")
    assert card_paths(home).keys() == cards().keys()
    assert matched(Facts(), own=home).title == "A cup of tea"


def test_it_may_try_a_strategy_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "kettle.toml").write_text(
        'title = "Kettle"\nkind = "grounding"\naim = "To wait."\nsteps = ["Wait."]\nnot_when = "Late."\n'
        "minutes = 3\n"
        'evidence = { grade = "traditional", sentence = "No source verified." }\n',
        encoding="utf-8",
    )
    home = _home(tmp_path, TEA.replace("five-senses", "kettle"))
    assert cards(home)["tea"].practice.title == "Kettle"


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    plain = cards(_home(tmp_path, TEA))["tea"]
    (tmp_path / "psychoeducation" / "tea.md").write_bytes(
        b"\xef\xbb\xbf" + TEA.replace("\n", "\r\n").encode()
    )
    assert cards(tmp_path)["tea"] == plain


def test_markup_stays_text(tmp_path: Path) -> None:
    home = _home(tmp_path, TEA.replace("Some like it", "<script>alert(1)</script> **Some** like it"))
    assert cards(home)["tea"].paragraphs[1] == "<script>alert(1)</script> **Some** like it with milk."


def test_a_source_is_told_with_its_year() -> None:
    assert Source("Goessl, Curtiss and Hofmann", 2017, "Psychological Medicine").told == (
        "Goessl, Curtiss and Hofmann (2017). Psychological Medicine."
    )


SOURCE = 'sources = [{ author = "Me", year = 2020, journal = "Mine" }]'


@pytest.mark.parametrize(
    ("found", "instead", "told"),
    [
        pytest.param(TEA, "", "must open with a line of +++", id="empty"),
        pytest.param("+++\ntitle", "---\ntitle", "must open with a line of +++", id="other fence"),
        pytest.param("+++\n\nTea", "\nTea", "and a second line of +++", id="fence never closed"),
        pytest.param('title = "A cup', 'title "A cup', "is not a TOML text file", id="no TOML"),
        pytest.param('title = "A cup of tea"', "", "title is needed", id="no title"),
        pytest.param("A cup of tea", "tea " * 11, "title has 11 words; 10 at most", id="long title"),
        pytest.param(
            '"Tea is warm."', '"' + "tea " * 61 + '"', "card has 61 words; 60 at most", id="long card"
        ),
        pytest.param(
            '"Tea is warm."', '"' + "t" * 10_000 + '"', "card has 10000 letters", id="one long word"
        ),
        pytest.param('"Tea is warm."', '"Tea\\u0007."', "card holds a sign that cannot be shown", id="bell"),
        pytest.param("Some like", "tea " * 300, "the text has", id="long text"),
        pytest.param(
            "Tea is warm,\nand takes its time.\n\nSome like it with milk.\n",
            "",
            "there is no text below the second +++",
            id="no text",
        ),
        pytest.param('"traditional"', '"proven"', "grade 'proven' is not known; use good, some", id="grade"),
        pytest.param(
            '"traditional"', '"good"', "without sources the grade is traditional, not good", id="no source"
        ),
        pytest.param("sources = []", "", "no [[sources]]: write at least one", id="sources left out"),
        pytest.param(
            "sources = []", SOURCE.replace("Me", " "), "sources 1: author is needed", id="no author"
        ),
        pytest.param("sources = []", SOURCE.replace("2020", "20"), "sources 1: year must be", id="no year"),
        pytest.param(
            "sources = []", SOURCE.replace("journal", "url"), "sources 1: unknown key 'url'", id="url"
        ),
        pytest.param(
            '["any-session"]', '["always"]', "fits 'always' is not known; use unwell", id="unknown fit"
        ),
        pytest.param('["any-session"]', "[]", "fits is empty", id="no fit"),
        pytest.param('["any-session"]', '"any-session"', "fits must be a list of texts", id="fit no list"),
        pytest.param(
            '"five-senses"', '"magic"', "try 'magic' is not known; use another-view", id="unknown strategy"
        ),
        pytest.param("try =", "tries =", "unknown key 'tries'; use title", id="unknown key"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(
    tmp_path: Path, found: str, instead: str, told: str
) -> None:
    assert found in TEA
    home = _home(tmp_path, TEA.replace(found, instead, 1))
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        cards(home)
    assert str(caught.value).startswith(f"{home / 'psychoeducation' / 'tea.md'}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_line_of_toml_is_counted_from_the_first_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3"):
        cards(_home(tmp_path, TEA.replace('card = "Tea', 'card "Tea')))


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"+++\n\x00\n+++\ntea"], ids=["no text file", "a nought byte"]
)
def test_what_is_no_text_is_one_line(tmp_path: Path, data: bytes) -> None:
    home = _home(tmp_path, "")
    (home / "psychoeducation" / "tea.md").write_bytes(data)
    with pytest.raises(InputError, match=r"tea\.md: is not a") as caught:
        cards(home)
    assert "\n" not in str(caught.value)


def test_a_folder_in_a_cards_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "psychoeducation" / "tea.md").mkdir(parents=True)
    with pytest.raises(InputError, match=r"tea\.md: cannot be read"):
        cards(tmp_path)
