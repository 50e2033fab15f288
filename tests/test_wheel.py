"""The wheel as a person without a checkout gets it: a fresh environment, elsewhere, the same commands."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.web.live import without_prefect


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(out)!r}))"
    made = subprocess.run([sys.executable, "-c", build], cwd=REPO, capture_output=True, text=True, check=True)
    return out / made.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def vagal(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command, in an environment that sees this one's libraries but not this checkout.

    Machine code that this checkout keeps of its loops is good for it, too: compiling them takes longer than
    all else here.
    """
    environment = tmp_path_factory.mktemp("elsewhere") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    python = environment / "bin" / "python"
    subprocess.run([*uv, "--python", python, wheel], check=True, capture_output=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment / "lib" / version / "site-packages"
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    _share_machine_code(packages)
    return environment / "bin" / "vagal"


def _share_machine_code(packages: Path) -> None:
    """numba takes it for a source of the same size and time of change."""
    for kept in REPO.glob("pipeline/**/__pycache__/*.nb?"):
        source = kept.parent.parent / f"{kept.name.partition('.')[0]}.py"
        installed = packages / source.relative_to(REPO)
        if installed.read_bytes() != source.read_bytes():
            continue
        times = source.stat()
        os.utime(installed, ns=(times.st_atime_ns, times.st_mtime_ns))
        (packages / kept.relative_to(REPO)).parent.mkdir(exist_ok=True)
        shutil.copy(kept, packages / kept.relative_to(REPO))


def test_the_wheel_claims_three_packages_and_carries_the_knowledge(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"pipeline", "devices", "flows"}
    assert "pipeline/_data/protocols/guided-session.toml" in names
    assert "pipeline/report/template.html.j2" in names
    assert not any("tests" in name for name in names)


def test_a_session_from_the_installed_wheel(vagal: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "VAGAL_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(without_prefect(tmp_path / "without")),  # the flow has tests of its own
    }
    run = subprocess.run(
        [vagal, "record", "--simulate", "--speed", "200", "--protocol", "resting-baseline",
         "--client", "w-1"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    [report] = (tmp_path / "home").glob("sessions/w-1/*/derived/report.html")
    assert "Baseline" in report.read_text()
