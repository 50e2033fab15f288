"""What people hand over: files, folders, zips, and zips made to do harm; read where asked for."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from devices.exports import contents
from devices.exports.reader import held, open_source
from pipeline.errors import InputError

RR = b"800\n810\n790\n"


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def written(folder: Path, content: bytes, name: str = "in.zip") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def test_a_file_a_folder_and_a_zip_hold_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "._a.csv", ".DS_Store"):
        (folder / name).write_bytes(RR)
    (folder / "deeper").mkdir()
    packed = written(tmp_path, zip_of(("one/b.csv", RR), ("one/a.csv", RR), ("__MACOSX/one/._a.csv", b"x")))
    assert open_source(folder).files == {"a.csv": RR, "b.csv": RR}
    assert open_source(packed).files == {"a.csv": RR, "b.csv": RR}
    assert open_source(packed).sha256 == open_source(folder).sha256
    assert open_source(folder / "a.csv").files == {"a.csv": RR}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zip_of(("../evil.txt", RR)), "refused, the member '../evil.txt' points outside the zip"),
        (zip_of(("a/../../evil.txt", RR)), "refused, the member 'a/../../evil.txt' points outside the zip"),
        (zip_of(("..\\evil.txt", RR)), "refused, the member '../evil.txt' points outside the zip"),
        (zip_of(("/etc/evil", RR)), "refused, the member '/etc/evil' points outside the zip"),
        (zip_of(("C:\\evil.txt", RR)), "refused, the member 'C:/evil.txt' points outside the zip"),
        (zip_of((link("link.txt"), b"/etc/passwd")), "refused, the member 'link.txt' is a link or a device"),
        (zip_of(("a/b/c/d/e.txt", RR)), "refused, the member 'a/b/c/d/e.txt' lies more than 3 folders deep"),
        (zip_of(), "holds no files"),
        (zip_of(("__MACOSX/._a", RR), ("._b", RR)), "holds no files"),
        (zip_of(("a/", b"")), "holds no files"),
        (zip_of(("a.txt", RR * 999))[:60], "the zip is damaged or encrypted (File is not a zip file)"),
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
    ],
    ids=[
        "parent", "hidden parent", "backslash parent", "absolute", "drive letter", "symlink", "deep",
        "empty zip", "only junk", "only a folder", "truncated", "no bytes", "only blanks",
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        open_source(path)
    assert str(caught.value) == f"{path}: {reason}"
    assert [file.name for file in tmp_path.iterdir()] == ["in.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds 'a\.txt' twice"):
        open_source(written(tmp_path, zip_of(("a.txt", RR), ("a.txt", b"1\n"))))


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    bomb = zip_of(("bomb.txt", bytes(contents.MAX_BYTES + 1)))
    assert len(bomb) < 300_000
    source = open_source(written(tmp_path, bomb))
    assert source.head("bomb.txt") == bytes(4096)
    with pytest.raises(InputError, match="holds more than 200 MB"):
        dict(source.files)
    with pytest.raises(InputError, match="holds more than 200 MB"):
        _ = source.sha256


def test_the_members_together_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 2_000_000)
    parts = [(f"{number}.txt", bytes(700_000)) for number in range(3)]
    with pytest.raises(InputError, match="holds more than 2 MB"):
        dict(open_source(written(tmp_path, zip_of(*parts))).files)


def test_a_size_in_the_header_is_not_believed(tmp_path: Path) -> None:
    honest = zip_of(("a.txt", RR * 1000))
    size = (len(RR) * 1000).to_bytes(4, "little")
    source = open_source(written(tmp_path, honest.replace(size, (5).to_bytes(4, "little"))))
    with pytest.raises(InputError, match="the zip is damaged or encrypted"):
        dict(source.files)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    locked = bytearray(zip_of(("a.txt", RR)))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    source = open_source(written(tmp_path, bytes(locked)))
    assert source.head("a.txt") == b""
    with pytest.raises(InputError, match="the zip is damaged or encrypted"):
        dict(source.files)


def test_too_many_members_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds more than 10,000 files"):
        open_source(written(tmp_path, b"PK\x03\x04" + b"PK\x01\x02" * 10_001))


def test_a_large_file_and_a_large_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 1_000_000)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(600_000))
    with pytest.raises(InputError, match="holds more than 1 MB"):
        dict(open_source(tmp_path).files)
    large = open_source(written(tmp_path, b"1" * 1_000_001, "c.txt"))
    with pytest.raises(InputError, match="holds more than 1 MB"):
        dict(large.files)
    assert held(large) is None
    with large.open("c.txt") as stream:
        assert len(stream.read()) == 1_000_001


def test_missing_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        open_source(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="holds no files"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="File name too long"):
        open_source(tmp_path / ("x" * 5000))


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(RR)
    source = open_source(tmp_path)
    (tmp_path / "b.csv").unlink()
    assert (list(source.files), len(source.files), "b.csv" in source.files) == (["a.csv", "b.csv"], 2, True)
    assert source.files["a.csv"] == RR
    assert source.head("b.csv") == b""
    with pytest.raises(InputError, match=r"b\.csv: No such file or directory"):
        _ = source.files["b.csv"]


def test_one_damaged_member_leaves_the_others_readable(tmp_path: Path) -> None:
    packed = bytearray(zip_of(("a.txt", RR * 100), ("b.txt", RR * 100)))
    packed[packed.rindex(b"b.txt", 0, packed.index(b"PK\x01\x02")) + 8] ^= 0xFF
    source = open_source(written(tmp_path, bytes(packed)))
    assert source.files["a.txt"] == RR * 100
    with pytest.raises(InputError, match="the zip is damaged or encrypted"):
        _ = source.files["b.txt"]


def test_a_member_is_a_stream_that_can_be_sought(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, zip_of(("a.txt", RR))))
    with source.open("a.txt") as stream:
        stream.seek(4)
        assert stream.readline() == b"810\n"
        stream.seek(0)
        assert stream.read() == RR
    with source.open("a.txt") as stream:
        assert list(stream) == [b"800\n", b"810\n", b"790\n"]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_head_takes_nothing_from_what_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 100)
    parts = [(f"{number}.txt", b"1" * 60) for number in range(3)]
    for name, content in parts:
        (tmp_path / name).write_bytes(content)
    source = open_source(written(tmp_path, zip_of(*parts)) if packed else tmp_path)
    assert {source.head(name, 50) for name, _ in parts} == {b"1" * 50}
    assert source.head("absent") == b""
    assert len(source.files["2.txt"]) == 60
    assert len(source.files["2.txt"]) == 60  # twice is once
    with pytest.raises(InputError):
        _ = source.files["0.txt"]


def test_absent_is_a_key_error(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, zip_of(("a.txt", RR))))
    assert (source.files.get("b.txt"), source.only) == (None, "a.txt")
    with pytest.raises(KeyError):
        _ = source.files["b.txt"]
