"""What a report cites is among its sources, and what is among its sources is a work it uses."""

import re
from functools import cache

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.claims.session import session_claims
from pipeline.language import catalogue
from pipeline.model import Stream
from pipeline.report.methods import sources
from pipeline.report.page import render
from tests.pipeline.guidance.paced import belt, heart, peaking, steps
from tests.pipeline.report.recordings import beats, page_of, recording

# "Shaffer & Meehan (2020)", "Uhlig et al. 2020", "Christenfeld, Glynn & Gerin 2000": first author and year.
_CITED = re.compile(
    r"\b([A-ZÄÖÜ]\w+)(?:(?:, [A-Z]\w+)* & [A-Z]\w+| et al\.)?(?:,? \(?)((?:19|20)\d\d)(?:\)|\b)"
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September")


def _resonance() -> Analysis:
    phases = steps()
    paced = heart(phases, peaking(5.5))
    strap = Stream("rr", paced.time_s, {"rr_ms": paced.interval_ms})
    streams = {"rr": strap, "respiration": belt(phases)}
    length_s = phases[-1].end_s + 60.0
    return analyse(recording(length_s, streams=streams, phases=phases, markers=(), ratings=()))


MADE = {
    "guided": lambda: analyse(recording()),
    "from the pulse": lambda: analyse(recording(streams={"pp": beats(840.0, "pp")})),
    "resonance": _resonance,
}


@cache
def _analysis(name: str) -> Analysis:
    return MADE[name]()


def _cited(text: str) -> set[tuple[str, str]]:
    return {found for found in _CITED.findall(text) if found[0] not in _MONTHS}


def _unlisted(text: str, listed: tuple[str, ...]) -> list[tuple[str, str]]:
    """What is cited, and by name and year stands in no work of the list."""
    return sorted(
        (name, year)
        for name, year in _cited(text)
        if not any(name in work.partition("(")[0] and f"({year})" in work for work in listed)
    )


@pytest.mark.parametrize("name", MADE)
def test_what_the_page_cites_is_listed(name: str) -> None:
    words = page_of(render(_analysis(name))).words
    assert len(_cited(words)) > 8
    assert _unlisted(words, sources(_analysis(name))) == []


@pytest.mark.parametrize("name", MADE)
def test_what_a_claim_rests_on_is_listed(name: str) -> None:
    told = session_claims(_analysis(name)).written
    assert _unlisted("; ".join(claim.source for claim in told), sources(_analysis(name))) == []


def test_the_works_on_resonance_are_listed_where_rates_were_compared() -> None:
    more = set(sources(_analysis("resonance"))) - set(sources(_analysis("guided")))
    assert sorted(work.partition(" ")[0] for work in more) == ["Capdevila", "Shaffer"]


def test_works_are_listed_once_and_in_order() -> None:
    listed = sources(_analysis("resonance"))
    assert list(listed) == sorted(set(listed))


def test_every_work_has_its_year_and_place() -> None:
    works = [text for key, text in catalogue().entries.items() if key.startswith("sources.")]
    assert len(works) > 15
    assert [
        work for work in works if not re.fullmatch(r".+ \(\d{4}\)\. .+[.?] .+ \d+:\d+\.", str(work))
    ] == []


def test_what_progress_cites_has_its_work() -> None:
    entries = catalogue().entries
    works = tuple(str(text) for key, text in entries.items() if key.startswith("sources."))
    said = " ".join(str(text) for key, text in entries.items() if key.startswith(("progress", "claims")))
    assert _unlisted(said, works) == []


def test_each_source_of_the_first_error_says_only_what_it_found() -> None:
    """21 % from day to day is nobody's finding and is called a choice; Uhlig's gives no percentage."""
    told = str(catalogue().entries["progress_page.methods.reliability_used"]).replace("\u202f", " ")
    assert "21 %, with a range of 12 to 35 %: the project's choice" in told
    assert "12 % is the typical error in athletes (Buchheit 2014)" in told
    assert "(intraclass correlation 0.40 to 0.64, lying and sitting; Uhlig et al. 2020)" in told
