"""The choices an analysis depends on; they stand in every output, with a hash that tells them apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from pipeline.heart.spectrum import HF, Detrend, PsdMethod


class Correction(StrEnum):
    """What becomes of intervals that are not normal to normal."""

    EXCLUDE = "exclude"
    INTERPOLATE = "interpolate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Window and step in s; how beats are corrected and spectra estimated; the smallest response in µS.

    `psd` is None for the rule "Lomb if any usable window has a gap, else Welch". `normalised` adds LF and HF
    in normalised units and their ratio, which are left out otherwise.
    """

    window_s: float = 300.0
    step_s: float = 30.0
    correction: Correction = Correction.EXCLUDE
    detrend: Detrend = Detrend.LINEAR
    psd: PsdMethod | None = None
    hf_band: tuple[float, float] = HF
    scr_min_us: float = 0.05
    normalised: bool = False

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits; equal for equal parameters, on every machine."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]
