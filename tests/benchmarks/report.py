"""What reports cost after the features: both editions and the PDF, figures side by side in one process.

Limits hold for the least of the calls: what it takes, without what else the machine is at.

python tests/benchmarks/report.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from pipeline.analysis import Analysis, analyse
from pipeline.guidance.psychoeducation import cards
from pipeline.model import Recording
from pipeline.report.client_page import client_report, render_client
from pipeline.report.context import Context
from pipeline.report.model import session_report
from pipeline.report.names import FROM_STRAP
from pipeline.report.page import render
from pipeline.report.pdf import pdf_of
from pipeline.report.pictures import pictures
from tests.pipeline.report.known import known
from tests.pipeline.report.recordings import beats, conductance, recording

REPEATS = 15
PDF_REPEATS = 10
HTML_MS, PDF_MS, KB = 40.0, 500.0, 150.0
_LONG_S = 3600.0


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    context = known(card=cards()["stress-response"])
    sessions = {"14 min": analyse(recording()), "an hour": analyse(_hour())}
    missed = False
    print(f"{'CPU ms after features':<28}{'first':>8}{'median':>8}{'least':>8}{'limit':>8}")
    for name, analysis in sessions.items():
        clinician, client = render(analysis, context), render_client(analysis, context)
        parts: dict[str, tuple[Callable[[], object], float | None, int]] = {
            "the record": (lambda a=analysis: session_report(a, context), None, REPEATS),
            "its charts": (lambda a=analysis: pictures(a, FROM_STRAP), None, REPEATS),
            "clinician's page": (lambda a=analysis: render(a, context), None, REPEATS),
            "client's page": (lambda a=analysis: render_client(a, context), None, REPEATS),
            "both pages": (lambda a=analysis: _both(a, context), HTML_MS, REPEATS),
            "clinician's PDF": (lambda page=clinician: pdf_of(page), PDF_MS, PDF_REPEATS),
            "client's PDF": (lambda page=client: pdf_of(page), PDF_MS, PDF_REPEATS),
        }
        for part, (made, limit, repeats) in parts.items():
            first, median, least = _cpu_ms(made, repeats)
            missed |= limit is not None and least > limit
            told = f"{limit:8.0f}" if limit is not None else ""
            print(f"{f'{name}, {part}':<28}{first:8.1f}{median:8.1f}{least:8.1f}{told}")
        sizes = [len(page.encode()) / 1000 for page in (clinician, client)]
        missed |= max(sizes) > KB
        print(f"{name + ', kB of both pages':<28}{sizes[0]:8.1f}{sizes[1]:8.1f}{KB:16.0f}")
    return int(missed)


def _both(analysis: Analysis, context: Context) -> None:
    report = session_report(analysis, context)
    render(analysis, context, report)
    render_client(analysis, context, client_report(analysis, context, report.claims))


def _hour() -> Recording:
    streams = {"rr": beats(_LONG_S), "eda": conductance(_LONG_S, 32.0)}
    return recording(_LONG_S, streams=streams)


def _cpu_ms(made: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """CPU time of the first call, and the median and the least of the others."""
    took = []
    for _ in range(repeats + 1):
        began_s = time.process_time()
        made()
        took.append(1000 * (time.process_time() - began_s))
    return took[0], statistics.median(took[1:]), min(took[1:])


if __name__ == "__main__":
    sys.exit(main())
