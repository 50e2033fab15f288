"""Every scenario: what the session on disk says, and that each sample is in it once or in a declared gap."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devices.virtual.scenario import scenario, scenarios
from pipeline.model import Floats, Stream
from tests.flows.delivered import (
    apart,
    assert_beats,
    assert_raw_is_what_was_sent,
    assert_samples,
    links,
    payloads,
    told_once,
)
from tests.flows.rooms import Played, play, resting

SECONDS = 150
HUNDREDTH = 0.00501  # a count of the HealthyPi Move, and a rounding error


def strap_and_watch(played: Played) -> tuple[Stream, Stream]:
    """The streams of the sensors of most scenarios, which hold what the body did."""
    streams = played.recording.streams
    assert_raw_is_what_was_sent(played, "heart_rate", played.sensors[0])
    assert_raw_is_what_was_sent(played, "healthypi_move", played.sensors[-1])
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["eda"], played.client.eda_us, within=HUNDREDTH)
    return streams["rr"], streams["eda"]


def calm(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    assert (rr.gaps, eda.gaps) == ((), ())
    assert sorted(links(played)) == [
        "healthypi_move: connected",
        "healthypi_move: stopped",
        "heart_rate: connected",
        "heart_rate: stopped",
    ]


def dropout(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    [gap] = rr.gaps
    assert gap.reason == "link lost"
    assert 19 < gap.end_s - gap.start_s < 23
    assert eda.gaps == ()
    assert links(played)[2:5] == [
        "heart_rate: lost, the connection ended",
        "heart_rate: failed, the sensor is not in reach",
        "heart_rate: connected",
    ]


def silence(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    [gap] = rr.gaps
    assert gap.reason == "link lost"
    assert 19 < gap.end_s - gap.start_s < 24
    assert eda.gaps == ()
    assert links(played)[2:5] == [
        "heart_rate: silent, no data for 5 s",
        "heart_rate: connected",
        "heart_rate: silent, no data for 10 s",
    ]


def burst(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    assert (rr.gaps, eda.gaps) == ((), ())
    assert len(links(played)) == 4


def no_intervals(played: Played) -> None:
    rr, _ = strap_and_watch(played)
    [gap] = rr.gaps
    assert gap.reason == "samples missing"
    assert 28 < gap.end_s - gap.start_s < 32
    assert played.recording.streams["heart_rate"].gaps == ()
    assert len(links(played)) == 4


def contact_lost(played: Played) -> None:
    rr, _ = strap_and_watch(played)
    [gap] = rr.gaps
    assert gap.reason == "contact lost"
    assert 24 < gap.end_s - gap.start_s < 27
    assert 42 < told_once(played, "heart_rate: contact lost") < 46


def truncated(played: Played) -> None:
    streams = played.recording.streams
    assert_raw_is_what_was_sent(played, "heart_rate", played.sensors[0])
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["eda"], played.client.eda_us, within=HUNDREDTH)
    assert links(played).count("heart_rate: malformed frame") == 10
    assert links(played).count("healthypi_move: malformed frame") == 40
    [length_s] = apart(streams["eda"])
    assert length_s == pytest.approx(10, abs=0.3)
    [length_s] = apart(streams["rr"])
    assert 9 < length_s < 12


def subscribe_fails(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    assert links(played).count("heart_rate: failed, the connection ended") == 2
    assert links(played).count("heart_rate: lost, the connection ended") == 2
    assert [gap.reason for gap in rr.gaps] == ["link lost", "link lost"]
    assert all(length_s < 6 for length_s in apart(rr))
    assert eda.gaps == ()


def low_battery(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    assert (rr.gaps, eda.gaps) == ((), ())
    assert 38 < told_once(played, "heart_rate: battery low (9 %)") < 41


def adapter_off(played: Played) -> None:
    rr, eda = strap_and_watch(played)
    assert [gap.reason for gap in (*rr.gaps, *eda.gaps)] == ["link lost", "link lost"]
    assert all(19 < length_s < 32 for length_s in (*apart(rr), *apart(eda)))
    off = "failed, Bluetooth is switched off: turn it on in the system's settings and try again."
    assert f"heart_rate: {off}" in links(played)
    assert f"healthypi_move: {off}" in links(played)


def two_straps(played: Played) -> None:
    strap_and_watch(played)
    assert "the nearest of 2; --device ADDRESS chooses" in played.said[0]
    assert [device.driver for device in played.recording.devices].count("heart_rate") == 1


def duplicates(played: Played) -> None:
    streams = played.recording.streams
    assert_raw_is_what_was_sent(played, "heart_rate", played.sensors[0])
    raw = Counter(payloads(played, "polar_h10"))
    assert max(raw.values()) > 1, "the sensor sent nothing twice"
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["ecg"], played.client.ecg_uv, within=0.51)
    assert_samples(played, streams["acc"], x_mg(played), within=0.51)


def drift(played: Played) -> None:
    streams = played.recording.streams
    # The skin sensor sends when a quarter of a second has filled a notification: arrivals tell less of it.
    for name, truth, ppm, within, steady_s in (
        ("ecg", played.client.ecg_uv, 300, 0.51, 0.001),
        ("acc", x_mg(played), 300, 0.51, 0.002),
        ("eda", played.client.eda_us, -300, 0.02, 0.006),
    ):
        late_s = assert_samples(played, streams[name], truth, drift=ppm * 1e-6, within=within)
        assert np.abs(late_s - np.median(late_s)).max() < steady_s
        assert streams[name].gaps == ()


def clock_set(played: Played) -> None:
    streams = played.recording.streams
    assert_beats(played, streams["rr"])
    for name, truth in (("ecg", played.client.ecg_uv), ("acc", x_mg(played))):
        assert_samples(played, streams[name], truth, within=0.51)
        assert streams[name].gaps == ()
        steps_s = np.diff(np.asarray(streams[name].device_time_s))
        assert np.sum(steps_s < -25) == 1
        assert np.sum(steps_s > 3e7) == 1


def wrap(played: Played) -> None:
    streams = played.recording.streams
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["eda"], played.client.eda_us, within=0.02)
    assert streams["eda"].gaps == ()
    assert np.sum(np.diff(np.asarray(streams["eda"].device_time_s)) < -500) == 1


def pairing(played: Played) -> None:
    streams = played.recording.streams
    assert links(played).count("polar_h10: paired") == 1
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["ecg"], played.client.ecg_uv, within=0.51)
    assert streams["ecg"].gaps == ()


def already_streaming(played: Played) -> None:
    streams = played.recording.streams
    assert_samples(played, streams["ecg"], played.client.ecg_uv, within=0.51)
    eda = {stream.rate_hz: stream for name, stream in streams.items() if name.startswith("eda")}
    assert_samples(played, eda[10.0], played.client.eda_us, within=0.03)
    assert_samples(played, eda[51.2], played.client.eda_us, within=0.02)
    assert all(stream.gaps == () for stream in (*eda.values(), streams["ecg"]))
    assert not any("malformed" in text for text in links(played))


def four_sensors(played: Played) -> None:
    streams = played.recording.streams
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["ecg"], played.client.ecg_uv, within=0.51)
    assert_samples(played, streams["ppg"], played.client.ppg_au, within=0.51)
    assert gaps_by_stream(played) == {"pp": ["nothing came yet"]}


def all_sensors(played: Played) -> None:
    assert {device.driver for device in played.recording.devices} == {
        "bitalino",
        "edamove",
        "generic:esp32-eda",
        "healthypi_move",
        "heart_rate",
        "polar_h10",
        "polar_optical",
        "shimmer",
    }
    assert gaps_by_stream(played) == {"pp": ["nothing came yet"]}


def gaps_by_stream(played: Played) -> dict[str, list[str]]:
    """Why each stream has gaps, where it has any."""
    streams = played.recording.streams.items()
    return {name: [gap.reason for gap in stream.gaps] for name, stream in streams if stream.gaps}


def x_mg(played: Played) -> Callable[[float, float, float], Floats]:
    """The first axis of the chest's acceleration."""
    return lambda start_s, end_s, rate_hz: played.client.acc_mg(start_s, end_s, rate_hz)[:, 0]


CHECKS: dict[str, Callable[[Played], None]] = {
    "adapter-off": adapter_off,
    "all-sensors": all_sensors,
    "already-streaming": already_streaming,
    "burst": burst,
    "calm": calm,
    "clock-set": clock_set,
    "contact-lost": contact_lost,
    "drift": drift,
    "dropout": dropout,
    "duplicates": duplicates,
    "four-sensors": four_sensors,
    "low-battery": low_battery,
    "no-intervals": no_intervals,
    "pairing": pairing,
    "silence": silence,
    "subscribe-fails": subscribe_fails,
    "truncated": truncated,
    "two-straps": two_straps,
    "wrap": wrap,
}


def test_every_scenario_is_checked() -> None:
    assert sorted(CHECKS) == sorted(scenarios())


@pytest.mark.parametrize("name", CHECKS)
def test_scenario(name: str, tmp_path: Path) -> None:
    CHECKS[name](play(tmp_path, resting(SECONDS), scene=scenario(name)))
