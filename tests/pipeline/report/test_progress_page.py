"""The progress report as it is read: order, trust, words, what is missing, and what people wrote."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from pipeline.amendments import Amendment, Amendments, What
from pipeline.claims.claim import Audience
from pipeline.diary import Diary
from pipeline.entries import Adverse, Outcome, Scale
from pipeline.language import use
from pipeline.manifest import software
from pipeline.profile import Alternation, Primary, Profile
from pipeline.progress.sessions import SessionValues, Value
from pipeline.report.progress_page import render_progress
from tests.pipeline.report.progressions import (
    OTHER_STRAP,
    PROFILE,
    STRAP,
    changed_device,
    page,
    report,
    sessions,
)
from tests.pipeline.report.recordings import page_of
from tests.pseudo_locale import plain_decimals, plain_english, pseudo_locale

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\"'&amp;{{ 7*7 }}</td></svg></style>" * 130
BOTH = (Audience.CLINICIAN, Audience.CLIENT)


@dataclass(frozen=True)
class Case:
    """Sessions, and what else is known."""

    sessions: Callable[[], list[SessionValues]]
    how: dict[str, Any] = field(default_factory=dict)


def _without_rest() -> list[SessionValues]:
    nothing = Value(None, reason="too little of the phase was usable")
    return [replace(each, rest={"ln_rmssd": nothing}, reactions=(), recoveries=()) for each in sessions(6)]


def _undated() -> list[SessionValues]:
    return [replace(each, started_at=None) for each in sessions(4)]


def _other_conditions() -> list[SessionValues]:
    said = ("none", "within 2 hours")
    return [
        replace(each, conditions={"caffeine": said[place > 5]}) for place, each in enumerate(sessions(12))
    ]


def _mixed() -> list[SessionValues]:
    return [replace(each, simulated=place < 2) for place, each in enumerate(sessions(6))]


CASES = {
    "no session": Case(list),
    "1 session": Case(lambda: sessions(1)),
    "3 sessions": Case(lambda: sessions(3)),
    "12 sessions": Case(lambda: sessions(12)),
    "12 sessions, higher": Case(lambda: sessions(12, effect=0.9)),
    "40 sessions": Case(lambda: sessions(40)),
    "200 sessions": Case(lambda: sessions(200)),
    "a changed device": Case(lambda: changed_device(sessions(16), 8)),
    "no skin conductance": Case(lambda: sessions(12, skin=False)),
    "no rest": Case(_without_rest),
    "no dates": Case(_undated),
    "all on one day": Case(lambda: sessions(8, apart_days=0.01)),
    "some simulated": Case(_mixed),
    "nothing entered": Case(lambda: sessions(12), {"profile": Profile(), "entered": Diary()}),
    "values that cannot be read": Case(lambda: sessions(3), {"unread": ("2026-05-01T08-00-00-ab12",)}),
    "two measures": Case(
        lambda: sessions(12),
        {"profile": replace(PROFILE, primary=Primary(("ln_rmssd", "ln_scl"), "2026-03-01"))},
    ),
    "other conditions": Case(_other_conditions),
    "some undated": Case(lambda: [replace(sessions(1)[0], started_at=None), *sessions(4)[1:]]),
    "below the bar": Case(lambda: sessions(16, effect=0.4)),
    "alternating": Case(
        lambda: sessions(14),
        {
            "profile": replace(
                PROFILE, alternation=Alternation(("feet-on-the-floor", "slow-breathing"), 7, "2026-03-02")
            )
        },
    ),
}


@cache
def _html(name: str, audience: Audience = Audience.CLINICIAN) -> str:
    case = CASES[name]
    return page(case.sessions(), audience, **case.how)


@pytest.fixture(params=list(CASES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BOTH)
def audience(request: pytest.FixtureRequest) -> Audience:
    return Audience(request.param)


class TestStructure:
    def test_sections_come_in_the_order_they_are_read(self, name: str) -> None:
        assert [words for level, words in page_of(_html(name)).headings if level == 2] == [
            "In short",
            "What this rests on",
            "Ups and downs from day to day",
            "Beyond the pacer: rest and recovery",
            "Practice, week by week",
            "What tended to go with settling",
            "Strategies in random order",
            "Questionnaires and goals",
            "Adverse experiences",
            "How to read this",
            "Methods",
            "Methods in detail",
        ]

    def test_headings_leave_out_no_level(self, name: str, audience: Audience) -> None:
        levels = [level for level, _ in page_of(_html(name, audience)).headings]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))

    def test_needs_nothing_but_itself(self, name: str, audience: Audience) -> None:
        found = page_of(_html(name, audience))
        assert not {tag for tag, _ in found.tags} & {"script", "iframe", "object", "form"}
        addresses = [
            value for _, each in found.tags for key, value in each.items() if key in ("src", "href") and value
        ]
        assert [each for each in addresses if not each.startswith(("#", "data:"))] == []

    def test_ids_are_given_once_and_links_lead_somewhere(self, name: str, audience: Audience) -> None:
        found = page_of(_html(name, audience))
        ids = [each["id"] for _, each in found.tags if "id" in each]
        assert len(ids) == len(set(ids))
        targets = {each["href"][1:] for each in found.all("a") if (each.get("href") or "").startswith("#")}
        named = {part for _, each in found.tags for part in (each.get("aria-labelledby") or "").split()}
        assert targets | named <= set(ids)

    def test_every_drawing_is_told_and_has_a_table(self, name: str) -> None:
        html = _html(name)
        for figure in re.findall(r"<figure>.*?</figure>", html, re.DOTALL):
            assert re.search(r"<title [^>]*>[^<]+</title><desc [^>]*>[^<]+</desc>", figure)
            assert "<table" in figure

    def test_stays_below_150_kb(self, name: str, audience: Audience) -> None:
        assert len(_html(name, audience).encode()) < 150_000

    def test_the_same_sessions_give_the_same_page(self) -> None:
        assert page(sessions(12)) == _html("12 sessions")


class TestWords:
    def test_says_nothing_it_must_not(self, name: str, audience: Audience) -> None:
        words = page_of(_html(name, audience)).words.lower()
        for never in (
            "coherence",
            "improved",
            "improvement",
            "vagal tone",
            "streak",
            "ranking",
            "percentile",
        ):
            assert never not in words, never
        for sentence in re.findall(r"[^.]*(?:cortisol|hormone)[^.]*\.", words):
            assert "not measured" in sentence

    def test_a_verdict_is_a_claim_s(self, name: str) -> None:
        made, _ = report(CASES[name].sessions(), **CASES[name].how)
        words = page_of(_html(name)).words
        for each in made.claims.of(Audience.CLINICIAN).told:
            words = words.replace(" ".join(each.text.split()), "")
        assert "reliably" not in words.lower()

    def test_a_change_that_stands_out_is_said(self) -> None:
        assert "reliably higher" in page_of(_html("12 sessions, higher")).words.lower()
        client = page_of(_html("12 sessions, higher", Audience.CLIENT)).words
        assert "larger than your usual ups and downs" in client

    def test_to_a_client_nothing_is_reliable(self, name: str) -> None:
        assert "reliabl" not in page_of(_html(name, Audience.CLIENT)).words.lower()

    @pytest.mark.parametrize(
        ("case", "told"),
        [
            ("12 sessions", "sessions count for RMSSD 11 of 12"),
            ("12 sessions", "RMSSD at rest, chosen on 1 March 2026"),
            ("12 sessions", "2 March 2026 to 15 April 2026"),
            ("12 sessions", "“Felt light-headed for a minute after the pacer.”"),
            ("12 sessions", "Speak up in meetings"),
            ("12 sessions", "Chosen, not randomised"),
            ("12 sessions", "vagal enter a-014 alternation"),
            ("nothing entered", "no measure was chosen beforehand"),
            ("nothing entered", "None were entered."),
            ("a changed device", STRAP),
            ("a changed device", OTHER_STRAP),
            ("values that cannot be read", "`vagal report` writes them anew"),
            ("values that cannot be read", "2026-05-01T08-00-00-ab12"),
            ("some simulated", "2 SESSIONS ARE SIMULATED"),
            ("alternating", "Drawn by chance, from 2 March 2026 on"),
            ("alternating", "The random order of strategies was followed in"),
            ("alternating", "Whether Feet on the floor and Slow breathing differ is not said yet"),
            ("alternating", "Next in the random order: Feet on the floor."),
            ("alternating", "Chosen and randomised practices together: not an effect."),
            ("12 sessions", "What next Baselines needed before the next look at RMSSD at rest: 4."),
            ("nothing entered", "No next step was agreed on."),
            ("40 sessions", "The latest 12 of 23 weeks."),
            ("other conditions", "the latest baselines were taken: Caffeine."),
            ("some undated", "1 session without a date is left out."),
            ("below the bar", "Zero lies outside this interval, but sessions are looked at often"),
        ],
    )
    def test_says_what_there_is_and_what_is_missing(self, case: str, told: str) -> None:
        assert told in page_of(_html(case)).words

    def test_a_pulse_is_never_called_heart(self) -> None:
        pulse = [replace(each, beat_source="pp", device="Ring 2") for each in sessions(8)]
        words = page_of(page(pulse)).words
        assert "Pulse rate" in words
        assert "heart-rate variability" not in words[: words.index("How to read this")]


class TestIntervals:
    @pytest.mark.parametrize("count", [12, 60, 200])
    def test_the_one_that_is_shown_is_of_95_percent(self, count: int) -> None:
        words = page_of(page(sessions(count))).words
        assert set(re.findall(r"([\d.]+)\s%\sinterval", words)) == {"95"}

    def test_a_look_s_bar_is_told_apart_from_it(self) -> None:
        assert "its bar is higher than the 95 % interval shown" in " ".join(
            page_of(_html("12 sessions")).words.split()
        )


class TestManySessions:
    @pytest.mark.parametrize(("count", "bars"), [(40, 0), (60, 11), (200, 39)])
    def test_means_of_five_show_the_course(self, count: int, bars: int) -> None:
        drawing = page(sessions(count)).partition('id="standing-ln-rmssd-t"')[2].partition("</svg>")[0]
        assert drawing.count('stroke-width="2.5"') == bars

    @pytest.mark.parametrize(("count", "drawn"), [(12, True), (200, False)])
    def test_a_bar_that_is_far_off_does_not_press_the_picture_together(self, count: int, drawn: bool) -> None:
        assert ("would stand out beyond this" in page(sessions(count))) is drawn

    @pytest.mark.parametrize(("count", "left_out"), [(40, 0), (200, 3)])
    def test_paper_does_without_the_pictures_of_transfer(self, count: int, left_out: int) -> None:
        assert page(sessions(count)).count('<figure class="screen-only">') == left_out


class TestPaper:
    def test_it_does_without_what_explains_itself_on_a_screen(self) -> None:
        found = page_of(_html("12 sessions"))
        left_out = [each["id"] for each in found.all("section") if "screen-only" in (each.get("class") or "")]
        assert left_out == ["reading", "details"]


class TestTwoMeasures:
    def test_each_has_its_picture(self) -> None:
        html = _html("two measures")
        assert ('id="standing-ln-rmssd-t"' in html, 'id="standing-ln-scl-t"' in html) == (True, True)


class TestClient:
    def test_one_picture_one_sentence_one_step(self, name: str) -> None:
        found = page_of(_html(name, Audience.CLIENT))
        assert len(found.all("figure")) <= 1
        assert len(found.all("p", class_="sentence")) == 1
        assert [words for level, words in found.headings if level == 2][-2:-1] == ["To practise next"]

    @pytest.mark.parametrize(
        ("profile", "step"),
        [
            pytest.param(PROFILE, "Slow breathing before the Monday meeting, five minutes", id="agreed on"),
            pytest.param(
                replace(PROFILE, next_step=None),
                "Slow breathing: 3 times a week, 8 minutes each, as agreed on.",
                id="the plan",
            ),
            pytest.param(
                Profile(), "Talk with your practitioner about what to practise next.", id="nothing agreed on"
            ),
        ],
    )
    def test_next_step(self, profile: Profile, step: str) -> None:
        assert step in page_of(page(sessions(12), Audience.CLIENT, profile=profile)).words

    def test_what_cannot_be_laid_beside_is_not_in_the_picture(self) -> None:
        words = page_of(_html("a changed device", Audience.CLIENT)).words
        assert "Earlier sessions that can't be laid beside these are not in the picture." in words
        assert "your first session" not in words

    def test_too_little_is_nobodys_doing(self) -> None:
        assert "not something you did" in page_of(_html("1 session", Audience.CLIENT)).words

    @pytest.mark.parametrize("released", [False, True], ids=["draft", "released"])
    def test_is_a_draft_until_released(self, released: bool) -> None:
        made, context = report(sessions(12))
        amendments = Amendments((Amendment("2026-05-01T10:00:00+00:00", "M. Weber", What.RELEASE, {}),))
        context = replace(context, audience=Audience.CLIENT, amendments=amendments)
        words = page_of(render_progress(replace(made, released=released), context)).words
        assert ("Draft." in words, "Released by M. Weber on 1 May 2026." in words) == (not released, released)


class TestNotices:
    DIARY = Diary(outcomes=(Outcome(day="2026-04-01", by="M.", scale=Scale.PHQ_9, value=11, item_9=2),))

    def test_item_9_is_for_the_clinician_only(self) -> None:
        told = [page_of(page(sessions(3), each, entered=self.DIARY)) for each in BOTH]
        assert "PHQ-9" in told[0].words[: told[0].words.index("What this rests on")]
        assert "PHQ" not in told[1].words


class TestEscaping:
    def test_text_of_people_stays_text(self, audience: Audience) -> None:
        profile = replace(PROFILE, goal=HOSTILE, next_step=HOSTILE)
        entered = Diary(
            outcomes=(
                Outcome(day="2026-04-01", by=HOSTILE[:60], scale=Scale.GOAL, value=3, goal=HOSTILE[:120]),
            ),
            adverse=tuple(Adverse(day="2026-04-01", by=HOSTILE[:60], text=HOSTILE[:2000]) for _ in range(30)),
        )
        hostile = [
            replace(
                each,
                device=HOSTILE[: 60 + place % 2],
                eda_site=HOSTILE[:60],
                practice=tuple(replace(p, title=HOSTILE[:60], strategy=HOSTILE[:60]) for p in each.practice),
                recoveries=tuple(replace(r, challenge=HOSTILE[:60]) for r in each.recoveries),
            )
            for place, each in enumerate(sessions(12))
        ]
        html = page(hostile, audience, profile=profile, entered=entered)
        found = page_of(html)
        assert not {tag for tag, _ in found.tags} & {"script", "img"}
        assert not any(key.startswith("on") for _, each in found.tags for key in each)
        assert len(html.encode()) < 150_000
        assert "{{ 7*7 }}" in found.words


# What people, files and sensors brought along, and what is quoted: no language of ours.
DATA = (
    *software().values(),
    "Too little of the phase was usable",
    "ab" * 32,
    "a-014",
    "ln_rmssd",
    STRAP,
    OTHER_STRAP,
    "Shimmer 9F",
    "Slow breathing before the Monday meeting, five minutes",
    "Speak up in meetings without the rush",
    "Speak up in meetings",
    "Felt light-headed for a minute after the pacer.",
    "Slow breathing",
    "vagal enter a-014 alternation feet-on-the-floor slow-breathing",
    "vagal enter a-014 alternation slow-breathing feet-on-the-floor",
    "2026-05-01T08-00-00-ab12",
)


def test_says_nothing_that_no_catalogue_holds(name: str, audience: Audience) -> None:
    with use(pseudo_locale()):
        html = page(CASES[name].sessions(), audience, **CASES[name].how)
    assert plain_english(html, DATA) == []
    assert plain_decimals(html, DATA) == []


def test_what_was_found_can_be_stored() -> None:
    made, _ = report(sessions(12))
    json.dumps({**made.progress.as_json(), **made.claims.as_json()}, allow_nan=False)
