from dataclasses import fields, replace
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.features import BY_NAME, FEATURES, Basis, Feature, Group, null_reason
from pipeline.heart.time_domain import TimeDomain
from pipeline.skin.levels import SkinConductance

FIVE_MINUTES = Basis(
    duration_s=300,
    covered_s=295,
    beats=380,
    nn_pairs=370,
    corrected_pct=1.0,
    breaths=60,
    eda_valid_s=298,
    has_gap=False,
)
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
    basis = replace(FIVE_MINUTES, **changes)
    table = [feature for feature in FEATURES if feature.group is group and feature.computed]
    return {feature.name for feature in table if null_reason(feature.name, basis)}


def test_names_are_unique_and_groups_in_order() -> None:
    assert len(BY_NAME) == len(FEATURES)
    assert list(dict.fromkeys(feature.group for feature in FEATURES)) == list(Group)


@pytest.mark.parametrize("record", [TimeDomain, SkinConductance], ids=lambda record: record.__name__)
def test_every_measure_has_its_column(record: type) -> None:
    assert {field.name for field in fields(record)} - {"valid_s"} <= BY_NAME.keys()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_column_explains_itself(feature: Feature) -> None:
    assert feature.summary
    assert feature.source
    if feature.floor != BY_NAME["beats"].floor:
        assert feature.method


def test_five_good_minutes_carry_everything_computed() -> None:
    assert not set().union(*(withheld(group) for group in Group))


def test_what_is_not_computed_says_so() -> None:
    assert null_reason("sampen", FIVE_MINUTES) == "not computed in this version"


LF_ONLY = {"lf_ms2", "ln_lf", "lf_peak_hz", "peak_hz", "lf_nu", "hf_nu", "lf_hf"}
VLF_ONLY = {"vlf_ms2", "total_ms2"}
HF_ONLY = {"hf_ms2", "ln_hf", "hf_peak_hz"}
HRV = {*BEAT_TO_BEAT, *SPREAD, *VLF_ONLY, *LF_ONLY, *HF_ONLY}
RATE = {"mean_hr_bpm", "mean_nn_ms"}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"duration_s": 299, "covered_s": 295}, VLF_ONLY, id="under 5 min: no VLF"),
        pytest.param({"duration_s": 119, "covered_s": 115}, VLF_ONLY | LF_ONLY, id="under 2 min: no LF"),
        pytest.param({"duration_s": 59, "covered_s": 57}, HRV, id="under 1 min: heart rate only"),
        pytest.param({"duration_s": 9, "covered_s": 9}, HRV | RATE, id="under 10 s"),
        pytest.param({"breaths": 9}, HF_ONLY, id="9 breaths: no HF"),
        pytest.param({"breaths": None}, set(), id="breaths unknown"),
        pytest.param({"nn_pairs": 49}, set(BEAT_TO_BEAT), id="49 differences"),
        pytest.param({"corrected_pct": 5.1}, HRV - {*BEAT_TO_BEAT, *SPREAD}, id="over 5 % corrected"),
        pytest.param({"corrected_pct": 20.1}, HRV, id="over 20 % corrected"),
        pytest.param({"covered_s": 239}, VLF_ONLY, id="little cover"),
        pytest.param({"covered_s": 0.0, "beats": 0, "nn_pairs": 0}, HRV | RATE, id="none"),
    ],
)
def test_heart_floors(changes: dict[str, Any], names: set[str]) -> None:
    assert withheld(Group.HEART, **changes) == names


@pytest.mark.parametrize(
    ("eda_valid_s", "names"),
    [
        (128, set()),
        (127, {"eda_symp_us2"}),
        (119, {"eda_symp_us2", "scr_n", "scr_per_min", "scr_magnitude_us"}),
        (9, {feature.name for feature in FEATURES if feature.group is Group.SKIN}),
    ],
)
def test_skin_floors(eda_valid_s: float, names: set[str]) -> None:
    assert withheld(Group.SKIN, eda_valid_s=eda_valid_s) == names


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("rmssd_ms", {"duration_s": 30.0}, "needs 60 s, the window has 30 s"),
        ("rmssd_ms", {"nn_pairs": 12}, "needs 50 valid differences, there are 12"),
        ("hf_ms2", {"breaths": 6}, "needs 10 breaths, there are 6"),
        ("lf_ms2", {"corrected_pct": 7.25}, "7.2 % of intervals are not normal, at most 5 % may be"),
        ("vlf_ms2", {"covered_s": 200}, "needs 240 s of normal beats, there are 200 s"),
        ("scr_per_min", {"eda_valid_s": 60}, "needs 120 s of valid skin conductance, there are 60 s"),
        ("beats", {"duration_s": 0}, None),
        ("rmssd_ms", {}, None),
    ],
)
def test_reasons(name: str, changes: dict[str, Any], reason: str | None) -> None:
    assert null_reason(name, replace(FIVE_MINUTES, **changes)) == reason


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="no feature is called 'rmsd'"):
        null_reason("rmsd", FIVE_MINUTES)
