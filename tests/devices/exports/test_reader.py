"""Opening what people hand over: files, folders, zips, and zips made to do harm."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from devices.exports import reader
from devices.exports.formats import read_recording
from devices.exports.reader import Source, open_source
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
    bomb = zip_of(("bomb.txt", bytes(reader.MAX_BYTES + 1)))
    assert len(bomb) < 300_000
    with pytest.raises(InputError, match="holds more than 200 MB"):
        open_source(written(tmp_path, bomb))


def test_the_members_together_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 2_000_000)
    parts = [(f"{number}.txt", bytes(700_000)) for number in range(3)]
    with pytest.raises(InputError, match="holds more than 2 MB"):
        open_source(written(tmp_path, zip_of(*parts)))


def test_a_size_in_the_header_is_not_believed(tmp_path: Path) -> None:
    honest = zip_of(("a.txt", RR * 1000))
    size = (len(RR) * 1000).to_bytes(4, "little")
    with pytest.raises(InputError, match="the zip is damaged or encrypted"):
        open_source(written(tmp_path, honest.replace(size, (5).to_bytes(4, "little"))))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    locked = bytearray(zip_of(("a.txt", RR)))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="the zip is damaged or encrypted"):
        open_source(written(tmp_path, bytes(locked)))


def test_too_many_members_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds more than 10,000 files"):
        open_source(written(tmp_path, b"PK\x03\x04" + b"PK\x01\x02" * 10_001))


def test_a_large_file_and_a_large_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 1_000_000)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(600_000))
    with pytest.raises(InputError, match="holds more than 1 MB"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="holds more than 1 MB"):
        open_source(written(tmp_path, b"1" * 1_000_001, "c.txt"))


def test_missing_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        open_source(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="holds no files"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="File name too long"):
        open_source(tmp_path / ("x" * 5000))


def test_an_unknown_format_names_those_that_are_known(tmp_path: Path) -> None:
    path = written(tmp_path, bytes(range(256)), "x.bin")
    with pytest.raises(InputError) as caught:
        read_recording(path)
    assert str(caught.value) == (
        f"{path}: not a format vagal can read; supported: Empatica E4 (folder or zip), "
        "RR intervals as text (Elite HRV, Kubios, one per line)"
    )


def test_a_zipped_text_is_read_like_the_text(tmp_path: Path) -> None:
    _, plain = read_recording(written(tmp_path, RR, "day.txt"))
    _, packed = read_recording(written(tmp_path, zip_of(("x/day.txt", RR)), "day.zip"))
    assert packed.streams["rr"].value.tolist() == plain.streams["rr"].value.tolist()


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Source(Path(), {}).title == tmp_path.name
    assert Source(tmp_path / "a.b.zip", {}).title == "a.b"
