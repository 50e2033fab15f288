"""What a clinic says of itself, in <home>/clinic.toml, written by hand.

    name = "..."              crisis_line = "..."
    logo = "logo.png"         a picture beside it: PNG, JPEG or SVG
    [phrases]                 texts of the reports put otherwise: key = "..."

What is wrong with the logo or a phrase is told, and the rest holds: the crisis line above all.
"""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pipeline.errors import InputError
from pipeline.language import Catalogue, catalogue

LOGO_BYTES = 50_000

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SVG = "{http://www.w3.org/2000/svg}svg"
_DECLARES = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)|<\?xml-stylesheet", re.IGNORECASE)
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!#|data:image/)|@import", re.IGNORECASE)
_ACTIVE = ("script", "foreignObject", "iframe", "object", "embed", "handler", "listener")


@dataclass(frozen=True, slots=True)
class Clinic:
    """Whose computer this is, the line to call in a crisis there, its logo as a data: address for an <img>.

    `phrases` are by key, as pipeline.language.catalogue takes them. `troubles` are sentences about what could
    not be used.
    """

    name: str | None = None
    crisis_line: str | None = None
    logo: str | None = None
    phrases: Mapping[str, object] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()

    def catalogue(self) -> Catalogue:
        """The texts of the reports, with the clinic's phrases over them."""
        return catalogue(phrases=self.phrases)


def read_clinic(home: Path) -> Clinic:
    """What <home>/clinic.toml says; nothing if it is not there. Raises InputError that says what to do."""
    path = home / "clinic.toml"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        name, crisis_line = _text(facts, "name"), _text(facts, "crisis_line")
    except FileNotFoundError:
        return Clinic()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f'{path}: cannot be read ({error}); it has two lines: name = "..." and crisis_line = "..."'
        ) from error
    troubles: list[str] = []
    logo = _logo(home, facts.get("logo"), troubles)
    phrases = _phrases(facts.get("phrases"), troubles)
    return Clinic(name, crisis_line, logo, phrases, tuple(troubles))


def _text(facts: Mapping[str, Any], name: str) -> str | None:
    value = facts.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value or None


def _logo(home: Path, name: object, troubles: list[str]) -> str | None:
    if not name:
        return None
    try:
        return logo_address(home, name)
    except InputError as error:
        troubles.append(f"clinic.toml: logo is left out: {error}")
        return None


def logo_address(home: Path, name: object) -> str:
    """A picture beside clinic.toml as a data: address. Raises InputError for what cannot be used."""
    if not isinstance(name, str) or name.startswith(".") or re.search(r"[/\\:\0]", name):
        raise InputError("it is the name of a file beside clinic.toml")
    try:
        with (home / name).open("rb") as file:
            content = file.read(LOGO_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > LOGO_BYTES:
        raise InputError(f"{name} is larger than {LOGO_BYTES // 1000} kB: make it smaller")
    return f"data:{_kind(name, content)};base64,{base64.b64encode(content).decode()}"


def _kind(name: str, content: bytes) -> str:
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    _check_svg(name, content)
    return "image/svg+xml"


def _check_svg(name: str, content: bytes) -> None:
    """Raise InputError unless it is a drawing that runs nothing and fetches nothing."""
    if _DECLARES.search(content):
        raise InputError(f"{name} declares more than a drawing: save it as plain SVG, or as PNG")
    try:
        # As text: an encoding of its own could hide what it declares. Without a declaration nothing expands.
        root = ElementTree.fromstring(content.decode("utf-8"))  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        root = None
    if root is None or root.tag != _SVG:
        raise InputError(f"{name} is no PNG, JPEG or SVG")
    if any(_reaches_out(element) for element in root.iter()):
        raise InputError(f"{name} holds a script or a link to elsewhere: save it as plain SVG, or as PNG")


def _reaches_out(element: ElementTree.Element) -> bool:
    if str(element.tag).rpartition("}")[2] in _ACTIVE or _ELSEWHERE.search(element.text or ""):
        return True
    return any(_leads_out(key.rpartition("}")[2].lower(), value) for key, value in element.attrib.items())


def _leads_out(name: str, value: str) -> bool:
    if name in ("href", "src"):
        return not value.strip().startswith(("#", "data:image/png", "data:image/jpeg"))
    return name.startswith("on") or name == "base" or _ELSEWHERE.search(value) is not None


def _phrases(tables: object, troubles: list[str]) -> dict[str, object]:
    """Those that can stand where they are to stand; about each other a sentence is added to `troubles`."""
    if tables is None:
        return {}
    if not isinstance(tables, Mapping):
        troubles.append('clinic.toml: phrases is a table: [phrases], then lines such as key = "..."')
        return {}
    held = {}
    for key, phrase in _flat(tables):
        try:
            catalogue(phrases={key: phrase})
        except InputError as error:
            troubles.append(f"clinic.toml: a phrase is left out: {error}")
        else:
            held[key] = phrase
    return held


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
