"""What a clinic's own phrase may not say, and what is said instead.

Texts of the catalogue hold no findings of their own: numbers and verdicts come from a session, by rules. A
phrase in the place of one can bring in neither, nor what no signal here can tell. The words are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

CLIENT_KEYS = (
    "client.",
    "claims.client.",
    "progress_page.client.",
    "phase_names.during",
    "phase_names.by_end",
)

# What keeps a report honest and people safe, as it is: no phrase takes the place of these.
PROTECTED = (
    "page.simulated",
    "page.footer",
    "batch.footer",
    "delayed.text",
    "reading.proxies.text",
    "record.limits",
    "marks.safety",
    "entries.asks_to_speak",
    "entries.crisis",
    "entries.no_crisis",
    "entered.safety.",
    "entered.no_adverse",
    "methods.index_used",
    "next_time.unwell",
    "next_time.distress",
    "sign_off.draft",
    "since_last.caution",
    "client.draft",
    "client.cannot_tell",
    "client.crisis",
    "client.footer",
    "progress.simulated_left_out.",
    "progress_page.some_simulated.",
    "claims.rules.",
    "claims.why.word_first",
    "claims.client.cannot_tell.",
    "claims.client.practice.talk_first",
    "web.home.simulated",
    "web.home.foot",
    "web.progress.caution",
    "web.session.simulated",
)

_DENIES = re.compile(r"\b(?:no|not|none|nothing|never|nor|neither|cannot|without)\b|n['’]t\b", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?;:])\s+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MARKUP = re.compile(r"<[/!a-z][^>]*>?|&#?\w+;", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Words that stand only where the catalogue's own text has them, and what to write instead.

    With `deniable` also in a sentence that denies them. `to_client`: only in what a client reads.
    """

    words: re.Pattern[str]
    instead: str
    deniable: bool = False
    to_client: bool = False

    def found(self, text: str) -> Iterator[str]:
        """The words as they stand there, but for those that are denied."""
        for sentence in _SENTENCES.split(text):
            if not (self.deniable and _DENIES.search(sentence)):
                yield from (each[0] for each in self.words.finditer(sentence))


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})", re.IGNORECASE)


UNSAID = (
    Unsaid(
        _words(r"reliab\w*|proven?\b|proves\b|significan\w*"),
        "a change larger than your usual ups and downs",
        to_client=True,
    ),
    Unsaid(
        _words(r"anxi\w*|depress\w*|panic\w*|phobi\w*|trauma\w*|ptsd\b|burn-?out\b"),
        "signs of arousal",
        to_client=True,
    ),
    Unsaid(_words(r"reliab\w*|proven?\b|proves\b|significan\w*"), "no detectable change yet"),
    Unsaid(
        _words(r"(?:cortisol|hormon)[\w-]*|hpa\b|adrenal\w*"), "signals related to arousal", deniable=True
    ),
    Unsaid(_words(r"stress(?:ed|ful)?\b"), "signs of arousal", deniable=True),
    Unsaid(_words(r"limbic|amygdala|brains?\b|rewir\w*|fire together"), "settled after the challenge"),
    Unsaid(_words(r"vagal tone|vagus\w*"), "the beat-to-beat variation of the heart"),
    Unsaid(
        _words(
            r"treat(?:s|ed|ing|ments?)?\b|cur(?:e|es|ed|ing)\b|heal(?:s|ed|ing)?\b|therapeutic\w*|"
            r"(?:reduc|lower|decreas|reliev|eas)\w* (?:\w+ )?(?:anxiety|depression)\b"
        ),
        "supports relaxation and breathing practice",
    ),
    Unsaid(
        _words(r"diagnos\w*|disorders?\b|diseases?\b|illness\w*|patholog\w*|abnormal\w*"),
        "for discussion with your practitioner",
        deniable=True,
    ),
    Unsaid(
        _words(
            r"medical(?:ly)?[ -](?:device|grade|proven)|clinical(?:ly)?[ -](?:grade|proven|tested|valid)\w*"
        ),
        "research-informed; not a medical device",
        deniable=True,
    ),
    Unsaid(_words(r"improv\w*|better\b|worse\w*"), "no detectable change yet", deniable=True),
    Unsaid(_words(r"guarante\w*|without doubt|certainly"), "tended to"),
    Unsaid(_words(r"non-?responders?"), "no skin response seen with this sensor today"),
    Unsaid(
        _words(
            r"streaks?\b|rank(?:s|ed|ing)?\b|scor(?:e|es|ed|ing)\b|percentiles?|norms?\b|normal range|"
            r"other people|other clients|average person"
        ),
        "near your own baseline",
        deniable=True,
    ),
    Unsaid(
        _words(r"regulated zone|discord\w*"),
        "your rating and the signals differed today: both are information",
    ),
)


def refusal(key: str, before: str, after: str) -> str | None:
    """Why a phrase cannot stand in the place of the catalogue's text of this key; None if it can."""
    if key.startswith(PROTECTED) and after != before:
        return "stays as it is: it keeps the report honest, or people safe"
    there, said = _literal(before), _literal(after)
    if before.strip() and not after.strip():
        return "is empty: write what is to stand there"
    if (markup := _MARKUP.search(said)) and not _MARKUP.search(there):
        return f"{markup[0]!r} is HTML: write plain words"
    if added := sorted(set(_NUMBER.findall(said)) - set(_NUMBER.findall(there))):
        return f"{added[0]!r} is a number that the text does not have: numbers come from the session"
    return _unsaid(there, said, to_client=key.startswith(CLIENT_KEYS))


def _unsaid(there: str, said: str, *, to_client: bool) -> str | None:
    for rule in UNSAID:
        if rule.to_client and not to_client:
            continue
        known = {each.casefold() for each in rule.found(there)}
        if word := next((each for each in rule.found(said) if each.casefold() not in known), None):
            whom = "to a client" if rule.to_client else "in a report"
            return f"{word!r} is not said {whom}: write something like {rule.instead!r}"
    return None


def _literal(text: str) -> str:
    """A text without what is filled in."""
    return "\N{OBJECT REPLACEMENT CHARACTER}".join(literal for literal, *_ in Formatter().parse(text))
