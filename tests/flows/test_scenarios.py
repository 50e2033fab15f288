"""Every scenario: what the session on disk says, and that each sample is in it once or in a declared gap."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.virtual.catalogue import SENSORS
from devices.virtual.client import SimulatedClient
from devices.virtual.peripheral import Peripheral
from devices.virtual.polar import AMBIENT_AU, LED_GAINS
from devices.virtual.room import Room
from devices.virtual.scenario import scenario, scenarios
from flows.recording import Recorder
from pipeline.errors import DeviceError
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
from tests.flows.rooms import Happening, Played, play, resting

SECONDS = 110  # the last fault of all comes at 90 s, most end at 70 s
OF_ALL_S = 95  # and the 30 s for which a session waits for the EdaMove: two of its minutes
HUNDREDTH = 0.00501  # a count of the HealthyPi Move, and a rounding error

Truth = Callable[[float, float, float], Floats]


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
    assert [text for text in links(played) if "malformed" in text] == [
        "heart_rate: malformed frame",
        "heart_rate: 10 malformed frames until now",
        "healthypi_move: malformed frame",
        "healthypi_move: 40 malformed frames until now",
    ]
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
    off = "failed, Bluetooth is switched off: turn it on in the system's settings"
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
    streams, sensed = played.recording.streams, sensed_of_all(played.client)
    assert sorted(device.driver for device in played.recording.devices) == [
        "bitalino",
        "edamove",
        "generic:esp32-eda",
        "healthypi_move",
        "heart_rate",
        "polar_h10",
        "polar_optical",
        "shimmer",
        "shimmer",
    ]
    assert streams.keys() == {*sensed, *STRAPS.values(), *STRAPS, "heart_rate_polar_optical", "pp", "scl"}
    assert gaps_by_stream(played) == {"pp": ["nothing came yet"]}
    for name, columns in sensed.items():
        assert tuple(streams[name].columns) == tuple(columns)
        for column, (truth, within) in columns.items():
            alone = replace(streams[name], columns={column: streams[name].columns[column]})
            assert_samples(played, alone, truth, within=within)
    assert_minutes(played, streams["scl"])
    for beats, rate in STRAPS.items():
        assert_beats(played, streams[beats])
        assert_rates(played, streams[rate])
    assert_rates(played, streams["heart_rate_polar_optical"])
    assert_beats(played, streams["pp"], slack_s=6.0)  # the arm band tells pulses each 5 s


STRAPS = {"rr": "heart_rate", "rr_polar_h10": "heart_rate_polar_h10"}


def sensed_of_all(client: SimulatedClient) -> dict[str, dict[str, tuple[Truth, float]]]:
    """What the body had of each steady stream's columns, and how exact the sensor is."""
    skin = {
        "eda": 0.03,  # the BITalino, which was named first
        "eda_shimmer": 0.02,
        "eda_shimmer_2": 0.02,
        "eda_healthypi_move": HUNDREDTH,
        "eda_generic_esp32-eda": 0.00051,
    }
    chest, arm = (
        {f"acc_{axis}_mg": (axis_mg(client, number), within) for number, axis in enumerate("xyz")}
        for within in (0.51, 0.13)
    )
    lights = {f"ppg_{number}_au": (light_au(client, gain), 0.51) for number, gain in enumerate(LED_GAINS, 1)}
    return {
        "ecg": {"ecg_uv": (client.ecg_uv, 0.51)},
        "acc": chest,
        "acc_polar_optical": arm,
        "ppg": {**lights, "ppg_ambient_au": (ambient_au, 0.0)},
        **{name: {"eda_us": (client.eda_us, within)} for name, within in skin.items()},
    }


