"""The bytes of LogAndStream (SHIMMER3_BT_COMMUNICATION_PROTOCOL.md, ..._STREAMING_DATA_FORMAT.md)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers import shimmer_frames
from devices.drivers.shimmer_frames import Inquiry, Model, Packet, Reading
from pipeline.errors import FrameError

READINGS = st.builds(Reading, st.integers(0, 3), st.integers(0, 4095))
PACKETS = st.builds(Packet, st.integers(0, (1 << 24) - 1), READINGS)
INQUIRIES = {
    model: st.builds(
        Inquiry,
        st.integers(1, 65535),
        st.binary(min_size=model.setup_bytes, max_size=model.setup_bytes),
        st.lists(st.integers(0, 0x28), min_size=1, max_size=50).map(tuple),
        st.integers(0, 255),
    )
    for model in Model
}


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            pytest.param(shimmer_frames.STOP, "20", id="stop"),
            pytest.param(shimmer_frames.CRC_OFF, "8b00", id="no checksum"),
            pytest.param(shimmer_frames.ONLY_GSR, "08040000", id="bit 2 of the first of three bytes"),
            pytest.param(shimmer_frames.RATE, "058002", id="640 ticks of 32768 Hz, low byte first: 51.2 Hz"),
            pytest.param(shimmer_frames.AUTO_RANGE, "2104", id="range 4 is automatic"),
            pytest.param(shimmer_frames.INQUIRE, "01", id="inquiry"),
            pytest.param(shimmer_frames.START, "07", id="start"),
        ],
    )
    def test_commands_are_those_of_the_firmware(self, command: bytes, expected: str):
        assert command.hex() == expected


class TestReading:
    @pytest.mark.parametrize(
        ("resistor", "adc", "eda_us"),
        [
            # V = adc * 3 / 4095; µS = 1000 * (V / 0.5 - 1) / Rf, Rf in kOhm
            pytest.param(0, 2730, 1000 * 3 / 40.2, id="2 V at 40.2 kOhm: 74.6 µS"),
            pytest.param(1, 1365, 1000 / 287, id="1 V at 287 kOhm: 3.48 µS"),
            pytest.param(2, 2730, 3.0, id="2 V at 1 MOhm: 3 µS"),
            pytest.param(3, 1365, 1 / 3.3, id="1 V at 3.3 MOhm: 0.303 µS"),
            pytest.param(3, 683, 1000 * (683 * 6 / 4095 - 1) / 3300, id="just above the reference"),
            pytest.param(3, 682, 1000 * (683 * 6 / 4095 - 1) / 3300, id="below it, largest resistor: as 683"),
            pytest.param(3, 1, 1000 * (683 * 6 / 4095 - 1) / 3300, id="far below it, largest resistor"),
            pytest.param(0, 4094, 1000 * (4094 * 6 / 4095 - 1) / 40.2, id="the most there is: 124 µS"),
        ],
    )
    def test_known_conductances(self, resistor: int, adc: int, eda_us: float):
        assert Reading(resistor, adc).eda_us == pytest.approx(eda_us, rel=1e-12)

    @pytest.mark.parametrize("resistor", range(4))
    @pytest.mark.parametrize("adc", [0, 4095])
    def test_a_converter_at_an_end_measures_nothing(self, resistor: int, adc: int):
        assert math.isnan(Reading(resistor, adc).eda_us)

    @pytest.mark.parametrize("resistor", range(3))
    @pytest.mark.parametrize("adc", [1, 682])
    def test_nor_does_one_below_the_reference(self, resistor: int, adc: int):
        assert math.isnan(Reading(resistor, adc).eda_us)
        assert Reading(resistor, 683).eda_us > 0

    @pytest.mark.parametrize(
        ("resistor", "adc", "is_open"),
        [(3, 682, True), (3, 1, True), (3, 683, False), (3, 0, False), (2, 682, False)],
    )
    def test_open_electrodes_show_with_the_largest_resistor(self, resistor: int, adc: int, is_open: bool):
        assert Reading(resistor, adc).is_open is is_open

    @pytest.mark.parametrize(
        ("eda_us", "resistor", "adc"),
        [
            # adc = 0.5 * (1 + Rf * µS / 1000) * 4095 / 3, rounded
            pytest.param(20.0, 0, 1231, id="20 µS: 1.804 * 682.5 counts"),
            pytest.param(10.0, 1, 2641, id="10 µS: 3.87 * 682.5"),
            pytest.param(3.0, 2, 2730, id="3 µS: 4 * 682.5"),
            pytest.param(1.0, 3, 2935, id="1 µS: 4.3 * 682.5"),
            pytest.param(0.0, 3, 682, id="nothing at all"),
            pytest.param(-5.0, 3, 0, id="less than nothing"),
            pytest.param(500.0, 0, 4095, id="more than can be measured"),
        ],
    )
    def test_the_range_is_chosen_by_itself(self, eda_us: float, resistor: int, adc: int):
        assert Reading.of(eda_us) == Reading(resistor, adc)

    @given(st.floats(0.01, 120.0))
    def test_skin_is_measured_to_within_half_a_count(self, eda_us: float):
        reading = Reading.of(eda_us)
        count_us = 1000 * 6 / 4095 / (40.2, 287.0, 1000.0, 3300.0)[reading.resistor]
        assert abs(reading.eda_us - eda_us) <= count_us / 2 * (1 + 1e-9)

    @given(st.floats(0.0, 120.0), st.floats(0.0, 120.0))
    def test_more_conductance_never_takes_a_larger_resistor(self, one: float, other: float):
        low, high = sorted((one, other))
        assert Reading.of(high).resistor <= Reading.of(low).resistor


class TestPacket:
    @pytest.mark.parametrize(
        ("frame", "packet"),
        [
            pytest.param("000000000000", Packet(0, Reading(0, 0)), id="zeros"),
            pytest.param("00800200aa8a", Packet(640, Reading(2, 0x0AAA)), id="resistor 2: 0x8000 + 2730"),
            pytest.param("00ffffffffcf", Packet(0xFFFFFF, Reading(3, 0x0FFF)), id="the largest"),
            pytest.param("0001020355 45".replace(" ", ""), Packet(0x030201, Reading(1, 0x0555)), id="order"),
        ],
    )
    def test_known_packets(self, frame: str, packet: Packet):
        assert Packet.from_bytes(bytes.fromhex(frame)) == packet
        assert bytes(packet).hex() == frame

    @given(PACKETS)
    def test_encoding_and_decoding_are_each_other_backwards(self, packet: Packet):
        assert Packet.from_bytes(bytes(packet)) == packet

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param("", "0 bytes where a packet has 6", id="empty"),
            pytest.param("0080020055", "5 bytes where a packet has 6", id="a byte short"),
            pytest.param("00800200555500", "7 bytes where a packet has 6", id="a byte over"),
            pytest.param("ff8002005505", "a packet begins with 00", id="another first byte"),
            pytest.param("008002000010", "a count of 4096 from a converter of 12 bits", id="bit 12"),
            pytest.param("008002000060", "a count of 8192 from a converter of 12 bits", id="bit 13"),
        ],
    )
    def test_what_is_no_packet_is_shown(self, frame: str, reason: str):
        with pytest.raises(FrameError) as error:
            Packet.from_bytes(bytes.fromhex(frame))
        assert str(error.value) == f"Shimmer frame {frame}: {reason}"

    @given(st.binary(max_size=8))
    def test_any_bytes_decode_or_raise_frame_error(self, frame: bytes):
        try:
            packet = Packet.from_bytes(frame)
        except FrameError:
            return
        assert bytes(packet) == frame


class TestInquiry:
    @pytest.mark.parametrize(
        ("model", "frame", "inquiry"),
        [
            pytest.param(
                Model.SHIMMER3,
                "0280020102030801011c".replace(" ", ""),
                Inquiry(640, bytes.fromhex("01020308"), (0x1C,)),
                id="Shimmer3: four bytes of setup, then how many channels",
            ),
            pytest.param(
                Model.SHIMMER3R,
                "028002010203080405060201121c",
                Inquiry(640, bytes.fromhex("01020308040506"), (0x12, 0x1C)),
                id="Shimmer3R: seven",
            ),
        ],
    )
    def test_known_answers(self, model: Model, frame: str, inquiry: Inquiry):
        assert Inquiry.from_bytes(bytes.fromhex(frame), model) == inquiry
        assert bytes(inquiry).hex() == frame

    @pytest.mark.parametrize("model", Model)
    @given(data=st.data())
    def test_encoding_and_decoding_are_each_other_backwards(self, model: Model, data: st.DataObject):
        inquiry = data.draw(INQUIRIES[model])
        assert Inquiry.from_bytes(bytes(inquiry), model) == inquiry
        assert Inquiry.size(bytes(inquiry), model) == len(bytes(inquiry))

    def test_its_size_shows_with_the_number_of_channels(self):
        answer = bytes(Inquiry(640, bytes(4), (0x1C,)))
        sizes = [Inquiry.size(answer[:end], Model.SHIMMER3) for end in range(len(answer) + 1)]
        assert sizes == [None] * 9 + [10, 10]

    def test_its_rate(self):
        assert Inquiry(640, bytes(4), (0x1C,)).rate_hz == 51.2
        assert Inquiry(1024, bytes(4), (0x1C,)).rate_hz == 32.0

    @pytest.mark.parametrize(
        ("channels", "refusal"),
        [
            ((0x1C,), None),
            ((0x12, 0x1C), "its packets hold channels 12 1c, not skin conductance (1c) alone"),
            ((0x00, 0x01, 0x02), "its packets hold channels 00 01 02, not skin conductance (1c) alone"),
        ],
    )
    def test_only_skin_conductance_alone_can_be_read(self, channels: tuple[int, ...], refusal: str | None):
        assert Inquiry(640, bytes(4), channels).refusal == refusal

    @pytest.mark.parametrize(
        ("model", "frame", "reason"),
        [
            pytest.param(
                Model.SHIMMER3R,
                "028002010203080101" + "1c",
                "not the answer of a shimmer3r to an inquiry",
                id="the other's",
            ),
            pytest.param(Model.SHIMMER3, "", "not the answer of a shimmer3 to an inquiry", id="empty"),
            pytest.param(
                Model.SHIMMER3,
                "038002010203080101" + "1c",
                "not the answer of a shimmer3 to an inquiry",
                id="another first byte",
            ),
            pytest.param(
                Model.SHIMMER3,
                "028002010203080201" + "1c",
                "not the answer of a shimmer3 to an inquiry",
                id="a channel short",
            ),
            pytest.param(Model.SHIMMER3, "020000010203080101" + "1c", "a rate of no ticks", id="no rate"),
            pytest.param(
                Model.SHIMMER3, "028002010203080001", "channels that no Shimmer has", id="no channels"
            ),
            pytest.param(
                Model.SHIMMER3,
                "028002010203080101" + "29",
                "channels that no Shimmer has",
                id="an unknown channel",
            ),
        ],
    )
    def test_what_is_no_answer_is_shown(self, model: Model, frame: str, reason: str):
        with pytest.raises(FrameError) as error:
            Inquiry.from_bytes(bytes.fromhex(frame), model)
        assert str(error.value) == f"Shimmer frame {frame}: {reason}"

    @pytest.mark.parametrize("model", Model)
    @given(frame=st.binary(max_size=70))
    def test_any_bytes_decode_or_raise_frame_error(self, model: Model, frame: bytes):
        try:
            inquiry = Inquiry.from_bytes(b"\x02" + frame, model)
        except FrameError:
            return
        assert bytes(inquiry) == b"\x02" + frame
