"""Apple Health exports: a watch's beats in every spelling, and files that are damaged, hostile or huge."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from devices.exports import apple_health, xml_stream
from devices.exports.apple_health import AppleHealth
from devices.exports.checked import checked
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Gap, Recording
from tests.conftest import REPO

TYPE = (
    "<!DOCTYPE HealthData [\n<!-- HealthKit Export Version: 12 -->\n"
    "<!ELEMENT HealthData (ExportDate,Me,(Record|Workout)*)>\n"
    "<!ATTLIST HealthData\n  locale CDATA #REQUIRED\n>\n]>\n"
)
BROKEN_TYPE = TYPE.replace(
    "]>", "<!ATTLIST Prescription\n  type CDATA #REQUIRED\n  <!ELEMENT Dose EMPTY>\n]>"
)
BEATS = (("75", "8:14:05.10 PM"), ("75", "8:14:05.90 PM"), ("73", "8:14:06.72 PM"), ("77", "8:14:07.50 PM"))


def rate(start: str, value: str = "62", unit: str = "count/min") -> str:
    return (
        f'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="{unit}" '
        f'startDate="{start}" endDate="{start}" value="{value}"/>\n'
    )


def record(beats: Sequence[tuple[str, str]] = BEATS, start: str = "2020-04-10 20:14:05 -0700") -> str:
    written = "".join(f'   <InstantaneousBeatsPerMinute bpm="{bpm}" time="{time}"/>\n' for bpm, time in beats)
    return (
        '<Record type="HKQuantityTypeIdentifierHeartRateVariabilitySDNN" sourceName="Watch" unit="ms" '
        f'startDate="{start}" endDate="{start}" value="25">\n  <HeartRateVariabilityMetadataList>\n{written}'
        "  </HeartRateVariabilityMetadataList>\n</Record>\n"
    )


def export(*content: str, document_type: str = TYPE) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}{document_type}<HealthData locale="en_GB">\n{"".join(content)}</HealthData>\n'.encode()


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("export.xml"), {"export.xml": content})
    assert AppleHealth().recognises(source)
    return checked(source, AppleHealth().read(source, unit))


def refusal(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(content)
    return str(caught.value)


def test_a_recording_of_beats() -> None:
    recording = read(export(record()))
    pp = recording.streams["pp"]
    assert pp.time_s.tolist() == [0.8, 1.62, 2.4]
    assert pp.columns["pp_ms"].tolist() == [800.0, 820.0, 780.0]
    assert np.isnan(pp.columns["quality"]).all()
    assert (pp.rate_hz, pp.gaps, recording.duration_s) == (None, (), 2.4)
    pacific = timezone(timedelta(hours=-7))
    assert recording.started_at == datetime(2020, 4, 10, 20, 14, 5, 100_000, pacific)
    assert recording.devices == (DeviceInfo(name="Apple Watch", driver="apple-health"),)
    assert (recording.recording_id, recording.source) == ("export", "apple-health")
    assert recording.beat_source == "pp"
    assert recording.notices == ("beats are pulse intervals from a watch, whose times are known to 10 ms",)


@pytest.mark.parametrize(
    "times",
    [
        ("8:14:05.10 PM", "8:14:05.90 PM", "8:14:06.72 PM"),
        ("8:14:05.10\u202fPM", "8:14:05.90\u202fPM", "8:14:06.72\u202fPM"),
        ("20:14:05,10", "20:14:05,90", "20:14:06,72"),
        ("20:14:05.1", "20:14:05.9", "20:14:06.720"),
        ("20.14.05,10", "20.14.05,90", "20.14.06,72"),
        ("20 h 14 min 05,10 s", "20 h 14 min 05,90 s", "20 h 14 min 06,72 s"),
        ("오후 8:14:05.10", "오후 8:14:05.90", "오후 8:14:06.72"),
        ("8:14:05.10 p. m.", "8:14:05.90 p. m.", "8:14:06.72 p. m."),
        ("٨:١٤:٠٥٫١٠ م", "٨:١٤:٠٥٫٩٠ م", "٨:١٤:٠٦٫٧٢ م"),
        ("7:14:05.10 PM", "7:14:05.90 PM", "7:14:06.72 PM"),
        ("03:44:05.10", "03:44:05.90", "03:44:06.72"),
    ],
    ids=[
        "English", "narrow space", "German", "short fractions", "Finnish", "French", "Korean", "Spanish",
        "Arabic", "winter time", "Indian time",
    ],
)  # fmt: skip
def test_one_recording_in_many_spellings(times: Sequence[str]) -> None:
    recording = read(export(record([("75", time) for time in times])))
    assert recording.streams["pp"].value.tolist() == [800.0, 820.0]
    assert recording.started_at is not None
    assert recording.started_at.isoformat() == "2020-04-10T20:14:05.100000-07:00"
    assert len(recording.notices) == 1


@pytest.mark.parametrize(
    ("start", "times"),
    [
        ("2020-04-10 23:59:58 +0000", ("11:59:59.50 PM", "12:00:00.30 AM", "12:00:01.10 AM")),
        ("2020-04-10 23:59:58 +0000", ("23:59:59.50", "00:00:00.30", "00:00:01.10")),
        ("2020-04-10 11:59:58 +0000", ("11:59:59.50 AM", "12:00:00.30 PM", "12:00:01.10 PM")),
    ],
    ids=["midnight", "midnight of 24 h", "noon"],
)
def test_past_midnight_and_noon(start: str, times: Sequence[str]) -> None:
    recording = read(export(record([("75", time) for time in times], start)))
    assert recording.streams["pp"].time_s.tolist() == [0.8, 1.6]


def test_lost_beats_are_gaps() -> None:
    times = ("08:33:44,67", "08:33:48,87", "08:33:49,67", "08:33:51,20", "08:33:52,00")
    recording = read(export(record([("75", time) for time in times], "2018-11-19 08:33:39 +0100")))
    pp = recording.streams["pp"]
    assert pp.time_s.tolist() == [5.0, 7.33]
    np.testing.assert_allclose(pp.value, [800.0, 800.0])
    assert [(gap.start_s, round(gap.end_s, 6)) for gap in pp.gaps] == [(0.0, 4.2), (5.0, 6.53)]
    assert all(isinstance(gap, Gap) for gap in pp.gaps)
    assert recording.notices[1:] == (
        "beats are missing 2 times, 6 s in all; nothing is computed across a gap",
    )


@pytest.mark.parametrize(
    ("beats", "pp_ms", "notice"),
    [
        ((*BEATS, ("75", "8:14:07.50 PM")), 3, "1 beat left out, as time does not rise"),
        (
            (*BEATS, ("75", "8:14:06.00 PM"), ("75", "8:14:02.00 PM")),
            3,
            "2 beats left out, as time does not rise",
        ),
        ((*BEATS, ("75", "9:14:08.30 PM")), 3, "1 beat left out, as time does not rise"),
        (
            (*BEATS, ("400", "8:14:07.65 PM")),
            4,
            "1 of 4 intervals is zero, negative or outside 300-2000 ms; it is kept and masked",
        ),
        (
            [("75", time.replace(":14:", ":22:")) for _, time in BEATS],
            3,
            "the beats' times do not fit the record's start, from which they are counted",
        ),
    ],
    ids=["twice", "backwards", "an hour on", "too short", "another time"],
)
def test_bad_beats_are_told(beats: Sequence[tuple[str, str]], pp_ms: int, notice: str) -> None:
    recording = read(export(record(beats)))
    assert len(recording.streams["pp"]) == pp_ms
    assert recording.notices[1:] == (notice,)


def test_the_newest_recording_is_read_wherever_it_stands() -> None:
    newest = record([("60", "08:00:01.00"), ("60", "08:00:02.00")], "2021-01-01 08:00:00 +0000")
    lone = record([("60", "08:00:01.00")], "2022-01-01 08:00:00 +0000")
    for content in (export(record(), newest, lone), export(newest, lone, record())):
        recording = read(content)
        assert recording.streams["pp"].value.tolist() == [1000.0]
        assert (
            recording.notices[1] == "the newest of 2 recordings of beats is read, and the others are left out"
        )


def test_heart_rates_beside_the_beats() -> None:
    rates = (
        rate("2020-04-10 20:14:05 -0700", "50"),
        rate("2020-04-10 20:14:06 -0700", "61"),
        rate("2020-04-11 05:14:07 +0200", "62.5"),
        rate("2020-04-10 20:14:06 -0700", "63"),
        rate("2020-04-10 20:15:00 -0700", "64"),
    )
    stream = read(export(*rates, record())).streams["heart_rate"]
    np.testing.assert_allclose(stream.time_s, [0.9, 1.9])
    assert stream.columns["heart_rate_bpm"].tolist() == [63.0, 62.5]
    assert stream.rate_hz is None


def test_of_very_many_heart_rates_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apple_health, "_MOST_RATES", 4)
    old = (rate("2019-01-01 00:00:00 +0000", str(number)) for number in range(50, 90))
    recording = read(export(*old, rate("2020-04-10 20:14:06 -0700", "61"), record()))
    assert recording.streams["heart_rate"].value.tolist() == [61.0]


@pytest.mark.parametrize(
    "bad",
    [
        rate("10.04.2020 20:14"),
        rate("2020-04-10 20:14:06"),
        rate("2020-04-10 20:14:06 -0700", "fast"),
        rate("2020-04-10 20:14:06 -0700", "inf"),
        rate("2020-04-10 20:14:06 -0700", "1.02", "count/s"),
        '<Record type="HKQuantityTypeIdentifierHeartRate"/>',
    ],
    ids=["date", "no zone", "word", "infinite", "other unit", "bare"],
)
def test_heart_rates_that_are_none(bad: str) -> None:
    recording = read(export(bad, record()))
    assert set(recording.streams) == {"pp"}
    assert recording.notices[1:] == ("1 heart rate left out, without a date or a value in count/min",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            export(rate("2020-04-10 20:14:06 -0700")),
            ": holds no beats, only summaries; a watch notes beats when it measures heart rate variability, "
            "as in a session of Mindfulness: make one and export again",
        ),
        (
            export(record([("75", "8:14:05.10 PM"), ("75", "8:14:09.00 PM")])),
            " line 12: in the newest recording no beat follows another",
        ),
        (export(record([("75", "8:14"), ("75", "8:15")])), " line 12: '8:14' is not a time of day"),
        (
            export(record([("75", "8:14:05.1"), ("75", "8:74:05.2")])),
            " line 13: '8:74:05.2' is not a time of day",
        ),
        (
            export(record([("75", "8:14:05.1"), ("fast", "8:14:05.9")])),
            " line 13: 'fast' is not a heart rate",
        ),
        (
            export(record(start="yesterday")),
            " line 10: 'yesterday' is not a date and time with a zone",
        ),
    ],
    ids=["no beats", "no neighbours", "time", "minutes", "rate", "start"],
)
def test_what_cannot_be_read(content: bytes, message: str) -> None:
    assert refusal(content) == f"export.xml{message}"


def test_damage_in_an_older_recording_is_not_in_the_way() -> None:
    old = record([("x", "noon"), ("x", "one")], "2019-01-01 00:00:00 +0000")
    assert len(read(export(old, record())).streams["pp"]) == 3


def test_a_document_type_with_faults_is_no_obstacle() -> None:
    sound, broken = read(export(record())), read(export(record(), document_type=BROKEN_TYPE))
    assert broken.streams["pp"].value.tolist() == sound.streams["pp"].value.tolist()
    assert refusal(export(record(start="x"), document_type=BROKEN_TYPE)).startswith("export.xml line 13: 'x'")


def test_control_characters_in_names_are_no_obstacle() -> None:
    assert len(read(export(record().replace("Watch", "My\x0b Watch"))).streams["pp"]) == 3


LONG = "x" * 3_000_000
BOMB = (
    '<!DOCTYPE HealthData [\n<!ENTITY a "ha">\n'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">\n' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>\n"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (export("&i;", document_type=BOMB), " line 3: refused, it declares an entity"),
        (
            export("&x;", document_type='<!DOCTYPE HealthData [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'),
            " line 2: refused, it declares an entity",
        ),
        (
            export("&x;", document_type='<!DOCTYPE HealthData [<!ENTITY % x SYSTEM "http://h/x">%x;]>\n'),
            " line 2: refused, it declares an entity",
        ),
        (
            export(document_type='<!DOCTYPE HealthData SYSTEM "http://h/x">\n'),
            " line 2: refused, it holds a document type that the file does not declare",
        ),
        (
            export(document_type='<!DOCTYPE HealthData SYSTEM "x" [<!ENTITY x "y">]>\n'),
            " line 2: refused, it holds a document type that the file does not declare",
        ),
        (
            export("&x;"),
            " line 10: the XML is damaged or incomplete (undefined entity); export it again",
        ),
        (export("<a>" * 30), " line 10: refused, it holds elements more than 20 deep"),
        (export(f'<Record type="{LONG}"/>'), " line 10: refused, it holds 1 MB without an element"),
        (export(f"<Record>{LONG}"), " line 10: refused, it holds 1 MB without an element"),
        (export(f"<!--{LONG}-->"), " line 10: refused, it holds 1 MB without an element"),
    ],
    ids=[
        "entities", "a file", "parameters", "elsewhere", "elsewhere and here", "unknown entity", "deep",
        "attribute", "text", "comment",
    ],
)  # fmt: skip
def test_hostile_files_are_refused(content: bytes, message: str) -> None:
    assert refusal(content) == f"export.xml{message}"


def test_defaults_of_attributes_are_not_believed() -> None:
    default = TYPE.replace("locale CDATA #REQUIRED", "locale CDATA 'x'").replace(
        "]>", '<!ATTLIST Record startDate CDATA "2021-01-01 00:00:00 +0000">]>'
    )
    content = export(record().replace('startDate="2020-04-10 20:14:05 -0700"', ""), document_type=default)
    assert refusal(content).endswith("'' is not a date and time with a zone")


@pytest.mark.parametrize(
    ("limit", "most", "message"),
    [
        ("MOST_NAMES", 50, "refused, it holds more than 50 names of elements and attributes"),
        ("MOST_BYTES", 1000, "refused, it holds more than 0 GB"),
    ],
)
def test_limits(monkeypatch: pytest.MonkeyPatch, limit: str, most: int, message: str) -> None:
    monkeypatch.setattr(xml_stream, limit, most)
    assert message in refusal(export(*(f"<a{number}/>\n" for number in range(200))))


def test_a_record_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apple_health, "_MOST_BEATS", 3)
    assert (
        refusal(export(record())) == "export.xml line 15: refused, it holds more than 3 beats in one record"
    )


@pytest.mark.parametrize("tenths", range(1, 10))
def test_cut_off_is_told_with_the_line(tenths: int) -> None:
    whole = export(rate("2020-04-10 20:14:06 -0700"), record())
    cut = whole[: len(whole) * tenths // 10]
    source = Source(Path("export.xml"), {"export.xml": cut})
    if AppleHealth().recognises(source):
        line = 1 + cut.count(b"\n")
        with pytest.raises(InputError, match=r"export\.xml line \d+: (the XML is damaged|refused)") as caught:
            AppleHealth().read(source, None)
        assert int(str(caught.value).split()[2].rstrip(":")) <= line


@pytest.mark.parametrize(
    "content",
    [
        b"<ClinicalDocument/>",
        b"<?xml version='1.0'?><gpx/>",
        b"HealthData",
        bytes(range(256)),
    ],
    ids=["CDA", "route", "word", "binary"],
)
def test_what_is_not_taken_for_an_export(content: bytes) -> None:
    assert not AppleHealth().recognises(Source(Path("export.xml"), {"export.xml": content}))


@pytest.mark.parametrize("name", ["export.xml", "Exportieren.xml", "导出.xml"])
def test_a_zip_and_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "apple_health_export"
    folder.mkdir()
    (folder / name).write_bytes(export(record()))
    (folder / "export_cda.xml").write_bytes(b"<ClinicalDocument/>")
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, f"apple_health_export/{path.name}")
        packed.writestr("apple_health_export/workout-routes/route.gpx", "<gpx/>")
    for path in (folder, tmp_path / "export.zip"):
        _, recording = read_recording(path)
        assert recording.source == "apple-health"
        assert len(recording.streams["pp"]) == 3


def test_a_needless_unit_is_told_of() -> None:
    assert (
        read(export(record()), "ms").notices[-1] == "--unit ms is not needed: Health exports have fixed units"
    )


def _peak(path: Path) -> tuple[int, str]:
    """The most memory that a process of its own takes to read a file, in bytes, and what it finds."""
    script = (
        "import sys; from pathlib import Path; from devices.exports.formats import read_recording; "
        "found = read_recording(Path(sys.argv[1]))[1]; "
        "held = next(line for line in open('/proc/self/status') if line.startswith('VmHWM')); "
        "print(held.split()[1], found.duration_s)"
    )
    command = [sys.executable, "-c", script, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO).stdout
    peak, duration_s = told.split()
    return int(peak) * 1024, duration_s  # the most of its own: ru_maxrss counts what it was started from, too


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    """The export to write: the file itself, or what a phone packs into its zip."""
    if path.suffix != ".zip":
        with path.open("wb") as file:
            yield file
        return
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("apple_health_export/export.xml", "w", force_zip64=True) as file,
    ):
        yield file


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "size", [30_000_000, pytest.param(2_000_000_000, marks=(pytest.mark.prove, pytest.mark.timeout(1800)))]
)
@pytest.mark.parametrize("name", ["export.xml", "export.zip"])
def test_memory_is_bounded(tmp_path: Path, size: int, name: str) -> None:
    path = tmp_path / name
    day = "".join(rate(f"2019-04-10 {h:02}:{m:02}:06 -0700", "61.5") for h in range(24) for m in range(60))
    day = (day + record(start="2019-04-10 23:14:05 -0700")) * 5
    whole = export("@", record())
    before, _, after = whole.partition(b"@")
    days = [day.replace("61.5", f"{bpm}.5").encode() for bpm in range(40, 140)]
    with _writing(path) as file:
        file.write(before)
        for number in range(size // len(days[0]) + 1):
            file.write(days[number % len(days)])
        file.write(after)
    peak, duration_s = _peak(path)
    print(
        f"{size / 1e9:.2f} GB of export in {peak / 1e6:.0f} MB ({path.stat().st_size / 1e6:.0f} MB on disk)"
    )
    assert duration_s == "2.4"
    assert peak < 300_000_000
