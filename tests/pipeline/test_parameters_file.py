"""analysis.toml: what it says comes back whole, and what is wrong is one line that says what to write."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.exclusions import Rules
from pipeline.heart.spectrum import Detrend, PsdMethod
from pipeline.model import Phase, PhaseKind, Recording
from pipeline.parameters import Correction, Parameters
from pipeline.parameters_file import BY_KEY, Analysing, Level, read_analysing
from tests.conftest import REPO


def _read(tmp_path: Path, text: str) -> Analysing:
    path = tmp_path / "analysis.toml"
    path.write_text(text, encoding="utf-8")
    return read_analysing(path)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert _read(tmp_path, "") == Analysing()
    assert Analysing().parameters == Parameters()


def test_every_key_is_read(tmp_path: Path) -> None:
    read = _read(
        tmp_path,
        """
        correction = "interpolate"
        detrend = "smoothness_priors"
        psd = "lomb"
        hf_band = [0.12, 0.5]
        scr_min_us = 0.02
        normalised = true
        window_s = 120
        step_s = 60
        max_artefact_pct = 10
        min_coverage = 0.8
        phase_edges_s = [30, 5]
        seed = 7
        [sensitivity]
        correction = ["none", "interpolate", "none"]
        hf_band = [[0.15, 0.4]]
        """,
    )
    assert read == Analysing(
        Parameters(
            120.0,
            60.0,
            Correction.INTERPOLATE,
            Detrend.SMOOTHNESS_PRIORS,
            PsdMethod.LOMB,
            (0.12, 0.5),
            0.02,
            True,
        ),
        Rules(10.0, 0.8),
        (30.0, 5.0),
        7,
        (Level("correction", Correction.NONE), Level("hf_band", (0.15, 0.4))),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("corection = 'none'", "corection: there is no such key; use correction, detrend"),
        ("correction = 'no'", 'correction: \'no\' cannot be; use "exclude", "interpolate" or "none"'),
        ("psd = 'fft'", 'psd: \'fft\' cannot be; use "auto", "welch" or "lomb"'),
        ("hf_band = [0.4, 0.15]", "hf_band: [0.4, 0.15] cannot be; use two rising numbers"),
        ("hf_band = 0.15", "hf_band: 0.15 cannot be"),
        ("scr_min_us = 0", "scr_min_us: 0 cannot be; use a number from 0.001 to 1"),
        ("window_s = true", "window_s: True cannot be"),
        ("window_s = nan", "window_s: nan cannot be"),
        ("step_s = 400", "step_s: is longer than window_s"),
        ("min_coverage = 80", "min_coverage: 80 cannot be; use a number from 0 to 1"),
        ("seed = 1.5", "seed: 1.5 cannot be; use a whole number"),
        ("normalised = 1", "normalised: 1 cannot be; use true or false"),
        ("correction = []", "correction: [] cannot be"),
        ("sensitivity = 3", "sensitivity: must be a table"),
        ("[sensitivity]\nwindow_s = [60]", "sensitivity.window_s: cannot be varied; use correction"),
        ("[sensitivity]\ndetrend = 'none'", "sensitivity.detrend: must be a list of values to try"),
        ("[sensitivity]\ndetrend = ['x']", "sensitivity.detrend: 'x' cannot be; use"),
        ("[sensitivity]\nx = [1]", "sensitivity.x: there is no such key"),
        ("correction =", "is not a TOML text file"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "analysis.toml"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_analysing(tmp_path / "none.toml")


@given(
    st.builds(
        Analysing,
        st.builds(
            Parameters,
            correction=st.sampled_from(Correction),
            detrend=st.sampled_from(Detrend),
            psd=st.none() | st.sampled_from(PsdMethod),
            scr_min_us=st.floats(0.001, 1),
            normalised=st.booleans(),
        ),
        st.builds(Rules, st.floats(0, 100), st.floats(0, 1)),
        st.tuples(st.floats(0, 3600), st.floats(0, 3600)),
        st.integers(0, 2**32 - 1),
    )
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, chosen: Analysing) -> None:
    varied = replace(chosen, sensitivity=(Level("psd", None), Level("min_coverage", 0.123)))
    for each in (chosen, varied):
        read = _read(tmp_path_factory.getbasetemp(), each.as_toml())
        assert replace(read, sensitivity=()) == replace(each, sensitivity=())
        assert read.analysis_hash == each.analysis_hash


def test_all_keys_are_written_and_documented() -> None:
    text, page = Analysing().as_toml(), (REPO / "docs" / "research.md").read_text(encoding="utf-8")
    assert [key for key in BY_KEY if f"\n{key} = " not in text] == []
    assert [key for key in BY_KEY if f"\n{key} = " not in page] == []


def test_the_documented_file_holds_the_defaults(tmp_path: Path) -> None:
    page = (REPO / "docs" / "research.md").read_text(encoding="utf-8")
    read = _read(tmp_path, page.partition("```toml\n")[2].partition("```")[0])
    assert replace(read, sensitivity=()) == Analysing()
    assert [level.text for level in read.sensitivity] == ["interpolate", "0.01", "0.03", "5.0", "20.0"]


def test_hashes_tell_what_differs() -> None:
    main = Analysing()
    stricter = main.with_value("max_artefact_pct", 5.0)
    other = main.with_value("detrend", Detrend.NONE)
    cut = main.with_value("phase_edges_s", (10.0, 0.0))
    assert len({each.hash for each in (main, stricter, other, cut)}) == 4
    assert stricter.analysis_hash == main.analysis_hash
    assert len({each.analysis_hash for each in (main, other, cut)}) == 3


def test_phases_lose_their_edges_and_short_ones_go() -> None:
    phases = (Phase("a", PhaseKind.BASELINE, 0.0, 100.0), Phase("b", PhaseKind.OTHER, 100.0, 115.0))
    recording = Recording("r", "test", "", 200.0, {}, phases=phases)
    prepared = Analysing(phase_edges_s=(10.0, 5.0)).prepared(recording)
    assert [(phase.name, phase.start_s, phase.end_s) for phase in prepared.phases] == [("a", 10.0, 95.0)]
    assert Analysing().prepared(recording) is recording
