"""A session in five lines of plain text, to paste into a record: who, how sure, what was seen and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.claims.claim import Claim
from pipeline.figures import THIN
from pipeline.grammar import local_time
from pipeline.language import text
from pipeline.manifest import software
from pipeline.report.charts import exact
from pipeline.report.head import length

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.claims.claim import Claims

_FOLLOWED = ("mean_hr_bpm", "ln_scl")
_MOST = 4  # sentences of a line
_LONGEST = 700
_KEPT = "\x00"  # in place of a space that is to stay one
_HASH_DIGITS = 12


def record_lines(analysis: Analysis, claims: Claims, protocol: str) -> tuple[str, ...]:
    """Exactly five lines without a break in any of them."""
    return tuple(
        _line(each)
        for each in (
            _who(analysis, protocol),
            _said(claims, "usable"),
            _found(claims),
            _distress(analysis, claims),
            _limits(analysis),
        )
    )


def _who(analysis: Analysis, protocol: str) -> str:
    recording = analysis.recording
    when = local_time(recording.started_at) if recording.started_at else text("page.not_recorded")
    client = recording.client or text("page.no_client")
    told = text(
        "record.who", client=client, date=when, protocol=protocol, length=length(recording.duration_s)
    )
    return f"{told} {text('page.simulated')}." if recording.simulated else told


def _found(claims: Claims) -> str:
    """What the first challenge did to heart rate and skin, and what was left; else the levels at rest."""
    told = [claims.find(f"reaction.1.{measure}") for measure in _FOLLOWED]
    if not any(told):
        return _said(claims, "levels", "reaction")
    left = {each.id: each for each in claims.about("share_left.1") if isinstance(each, Claim)}
    sentences = [
        said.text
        for measure, reaction in zip(_FOLLOWED, told, strict=True)
        for said in (reaction, left.get(f"share_left.1.{measure}"))
        if said is not None
    ]
    return " ".join(sentences)


def _said(claims: Claims, *topics: str) -> str:
    return " ".join(each.text for each in claims.about(*topics)[:_MOST])


def _distress(analysis: Analysis, claims: Claims) -> str:
    values = [each.value for each in analysis.recording.ratings if each.scale == "distress"]
    if not values:
        return text("record.no_distress")
    told = text("record.distress", first=exact(values[0]), last=exact(values[-1]), count=len(values))
    compared = [each.text for each in claims.about("beside") if isinstance(each, Claim)]
    return " ".join((told, *compared[:_MOST]))


def _limits(analysis: Analysis) -> str:
    digest = analysis.recording.sha256[:_HASH_DIGITS]
    return text("record.limits", **software(), data=digest or text("page.not_recorded"))


def _line(said: str) -> str:
    """One line, whatever people wrote into the names in it."""
    words = said.replace(THIN, _KEPT).split()
    line = " ".join(words).replace(_KEPT, "\u00a0") or text("record.nothing")  # which any record can hold
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
