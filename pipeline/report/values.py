"""Results as tables: values by phase, what a challenge changed, what was left, and how all was computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.features import BY_NAME
from pipeline.model import Phase
from pipeline.regulation import Recovery, baseline_of
from pipeline.report import figures
from pipeline.report import wording as w
from pipeline.report.axis import Axis
from pipeline.report.charts import Chart, Dot, comparison, exact, rate_course, spectrum
from pipeline.report.figures import NONE, Quantity, clock, number, percent
from pipeline.report.outcomes import Outcome, challenges, outcomes
from pipeline.report.summary import EFFECTS
from pipeline.report.tables import Cell, Group, Notes, Row, Table, plain

if TYPE_CHECKING:
    from pipeline.analysis import Analysis, PhaseValues
    from pipeline.values import Values

_HEART = (figures.HEART_RATE, figures.RMSSD, figures.SDNN, figures.LF, figures.HF)
_SKIN = (figures.SCL, figures.SCR_RATE, figures.SCR_AMPLITUDE)
_OF_HEART = ("mean_hr_bpm", "ln_rmssd")
_COMPARED = (figures.HEART_RATE, figures.RMSSD, figures.SCL, figures.SCR_RATE)


@dataclass(frozen=True, slots=True)
class ByPhase:
    """The phase table, the panels that compare phases, the spectra, and sentences about them."""

    table: Table
    panels: tuple[Chart, ...]
    baseline: str | None
    any_paced: bool
    spectra: tuple[Chart, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What challenges changed and what was left, or a sentence in place of the table."""

    chart: Chart | None
    table: Table
    nothing: str


def by_phase(analysis: Analysis, words: w.HeartWords) -> ByPhase:
    """Every phase's values; the whole session's where there are no phases."""
    phases = analysis.phases
    baseline = baseline_of([each.phase for each in phases])
    remarks = [
        *([w.NO_PHASES] if not phases else []),
        *([w.NO_HEART] if analysis.beats is None else [w.COUNTS, w.LENGTHS_DIFFER]),
        *([w.FROM_PULSES] if analysis.recording.beat_source == "pp" else []),
        *([w.NO_SKIN] if analysis.eda is None else []),
        *_followed(phases),
    ]
    return ByPhase(
        table=_phase_table(analysis, words),
        panels=_panels(analysis, words, baseline) if len(phases) > 1 else (),
        baseline=baseline.name if baseline is not None else None,
        any_paced=any(each.phase.paced for each in phases),
        spectra=_spectra(analysis, baseline),
        remarks=tuple(remarks),
    )


def _followed(phases: Sequence[PhaseValues]) -> list[str]:
    """How each pacer was followed; of phases of one name, one pacer each, with their numbers."""
    names = Counter(each.phase.name for each in phases)
    return [
        f"{f'{place} ' if names[each.phase.name] > 1 else ''}{each.phase.name}: {each.pacing.sentence}"
        for place, each in enumerate(phases, 1)
        if each.pacing is not None
    ]


def _quantities(analysis: Analysis) -> tuple[Quantity, ...]:
    heart = _HEART if analysis.beats is not None else ()
    return (*heart, *_SKIN) if analysis.eda is not None else heart


def _phase_table(analysis: Analysis, words: w.HeartWords) -> Table:
    quantities, notes = _quantities(analysis), Notes()
    counts = analysis.beats is not None
    units = tuple((w.label(each.key, words), each.unit) for each in quantities)
    counted = ((w.BEATS, ""), (w.PAIRS, "")) if counts else ()
    numbered = list(enumerate(analysis.phases, 1))

    def rows(paced: bool) -> tuple[Row, ...]:
        return tuple(
            Row(
                f"{place} {each.phase.name}",
                _cells(each.values, each.phase.duration_s, quantities, notes, counts=counts),
                _detail(each.phase),
            )
            for place, each in numbered
            if each.phase.paced == paced
        )

    groups = [Group(rows(False))]
    if paced := rows(True):
        groups.append(Group(paced, w.PACED_ROWS if groups[0].rows else w.PACED_ONLY))
    if not numbered:
        whole = _cells(analysis.whole, analysis.recording.duration_s, quantities, notes, counts=counts)
        groups = [Group((Row(w.WHOLE, whole),))]
    head = ((w.PHASE, ""), (w.LENGTH, ""), *counted, *units)
    return Table(w.PHASE_CAPTION, head, tuple(groups), notes.listed())


