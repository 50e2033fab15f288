"""BITalino (r)evolution: frames as the board's firmware packs them (live.c, uart.c), in a stream of bytes."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.connection import Found, scan
from devices.driver import CONTACT_LOST, Advert, Samples
from devices.drivers import bitalino
from devices.drivers.bitalino import (
    CHANNEL,
    GAIN_V_PER_US,
    IDLE,
    SATURATED,
    SERVICE,
    Analog,
    Bitalino,
    Digital,
    Frame,
    Rate,
    adc_of,
    conductance_of_resistor_us,
    conductance_us,
    description_json,
)
from devices.virtual.bitalino import VirtualBitalino
from devices.virtual.peripheral import Quartz
from pipeline.errors import FrameError
from tests.devices.air import CONNECTED, LOST, Room, SteadyBody, background, in_room, until

INPUTS = st.lists(st.integers(0, 1023), min_size=1, max_size=4).map(tuple)
FRAMES = st.builds(Frame, st.integers(0, 15), INPUTS, st.builds(Digital, st.integers(0, 15)))


def sampled(adc: Iterable[int], first: int = 0) -> list[bytes]:
    """Frames of one input, numbered from `first`."""
    return [bytes(Frame((first + n) % 16, (value,))) for n, value in enumerate(adc)]


def decoded(payloads: Iterable[bytes]) -> tuple[list[float], list[float], set[str]]:
    """Device times in samples, conductance in counts, and events; a FrameError counts as one."""
    decoder = Bitalino().decoder()
    times: list[float] = []
    counts: list[float] = []
    events: set[str] = set()
    for payload in payloads:
        try:
            made: Sequence[Samples] = decoder.feed(CHANNEL, payload)
        except FrameError:
            events.add("frame error")
            continue
        for samples in made:
            assert (samples.stream, samples.rate_hz, samples.wrap_s) == ("eda", 10.0, None)
            assert samples.device_time_s is not None
            times += (samples.device_time_s * 10).round(6).tolist()
            counts += (samples.columns["eda_us"] * GAIN_V_PER_US / 3.3 * 1024).round(6).tolist()
            events |= set(samples.events)
    return times, counts, events


# By hand, for one input: low byte ADC << 2, then digital lines and the top of ADC, then number and checksum.
# Number 5, ADC 410 = 0b01_1001_1010: 0b0110_1000, 0b0000_0110, 0x5?. A frame, highest bit first, is a
# multiple of x^4 + x + 1.
@pytest.mark.parametrize(
    ("frame", "known"),
    [
        pytest.param(Frame(0, (0,)), "000000", id="nothing"),
        pytest.param(Frame(5, (410,)), "680656", id="one input"),
        pytest.param(Frame(1, (0,)), "000013", id="a number alone: x^4 is x + 1"),
        pytest.param(Frame(0, (0,), Digital.I1), "008001", id="a line alone: x^15 is 1"),
    ],
)
def test_known_frames(frame: Frame, known: str):
    assert Frame.from_bytes(bytes.fromhex(known)) == frame
    assert bytes(frame).hex() == known


@pytest.mark.parametrize(
    ("analog", "body"),
    [
        pytest.param((0x3FF,), "fc0f", id="A1: six bits in the last byte but two, four in the next"),
        pytest.param((0, 0x3FF), "ff0300", id="A2: eight bits and two"),
        pytest.param((0, 0, 0x3FF), "c0ff000000", id="A3: two bits and eight"),
        pytest.param((0, 0, 0, 0x3FF), "f03f00000000", id="A4: four bits and six"),
    ],
)
def test_each_input_has_its_bits(analog: tuple[int, ...], body: str):
    assert bytes(Frame(0, analog))[:-1].hex() == body


@pytest.mark.parametrize(("inputs", "size"), [(1, 3), (2, 4), (3, 6), (4, 7)])
def test_a_frame_holds_twelve_bits_and_ten_for_each_input(inputs: int, size: int):
    assert Frame.size(inputs) == len(bytes(Frame(0, (0,) * inputs))) == size


@given(FRAMES)
def test_encoding_and_decoding_are_each_other_backwards(frame: Frame):
    assert Frame.from_bytes(bytes(frame)) == frame


@given(FRAMES, st.data())
def test_any_single_wrong_bit_is_found(frame: Frame, data: st.DataObject):
    broken = bytearray(bytes(frame))
    bit = data.draw(st.integers(0, 8 * len(broken) - 1))
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        Frame.from_bytes(bytes(broken))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param("", "0 bytes are no frame of 1 to 4 inputs", id="empty"),
        pytest.param("0000", "2 bytes are no frame of 1 to 4 inputs", id="digital lines alone"),
        pytest.param("0000000000", "5 bytes are no frame of 1 to 4 inputs", id="between two lengths"),
        pytest.param("680657", "its checksum is wrong", id="checksum"),
        pytest.param("010002", "bits that belong to no input", id="a bit below the input"),
    ],
)
def test_bytes_that_do_not_make_a_frame_are_shown(frame: str, reason: str):
    with pytest.raises(FrameError) as error:
        Frame.from_bytes(bytes.fromhex(frame))
    assert str(error.value) == f"BITalino frame {frame}: {reason}"


@given(st.binary(max_size=9))
def test_any_bytes_decode_or_raise_frame_error(frame: bytes):
    try:
        decoded_frame = Frame.from_bytes(frame)
    except FrameError:
        return
    assert bytes(decoded_frame) == frame


@pytest.mark.parametrize(
    ("rate", "hz", "command"),
    [
        (Rate.HZ_1, 1.0, "03"),
        (Rate.HZ_10, 10.0, "43"),
        (Rate.HZ_100, 100.0, "83"),
        (Rate.HZ_1000, 1000.0, "c3"),
    ],
)
def test_the_commands_for_rates(rate: Rate, hz: float, command: str):
    assert (rate.hz, rate.command.hex()) == (hz, command)


@pytest.mark.parametrize(
    ("inputs", "command"), [(Analog.A1, "05"), (Analog.A3, "11"), (Analog.A1 | Analog.A4, "25")]
)
def test_the_commands_to_start(inputs: Analog, command: str):
    assert inputs.command.hex() == command


class TestConductance:
    @pytest.mark.parametrize(
        ("adc", "eda_us"),
        [
            pytest.param(0, 0.0, id="nothing"),
            pytest.param(512, 12.5, id="half the range"),
            pytest.param(1022, 24.951171875, id="the highest that is a value"),
            pytest.param(1023, np.nan, id="saturated"),
        ],
    )
    def test_known_values(self, adc: int, eda_us: float):
        np.testing.assert_allclose(conductance_us([adc]), [eda_us], rtol=1e-12)

    # 10 µS * 0.132 V/µS = 1.32 V, of 3.3 V and 1024 steps: 409.6. And so on.
    @pytest.mark.parametrize(
        ("kohm", "eda_us", "adc", "adc_with_offset"),
        [
            (np.inf, 0.0, 0, 178),
            (1000.0, 1.0, 41, 219),
            (470.0, 2.128, 87, 265),
            (100.0, 10.0, 410, 588),
            (47.0, 21.277, 871, SATURATED),
        ],
    )
    def test_a_resistor_tells_whether_gain_and_offset_hold(
        self, kohm: float, eda_us: float, adc: int, adc_with_offset: int
    ):
        assert conductance_of_resistor_us(kohm) == pytest.approx(eda_us, abs=0.001)
        assert adc_of(conductance_of_resistor_us(kohm)) == adc
        assert adc_of(conductance_of_resistor_us(kohm), offset_v=0.574) == adc_with_offset

    @given(st.floats(0, 20), st.floats(0.1, 0.14), st.floats(0, 0.5))
    def test_it_is_undone_by_the_same_gain_and_offset(self, eda_us: float, gain: float, offset: float):
        adc = adc_of(eda_us, gain_v_per_us=gain, offset_v=offset)
        (back_us,) = conductance_us([adc], gain_v_per_us=gain, offset_v=offset).tolist()
        assert back_us == pytest.approx(eda_us, abs=3.3 / 1024 / gain)


def test_a_session_is_told_what_samples_are_converted_with():
    assert json.loads(description_json()) == {
        "conversion": {"gain_v_per_us": 0.132, "offset_v": 0.0, "supply_v": 3.3, "bits": 10}
    }


class TestDecoder:
    def test_frames_become_samples_with_the_number_of_each(self):
        frames = sampled([100, 200, 300, 400], first=3)
        assert decoded([b"".join(frames)]) == ([3, 4, 5, 6], [100, 200, 300, 400], set())

    def test_the_first_frame_of_a_board_that_was_just_started_is_read_at_once(self):
        assert decoded(sampled([100])) == ([0], [100], set())

    def test_numbers_go_on_after_fifteen(self):
        times, counts, events = decoded(sampled(range(1, 101)))
        assert (times, counts, events) == (list(range(100)), list(range(1, 101)), set())

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 20, 100])
    def test_it_does_not_matter_where_the_stream_is_cut(self, size: int):
        stream = b"".join(sampled(range(1, 41)))
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert decoded(pieces) == (list(range(40)), list(range(1, 41)), set())

    @pytest.mark.parametrize(
        ("lost", "told"),
        [pytest.param(n, n, id=f"{n} lost") for n in (1, 7, 15)]
        + [pytest.param(n, n - 16, id=f"{n} lost, {n - 16} seen") for n in (16, 17, 31)],
    )
    def test_lost_frames_are_counted_by_the_smallest_step(self, lost: int, told: int):
        frames = sampled(range(1, 101))
        times, counts, events = decoded(frames[:20] + frames[20 + lost :])
        assert counts == [*range(1, 21), *range(21 + lost, 101)]
        assert times == [*range(20), *range(20 + told, 100 - lost + told)]
        assert events == set()

    @pytest.mark.parametrize("each", [1, 4, 10])
    @pytest.mark.parametrize("broken", [1, 5, 18])
    def test_a_broken_frame_costs_no_other(self, broken: int, each: int):
        frames = sampled(range(1, 21))
        frames[broken] = bytes([frames[broken][0], frames[broken][1] ^ 1, frames[broken][2]])
        payloads = [b"".join(frames[at : at + each]) for at in range(0, 20, each)]
        times, counts, events = decoded(payloads)
        assert times == [n for n in range(20) if n != broken]
        assert counts == [n + 1 for n in range(20) if n != broken]
        assert events == {"frame error" if each == 1 else "malformed frame"}

    @pytest.mark.parametrize("missing", [1, 2])
    def test_after_lost_bytes_it_finds_the_frames_again(self, missing: int):
        stream = b"".join(sampled(range(301, 341)))
        times, counts, events = decoded([stream[:60], stream[60 + missing : 90], stream[90:]])
        assert counts[:20] == list(range(301, 321))
        assert set(range(324, 341)) <= set(counts) <= set(range(301, 341))
        assert times == [count - 301 for count in counts]
        assert events == {"malformed frame"}

    def test_it_may_begin_within_a_frame(self):
        stream = b"".join(sampled(range(301, 341)))
        times, counts, events = decoded([stream[10:]])
        assert (counts, events) == (list(range(305, 341)), {"malformed frame"})
        assert times == list(range(4, 40))

    def test_searching_makes_no_error_of_each_byte(self, monkeypatch: pytest.MonkeyPatch):
        made: list[str] = []

        class CountedError(FrameError):
            def __init__(self, protocol: str, frame: bytes, reason: str) -> None:
                super().__init__(protocol, frame, reason)
                made.append(reason)

        monkeypatch.setattr(bitalino, "FrameError", CountedError)
        with pytest.raises(CountedError):
            Bitalino().decoder().feed(CHANNEL, b"\xff" * 500)
        assert made == ["no frame in it has a right checksum"]

    def test_a_notification_without_any_frame_is_shown(self):
        decoder = Bitalino().decoder()
        decoder.feed(CHANNEL, b"".join(sampled([1, 2])))
        with pytest.raises(FrameError) as error:
            decoder.feed(CHANNEL, b"\xff\xff\xff")
        assert str(error.value) == "BITalino frame ffffff: no frame in it has a right checksum"

    @pytest.mark.parametrize(
        ("adc", "eda_us", "events"),
        [
            pytest.param(SATURATED, np.nan, ("out of range",), id="saturated"),
            pytest.param(0, 0.0, (CONTACT_LOST,), id="nothing conducts"),
            pytest.param(1, 3.3 / 1024 / 0.132, (), id="the least that does"),
        ],
    )
    def test_the_ends_of_the_range_are_told(self, adc: int, eda_us: float, events: tuple[str, ...]):
        (samples,) = Bitalino().decoder().feed(CHANNEL, b"".join(sampled([500, adc])))
        np.testing.assert_allclose(samples.columns["eda_us"][1], eda_us, rtol=1e-12)
        assert samples.events == events

    def test_notifications_of_other_channels_are_not_its_own(self):
        assert Bitalino().decoder().feed("battery", b"\x64") == ()

    @given(st.lists(st.binary(max_size=24), max_size=12))
    def test_any_bytes_make_samples_or_frame_errors(self, payloads: list[bytes]):
        times, counts, _ = decoded(payloads)
        assert len(times) == len(counts) <= sum(map(len, payloads)) // 3
        assert all(later > earlier for earlier, later in itertools.pairwise(times))

    @given(st.data())
    def test_after_any_damage_the_rest_is_read(self, data: st.DataObject):
        stream = b"".join(sampled(range(301, 361)))
        at = data.draw(st.integers(0, 60))
        damage = data.draw(st.binary(max_size=12))
        lost = data.draw(st.integers(0, 12))
        _, counts, _ = decoded([stream[:at] + damage + stream[at + lost :]])
        assert counts[-20:] == list(range(341, 361))


@pytest.mark.parametrize(
    ("name", "uuids", "recognised"),
    [
        pytest.param("", (SERVICE,), True, id="by its service"),
        pytest.param("BITalino BLE", (), True, id="by its name"),
        pytest.param("BiTalino-12-34", (), True, id="in any case"),
        pytest.param("Strap", ("0000180d-0000-1000-8000-00805f9b34fb",), False, id="something else"),
        pytest.param("", (), False, id="no name"),
    ],
)
def test_it_is_recognised(name: str, uuids: tuple[str, ...], recognised: bool):
    assert Bitalino().recognises(Advert("C0:00:00:00:00:0A", name, uuids, -60)) is recognised


async def found_board(here: Room) -> Found:
    found = await scan(here.radio.radio, until=lambda all_found: len(all_found) == 2)
    (board,) = (each for each in found if Bitalino().recognises(each.advert))
    return replace(board, driver=Bitalino())


class TestOverTheAir:
    def test_it_streams_what_the_body_does_and_is_idle_in_the_end(self):
        async def scenario(here: Room) -> None:
            async with VirtualBitalino(here.radio, here.clock, SteadyBody()) as board:
                async with background(board.run()):
                    async with here.supervised(await found_board(here)):
                        await until(lambda: len(here.notes.payloads) >= 100)
                    assert not board.inputs
                    sent = len(board.sent)
                assert len(board.sent) == sent
                assert here.notes.payloads == [each.payload for each in board.sent]
                assert {channel for _, channel, _, _ in here.notes.notifications} == {CHANNEL}
                times, counts, events = decoded(here.notes.payloads)
                first = board.sent[0].time_s
                samples = round(first * 10) + np.arange(len(counts))
                expected = [adc_of(value) for value in (1 + samples / 100).tolist()]
                assert (counts, times, events) == (expected, list(range(len(counts))), set())

        in_room(scenario)

    def test_its_own_clock_is_what_the_device_times_count(self):
        async def scenario(here: Room) -> None:
            async with VirtualBitalino(here.radio, here.clock, SteadyBody()) as board:
                board.quartz = Quartz(drift=0.01)
                async with background(board.run()), here.supervised(await found_board(here)):
                    await until(lambda: len(board.sent) >= 200)
                times, _, _ = decoded(here.notes.payloads)
                spent_s = board.sent[-1].time_s - board.sent[0].time_s
                assert (times[-1] - times[0]) / 10 == pytest.approx(1.01 * spent_s, abs=0.11)

        in_room(scenario)

    def test_one_that_streams_already_is_set_to_what_is_wanted(self):
        async def scenario(here: Room) -> None:
            async with VirtualBitalino(here.radio, here.clock, SteadyBody()) as board:
                board.left_streaming()
                async with background(board.run()), here.supervised(await found_board(here)):
                    await until(lambda: len(board.sent) >= 20)
                    assert (board.rate, board.inputs) == (Rate.HZ_10, Analog.A3)
                times, _, events = decoded(here.notes.payloads)
                assert (times, events) == (list(range(len(board.sent))), set())

        in_room(scenario)

    def test_it_is_started_anew_after_a_lost_connection(self):
        async def scenario(here: Room) -> None:
            async with VirtualBitalino(here.radio, here.clock, SteadyBody()) as board:
                async with background(board.run()), here.supervised(await found_board(here)):
                    await until(lambda: len(board.sent) >= 20)
                    await asyncio.sleep(0.05)  # between two notifications
                    await board.drop_link()
                    await until(lambda: here.notes.generations() == [1, 2])
                    before = len(board.sent)
                    await until(lambda: len(board.sent) >= before + 20)
                assert [event for _, event in here.notes.events][:3] == [CONNECTED, LOST, CONNECTED]
                assert here.notes.payloads == [each.payload for each in board.sent]
                second = [
                    payload for _, _, generation, payload in here.notes.notifications if generation == 2
                ]
                times, _, events = decoded(second)
                assert (times, events) == (list(range(len(second))), set())

        in_room(scenario)

    def test_a_faster_board_sends_pieces_of_frames(self):
        async def scenario(here: Room) -> None:
            async with VirtualBitalino(here.radio, here.clock, SteadyBody()) as board:
                async with background(board.run()), here.supervised(await found_board(here)):
                    await until(lambda: len(board.sent) >= 10)
                    first = len(board.sent)
                    for command in (IDLE, Rate.HZ_100.command, Analog.A3.command):
                        board._obey(command)
                    await until(lambda: len(board.sent) >= first + 40)
                pieces = [each.payload for each in board.sent[first:]]
                assert {len(piece) for piece in pieces} >= {20, 10}
                times, _, events = decoded(pieces)
                assert events == set()
                assert times == list(range(len(b"".join(pieces)) // 3))

        in_room(scenario)
