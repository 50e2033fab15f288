"""What a batch has gathered, as the account needs it: rows for recordings, files for what is larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.exclusions import Exclusion
from pipeline.participants import Joined

FEATURES = "features.parquet"
RECORDINGS = "recordings.parquet"
PHASES_LONG = "phases_long.parquet"
PHASES_WIDE = "phases_wide.parquet"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Tables:
    """The gathered tables of a batch.

    `recordings` are the rows of recordings.parquet, one for each unit: recording_id, group, status, reason,
    and the values of the whole recording by their names in the data dictionary. `varied` has rows for each
    level of a sensitivity analysis that changes values: recording_id, choice, value (as text), and the values
    of the whole recording or, with `phase`, of one. `broken` are the rules of exclusion that are broken.
    `beside` counts files that are no recordings. `phases_long` also has what rules exclude, for them to be
    varied; the phase tables are None where no recording has phases.
    """

    recordings: Rows
    varied: Rows
    broken: tuple[Exclusion, ...]
    beside: int
    features: Path
    phases_long: Path | None = None
    phases_wide: Path | None = None
    windows: int = 0
    joined: Joined | None = None
    values_hash: str = ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What should be known of the batch as a whole, a sentence each."""
        copies = sum(row.get("duplicate_of") is not None for row in self.recordings)
        one = "1 recording repeats another and counts once"
        told = one if copies == 1 else f"{copies} recordings repeat others and count once"
        return (
            *(self.joined.notices if self.joined else ()),
            *([f"{told}: see duplicate_of in {RECORDINGS}"] if copies else []),
        )
