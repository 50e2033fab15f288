"""Before a session: what is in reach, what can be chosen, and waiting until somebody starts one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from devices.connection import Found, scan
from devices.unsupported import explain
from flows.recording import Plan, Sensor
from flows.surroundings import Surroundings
from pipeline.clinic import read_clinic
from pipeline.conditions import asked_conditions, checked_conditions, kept_conditions
from pipeline.errors import DeviceError, InputError, InUseError, UsageError, VagalError
from pipeline.guidance.protocol import Protocol, protocol, protocols
from pipeline.guidance.safety import QUESTIONS, Screened, screened, screened_before
from pipeline.language import text
from pipeline.model import client_pseudonym
from pipeline.profile import Profile, read_profile, update_profile
from pipeline.store import Home

_LOOK_S = 4.0
_PAUSE_S = 2.0  # between two looks, so that a radio has time for other things
_MOST_UNUSABLE = 5


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is chosen before anybody has chosen, from the command line."""

    client: str = "me"
    protocol: str = "daily-practice"
    devices: Sequence[str] = ()
    simulated: str | None = None
    own: Protocol | None = None  # what was read already, from wherever it was


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody started: the plan, and the answers to the questions before a first session.

    `kept` are the conditions to offer again before the next one; None where none were said.
    """

    plan: Plan
    screened: Screened | None
    first_session: bool
    kept: Mapping[str, str] | None = None


@dataclass(slots=True)
class Lobby:
    """The start page's other side. `resonance_bpm` gives a client's own rate, if there is one."""

    home: Home
    around: Surroundings
    defaults: Defaults
    publish: Callable[[str, Any], None]
    resonance_bpm: Callable[[str], float | None] = lambda _: None
    trouble: str | None = None
    _found: list[Found] = field(default_factory=list)
    _looked: bool = False
    _chosen: asyncio.Future[Chosen] | None = None
    _told: dict[str, Any] | None = None
    _protocols_told: list[dict[str, Any]] | None = None

    async def wait(self, stop: asyncio.Event) -> Chosen | None:
        """Look for sensors until a session is started; None once `stop` is set."""
        self._chosen = asyncio.get_running_loop().create_future()
        self.tell()
        looking, stopping = asyncio.create_task(self._look()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((self._chosen, stopping), return_when=asyncio.FIRST_COMPLETED)
            return self._chosen.result() if self._chosen.done() else None
        finally:
            for task in (looking, stopping):
                task.cancel()
            await asyncio.gather(looking, stopping, return_exceptions=True)

    async def _look(self) -> None:
        """Look again and again; trouble is told, and looking goes on."""
        while self.around.capture is None:
            try:
                self._found = await scan(self.around.radio, _LOOK_S, self.around.enough, self.around.known)
                self.trouble = None
            except DeviceError as error:
                self._found, self.trouble = [], str(error)
            except Exception as error:  # whatever a radio's driver may raise, a look is worth another
                self._found, self.trouble = [], text("web.sensors.failed", error=repr(error))
            self._looked = True
            self.tell()
            await asyncio.sleep(_PAUSE_S)

    def start(self, facts: Mapping[str, Any]) -> Chosen:
        """Start a session from what the page sends. Raises UsageError or InUseError with one line."""
        if self._chosen is None or self._chosen.done():
            raise InUseError(text("web.refused.running"))
        client = client_pseudonym(_text(facts, "client", self.defaults.client))
        profile = self._profile(client)
        plan_of = self._protocol(_text(facts, "protocol", self.defaults.protocol))
        shuffled = plan_of.can_shuffle and facts.get("order") == "random"
        seed = secrets.randbelow(1 << 31) if shuffled else None
        told = _screened(facts.get("screening"))
        if told is None and (known := profile.answered(simulated=self.around.simulated)) is not None:
            told = screened_before(known)
        conditions = _conditions(facts.get("conditions"))
        if seed is not None:
            conditions["order_seed"] = str(seed)
        plan = Plan(
            client,
            plan_of.resolved(self.resonance_bpm(client), seed),
            self._sensors(facts.get("devices")),
            simulated=self.around.simulated,
            conditions=conditions,
            attended=self.around.capture is None,  # a capture plays, whoever waits
        )
        kept = kept_conditions(conditions) if "conditions" in facts and not self.around.simulated else None
        chosen = Chosen(plan, told, told is None, kept)
        self._chosen.set_result(chosen)
        return chosen

    def _protocol(self, name: str) -> Protocol:
        own = self.defaults.own
        if own is not None and own.name == name:
            return own
        if name not in {self.defaults.protocol, *protocols(self.home.path)}:  # no path that a page thinks of
            raise UsageError(f"there is no protocol {name!r}")
        return protocol(name, self.home.path)

    def _sensors(self, wanted: Any) -> Sequence[Sensor]:
        if self.around.capture is not None:
            return [self.around.capture]
        usable = {found.advert.address: found for found in self._found if found.driver}
        addresses = [str(each) for each in wanted] if isinstance(wanted, list) else self._preferred()
        chosen = [usable[address] for address in addresses if address in usable]
        if not chosen:
            raise UsageError(text("web.refused.no_sensor"))
        return chosen

    def _preferred(self) -> list[str]:
        """The addresses to use unless a person chooses others: those named, else the nearest of each kind."""
        usable = [found for found in self._found if found.driver]
        named = {name.lower() for name in self.defaults.devices}
        if named:
            return [
                f.advert.address for f in usable if {f.advert.address.lower(), f.advert.name.lower()} & named
            ]
        nearest: dict[str, str] = {}
        for found in usable:
            assert found.driver is not None
            nearest.setdefault(found.driver.name, found.advert.address)
        return list(nearest.values())

    def _profile(self, client: str) -> Profile:
        """What is known of the client; nothing if that cannot be read, which the live page says."""
        try:
            return read_profile(self.home.path, client)
        except InputError:
            return Profile()

    def tell(self, *, running: bool = False) -> None:
        """Tell the start page, if anything changed."""
        told = self._message(running)
        if told != self._told:
            self._told = told
            self.publish("lobby", told)

    def _message(self, running: bool) -> dict[str, Any]:
        client = self.defaults.client
        profile = self._profile(client)
        return {
            "state": self._state(),
            "trouble": self.trouble,
            "sensors": list(self._sensor_facts()),
            "unusable": self._unusable(),
            "protocols": self._described_protocols(),
            "client": client,
            "protocol": self.defaults.protocol,
            "simulated": self.defaults.simulated,
            "running": running,
            "first_session": profile.answered(simulated=self.around.simulated) is None,
            "screening": [question.asked for question in QUESTIONS],
            "conditions": asked_conditions(),
            "conditions_kept": dict(profile.conditions),
            "crisis_line": _crisis_line(self.home),
        }

    def _state(self) -> str:
        if self.trouble:
            return "trouble"
        if self.around.capture is not None or any(found.driver for found in self._found):
            return "ready"
        return "none" if self._looked else "looking"

    def _sensor_facts(self) -> list[dict[str, Any]]:
        capture = self.around.capture
        if capture is not None:
            return [
                _sensor("capture", capture.driver.label, capture.driver.label, capture.driver.streams, True)
            ]
        preferred = set(self._preferred())
        return [
            _sensor(
                found.advert.address,
                found.advert.name or text("web.sensors.no_name"),
                found.driver.label,
                found.driver.streams,
                found.advert.address in preferred,
            )
            for found in self._found
            if found.driver
        ]

    def _unusable(self) -> list[dict[str, str]]:
        """Sensors that are known, and why they cannot be used; nobody else's devices are named."""
        told = []
        for found in self._found:
            if found.driver is None and (why := explain(found.advert)) is not None:
                told.append({"name": why.kind, "why": why.words})
        return told[:_MOST_UNUSABLE]

    def _described_protocols(self) -> list[dict[str, Any]]:
        """The protocols there are, read once for each time that somebody can choose."""
        if self._protocols_told is None:
            self._protocols_told = [_described(each) for each in self._protocols()]
        return self._protocols_told

    def _protocols(self) -> list[Protocol]:
        """Those that can be read; a file that cannot is told where it is started by name."""
        found = [self.defaults.own] if self.defaults.own is not None else []
        for name in {*protocols(self.home.path), self.defaults.protocol} - {each.name for each in found}:
            try:
                each = protocol(name, self.home.path)
            except VagalError:
                continue
            if all(step.until_tag is None for step in each.steps):  # those are for recordings with tags
                found.append(each)
        return sorted(found, key=lambda each: (each.setting, each.duration_s or 0.0, each.title))


