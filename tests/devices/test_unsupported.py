"""Devices without a driver: which are known by name, service or maker, and what is said of them."""

from __future__ import annotations

import re

import pytest

from devices.driver import Advert
from devices.drivers.registry import drivers
from devices.exports.formats import readers
from devices.unsupported import _KINDS, UNSEEN, Remedy, Unsupported, explain

SIG = "0000{}-0000-1000-8000-00805f9b34fb"


def advert(name: str = "", *services: str) -> Advert:
    return Advert("C0:00:00:00:00:01", name, services, -60)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Forerunner 265", "Garmin watch"),
        ("fenix 7 Pro", "Garmin watch"),
        ("fēnix 8", "Garmin watch"),
        ("vívoactive 5", "Garmin watch"),
        ("vivosmart 5", "Garmin watch"),
        ("Venu 3S", "Garmin watch"),
        ("Instinct 2X", "Garmin watch"),
        ("Polar Vantage V2 12345678", "Polar watch"),
        ("Polar Ignite 3 12345678", "Polar watch"),
        ("WHOOP 4A0123456", "WHOOP band"),
        ("Charge 6", "Fitbit Charge 6"),
        ("Amazfit GTS 4", "Sports watch or band"),
        ("Mi Smart Band 6", "Sports watch or band"),
        ("HUAWEI WATCH GT 3-0A1", "Sports watch or band"),
        ("COROS PACE 3", "Sports watch or band"),
        ("Shimmer-A1B2", "Shimmer sensor"),
        ("Empatica E4", "Empatica E4"),
        ("E4-A012345", "Empatica E4"),
        ("EmbracePlus", "Empatica EmbracePlus"),
        ("Empatica", "Empatica EmbracePlus"),
        ("eSense Pulse", "Mindfield eSense"),
        ("Moodmetric", "Moodmetric ring"),
        ("PIP 1A2B", "Pip"),
        ("NOWATCH 0042", "NOWATCH"),
        ("Galaxy Watch6 (A1B2)", "Samsung Galaxy wearable"),
        ("Charge 5", "Fitbit"),
        ("Versa 3", "Fitbit"),
        ("Inspire HR", "Fitbit"),
        ("Oura Ring Gen3", "Oura ring"),
        ("Anna's Apple Watch", "Apple Watch"),
    ],
)
def test_known_by_name(name: str, kind: str) -> None:
    assert [_kind(advert(each)) for each in (name, name.upper(), name.lower())] == [kind] * 3


@pytest.mark.parametrize(
    "name",
    [
        "", "Bob's TV", "Pip's phone", "Venue speaker", "Sense of wonder", "Charger 60W", "HUAWEI P30",
        "Galaxy Buds", "eSense-0123", "Polar Balance", "My e4 headset", "[TV] Forerunner", "Apple TV",
    ],
)  # fmt: skip
def test_other_names_are_nobodys_sensor(name: str) -> None:
    assert explain(advert(name)) is None


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        (SIG.format("fe1f"), "Garmin watch"),
        (SIG.format("feee"), "Polar watch"),
        (SIG.format("fee0"), "Sports watch or band"),
        ("61080001-8d6d-82b8-614a-1c8cb0f8dcc6", "WHOOP band"),
        ("98ed0001-a541-11e4-b6a0-0002a5d5c51b", "Oura ring"),
        (SIG.format("1826"), "Fitness equipment"),
        (SIG.format("1816"), "Fitness equipment"),
        (SIG.format("1818"), "Fitness equipment"),
        (SIG.format("1814"), "Fitness equipment"),
        (SIG.format("180f"), None),
    ],
)
def test_known_by_service_or_maker(service: str, kind: str | None) -> None:
    assert _kind(advert("", SIG.format("180a"), service)) == kind


def test_a_name_tells_more_than_a_service_of_many_makers() -> None:
    assert _kind(advert("Forerunner 265", SIG.format("1814"))) == "Garmin watch"


@pytest.mark.parametrize("name", ["Forerunner 265", "WHOOP 4A0123456", "Polar Vantage V2", "Charge 6"])
def test_a_watch_that_broadcasts_is_read_by_a_driver(name: str) -> None:
    broadcasting = advert(name, SIG.format("180d"))
    assert any(driver.recognises(broadcasting) for driver in drivers())


def test_an_import_is_promised_only_where_a_reader_is() -> None:
    known = {reader.name for reader in readers()}
    for kind in _KINDS:
        promised = "vagal import" in kind.words
        assert (promised, kind.remedy is Remedy.EXPORT) == (kind.reader is not None,) * 2, kind.kind
        assert kind.reader is None or kind.reader in known, kind.kind


@pytest.mark.parametrize("kind", [*_KINDS, *UNSEEN], ids=lambda kind: kind.kind)
def test_each_is_explained_in_a_sentence_or_two(kind: Unsupported) -> None:
    assert re.fullmatch(r".{10,240}\.", kind.words)


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.kind for kind in _KINDS}) == len(_KINDS)


def _kind(advert: Advert) -> str | None:
    found = explain(advert)
    return found.kind if found else None
