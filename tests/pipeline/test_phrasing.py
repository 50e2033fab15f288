"""No phrase brings in a finding, a number, or a word that no report says; nor does the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipeline.errors import InputError
from pipeline.language import catalogue
from pipeline.phrasing import CLIENT_KEYS, PROTECTED, UNSAID, refusal
from tests.pipeline.claims.wording import FORBIDDEN, NUMBER, RELIABLY

SETTLED = "claims.client.heart.rose.settled"
PLACES = "{during_challenge} {by_end_of_recovery}"
LARGER = "a change larger than your usual ups and downs"


def _texts() -> Iterator[tuple[str, str]]:
    for key, found in catalogue().entries.items():
        yield from ((key, each) for each in ((found,) if isinstance(found, str) else found))


def _of_clients() -> list[tuple[str, str]]:
    return [(key, text) for key, text in _texts() if key.startswith(CLIENT_KEYS)]


@pytest.mark.parametrize(
    ("key", "phrase", "why"),
    [
        pytest.param(
            SETTLED,
            f"Your heart reliably settled. {PLACES}",
            f"'reliably' is not said to a client: write something like '{LARGER}'",
            id="a verdict to a client",
        ),
        pytest.param(
            "claims.progress.verdict.no_change",
            "{subject} is Reliably higher: {amount} ({low} to {high}; {later}, {reference})",
            "'Reliably' is not said in a report: write something like 'no detectable change yet'",
            id="a verdict without one",
        ),
        pytest.param(
            "client.title",
            "Your HRV improved",
            "'improved' is not said in a report: write something like 'no detectable change yet'",
            id="HRV improved",
        ),
        pytest.param(
            "client.title",
            "Your cortisol level",
            "'cortisol' is not said in a report: write something like 'signals related to arousal'",
            id="cortisol level",
        ),
        pytest.param(
            "delayed.title",
            "Your cortisol",
            "'cortisol' is not said in a report: write something like 'signals related to arousal'",
            id="cortisol where the text has cortisol-like",
        ),
        pytest.param(
            "client.picture_note",
            "The band is your own baseline. Arousal is stress.",
            "'stress' is not said in a report: write something like 'signs of arousal'",
            id="denied before, and now told",
        ),
        pytest.param(
            "page.skip",
            "This treats anxiety.",
            "'treats' is not said in a report: write something like 'supports relaxation and breathing "
            "practice'",
            id="treats",
        ),
        pytest.param(
            "page.skip",
            "It is known to reduce anxiety.",
            "'reduce anxiety' is not said in a report: write something like 'supports relaxation and "
            "breathing practice'",
            id="reduces",
        ),
        pytest.param(
            "page.skip",
            "This report makes a diagnosis.",
            "'diagnosis' is not said in a report: write something like 'for discussion with your "
            "practitioner'",
            id="a diagnosis",
        ),
        pytest.param(
            "page.skip",
            "A medical-grade device.",
            "'medical-grade' is not said in a report: write something like 'research-informed; not a "
            "medical device'",
            id="medical grade",
        ),
        pytest.param(
            "client.picture_note",
            "Your brain is calmer now.",
            "'brain' is not said in a report: write something like 'settled after the challenge'",
            id="the brain",
        ),
        pytest.param(
            "client.picture_note",
            "Fewer signs of anxiety.",
            "'anxiety' is not said to a client: write something like 'signs of arousal'",
            id="the name of an illness, to a client",
        ),
        pytest.param(
            "progress_page.client.picture_note",
            "Your score.",
            "'score' is not said in a report: write something like 'near your own baseline'",
            id="a score",
        ),
        pytest.param(
            "client.practice",
            "Do it 3 times",
            "'3' is a number that the text does not have: numbers come from the session",
            id="a number",
        ),
        pytest.param(
            "progress.within_usual",
            catalogue().text("progress.within_usual", {}).replace("95", "80"),
            "'80' is a number that the text does not have: numbers come from the session",
            id="another number",
        ),
        pytest.param(
            "client.practice",
            "To <b>practise</b>",
            "'<b>' is HTML: write plain words",
            id="HTML",
        ),
        pytest.param(
            "client.practice", "x <script src=y", "'<script src=y' is HTML: write plain words", id="a script"
        ),
        pytest.param(
            "client.practice",
            "Practise&nbsp;next",
            "'&nbsp;' is HTML: write plain words",
            id="a sign in HTML",
        ),
        pytest.param("page.skip", "  ", "is empty: write what is to stand there", id="nothing"),
    ],
)
def test_a_phrase_that_is_refused(key: str, phrase: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        catalogue(phrases={key: phrase})
    assert str(refused.value) == f"{key}: {why}"


@pytest.mark.parametrize(
    ("key", "phrase"),
    [
        pytest.param(SETTLED, f"Your heart was busy {PLACES}, and came down.", id="other words"),
        pytest.param("page.skip", "Not a medical device; no diagnosis.", id="what is denied"),
        pytest.param("page.skip", "We do not measure cortisol.", id="a hormone that is denied"),
        pytest.param(
            "delayed.title", "A slow line, with cortisol-like timing", id="what the text has itself"
        ),
        pytest.param(
            "claims.progress.verdict.higher",
            "{subject} at rest has reliably risen by {amount} ({low} to {high}; {later}, {reference}).",
            id="a verdict's word in a verdict",
        ),
        pytest.param("client.practice", "Talk about this with your therapist", id="a therapist"),
        pytest.param("client.practice", "Rest & breathe: a < b", id="signs that are no HTML"),
        pytest.param(
            "phases.lengths_differ", "SDNN, LF and HF depend on length.", id="without the number's sentence"
        ),
        pytest.param("dates.day", "{month} {day}, {year}", id="only places"),
        pytest.param("heart.rate", "pulse", id="a word"),
    ],
)
def test_a_phrase_that_can_stand(key: str, phrase: str) -> None:
    assert catalogue(phrases={key: phrase}).entries[key] == phrase


@pytest.mark.parametrize(
    ("key", "phrase"),
    [
        pytest.param("page.footer", "Ask us.", id="no medical device, no diagnosis"),
        pytest.param("page.footer", "Not a medical device. Talk about this with us.", id="half of it"),
        pytest.param("client.footer", "Ask us.", id="to a client"),
        pytest.param("page.simulated", "EXAMPLE", id="simulated"),
        pytest.param("client.draft", "Report.", id="a draft"),
        pytest.param("client.crisis", "Say hello: {line}", id="the crisis line"),
        pytest.param("entries.no_crisis", "All is well.", id="no crisis line"),
        pytest.param("entries.asks_to_speak", "Of {day}, for your files. {crisis}", id="item 9"),
        pytest.param("entered.safety.unwell", "a pause", id="unwell"),
        pytest.param("next_time.unwell", "Go on as planned.", id="unwell, next time"),
        pytest.param("claims.client.practice.talk_first", "Practise daily.", id="a word first"),
        pytest.param("claims.client.cannot_tell.health", "You are well.", id="health"),
        pytest.param("claims.rules.was_hard", "The session was long.", id="a rule"),
        pytest.param("delayed.text", "A calculation from heart and skin signals.", id="hormones, delayed"),
        pytest.param("reading.proxies.text", "{variability} and skin.", id="hormones, proxies"),
        pytest.param("record.limits", "{name} {version}, data {data}.", id="hormones, in the record"),
        pytest.param("web.home.foot", "Welcome.", id="hormones, at home"),
    ],
)
def test_what_keeps_a_report_honest_and_people_safe_stays(key: str, phrase: str) -> None:
    with pytest.raises(InputError) as refused:
        catalogue(phrases={key: phrase})
    assert str(refused.value) == f"{key}: stays as it is: it keeps the report honest, or people safe"


def test_each_text_that_denies_a_device_a_diagnosis_or_a_hormone_is_protected() -> None:
    denying = {key for key, text in _texts() if HONEST.search(text)}
    assert {key for key in denying if not key.startswith(PROTECTED)} == SAID_IN_PASSING


HONEST = re.compile(
    r"medical device|no diagnosis|not a diagnosis|hormones|not estimate|simulated|in a crisis", re.IGNORECASE
)
SAID_IN_PASSING = {
    "reasons.quality.artefacts",  # a reason with its numbers; the footer says it of the whole
}


@pytest.mark.parametrize("key", PROTECTED)
def test_what_is_protected_exists(key: str) -> None:
    assert [each for each, _ in _texts() if each.startswith(key)]


def test_one_text_of_several() -> None:
    heads = ["Kind", "Intervals", "Improved"]
    with pytest.raises(InputError, match=r"^quality\.kind_head: 'Improved' is not said"):
        catalogue(phrases={"quality.kind_head": heads})


def test_each_text_of_the_catalogue_can_stand_in_its_own_place() -> None:
    assert [key for key, text in _texts() if refusal(key, text, text)] == []


def test_no_text_for_clients_says_what_is_not_said() -> None:
    said = [(key, word) for key, text in _of_clients() for each in UNSAID for word in each.found(text)]
    assert said == []


def test_what_a_client_reads_denies_where_it_names_what_is_not_said() -> None:
    named = {key for key, text in _of_clients() if FORBIDDEN.search(text) or RELIABLY.search(text)}
    assert named == DENIED


# "Not a medical device, and no diagnosis", "Arousal is not stress", "It is not a score".
DENIED = {
    "client.footer",
    "client.picture_note",
    "progress_page.client.picture_note",
    "progress_page.client.no_band_note",
}


def test_a_claim_to_a_client_holds_no_number() -> None:
    numbered = [key for key, text in _of_clients() if key.startswith("claims.") and NUMBER.search(text)]
    assert numbered == []
