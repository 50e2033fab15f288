"""What marked spans take out of an analysis: known answers, and nothing but what they must."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis import Analysis, analyse
from pipeline.features import BY_NAME, Group
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.corrected import corrected_times, interpolated
from pipeline.model import Floats, Marker, Phase, PhaseKind, Recording, Stream
from pipeline.parameters import Correction, Parameters
from pipeline.spans import HEART, SKIN, Signal, SpanKind, Stretches, excluded, kind_of, marked, stretches

PHASES = (
    Phase("Baseline", PhaseKind.BASELINE, 0.0, 300.0),
    Phase("Challenge", PhaseKind.STRESSOR, 300.0, 600.0),
)
_EDGES = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12)


def _span(kind: str, start_s: float, end_s: float, text: str = "") -> Marker:
    return Marker(start_s, kind, text, end_s)


def _beats() -> Stream:
    """75 beats a minute that swing with breathing at 15 a minute, for ten minutes, without an artefact."""
    time_s, interval_ms = [0.0], []
    while time_s[-1] < 600:
        interval_ms.append(800 + 30 * np.sin(2 * np.pi * 0.25 * time_s[-1]))
        time_s.append(time_s[-1] + interval_ms[-1] / 1000)
    return Stream("rr", np.array(time_s[1:-1]), {"rr_ms": np.array(interval_ms[:-1])})


def _conductance() -> Stream:
    time_s = np.arange(2400) / 4
    eda_us = 4 + time_s / 600 + 0.3 * np.maximum(np.sin(time_s / 4), 0) ** 4
    return Stream("eda", time_s, {"eda_us": eda_us}, rate_hz=4.0)


RR, EDA = _beats(), _conductance()


def _recording(*markers: Marker, rr: Stream = RR, eda: Stream = EDA) -> Recording:
    return Recording("r", "session", "", 600.0, {"rr": rr, "eda": eda}, phases=PHASES, markers=tuple(markers))


@cache
def _unmarked() -> Analysis:
    return analyse(_recording())


def _labelled(analysis: Analysis) -> Beats:
    assert analysis.beats is not None
    return analysis.beats


class TestKinds:
    @pytest.mark.parametrize(
        ("marker", "kind"),
        [
            pytest.param(_span("talking", 1, 2), SpanKind.TALKING, id="talking"),
            pytest.param(_span("Speaking", 1, 2), SpanKind.TALKING, id="as others call it"),
            pytest.param(_span("span", 1, 2, "talking"), SpanKind.TALKING, id="in the text"),
            pytest.param(_span("moving", 1, 2), SpanKind.MOVING, id="moving"),
            pytest.param(_span("moving", 1, 2, "talking"), SpanKind.MOVING, id="moving, as the kind says"),
            pytest.param(_span("touching", 1, 2, "left hand"), SpanKind.TOUCHING, id="touching"),
            pytest.param(_span("pause", 1, 2), SpanKind.PAUSE, id="pause"),
            pytest.param(_span("note", 1, 2, "moving"), None, id="a note about moving"),
            pytest.param(_span("insight", 1, 2), None, id="another span"),
            pytest.param(Marker(1.0, "talking"), None, id="a moment"),
        ],
    )
    def test_of_a_marker(self, marker: Marker, kind: SpanKind | None) -> None:
        assert kind_of(marker) is kind

    def test_what_each_excludes(self) -> None:
        assert {kind: kind.excludes for kind in SpanKind} == {
            SpanKind.TALKING: {HEART},
            SpanKind.MOVING: {HEART, SKIN},
            SpanKind.TOUCHING: {HEART, SKIN},
            SpanKind.PAUSE: {HEART, SKIN},
        }


class TestStretches:
    def test_are_merged_and_rise(self) -> None:
        markers = (
            _span("moving", 50, 60),
            _span("talking", 10, 20),
            _span("pause", 15, 30),
            _span("note", 70, 80),
            _span("touching", 30, 31),
            _span("talking", 90, 90),
        )
        heart, skin = excluded(markers, HEART), excluded(markers, SKIN)
        assert [edge.tolist() for edge in heart] == [[10, 50], [31, 60]]
        assert [edge.tolist() for edge in skin] == [[15, 50], [31, 60]]

    @pytest.mark.parametrize(
        ("begin_s", "end_s", "shares"),
        [
            pytest.param(8.0, 10.0, False, id="ends where it starts"),
            pytest.param(8.0, 10.1, True, id="reaches in"),
            pytest.param(12.0, 13.0, True, id="inside"),
            pytest.param(8.0, 30.0, True, id="around"),
            pytest.param(19.9, 21.0, True, id="begins inside"),
            pytest.param(20.0, 21.0, False, id="begins where it ends"),
            pytest.param(np.nan, 15.0, True, id="a moment inside"),
            pytest.param(np.nan, 25.0, False, id="a moment outside"),
        ],
    )
    def test_share_time_with_an_interval(self, begin_s: float, end_s: float, shares: bool) -> None:
        found = Stretches.of([(10.0, 20.0)]).touch(np.array([begin_s]), np.array([end_s]))
        assert found.tolist() == [shares]

    @given(_EDGES, st.lists(st.floats(-10, 110), min_size=1, max_size=12))
    def test_hold_what_one_of_the_edges_holds(
        self, edges: list[tuple[float, float]], at: list[float]
    ) -> None:
        held = Stretches.of(edges).hold(np.array(at))
        assert held.tolist() == [any(start <= each < end for start, end in edges) for each in at]

    @given(_EDGES, st.floats(0, 100), st.floats(0, 100))
    def test_fill_a_window_as_moments_do(
        self, edges: list[tuple[float, float]], one_s: float, other_s: float
    ) -> None:
        start_s, end_s = sorted((one_s, other_s))
        found = Stretches.of(edges)
        middle_s = (start_s + end_s) / 2
        whole, first, second = (
            float(found.seconds(np.array([a]), np.array([b]))[0])
            for a, b in ((start_s, end_s), (start_s, middle_s), (middle_s, end_s))
        )
        assert 0 <= whole <= end_s - start_s + 1e-9
        assert whole == pytest.approx(first + second, abs=1e-6)

    def test_are_told_in_words(self) -> None:
        markers = (_span("talking", 10, 45), _span("moving", 40, 50))
        edges = np.array([0.0, 60.0]), np.array([60.0, 120.0])
        assert marked(markers, HEART, *edges) == ["marked: talking 35 s, moving 10 s", None]
        assert marked(markers, SKIN, *edges) == ["marked: moving 10 s", None]


def _without_beats(start_s: float, end_s: float) -> Stream:
    """The beats, but for those that share time with a stretch."""
    begin_s = RR.time_s - RR.value / 1000
    kept = (RR.time_s <= start_s) | (begin_s >= end_s)
    return Stream("rr", RR.time_s[kept], {"rr_ms": RR.value[kept]})


def _in_group(analysis: Analysis, *groups: Group) -> list[dict[str, object]]:
    tables = (analysis.whole, *(each.values for each in analysis.phases), *analysis.windows)
    return [
        {name: cell for name, cell in values.features.items() if BY_NAME[name].group in groups}
        for values in tables
    ]


class TestHeart:
    @pytest.mark.parametrize("correction", list(Correction))
    @pytest.mark.parametrize(
        ("start_s", "end_s"),
        [
            pytest.param(100.0, 135.0, id="35 s"),
            pytest.param(100.0, 101.0, id="two beats"),
            pytest.param(280.0, 320.0, id="across phases"),
            pytest.param(0.0, 30.0, id="from the start"),
            pytest.param(570.0, 600.0, id="to the end"),
        ],
    )
    def test_values_are_those_of_the_recording_without_these_beats(
        self, start_s: float, end_s: float, correction: Correction
    ) -> None:
        parameters = Parameters(window_s=120.0, correction=correction)
        found = analyse(_recording(_span("talking", start_s, end_s)), parameters)
        expected = analyse(_recording(rr=_without_beats(start_s, end_s)), parameters)
        groups = (Group.HEART, Group.DATA, Group.BREATHING)
        assert _in_group(found, *groups) == _in_group(expected, *groups)

    def test_are_no_artefacts(self) -> None:
        found = analyse(_recording(_span("talking", 100, 135)))
        beats = _labelled(found)
        marked_n = len(RR) - len(_without_beats(100, 135))
        assert 43 <= marked_n <= 45
        assert beats.counts == {
            **dict.fromkeys(BeatKind, 0),
            BeatKind.NORMAL: len(RR) - marked_n,
            BeatKind.EXCLUDED: marked_n,
        }
        assert beats.corrected_pct == 0
        assert {values.features["artefact_pct"] for values in (found.whole, *found.windows)} == {0}
        assert found.quality["beats"]["kinds"]["excluded"] == marked_n
        assert found.quality["marked"] == [{"kind": "talking", "seconds": 35.0, "excludes": ["heart"]}]
        table = found.beats_table()
        assert table is not None
        assert table["kind"].to_pylist().count("excluded") == marked_n

    def test_an_artefact_within_is_excluded_by_the_person(self) -> None:
        interval_ms = RR.value.copy()
        interval_ms[140:150] *= np.where(np.arange(10) % 2, 0.6, 1.4)
        spoilt = replace(RR, columns={"rr_ms": interval_ms})
        assert _labelled(analyse(_recording(rr=spoilt))).corrected_pct > 0
        start_s, end_s = float(RR.time_s[135]), float(RR.time_s[155])
        assert _labelled(analyse(_recording(_span("touching", start_s, end_s), rr=spoilt))).corrected_pct == 0

    def test_no_difference_crosses_a_span(self) -> None:
        beats = _labelled(analyse(_recording(_span("talking", 100, 100.1))))
        (out,) = np.flatnonzero(beats.excluded)
        assert beats.adjacent[[out - 1, out, out + 1, out + 2]].tolist() == [True, False, False, True]
        assert beats.pairs[[out - 1, out, out + 1, out + 2]].tolist() == [True, False, False, True]

    def test_nothing_is_put_in_its_place(self) -> None:
        beats = _labelled(analyse(_recording(_span("moving", 100, 101))))
        assert len(interpolated(beats)) == len(beats)
        np.testing.assert_array_equal(corrected_times(beats), beats.time_s)

    @given(st.integers(5, 700), st.integers(1, 30))
    def test_another_beat_changes_only_its_own_label(self, first: int, count: int) -> None:
        """A span that ends a beat later excludes one beat more; no other label moves."""
        beats = Beats(RR.time_s, RR.value, np.zeros(len(RR), dtype=np.int8))
        start_s, end_s, later_s = RR.time_s[first - 1], RR.time_s[first + count - 1], RR.time_s[first + count]
        one = beats.without(Stretches.of([(float(start_s), float(end_s))]))
        more = beats.without(Stretches.of([(float(start_s), float(later_s))]))
        assert np.flatnonzero(one.excluded).tolist() == list(range(first, first + count))
        assert np.flatnonzero(one.kind != more.kind).tolist() == [first + count]

    def test_a_phase_that_is_all_talking_has_no_heart_and_says_so(self) -> None:
        found = analyse(_recording(_span("talking", 300, 600)))
        baseline, challenge = (each.values for each in found.phases)
        assert challenge.features["mean_hr_bpm"] is None
        assert challenge.features["rmssd_ms"] is None
        assert challenge.null_reasons["rmssd_ms"] == (
            "needs 48 s of normal beats, there are 0 s; marked: talking 300 s"
        )
        assert challenge.features["scl_us"] == _unmarked().phases[1].values.features["scl_us"]
        assert baseline.null_reasons.keys() == _unmarked().phases[0].values.null_reasons.keys()
        assert not any("marked" in why for why in baseline.null_reasons.values())

    def test_a_window_too_short_anyway_blames_no_mark(self) -> None:
        found = analyse(_recording(_span("talking", 100, 110)), Parameters(window_s=100.0))
        assert found.windows[1].null_reasons["vlf_ms2"] == "needs 300 s, the window has 100 s"

    def test_speaking_is_said_once_of_arousal(self) -> None:
        found = analyse(_recording(_span("talking", 300, 600)))
        assert found.phases[1].values.features["arousal_basis"] == (
            "skin level, skin responses; without heart: speaking"
        )
        assert [each.values.speaking for each in found.phases] == [False, True]

    def test_a_belt_is_not_read_while_talking(self) -> None:
        time_s = np.arange(6000) / 10
        belt = Stream("respiration", time_s, {"respiration_au": np.sin(2 * np.pi * 0.2 * time_s)}, 10.0)
        session = _recording(_span("talking", 300, 600))
        found = analyse(replace(session, streams={**session.streams, "respiration": belt}))
        rates = [each.values.features["resp_rate_bpm"] for each in found.phases]
        assert rates == [pytest.approx(12, abs=0.1), None]
        assert found.phases[1].values.null_reasons["resp_rate_bpm"].endswith("; marked: talking 300 s")


def _skin(analysis: Analysis) -> tuple[Floats, Floats, Floats]:
    assert analysis.eda is not None
    return analysis.eda.time_s, analysis.eda.valid, analysis.eda.marked


class TestSkin:
    def test_is_not_valid_within_and_no_worse_around(self) -> None:
        time_s, valid, marks = _skin(analyse(_recording(_span("moving", 100, 135))))
        within = (time_s >= 100) & (time_s < 135)
        np.testing.assert_array_equal(valid, ~within)
        np.testing.assert_array_equal(marks, within)

    def test_stays_while_talking(self) -> None:
        found = analyse(_recording(_span("talking", 100, 135)))
        assert _in_group(found, Group.SKIN) == _in_group(_unmarked(), Group.SKIN)

    def test_marks_are_no_artefacts(self) -> None:
        found = analyse(_recording(_span("pause", 100, 130)))
        assert found.phases[0].values.features["eda_artefact_pct"] == 0
        assert found.phases[0].values.features["eda_coverage"] == pytest.approx(0.9)
        assert found.quality["eda"]["removed"]["marked"] == pytest.approx(0.05)

    def test_a_jump_within_still_reaches_five_seconds(self) -> None:
        eda_us = EDA.value.copy()
        eda_us[530:534] = 80.0  # 132.5 to 133.5 s
        spoilt = replace(EDA, columns={"eda_us": eda_us})
        time_s, valid, _ = _skin(analyse(_recording(_span("touching", 100, 135), eda=spoilt)))
        assert not valid[(time_s >= 135) & (time_s < 138)].any()
        assert valid[(time_s >= 141)].all()

    def test_values_withheld_say_what_was_marked(self) -> None:
        found = analyse(_recording(_span("touching", 300, 595)))
        assert found.phases[1].values.null_reasons["scl_us"] == (
            "needs 10 s of valid skin conductance, there are 5 s; marked: touching 295 s"
        )


class TestSpansAndPhases:
    def test_a_span_across_phases_takes_from_each_its_part(self) -> None:
        found = analyse(_recording(_span("pause", 270, 360)))
        coverage = [each.values.features["nn_coverage"] for each in found.phases]
        assert coverage == [pytest.approx(270 / 300, abs=0.004), pytest.approx(240 / 300, abs=0.004)]
        assert [each.values.features["eda_coverage"] for each in found.phases] == [
            pytest.approx(0.9),
            pytest.approx(0.8),
        ]

    def test_a_pause_within_a_phase_touches_no_other(self) -> None:
        found = analyse(_recording(_span("pause", 100, 160)))
        assert (
            found.phases[1].values.features["rmssd_ms"] == _unmarked().phases[1].values.features["rmssd_ms"]
        )
        assert found.phases[0].values.features["longest_gap_s"] == pytest.approx(60, abs=1.7)

    def test_spans_that_lie_over_each_other_count_once(self) -> None:
        together = analyse(_recording(_span("pause", 100, 160)))
        apart = analyse(_recording(_span("pause", 100, 140), _span("moving", 120, 160)))
        assert _in_group(together, *Group) == _in_group(apart, *Group)

    @pytest.mark.parametrize("what", list(Signal))
    def test_a_span_past_the_end_counts_up_to_it(self, what: Signal) -> None:
        open_ended, closed = (_span("moving", 550, end_s) for end_s in (np.inf, 600.0))
        assert stretches([open_ended], what).seconds(np.zeros(1), np.full(1, 600.0))[0] == 50
        assert _in_group(analyse(_recording(open_ended)), *Group) == _in_group(
            analyse(_recording(closed)), *Group
        )
