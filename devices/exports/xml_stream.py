"""XML as a stream, for what is too large to hold, and believed in nothing.

The document type is left out: nothing of it is needed, some exports hold one that is not well-formed, and
without it no entity and no default of an attribute is known. What would grow in memory is limited.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO
from xml.parsers import expat

from devices.exports.reader import Source
from pipeline.errors import InputError

MOST_BYTES = 8_000_000_000
MOST_SILENT = 1 << 20  # bytes in which no element begins
MOST_NAMES = 10_000  # of elements and attributes, each of which the parser remembers
DEEPEST = 20

_CHUNK = 1 << 16
_DOCUMENT_TYPE = re.compile(rb"<!DOCTYPE\s+\w+\s*\[.*?\]\s*>", re.DOTALL)
# Control characters that XML forbids and exports hold nevertheless, as in a device's name.
_TO_SPACES = bytes(byte if byte >= 32 or byte in b"\t\n\r" else 32 for byte in range(256))


class XmlStream:
    """Tells `begins(tag, attributes)` and `ends(tag)` of each element of a file, in order."""

    def __init__(
        self,
        source: Source,
        name: str,
        begins: Callable[[str, dict[str, str]], None],
        ends: Callable[[str], None],
    ) -> None:
        self._source, self._name = source, name
        self._begins, self._ends = begins, ends
        self._depth = self._elements = 0
        self._parser = expat.ParserCreate("UTF-8")  # whatever it says: no other is looked up
        self._parser.StartElementHandler = self._opened
        self._parser.EndElementHandler = self._closed
        self._parser.StartDoctypeDeclHandler = self._declared

    @property
    def line(self) -> int:
        """The line of the element that is being told of."""
        return self._parser.CurrentLineNumber

    def where(self, line: int | None = None) -> str:
        """How a message names a line, by default the one that is being told of."""
        return self._source.where(self._name, self.line if line is None else line)

    def refused(self, what: str) -> InputError:
        """The error for a file that holds what no honest one does."""
        return InputError(f"{self.where()}: refused, it holds {what}")

    def hear(self, stream: BinaryIO) -> None:
        """Go through the whole file. Raises InputError with the line of what is damaged or hostile."""
        heard = silent = 0
        chunk = self._without_document_type(stream.read(_CHUNK))
        try:
            while chunk:
                before = self._elements
                self._parser.Parse(chunk.translate(_TO_SPACES), False)
                heard += len(chunk)
                silent = 0 if self._elements > before else silent + len(chunk)
                self._check(heard, silent)
                chunk = stream.read(_CHUNK)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise InputError(
                f"{self.where(error.lineno)}: the XML is damaged or incomplete ({reason}); export it again"
            ) from error

    def _without_document_type(self, head: bytes) -> bytes:
        """The beginning with blank lines where the document type was. Raises InputError for an entity."""
        found = _DOCUMENT_TYPE.search(head)
        if found is None:
            return head
        before, entity, _ = found[0].partition(b"<!ENTITY")
        if entity:
            line = head[: found.start()].count(b"\n") + before.count(b"\n") + 1
            raise InputError(f"{self.where(line)}: refused, it declares an entity")
        return head[: found.start()] + b"\n" * found[0].count(b"\n") + head[found.end() :]

    def _check(self, heard: int, silent: int) -> None:
        if silent >= MOST_SILENT:
            raise self.refused(f"{MOST_SILENT >> 20} MB without an element")
        if heard > MOST_BYTES:
            raise self.refused(f"more than {MOST_BYTES // 10**9} GB")
        if len(self._parser.intern) > MOST_NAMES:
            raise self.refused(f"more than {MOST_NAMES:,} names of elements and attributes")

    def _opened(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.refused(f"elements more than {DEEPEST} deep")
        self._begins(tag, attributes)

    def _closed(self, tag: str) -> None:
        self._depth -= 1
        self._ends(tag)

    def _declared(self, *_: object) -> None:
        raise self.refused("a document type that the file does not declare")
