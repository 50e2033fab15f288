"""The arousal index: its published sums, and what may never move it."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.indices.arousal import NO_REFERENCE, NO_SIGNAL, Arousal, Reference, arousal, blocks, reference
from pipeline.indices.components import COMPONENTS, MOST_SD, WRIST_MOVING_MG, Circumstances, heart_note
from pipeline.model import Floats

MINUTES = {
    "mean_hr_bpm": np.array([64.0, 66.0, 65.0, 67.0, 63.0]),
    "ln_rmssd": np.array([3.6, 3.4, 3.5, 3.3, 3.7]),
    "ln_drive": np.array([1.0, 1.1, 0.9, 1.05, 0.95]),
    "scr_per_min": np.array([2.0, 1.0, 3.0, 2.0, 2.0]),
    "nn_pairs": np.full(5, 64.0),
    "valid_s": np.full(5, 60.0),
}
NAMES = [component.column for component in COMPONENTS]


def _reference(columns: Mapping[str, Floats] = MINUTES, **more: object) -> Reference:
    found = reference(columns, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


def _at(held_against: Reference, *sds: float, **more: float) -> dict[str, Floats]:
    """One window so many SD from the reference: heart rate, unexplained ln RMSSD, drive, responses."""
    window = {name: np.array([value]) for name, value in more.items()}
    for component, level, sd in zip(COMPONENTS, held_against.levels, sds, strict=False):
        if level is not None and np.isfinite(sd):
            window[component.column] = np.array([level.mean + sd * level.spread])
    heart_rate = held_against.levels[0]
    if heart_rate is not None and "ln_rmssd" in window:
        away_bpm = window.get("mean_hr_bpm", np.array([np.nan])) - heart_rate.mean
        window["ln_rmssd"] = window["ln_rmssd"] + COMPONENTS[1].per_bpm * away_bpm
    if "scr_per_min" in window:
        window["scr_per_min"] = window["scr_per_min"] ** 2
    return window


def _one(found: Arousal) -> tuple[float, float]:
    """Value and width of the band of the only window."""
    return float(found.value[0]), float(found.high[0] - found.low[0])


def test_a_window_like_the_baseline_is_50() -> None:
    held_against = _reference()
    value, width = _one(arousal(_at(held_against, 0, 0, 0, 0), held_against))
    assert value == pytest.approx(50.0)
    assert 10 < width < 40


@pytest.mark.parametrize(
    ("sds", "points"),
    [
        pytest.param((1, 0, 0, 0), 55, id="heart rate"),
        pytest.param((0, -1, 0, 0), 55, id="RMSSD beyond heart rate, downwards"),
        pytest.param((0, 0, 1, 0), 55, id="drive"),
        pytest.param((0, 0, 0, 1), 55, id="responses"),
        pytest.param((1, -1, 1, 1), 70, id="all four"),
        pytest.param((2, -2, -2, -2), 50, id="heart against skin"),
        pytest.param((-1, 1, -1, -1), 30, id="calmer than the baseline"),
        pytest.param((9, 0, 0, 0), 50 + 5 * MOST_SD, id="one component says no more than five SD"),
        pytest.param((9, -9, 9, 9), 100, id="clipped"),
    ],
)
def test_published_points(sds: tuple[float, ...], points: float) -> None:
    held_against = _reference()
    assert _one(arousal(_at(held_against, *sds), held_against))[0] == pytest.approx(points)


@pytest.mark.parametrize(
    ("columns", "points"),
    [
        pytest.param(["mean_hr_bpm", "ln_rmssd"], 50 + 10 / np.sqrt(2), id="strap alone"),
        pytest.param(["mean_hr_bpm"], 60, id="heart rate alone"),
        pytest.param(["mean_hr_bpm", "ln_drive", "scr_per_min"], 50 + 10 / np.sqrt(2), id="wrist"),
    ],
)
def test_what_the_session_lacks_leaves_10_points_an_sd(columns: list[str], points: float) -> None:
    held_against = _reference({name: MINUTES[name] for name in columns})
    assert np.linalg.norm(held_against.weights) == pytest.approx(1)
    value, width = _one(arousal(_at(held_against, 1, 0, 0, 0), held_against))
    assert value == pytest.approx(points)
    assert width > _one(arousal(_at(_reference(), 1, 0, 0, 0), _reference()))[1]


def test_rmssd_that_heart_rate_explains_adds_nothing() -> None:
    held_against = _reference()
    heart_rate, ln_rmssd = held_against.levels[0], held_against.levels[1]
    assert heart_rate is not None
    assert ln_rmssd is not None
    window = {
        "mean_hr_bpm": np.array([heart_rate.mean + 10]),
        "ln_rmssd": np.array([ln_rmssd.mean + 10 * COMPONENTS[1].per_bpm]),
    }
    alone = {"mean_hr_bpm": window["mean_hr_bpm"]}
    assert arousal(window, held_against).value == pytest.approx(arousal(alone, held_against).value)


@given(
    st.lists(st.floats(-4, 4), min_size=4, max_size=4),
    st.integers(0, 3),
    st.floats(0.01, 4),
)
def test_monotone_in_each_component(sds: list[float], which: int, more: float) -> None:
    held_against = _reference()
    raised = list(sds)
    raised[which] += COMPONENTS[which].sign * more
    if min(sds[3], raised[3]) < -2:
        return  # a rate below zero
    before, after = (arousal(_at(held_against, *each), held_against).value for each in (sds, raised))
    assert after >= before - 1e-9


@pytest.mark.parametrize(
    ("missing", "circumstances", "basis"),
    [
        pytest.param(
            (1,),
            Circumstances(paced=np.array([True])),
            "heart rate, skin level, skin responses; without ln RMSSD: paced breathing",
            id="paced",
        ),
        pytest.param(
            (0, 1),
            Circumstances(speaking=np.array([True])),
            "skin level, skin responses; without heart: speaking",
            id="speaking",
        ),
        pytest.param(
            (0, 1),
            Circumstances(noted="pacemaker noted"),
            "skin level, skin responses; without heart: pacemaker noted",
            id="pacemaker",
        ),
        pytest.param(
            (2, 3),
            Circumstances(),
            "heart rate, ln RMSSD; without skin conductance: too weak here",
            id="no skin signal",
        ),
        pytest.param(
            (3,),
            Circumstances(),
            "heart rate, ln RMSSD, skin level; without skin responses: too weak here",
            id="too short for a rate",
        ),
    ],
)
def test_what_is_left_out_counts_as_the_baseline_widens_and_is_said(
    missing: tuple[int, ...], circumstances: Circumstances, basis: str
) -> None:
    held_against = _reference()
    sds = np.array([2.0, -2.0, 2.0, 2.0])
    whole = arousal(_at(held_against, *(0.5 * sds)), held_against)
    there = 0.5 * sds
    if missing[0] >= 2:
        there[list(missing)] = np.nan
    found = arousal(_at(held_against, *there), held_against, circumstances)
    assert found.value == pytest.approx(whole.value - 5 * len(missing))
    assert _one(found)[1] > _one(whole)[1]
    assert found.basis == (basis,)
    assert whole.basis == ("heart rate, ln RMSSD, skin level, skin responses",)


def test_moving_withholds_the_heart_by_where_the_sensor_is() -> None:
    held_against = _reference()
    window = _at(held_against, 3, 0, 0, 0, motion_rms_mg=150.0)
    assert arousal(window, held_against).value == pytest.approx(50)
    wrist = Circumstances(moving_mg=WRIST_MOVING_MG)
    assert arousal(window, held_against, wrist).value == pytest.approx(65)


def test_moving_withholds_the_responses_and_keeps_the_level() -> None:
    """Pressure on an electrode makes dips that look like responses."""
    held_against = _reference()
    still = arousal(_at(held_against, 0, 0, 1, 4, motion_rms_mg=99.0), held_against)
    moving = arousal(_at(held_against, 0, 0, 1, 4, motion_rms_mg=100.0), held_against)
    assert still.value == pytest.approx(75)
    assert moving.value == pytest.approx(55)
    assert _one(moving)[1] > _one(still)[1]
    assert moving.basis == ("skin level; without heart: moving; without skin responses: moving",)


@pytest.mark.parametrize(
    ("circumstances", "heart"),
    [
        (Circumstances(speaking=np.array([True])), "speaking"),
        (Circumstances(noted="pacemaker noted"), "pacemaker noted"),
        (Circumstances(paced=np.array([True]), pulse=True), "moving"),
    ],
)
def test_of_several_reasons_the_weightiest_is_named(circumstances: Circumstances, heart: str) -> None:
    held_against = _reference()
    found = arousal(_at(held_against, 0, 0, 0, 0, motion_rms_mg=500.0), held_against, circumstances)
    assert found.basis == (f"skin level; without heart: {heart}; without skin responses: moving",)


@pytest.mark.parametrize(("sds", "end"), [((5, -5, 5, 5), 100.0), ((-5, 5, -5, -3), 0.0)])
def test_the_end_of_the_scale_is_no_certainty(sds: tuple[float, ...], end: float) -> None:
    held_against = _reference()
    middle = arousal(_at(held_against, 0, 0, 0, 0), held_against)
    found = arousal(_at(held_against, *sds), held_against)
    assert found.value == end
    assert _one(found)[1] == pytest.approx(_one(middle)[1] / 2)


def test_pulses_never_bring_rmssd() -> None:
    pulse = Circumstances(pulse=True)
    held_against = _reference(MINUTES, circumstances=pulse)
    assert held_against.levels[1] is None
    found = arousal(_at(_reference(), 1, -5, 0, 0), held_against, pulse)
    assert found.value == pytest.approx(50 + 10 / np.sqrt(2))
    assert "ln RMSSD: beats are pulses" in str(found.basis[0])


WORSE = {
    "nn_coverage": (1.0, 0.3),
    "artefact_pct": (0.0, 19.0),
    "nn_pairs": (64.0, 51.0),
    "eda_coverage": (1.0, 0.2),
    "eda_artefact_pct": (0.0, 80.0),
    "drive_share": (1.0, 0.1),
    "valid_s": (60.0, 46.0),
    "motion_rms_mg": (0.0, 90.0),
    "skin_temp_c": (33.0, 25.0),
}


@pytest.mark.parametrize("name", WORSE)
@given(sds=st.lists(st.floats(-1, 1), min_size=4, max_size=4), share=st.floats(0.05, 1))
def test_poor_signal_widens_and_never_moves(name: str, sds: list[float], share: float) -> None:
    held_against = _reference()
    good, bad = WORSE[name]
    clean = arousal(_at(held_against, *sds, **{name: good}), held_against)
    poor = arousal(_at(held_against, *sds, **{name: good + share * (bad - good)}), held_against)
    assert poor.value == clean.value
    assert poor.low <= clean.low
    assert poor.high >= clean.high


@pytest.mark.parametrize(
    ("name", "bad"), [("artefact_pct", 30.0), ("beats", 5.0), ("valid_s", 5.0), ("nn_pairs", 20.0)]
)
@given(sds=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_signal_too_poor_to_use_never_raises_what_stood_above_the_baseline(
    name: str, bad: float, sds: list[float]
) -> None:
    held_against = _reference()
    sds[1] = -sds[1]
    clean = arousal(_at(held_against, *sds), held_against)
    poor = arousal(_at(held_against, *sds, **{name: bad}), held_against)
    assert poor.value <= clean.value + 1e-9
    assert poor.low <= clean.low + 1e-9
    assert poor.high - poor.low > clean.high - clean.low


def test_no_reference_and_no_signal_say_why() -> None:
    none = arousal(MINUTES, None)
    assert np.isnan(none.value).all()
    assert none.reasons == (NO_REFERENCE,) * 5
    assert none.basis == (None,) * 5
    empty = arousal({name: np.full(1, np.nan) for name in NAMES}, _reference())
    assert np.isnan([empty.value, empty.low, empty.high]).all()
    assert empty.reasons == (NO_SIGNAL,)


@pytest.mark.parametrize(
    ("span", "starts"),
    [((60, 360), [60, 120, 180, 240, 300]), ((10, 135), [10, 70]), ((10, 60), []), ((9, 3), [])],
)
def test_blocks_are_the_whole_minutes(span: tuple[float, float], starts: list[float]) -> None:
    assert [column.tolist() for column in blocks(*span)] == [starts, [start + 60 for start in starts]]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({}, id="nothing"),
        pytest.param({name: MINUTES[name][:1] for name in NAMES}, id="one minute"),
        pytest.param({name: np.full(5, np.nan) for name in NAMES}, id="no signal"),
        pytest.param(MINUTES | {"artefact_pct": np.full(5, 60.0), "valid_s": np.zeros(5)}, id="artefacts"),
    ],
)
def test_too_little_baseline_is_no_reference(columns: dict[str, Floats]) -> None:
    assert reference(columns) is None


def test_a_constant_baseline_borrows_its_spread() -> None:
    held_against = _reference({name: np.full(5, MINUTES[name][0]) for name in NAMES})
    for component, level in zip(COMPONENTS, held_against.levels, strict=True):
        assert level is not None
        assert 0.5 * component.spread <= level.spread < component.spread


def test_the_spread_leans_on_earlier_baselines_and_the_mean_never_does() -> None:
    restless = _reference(MINUTES | {"mean_hr_bpm": np.array([60.0, 72.0, 66.0, 75.0, 58.0])})
    today, with_past = _reference(), _reference(MINUTES, earlier=[restless] * 5)
    first, later = today.levels[0], with_past.levels[0]
    assert first is not None
    assert later is not None
    assert later.spread > first.spread
    assert later.mean == first.mean


def test_a_longer_baseline_is_surer() -> None:
    long = _reference({name: np.tile(column, 3) for name, column in MINUTES.items()})
    short = _reference()
    for many, few in zip(long.levels, short.levels, strict=True):
        assert many is not None
        assert few is not None
        assert many.error < few.error
        assert few.error > few.spread / np.sqrt(few.blocks)  # neighbouring minutes are alike


def test_windows_do_not_know_of_each_other() -> None:
    held_against = _reference()
    together = arousal(MINUTES, held_against)
    for row in range(5):
        alone = arousal({name: column[row : row + 1] for name, column in MINUTES.items()}, held_against)
        assert alone.value[0] == together.value[row]
        assert alone.low[0] == together.low[row]


_ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.dictionaries(
        st.sampled_from([*NAMES, *WORSE, "beats"]), st.lists(_ANY, min_size=3, max_size=3), max_size=8
    )
)
def test_bad_input_never_raises_and_stays_in_the_scale(columns: dict[str, list[float]]) -> None:
    arrays = {name: np.array(column) for name, column in columns.items()}
    for held_against in (_reference(), reference(arrays)):
        found = arousal(arrays, held_against)
        known = np.isfinite(found.value)
        assert (found.low[known] <= found.value[known]).all()
        assert (found.value[known] <= found.high[known]).all()
        assert ((found.low[known] >= 0) & (found.high[known] <= 100)).all()


@pytest.mark.parametrize(
    ("conditions", "note"),
    [
        ({}, None),
        ({"medication class": "beta-blocker"}, "beta-blocker noted"),
        ({"heart": "has a pacemaker"}, "pacemaker noted"),
        ({"pacemaker": "yes"}, "pacemaker noted"),
        ({"pacemaker": "yes, no beta-blocker"}, "pacemaker noted"),
        ({"pacemaker": "no"}, None),
        ({"heart": "never had a pacemaker"}, None),
        ({"beta-blocker": "since 2019"}, "beta-blocker noted"),
        ({"beta_blocker": "no change"}, "beta-blocker noted"),
        ({"beta-blocker": "no"}, None),
        ({"beta-blocker": "None."}, None),
        ({"beta-blocker": "no beta-blocker"}, None),
        ({"beta-blocker": ""}, None),
        ({"propranolol_mg": "40"}, "beta-blocker noted"),
        ({"propranolol_mg": "0"}, None),
        ({"medication class": "none", "caffeine": "one cup"}, None),
    ],
)
def test_conditions_that_take_the_heart_out(conditions: dict[str, str], note: str | None) -> None:
    assert heart_note(conditions) == note


@pytest.mark.parametrize(
    "text",
    [
        *("Propranolol 40 mg", "carvedilol", "labetalol", "sotalol", "Metoprololsuccinat 47,5", "bisoprolol"),
        *("beta-blocker", "Beta Blockers", "betablocker", "β-blocker", "Β-BLOCKER", "beta-Blockade"),
        "propranolol, no others",
        "no caffeine, atenolol at eight",
        "no caffeine today, propranolol 40 mg",
        "no change in beta-blocker",
        "never missed a beta-blocker",
        "never without beta-blocker",
        "not without a beta-blocker",
        "without problems on bisoprolol",
        "beta-blocker: no change",
        "beta-blocker: no, only nebivolol",
        "no alcohol, no propranolol, but atenolol",
        "stopped propranolol on Monday",
    ],
)
def test_a_beta_blocker_is_noted_in_doubt_too(text: str) -> None:
    assert heart_note({"medication": text}) == "beta-blocker noted"


@pytest.mark.parametrize(
    "text",
    [
        *("alcohol", "salbutamol", "tramadol", "Panadol", "haloperidol", "allopurinol", "paracetamol"),
        *("no beta-blocker", "not on beta blockers", "not taking any beta-blocker", "without a β-blocker"),
        "never on propranolol",
        "no pacemaker, no beta-blocker",
        "beta-blocker: none",
        "pacemaker: no; beta-blocker: never",
    ],
)
def test_other_drugs_and_plain_denials_are_not_noted(text: str) -> None:
    assert heart_note({"medication": text}) is None
