"""A resonance assessment from a simulated session to the file that the next pacer reads."""

import json
from pathlib import Path

import pytest

from devices.virtual.traits import Traits
from flows.reporting import write_report
from flows.resonance import FILE, LastResonance, latest_resonance, read_resonance, write_resonance
from pipeline.analysis import analyse
from pipeline.errors import InputError
from pipeline.guidance.protocol import Protocol, Step
from pipeline.guidance.resonance import Verdict
from pipeline.model import Pacer, PhaseKind
from pipeline.report.resonance import resonance, section
from pipeline.sealing import write_json
from pipeline.store import Home, read_session
from tests.flows.rooms import play, resting
from tests.pipeline.guidance.paced import RATES, assessed, heart, peaking, steps
from tests.pipeline.report.recordings import page_of

CLEAR = Traits(resonance_bpm=5.5, resonance_gain=4.0, resonance_width_bpm=0.5, rsa_wander=0.02)
FIVE_RATES = Protocol(
    "resonance",
    "Resonance assessment",
    "Five rates.",
    "You can stop at any time.",
    tuple(
        step
        for rate in RATES
        for step in (
            Step(f"{rate:g} a minute", PhaseKind.PACED, 120.0, "Follow the pacer.", pacer=Pacer(rate)),
            Step("Rest", PhaseKind.OTHER, 30.0, "Breathe as you usually do."),
        )
    ),
)
RETEST = "Two of three people had another rate at retest (Capdevila 2021): re-check before relying on it."


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session of a client whose heart moves most at 5.5 a minute, with its report."""
    folder = play(tmp_path_factory.mktemp("home"), FIVE_RATES, traits=CLEAR).folder
    write_report(folder)
    return folder


def _home(folder: Path) -> Home:
    return Home(folder.parents[2])


class TestASession:
    def test_the_assessment_is_stored_with_the_truth(self, reported: Path) -> None:
        found = read_resonance(reported / "derived" / FILE)
        started_at = read_session(reported).started_at
        assert started_at is not None
        assert (found.verdict, found.best_bpm) == (Verdict.AGREED, CLEAR.resonance_bpm)
        assert found.dated.date == started_at.date().isoformat()
        assert found.dated.session_id == reported.name

    def test_the_next_pacer_can_read_it(self, reported: Path) -> None:
        found = read_resonance(reported / "derived" / FILE)
        assert found.dated.date is not None
        assert latest_resonance(_home(reported), "test-1", simulated=True) == LastResonance(
            5.5, found.dated.date, reported.name, found.not_distinguishable_bpm
        )

    def test_the_report_tells_it_with_its_date_and_caution(self, reported: Path) -> None:
        page = page_of((reported / "derived" / "report.html").read_text(encoding="utf-8"))
        headings = [words for level, words in page.headings if level == 2]
        assert headings[headings.index("Resonance today") - 1] == "Reactivity and recovery"
        assert "agree on 5.5 breaths a minute today." in page.words
        assert RETEST in page.words
        assert "This is the result of" in page.words

    def test_report_and_file_tell_of_one_assessment(self, reported: Path, tmp_path: Path) -> None:
        analysis = analyse(read_session(reported))
        found = analysis.resonance
        assert found is not None
        path = write_resonance(tmp_path, analysis)
        assert path is not None
        assert resonance(analysis) == section(found)
        assert analysis.resonance is found  # it takes a while, and is made once
        assert read_resonance(path) == found

    def test_a_session_without_such_steps_has_neither_file_nor_section(self, tmp_path: Path) -> None:
        folder = play(tmp_path, resting(90)).folder
        html = write_report(folder).read_text(encoding="utf-8")
        assert not (folder / "derived" / FILE).exists()
        assert "Resonance" not in html
        assert latest_resonance(Home(tmp_path), "test-1") is None


def _stored(home: Path, session: str, facts: object, client: str = "c1", *, simulated: bool = False) -> None:
    derived = home / "sessions" / client / session / "derived"
    derived.mkdir(parents=True)
    write_json(derived / FILE, facts)
    write_json(derived.parent / "session.json", {"simulated": simulated})


def _facts(best: float | None, day: str = "2026-03-01") -> dict[str, object]:
    """A stored assessment: of a best rate, or of rates that are alike."""
    phases = steps()
    swing = peaking(best) if best is not None else (lambda _: 12.0)
    facts = json.loads(json.dumps(assessed(phases, heart(phases, swing)).as_json()))
    return {**facts, "dated": {"date": day, "session_id": day}}


class TestLatest:
    def test_the_newest_session_counts(self, tmp_path: Path) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0, "2026-03-01"))
        _stored(tmp_path, "2026-03-08", _facts(5.0, "2026-03-08"))
        found = latest_resonance(Home(tmp_path), "c1")
        assert found is not None
        assert found[:3] == (5.0, "2026-03-08", "2026-03-08")

    def test_another_clients_does_not(self, tmp_path: Path) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0), client="c2")
        assert latest_resonance(Home(tmp_path), "c1") is None

    def test_a_simulated_one_sets_no_real_persons_pacer(self, tmp_path: Path) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0))
        _stored(tmp_path, "2026-03-08", _facts(5.0), simulated=True)
        found = [latest_resonance(Home(tmp_path), "c1", simulated=each) for each in (False, True)]
        assert [each and each.rate_bpm for each in found] == [6.0, 5.0]

    def test_a_newer_one_in_which_no_rate_stood_out_takes_the_older_ones_place(self, tmp_path: Path) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0))
        _stored(tmp_path, "2026-03-08", _facts(None))
        assert latest_resonance(Home(tmp_path), "c1") is None

    @pytest.mark.parametrize("manifest", ["{", "[]", "{}"])
    def test_a_session_that_cannot_be_read_is_passed_over(self, tmp_path: Path, manifest: str) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0))
        _stored(tmp_path, "2026-03-08", _facts(5.0, "2026-03-08"))
        (tmp_path / "sessions" / "c1" / "2026-03-08" / "session.json").write_text(manifest)
        found = latest_resonance(Home(tmp_path), "c1")
        assert found is not None
        assert found.rate_bpm == 6.0

    @pytest.mark.parametrize(
        "facts",
        [None, {}, {"version": 99}, assessed(steps(), None).as_json()],
        ids=["null", "empty", "from another version", "could not be assessed"],
    )
    def test_what_says_nothing_is_passed_over(self, tmp_path: Path, facts: object) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0))
        _stored(tmp_path, "2026-03-08", facts)
        found = latest_resonance(Home(tmp_path), "c1")
        assert found is not None
        assert found.rate_bpm == 6.0

    def test_a_torn_file_and_an_unfinished_import_are_passed_over(self, tmp_path: Path) -> None:
        _stored(tmp_path, "2026-03-01", _facts(6.0))
        _stored(tmp_path, "2026-03-08", _facts(5.0))
        _stored(tmp_path, ".2026-03-09T09-00-00-abcd", _facts(4.5))
        (tmp_path / "sessions" / "c1" / "2026-03-08" / "derived" / FILE).write_bytes(b'{"version": 1, ')
        found = latest_resonance(Home(tmp_path), "c1")
        assert found is not None
        assert found.rate_bpm == 6.0

    def test_a_file_that_cannot_be_read_says_which(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"resonance\.json"):
            read_resonance(tmp_path / FILE)
