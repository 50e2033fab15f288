"""From journal records to streams: units, order, gaps, and what the sensors had to say."""

from collections.abc import Sequence

import numpy as np
import pytest

from devices import decoding
from devices.decoding import LiveDecoder, decode
from devices.driver import Samples
from pipeline.heart.beats import adjacent
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


def test_a_description_from_a_later_version_costs_no_other_device() -> None:
    later = {**STRAP, "driver": "generic:mine", "description": '{"unheard": 1}'}
    beats = [_strap(1.0 + s, heart_rate_frame([1000.0])) for s in range(3)]
    streams, markers = decode([event(Kind.DEVICE, 0.0, later, "mine"), *_session(*beats)])
    assert len(streams["rr"]) == 3
    assert [marker.text for marker in markers] == ["mine: malformed frame"]


def test_a_malformed_frame_breaks_the_beats_of_its_device() -> None:
    frames = [heart_rate_frame([1000.0])] * 40
    frames[20] = b"\x10"
    streams, _ = decode(_session(*(_strap(1.0 + s, frame) for s, frame in enumerate(frames))))
    rr = streams["rr"]
    assert np.flatnonzero(~adjacent(rr.time_s, rr.value)).tolist() == [0, 20]
    [gap] = rr.gaps
    assert (gap.start_s, gap.end_s, gap.reason) == (20.0, 21.0, "samples missing")


def test_a_malformed_frame_breaks_no_other_device() -> None:
    other = event(Kind.DEVICE, 0.0, STRAP, "heart_rate_2")
    beats = [_strap(1.0 + s, heart_rate_frame([1000.0])) for s in range(40)]
    bad = Record(Kind.DATA, "heart_rate_2/heart_rate", 0, 1, 20.5, 0, None, b"\x10")
    streams, _ = decode([other, *_session(*beats[:20], bad, *beats[20:])])
    assert adjacent(streams["rr"].time_s, streams["rr"].value)[1:].all()


def test_the_second_device_of_a_kind_is_named() -> None:
    second = event(Kind.DEVICE, 0.0, STRAP, "heart_rate_2")
    frame = heart_rate_frame([900.0])
    streams, _ = decode(
        [
            second,
            *_session(
                Record(Kind.DATA, "heart_rate_2/heart_rate", 0, 1, 1.0, 0, None, frame),
                _strap(2.0, heart_rate_frame([800.0])),
            ),
        ]
    )
    assert list(streams) == ["rr", "heart_rate", "rr_heart_rate", "heart_rate_heart_rate"]
    assert streams["rr"].value[0] == pytest.approx(900, abs=1)


def test_the_first_device_in_the_header_has_the_plain_names() -> None:
    header = event(Kind.HEADER, 0.0, {"devices": ["heart_rate", "heart_rate_2"]})
    frames = [
        Record(Kind.DATA, "heart_rate_2/heart_rate", 0, 1, 1.0, 0, None, heart_rate_frame([900.0])),
        _strap(2.0, heart_rate_frame([800.0])),
    ]
    second = event(Kind.DEVICE, 0.0, STRAP, "heart_rate_2")
    streams, _ = decode([header, second, *_session(*frames)])
    assert list(streams) == ["rr", "heart_rate", "rr_heart_rate_2", "heart_rate_heart_rate_2"]
    assert streams["rr"].value[0] == pytest.approx(800, abs=1)


class _Faulty:
    """A driver with a fault, and its decoder: `made` is what each frame decodes to."""

    def __init__(self, made: object) -> None:
        self._made = made

    def decoder(self) -> "_Faulty":
        return self

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if isinstance(self._made, Exception):
            raise self._made
        return self._made  # type: ignore[return-value]


@pytest.mark.parametrize(
    "made",
    [ZeroDivisionError(), KeyError("rr"), None, [Samples("rr", {"rr_ms": 800.0})]],  # type: ignore[dict-item]
    ids=["divides-by-zero", "key-error", "no-sequence", "no-array"],
)
def test_a_driver_s_fault_is_a_malformed_frame(made: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "driver_of", lambda _: _Faulty(made))
    session = _session(_strap(1.0, b"1"))
    decoder = LiveDecoder()
    assert [samples for record in session for samples in decoder.feed(record)] == []
    assert decoder.malformed == 1
    streams, markers = decode(session)
    assert streams == {}
    assert [marker.text for marker in markers] == ["heart_rate: malformed frame"]


def test_a_stream_that_cannot_be_built_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    uneven = Samples("rr", {"rr_ms": np.array([800.0]), "quality": np.array([1.0, 1.0])})
    fine = Samples("heart_rate", {"heart_rate_bpm": np.array([75.0])})
    monkeypatch.setattr(decoding, "driver_of", lambda _: _Faulty([uneven, fine]))
    streams, markers = decode(_session(_strap(1.0, b"1"), _strap(2.0, b"1")))
    assert list(streams) == ["heart_rate"]
    assert [(marker.time_s, marker.kind, marker.text) for marker in markers] == [
        (1.0, "link", "heart_rate: rr could not be decoded")
    ]
