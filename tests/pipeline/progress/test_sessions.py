"""What is kept of a session: taken from real analyses, stored, and read back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Pacer, Phase, PhaseKind, Rating
from pipeline.progress.session_records import (
    Distress,
    HalfTime,
    NearOwnBaseline,
    PacedSkill,
    Practice,
    Reaction,
    SessionValues,
    ShareLeft,
    Value,
)
from pipeline.progress.sessions import (
    FILE,
    read_sessions,
    read_values,
    session_values,
    sessions_without_values,
    write_values,
)
from pipeline.store import Home
from tests.pipeline.report.recordings import GUIDED, recording

FULL = SessionValues(
    session_id="2026-03-01T09-05-00-abcd",
    started_at=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
    client="a-014",
    protocol="guided-session",
    duration_s=840.0,
    beat_source="rr",
    device="H10",
    eda_device="EdaMove",
    eda_site="fingers",
    conditions={"posture": "sitting"},
    rest={"ln_rmssd": Value(3.7, 3.5, 3.9, 300), "ln_scl": Value(None, reason="not measured")},
    rest_phase="Baseline",
    rest_minutes=3.0,
    reactions=(Reaction("mean_hr_bpm", "Challenge", 8.0, 5.0, 11.0),),
    recoveries=(ShareLeft("mean_hr_bpm", "Challenge", "last 2 minutes", 0.2, 0.1, 0.3),),
    half_times=(HalfTime("ln_scl", "Challenge", None, reason="too short"),),
    near_baseline=(NearOwnBaseline("Recovery", 0.7, 280.0),),
    practice=(Practice("slow-breathing", "Slow, soft breathing", "breathing", True, 5.0, -3.0, 70.0, 4),),
    paced_skill=(PacedSkill(6.0, "followed", 9.5),),
    distress=Distress(2.0, 7.5, 2),
)


@pytest.fixture(scope="module")
def guided() -> Analysis:
    strap, skin = DeviceInfo("Polar H10 A1B2", "polar", model="H10"), DeviceInfo("EdaMove 4", "edamove")
    conditions = {"eda_site": "fingers", "posture": "sitting"}
    phases = (
        *GUIDED[:3],
        Phase("Paced breathing", PhaseKind.PACED, 660.0, 840.0, strategy="slow-breathing", pacer=Pacer(6.0)),
    )
    return analyse(recording(devices=(strap, skin), conditions=conditions, phases=phases))


class TestFromAnAnalysis:
    def test_what_it_is_of(self, guided: Analysis) -> None:
        found = session_values(guided)
        assert (found.session_id, found.client, found.date) == ("r1", "a-014", "2026-03-01")
        assert (found.beat_source, found.device, found.eda_device) == ("rr", "H10", "EdaMove 4")
        assert (found.eda_site, found.rest_phase, found.rest_minutes) == ("fingers", "Baseline", 3.0)
        assert found.distress == Distress(2.0, 7.5, 2)

    def test_rest_is_the_estimate_of_the_baseline(self, guided: Analysis) -> None:
        rest = session_values(guided).rest
        assert list(rest) == ["ln_rmssd", "mean_hr_bpm", "ln_scl", "scr_per_min"]
        for name, value in rest.items():
            [estimate] = [e for e in guided.estimates if (e.measure, e.phase) == (name, "Baseline")]
            assert (value.value, value.low, value.n) == (estimate.value, estimate.low, estimate.n)

    def test_reactions_and_what_was_left(self, guided: Analysis) -> None:
        found = session_values(guided)
        assert [each.change for each in found.reactions] == [each.change for each in guided.reactivity]
        late = [each.share for each in found.recoveries if each.when == "last 2 minutes"]
        assert late == [each.share_left for each in guided.recovery]
        assert len(found.half_times) == len(guided.curves)

    def test_practice_and_skill(self, guided: Analysis) -> None:
        found = session_values(guided)
        [practice] = found.practice
        assert (practice.strategy, practice.title, practice.kind) == (
            "slow-breathing",
            "Slow, soft breathing",
            "breathing",
        )
        assert (practice.paced, practice.minutes, practice.order) == (True, 3.0, 4)
        assert practice.settling_bpm is None  # too short for two minutes at either end
        assert [each.rate_bpm for each in found.paced_skill] == [6.0]

    def test_a_practice_of_four_minutes_has_a_settling(self) -> None:
        """The heart is fast in minutes 3 to 6 and slow again after them."""
        phases = (
            Phase("Baseline", PhaseKind.BASELINE, 0.0, 180.0),
            Phase("Quiet", PhaseKind.OTHER, 240.0, 540.0, strategy="five-senses"),
        )
        [practice] = session_values(analyse(recording(phases=phases, markers=()))).practice
        assert practice.start_bpm == pytest.approx(78, abs=1)
        assert practice.settling_bpm == pytest.approx(-11, abs=1.5)
        assert (practice.paced, practice.kind) == (False, "grounding")

    def test_a_stop_and_going_on_is_one_practice(self) -> None:
        pacer = Pacer(6.0)
        phases = (
            Phase("Paced", PhaseKind.PACED, 0.0, 300.0, pacer=pacer),
            Phase("Paced", PhaseKind.PACED, 300.0, 600.0, pacer=pacer),
        )
        [practice] = session_values(analyse(recording(phases=phases))).practice
        assert (practice.strategy, practice.minutes) == ("paced breathing", 10.0)

    def test_challenges_are_no_practice(self) -> None:
        assert session_values(analyse(recording(phases=GUIDED[:3]))).practice == ()

    @pytest.mark.parametrize(
        ("changes", "measure", "why"),
        [
            pytest.param({"phases": GUIDED[1:]}, "ln_rmssd", "no unpaced baseline", id="no baseline"),
            pytest.param(
                {"phases": (Phase("Baseline", PhaseKind.BASELINE, 0.0, 90.0),)},
                "ln_rmssd",
                "two usable minutes",
                id="too short",
            ),
        ],
    )
    def test_what_is_not_there_says_why(self, changes: dict[str, object], measure: str, why: str) -> None:
        value = session_values(analyse(recording(**changes))).rest[measure]
        assert value.value is None
        assert why in str(value.reason)

    def test_without_skin_the_heart_is_there(self) -> None:
        whole = recording()
        heart = analyse(replace(whole, streams={"rr": whole.streams["rr"]}))
        rest = session_values(heart).rest
        assert rest["ln_rmssd"].value is not None
        assert (rest["ln_scl"].value, session_values(heart).eda_device) == (None, None)

    def test_ratings_count_in_their_order(self) -> None:
        ratings = (Rating(400.0, "distress", 3.0), Rating(10.0, "distress", 6.0), Rating(5.0, "mood", 1.0))
        assert session_values(analyse(recording(ratings=ratings))).distress == Distress(6.0, 3.0, 2)


class TestStored:
    def test_what_is_written_is_read(self, guided: Analysis, tmp_path: Path) -> None:
        for values in (FULL, session_values(guided), SessionValues("s", None, None)):
            path = write_values(tmp_path, values)
            assert (path.name, path.stat().st_size < 12_000) == (FILE, True)
            assert read_values(path) == values

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"{", id="cut off"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b"{}", id="nothing in it"),
            pytest.param(b"\xff\xfe", id="no text"),
            pytest.param(json.dumps({**FULL.as_json(), "version": 99}).encode(), id="a later version"),
            pytest.param(json.dumps({**FULL.as_json(), "rest": 3}).encode(), id="no mapping"),
        ],
    )
    def test_what_cannot_be_read_is_one_clear_error(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / FILE
        path.write_bytes(content)
        with pytest.raises(InputError, match=FILE):
            read_values(path)

    def test_a_clients_sessions_the_oldest_first_and_those_without(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        for name in ("2026-03-03T09-00-00-aaaa", "2026-03-01T09-00-00-bbbb", "2026-03-02T09-00-00-cccc"):
            folder = home.sessions_path / "a-014" / name
            (folder / "derived").mkdir(parents=True)
            (folder / "session.json").write_text("{}")
            if "cccc" not in name:
                write_values(folder / "derived", replace(FULL, session_id=name))
        (home.sessions_path / "a-014" / "being-recorded").mkdir()
        found = read_sessions(home, "a-014")
        assert [each.session_id[-4:] for each in found] == ["bbbb", "aaaa"]
        assert sessions_without_values(home, "a-014") == ["2026-03-02T09-00-00-cccc"]
        assert read_sessions(home, "nobody") == []
