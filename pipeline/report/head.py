"""What stands at the top: whose session, when, with what, under which conditions, and towards which goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.figures import THIN, number
from pipeline.grammar import listed, local_time
from pipeline.guidance.known_names import protocol_name
from pipeline.language import text, told
from pipeline.report.circumstances import conditions_told

if TYPE_CHECKING:
    from pipeline.model import DeviceInfo, Recording
    from pipeline.report.context import Context

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Head:
    """The client, the date, badges of (kind, text), and facts of (term, text); None for what is not known."""

    client: str
    date: str | None
    clinic: str | None
    badges: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


def head(recording: Recording, context: Context) -> Head:
    """The top of a session's page."""
    date = local_time(recording.started_at) if recording.started_at else None
    badges = (
        ("simulated", text("page.simulated"), recording.simulated),
        ("recovered", text("page.recovered"), recording.recovered),
    )
    return Head(
        client=recording.client or text("page.no_client"),
        date=date,
        clinic=context.clinic.name,
        badges=tuple((kind, told) for kind, told, holds in badges if holds),
        facts=tuple(_facts(recording, context, date)),
    )


def length(duration_s: float) -> str:
    """How long a session took, in words that no clock time is mistaken for: 40 s, 14 min, 1 h 5 min."""
    if duration_s < _MINUTE_S:
        return f"{number(duration_s)}{THIN}{text('units.s')}"
    hours, minutes = divmod(round(duration_s / _MINUTE_S), 60)
    parts = [(hours, "units.h"), (minutes, "units.min")]
    return " ".join(f"{number(count)}{THIN}{text(unit)}" for count, unit in parts if count)


def protocol_title(name: str | None, otherwise: str = "page.not_recorded") -> str:
    """The title of a protocol that the software brings; any other is named as it was recorded."""
    if name is None:
        return text(otherwise)
    return told(protocol_name(name))


def _facts(recording: Recording, context: Context, date: str | None) -> list[tuple[str, str]]:
    named = [_device(each) for each in recording.devices]
    devices = listed(named, "grammar.and_then")
    conditions = conditions_told(recording.conditions)
    before = context.before(simulated=recording.simulated)
    place = [(text("page.number"), text("page.number_of_client", number=len(before) + 1))]
    goal = context.profile.goal
    return [
        (text("page.date"), date or text("page.not_recorded")),
        (text("page.duration"), length(recording.duration_s)),
        *(place if before else []),
        (text("page.protocol"), protocol_title(recording.protocol)),
        (text("page.devices"), devices or text("page.not_recorded")),
        (text("page.conditions"), conditions or text("page.no_conditions")),
        *([(text("page.goal"), text("grammar.quoted", text=goal))] if goal else []),
    ]


def _device(device: DeviceInfo) -> str:
    details = [
        *([device.model] if device.model and device.model not in device.name else []),
        *([text("page.firmware", version=device.firmware)] if device.firmware else []),
        *([text("page.battery", percent=device.battery_pct)] if device.battery_pct is not None else []),
    ]
    return f"{device.name} ({listed(details)})" if details else device.name
