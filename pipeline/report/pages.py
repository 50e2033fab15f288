"""What pages share: templates that escape all they are given, style sheets that travel inside the page."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.language import plural, text, texts, told

_AFTER_SIGNS = re.compile(r"([{};:,]) +")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Where the templates are; they can say what the catalogue says. A name not given is an error."""
    made = Environment(
        loader=PackageLoader("pipeline.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(text=text, texts=texts, plural=plural, told=told)
    return made


@lru_cache(maxsize=8)
def style(name: str) -> str:
    """A style sheet, without the white space that is for those who edit it."""
    lines = files("pipeline.report").joinpath(name).read_text(encoding="utf-8").splitlines()
    return _AFTER_SIGNS.sub(r"\1", "\n".join(line.strip() for line in lines if line.strip()))
