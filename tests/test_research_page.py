"""The code on the researchers' page runs as it stands there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.study_columns import TABLES
from tests.conftest import REPO
from tests.flows.batch.study import phases

PAGE = (REPO / "docs" / "research.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


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


def test_a_table_for_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "results").mkdir()
    phases().assign(ln_rmssd=lambda table: np.log(table.rmssd_ms)).to_parquet("results/phases_long.parquet")
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
    frame = _run(_block("read_recording"))["frame"]
    assert frame["rmssd_ms"].notna().any()
    assert [*pyplot.gca().get_lines()[0].get_xdata()] == frame["start_s"][
        frame["window_index"].notna()
    ].tolist()
    pyplot.close("all")


def test_intervals_of_a_frame(capsys: pytest.CaptureFixture[str]) -> None:
    rr_ms = np.random.default_rng(3).normal(850, 20, 400)
    rr = pd.DataFrame({"time_s": np.cumsum(rr_ms) / 1000, "rr_ms": rr_ms})
    whole = _run(_block("Stream("), rr=rr)["whole"]
    assert whole.features["mean_nn_ms"] == pytest.approx(850, abs=5)
    assert capsys.readouterr().out


def test_every_block_is_run_here() -> None:
    assert len(CODE) == 4


def test_every_table_is_on_the_page() -> None:
    assert [table.file for table in TABLES if f"`{table.file}`" not in PAGE] == []
