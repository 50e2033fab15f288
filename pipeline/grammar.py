"""How texts, dates and reasons are put together: what is grammar and no sentence of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pipeline.language import text, texts, together, told


def day(at: date) -> str:
    """A date."""
    return text("dates.day", day=at.day, month=texts("dates.months")[at.month - 1], year=at.year)


def local_time(at: datetime) -> str:
    """A date and local time with its offset from UTC."""
    offset, time = at.strftime("%z"), f"{at:%H:%M}"
    if not offset:
        return text("dates.time", day=day(at), time=time)
    zone = f"{offset[:3].replace('-', '−')}:{offset[3:5]}"
    return text("dates.zoned", day=day(at), time=time, offset=zone)


def capitalised(said: str) -> str:
    """A sentence's first letter large, the rest as it is."""
    return said[:1].upper() + said[1:]


def sentence(said: str) -> str:
    """A reason or warning as a sentence of its own."""
    said = capitalised(told(said).strip())
    return said if said.endswith((".", "!", "?")) else f"{said}."


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return text("grammar.and", first=together("grammar.both", parts[:-1]), last=parts[-1])


def listed(parts: Sequence[str], key: str = "grammar.both") -> str:
    """Parts in one text, put together by a text of the catalogue; empty for none."""
    return told(together(key, parts)) if parts else ""
