"""What changed over a client's sessions, how sure that is, and what was practised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.diary import Diary
from pipeline.entries import Week as LoggedWeek
from pipeline.language import reason
from pipeline.profile import Alternation, PracticePlan, Profile
from pipeline.progress.alternation import AlternationPlan, alternation_plan
from pipeline.progress.dose import Week, dose
from pipeline.progress.measures import DEFAULT_PRIMARY, MEASURES
from pipeline.progress.session_records import SessionValues
from pipeline.progress.standing import Baseline as Baseline
from pipeline.progress.standing import Level as Level
from pipeline.progress.standing import MeasureProgress as MeasureProgress
from pipeline.progress.standing import Role as Role
from pipeline.progress.standing import measure_progress
from pipeline.progress.strategies import Strategies, strategies_seen
from pipeline.progress.transfer import Transfer, transfer


@dataclass(frozen=True, slots=True)
class Settings:
    """What was decided for a client, and what was logged of the weeks.

    `primary`: one or two measures to judge by, and the day (ISO date) they were chosen; None if they are the
    default.
    """

    primary: tuple[str, ...] = DEFAULT_PRIMARY
    chosen_on: str | None = None
    alternation: Alternation | None = None
    plan: PracticePlan | None = None
    weeks: tuple[LoggedWeek, ...] = ()

    @property
    def since(self) -> str | None:
        """From which day on primary measures are judged; the default ones from the first on."""
        return None if self.primary == DEFAULT_PRIMARY else self.chosen_on


def settings_of(profile: Profile, diary: Diary) -> Settings:
    """The settings that a client's profile and diary hold."""
    primary = profile.primary
    return Settings(
        primary=primary.measures if primary else DEFAULT_PRIMARY,
        chosen_on=primary.date if primary else None,
        alternation=profile.alternation,
        plan=profile.practice_plan,
        weeks=diary.weeks,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """A client's progress. `notices` are sentences a person should read; dates are ISO dates."""

    client: str | None
    simulated: bool
    sessions: int
    first: str | None
    last: str | None
    measures: tuple[MeasureProgress, ...]
    transfer: Transfer
    dose: tuple[Week, ...]
    strategies: Strategies
    alternation: AlternationPlan | None
    notices: tuple[str, ...] = ()

    @property
    def primary(self) -> tuple[MeasureProgress, ...]:
        return tuple(measure for measure in self.measures if measure.primary)

    def of(self, measure: str) -> MeasureProgress:
        return next(each for each in self.measures if each.measure == measure)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def progress(sessions: Sequence[SessionValues], settings: Settings = Settings()) -> Progress:
    """The progress of one client over any number of sessions, in any order. Never raises for lack of data.

    Sessions without a date have no place in it. Simulated ones count only where there are no others.
    """
    counted, notices = _counted(sessions)
    primary, since = settings.primary, settings.since
    agreed = settings.alternation
    latest = counted[-1] if counted else None
    return Progress(
        client=latest.client if latest else None,
        simulated=bool(latest and latest.simulated),
        sessions=len(counted),
        first=counted[0].date if counted else None,
        last=latest.date if latest else None,
        measures=tuple(measure_progress(each, counted, primary, since) for each in MEASURES),
        transfer=transfer(counted, primary),
        dose=dose(counted, settings.weeks, settings.plan),
        strategies=strategies_seen(counted, agreed),
        alternation=alternation_plan(agreed) if agreed else None,
        notices=notices,
    )


def _counted(sessions: Sequence[SessionValues]) -> tuple[tuple[SessionValues, ...], tuple[str, ...]]:
    """The sessions that count, in order, and what is said of those that do not."""
    notices: list[str] = []
    real = [each for each in sessions if not each.simulated]
    if real and len(real) < len(sessions):
        notices.append(_left_out("simulated", len(sessions) - len(real)))
    kept = real or list(sessions)
    dated = [each for each in kept if each.started_at is not None]
    if len(dated) < len(kept):
        notices.append(_left_out("undated", len(kept) - len(dated)))
    return tuple(sorted(dated, key=_began)), tuple(notices)


def _left_out(why: str, count: int) -> str:
    return reason(f"progress.{why}_left_out.{'one' if count == 1 else 'many'}", count=count)


def _began(session: SessionValues) -> tuple[float, str]:
    assert session.started_at is not None
    return session.started_at.timestamp(), session.session_id
