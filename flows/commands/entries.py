"""`vagal enter`: what a practitioner adds to what is known of a client.

What a command needs is imported inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from flows.options import home_option

if TYPE_CHECKING:
    from flows.entering import Answer
    from pipeline.store import Home

_DAYS = click.IntRange(0, 7)

by_option = click.option("--by", metavar="NAME", help="Who enters it: a name or initials.")
day_option = click.option(
    "--day", metavar="DAY", help="The day it is about, such as 2026-03-31 (default: today)."
)


@click.group()
@click.argument("client", callback=lambda _, __, value: _client(value))
@click.pass_context
def enter(context: click.Context, client: str) -> None:
    """Enter what is known of a client: outcome lines, a week's log, adverse experiences, plans.

    It is kept and shown as it was entered; nothing interprets it.
    """
    context.obj = client


def _client(value: str) -> str:
    from pipeline.model import client_pseudonym

    return client_pseudonym(value)


@enter.command()
@click.argument("scale", type=click.Choice(["PSS", "GAD-7", "PHQ-9", "goal"], case_sensitive=False))
@click.argument("value", type=click.IntRange(0, 40))
@click.option(
    "--item-9", type=click.IntRange(0, 3), help="With PHQ-9: its last question, which has to be said."
)
@click.option("--goal", metavar="WORDS", help="With goal: which of the person's own goals is rated, 0 to 10.")
@day_option
@by_option
@home_option
@click.pass_obj
def outcome(client: str, /, home: Home, **facts: Any) -> None:
    """The sum of a questionnaire, or an own goal rated from 0 to 10."""
    _enter(home, client, "outcome", facts)


@enter.command()
@click.option("--activity", type=_DAYS, help="Days of the week with physical activity.")
@click.option("--people", type=_DAYS, help="Days with people who do the person good.")
@click.option("--novelty", type=_DAYS, help="Days with something new.")
@click.option("--nature", type=_DAYS, help="Days outdoors in nature.")
@click.option("--sleep", type=_DAYS, help="Nights slept well enough.")
@day_option
@by_option
@home_option
@click.pass_obj
def week(client: str, /, home: Home, **facts: Any) -> None:
    """The log of a week (of which --day is any day): on how many days, 0 to 7."""
    _enter(home, client, "week", facts)


@enter.command()
@click.argument("text")
@click.option("--session", metavar="ID", help="The session it belongs to.")
@day_option
@by_option
@home_option
@click.pass_obj
def adverse(client: str, /, home: Home, **facts: Any) -> None:
    """Something unwanted that the person tells of, in words."""
    _enter(home, client, "adverse", facts)


@enter.command("take-back")
@click.argument("of", metavar="ENTRY")
@by_option
@home_option
@click.pass_obj
def take_back(client: str, /, home: Home, **facts: Any) -> None:
    """Take back a mistyped entry, by what `list` shows before it."""
    _enter(home, client, "taken-back", facts)


@enter.command()
@click.argument("measures", nargs=-1, required=True)
@home_option
@click.pass_obj
def primary(client: str, /, home: Home, measures: tuple[str, ...]) -> None:
    """The one or two MEASURES that progress is judged by: ln_rmssd, mean_hr_bpm, ln_scl, scr_per_min.

    To be chosen before there is anything to judge.
    """
    _plan(home, client, "primary", {"measures": measures})


@enter.command()
@click.argument("sessions_per_week", type=click.IntRange(1, 21))
@click.argument("minutes", type=click.IntRange(1, 120))
@click.option("--strategy", metavar="ID", help="What to practise, such as slow-breathing.")
@home_option
@click.pass_obj
def plan(client: str, /, home: Home, **facts: Any) -> None:
    """Practice at home: sessions a week, minutes each."""
    _plan(home, client, "plan", facts)


@enter.command()
@click.argument("strategies", nargs=-1, required=True)
@click.option(
    "--seed", type=click.IntRange(0, (1 << 31) - 1), help="What chance draws from (default: chance)."
)
@home_option
@click.pass_obj
def alternation(client: str, /, home: Home, **facts: Any) -> None:
    """Two to four STRATEGIES to practise in an order that chance decides."""
    _plan(home, client, "alternation", facts)


@enter.command("list")
@home_option
@click.pass_obj
def list_(client: str, /, home: Home) -> None:
    """What was entered, the latest first."""
    from flows.entering import entered_lines

    for line in entered_lines(home, client):
        click.echo(line)


def _enter(home: Home, client: str, kind: str, facts: dict[str, Any]) -> None:
    from flows.entering import enter_facts

    _answer(lambda: enter_facts(home, client, {"kind": kind, **_said(facts)}))


def _plan(home: Home, client: str, what: str, facts: dict[str, Any]) -> None:
    from flows.entering import plan_facts

    _answer(lambda: plan_facts(home, client, {"what": what, **_said(facts)}))


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _answer(entering: Callable[[], Answer]) -> None:
    answer = entering()
    click.echo(answer.line)
    if answer.notice:
        click.echo(answer.notice)
