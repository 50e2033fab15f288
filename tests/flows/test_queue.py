"""Decoding that falls behind: live values may be lost, and nothing else is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from devices.virtual.room import Room
from flows import recording
from flows.recording import Recorder
from pipeline.journal import Kind, Record
from pipeline.live.indices import LiveIndices
from pipeline.sealing import read_table, records_of
from pipeline.store import read_session
from tests.flows.delivered import assert_beats, assert_raw_is_what_was_sent, assert_samples
from tests.flows.rooms import Played, play, resting

SECONDS = 60
BEHIND_S = 20.3  # at which moment nothing is sent
HUNDREDTH = 0.00501  # a count of the HealthyPi Move, and a rounding error
QUEUED = {Kind.DATA, Kind.DEVICE, Kind.LINK, Kind.SHOWN, Kind.PHASE, Kind.ANALYSED}


def raw(played: Played) -> Sequence[Record]:
    return records_of(read_table(played.folder / "raw.parquet"))


def undecoded(played: Played) -> int:
    """What the session says was not decoded live."""
    [end] = [record.facts for record in raw(played) if record.kind is Kind.END]
    return int(end["undecoded"])


def queued_until(played: Played, end_s: float) -> list[Record]:
    return [each for each in raw(played) if each.kind in QUEUED and each.arrival_s < end_s]


def assert_whole(played: Played) -> None:
    """The sealed session has every sample, and is the one that was recorded."""
    assert_raw_is_what_was_sent(played, "heart_rate", played.sensors[0])
    assert_raw_is_what_was_sent(played, "healthypi_move", played.sensors[1])
    streams = read_session(played.folder).streams
    assert set(streams) == {"rr", "heart_rate", "eda"}
    assert all(stream.gaps == () for stream in streams.values())
    assert_beats(played, streams["rr"])
    assert_samples(played, streams["eda"], played.client.eda_us, within=HUNDREDTH)


def decoding_waits(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have decoding begin late, as if the computer had been busy until then."""
    decode_queued, decode_waiting = Recorder.decode_queued, Recorder._decode_waiting

    async def late(recorder: Recorder) -> None:
        await asyncio.sleep(seconds)
        await decode_queued(recorder)

    def not_yet(recorder: Recorder) -> None:
        if recorder.conductor.now_s() >= seconds:
            decode_waiting(recorder)

    monkeypatch.setattr(Recorder, "decode_queued", late)
    monkeypatch.setattr(Recorder, "_decode_waiting", not_yet)


def test_what_the_queue_has_no_room_for_is_counted_and_decoded_when_sealing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_QUEUE_LENGTH", 8)
    decoding_waits(monkeypatch, BEHIND_S)
    played = play(tmp_path, resting(SECONDS))
    assert undecoded(played) == len(queued_until(played, BEHIND_S)) - 8 > 100
    assert_whole(played)


def test_decoding_goes_on_with_what_is_in_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding_waits(monkeypatch, BEHIND_S)
    played = play(tmp_path, resting(SECONDS))
    assert undecoded(played) == 0
    assert_whole(played)


def test_live_values_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_QUEUE_LENGTH", 8)
    decoding_waits(monkeypatch, BEHIND_S)
    shown = read_table(play(tmp_path, resting(SECONDS)).folder / "shown.parquet").to_pylist()
    assert all(row["heart_rate_bpm"] is row["eda_us"] is None for row in shown if row["arrival_s"] < BEHIND_S)
    assert all(row["heart_rate_bpm"] and row["eda_us"] for row in shown if row["arrival_s"] > BEHIND_S + 15)


def test_what_a_burst_has_beyond_the_queue_is_counted_and_decoded_when_sealing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_QUEUE_LENGTH", 8)

    async def stall(room: Room, _: Recorder, __: asyncio.Event) -> None:
        await asyncio.sleep(BEHIND_S)
        room.sensors[1].stall()
        await asyncio.sleep(4.0)
        await room.sensors[1].burst()

    played = play(tmp_path, resting(SECONDS), happening=stall)
    at_once = max(Counter(record.arrival_s for record in raw(played) if record.kind is Kind.DATA).values())
    assert undecoded(played) == at_once - 8 > 0
    assert_whole(played)


def test_live_values_that_fail_cost_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LiveIndices, "feed", fail)
    played = play(tmp_path, resting(SECONDS))
    kept = [record for record in raw(played) if record.kind is Kind.DATA]
    assert undecoded(played) == len(kept)
    assert_whole(played)
