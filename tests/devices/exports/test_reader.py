"""A source's hash, title and places, and what is packed with gzip."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import pytest

from devices.exports.reader import Source, gunzipped, open_source, unneeded
from pipeline.errors import InputError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": b"1", "c": b""}, {"b": b"1", "c": b""}),
        ({"a": b"1"}, {"a": b"2"}),
        ({"a": b"1", "b": b""}, {"a": b"", "b": b"1"}),
        ({"ab": b"c"}, {"a": b"bc"}),
    ],
    ids=["name", "content", "swapped", "moved boundary"],
)
def test_the_hash_tells_inputs_apart(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert Source(Path("x"), one).sha256 != Source(Path("x"), other).sha256


def test_the_hash_of_one_file_is_that_of_its_bytes() -> None:
    assert Source(Path("x"), {"rr.txt": b"abc"}).sha256.startswith("ba7816bf8f01cfea414140de5dae2223")


def test_the_hash_does_not_depend_on_order() -> None:
    one, other = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}
    assert Source(Path("x"), one).sha256 == Source(Path("y"), other).sha256


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Source(Path(), {}).title == tmp_path.name
    assert Source(tmp_path / "a.b.zip", {}).title == "a.b"


@pytest.mark.parametrize(
    ("name", "title"), [("a.b.txt", "a.b"), ("x_physio.tsv.gz", "x_physio"), ("plain", "plain")]
)
def test_a_title_has_no_ending(name: str, title: str) -> None:
    assert Source(Path(name), {}).title == title


def test_a_unit_that_is_not_needed() -> None:
    assert unneeded("ms", "the file has s") == ("--unit ms is not needed: the file has s",)
    assert unneeded(None, "the file has s") == ()


def test_places_are_named_from_the_root() -> None:
    source = Source(Path("set/sub-01/x.tsv.gz"), {}, root=Path("set"))
    assert source.where("task.json", 3) == "set/task.json line 3"
    assert source.where("sub-01/x.tsv.gz") == "set/sub-01/x.tsv.gz"
    assert Source(Path("a.zip"), {}).where("b/c.csv", 2) == "a.zip/b/c.csv line 2"


def test_the_hash_is_the_same_streamed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1" * 3_000_000)
    (tmp_path / "b").write_bytes(b"")
    files = {"a": b"1" * 3_000_000, "b": b""}
    assert open_source(tmp_path).sha256 == Source(tmp_path, files).sha256
    assert open_source(tmp_path / "a").sha256 == hashlib.sha256(files["a"]).hexdigest()


PACKED = gzip.compress(b"800\n" * 1000, mtime=0)


@pytest.mark.parametrize(
    ("content", "unpacked"),
    [(PACKED, b"800\n" * 1000), (PACKED + PACKED, b"800\n" * 2000), (PACKED + b"\0" * 512, b"800\n" * 1000)],
    ids=["one", "two pieces", "filled up with zeros"],
)
def test_what_is_packed_with_gzip(content: bytes, unpacked: bytes) -> None:
    assert gunzipped(content, 8000) == unpacked


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"800\n", "x.gz: is damaged, or not packed with gzip"),
        (PACKED[:-9], "x.gz: is cut off; copy or download it again"),
        (PACKED[:-8] + bytes(8), "x.gz: is damaged, or not packed with gzip"),
        (zlib.compress(b"800\n"), "x.gz: is damaged, or not packed with gzip"),
        (gzip.compress(bytes(3_000_000)), "x.gz: unpacks to more than 2 MB"),
        (gzip.compress(bytes(1_500_000)) * 2, "x.gz: unpacks to more than 2 MB"),
    ],
    ids=["text", "cut off", "check sum", "zlib", "bomb", "bomb in two pieces"],
)
def test_gzip_that_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        gunzipped(content, 2_000_000, where="x.gz")
    assert str(caught.value).startswith(message)
