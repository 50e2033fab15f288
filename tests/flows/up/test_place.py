"""One `vagal up` to a home, and what it leaves for others to find."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from flows import orchestration
from flows.up.place import Place
from pipeline.errors import InputError, InUseError


def test_a_second_one_is_refused_in_a_line_that_names_the_first(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert not place.is_held
    with place.held():
        place.running("http://127.0.0.1:8601")
        assert place.is_held
        with pytest.raises(InUseError) as refused, Place(tmp_path).held():
            pass
    assert str(refused.value) == (
        f"vagal up is running in {tmp_path} already (process {os.getpid()}, its page http://127.0.0.1:8601): "
        "use that one, or end it with Ctrl-C first"
    )
    assert not place.is_held
    with place.held():
        pass


@pytest.mark.skipif(os.name != "posix", reason="files have no modes elsewhere")
def test_the_secret_is_for_its_owner_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.held():
        place.serves_prefect("http://127.0.0.1:1/api", "vagal:secret")
        assert stat.S_IMODE(place.prefect.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
        assert place.prefect_server() == ("http://127.0.0.1:1/api", "vagal:secret")
        kept = place.prefect.read_bytes()
    assert not place.prefect.exists()
    place.prefect.write_bytes(kept)  # as after a power cut
    assert place.prefect_server() is None


@pytest.fixture
def without_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Prefect's part of the environment empty, and put back at the end."""
    for name in {*(each for each in os.environ if each.startswith("PREFECT_")), *orchestration.SETTINGS}:
        monkeypatch.setenv(name, "")  # so that what is set meanwhile is undone
        monkeypatch.delenv(name)
    for name in ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def test_the_home_s_other_flows_use_its_server(tmp_path: Path, without_settings: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    with place.held():
        place.serves_prefect("http://127.0.0.1:1/api", "vagal:secret")
        orchestration.configure(tmp_path)
        found = (os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"])
    assert found == ("http://127.0.0.1:1/api", "vagal:secret")


def test_a_server_of_the_user_s_own_is_left_alone(
    tmp_path: Path, without_settings: pytest.MonkeyPatch
) -> None:
    without_settings.setenv("PREFECT_API_URL", "http://mine/api")
    place = Place(tmp_path)
    with place.held():
        place.serves_prefect("http://127.0.0.1:1/api", "vagal:secret")
        orchestration.configure(tmp_path)
    assert os.environ["PREFECT_API_URL"] == "http://mine/api"
    assert "PREFECT_API_AUTH_STRING" not in os.environ


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="cannot be written"), Place(tmp_path / "home").held():
        pass