def _screened(told: Any) -> Screened | None:
    """What came of the questions before a first session; None if they are still to be asked."""
    if not isinstance(told, dict) or not isinstance(answers := told.get("answers"), dict):
        return None
    if not all(isinstance(said, bool) for said in answers.values()):
        raise UsageError("answers are yes or no, by the question")
    return screened(answers)


def _conditions(told: Any) -> dict[str, str]:
    """What was answered of the conditions; nothing if nothing was."""
    if told is not None and not isinstance(told, dict):
        raise UsageError("conditions are answers, by the question")
    return checked_conditions(told or {})


def keep_conditions(home: Home, client: str, kept: Mapping[str, str]) -> None:
    """Offer these conditions again before the client's next session, if they can be kept."""
    with contextlib.suppress(VagalError):  # what is wrong with a profile, the live page says
        update_profile(home.path, client, lambda profile: replace(profile, conditions=kept))


def _sensor(address: str, name: str, label: str, streams: Sequence[str], chosen: bool) -> dict[str, Any]:
    return {"address": address, "name": name, "label": label, "streams": list(streams), "chosen": chosen}


def _described(each: Protocol) -> dict[str, Any]:
    return {
        "name": each.name,
        "title": each.title,
        "summary": each.summary,
        "minutes": each.minutes,
        "setting": each.setting,
        "can_shuffle": each.can_shuffle,
    }


def _crisis_line(home: Home) -> str | None:
    try:
        return read_clinic(home.path).crisis_line
    except VagalError:
        return None


def _text(facts: Mapping[str, Any], name: str, default: str) -> str:
    value = facts.get(name, default)
    if not isinstance(value, str):
        raise UsageError(f"{name} is missing")
    return value or default
