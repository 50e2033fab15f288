"""What all tests share: where the repository is, and where real recordings are, if they are."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made says something of the machine, which others may keep busy.
settings.register_profile(
    "any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings beside the repository; skips the test where there is none."""
    folder = REPO.parent / "shared" / "recordings"
    if not folder.is_dir():
        pytest.skip("needs the real recordings, which are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def share(request: pytest.FixtureRequest) -> float:
    """The part of the full counts to run, where a test counts by itself."""
    part: float = request.config.getoption("--share")
    return part


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--share",
        type=float,
        default=0.03,
        help="part of the full counts to run in fault tests (1: all of them)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "prove: what takes long, a session that goes wrong, say: `make prove` runs it"
    )
    config.addinivalue_line(
        "markers", "attempts(n): run `attempt` 0 to n-1 in full, at least twice in any case"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an `attempt` runs as many of its full count as `--share` asks for."""
    if "attempt" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("attempts")
        assert marker is not None, f"{metafunc.definition.name}: how many attempts in full?"
        full = marker.args[0]
        count = min(full, max(2, round(full * metafunc.config.getoption("--share"))))
        metafunc.parametrize("attempt", range(count))


@pytest.hookimpl(trylast=True)  # after those are out that are not asked for
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first: theirs are the long ones, and the short ones then even out the end."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (tests[item.path], item.path))
