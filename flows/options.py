"""Options that several commands share, each in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipeline.store import Home


class FiniteRange(click.FloatRange):
    """A range of numbers; "nan" and "inf" are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number to work with.", param, ctx)
        return number


def _home(_: click.Context, __: click.Parameter, value: Path | None) -> Home:
    from pipeline.store import Home, default_home

    return Home(value.expanduser() if value else default_home())


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_home,
    help="Where sessions lie (default: VAGAL_HOME, else your user-data folder).",
)


def _client(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    from pipeline.model import client_pseudonym

    return client_pseudonym(value) if value is not None else None


def client_option(**settings: Any) -> Callable[..., Any]:
    """The --client option, validated where it is given."""
    return click.option(
        "--client", callback=_client, help="A pseudonym: small letters, digits, hyphens.", **settings
    )


def protocol_option(default: str) -> Callable[..., Any]:
    """The --protocol option of what records."""
    return click.option(
        "--protocol",
        "protocol_name",
        default=default,
        show_default=True,
        metavar="P",
        help="A protocol's name, or a .toml file.",
    )


simulate_option = click.option(
    "--simulate",
    is_flag=False,
    flag_value="calm",
    metavar="[SCENARIO]",
    help="A simulated client instead of Bluetooth; a scenario says what goes wrong (data/scenarios).",
)


browser_option = click.option(
    "--browser/--no-browser",
    default=True,
    help="Open the live page in this computer's browser (the default).",
)


def session_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a session that is recorded, in the order of --help."""
    for option in (
        click.option(
            "--lsl", is_flag=True, help="Pass signals on to other programs, too (Lab Streaming Layer)."
        ),
        click.option(
            "--speed", type=FiniteRange(min=1), help="With --simulate or --replay: faster than real time."
        ),
        click.option(
            "--replay",
            metavar="FILE|SESSION",
            help="A capture, a stored session or an export, once more through driver and live view.",
        ),
        simulate_option,
        click.option(
            "--conditions",
            multiple=True,
            metavar="FILE|NAME=VALUE",
            help="A condition such as caffeine=none-today, or a .toml file; may be repeated. Without it a "
            "terminal asks, once.",
        ),
        click.option(
            "--device",
            "devices",
            multiple=True,
            metavar="D",
            help="A sensor's name or address; may be repeated.",
        ),
        client_option(default="me", show_default=True),
        home_option,
    ):
        command = option(command)
    return command


columns_option = click.option(
    "--columns",
    metavar="MAP",
    help="What a table's columns are: time=NAME[ms],ecg=NAME[mV],eda=NAME[uS], or rate=HZ for time.",
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how an export is to be read."""
    for option in (
        columns_option,
        click.option(
            "--unit",
            type=click.Choice(["ms", "s", "1/1024s"]),
            help="What RR intervals count in, if not as stated.",
        ),
        click.option(
            "--protocol",
            metavar="P",
            help="Lay a protocol's steps along the recording's tags (a name or .toml).",
        ),
        click.option(
            "--phases",
            type=click.Path(path_type=Path),
            help="CSV that names phases: name,kind,start_s,end_s.",
        ),
    ):
        command = option(command)
    return command
