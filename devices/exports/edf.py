"""EDF, EDF+ and BDF recordings: the channels that are ours, and annotations as markers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from devices.exports.channels import read_channels
from devices.exports.edf_file import FIXED_BYTES, EdfFile
from devices.exports.reader import Source, unneeded
from pipeline.model import Marker, Recording


class Edf:
    """Reads EDF, EDF+ and BDF: heart, skin conductance, pulse wave, breathing, temperature, acceleration."""

    name = "edf"
    label = "EDF, EDF+ and BDF"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins as EDF or BDF does."""
        return is_edf(source)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError if the file is damaged or none of its channels is usable."""
        return read_edf(source, self.name, unit)


def is_edf(source: Source) -> bool:
    """Whether a source is one file with the version and the number of signals where EDF and BDF have them."""
    if source.only is None:
        return False
    head = source.head(str(source.only), FIXED_BYTES)
    return head[:8] in (b"0       ", b"\xffBIOSEMI") and head[252:256].strip().isdigit()


def read_edf(
    source: Source,
    format_name: str,
    unit: str | None,
    known: Collection[str] = (),
    presses: Callable[[EdfFile], Iterator[Marker]] = lambda _: iter(()),
) -> Recording:
    """The recording that an EDF holds.

    `known` are labels of signals that need no mention, `presses` the markers a recorder keeps in one of them.
    """
    name = str(source.only)
    with source.open(name) as stream:
        file = EdfFile.opened(source.where(name), stream)
        silent = [
            index
            for index, signal in enumerate(file.signals)
            if signal.is_annotations or signal.label in known
        ]
        found = read_channels(file.where, file.channels, file.samples, silent=silent)
        markers = sorted((*file.markers(), *presses(file)), key=lambda marker: marker.time_s)
        duration_s = file.duration_s
    inside = tuple(marker for marker in markers if 0 <= marker.time_s <= duration_s)
    return Recording(
        recording_id=source.title,
        source=format_name,
        sha256=source.sha256,
        duration_s=duration_s,
        streams=found.streams,
        started_at=file.started_at,
        markers=inside,
        units=found.units,
        notices=(
            *file.notices(),
            *found.notices,
            *_outside_notice(len(markers), len(markers) - len(inside)),
            *unneeded(unit, "the file names its units"),
        ),
    )


def _outside_notice(markers: int, outside: int) -> Iterator[str]:
    if outside:
        lie = "lies" if outside == 1 else "lie"
        yield f"{outside} of {markers} annotations {lie} outside the recording; no marker is made of those"