def _detail(phase: Phase) -> str:
    """What a phase is, in small: its kind or pace, and the strategy practised."""
    kind = w.PHASE_KINDS[phase.kind]
    if phase.paced:
        kind = w.PACED_AT.format(rate=exact(phase.pacer.breaths_per_min)) if phase.pacer else w.PACED
    told = [kind] if kind and kind.lower() != phase.name.lower() else []
    if phase.strategy and phase.strategy.lower() != phase.name.lower():
        told.append(phase.strategy)
    return "; ".join(told)


def _cells(
    values: Values, duration_s: float, quantities: Sequence[Quantity], notes: Notes, *, counts: bool
) -> tuple[Cell, ...]:
    cells = [Cell(clock(duration_s))]
    for key in ("beats", "nn_pairs") if counts else ():
        count = values.number(key)
        cells.append(Cell(number(count)) if count is not None else _missing(values, key, notes))
    for quantity in quantities:
        value = values.number(quantity.key)
        cells.append(
            Cell(quantity.text(value)) if value is not None else _missing(values, quantity.key, notes)
        )
    return tuple(cells)


def _missing(values: Values, key: str, notes: Notes) -> Cell:
    return notes.missing(values.null_reasons.get(key, w.NOT_COMPUTED))


def _panels(analysis: Analysis, words: w.HeartWords, baseline: Phase | None) -> tuple[Chart, ...]:
    """One small chart per measure that any phase has a value of."""
    panels = []
    for quantity in _COMPARED:
        dots = [
            Dot(
                f"{place} {each.phase.name}",
                each.values.number(quantity.key),
                each.phase.paced,
                each.phase is baseline,
            )
            for place, each in enumerate(analysis.phases, 1)
        ]
        panels.append(comparison(f"by-{quantity.key}", w.measure(quantity.key, words), quantity, dots))
    return tuple(panel for panel in panels if panel is not None)


def _spectra(analysis: Analysis, baseline: Phase | None) -> tuple[Chart, ...]:
    """The baseline's spectrum beside that of the first paced phase, as far as either can carry one."""
    shown = [each for each in analysis.phases if each.phase is baseline]
    shown += [each for each in analysis.phases if each.phase.paced and _has_spectrum(each)][:1]
    found = (
        (each.phase, analysis.signals.spectrum(each.phase.start_s, each.phase.end_s))
        for each in shown
        if _has_spectrum(each)
    )
    return tuple(
        spectrum(f"spectrum-{place}", phase.name, each, paced=phase.paced)
        for place, (phase, each) in enumerate(found)
        if each is not None
    )


def _has_spectrum(each: PhaseValues) -> bool:
    return each.values.number("lf_ms2") is not None


def change(analysis: Analysis, axis: Axis, words: w.HeartWords) -> Change:
    """What every challenge changed, and what was left of it."""
    baseline = baseline_of([each.phase for each in analysis.phases])
    chart, nothing = None, w.NO_CHALLENGE
    if challenges(analysis):
        nothing = w.NO_CHANGES_WITHOUT_BASELINE if baseline is None else w.NO_CHANGES
        level = _baseline_level(analysis, baseline)
        chart = rate_course(axis, analysis.signals.block_heart_rate_bpm, level, words)
    found = [[each for each in group if _recorded(analysis, each)] for group in outcomes(analysis)]
    return Change(chart, _change_table([group for group in found if group], words), nothing)


def _recorded(analysis: Analysis, outcome: Outcome) -> bool:
    """Whether the signal that a measure comes from was recorded at all."""
    signal = analysis.beats if outcome.reaction.measure in _OF_HEART else analysis.eda
    return signal is not None


def _baseline_level(analysis: Analysis, baseline: Phase | None) -> tuple[Phase, float] | None:
    held = next((each for each in analysis.phases if each.phase is baseline), None)
    level = held.values.number("mean_hr_bpm") if held is not None else None
    return (held.phase, level) if held is not None and level is not None else None


