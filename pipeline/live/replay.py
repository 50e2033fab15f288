"""What was shown, made again from the stored records by the same live path, bit for bit."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipeline.journal import Kind, Record
from pipeline.live.course import Decode, Follower
from pipeline.live.indices import LiveIndices
from pipeline.live.shown import WARMING_UP, Analysed, phase_name, shown_at, shown_facts, unanalysed


def shown_again(records: Iterable[Record], decoder: Callable[[], Decode]) -> Iterator[dict[str, Any]]:
    """The facts that each SHOWN record should hold, in order.

    `decoder` makes a decoder in the state of a session's beginning: live values and analysis have one each.
    The recorder decodes all that has come before it shows something, and shows an answer of the analysis from
    its ANALYSED record on. Where its queue overflowed (END tells) it showed less than is made here.
    """
    live, decode, analyst = LiveIndices(), decoder(), _Analyst(decoder())
    analysed, phase = unanalysed(WARMING_UP), None
    for record in records:
        analyst.waiting.append(record)
        if record.kind is Kind.SHOWN:
            now_s = record.facts["time_s"]
            yield shown_facts(now_s, shown_at(live, now_s), analysed, phase)
        elif record.kind is Kind.ANALYSED:
            analysed = analyst.answer(record.facts)
        elif record.kind is Kind.PHASE:
            phase = phase_name(record.facts)
        else:
            with contextlib.suppress(Exception):  # as in the recorder: what cannot be read is not shown
                live.take(record, decode(record))


class _Analyst:
    """Answers as the process beside the recorder did."""

    def __init__(self, decode: Decode) -> None:
        self.waiting: deque[Record] = deque()
        self._follower = Follower(decode)

    def answer(self, facts: dict[str, Any]) -> Analysed:
        if "why" in facts:
            return unanalysed(facts["why"])
        while self.waiting and self.waiting[0].sequence <= facts["upto"]:
            self._follower.feed(self.waiting.popleft())
        return self._follower.at(facts["at_s"])
