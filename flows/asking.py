"""The conditions of a session where no page asks for them: from an option, or asked in a terminal before it.

All are optional and one Enter goes on. Nobody is asked where nobody could answer.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.conditions import BETWEEN, CONDITIONS, checked_conditions
from pipeline.errors import InputError, UsageError

_HELP = "?"


def conditions_from(told: Iterable[str]) -> dict[str, str]:
    """Conditions from words such as "caffeine=none-today" and names of TOML files; the later word counts.

    Raises UsageError for what is no condition, InputError for a file that cannot be read.
    """
    return checked_conditions(_joined(told))


def ask_conditions(
    kept: Mapping[str, str], read: Callable[[str], str], say: Callable[[str], None]
) -> dict[str, str]:
    """Conditions as `read` answers, until they can be; at once, with those kept from last time, for nothing.

    `name=` takes one of these back, "?" tells what can be said.
    """
    say(f"Conditions, such as posture=sitting caffeine=none-today ({_HELP} shows all; Enter goes on")
    say(f"with {_shown(kept)}, as last time)." if kept else "without).")
    while True:
        words = read("Conditions:").split()
        if words == [_HELP]:
            say("\n".join(_choices()))
            continue
        try:
            return checked_conditions({**kept, **_joined(words, files=False)})
        except UsageError as error:
            say(str(error))


def somebody_can_answer() -> bool:
    """Whether the program's input is a terminal, and the program not one that runs behind others there."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        return os.name != "posix" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal that stops nobody who reads from it
        return True


def _joined(told: Iterable[str], *, files: bool = True) -> dict[str, object]:
    found: dict[str, object] = {}
    for each in told:
        name, is_word, value = each.partition("=")
        if is_word or not files:
            found[name] = _several(value.split(","))
        else:
            found |= _from_file(Path(each))
    return found


def _from_file(path: Path) -> dict[str, object]:
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); conditions are name=value, or a file of such lines"
        ) from error
    except ValueError as error:
        raise InputError(f'{path}: is no TOML such as caffeine = "none-today" ({error})') from error
    return {name: _several(value) if isinstance(value, list) else value for name, value in facts.items()}


def _several(values: Sequence[object]) -> str:
    return BETWEEN.join(str(value).strip() for value in values)


def _shown(conditions: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value.replace(BETWEEN, ',')}" for name, value in conditions.items())


def _choices() -> Iterable[str]:
    width = max(len(each.name) for each in CONDITIONS)
    for each in CONDITIONS:
        more = " (several with a comma)" if each.several else ""
        yield f"  {each.name:<{width}}  {' | '.join(each.values)}{more}"
