"""Devices that no driver reads, and what to do instead: switch something on, bring the export, or do without.

What a device is called and what it lists is all that is known of it before a connection, so a match is a
good guess, not a proof. Only a device that no driver recognises is looked up here: a watch that shows its
heart rate to other apps is a heart-rate strap to us. Sources: the makers' manuals for the names of settings,
Bluetooth SIG Assigned Numbers for services and makers. None of it was checked on hardware.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from devices.driver import Advert

_ASSIGNED = "0000{}-0000-1000-8000-00805f9b34fb"


class Remedy(IntEnum):
    """What can be done about it, the most hopeful first."""

    SWITCH_ON = 0  # it can send, once something is switched on
    EXPORT = 1  # it cannot, but `vagal import` reads what it records
    NONE = 2  # neither


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A kind of device without a driver, with a sentence or two why, and what instead.

    `name` is a regular expression, searched in the advertised name without regard to case; `services` are
    UUIDs of which one suffices. `reader` names the export reader that `words` promise, if they do.
    """

    kind: str
    words: str
    remedy: Remedy = Remedy.NONE
    name: str | None = None
    services: frozenset[str] = frozenset()
    reader: str | None = None

    def matches(self, advert: Advert) -> bool:
        """Whether the advert looks like one of this kind."""
        if self.name is not None and re.search(self.name, advert.name, re.IGNORECASE):
            return True
        return not self.services.isdisjoint(advert.service_uuids)


def explain(advert: Advert) -> Unsupported | None:
    """The kind that a device without a driver looks like, or None if nothing is known of it."""
    named = (kind for kind in _KINDS if kind.matches(advert))
    return next(named, None)


def _assigned(*numbers: str) -> frozenset[str]:
    return frozenset(_ASSIGNED.format(number) for number in numbers)


# The more specific first: names before what many makers' devices list.
_KINDS = (
    Unsupported(
        "Garmin watch",
        'It hides its heart rate until "Broadcast Heart Rate" is on (in its settings, under Wrist Heart '
        "Rate). As a rule it then sends heart rate without RR intervals: a strap is better.",
        Remedy.SWITCH_ON,
        r"^(garmin\b|forerunner|f[eē]nix|venu\b|v[ií]vo(active|smart|sport|move|fit)|instinct|epix|enduro|descent\b"
        r"|marq\b|lily\b|quatix|tactix|approach s\d)",
        _assigned("fe1f"),
    ),
    Unsupported(
        "Polar watch",
        "It hides its heart rate until it may share it with other devices (in the menu before a training). "
        "As a rule it then sends heart rate without RR intervals: a strap is better.",
        Remedy.SWITCH_ON,
        r"^polar (?!balance)",
        _assigned("feee"),
    ),
    Unsupported(
        "WHOOP band",
        'It hides its heart rate until "Heart Rate Broadcast" is on (in its app, under Device Settings).',
        Remedy.SWITCH_ON,
        r"^whoop",
        frozenset({"61080001-8d6d-82b8-614a-1c8cb0f8dcc6"}),
    ),
    Unsupported(
        "Fitbit Charge 6",
        'It hides its heart rate until it may share it: swipe down on it and tap "HR on equipment". As a '
        "rule it then sends heart rate without RR intervals: a strap is better.",
        Remedy.SWITCH_ON,
        r"^(fitbit )?charge 6\b",
    ),
    Unsupported(
        "Sports watch or band",
        "Many of these hide their heart rate until it is broadcast: look for that word in the settings of "
        "the watch or its app.",
        Remedy.SWITCH_ON,
        r"^(amazfit|mi (smart )?band|xiaomi (smart )?band|(huawei|honor) (watch|band)|coros\b|suunto)",
        _assigned("fee0"),
    ),
    Unsupported(
        "Shimmer sensor",
        "Only the GSR+ of the kinds Shimmer3 and Shimmer3R is read, over Bluetooth Low Energy, and it has to "
        "be set to that.",
        Remedy.SWITCH_ON,
        r"^shimmer",
    ),
    Unsupported(
        "Empatica E4",
        "How it streams is not public. Record on the wristband, download the session, then "
        "`vagal import FILE`.",
        Remedy.EXPORT,
        r"^(empatica )?e4\b",
        reader="empatica-e4",
    ),
    Unsupported(
        "Empatica EmbracePlus",
        "How it streams is not public: it sends to Empatica's own app, and its recordings come as downloads.",
        Remedy.NONE,
        r"embrace ?plus|^(empatica|embrace)\b",
    ),
    Unsupported(
        "Mindfield eSense",
        "How it streams is not public; its own app records and exports. An eSense Pulse shows up as a "
        "heart-rate strap as soon as it is worn.",
        Remedy.NONE,
        r"^(mindfield\b|esense (pulse|skin|temperature|respiration|muscle))",
    ),
    Unsupported(
        "Moodmetric ring",
        "How it streams is told on request only; its cloud exports one value a minute.",
        Remedy.NONE,
        r"moodmetric",
    ),
    Unsupported(
        "Pip",
        "How it streams is not public: it works with its own apps only.",
        Remedy.NONE,
        r"^(the )?pip([ _-]?\d\w*)?$",
    ),
    Unsupported(
        "NOWATCH",
        "How it streams is not public: it works with its own app only.",
        Remedy.NONE,
        r"\bnowatch\b",
    ),
    Unsupported(
        "Samsung Galaxy wearable",
        "It keeps its signals to Samsung's own apps, which do not pass on every beat.",
        Remedy.NONE,
        r"\bgalaxy (watch|fit|ring)",
    ),
    Unsupported(
        "Fitbit",
        "It keeps its signals to its own app, which does not pass on every beat.",
        Remedy.NONE,
        r"^(fitbit\b|(charge|versa|inspire|sense|alta|ionic|luxe)( (hr|lite|\d))*$)",
    ),
    Unsupported(
        "Oura ring",
        "It keeps its signals to its own app, which does not pass on every beat.",
        Remedy.NONE,
        r"^oura\b",
        frozenset({"98ed0001-a541-11e4-b6a0-0002a5d5c51b"}),
    ),
    Unsupported(
        "Apple Watch",
        "It does not show its heart rate to other devices, and has no setting for it.",
        Remedy.NONE,
        r"\bapple watch\b",
    ),
    Unsupported(
        "Fitness equipment",
        "A bike, treadmill, speed or power sensor tells of the exercise, not of the heart.",
        Remedy.NONE,
        services=_assigned("1826", "1816", "1818", "1814"),
    ),
)

# What no scan can show, however long it listens.
UNSEEN = (
    Unsupported("A strap with ANT+ only", "older Garmin straps, say: this needs one with Bluetooth."),
    Unsupported(
        "A sensor with classic Bluetooth only", "a Shimmer3 that is not set to Bluetooth Low Energy, say."
    ),
    Unsupported("A sensor on a cable", "the eSense Skin Response, say: it works with its own app only."),
)
