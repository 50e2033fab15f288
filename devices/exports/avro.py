"""The records of an Avro file; no size in it is believed.

fastavro decodes them, but the blocks are unpacked here: the library unpacks a block of any size, and a file
of 1 MB made it take 2 GB.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from devices.exports.libraries import failure, library
from pipeline.errors import InputError

_SYNC = 16  # bytes that end the header, and each block
_LONGEST_VARINT = 10
_MOST_RECORDS = 1000
_MOST_BYTES = 64_000_000  # of one file, unpacked; a number in a list takes up to thirty times its byte


def avro_records(content: bytes, where: str) -> list[Any]:
    """All records. Raises InputError for a damaged file, and where the library for it is not installed."""
    fastavro = library("fastavro", where)
    file = io.BytesIO(content)
    try:
        header = fastavro.reader(file)
        schema, codec = fastavro.parse_schema(header.writer_schema), header.codec
        if codec not in ("null", "deflate") or _holds_lists_of_nothing(schema):
            raise InputError(f"{where}: is packed in a way vagal does not read ({codec})")
        return _records(file, content[file.tell() - _SYNC : file.tell()], schema, codec, where)
    except InputError:
        raise
    except Exception as error:  # the library raises whatever its decoding meets
        raise InputError(f"{where}: the file is damaged ({failure(error)})") from error


def _records(file: io.BytesIO, sync: bytes, schema: Any, codec: str, where: str) -> list[Any]:
    from fastavro import schemaless_reader

    found: list[Any] = []
    left = _MOST_BYTES
    while file.tell() < len(file.getbuffer()):
        count, size = _long(file), _long(file)
        if not 0 <= count <= _MOST_RECORDS - len(found):
            raise ValueError(f"{count} records in one block")
        block = file.read(max(size, 0))
        if len(block) != size or file.read(_SYNC) != sync:
            raise ValueError("a block is cut off or out of step")
        if codec == "deflate":
            block = zlib.decompressobj(-15).decompress(block, left)
        left -= len(block)
        if left <= 0:
            raise InputError(f"{where}: holds more than {_MOST_BYTES // 1_000_000} MB")
        records = io.BytesIO(block)
        found += (schemaless_reader(records, schema, None) for _ in range(count))
    return found


def _long(file: io.BytesIO) -> int:
    """A number of variable length, its sign in the lowest bit."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = file.read(1)
        if not byte:
            raise EOFError("ends within a block")
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return value >> 1 ^ -(value & 1)
    raise ValueError("a number without an end")


def _holds_lists_of_nothing(schema: Any) -> bool:
    """Whether a list in the schema could hold any number of items in no bytes at all."""
    parts = list(_parts(schema))
    named = {part["name"]: part for part in parts if "name" in part and {"fields", "size"} & part.keys()}
    return any(_takes_no_bytes(part.get("items"), named) for part in parts if part.get("type") == "array")


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    if isinstance(schema, dict | list):
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from _parts(part)


def _takes_no_bytes(kind: Any, named: Mapping[str, Any]) -> bool:
    if isinstance(kind, str) and kind in named:
        return _takes_no_bytes(named[kind], {name: part for name, part in named.items() if name != kind})
    if not isinstance(kind, dict):
        return bool(kind == "null")
    if "fields" in kind:
        return all(_takes_no_bytes(each.get("type"), named) for each in kind["fields"])
    return bool(kind["size"] == 0) if "size" in kind else _takes_no_bytes(kind.get("type"), named)
