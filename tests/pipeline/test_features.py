from typing import Any

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.features import BY_NAME, FEATURES, Feature, Group, null_reasons
from pipeline.floors import Basis

FIVE_MINUTES = {
    "duration_s": 300,
    "covered_s": 295,
    "beats": 380,
    "nn_pairs": 370,
    "contiguous_nn": 250,
    "corrected_pct": 1.0,
    "breaths": 60,
    "eda_valid_s": 298,
    "decomposed_s": 258,
}
SPECTRAL = (
    "vlf_ms2",
    "lf_ms2",
    "hf_ms2",
    "ln_lf",
    "ln_hf",
    "total_ms2",
    "lf_peak_hz",
    "hf_peak_hz",
    "peak_hz",
)
BEAT_TO_BEAT = ("rmssd_ms", "ln_rmssd", "pnn50_pct", "sd1_ms", "rmssd_mean_nn_pct")
SPREAD = ("sdnn_ms", "sd2_ms", "cvnn_pct", "baevsky_si", "baevsky_si_sqrt")


def withheld(group: Group, **changes: Any) -> set[str]:
    """The computed features of a group that a window of five good minutes, so changed, cannot carry."""
    basis = Basis.of_one(**FIVE_MINUTES | changes)
    return {
        feature.name for feature in FEATURES if feature.group is group and null_reasons(feature.name, basis)
    }


def test_names_are_unique_and_groups_in_order() -> None:
    assert len(BY_NAME) == len(FEATURES)
    assert list(dict.fromkeys(feature.group for feature in FEATURES)) == list(Group)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_column_explains_itself(feature: Feature) -> None:
    assert feature.summary
    assert feature.source
    if feature.floor != BY_NAME["beats"].floor:
        assert feature.formula


def test_five_good_minutes_carry_everything_computed() -> None:
    assert not set().union(*(withheld(group) for group in Group))


LF_ONLY = {"lf_ms2", "ln_lf", "lf_peak_hz", "peak_hz", "lf_nu", "hf_nu", "lf_hf"}
VLF_ONLY = {"vlf_ms2", "total_ms2"}
BREATHS = {"hf_ms2", "ln_hf", "hf_peak_hz", "lf_nu", "hf_nu", "lf_hf"}
HF_ONLY = {"hf_ms2", "ln_hf", "hf_peak_hz"}
RHYTHM = {"rhythm_concentration"}
COMPLEX = {"sampen", "dfa_alpha1"}
HRV = {*BEAT_TO_BEAT, *SPREAD, *VLF_ONLY, *LF_ONLY, *HF_ONLY, *RHYTHM, *COMPLEX}
RATE = {"mean_hr_bpm", "mean_nn_ms"}
CVX = {"cvx_tonic_us", "cvx_phasic_us", "cvx_driver_us"}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"duration_s": 296, "covered_s": 295}, VLF_ONLY, id="under 5 min: no VLF"),
        pytest.param(
            {"duration_s": 118, "covered_s": 115},
            VLF_ONLY | LF_ONLY | {"dfa_alpha1"},
            id="under 2 min: no LF",
        ),
        pytest.param(
            {"duration_s": 59, "covered_s": 57, "contiguous_nn": 70}, HRV, id="under 1 min: heart rate only"
        ),
        pytest.param({"duration_s": 9, "covered_s": 9, "contiguous_nn": 9}, HRV | RATE, id="under 10 s"),
        pytest.param({"duration_s": 298, "covered_s": 295}, set(), id="as good as 5 min"),
        pytest.param({"breaths": 9}, BREATHS, id="9 breaths: no HF"),
        pytest.param({"breaths": np.nan}, set(), id="breaths unknown"),
        pytest.param({"nn_pairs": 49}, set(BEAT_TO_BEAT), id="49 differences"),
        pytest.param({"corrected_pct": 5.1}, HRV - {*BEAT_TO_BEAT, *SPREAD}, id="over 5 % corrected"),
        pytest.param({"corrected_pct": 20.1}, HRV, id="over 20 % corrected"),
        pytest.param({"corrected_pct": 30.0}, HRV, id="30 % corrected: heart rate only"),
        pytest.param({"corrected_pct": 30.1}, HRV | RATE, id="over 30 % corrected"),
        pytest.param({"covered_s": 239}, VLF_ONLY, id="little cover"),
        pytest.param({"contiguous_nn": 199}, COMPLEX, id="199 in a row"),
        pytest.param(
            {"covered_s": 0.0, "beats": 0, "nn_pairs": 0, "contiguous_nn": 0}, HRV | RATE, id="none"
        ),
    ],
)
def test_heart_floors(changes: dict[str, Any], names: set[str]) -> None:
    assert withheld(Group.HEART, **changes) == names


@pytest.mark.parametrize(
    ("eda_valid_s", "names"),
    [
        (128, set()),
        (126, {"eda_symp_us2"}),
        (118, {"eda_symp_us2", "scr_n", "scr_per_min", "scr_magnitude_us"}),
        (9, {feature.name for feature in FEATURES if feature.group is Group.SKIN} - CVX),
    ],
)
def test_skin_floors(eda_valid_s: float, names: set[str]) -> None:
    assert withheld(Group.SKIN, eda_valid_s=eda_valid_s) == names


def test_decomposed_floor() -> None:
    assert withheld(Group.SKIN, decomposed_s=59) == CVX


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("rmssd_ms", {"duration_s": 30.0}, "needs 60 s, the window has 30 s"),
        ("rmssd_ms", {"nn_pairs": 12}, "needs 50 valid differences, there are 12"),
        ("hf_ms2", {"breaths": 6}, "needs 10 breaths, there are 6"),
        ("lf_ms2", {"corrected_pct": 7.25}, "7.2 % of intervals are not normal, at most 5 % may be"),
        ("vlf_ms2", {"covered_s": 200}, "needs 240 s of normal beats, there are 200 s"),
        ("scr_per_min", {"eda_valid_s": 60}, "needs 120 s of valid skin conductance, there are 60 s"),
        ("sampen", {"contiguous_nn": 120}, "needs 200 normal beats in a row, there are 120"),
        (
            "hf_ms2",
            {"covered_s": 60, "breaths": np.nan},
            "breathing is not known: needs 67 s, there are 60 s",
        ),
        ("beats", {"duration_s": 0}, None),
        ("rmssd_ms", {}, None),
    ],
)
def test_reasons(name: str, changes: dict[str, Any], reason: str | None) -> None:
    assert null_reasons(name, Basis.of_one(**FIVE_MINUTES | changes)).get(0) == reason


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="no feature is called 'rmsd'"):
        null_reasons("rmsd", Basis.of_one(**FIVE_MINUTES))


def test_each_window_has_its_own_reason() -> None:
    held = {name: np.full(3, value, dtype=np.float64) for name, value in FIVE_MINUTES.items()}
    held["nn_pairs"] = np.array([370.0, 12.0, 0.0])
    assert null_reasons("rmssd_ms", Basis(**held)) == {
        1: "needs 50 valid differences, there are 12",
        2: "needs 50 valid differences, there are 0",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beats", ""),
        ("rmssd_ms", "60 s, 50 differences, at most 20 % excluded"),
        ("hf_ms2", "60 s, 10 breaths, at most 5 % excluded"),
        ("lf_ms2", "120 s, at most 5 % excluded, 250 s for a claim"),
        ("eda_symp_us2", "128 s of valid EDA"),
    ],
)
def test_floors_in_words(name: str, words: str) -> None:
    assert str(BY_NAME[name].floor) == words
