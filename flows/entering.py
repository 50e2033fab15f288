"""What a practitioner enters of a client: plain facts are kept, and answered with one plain line."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline.amendments import Release, What, amend
from pipeline.clinic import read_clinic
from pipeline.clock import SystemClock
from pipeline.diary import Diary, enter, read_diary, take_back
from pipeline.entries import Adverse, Entry, Outcome, Scale, TakenBack, Week, entry_from, moment
from pipeline.errors import InputError, UsageError
from pipeline.grammar import day
from pipeline.guidance.strategies import strategies
from pipeline.language import text
from pipeline.model import client_pseudonym
from pipeline.profile import Alternation, PracticePlan, Primary, Profile, update_profile
from pipeline.store import Home

BY = "practitioner"
ONESELF = "me"  # the client code of the person at the keyboard
_SEEDS = 1 << 31


@dataclass(frozen=True, slots=True)
class Answer:
    """What was done, in one line; `notice` is for the clinician to read now, and never for the client."""

    line: str
    notice: str | None = None


def now() -> datetime:
    """The moment it is, with the time zone of this computer."""
    return datetime.fromtimestamp(SystemClock().wall(), UTC).astimezone()


def enter_facts(home: Home, client: str, facts: Mapping[str, Any]) -> Answer:
    """Add to a client's diary: an outcome, a week or something adverse, or {"kind": "taken-back", "of": id}.

    Raises UsageError or InputError with one line; then nothing was added.
    """
    at = now()
    client_pseudonym(client)
    said = {name: value for name, value in facts.items() if value not in (None, "")}
    entry = entry_from({"day": moment(at)[:10], "by": BY, **said, "at": "", "id": ""})
    if entry is None:
        raise UsageError("kind: choose from outcome, week, adverse")
    if isinstance(entry, TakenBack):
        return Answer(f"Taken back: {entry_line(take_back(home.path, client, entry.of, entry.by, at))}")
    _check_entry(home, client, entry)
    stored = enter(home.path, client, entry, at)
    asks = stored if isinstance(stored, Outcome) and stored.asks_to_speak else None
    return Answer(f"Entered: {entry_line(stored)}", speak_notice(home.path, asks))


def plan_facts(home: Home, client: str, facts: Mapping[str, Any]) -> Answer:
    """Set what a client's profile plans: {"what": "primary" | "plan" | "alternation", ...}.

    The day it was chosen is today. Raises UsageError or InputError with one line; then nothing was changed.
    """
    client_pseudonym(client)
    make = _PLANS.get(str(facts.get("what")))
    if make is None:
        raise UsageError(f"what: choose from {', '.join(_PLANS)}")
    change, line = make(home, facts, moment(now())[:10])
    update_profile(home.path, client, change)
    return Answer(line)


def release_facts(home: Home, client: str, session: str, facts: Mapping[str, Any]) -> Answer:
    """Release a session's client edition, or withdraw it: {"what": "release" | "withdraw", "by": name}."""
    folder = home.sessions_path / client_pseudonym(client) / session
    if session not in _session_ids(home, client):
        raise InputError("there is no such session, or it is not finished")
    try:
        what = What(str(facts.get("what")))
    except ValueError:
        raise UsageError(f"what: choose from {', '.join(What)}") from None
    line = amend(folder, what, facts.get("by") or "", now())
    done = "released" if what is What.RELEASE else "withdrawn: it is a draft again"
    return Answer(f"Client edition {done} ({line.by}).")


def release_told(release: Release | None) -> dict[str, str] | None:
    """A release as the pages are told of it."""
    return {"by": release.by, "at": release.at} if release is not None else None


def speak_notice(home: Path, outcome: Outcome | None) -> str | None:
    """What the clinician reads where item 9 of a PHQ-9 was above 0, with the clinic's crisis line."""
    if outcome is None:
        return None
    try:
        line = read_clinic(home).crisis_line
        crisis = text("entries.crisis", line=line) if line else text("entries.no_crisis")
    except InputError:
        crisis = text("entries.crisis_unreadable")
    return text("entries.asks_to_speak", day=day(date.fromisoformat(outcome.day)), crisis=crisis)