def _change_table(found: Sequence[Sequence[Outcome]], words: w.HeartWords) -> Table:
    """A row per measure, in a group per challenge."""
    notes = Notes()
    groups = tuple(
        Group(
            tuple(Row(w.measure(each.reaction.measure, words), _change_cells(each, notes)) for each in group),
            _group_title(group),
        )
        for group in found
    )
    head = tuple((text, "") for text in w.CHANGE_HEAD)
    return Table(w.CHANGE_CAPTION, head, groups, notes.listed())


def _group_title(group: Sequence[Outcome]) -> str:
    first = group[0].reaction
    recovery = next((each.after.recovery for each in group if each.after is not None), None)
    text = w.CHANGE_FROM_TO if recovery is None else w.CHANGE_FROM_TO_THEN
    return text.format(baseline=first.baseline, challenge=first.challenge, recovery=recovery)


def _change_cells(outcome: Outcome, notes: Notes) -> tuple[Cell, ...]:
    each = outcome.reaction
    if each.change is None or each.low is None or each.high is None:
        missing = notes.missing(each.reason or w.NOT_COMPUTED)
        left = _left_cell(outcome.after, notes)
        return (missing, missing, Cell(number(each.blocks)), Cell(w.NOT_ESTIMABLE), left)
    amount, low, high = EFFECTS[each.measure].texts(each.change, each.low, each.high)
    return (
        Cell(amount),
        Cell(w.LOW_TO_HIGH.format(low=low, high=high)),
        Cell(number(each.blocks)),
        Cell(w.DETECTABLE if each.stands_out else w.NOT_DETECTABLE),
        _left_cell(outcome.after, notes),
    )


def _left_cell(after: Recovery | None, notes: Notes) -> Cell:
    if after is None:
        return notes.missing(w.NO_RECOVERY)
    if after.share_left is None or after.low is None or after.high is None:
        return notes.missing(after.reason or w.NOT_COMPUTED)
    low, high = number(100 * after.low), percent(100 * after.high)
    return Cell(w.SHARE_LEFT.format(share=percent(100 * after.share_left), low=low, high=high))


def methods(analysis: Analysis, words: w.HeartWords, written_by: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every setting that the values depend on: term and text."""
    recording, chosen = analysis.recording, analysis.parameters
    units = [
        w.UNIT_OF.format(stream=w.STREAMS.get(name, name), unit=unit)
        for name, unit in recording.units.items()
    ]
    intervals = w.INTERVALS_USED.format(interval=words.interval)
    return [
        (w.VALUES_METHOD, w.FINAL),
        (w.BEATS_METHOD, f"{intervals} {w.CORRECTION.get(chosen.correction, chosen.correction)}"),
        (w.SPECTRUM_METHOD, _spectrum_method(analysis)),
        (w.SKIN_METHOD, w.SKIN_USED.format(threshold=number(chosen.scr_min_us, 2))),
        *([(w.INDEX_METHOD, w.INDEX_USED)] if _has_index(analysis) else []),
        (w.CHANGES_METHOD, w.CHANGES_USED),
        (w.FLOORS_METHOD, w.FLOORS_USED),
        (w.WINDOWS_METHOD, w.WINDOWS_USED.format(window=f"{chosen.window_s:g}", step=f"{chosen.step_s:g}")),
        (w.INPUT, recording.source),
        *([(w.UNITS, "; ".join(units))] if units else []),
        (w.SESSION, recording.recording_id),
        (w.SHA256, recording.sha256 or NONE),
        (w.SOFTWARE, w.WRITTEN_BY.format(**written_by)),
    ]


def _has_index(analysis: Analysis) -> bool:
    indices = analysis.signals.indices
    return indices is not None and indices.reference is not None


def _spectrum_method(analysis: Analysis) -> str:
    if analysis.psd_method is None:
        return w.NO_SPECTRUM
    psd, detrend = str(analysis.psd_method), str(analysis.parameters.detrend)
    return w.SPECTRUM_USED.format(psd=w.PSD.get(psd, psd), detrend=w.DETREND.get(detrend, detrend))


def formulas(words: w.HeartWords) -> Table:
    """How each value of the phase table is computed, and after whom."""
    rows = [
        [w.label(each.key, words), each.unit, BY_NAME[each.key].formula, BY_NAME[each.key].source]
        for each in (*_HEART, *_SKIN)
    ]
    return plain(w.FORMULAS_CAPTION, w.FORMULA_HEAD, rows, words=True)
