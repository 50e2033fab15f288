import copy
import json
import pickle
from pathlib import Path

import pytest

from pipeline import language
from pipeline.errors import InputError
from pipeline.language import (
    Catalogue,
    Reason,
    catalogue,
    plural,
    reason,
    text,
    text_or,
    texts,
    together,
    told,
    use,
)

SMALL = Catalogue(
    "de",
    {
        "greeting": "Guten Tag, {name}",
        "heads": ("Zeit", "Wert"),
        "gap.one": "eine Lücke",
        "gap.many": "{count} Lücken",
        "reasons.not_defined": "für diese Daten nicht bestimmt",
        "reasons.and_marks": "{reason} und {marks}",
        "grammar.both": "{first} und {last}",
    },
)


class TestTexts:
    def test_a_text_is_filled_in(self) -> None:
        assert text("dates.day", day=1, month="March", year=2026) == "1 March 2026"

    def test_a_text_that_nothing_is_filled_into_stays_as_it_is(self) -> None:
        assert Catalogue("en", {"braces": "{a} {"}).text("braces", {}) == "{a} {"

    def test_several_texts(self) -> None:
        assert texts("quality.rule_head") == ("Rule", "Samples")

    @pytest.mark.parametrize(("count", "said"), [(0, "0 Lücken"), (1, "eine Lücke"), (2, "2 Lücken")])
    def test_a_form_goes_with_its_number(self, count: int, said: str) -> None:
        with use(SMALL):
            assert plural("gap", count) == said

    def test_the_number_of_a_form_may_be_written_by_the_caller(self) -> None:
        with use(SMALL):
            assert plural("gap", 1200, count="1 200") == "1 200 Lücken"

    def test_what_has_no_name_keeps_its_own(self) -> None:
        assert (text_or("streams.eda", "eda"), text_or("streams.x", "x")) == ("skin conductance", "x")

    def test_an_unknown_key_is_an_error(self) -> None:
        with pytest.raises(KeyError, match=r"no\.such"):
            text("no.such")


class TestNumbers:
    COMMA = Catalogue(
        "de", {**catalogue().entries, "numbers.decimal": ",", "a": "{held:.1f} of {least:g}, {count}, {name}"}
    )

    def test_decimals_have_the_sign_of_the_language(self) -> None:
        with use(self.COMMA):
            assert text("a", held=1234.56, least=0.5, count=2, name="v1.2") == "1234,6 of 0,5, 2, v1.2"

    def test_also_in_a_reason(self) -> None:
        why = reason("reasons.breathing.unclear", confidence=0.257, least=0.5)
        assert why == "no clear breathing rhythm (confidence 0.26 of 0.5)"
        with use(self.COMMA):
            assert told(why) == why.replace("0.", "0,")

    def test_a_catalogue_without_one_has_a_point(self) -> None:
        assert Catalogue("x", {"a": "{x:.1f}"}).text("a", {"x": 0.5}) == "0.5"


class TestUse:
    def test_a_language_holds_for_a_while_and_no_longer(self) -> None:
        with use(SMALL):
            assert text("greeting", name="Ada") == "Guten Tag, Ada"
            with use(catalogue()):
                assert text("units.bpm") == "bpm"
            assert texts("heads") == ("Zeit", "Wert")
        assert language.current() is catalogue()

    def test_an_error_ends_it_too(self) -> None:
        with pytest.raises(ZeroDivisionError), use(SMALL):
            _ = 1 / 0
        assert language.current() is catalogue()


class TestReasons:
    def test_is_english_wherever_it_is_stored(self) -> None:
        with use(SMALL):
            why = reason("reasons.not_defined")
        assert why == "not defined for these data"
        assert json.dumps({"why": why}) == '{"why": "not defined for these data"}'
        assert {why: 1}["not defined for these data"] == 1

    def test_is_told_in_the_language_in_use_with_those_in_it(self) -> None:
        why = reason("reasons.and_marks", reason=reason("reasons.not_defined"), marks="marked: 3 s")
        assert why == "not defined for these data; marked: 3 s"
        with use(SMALL):
            assert told(why) == "für diese Daten nicht bestimmt und marked: 3 s"
            assert text("greeting", name=reason("reasons.not_defined")) == (
                "Guten Tag, für diese Daten nicht bestimmt"
            )

    @pytest.mark.parametrize("value", ["words of a person", 3, None])
    def test_anything_else_is_told_as_it_is(self, value: object) -> None:
        assert told(value) == str(value)

    def test_survives_copies_and_processes(self) -> None:
        why = reason("reasons.floors.beats", needed=50, held=12.0)
        for again in (pickle.loads(pickle.dumps(why)), copy.deepcopy(why)):
            assert isinstance(again, Reason)
            assert (again, again.key, again.values) == (why, why.key, {"needed": 50, "held": 12.0})

    @pytest.mark.parametrize(
        ("parts", "english", "small"),
        [
            (["a"], "a", "a"),
            (["a", "b"], "a, b", "a und b"),
            (["a", "b", "c"], "a, b, c", "a und b und c"),
        ],
        ids=["one", "two", "three"],
    )
    def test_several_become_one(self, parts: list[str], english: str, small: str) -> None:
        one = together("grammar.both", parts)
        assert one == english
        with use(SMALL):
            assert told(one) == small