def diary_lines(diary: Diary) -> Iterator[str]:
    """A client's diary, a line an entry, the latest first, with what to name to take one back."""
    for entry in reversed(diary.entries):
        yield f"{entry.id}  {entry_line(entry)}  ({entry.by})"
    if diary.trouble:
        yield f"Note: {diary.trouble}"


def entered_lines(home: Home, client: str) -> list[str]:
    """What was entered of a client, ready to print."""
    diary = read_diary(home.path, client)
    notice = speak_notice(home.path, diary.asks_to_speak)
    return [*([notice] if notice else []), *(list(diary_lines(diary)) or ["Nothing was entered yet."])]


def entry_line(entry: Entry) -> str:
    """An entry in one line, as it was entered."""
    if isinstance(entry, Outcome):
        item_9 = f", item 9: {entry.item_9}" if entry.item_9 is not None else ""
        name = f"goal “{plain(entry.goal)}”" if entry.goal is not None else entry.scale
        return f"{entry.day}  {name} {entry.value:g}{item_9}"
    if isinstance(entry, Week):
        days = ", ".join(f"{part} {days}" for part, days in entry.days.items())
        return f"{entry.day}  week: {days} (days of 7)"
    assert isinstance(entry, Adverse)
    return f"{entry.day}  adverse: {plain(entry.text)}"


def plain(words: str) -> str:
    """Words on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _check_entry(home: Home, client: str, entry: Entry) -> None:
    if client == ONESELF and isinstance(entry, Outcome) and entry.scale is Scale.PHQ_9:
        raise UsageError(f"PHQ-9: for a practitioner to enter, under a client's own code; {ONESELF!r} is you")
    session = entry.session if isinstance(entry, Adverse) else None
    if session is not None and session not in _session_ids(home, client):
        raise UsageError(f"{client} has no session {session!r}")


def _session_ids(home: Home, client: str) -> set[str]:
    return {path.parent.name for path in (home.sessions_path / client).glob("*/session.json")}


def _strategy_ids(home: Home, wanted: list[str]) -> tuple[str, ...]:
    known = strategies(home.path)
    if unknown := next((name for name in wanted if name not in known), None):
        raise UsageError(f"there is no strategy {unknown[:40]!r}: there are {', '.join(sorted(known))}")
    return tuple(wanted)


Change = tuple[Callable[[Profile], Profile], str]


def _primary(_: Home, facts: Mapping[str, Any], today: str) -> Change:
    primary = Primary(tuple(_texts(facts, "measures")), today)
    line = f"Progress is judged by {' and '.join(primary.measures)}, chosen {today}."
    return lambda profile: replace(profile, primary=_kept_date(profile.primary, primary)), line


def _kept_date(before: Primary | None, chosen: Primary) -> Primary:
    """The same choice again was made when it was made first."""
    return before if before is not None and before.measures == chosen.measures else chosen


def _plan(home: Home, facts: Mapping[str, Any], today: str) -> Change:
    strategy = facts.get("strategy") or None
    named = _strategy_ids(home, [str(strategy)])[0] if strategy is not None else None
    plan = PracticePlan(facts.get("sessions_per_week", 0), facts.get("minutes", 0), named, today)
    with_ = f", {named}" if named else ""
    line = f"Planned: {plan.sessions_per_week:g} a week, {plan.minutes:g} min each{with_}."
    return lambda profile: replace(profile, practice_plan=plan), line


def _alternation(home: Home, facts: Mapping[str, Any], today: str) -> Change:
    chosen = _strategy_ids(home, _texts(facts, "strategies"))
    seed = facts.get("seed")
    alternation = Alternation(chosen, secrets.randbelow(_SEEDS) if seed is None else seed, today)
    line = f"Alternating {', '.join(chosen)} in an order drawn from {alternation.seed}."
    return lambda profile: replace(profile, alternation=alternation), line


_PLANS: Mapping[str, Callable[[Home, Mapping[str, Any], str], Change]] = {
    "primary": _primary,
    "plan": _plan,
    "alternation": _alternation,
}


def _texts(facts: Mapping[str, Any], name: str) -> list[str]:
    told = facts.get(name)
    if not isinstance(told, list | tuple) or not all(isinstance(each, str) for each in told):
        raise UsageError(f"{name}: is a list of names")
    return list(told)
