"""The data dictionary and the page of the indices, made from the definitions the code works by.

python -m pipeline.dictionary > docs/indices.md
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from pipeline.features import FEATURES, Feature

_HEAD = """\
# The indices

*Made from the code's own definitions (`make docs`); changes belong there.*

Every value stands for a window of time, `start_s <= time < end_s`: a phase, a sliding window, or the whole
recording. A window that holds less than the smallest one below has no value, and `null_reasons` says which
rule withheld it; a hundredth of the seconds may lack, and NN intervals need fill four fifths of them. Where
breathing is not known, HF needs 67 s, which hold ten breaths at nine a minute. The floors are the project's
choices from the literature. That no heart rate is given where over 30 % of the intervals are excluded is
its own: those that are left may then be false ones that look alike. Heart-rate variability takes NN
intervals only, and differences only between two that follow each other. From pulses (`beat_source` is `pp`)
the columns keep their names, and texts say pulse-rate variability.

These are proxies of autonomic arousal, and weak ones. They measure no hormone, diagnose nothing and treat
nothing.
"""


def entries() -> list[dict[str, str]]:
    """One entry for each column of the feature table, in its order."""
    return [
        {
            "name": feature.name,
            "group": str(feature.group),
            "unit": feature.unit,
            "summary": feature.summary,
            "formula": feature.formula,
            "smallest_window": str(feature.floor),
            "source": feature.source,
        }
        for feature in FEATURES
    ]


def page() -> str:
    """The page of the indices, in Markdown."""
    return "\n".join([_HEAD, *_tables(), *_definitions()]) + "\n"


def _tables() -> Iterator[str]:
    for group, features in groupby(FEATURES, key=lambda feature: feature.group):
        yield f"## {str(group).capitalize()}\n"
        yield from _table(list(features))
        yield ""


def _table(features: list[Feature]) -> Iterator[str]:
    measured = any(feature.formula for feature in features)
    head = ("column", "unit", "what it is", *(("formula", "smallest window", "source") if measured else ()))
    yield from head_lines(*head)
    for feature in features:
        cells = [name_of(feature), feature.unit, feature.summary]
        if measured:
            cells += [feature.formula, str(feature.floor), feature.source]
        yield line(*cells)


def name_of(feature: Feature) -> str:
    """How a table names a feature."""
    return f"`{feature.name}`" + (" (opt-in)" if feature.opt_in else "")


def head_lines(*names: str) -> tuple[str, str]:
    """The two lines that begin a table in Markdown."""
    return line(*names), "|" + "---|" * len(names)


def line(*cells: str) -> str:
    """A line of it."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _definitions() -> Iterator[str]:
    yield "## How they are computed\n"
    for title, function in _methods():
        yield f"### {title}\n"
        yield f"`{function.__module__}.{function.__qualname__}`\n"
        yield inspect.getdoc(function) or ""
        yield ""


def _methods() -> list[tuple[str, Callable[..., Any] | type]]:
    """The functions that define the indices, by the name a reader would look for."""
    from pipeline.breathing.rate import breathing_columns
    from pipeline.heart.artefacts import classify
    from pipeline.heart.complexity import dfa_alpha1, sample_entropy
    from pipeline.heart.corrected import corrected_times, interpolated
    from pipeline.heart.ecg import r_peaks
    from pipeline.heart.ppg import pulse_intervals
    from pipeline.heart.rhythm import rhythm_concentration
    from pipeline.heart.spectrum import choose_psd_method, spectrum
    from pipeline.heart.time_domain import baevsky_si, time_domain
    from pipeline.indices.delayed_arousal import delayed_arousal
    from pipeline.motion import motion_columns
    from pipeline.skin.decomposition import decompose
    from pipeline.skin.levels import skin_columns
    from pipeline.skin.responses import responses
    from pipeline.skin.signal import prepare
    from pipeline.skin.sympathetic import sympathetic_powers

    return [
        ("Which beats count", classify),
        ("Corrected times", corrected_times),
        ("Interpolated beats", interpolated),
        ("R peaks", r_peaks),
        ("Pulse intervals", pulse_intervals),
        ("Time domain", time_domain),
        ("Baevsky's stress index", baevsky_si),
        ("Spectrum", spectrum),
        ("One spectral method for a recording", choose_psd_method),
        ("Rhythm concentration", rhythm_concentration),
        ("Sample entropy", sample_entropy),
        ("Scaling exponent", dfa_alpha1),
        ("Breathing", breathing_columns),
        ("Motion", motion_columns),
        ("Skin conductance: mask and level", prepare),
        ("Skin-conductance responses", responses),
        ("What a window holds of them", skin_columns),
        ("Convex decomposition", decompose),
        ("EDASymp", sympathetic_powers),
        ("Delayed arousal", delayed_arousal),
    ]


if __name__ == "__main__":
    print(page(), end="")
