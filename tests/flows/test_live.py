"""What a session in the terminal knows of its client from the pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from flows.live import conditions_known
from pipeline.indices.components import heart_note
from pipeline.profile import Profile, Screening, profile_path, write_profile
from pipeline.store import Home


@pytest.mark.parametrize(
    ("answers", "conditions", "noted"),
    [
        pytest.param(None, {}, False, id="not asked yet"),
        pytest.param({}, {}, False, id="nothing said"),
        pytest.param(
            {"pacemaker": True, "pregnancy": False, "shoe-size": True},
            {"pacemaker": "yes", "pregnancy": "no"},
            True,
            id="a pacemaker, and a question that is asked no more",
        ),
    ],
)
def test_answers_hold_for_later_sessions(
    tmp_path: Path, answers: Mapping[str, bool] | None, conditions: Mapping[str, str], noted: bool
) -> None:
    if answers is not None:
        write_profile(tmp_path, "anna-1", Profile(screening=Screening(answers, "2026-01-01")))
    found = conditions_known(Home(tmp_path), "anna-1", simulated=False)
    assert found == conditions
    assert (heart_note(found) is not None) is noted


def test_a_profile_that_cannot_be_read_keeps_nobody_from_recording(tmp_path: Path) -> None:
    path = profile_path(tmp_path, "anna-1")
    path.parent.mkdir()
    path.write_text("{")
    assert conditions_known(Home(tmp_path), "anna-1", simulated=False) == {}


def test_answers_about_a_simulated_body_are_not_taken_for_the_person_s(tmp_path: Path) -> None:
    screening = Screening({"pacemaker": False}, "2026-01-01", simulated=True)
    write_profile(tmp_path, "me", Profile(screening=screening))
    found = {told: conditions_known(Home(tmp_path), "me", simulated=told) for told in (False, True)}
    assert found == {False: {}, True: {"pacemaker": "no"}}
