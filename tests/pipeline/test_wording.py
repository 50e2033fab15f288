"""The catalogue and the code agree: every key that is used is there, and every key there is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from pipeline.language import Text, catalogue

ROOT = Path(__file__).parents[2]
ONE = ("",)
SAYING = {
    "text": ONE,
    "reason": ONE,
    "texts": ONE,
    "together": ONE,
    "plural": (".one", ".many"),
}  # keys end so
IN_TABLES = {"choice", "known", "_known", "HeartWords"}  # whose first argument is a table
OF_THE_WEB = "web."  # said by scripts, which tests/flows/web/test_words.py reads
_IN_TEMPLATE = re.compile(r"""\b(text|texts|plural)\(\s*["']([a-z0-9_.]+)["']""")


@dataclass(frozen=True, slots=True)
class Call:
    """A key that is said somewhere, as a pattern, and the names filled in; None if not all are seen."""

    where: str
    name: str
    pattern: str
    filled: frozenset[str] | None


@cache
def _trees() -> tuple[tuple[str, ast.Module], ...]:
    files = sorted(path for folder in ("pipeline", "flows") for path in (ROOT / folder).rglob("*.py"))
    return tuple(
        (str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8")))
        for path in files
        if path.name != "language.py"
    )


@cache
def _templates() -> tuple[tuple[str, str], ...]:
    files = sorted(path for folder in ("pipeline", "flows") for path in (ROOT / folder).rglob("*.j2"))
    return tuple((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in files)


def _pattern(node: ast.expr) -> str | None:
    """What a key may be, as a regular expression; None for one that the code does not spell out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [str(each.value) if isinstance(each, ast.Constant) else None for each in node.values]
        return "".join("[a-zA-Z0-9_.-]+" if part is None else re.escape(part) for part in parts)
    if isinstance(node, ast.IfExp):
        either = [_pattern(node.body), _pattern(node.orelse)]
        return None if None in either else "|".join(f"(?:{each})" for each in either)
    return None


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _calls() -> Iterator[Call]:
    for where, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) in SAYING and node.args:
                pattern = _pattern(node.args[0])
                names = {keyword.arg for keyword in node.keywords}
                filled = None if None in names else frozenset(name for name in names if name)
                if pattern is not None:
                    yield Call(f"{where}:{node.lineno}", _called(node), pattern, filled)
    for where, source in _templates():
        for name, key in _IN_TEMPLATE.findall(source):
            yield Call(where, name, re.escape(key), None)


def _places(found: Text) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(found) if name} if isinstance(found, str) else set()


@cache
def _fitting(pattern: str, *, several: bool) -> list[str]:
    """The keys of the catalogue that a pattern may mean."""
    kind = re.compile(pattern)
    entries = catalogue().entries
    return [key for key in entries if kind.fullmatch(key) and isinstance(entries[key], tuple) == several]


def test_every_key_that_is_said_is_in_the_catalogue() -> None:
    unknown = [
        f"{call.where}: {call.pattern}{end}"
        for call in _calls()
        for end in SAYING[call.name]
        if not _fitting(f"(?:{call.pattern}){re.escape(end)}", several=call.name == "texts")
    ]
    assert unknown == []


def test_every_place_is_filled_in() -> None:
    entries = catalogue().entries
    forgotten = [
        f"{call.where}: {key} needs {sorted(missing)}"
        for call in _calls()
        if call.filled is not None and call.name in ("text", "reason") and "[" not in call.pattern
        for key in _fitting(call.pattern, several=False)
        if (missing := _places(entries[key]) - call.filled)
    ]
    assert forgotten == []


def test_every_key_is_said_somewhere() -> None:
    spelt = {key for _, source in _templates() for _, key in _IN_TEMPLATE.findall(source)}
    spelt |= {str(node.value) for node in _nodes() if isinstance(node, ast.Constant)}
    patterns = [re.compile(rf"(?:{pattern})(?:\.one|\.many)?") for pattern in _made_up()]
    unsaid = [
        key
        for key in catalogue().entries
        if not key.startswith(OF_THE_WEB)
        and key not in spelt
        and re.sub(r"\.(one|many)$", "", key) not in spelt
        and not any(pattern.fullmatch(key) for pattern in patterns)
    ]
    assert unsaid == []


def _nodes() -> Iterator[ast.AST]:
    return (node for _, tree in _trees() for node in ast.walk(tree))


def _made_up() -> set[str]:
    """Patterns of the keys that the code puts together, and of tables of which each key is used."""
    joined = {_pattern(node) for node in _nodes() if isinstance(node, ast.JoinedStr)}
    patterns = {each for each in joined if each and re.search(r"[a-z_]\\\.|\\\.[a-z_]", each)}
    for node in _nodes():
        if isinstance(node, ast.Call) and _called(node) in IN_TABLES and node.args:
            table = _pattern(node.args[0])
            patterns |= {rf"(?:{table})\.[a-zA-Z0-9_-]+"} if table is not None else set()
    return patterns
