"""Whether a device's clock goes on, was set, or only seems so: what a series of pieces tells.

A piece is a stretch of packets of one clock for certain, in which lateness has one lower edge. Which pieces
are of one clock, and which are astray (sent again, or with wrong stamps), shows only in what comes after.
`pipeline.device_clock` says how pieces are cut, and what follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.model import Floats

BACK_S = 0.01  # jitter goes back by less
SAME_S = 1e-5

_ASTRAY_S, _RESENT_S, _LATE_S = 10.0, 60.0, 120.0  # after so long a wrong, old, late piece is no exception
_MOST_ASTRAY = 64  # pieces, likewise
_FOR_GOOD_S = 10.0
_STALL_S, _BACKLOG_S = 30.0, 5.0  # the most a burst is late, and what comes at its own pace
_AT_ONCE, _RESENT_AT_ONCE = 4.0, 2.5  # times as fast as a clock


@dataclass(frozen=True, slots=True)
class Piece:
    """Packets of one clock: the lower edge of their lateness, device time, arrival."""

    late_s: float
    first_s: float
    last_s: float
    began_s: float
    ended_s: float


@dataclass(slots=True)
class _Clock:
    """What is known of a clock so far: its lower edge as it was at an arrival, and how far it has got."""

    late_s: float
    at_s: float
    began_s: float
    first_s: float
    reached_s: float

    @classmethod
    def of(cls, piece: Piece) -> _Clock:
        return cls(piece.late_s, piece.ended_s, piece.began_s, piece.first_s, piece.last_s)

    def leads_to(self, piece: Piece) -> bool:
        return piece.first_s >= self.reached_s - BACK_S

    def is_burst_before(self, piece: Piece) -> bool:
        """Whether all there was until now came late, at once, after a stall before the first packet."""
        earlier_s = self.late_s - piece.late_s
        at_once = self.at_s - self.began_s <= (self.reached_s - self.first_s) / _AT_ONCE
        return at_once and 0 < earlier_s < _ASTRAY_S and self.leads_to(piece)


@dataclass(slots=True)
class Course:
    """Which clock each piece is of, whether it is astray, and how many wraps it lacks."""

    pieces: list[Piece]
    late_s: Floats  # of the pieces
    began_s: Floats
    tolerance_s: float
    unsure: float  # of the rate: so much may the lower edge move in a second
    wrap_s: float
    wrap_late_s: float
    number: list[int] = field(init=False)
    astray: list[bool] = field(init=False)
    turns: list[int] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.pieces)
        self.number, self.astray, self.turns = [0] * count, [False] * count, [0] * count
        clock, row = _Clock.of(self.pieces[0]), 1
        while row < count:
            clock, row = self._follow(row, clock)

    def _follow(self, row: int, clock: _Clock) -> tuple[_Clock, int]:
        """Give the piece, and those astray with it, a clock: it and the next row."""
        piece = self._turned(row, clock)
        stop = row + 1
        if clock.is_burst_before(piece):
            clock = replace(_Clock.of(piece), began_s=clock.began_s, first_s=clock.first_s)
        elif abs(piece.late_s - clock.late_s) <= self._slack_s(piece.began_s, clock):
            self._agree(piece, clock)
        elif returns := self._return(row, piece, clock):
            stop = returns
            self._bridge(row, stop, clock)
        elif self._is_late_yet(piece, row, clock) or self._is_resent_last(piece, row, clock):
            clock.reached_s = max(clock.reached_s, piece.last_s)
        else:
            clock, self.turns[row] = _Clock.of(self.pieces[row]), 0
            self.number[row] = self.number[row - 1] + 1
            return clock, stop
        self.number[row:stop] = self.number[row - 1 : row] * (stop - row)
        return clock, stop

    def _turned(self, row: int, clock: _Clock) -> Piece:
        """The piece, with the wraps that bring it nearest to the clock."""
        piece = self.pieces[row]
        if not self.wrap_s:
            return piece
        turns = round((piece.late_s - clock.late_s) / self.wrap_late_s)
        if not turns:
            return piece
        self.turns[row], more_s = turns, turns * self.wrap_s
        return replace(
            piece,
            late_s=piece.late_s - turns * self.wrap_late_s,
            first_s=piece.first_s + more_s,
            last_s=piece.last_s + more_s,
        )

    def _slack_s(self, began_s: float, clock: _Clock) -> float:
        return self.tolerance_s + self.unsure * (began_s - clock.at_s)

    def _agree(self, piece: Piece, clock: _Clock) -> None:
        moved_s = self.unsure * (piece.ended_s - clock.at_s)
        clock.late_s = min(piece.late_s, clock.late_s + moved_s)
        clock.at_s, clock.reached_s = piece.ended_s, max(clock.reached_s, piece.last_s)

    def _return(self, row: int, piece: Piece, clock: _Clock) -> int | None:
        """The row of the piece that soon agrees with the clock again."""
        if piece.late_s < clock.late_s:
            horizon_s = _ASTRAY_S
        elif clock.leads_to(piece):
            horizon_s = _LATE_S
        else:
            horizon_s = _RESENT_S if piece.last_s <= clock.reached_s + SAME_S else _ASTRAY_S
        later = slice(row + 1, row + 1 + _MOST_ASTRAY)
        began_s = self.began_s[later]
        off_s = self.late_s[later] - clock.late_s
        if self.wrap_s:
            off_s = off_s - self.wrap_late_s * np.round(off_s / self.wrap_late_s)
        slack_s = self.tolerance_s + self.unsure * (began_s - clock.at_s)
        returns = np.flatnonzero((np.abs(off_s) <= slack_s) & (began_s <= piece.began_s + horizon_s))
        return row + 1 + int(returns[0]) if len(returns) else None

    def _bridge(self, row: int, stop: int, clock: _Clock) -> None:
        """Pieces between two that agree: late, or astray."""
        before_s = self._turned(stop, clock).first_s + BACK_S
        for between in range(row, stop):
            piece = self._turned(between, clock)
            late = piece.late_s > clock.late_s and clock.leads_to(piece) and piece.last_s <= before_s
            self.astray[between] = not late
            if late:
                clock.reached_s = max(clock.reached_s, piece.last_s)

    def _is_late_yet(self, piece: Piece, row: int, clock: _Clock) -> bool:
        """Whether a late piece is too short, with those of the same lateness, for a clock that was set."""
        late_s = piece.late_s - clock.late_s
        alike = np.abs(self.late_s[row : row + _MOST_ASTRAY] - self.late_s[row]) <= self.tolerance_s
        last = self.pieces[row + int(np.flatnonzero(alike)[-1])]
        lasts_s, device_s = last.ended_s - piece.began_s, last.last_s - self.pieces[row].first_s
        most_s = _STALL_S if lasts_s <= device_s / _AT_ONCE else _BACKLOG_S
        return 0 < late_s < most_s and lasts_s < _FOR_GOOD_S and clock.leads_to(piece)

    def _is_resent_last(self, piece: Piece, row: int, clock: _Clock) -> bool:
        """Whether the session ends in a resend: it reaches what was delivered, faster than a clock runs."""
        at_once = piece.ended_s - piece.began_s <= (piece.last_s - piece.first_s) / _RESENT_AT_ONCE
        reaches = piece.first_s <= clock.reached_s + SAME_S and piece.last_s >= clock.reached_s - SAME_S
        return row == len(self.pieces) - 1 and at_once and reaches and piece.late_s > clock.late_s
