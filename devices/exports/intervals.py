"""Beat intervals in exports: times where a logger only noted when they came, gaps, words on bad ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from devices.driver import Samples
from devices.streams import Collected, Incidents, stream_of
from pipeline.errors import InputError
from pipeline.heart.artefacts import PLAUSIBLE_MS
from pipeline.model import Floats, Gap, Stream

LONGEST_MS = 65_536.0  # a strap counts to 64 s; whatever is longer is damage, and would shift all after it
MISSING = "beats missing"

_LEAST_GAP_S = 0.4


def check_lengths(where: Callable[[int], str], interval_ms: Floats) -> None:
    """Raise InputError for an interval that would shift all after it; `where` names a row."""
    damaged = interval_ms > LONGEST_MS
    if damaged.any():
        row = int(np.argmax(damaged))
        raise InputError(f"{where(row)}: {interval_ms[row]:g} ms is no interval between beats")


def arrived(name: str, columns: Mapping[str, Floats], arrival_s: Floats, end_s: float) -> Stream:
    """A stream of beats by what their intervals add up to, each unbroken run put under its arrivals.

    `columns` begins with `<name>_ms`; `arrival_s` (n,), n > 0, from the start of the recording and never
    falling, is when a logger got each. It does not time a beat: radio and apps deliver seconds late and in
    bursts. It only tells where beats were lost. The times are those of the same strap recorded live.
    """
    firsts = np.flatnonzero(np.diff(arrival_s, prepend=-np.inf) > 0).tolist()
    parts = Collected()
    for first, last in zip(firsts, [*firsts[1:], len(arrival_s)], strict=True):
        rows = slice(first, last)
        parts.samples.append(Samples(name, {column: values[rows] for column, values in columns.items()}))
        parts.arrival_s.append(float(arrival_s[first]))
        parts.generation.append(0)
        parts.unbroken.append(0)
    return stream_of(name, parts, Incidents(end_s))


def gaps(ends_s: Floats, interval_ms: Floats, end_s: float) -> tuple[Gap, ...]:
    """The time from 0 to `end_s` that no interval covers, where it is more than rounding."""
    covered_s = np.where(interval_ms > 0, interval_ms, 0.0) / 1000
    froms, tos = np.concatenate(([0.0], ends_s)), np.concatenate((ends_s - covered_s, [end_s]))
    open_ = tos - froms >= _LEAST_GAP_S
    return tuple(Gap(float(a), float(b), MISSING) for a, b in zip(froms[open_], tos[open_], strict=True))


def interval_notices(interval_ms: Floats) -> Iterator[str]:
    """Words on what is implausible or missing among intervals, which are kept as they came."""
    count = len(interval_ms)
    bad = int(np.sum((interval_ms < PLAUSIBLE_MS[0]) | (interval_ms > PLAUSIBLE_MS[1])))
    missing = int(np.sum(np.isnan(interval_ms)))
    if bad:
        are, they = ("is", "it is") if bad == 1 else ("are", "they are")
        yield (
            f"{bad} of {count} intervals {are} zero, negative or outside "
            f"{PLAUSIBLE_MS[0]:.0f}-{PLAUSIBLE_MS[1]:.0f} ms; {they} kept and masked"
        )
    if missing:
        yield f"{missing} of {count} intervals {'is' if missing == 1 else 'are'} missing in the file"


def loss_notices(beats: Stream) -> Iterator[str]:
    """Words on the time in which beats were lost."""
    if beats.gaps:
        times = "once" if len(beats.gaps) == 1 else f"{len(beats.gaps)} times"
        lost_s = sum(gap.end_s - gap.start_s for gap in beats.gaps)
        yield f"beats are missing {times}, {lost_s:.0f} s in all; nothing is computed across a gap"
