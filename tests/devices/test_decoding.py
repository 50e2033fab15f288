"""From journal records to streams: units, order, gaps, and what the sensors had to say."""

import numpy as np

from devices.decoding import decode
from pipeline.journal import Kind, Record
from tests.pipeline.sessions import STRAP, event, heart_rate_frame


def _strap(at_s: float, payload: bytes, generation: int = 1) -> Record:
    return Record(Kind.DATA, "heart_rate/heart_rate", 0, generation, at_s, 1.8e9 + at_s, None, payload)


def _session(*data: Record) -> list[Record]:
    return [event(Kind.DEVICE, 0.0, STRAP, "heart_rate"), *data]


def test_a_strap_counts_1024_to_the_second() -> None:
    streams, _ = decode(_session(_strap(1.0, heart_rate_frame([1000.0]))))
    np.testing.assert_allclose(streams["rr"].value, [1000.0])


def test_a_new_connection_leaves_a_gap_with_its_reason() -> None:
    before = [_strap(float(s), heart_rate_frame([1000.0])) for s in range(1, 21)]
    after = [_strap(float(s), heart_rate_frame([1000.0]), generation=2) for s in range(30, 50)]
    streams, _ = decode(_session(*before, *after))
    [gap] = streams["rr"].gaps
    assert (gap.start_s, gap.end_s, gap.reason) == (20.0, 29.0, "link lost")


def test_a_malformed_frame_is_an_event_and_costs_no_other_sample() -> None:
    streams, markers = decode(
        _session(
            _strap(1.0, heart_rate_frame([800.0])),
            _strap(2.0, b"\x10"),
            _strap(3.0, heart_rate_frame([800.0])),
        )
    )
    assert len(streams["rr"]) == 2
    assert [marker.text for marker in markers] == ["heart_rate: malformed frame"]


def test_lost_contact_is_told_once_each_time() -> None:
    worn, off = bytes([0x06, 70]), bytes([0x04, 0])
    _, markers = decode(
        _session(*(_strap(float(s), frame) for s, frame in enumerate([worn, off, off, worn, off])))
    )
    assert [(marker.time_s, marker.text) for marker in markers] == [
        (1.0, "heart_rate: contact lost"),
        (4.0, "heart_rate: contact lost"),
    ]


def test_impossible_intervals_are_kept() -> None:
    streams, _ = decode(_session(_strap(1.0, heart_rate_frame([800.0, 0.0, 800.0]))))
    np.testing.assert_allclose(streams["rr"].value, [800, 0, 800], atol=0.5)


def test_data_of_an_unknown_driver_are_left_in_raw() -> None:
    unknown = {**STRAP, "driver": "from-the-future"}
    streams, _ = decode(
        [event(Kind.DEVICE, 0.0, unknown, "x"), Record(Kind.DATA, "x/y", 0, 1, 1.0, 0, None, b"1")]
    )
    assert streams == {}
