"""The progress report: a client's sessions over time, in the order a clinician reads them, as one HTML file.

What changed, how sure that is and what comes next are on the first screen, and what it rests on below; every
sentence with a finding is a claim's; nothing is fetched from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipeline.claims.claim import Audience, Claim, Claims, Told
from pipeline.figures import number
from pipeline.grammar import day, joined, sentence
from pipeline.language import plural, text, texts, told
from pipeline.manifest import software
from pipeline.report import progress_tables as tables
from pipeline.report.charts import Chart
from pipeline.report.entered import notices
from pipeline.report.names import heart_words, measure, strategy
from pipeline.report.pages import environment, style
from pipeline.report.progress_pictures import Ground, calm, followed, followed_title, standing
from pipeline.report.reading import Term, anchors, terms
from pipeline.report.tables import Table

if TYPE_CHECKING:
    from pipeline.amendments import Release
    from pipeline.progress.progress import Progress
    from pipeline.progress.sessions import SessionValues
    from pipeline.progress.standing import MeasureProgress
    from pipeline.progress.transfer import Transfer
    from pipeline.report.context import Context

_FEWEST_DRAWN, _MOST_DRAWN = 3, 4
_SCREEN = "screen-only"  # left out of a printed report
_MOST_ON_PAPER = 60  # sessions: paper has the table of first and latest
_NOT_DRAWN = ("followed",)  # yes, in part or no: the table has it
_TERMS = ("own_error", "detectable", "worthwhile", "regression", "pacer", "tended")
_READING = ("rate", "rmssd", "skin", "arousal", "left", "half_time", "proxies", "pulse")
_HEADS = {5: "own_error", 6: "detectable", 7: "worthwhile"}  # of the table of measures
_QUANTITIES = {
    "share": "left",
    "half": "half_time",
    "near": "arousal",
    "amplitude": "pacer",
    "followed": "pacer",
}
_SOURCES = (
    "buchheit_2014",
    "hopkins_2000",
    "jacobson_1991",
    "sen_1968",
    "theil_1950",
    "uhlig_2020",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a progress report is made of.

    `unread` are the ids of sessions whose values are missing or cannot be read; `key` identifies all that it
    rests on.
    """

    client: str
    sessions: tuple[SessionValues, ...]
    progress: Progress
    claims: Claims
    unread: tuple[str, ...] = ()
    key: str = ""
    released: bool = False

    @property
    def stored(self) -> int:
        """How many sessions there are, whatever state they are in."""
        return len(self.sessions) + len(self.unread)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, and whether it is a finding or says why there is none."""

    text: str
    written: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A section, in the order its fields are read. `answers` are sentences by the question they answer."""

    key: str
    title: str
    answers: tuple[tuple[str, tuple[Said, ...]], ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    said: tuple[Said, ...] = ()
    charts: tuple[Chart, ...] = ()
    panels: tuple[Chart, ...] = ()
    letters: tuple[tuple[str, str], ...] = ()
    after: tuple[Said, ...] = ()
    tables: tuple[Table, ...] = ()
    bare: bool = False  # the section's title says what its tables hold
    remarks: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    sources: tuple[str, ...] = ()
    css: str = ""


def render_progress(report: Report, context: Context) -> str:
    """The progress report for `context.audience` as a self-contained page: no script, no request."""
    if context.audience == Audience.CLIENT:
        return _client(report, context)
    ground = _ground(report)
    return (
        environment()
        .get_template("progress.html.j2")
        .render(
            css="\n".join(style(name) for name in ("style.css", "session.css", "progress.css")),
            anchors=_anchors(report, ground),
            client=report.client,
            badges=_badges(report),
            head=_head(report, context),
            logo=context.clinic.logo,
            clinic=context.clinic.name,
            notices=notices(context),
            parts=_parts(report, context, ground),
        )
    )


def _parts(report: Report, context: Context, ground: Ground) -> list[Part]:
    """The sections that a clinician reads, in order."""
    return [
        _verdict(report, context, ground),
        _trust(report, ground),
        _reliability(report, ground),
        _transfer(report, ground),
        _dose(report),
        _strategies(report),
        _alternation(report),
        _outcomes(context),
        _adverse(context),
        _reading(ground),
        _methods(report),
        _details(),
    ]


def _ground(report: Report) -> Ground:
    dated = {
        each.session_id: each.started_at if each.started_at.tzinfo else each.started_at.replace(tzinfo=UTC)
        for each in report.sessions
        if each.started_at is not None
    }
    source = next((each.beat_source for each in reversed(report.sessions) if each.beat_source), None)
    return Ground(dated, report.sessions, heart_words(source))


def _badges(report: Report) -> list[tuple[str, str]]:
    simulated = sum(each.simulated for each in report.sessions)
    if not simulated:
        return []
    if simulated == len(report.sessions):
        return [("simulated", text("page.simulated"))]
    return [("simulated", plural("progress_page.some_simulated", simulated))]


def _head(report: Report, context: Context) -> list[tuple[str, str]]:
    """Who, over which time, judged by what, and to what end."""
    words, profile = _ground(report).words, context.profile
    primary = joined([measure(each.measure, words) for each in report.progress.primary])
    if profile.primary is not None:
        chosen = day(date.fromisoformat(profile.primary.date))
        primary = text("progress_page.chosen_on", measures=primary, day=chosen)
    else:
        primary = text("progress_page.not_chosen", measures=primary)
    return [
        (text("progress_page.sessions"), number(report.stored)),
        (text("progress_page.time"), _time(report.progress)),
        (text("progress_page.judged_by"), primary),
        *([(text("progress_page.goal"), text("grammar.quoted", text=profile.goal))] if profile.goal else []),
    ]


def _time(found: Progress) -> str:
    if found.first is None or found.last is None:
        return text("page.not_recorded")
    first, last = (day(date.fromisoformat(at[:10])) for at in (found.first, found.last))
    return first if first == last else text("grammar.from_to", start=first, end=last)


def _said(report: Report, *topics: str) -> tuple[Said, ...]:
    """The clinician's sentences of these topics, with those that are withheld."""
    return tuple(_sentence(each) for each in report.claims.of(Audience.CLINICIAN).about(*topics))


def _sentence(each: Told) -> Said:
    return Said(each.text, isinstance(each, Claim))


def _trust(report: Report, ground: Ground) -> Part:
    found = report.progress
    figures = [
        (
            text("progress_page.of", part=number(len(tables.counted(each))), whole=number(report.stored)),
            text("progress_page.count_for", measure=measure(each.measure, ground.words)),
        )
        for each in found.primary
    ]
    weeks = tables.weeks_between(found)
    figures.append((number(weeks), plural("progress_page.week_count", weeks)))
    practices = sum(week.practices for week in found.dose)
    figures.append((number(practices), plural("progress_page.practice_count", practices)))
    left_out = tables.left_out(found.primary, report.unread, ground.words)
    return Part(
        "trust",
        text("progress_page.trust"),
        figures=tuple(figures),
        tables=(left_out,) if left_out else (),
        remarks=tuple(dict.fromkeys(sentence(notice) for notice in found.notices)),
    )


def _verdict(report: Report, context: Context, ground: Ground) -> Part:
    """The first screen: what changed, how sure that is, what comes next."""
    primary = report.progress.primary
    sure = (
        *(_counted(report, each, ground) for each in primary),
        *_of_primary(report, "restarted", "verdict.{}.differed", "regression", "detectable"),
    )
    step = context.profile.next_step
    agreed = text("progress_page.agreed_step", step=step) if step else text("progress_page.no_step")
    answers = (
        ("what_changed", _of_primary(report, "verdict.{}")),
        ("how_sure", sure),
        ("what_next", (*_of_primary(report, "verdict.{}.next"), Said(agreed, bool(step)), *_turn(report))),
    )
    return Part(
        "verdict",
        text("progress_page.verdict"),
        answers=tuple((text(f"progress_page.{key}"), said) for key, said in answers),
        remarks=(text("progress_page.usual_words"),),
        css="short",
    )


def _turn(report: Report) -> tuple[Said, ...]:
    """Whose turn it is under a random order that was agreed on."""
    found = report.progress.strategies
    if found.turn is None:
        return ()
    return (Said(text("progress_page.turn", strategy=_titles(report).get(found.turn, found.turn))),)


def _titles(report: Report) -> dict[str, str]:
    """What the strategies that were practised are called, by their names in files."""
    return {each.strategy: strategy(each.title) for each in report.progress.strategies.tendencies}


def _counted(report: Report, each: MeasureProgress, ground: Ground) -> Said:
    part, whole = number(len(tables.counted(each))), number(report.stored)
    return Said(
        text("progress_page.counted", part=part, whole=whole, measure=measure(each.measure, ground.words))
    )


def _reliability(report: Report, ground: Ground) -> Part:
    found = report.progress
    pictures = [picture for each in found.primary if (picture := standing(ground, each)) is not None]
    return Part(
        "reliability",
        text("progress_page.reliability"),
        charts=tuple(picture.chart for picture in pictures),
        letters=tuple(dict.fromkeys(letter for picture in pictures for letter in picture.letters)),
        after=_of_primary(report, "reliability", "worthwhile", "trend"),
        tables=(tables.compared(found.measures, ground.words),) if found.sessions else (),
    )


def _of_primary(report: Report, *topics: str) -> tuple[Said, ...]:
    """Sentences about the measures that were chosen, one measure after the other.

    A topic with a place for the measure is the id of one sentence; any other is all of that topic.
    """
    found = report.claims.of(Audience.CLINICIAN)
    said: list[Told] = []
    for each in report.progress.primary:
        for topic in topics:
            if "{}" in topic:
                said += [told for told in [found.find(topic.format(each.measure))] if told is not None]
            else:
                said += found.about(f"{topic}.{each.measure}")
    return tuple(_sentence(each) for each in said)


def _transfer(report: Report, ground: Ground) -> Part:
    found = report.progress.transfer
    drawn = [
        course
        for course in (*found.recovery, *found.paced)
        if len(course.points) >= _FEWEST_DRAWN and course.quantity not in _NOT_DRAWN
    ]
    charts = [
        replace(chart, screen_only=len(course.points) > _MOST_ON_PAPER)
        for place, course in enumerate(drawn[:_MOST_DRAWN])
        if (chart := followed(ground, course, f"followed-{place}")) is not None
    ]
    table = tables.transferred(found, ground.words)
    return Part(
        "transfer",
        text("progress_page.transfer"),
        panels=tuple(charts),
        tables=(table,) if table else (),
        bare=True,
        remarks=(text("progress_page.paced_apart"),) if table else _no_transfer(found),
    )


def _no_transfer(found: Transfer) -> tuple[str, ...]:
    """Why first and latest sessions are not side by side."""
    reasons = (each.reason for each in (*found.rest, *found.recovery, *found.paced) if each.reason)
    return tuple(dict.fromkeys(sentence(why) for why in reasons)) or (text("progress_page.no_transfer"),)


def _dose(report: Report) -> Part:
    chart = tables.practised(report.progress.dose)
    return Part(
        "dose", text("progress_page.dose"), said=_said(report, "dose"), charts=(chart,) if chart else ()
    )


def _strategies(report: Report) -> Part:
    chart = tables.tended(report.progress.strategies, randomised=report.progress.alternation is not None)
    return Part(
        "strategies",
        text("progress_page.tended"),
        said=_said(report, "strategies") or (Said(text("progress_page.none_practised"), False),),
        charts=(chart,) if chart else (),
    )


def _alternation(report: Report) -> Part:
    """The order that was agreed on, or one to offer where two strategies were practised."""
    agreed = report.progress.alternation
    titles = _titles(report)
    if agreed is not None:
        order = [titles.get(name, name) for name in agreed.order]
        since = day(date.fromisoformat(agreed.since))
        said = [
            text("progress_page.agreed", since=since, order=text("progress_page.order_joint").join(order))
        ]
    elif len(titles) > 1:
        both = list(titles)[:2]
        command = f"vagal enter {report.client} alternation {' '.join(both)}"
        names = joined([titles[name] for name in both])
        said = [
            text("progress_page.offered", strategies=names),
            text("progress_page.how_to_agree", command=command),
        ]
    else:
        said = [text("progress_page.not_offered")]
    return Part(
        "alternation",
        text("progress_page.alternation"),
        said=(*(Said(each) for each in said), *_said(report, "alternation")),
    )


def _outcomes(context: Context) -> Part:
    table = tables.outcomes(context.diary)
    return Part(
        "outcomes",
        text("progress_page.outcomes"),
        tables=(table,) if table else (),
        bare=True,
        remarks=(text("progress_page.as_entered" if table else "progress_page.no_outcomes"),),
    )


def _adverse(context: Context) -> Part:
    table = tables.adverse(context.diary)
    return Part(
        "adverse",
        text("progress_page.adverse"),
        tables=(table,) if table else (),
        bare=True,
        remarks=(text("progress_page.never_analysed" if table else "progress_page.no_adverse"),),
    )


def _reading(ground: Ground) -> Part:
    """What each measure is and is not: what the session's report has of use here, and progress's own."""
    shared = [term for term in terms(ground.words) if term.id in _READING]
    own = [
        Term(key, text(f"progress_page.terms.{key}.term"), text(f"progress_page.terms.{key}.text"))
        for key in _TERMS
    ]
    return Part("reading", text("reading.title"), terms=(*shared, *own), css=_SCREEN)


def _anchors(report: Report, ground: Ground) -> dict[str, str]:
    """The id of the term that goes with a word on the page: heads of columns and rows, titles of charts."""
    known, heads = anchors(ground.words), texts("progress_page.compared_head")
    names = {each.measure: measure(each.measure, ground.words) for each in report.progress.measures}
    found = report.progress.transfer
    return {
        **{name: known[name] for name in names.values()},
        **{text("progress_page.at_rest", measure=name): known[name] for name in names.values()},
        **{heads[place]: key for place, key in _HEADS.items()},
        **{
            followed_title(each, ground.words): term
            for each in (*found.recovery, *found.paced)
            if (term := _QUANTITIES.get(each.quantity.partition("_")[0])) is not None
        },
        text("progress_page.settling"): "tended",
    }


def _methods(report: Report) -> Part:
    """By what rule, and with what it was made: what a printed report needs of it, too."""
    made = software()
    rules = dict.fromkeys(told(each.rule) for each in report.progress.primary)
    used = [
        (text("progress_page.methods.rule"), " ".join(rules)),
        *_method("comparable"),
        (text("methods.software"), text("methods.written_by", name=made["name"], version=made["version"])),
        (text("methods.sha256"), report.key or text("page.not_recorded")),
    ]
    terms = tuple(Term("", term, said) for term, said in used if said)
    return Part("methods", text("methods.title"), terms=terms, css="methods")


def _details() -> Part:
    used = _method("reliability", "trend", "transfer", "strategies")
    return Part(
        "details",
        text("progress_page.details"),
        terms=tuple(Term("", term, said) for term, said in used),
        sources=tuple(text(f"sources.{key}") for key in _SOURCES),
        css=f"methods {_SCREEN}",
    )


def _method(*keys: str) -> list[tuple[str, str]]:
    return [(text(f"progress_page.methods.{key}"), text(f"progress_page.methods.{key}_used")) for key in keys]


def _client(report: Report, context: Context) -> str:
    """One picture, one sentence, one next step, and what none of it can tell."""
    found = report.claims.of(Audience.CLIENT)
    primary, ground = report.progress.primary[0], _ground(report)
    sentences = found.about(f"client.verdict.{primary.measure}") or found.about("client.verdict")
    release = context.amendments.release
    return (
        environment()
        .get_template("progress_client.html.j2")
        .render(
            css=style("client.css") + "\n" + style("progress_client.css"),
            draft=not report.released,
            released=_released(release) if report.released and release is not None else None,
            time=_time(report.progress),
            simulated=any(each.simulated for each in report.sessions),
            clinic=context.clinic,
            picture=calm(ground, primary),
            sentence=sentences[0].text if sentences else text("progress_page.client.nothing_yet"),
            next_step=_next_step(report, context),
            cannot_tell=[each.text for each in found.about("client.cannot_tell")],
        )
    )


def _released(release: Release) -> str:
    return text("client.released", by=release.by, day=day(datetime.fromisoformat(release.at)))


def _next_step(report: Report, context: Context) -> str:
    """What was agreed on; else the plan; else to talk about it."""
    profile = context.profile
    if profile.next_step:
        return profile.next_step
    plan = profile.practice_plan
    if plan is None:
        return text("progress_page.client.talk")
    values = {"sessions": number(plan.sessions_per_week), "minutes": number(plan.minutes)}
    title = next(
        (each.title for each in report.progress.strategies.tendencies if each.strategy == plan.strategy), None
    )
    if title is None:
        return plural("progress_page.client.plan", plan.sessions_per_week, **values)
    values["strategy"] = strategy(title)
    return plural("progress_page.client.plan_with", plan.sessions_per_week, **values)
