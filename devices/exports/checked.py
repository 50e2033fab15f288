"""What every reader's recording goes through, so that no reader can forget it.

A value that no body has is kept, but never without a word; a start in no person's time is left out with one;
text from a file is fit to be shown; a signal whose samples do not lie as its rate says is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from devices.driver import Samples
from devices.exports.intervals import interval_notices
from devices.exports.reader import Source
from devices.plausible import implausible
from pipeline.errors import InputError, legible
from pipeline.model import BEAT_SOURCES, Recording, Stream

_YEARS = (1970, 2300)  # data sets shift their dates by centuries, to tell nothing of a person
_EARLY, _LATE = 0.5, 1.5  # samples from one to the next: less is disorder, more means that some are missing


def checked(source: Source, recording: Recording) -> Recording:
    """The recording with a notice on what is odd about it. Raises InputError for what makes no signal."""
    for stream in recording.streams.values():
        if _is_out_of_step(stream):
            raise InputError(
                f"{source.path}: most samples of {stream.name} are missing or out of order, for "
                f"{stream.rate_hz:g} of them a second; export it again"
            )
    began = recording.started_at
    known = began is None or _YEARS[0] <= began.year <= _YEARS[1]
    told = (
        *recording.notices,
        *(word for each in recording.streams.values() for word in _words(each)),
        *(() if known else (f"it says that it began on {began:%Y-%m-%d}, so when it did is not known",)),
    )
    return replace(
        recording,
        started_at=began if known else None,
        notices=tuple(dict.fromkeys(map(legible, told))),
        units={name: legible(unit) for name, unit in recording.units.items()},
        markers=tuple(replace(marker, text=legible(marker.text)) for marker in recording.markers),
        devices=tuple(
            replace(device, name=legible(device.name), model=device.model and legible(device.model))
            for device in recording.devices
        ),
    )


def _words(stream: Stream) -> Iterator[str]:
    """A notice for what no body has among a stream's values."""
    if stream.name in BEAT_SOURCES:
        yield from interval_notices(stream.value)
    else:
        yield from implausible(Samples(stream.name, stream.columns))


def _is_out_of_step(stream: Stream) -> bool:
    if stream.rate_hz is None or len(stream) < 3:
        return False
    steps = np.diff(stream.time_s) * stream.rate_hz
    return bool(np.mean((steps < _EARLY) | (steps > _LATE)) > 0.5)
