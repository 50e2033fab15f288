"""The code on the researchers' page runs as it stands there."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.model import Phase, PhaseKind, Recording
from pipeline.study_columns import TABLES
from tests.conftest import REPO
from tests.flows.batch import study

PAGE = (REPO / "docs" / "research.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def phases() -> pd.DataFrame:
    return pd.DataFrame(study.phases())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(code: str, **given: Any) -> dict[str, Any]:
    names = dict(given)
    exec(compile(code, "docs/research.md", "exec"), names)
    return names


def _block(word: str) -> str:
    return next(code for code in CODE if word in code)


def test_from_a_folder_to_a_table_for_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page from its top, as somebody new to it would: make the study, run the command, compare."""
    _run(_block("stress.phases.csv"))
    [command] = re.findall(r"^vagal (batch study/ .*)$", PAGE, re.MULTILINE)
    environment = {**os.environ, "VAGAL_HOME": str(folder / "home"), "PYTHONPATH": str(REPO)}
    vagal = [sys.executable, "-m", "flows.cli", *command.split()]
    ended = subprocess.run(vagal, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Recordings   12: 12 analysed; 12 other files\n")
    names = _run(_block("groupby"))
    assert names["means"]["count"].tolist() == [6] * 6
    change = names["phases"].pivot(index=["participant_id", "group"], columns="phase", values="ln_rmssd")
    drop = (change["Task"] - change["Rest"]).groupby("group").mean()
    assert drop.to_dict() == pytest.approx({"control": np.log(0.8), "patient": np.log(0.6)}, abs=0.1)
    assert "patient" in capsys.readouterr().out


def test_a_table_for_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "results").mkdir()
    once = phases().assign(ln_rmssd=lambda table: np.log(table.rmssd_ms))
    once.to_parquet("results/phases_long.parquet")
    names = _run(_block("groupby"))
    assert names["means"]["count"].tolist() == [2, 2, 2, 2]
    assert "patient" in capsys.readouterr().out


def test_the_model(folder: Path) -> None:
    pytest.importorskip("statsmodels")
    rng = np.random.default_rng(1)
    table = pd.concat([phases()] * 6, ignore_index=True)
    table = table.assign(
        participant_id=[f"p{place // 2}" for place in range(len(table))],
        ln_rmssd=np.log(table.rmssd_ms) + rng.normal(0, 0.1, len(table)),
    )
    _run(_block("mixedlm"), phases=table)


def test_read_analyse_plot(folder: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    rng = np.random.default_rng(2)
    (folder / "client.txt").write_text("\n".join(str(round(rr)) for rr in rng.normal(900, 30, 800)))
    windows = _run(_block("client.txt"))["windows"]
    assert windows["rmssd_ms"].notna().all()
    assert [*pyplot.gca().get_lines()[0].get_xdata()] == windows["start_s"].tolist()
    pyplot.close("all")


def test_a_frame_in_and_frames_out(capsys: pytest.CaptureFixture[str]) -> None:
    rr_ms = np.random.default_rng(3).normal(850, 20, 400)
    frame = pd.DataFrame({"t": np.cumsum(rr_ms), "interval": rr_ms})
    names = _run(_block("interval[ms]"), frame=frame)
    assert names["analysis"].whole.features["mean_nn_ms"] == pytest.approx(850, abs=5)
    assert "rr_ms" in capsys.readouterr().out


def test_what_is_known_besides() -> None:
    [said] = re.findall(r"`(replace\(.*?\))`", PAGE, re.DOTALL)
    given = {"replace": replace, "Phase": Phase, "PhaseKind": PhaseKind}
    made = eval(said, {**given, "recording": Recording("p", "table", "", 400.0, {})})
    assert (made.client, made.phases) == ("p01", (Phase("Rest", PhaseKind.BASELINE, 0, 300),))


def test_every_block_is_run_here() -> None:
    assert len(CODE) == 5


def test_every_table_is_on_the_page() -> None:
    assert [table.file for table in TABLES if f"`{table.file}`" not in PAGE] == []