def assert_minutes(played: Played, scl: Stream) -> None:
    """The level of each whole minute of the sensor's clock, told as the minute ends."""
    ends_s = 60.0 * np.arange(1, (played.began_s + played.recording.duration_s) // 60 + 1)
    means_us = [played.client.eda_us(end_s - 60, end_s, 32.0).mean() for end_s in ends_s]
    np.testing.assert_allclose(scl.time_s + played.began_s, ends_s, atol=0.05)
    np.testing.assert_allclose(scl.value, means_us, atol=0.5 * 100 / 32767 + 1e-9)


def assert_rates(played: Played, heart_rate: Stream) -> None:
    """Each second, and none without, the rate of the four beats before."""
    at_s = heart_rate.time_s + played.began_s
    np.testing.assert_array_equal(np.diff(np.round(at_s)), 1)
    for second, bpm in zip(np.round(at_s).tolist(), heart_rate.value.tolist(), strict=True):
        recent_ms = [rr_ms for _, rr_ms in played.client.beats(0.0, second)[-4:]]
        assert bpm == round(60_000 / np.mean(recent_ms))


def gaps_by_stream(played: Played) -> dict[str, list[str]]:
    """Why each stream has gaps, where it has any."""
    streams = played.recording.streams.items()
    return {name: [gap.reason for gap in stream.gaps] for name, stream in streams if stream.gaps}


def x_mg(played: Played) -> Truth:
    """The first axis of the chest's acceleration."""
    return axis_mg(played.client, 0)


def axis_mg(client: SimulatedClient, axis: int) -> Truth:
    return lambda start_s, end_s, rate_hz: client.acc_mg(start_s, end_s, rate_hz)[:, axis]


def light_au(client: SimulatedClient, gain: float) -> Truth:
    return lambda start_s, end_s, rate_hz: gain * client.ppg_au(start_s, end_s, rate_hz)


def ambient_au(start_s: float, end_s: float, rate_hz: float) -> Floats:
    return np.full(round((end_s - start_s) * rate_hz), float(AMBIENT_AU))


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


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "all-sensors"])
def test_scenario(name: str, tmp_path: Path) -> None:
    CHECKS[name](play(tmp_path, resting(SECONDS), scene=scenario(name)))


def addresses(name: str) -> list[str]:
    """Of a scenario's sensors."""
    labels = (SENSORS[sensor][1] for sensor in scenario(name).sensors)
    return [f"C0:00:00:00:{number:02X}:{label.address[-2:]}" for number, label in enumerate(labels)]


def test_every_sensor_there_is_at_once(tmp_path: Path) -> None:
    scene = scenario("all-sensors")
    assert sorted(scene.sensors) == sorted(SENSORS)
    all_sensors(play(tmp_path, resting(OF_ALL_S), scene=scene, wanted=addresses("all-sensors")))


def test_a_name_that_two_straps_share_is_refused_with_both_addresses(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="2 sensors are named 'Virtual HR strap'") as error:
        play(tmp_path, resting(5), scene=scenario("two-straps"), wanted=["Virtual HR strap"])
    first, second, watch = addresses("two-straps")
    assert first in str(error.value)
    assert second in str(error.value)
    assert watch not in str(error.value)


def test_an_address_in_any_case_chooses_the_farther_strap(tmp_path: Path) -> None:
    second = addresses("two-straps")[1]
    played = play(tmp_path, resting(30), scene=scenario("two-straps"), wanted=[second.lower()])
    assert [sensor.label.address for sensor in played.sensors if sensor.sent] == [second]
    assert played.recording.streams.keys() == {"rr", "heart_rate"}
    assert_raw_is_what_was_sent(played, "heart_rate", played.sensors[1])
    assert_beats(played, played.recording.streams["rr"])


CUT_EVERY_S, CUT_COUNT = 10.0, 9


def cut_next(sensor: Peripheral) -> None:
    """Have the sensor's next notification lack its last byte."""

    def cut(payload: bytes) -> bytes:
        sensor.mangle = None
        return payload[:-1]

    sensor.mangle = cut


async def one_now_and_then(room: Room, _: Recorder, __: asyncio.Event) -> None:
    for _time in range(CUT_COUNT):
        await asyncio.sleep(CUT_EVERY_S)
        cut_next(room.sensors[1])


async def on_both_sides_of_a_late_one(room: Room, _: Recorder, __: asyncio.Event) -> None:
    """It sends at whole quarters of a second, and this begins between two."""
    for _time in range(CUT_COUNT):
        await asyncio.sleep(CUT_EVERY_S - 0.45)
        cut_next(room.sensors[1])
        await asyncio.sleep(0.1)
        room.sensors[1].stall()
        await asyncio.sleep(0.35)
        await room.sensors[1].burst()
        cut_next(room.sensors[1])


@pytest.mark.parametrize(
    ("happening", "cuts"), [(one_now_and_then, 1), (on_both_sides_of_a_late_one, 2)], ids=["one", "two"]
)
def test_frames_cut_short_without_stamps_are_gaps_of_their_samples(
    happening: Happening, cuts: int, tmp_path: Path
) -> None:
    played = play(tmp_path, resting(100), happening=happening)
    rr, eda = strap_and_watch(played)
    assert rr.gaps == ()
    assert [(gap.reason, gap.missing) for gap in eda.gaps] == [("samples missing", 8)] * (cuts * CUT_COUNT)
    np.testing.assert_allclose(apart(eda), 0.25, atol=1e-6)
    assert [text for text in links(played) if "malformed" in text] == (
        ["healthypi_move: malformed frame"] * (cuts * CUT_COUNT)
    )
