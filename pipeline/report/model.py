"""A session report as a record, in the order it is read: claims, tables, figures and texts, no drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.claims.claim import Audience, Claims
from pipeline.grammar import day
from pipeline.language import told
from pipeline.manifest import software
from pipeline.progress.sessions import session_values
from pipeline.report.beside import beside
from pipeline.report.changes import Change, change
from pipeline.report.circumstances import circumstances
from pipeline.report.context import Context
from pipeline.report.entered import Entered, entered
from pipeline.report.head import Head, head, protocol_title
from pipeline.report.methods import formulas, methods, origin, sources
from pipeline.report.names import HeartWords, heart_words
from pipeline.report.next_time import next_time
from pipeline.report.phase_remarks import phase_remarks
from pipeline.report.phase_tables import phase_tables
from pipeline.report.plain_text import record_lines
from pipeline.report.quality import Trust, trust
from pipeline.report.reading import Term, terms
from pipeline.report.recovery_charts import recovery_table
from pipeline.report.resonance import Resonance, resonance
from pipeline.report.said import Said, said
from pipeline.report.since_last import SinceLast, report_claims, since_last
from pipeline.report.tables import Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis


@dataclass(frozen=True, slots=True)
class SignOff:
    """Whether the client may read their edition: who released it and on which day; nobody yet where None."""

    by: str | None = None
    day: str | None = None

    @property
    def released(self) -> bool:
        return self.by is not None


@dataclass(frozen=True, slots=True)
class ByPhase:
    """A table for each signal, what is to be said about them, and what the circumstances mean for them."""

    tables: tuple[Table, ...]
    remarks: tuple[str, ...]
    circumstances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionReport:
    """All that the clinician's edition says, but for its charts; what there is no data for is empty."""

    head: Head
    trust: Trust
    record: tuple[str, ...]
    since_last: SinceLast
    said: Said
    by_phase: ByPhase
    change: Change
    recovery: Table | None
    resonance: Resonance | None
    beside: Table | None
    entered: Entered
    next_time: tuple[str, ...]
    sign_off: SignOff
    reading: tuple[Term, ...]
    methods: tuple[tuple[str, str], ...]
    formulas: Table
    sources: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]
    claims: Claims

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object, in the order it is read."""
        made: dict[str, Any] = _plain(self)
        return made


def session_report(analysis: Analysis, context: Context) -> SessionReport:
    """The report of a session, with all that is known around it."""
    recording = analysis.recording
    words = heart_words(recording.beat_source)
    claims = report_claims(analysis, context)
    clinical = claims.of(Audience.CLINICIAN)
    return SessionReport(
        head=head(recording, context),
        trust=trust(analysis),
        record=record_lines(analysis, clinical, protocol_title(recording.protocol, "record.imported")),
        since_last=since_last(session_values(analysis), context.earlier, clinical.about("verdict")),
        said=said(recording),
        by_phase=_by_phase(analysis, words, clinical),
        change=change(analysis, words),
        recovery=recovery_table(analysis, words),
        resonance=resonance(analysis),
        beside=beside(analysis),
        entered=entered(recording, context),
        next_time=next_time(analysis, context),
        sign_off=_sign_off(context),
        reading=terms(words),
        methods=methods(analysis, words),
        formulas=formulas(words),
        sources=sources(analysis),
        origin=origin(analysis, software()),
        claims=claims,
    )


def _by_phase(analysis: Analysis, words: HeartWords, claims: Claims) -> ByPhase:
    return ByPhase(
        phase_tables(analysis, words),
        phase_remarks(analysis, claims),
        circumstances(analysis.recording.conditions),
    )


def _sign_off(context: Context) -> SignOff:
    release = context.amendments.release
    if release is None:
        return SignOff()
    return SignOff(release.by, day(datetime.fromisoformat(release.at)))


def _plain(value: object) -> Any:
    """A value as JSON has it; reasons in the language in use."""
    if isinstance(value, Claims):
        return value.as_json()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return told(value) if isinstance(value, str) else value
