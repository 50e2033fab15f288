"""`vagal analyse`: any supported file or stored session in, a summary, a table or a JSON object out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.importing import Reading, name_phases, read_input
from flows.reporting import PAGES
from pipeline.analysis import Analysis, analyse
from pipeline.claims.claim import Audience
from pipeline.edits import FILE as EDITS
from pipeline.edits import with_edits
from pipeline.errors import InputError
from pipeline.model import Recording
from pipeline.parameters import Parameters
from pipeline.sealing import write_file, write_json, write_table
from pipeline.store import Home, is_session, read_session
from pipeline.values import Values

# What the terminal shows of each phase: feature, heading, digits.
_SHOWN = (
    ("mean_hr_bpm", "HR bpm", 1),
    ("rmssd_ms", "RMSSD ms", 1),
    ("sdnn_ms", "SDNN ms", 1),
    ("hf_ms2", "HF ms²", 0),
    ("scl_us", "SCL µS", 2),
    ("scr_per_min", "SCR/min", 1),
    ("nn_coverage", "beats used", 2),
)


def analyse_input(
    home: Home, what: str, how: Reading, parameters: Parameters, edits: Path | None = None
) -> Analysis:
    """Analyse a file, a folder or a stored session, masked by a file of edits, or else by a session's own."""
    recording, own = read_any(home, what, how)
    chosen = edits or own
    return analyse(with_edits(recording, chosen) if chosen else recording, parameters)


def read_any(home: Home, what: str, how: Reading) -> tuple[Recording, Path | None]:
    """A file, a folder or a stored session, unedited; and where the edits of a session lie."""
    path = Path(what)
    if path.exists() and not is_session(path):
        return read_input(path, how, home.path)[1], None
    folder = home.find(what)
    return name_phases(read_session(folder), how, home.path), folder / EDITS


def write_analysis(analysis: Analysis, out: Path) -> Iterator[Path]:
    """Write features, beats, analysis.json and the pages of both editions into a folder; yields each path."""
    from pipeline.report.client_page import render_client
    from pipeline.report.page import render

    try:
        out.mkdir(parents=True, exist_ok=True)
        write_table(out / "features.parquet", analysis.windows_table())
        yield out / "features.parquet"
        if (beats := analysis.beats_table()) is not None:
            write_table(out / "beats.parquet", beats)
            yield out / "beats.parquet"
        write_json(out / "analysis.json", analysis.as_json())
        yield out / "analysis.json"
        for audience, draw in ((Audience.CLINICIAN, render), (Audience.CLIENT, render_client)):
            page = out / PAGES[audience]
            write_file(page, draw(analysis).encode())
            yield page
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error


def summary_lines(analysis: Analysis) -> Iterator[str]:
    """The whole recording and its phases as a small table, then what should be known about it."""
    recording = analysis.recording
    began = f", began {recording.started_at:%Y-%m-%d %H:%M}" if recording.started_at else ""
    yield f"{recording.recording_id}: {recording.source}, {recording.duration_s / 60:.1f} min{began}"
    rows = [("Whole recording", analysis.whole)]
    rows += [(each.phase.name, each.values) for each in analysis.phases if len(analysis.phases) > 1]
    width = min(32, max(len(name) for name, _ in rows))
    yield " " * width + "".join(f"{heading:>11}" for _, heading, _ in _SHOWN)
    for name, values in rows:
        yield f"{name[:width]:<{width}}" + "".join(f"{_cell(values, *shown):>11}" for shown in _SHOWN)
    if all(analysis.whole.number(name) is None for name, _, _ in _SHOWN[:-1]):
        yield f"Note: no value can be given: {next(iter(analysis.whole.null_reasons.values()), '')}"
    for warning in analysis.warnings:
        yield f"Note: {warning}"


def _cell(values: Values, name: str, _: str, digits: int) -> str:
    value = values.number(name)
    return "-" if value is None else f"{value:.{digits}f}"
