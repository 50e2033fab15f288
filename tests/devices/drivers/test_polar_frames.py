"""Polar Measurement Data: control point, settings, raw and delta frames, as its specification lays them out.

Where a frame is not from the specification's examples, the bytes were worked out by hand from the layout.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.polar_frames import (
    Answer,
    Answers,
    Command,
    DataFrame,
    Features,
    Ints,
    Measurement,
    Operation,
    PulseInterval,
    Settings,
    Status,
    Stopped,
    delta_content,
    indication,
    interval_content,
    raw_content,
)
from pipeline.errors import FrameError

ECG, PPG, ACC, PPI, GYROSCOPE, MAGNETOMETER, SKIN_TEMPERATURE = Measurement

H10_ACC = Settings(rates_hz=(25, 50, 100, 200), resolutions_bits=(16,), ranges=(2, 4, 8))


def values(low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(low, high), max_size=4).map(tuple)


SETTINGS = st.builds(
    Settings,
    values(0, 0xFFFF),
    values(0, 0xFFFF),
    values(0, 0xFFFF),
    values(0, 0xFFFFFFFF),
    values(0, 0xFF),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=4).map(tuple),
)
MEASUREMENTS = st.sampled_from(Measurement)
OPERATIONS = st.sampled_from(Operation)
ANSWERS = st.builds(Answer, OPERATIONS, MEASUREMENTS, st.just(0), st.binary(max_size=20), st.booleans())
REFUSALS = st.builds(Answer, OPERATIONS, MEASUREMENTS, st.integers(1, 255))
STOPS = st.builds(Stopped, st.lists(MEASUREMENTS, max_size=4).map(tuple))
FRAMES = st.builds(
    DataFrame,
    MEASUREMENTS,
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 0x7F),
    st.booleans(),
    st.binary(max_size=40),
)
INTERVALS = st.builds(
    PulseInterval,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.booleans(),
    st.none() | st.booleans(),
)


@st.composite
def samples_of(draw: st.DrawFn, bits: int, least: int = 1) -> Ints:
    """Some samples of some channels, each of so many bits."""
    channels, count = draw(st.integers(1, 4)), draw(st.integers(least, 30))
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    flat = draw(st.lists(st.integers(low, high), min_size=channels * count, max_size=channels * count))
    return np.array(flat, dtype=np.int64).reshape(count, channels)


class TestFeatures:
    @pytest.mark.parametrize(
        ("value", "measurements"),
        [
            pytest.param("0f05" + 15 * "00", {ECG, ACC}, id="H10"),
            pytest.param("0f6e" + 15 * "00", {PPG, ACC, PPI, GYROSCOPE, MAGNETOMETER}, id="Verity Sense"),
            pytest.param("0f80" + 15 * "00", {SKIN_TEMPERATURE}, id="skin temperature"),
            pytest.param("0f00" + 15 * "00", set(), id="nothing"),
        ],
    )
    def test_bits_name_measurements(self, value: str, measurements: set[Measurement]):
        features = Features.from_bytes(bytes.fromhex(value))
        assert features == Features(frozenset(measurements))
        assert bytes(features) == bytes.fromhex(value)

    def test_other_bits_and_a_short_value_are_no_trouble(self):
        assert Features.from_bytes(b"\x0f\x11\x02") == Features(frozenset({ECG}))

    @pytest.mark.parametrize("value", ["", "0f", "f00500"])
    def test_something_else_is_shown(self, value: str):
        with pytest.raises(FrameError, match=f"Polar frame {value}: is not a list of features"):
            Features.from_bytes(bytes.fromhex(value))


class TestSettings:
    @pytest.mark.parametrize(
        ("data", "settings"),
        [
            pytest.param("", Settings(), id="none"),
            pytest.param("0001820001010e00", Settings((130,), (14,)), id="H10 ECG"),
            pytest.param("0004190032006400c80001011000020302000400" + "0800", H10_ACC, id="H10 acceleration"),
            pytest.param(
                "00013700010116000401" + "04", Settings((55,), (22,), channels=(4,)), id="Verity Sense PPG"
            ),
            pytest.param("03010010" + "0000", Settings(ranges_milli=(4096,)), id="range in thousandths"),
            pytest.param("05010000803e", Settings(factors=(0.25,)), id="factor"),
        ],
    )
    def test_known_settings(self, data: str, settings: Settings):
        assert Settings.from_bytes(bytes.fromhex(data)) == settings
        assert bytes(settings) == bytes.fromhex(data)

    @given(SETTINGS)
    def test_encoding_and_decoding_are_each_other_backwards(self, settings: Settings):
        assert Settings.from_bytes(bytes(settings)) == settings

    def test_their_order_does_not_matter(self):
        assert Settings.from_bytes(bytes.fromhex("0201080001011000")) == Settings((), (16,), (8,))

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param("0601" + "00", "setting 6 is not known, or has no values", id="unknown"),
            pytest.param("00", "setting 0 is not known, or has no values", id="a name alone"),
            pytest.param("000182", "rates_hz are there twice, or cut short", id="half a rate"),
            pytest.param("00028200", "rates_hz are there twice, or cut short", id="one rate of two"),
            pytest.param("0001820000018200", "rates_hz are there twice, or cut short", id="twice"),
            pytest.param("05010000c07f", "factors are not numbers", id="a factor that is no number"),
        ],
    )
    def test_broken_settings_are_shown(self, data: str, reason: str):
        with pytest.raises(FrameError) as error:
            Settings.from_bytes(bytes.fromhex(data))
        assert str(error.value) == f"Polar frame {data}: {reason}"


class TestCommand:
    @pytest.mark.parametrize(
        ("frame", "command"),
        [
            pytest.param("0102", Command(Operation.SETTINGS, ACC), id="settings of acceleration"),
            pytest.param(
                "02000001820001010e00",
                Command(Operation.START, ECG, Settings((130,), (14,))),
                id="start the ECG",
            ),
            pytest.param("0203", Command(Operation.START, PPI), id="start pulse intervals"),
            pytest.param("0301", Command(Operation.STOP, PPG), id="stop the PPG"),
        ],
    )
    def test_known_commands(self, frame: str, command: Command):
        assert bytes(command) == bytes.fromhex(frame)
        assert Command.from_bytes(bytes.fromhex(frame)) == command

    @given(st.builds(Command, OPERATIONS, MEASUREMENTS, SETTINGS))
    def test_encoding_and_decoding_are_each_other_backwards(self, command: Command):
        assert Command.from_bytes(bytes(command)) == command

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param("02", "is not a command", id="no measurement"),
            pytest.param("0402", "is not a command", id="another operation"),
            pytest.param("0204", "measurement type 4 is not known", id="another measurement"),
        ],
    )
    def test_what_is_no_command_is_shown(self, frame: str, reason: str):
        with pytest.raises(FrameError) as error:
            Command.from_bytes(bytes.fromhex(frame))
        assert str(error.value) == f"Polar frame {frame}: {reason}"


class TestAnswers:
    @pytest.mark.parametrize(
        ("frame", "heard"),
        [
            pytest.param(
                "f00100000000" + "01820001010e00",
                Answer(Operation.SETTINGS, ECG, Status.OK, bytes.fromhex("0001820001010e00")),
                id="settings of the H10's ECG",
            ),
            pytest.param(
                "f0020006", Answer(Operation.START, ECG, Status.ALREADY_IN_STATE), id="already in state"
            ),
            pytest.param("f002010d", Answer(Operation.START, PPG, Status.IN_CHARGER), id="in the charger"),
            pytest.param("f00302000" + "0", Answer(Operation.STOP, ACC), id="stopped"),
            pytest.param("0103", Stopped((PPI,)), id="stopped by the sensor"),
        ],
    )
    def test_known_indications(self, frame: str, heard: Answer | Stopped):
        assert indication(bytes.fromhex(frame)) == heard
        assert bytes(heard) == bytes.fromhex(frame)

    def test_a_success_may_be_four_bytes_long(self):
        assert indication(bytes.fromhex("f0030200")) == Answer(Operation.STOP, ACC)

    def test_nothing_that_follows_a_refusal_counts(self):
        assert indication(bytes.fromhex("f002000601ff")) == Answer(
            Operation.START, ECG, Status.ALREADY_IN_STATE
        )

    @given(ANSWERS | REFUSALS | STOPS)
    def test_encoding_and_decoding_are_each_other_backwards(self, heard: Answer | Stopped):
        assert indication(bytes(heard)) == heard

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            pytest.param(13, "in charger", id="known"),
            pytest.param(3, "not supported", id="two words"),
            pytest.param(99, "status 99", id="of a newer sensor"),
        ],
    )
    def test_a_status_has_words(self, status: int, words: str):
        assert Answer(Operation.START, PPG, status).reason == words

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param("", "is no answer of the control point", id="empty"),
            pytest.param("f00102", "is no answer of the control point", id="without a status"),
            pytest.param("0f050000", "is no answer of the control point", id="features"),
            pytest.param("f0090000", "is no answer of the control point", id="another operation"),
            pytest.param("f0010400", "measurement type 4 is not known", id="another measurement"),
            pytest.param("0108", "measurement type 8 is not known", id="a stop of another measurement"),
        ],
    )
    def test_what_is_no_indication_is_shown(self, frame: str, reason: str):
        with pytest.raises(FrameError) as error:
            indication(bytes.fromhex(frame))
        assert str(error.value) == f"Polar frame {frame}: {reason}"

    def test_an_answer_in_three_parts_is_put_together(self):
        answers = Answers()
        parts = [
            Answer(Operation.SETTINGS, ACC, Status.OK, part, more)
            for part, more in [(b"\x00\x04\x19", True), (b"\x00\x32", True), (b"\x00", False)]
        ]
        heard = [answers.feed(bytes(part)) for part in parts]
        whole = Answer(Operation.SETTINGS, ACC, Status.OK, b"\x00\x04\x19\x00\x32\x00")
        assert heard == [None, None, whole]
        assert answers.feed(bytes(parts[2])) == parts[2]

    def test_a_stop_between_two_parts_does_not_belong_to_them(self):
        answers = Answers()
        answers.feed(bytes(Answer(Operation.SETTINGS, ACC, Status.OK, b"\x00\x01", more=True)))
        assert answers.feed(b"\x01\x00") == Stopped((ECG,))
        rest = Answer(Operation.SETTINGS, ACC, Status.OK, b"\x19\x00")
        assert answers.feed(bytes(rest)) == Answer(Operation.SETTINGS, ACC, Status.OK, b"\x00\x01\x19\x00")

    def test_the_rest_of_an_answer_that_never_came_is_not_waited_for(self):
        answers = Answers()
        answers.feed(bytes(Answer(Operation.SETTINGS, ACC, Status.OK, b"\x00\x01", more=True)))
        started = Answer(Operation.START, ECG)
        assert answers.feed(bytes(started)) == started


class TestDataFrame:
    def test_the_head_is_ten_bytes(self):
        frame = DataFrame.from_bytes(bytes.fromhex("00" + "0094357700000000" + "00" + "0280ff"))
        assert frame == DataFrame(ECG, 2_000_000_000, 0, False, b"\x02\x80\xff")

    def test_the_high_bits_of_the_type_mean_nothing_here_and_that_of_the_frame_type_means_delta(self):
        frame = DataFrame.from_bytes(bytes.fromhex("c2" + "0094357700000000" + "81"))
        assert frame == DataFrame(ACC, 2_000_000_000, 1, True, b"")

    @given(FRAMES)
    def test_encoding_and_decoding_are_each_other_backwards(self, frame: DataFrame):
        assert DataFrame.from_bytes(bytes(frame)) == frame

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param("", "0 bytes where the head alone has 10", id="empty"),
            pytest.param(9 * "00", "9 bytes where the head alone has 10", id="a byte short"),
            pytest.param("3f" + 9 * "00", "measurement type 63 is not known", id="unknown measurement"),
        ],
    )
    def test_what_is_no_frame_is_shown(self, frame: str, reason: str):
        with pytest.raises(FrameError) as error:
            DataFrame.from_bytes(bytes.fromhex(frame))
        assert str(error.value) == f"Polar frame {frame}: {reason}"


def frame_of(content: str | bytes, *, measurement: Measurement = ACC, delta: bool = False) -> DataFrame:
    data = bytes.fromhex(content) if isinstance(content, str) else content
    return DataFrame(measurement, 1, 0, delta, data)


class TestRaw:
    @pytest.mark.parametrize(
        ("content", "channels", "width", "samples"),
        [
            pytest.param("0280ff", 1, 3, [[-32766]], id="a sample of ECG"),
            pytest.param("ffff7f000080", 1, 3, [[8388607], [-8388608]], id="the ends of three bytes"),
            pytest.param("01ff80", 3, 1, [[1, -1, -128]], id="acceleration in a byte"),
            pytest.param("0100ffff18fc", 3, 2, [[1, -1, -1000]], id="acceleration in two bytes"),
            pytest.param(
                "010203040506ffff7f0000000000010000ff010000ffffff",
                4,
                3,
                [[197121, 394500, 8388607, 0], [65536, -65536, 1, -1]],
                id="PPG with ambient light",
            ),
        ],
    )
    def test_known_samples(self, content: str, channels: int, width: int, samples: list[list[int]]):
        decoded = frame_of(content).integers(channels, width)
        np.testing.assert_array_equal(decoded, samples)
        assert raw_content(decoded, width) == bytes.fromhex(content)

    @pytest.mark.parametrize("width", [1, 2, 3, 4])
    @given(st.data())
    def test_encoding_and_decoding_are_each_other_backwards(self, width: int, data: st.DataObject):
        samples = data.draw(samples_of(8 * width))
        decoded = frame_of(raw_content(samples, width)).integers(samples.shape[1], width)
        np.testing.assert_array_equal(decoded, samples)

    @pytest.mark.parametrize("content", ["", "0102", "01020304050607"])
    def test_a_broken_sample_is_shown(self, content: str):
        with pytest.raises(FrameError) as error:
            frame_of(content).integers(1, 3)
        shown = f"02010000000000000000{content}"
        assert (
            str(error.value) == f"Polar frame {shown}: {len(content) // 2} bytes are not whole 3-byte samples"
        )

    def test_floats(self):
        np.testing.assert_array_equal(frame_of("00000242" + "000000c0").floats(), [32.5, -2.0])

    @pytest.mark.parametrize(
        "content", ["0000807f", "000080ff", "0000c07f", "0100807f"], ids=["inf", "-inf", "nan", "signals"]
    )
    def test_a_float_that_is_no_number_is_missing(self, content: str):
        np.testing.assert_array_equal(frame_of("00000242" + content).floats(), [32.5, np.nan])

    @pytest.mark.parametrize("content", ["", "000002"])
    def test_a_broken_float_is_shown(self, content: str):
        with pytest.raises(FrameError, match=f"{len(content) // 2} bytes are not whole 4-byte samples"):
            frame_of(content).floats()


class TestDelta:
    @pytest.mark.parametrize(
        ("content", "channels", "bits", "samples"),
        [
            pytest.param("0100ffff1000", 3, 16, [[1, -1, 16]], id="the first sample alone"),
            # 3-bit deltas 1, -1, 2, then -2, 3, -4: 001 111 010 | 110 011 100 from the lowest bit up.
            pytest.param(
                "0100ffff1000" + "0302" + "b93c" + "02",
                3,
                16,
                [[1, -1, 16], [2, -2, 18], [0, 1, 14]],
                id="two deltas of three bits, padded",
            ),
            pytest.param(
                "0a00" + "0802" + "ff7f" + "1001" + "0080",
                1,
                16,
                [[10], [9], [136], [-32632]],
                id="blocks of eight bits and of sixteen",
            ),
            pytest.param("ff0000" + "0003", 1, 22, [[255]] * 4, id="no bits: nothing changes"),
            pytest.param("ff0000" + "0500", 1, 22, [[255]], id="an empty block"),
        ],
    )
    def test_known_samples(self, content: str, channels: int, bits: int, samples: list[list[int]]):
        decoded = frame_of(content, delta=True).deltas(channels, bits)
        np.testing.assert_array_equal(decoded, samples)

    def test_the_encoder_makes_the_same_bytes(self):
        samples = np.array([[1, -1, 16], [2, -2, 18], [0, 1, 14]])
        assert delta_content(samples, 16) == bytes.fromhex("0100ffff1000" + "0302" + "b93c02")

    @pytest.mark.parametrize(("bits", "most"), [(14, 14), (16, 16), (22, 22), (24, 24), (32, 31)])
    @given(st.data())
    def test_encoding_and_decoding_are_each_other_backwards(self, bits: int, most: int, data: st.DataObject):
        samples, block = data.draw(samples_of(most)), data.draw(st.integers(1, 40))
        content = delta_content(samples, bits, block)
        decoded = frame_of(content, delta=True).deltas(samples.shape[1], bits)
        np.testing.assert_array_equal(decoded, samples)

    @pytest.mark.parametrize("bits", [14, 22])
    @given(st.data())
    def test_it_takes_less_room_the_less_the_signal_moves(self, bits: int, data: st.DataObject):
        samples = data.draw(samples_of(bits - 1, least=2))
        still = np.broadcast_to(samples[0], samples.shape)
        assert len(delta_content(still, bits)) <= len(delta_content(samples, bits))

    @pytest.mark.parametrize(
        ("content", "bits", "reason"),
        [
            pytest.param("", 16, "0 bytes where the first sample needs 2", id="empty"),
            pytest.param("0100", 17, "2 bytes where the first sample needs 3", id="half a first sample"),
            pytest.param("010008", 16, "a block of 0 samples with 8 bits does not fit", id="bits alone"),
            pytest.param(
                "0100080100" + "08", 16, "a block of 0 samples with 8 bits does not fit", id="a byte over"
            ),
            pytest.param(
                "01000802ff", 16, "a block of 2 samples with 8 bits does not fit", id="a byte short"
            ),
            pytest.param(
                "01002101" + 5 * "00",
                16,
                "a block of 1 samples with 33 bits does not fit",
                id="too many bits",
            ),
            pytest.param("ff7f080101", 16, "samples leave the 16 bits they have", id="overflow"),
            pytest.param(
                "008008017f0801" + "80" + "080180", 16, "samples leave the 16 bits they have", id="underflow"
            ),
            pytest.param(8 * "00", 40, "no sample has 40 bits", id="a resolution that cannot be"),
        ],
    )
    def test_a_broken_frame_is_shown(self, content: str, bits: int, reason: str):
        with pytest.raises(FrameError) as error:
            frame_of(content, delta=True).deltas(1, bits)
        assert str(error.value) == f"Polar frame 02010000000000000080{content}: {reason}"

    @given(st.binary(max_size=60), st.integers(1, 4), st.integers(1, 64))
    def test_any_content_decodes_or_raises_frame_error(self, content: bytes, channels: int, bits: int):
        try:
            samples = frame_of(content, delta=True).deltas(channels, bits)
        except FrameError:
            return
        width_bits = 8 * math.ceil(bits / 8)
        assert samples.shape[1] == channels
        assert np.all(np.abs(samples) <= 1 << width_bits - 1)


class TestPulseInterval:
    @pytest.mark.parametrize(
        ("flags", "interval"),
        [
            pytest.param("00", PulseInterval(0, 800, 10), id="cannot tell of contact"),
            pytest.param("01", PulseInterval(0, 800, 10, blocker=True), id="movement"),
            pytest.param("04", PulseInterval(0, 800, 10, contact=False), id="no contact"),
            pytest.param("06", PulseInterval(0, 800, 10, contact=True), id="contact"),
            pytest.param("07", PulseInterval(0, 800, 10, blocker=True, contact=True), id="all"),
        ],
    )
    def test_known_intervals(self, flags: str, interval: PulseInterval):
        data = bytes.fromhex("0020030a00" + flags)
        assert PulseInterval.from_bytes(data) == interval
        assert bytes(interval) == data

    def test_contact_without_support_says_nothing(self):
        assert PulseInterval.from_bytes(bytes.fromhex("3c20030a0002")) == PulseInterval(60, 800, 10)

    @given(st.lists(INTERVALS, max_size=6))
    def test_encoding_and_decoding_are_each_other_backwards(self, intervals: list[PulseInterval]):
        frame = frame_of(interval_content(intervals), measurement=PPI)
        assert frame.pulse_intervals() == tuple(intervals)

    def test_broken_intervals_are_shown(self):
        with pytest.raises(FrameError, match="7 bytes are not whole 6-byte intervals"):
            frame_of(7 * b"\0", measurement=PPI).pulse_intervals()
        with pytest.raises(FrameError, match="5 bytes where an interval has 6"):
            PulseInterval.from_bytes(5 * b"\0")


@given(st.binary(max_size=40))
def test_any_bytes_are_something_or_raise_frame_error(frame: bytes):
    for decode in (
        Features.from_bytes,
        Settings.from_bytes,
        Command.from_bytes,
        indication,
        DataFrame.from_bytes,
    ):
        try:
            decode(frame)
        except FrameError as error:
            assert error.frame in frame  # noqa: PT017 - it may decode as well
