"""In a made-up language every page speaks that language: nothing that a person reads is hard-wired."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.analysis import analyse
from pipeline.features import BY_NAME
from pipeline.language import use
from pipeline.manifest import software
from pipeline.model import CheckIn, DeviceInfo, Gap, Marker, Note, Recording, Stream
from pipeline.report import render
from tests.pipeline.guidance.paced import belt, heart, peaking, steps, without
from tests.pipeline.report.known import known, released
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording
from tests.pseudo_locale import plain_decimals, plain_english, pseudo_locale

# What people, files and sensors brought along, and what is quoted: no language of ours.
DATA = (
    *(quoted for feature in BY_NAME.values() for quoted in (feature.formula, feature.source)),
    *(phase.name for phase in steps()),
    *software().values(),
    "ab" * 32,
    "ab" * 6,
    "a-014",
    "r1",
    "session",
    "Polar H10",
    "3.1.1",
    "door bell",
    "laughed",
    "tense",
    "shoulders",
    "µS, as stored",
    "distress",
    "connection lost",
)
OF_THE_CLIENT = (
    "Clinic by the lake",
    "Dr T",
    "client",
    "Take the bus again",
    "Take the bus",
    "Five soft minutes a day",
    "Light-headed after practice <b>at home</b>",
    "Slow, soft breathing",
    "PSS",
    "PHQ-9",
)


def _everything() -> Recording:
    marks = (
        Marker(60.0, "talking", end_s=95.0),
        Marker(130.0, "note", "door bell"),
        Marker(250.0, "moving", end_s=300.0),
    )
    gaps = tuple(Gap(20.0 * k, 20.0 * k + 2, "link lost") for k in range(1, 9))
    return recording(
        streams={"rr": beats(840.0, gap=gaps[3]), "eda": conductance(840.0)},
        markers=marks,
        notes=(Note(100.0, "laughed"),),
        check_ins=(CheckIn(1.0, "before", "tense", "", "shoulders"),),
        devices=(DeviceInfo("Polar H10", "polar", firmware="3.1.1", battery_pct=80),),
        simulated=True,
        recovered=True,
    )


def _bare(**changes: object) -> Recording:
    return recording(markers=(), **changes)


def _short() -> Recording:
    streams = {name: stream.between(0, 40) for name, stream in recording().streams.items()}
    return recording(40.0, streams=streams, phases=(), markers=(), ratings=())


def _ragged() -> Recording:
    """Every fifth beat early, and a sensor that is cold."""
    strap, skin = beats(840.0), conductance(840.0)
    early = strap.value * np.where(np.arange(len(strap)) % 5 == 0, 0.7, 1.0)
    cold = Stream("skin_temperature", skin.time_s, {"skin_temperature_c": np.full(len(skin), 25.0)}, 4.0)
    rr = Stream("rr", strap.time_s, {"rr_ms": early})
    return recording(streams={"rr": rr, "eda": skin, "skin_temperature": cold}, markers=())


def _resonance(*, lost: bool = False) -> Recording:
    phases = steps()
    paced = heart(phases, peaking(5.5))
    if lost:
        paced = without(paced, phases[0].start_s, phases[2].end_s)
    strap = Stream("rr", paced.time_s, {"rr_ms": paced.interval_ms})
    return recording(
        phases[-1].end_s + 60.0,
        streams={"rr": strap, **({} if lost else {"respiration": belt(phases)})},
        phases=phases,
        markers=(),
        ratings=(),
    )


RECORDINGS: dict[str, Callable[[], Recording]] = {
    "everything": _everything,
    "a pulse, no skin": lambda: _bare(streams={"pp": beats(840.0, "pp")}),
    "no heart": lambda: _bare(streams={"eda": conductance(840.0)}),
    "no baseline": lambda: _bare(phases=GUIDED[1:]),
    "no recovery": lambda: _bare(phases=GUIDED[:2]),
    "only paced": lambda: _bare(phases=GUIDED[3:]),
    "no phases": lambda: _bare(phases=()),
    "40 seconds": _short,
    "beats out of order": _ragged,
    "resonance": _resonance,
    "resonance lost": lambda: _resonance(lost=True),
}


@pytest.mark.parametrize("name", list(RECORDINGS))
def test_the_report_of_a_session_says_nothing_that_no_catalogue_holds(name: str) -> None:
    analysis = analyse(RECORDINGS[name]())
    with use(pseudo_locale()):
        html = render(analysis)
    assert plain_english(html, DATA) == []
    assert plain_decimals(html, DATA) == []


def test_nor_does_it_with_all_that_is_known_of_the_client() -> None:
    analysis = analyse(_everything())
    with use(pseudo_locale()):
        html = render(analysis, released(known()))
    assert plain_english(html, (*DATA, *OF_THE_CLIENT)) == []
    assert plain_decimals(html, DATA) == []


@pytest.mark.parametrize(
    ("html", "found"),
    [
        pytest.param("<p>⟦Şħǿŵḿ⟧ 12 s</p>", [], id="all of the catalogue"),
        pytest.param("<p>⟦Şħǿŵḿ⟧ and more</p>", ["⟦Şħǿŵḿ⟧ and more"], id="words beside it"),
        pytest.param('<p title="of a hint">⟦ƞǿ⟧</p>', ["of a hint"], id="a hint"),
        pytest.param("<svg><title>Chart</title></svg>", ["Chart"], id="a drawing's title"),
        pytest.param("<style>p { color: red }</style><script>let it = 1</script>", [], id="code"),
        pytest.param("<p>Polar H10, ⟦ƒīřḿŵȧřḗ⟧</p>", [], id="a sensor's name"),
    ],
)
def test_plain_english_is_found(html: str, found: list[str]) -> None:
    assert plain_english(html, ("Polar H10",)) == found


@pytest.mark.parametrize(
    ("html", "found"),
    [
        pytest.param("<p>6,5 s</p>", [], id="the language's own sign"),
        pytest.param("<p>6.5 s</p>", ["6.5 s"], id="a point"),
        pytest.param('<td title="1.2">1,2</td>', ["1.2"], id="a hint"),
        pytest.param("<p>Polar 3.1.1</p><p>It ends at 6.</p>", [], id="a version, the end of a sentence"),
        pytest.param('<svg><path d="M0.5 1.5"/><text x="2.5">2,5</text></svg>', [], id="where a line goes"),
    ],
)
def test_a_hard_wired_decimal_point_is_found(html: str, found: list[str]) -> None:
    assert plain_decimals(html, ("3.1.1",)) == found
