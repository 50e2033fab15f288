"""Claims as records, and the wording that the whole catalogue of them keeps to."""

import re
from string import Formatter

import pytest

from pipeline.claims.claim import ALWAYS, Audience, Claim, Claims, Rule, Withheld, requirement
from pipeline.language import Catalogue, catalogue, reason, use
from tests.pipeline.claims.wording import FORBIDDEN, NUMBER, RELIABLY

POSITIVE: Rule[float] = Rule("always", lambda value: None if value > 0 else reason("claims.why.not_computed"))
USED = Claim(
    id="usable.heart", text_key="claims.session.usable_heart", values={"share": "97 %"}, rule="recorded"
)
NOT_USED = Withheld(
    id="usable.skin",
    rule="recorded",
    reason=reason("claims.why.not_recorded"),
    text_key="claims.session.no_skin",
)
FOR_CLIENT = Claim(
    id="client.sentence", text_key="claims.client.rested", rule="half_usable", audience=Audience.CLIENT
)
CLAIMS = Claims((USED, NOT_USED, FOR_CLIENT))


def _texts(under: str) -> list[tuple[str, str]]:
    return [(key, str(text)) for key, text in catalogue().entries.items() if key.startswith(under)]


def test_a_rule_holds_or_says_why_not() -> None:
    assert POSITIVE.holds(1.0)
    assert POSITIVE.fails(0.0) == "it was not computed for these data"
    assert POSITIVE.requirement == "Holds of every session."


class TestClaims:
    def test_written_and_withheld_keep_their_order(self) -> None:
        assert CLAIMS.written == (USED, FOR_CLIENT)
        assert CLAIMS.withheld == (NOT_USED,)

    @pytest.mark.parametrize(
        ("topics", "found"),
        [
            pytest.param(("usable",), (USED, NOT_USED), id="a topic"),
            pytest.param(("usable.skin",), (NOT_USED,), id="a whole id"),
            pytest.param(("client", "usable"), (FOR_CLIENT, USED, NOT_USED), id="topic by topic"),
            pytest.param(("usa",), (), id="no part of a word"),
        ],
    )
    def test_topics(self, topics: tuple[str, ...], found: tuple[Claim | Withheld, ...]) -> None:
        assert CLAIMS.about(*topics) == found

    def test_by_audience(self) -> None:
        assert CLAIMS.of(Audience.CLIENT) == Claims((FOR_CLIENT,))
        assert CLAIMS.of(Audience.CLINICIAN) == Claims((USED, NOT_USED))

    def test_by_id(self) -> None:
        assert CLAIMS.find("usable.skin") == NOT_USED
        assert CLAIMS.find("usable") is None

    def test_as_json(self) -> None:
        assert Claims((USED, NOT_USED)).as_json() == {
            "written": [
                {
                    "id": "usable.heart",
                    "text": "Usable heartbeats cover 97 % of the session.",
                    "text_key": "claims.session.usable_heart",
                    "values": {"share": "97 %"},
                    "estimate": None,
                    "low": None,
                    "high": None,
                    "unit": "",
                    "n": None,
                    "n_unit": "",
                    "quality": None,
                    "rule": "recorded",
                    "requirement": "The signal was recorded.",
                    "source": "",
                    "audience": "clinician",
                }
            ],
            "withheld": [
                {
                    "id": "usable.skin",
                    "text": "Skin conductance was not recorded.",
                    "rule": "recorded",
                    "requirement": "The signal was recorded.",
                    "reason": "it was not recorded",
                    "audience": "clinician",
                }
            ],
        }


def test_a_claim_is_said_in_the_language_in_use() -> None:
    claim = Claim(
        id="x",
        text_key="claims.session.change_not_estimable",
        values={
            "subject": reason("claims.measures.ln_scl"),
            "challenge": "Task",
            "reason": reason("claims.why.paced"),
        },
        rule=ALWAYS,
    )
    other = Catalogue("xx", {key: f"⟦{text}⟧" for key, text in catalogue().entries.items()})
    with use(other):
        assert claim.text == (
            "⟦A change of ⟦skin conductance level⟧ in Task is not estimable: ⟦breathing was paced in it⟧.⟧"
        )


class TestWording:
    @pytest.mark.parametrize(("key", "text"), _texts("claims."))
    def test_no_text_says_what_cannot_be_known(self, key: str, text: str) -> None:
        assert not FORBIDDEN.search(text)

    def test_reliably_stands_in_verdicts_only_in_all_that_any_report_says(self) -> None:
        said = {key for key, text in _texts("") if re.search(r"\breliably\b", text, re.IGNORECASE)}
        assert said == {"claims.progress.verdict.higher", "claims.progress.verdict.lower"}
        assert {key for key, text in _texts("claims.") if RELIABLY.search(text)} == said

    def test_a_client_reads_no_number(self) -> None:
        assert [key for key, text in _texts("claims.client.") if NUMBER.search(text)] == []

    def test_to_a_client_a_verdict_is_a_change_larger_than_usual(self) -> None:
        told = dict(_texts("claims.client.progress."))
        usual = "larger than your usual ups and downs"
        assert [
            usual in told[f"claims.client.progress.{key}"] for key in ("higher", "lower", "no_change")
        ] == [
            True,
            True,
            True,
        ]
        assert told["claims.client.progress.not_enough"].endswith("This is not something you did.")

    def test_texts_hold_no_number_of_a_finding(self) -> None:
        told = {
            key: re.sub(r"95\\u202f|95\u202f%|Capdevila 2021", "", text) for key, text in _texts("claims.")
        }
        fixed = {
            key for key, text in told.items() if NUMBER.search(text) and not key.startswith("claims.rules.")
        }
        assert fixed == set()

    @pytest.mark.parametrize(("key", "text"), _texts("claims.rules."))
    def test_a_requirement_is_a_sentence(self, key: str, text: str) -> None:
        assert requirement(key.removeprefix("claims.rules.")) == text
        assert text[0].isupper()
        assert text.endswith(".")

    @pytest.mark.parametrize(("key", "text"), _texts("claims."))
    def test_braces_are_names(self, key: str, text: str) -> None:
        assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(text))
