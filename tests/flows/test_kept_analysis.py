"""An analysis that was kept is the one that was made, or there is none."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from flows.kept_analysis import FILE, keep_analysis, kept_analysis
from pipeline.analysis import Analysis, analyse
from pipeline.language import Reason
from pipeline.model import Marker, Recording
from pipeline.parameters import Correction, Parameters
from pipeline.report.client_page import render_client
from pipeline.report.page import render
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

PARTS: dict[str, tuple[dict[str, Any], Parameters]] = {
    "guided": ({}, Parameters()),
    "pulse": ({"streams": {"pp": beats(840.0, "pp")}}, Parameters()),
    "skin alone": ({"streams": {"eda": conductance(840.0)}}, Parameters()),
    "marked": ({"markers": (Marker(100.0, "talking", "spoke", 130.0),)}, Parameters()),
    "interpolated": ({}, Parameters(correction=Correction.INTERPOLATE, normalised=True)),
    "40 s": ({"streams": {"rr": beats(40.0)}, "phases": ()}, Parameters()),
    "no baseline": ({"phases": GUIDED[1:]}, Parameters()),
}


@cache
def _made(name: str) -> tuple[Recording, Analysis]:
    facts, parameters = PARTS[name]
    made = recording(40.0 if name == "40 s" else 840.0, **facts)
    return made, analyse(made, parameters)


def plain(value: Any) -> Any:
    """A value to the last bit, as what can be compared; a reason with its key."""
    if isinstance(value, Reason):
        return [str(value), value.key, {name: plain(each) for name, each in value.values.items()}]
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        return [value.dtype.str, value.shape, content]
    if is_dataclass(value):
        return [type(value), {each.name: plain(getattr(value, each.name)) for each in fields(value)}]
    if isinstance(value, Mapping):
        return [[plain(key), plain(each)] for key, each in value.items()]
    if isinstance(value, tuple | list):
        return [type(value), [plain(each) for each in value]]
    return repr(value.item() if isinstance(value, np.generic) else value)


@pytest.mark.parametrize("name", PARTS)
def test_what_was_kept_is_what_was_made(name: str, tmp_path: Path) -> None:
    made, analysis = _made(name)
    keep_analysis(tmp_path, analysis, made, "key")
    kept = kept_analysis(tmp_path, made, "key")
    assert kept is not None
    assert plain(kept) == plain(analysis)
    assert (kept.signals.series is kept.signals.beats) == (analysis.signals.series is analysis.signals.beats)


def test_the_pages_are_the_same(tmp_path: Path) -> None:
    made, analysis = _made("guided")
    keep_analysis(tmp_path, analysis, made, "key")
    kept = kept_analysis(tmp_path, made, "key")
    assert kept is not None
    assert (render(kept), render_client(kept)) == (render(analysis), render_client(analysis))


def test_the_session_s_own_samples_are_not_stored_again(tmp_path: Path) -> None:
    made, analysis = _made("guided")
    keep_analysis(tmp_path, analysis, made, "key")
    stored = {bytes(each) for each in pq.read_table(tmp_path / FILE)["bytes"].to_pylist()}
    assert made.streams["eda"].value.tobytes() not in stored
    assert made.streams["rr"].time_s.tobytes() not in stored


def _renamed(path: Path) -> None:
    """As if a record of it had other fields in this version."""
    table = pq.read_table(path)
    facts = table.schema.metadata[b"facts"].replace(b'"null_reasons":', b'"reasons_for_null":')
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"facts": facts}), path)


def _foreign(path: Path) -> None:
    table = pq.read_table(path)
    facts = b'["record", "subprocess:Popen", {}]'
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"facts": facts}), path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:900]), id="cut short"),
        pytest.param(_renamed, id="another version's"),
        pytest.param(_foreign, id="no record of ours"),
    ],
)
def test_there_is_none_in_a_file_that_is_none(damage: Any, tmp_path: Path) -> None:
    made, analysis = _made("40 s")
    keep_analysis(tmp_path, analysis, made, "key")
    damage(tmp_path / FILE)
    assert kept_analysis(tmp_path, made, "key") is None


def test_there_is_none_for_another_key_or_another_session(tmp_path: Path) -> None:
    made, analysis = _made("40 s")
    keep_analysis(tmp_path, analysis, made, "key")
    assert kept_analysis(tmp_path, made, "another") is None
    assert kept_analysis(tmp_path, replace(made, streams={}), "key") is None