class TestPhrases:
    @pytest.mark.parametrize(
        "phrases",
        [
            pytest.param({"page.title": "Your session"}, id="dots"),
            pytest.param({"page": {"title": "Your session"}}, id="tables"),
        ],
    )
    def test_take_the_place_of_a_text(self, phrases: dict[str, object]) -> None:
        own = catalogue(phrases=phrases)
        assert own.entries["page.title"] == "Your session"
        assert own.entries["page.skip"] == catalogue().entries["page.skip"]
        assert catalogue().entries["page.title"] == "Session report"

    def test_may_move_places_around(self) -> None:
        with use(catalogue(phrases={"dates.day": "{month} {day}, {year}"})):
            assert text("dates.day", day=1, month="March", year=2026) == "March 1, 2026"

    def test_do_not_change_what_is_stored(self) -> None:
        with use(catalogue(phrases={"reasons.not_defined": "not to be had"})):
            why = reason("reasons.not_defined")
            assert (why, told(why)) == ("not defined for these data", "not to be had")

    def test_say_nothing_that_no_report_says(self) -> None:
        with pytest.raises(InputError, match=r"^client\.title: 'better' is not said in a report: write "):
            catalogue(phrases={"client": {"title": "You are better"}})

    def test_may_be_lists_where_lists_are(self) -> None:
        own = catalogue(phrases={"quality.rule_head": ["What for", "How many"]})
        assert own.texts("quality.rule_head") == ("What for", "How many")

    @pytest.mark.parametrize(
        ("phrases", "line"),
        [
            pytest.param(
                {"page.titel": "x"}, "page.titel: there is no such text to put otherwise", id="unknown key"
            ),
            pytest.param(
                {"dates.day": "{day} {month} {jahr}"},
                "dates.day: '{day} {month} {jahr}' asks for {jahr}, which is not known there; "
                "known are {day}, {month}, {year}",
                id="unknown place",
            ),
            pytest.param(
                {"page.title": "Report of {client}"},
                "page.title: 'Report of {client}' asks for {client}, which is not known there",
                id="place where there is none",
            ),
            pytest.param(
                {"dates.day": "{day} {month}"}, "dates.day: '{day} {month}' leaves out {year}", id="left out"
            ),
            pytest.param(
                {"reasons.mark": "{kind} {seconds} s"},
                "reasons.mark: '{kind} {seconds} s' asks for {seconds}, which is not known there; "
                "known are {kind}, {seconds:.0f}",
                id="another way of writing a number",
            ),
            pytest.param(
                {"dates.day": "{day.__class__} {month} {year}"},
                "dates.day: '{day.__class__} {month} {year}' asks for {day.__class__}, which is not known "
                "there; known are {day}, {month}, {year}",
                id="more than a name",
            ),
            pytest.param(
                {"page.title": "Report {"},
                "page.title: 'Report {' has a brace without its other half",
                id="half a brace",
            ),
            pytest.param({"page.title": 3}, "page.title: 3 is no text in quotation marks", id="a number"),
            pytest.param(
                {"page.title": ["a", "b"]}, "page.title: needs one text, and has a list of 2 texts", id="list"
            ),
            pytest.param(
                {"dates.months": ["a"]},
                "dates.months: needs a list of 12 texts, and has a list of 1 texts",
                id="too few",
            ),
        ],
    )
    def test_a_wrong_one_is_one_clear_line(self, phrases: dict[str, object], line: str) -> None:
        with pytest.raises(InputError) as caught:
            catalogue(phrases=phrases)
        assert str(caught.value) == line


class TestFiles:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        english = language.data_path() / "wording" / "en.toml"
        (tmp_path / "wording").mkdir()
        (tmp_path / "wording" / "en.toml").write_bytes(english.read_bytes())
        monkeypatch.setattr(language, "data_path", lambda: tmp_path)

    def test_a_translation_is_one_file_and_what_it_lacks_is_english(self, tmp_path: Path) -> None:
        (tmp_path / "wording" / "xa.toml").write_text('[page]\ntitle = "Bericht"\n', encoding="utf-8")
        found = catalogue("xa")
        assert (found.language, found.entries["page.title"]) == ("xa", "Bericht")
        assert found.entries["page.skip"] == "Skip to the summary"

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("xb", None, "No such file"),
            ("xc", "[page", "Expected ']'"),
            ("xd", '[page]\ntitel = "Bericht"\n', "page.titel: there is no such text"),
            ("xe", '[dates]\nday = "{tag}"\n', "asks for {tag}"),
            ("xf", "[page]\ntitle = 3\n", "page.title: 3 is no text"),
        ],
        ids=["missing", "broken", "unknown key", "unknown place", "a number"],
    )
    def test_one_that_cannot_be_used_says_why(
        self, tmp_path: Path, name: str, content: str | None, why: str
    ) -> None:
        path = tmp_path / "wording" / f"{name}.toml"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            catalogue(name)
        assert str(caught.value).startswith(f"{path}: the texts of this language cannot be used (")
        assert why in str(caught.value)
