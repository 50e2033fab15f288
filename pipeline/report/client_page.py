"""The client's edition: one picture, one sentence, one next practice, one card, and what all this can't tell.

No norms, no verdict in colour, no disorder words, no streaks. It is a draft until a clinician released it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.claims.claim import Audience, Claims
from pipeline.grammar import day, listed, local_time
from pipeline.language import text
from pipeline.report.client_chart import calm
from pipeline.report.context import Context
from pipeline.report.pages import environment, style
from pipeline.report.since_last import report_claims

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.guidance.psychoeducation import Card


@dataclass(frozen=True, slots=True)
class CardTold:
    """A card as the page has it: its title, its text, and how well it is known in groups of people.

    `more` are the paragraphs of its long form and `sources` the works behind it, for those who open them.
    """

    title: str
    text: str
    standing: str
    more: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientReport:
    """All that the client's edition says, but for its picture."""

    draft: bool
    date: str | None
    when: str
    simulated: bool
    clinic: str | None
    crisis_line: str | None
    sentence: str
    beside: str | None
    progress: str | None
    practice: str
    card: CardTold | None
    cannot_tell: tuple[str, ...]
    released: str | None

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return asdict(self)


def client_report(analysis: Analysis, context: Context, claims: Claims | None = None) -> ClientReport:
    """What the client's edition of a session says."""
    recording, release = analysis.recording, context.amendments.release
    own = (claims or report_claims(analysis, context)).of(Audience.CLIENT)
    started_at = recording.started_at
    return ClientReport(
        draft=release is None,
        date=day(started_at) if started_at else None,
        when=local_time(started_at.replace(tzinfo=None)) if started_at else text("client.no_date"),
        simulated=recording.simulated,
        clinic=context.clinic.name,
        crisis_line=context.clinic.crisis_line,
        sentence=_said(own, "client.sentence"),
        beside=_said(own, "client.beside") or None,
        progress=_said(own, "client.verdict") or None,
        practice=_said(own, "client.practice"),
        card=_card(context.card) if context.card is not None else None,
        cannot_tell=tuple(each.text for each in own.about("client.cannot_tell")),
        released=text("client.released", by=release.by, day=day(datetime.fromisoformat(release.at)))
        if release is not None
        else None,
    )


def render_client(
    analysis: Analysis, context: Context | None = None, report: ClientReport | None = None
) -> str:
    """The client's edition as a self-contained page: no script, no request to anywhere.

    `report` is what it says, where that is known already.
    """
    context = context or Context()
    page = environment().get_template("client.html.j2")
    return page.render(
        told=report or client_report(analysis, context),
        picture=calm(analysis),
        logo=context.clinic.logo,
        css=style("client.css"),
    )


def _said(claims: Claims, topic: str) -> str:
    return " ".join(each.text for each in claims.about(topic))


def _card(card: Card) -> CardTold:
    """A card with its sources by author and year; the grade is about groups, never about who reads it."""
    known = text(f"client.grade.{card.grade}")
    sources = [f"{each.author} ({each.year})" for each in card.sources]
    named = listed(sources)
    return CardTold(
        title=card.title,
        text=card.short,
        standing=text("client.known", known=known, sources=named) if named else known,
        more=card.paragraphs,
        sources=tuple(each.told for each in card.sources),
    )
