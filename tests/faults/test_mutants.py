"""Damaged exports of every format: each is refused with a reason, or read as something that can be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.exports.formats import read_recording, readers
from pipeline.errors import InputError
from tests.conftest import REPO
from tests.faults.mutants import LIMIT_S, Pool, Sample, flaws, mutant, tried
from tests.faults.samples import sample, zipped

FULL, SUITE = 10_000, 100  # of each format
WORKERS = 2
SHOWN = 5
LARGE = {"acqknowledge packed"}  # a second sample of its format, and slow: a tenth of the count

RECORDINGS = REPO.parent / "shared" / "recordings"
ZIPPED = ("empatica-e4 zip", "apple-health zip")
NAMES = [*(reader.name for reader in readers()), *ZIPPED, "opensignals h5", "acqknowledge packed"]
EVERY = pytest.mark.parametrize("name", NAMES)

# What mutants brought to light, so that it stays mended: sample, file, what is there, what comes there.
FOUND: dict[str, tuple[str, str, bytes, bytes]] = {
    "an unknown encoding": ("apple-health", "export.xml", b'"UTF-8"', b'"UTF-x"'),
    "warm skin": ("empatica-e4", "TEMP.csv", b"33.11", b"93.11"),
    "a wild hand": ("empatica-e4", "ACC.csv", b"1,-2,63", b"1,-2,6300"),
    "a wild chest": ("faros-csv", "ACC.csv", b"308.5", b"30850.0"),
    "a heart of volts": ("wfdb", "100.hea", b"200(0)", b"0.002(0)"),
    "a long beat": ("wfdb", "100.atr", b"\x6e\x04", b"\xff\x07"),
    "a converter of billions of bits": ("wfdb", "100.hea", b"/mV 16", b"/mV 4294967295"),
    "no sign in a lead": ("wfdb", "100.hea", b"MLII", b"\0\0II"),
    "no sign in a column": ("table", "table.csv", b"eda_us", b"eda\x7f\xff"),
    "no sign in an interval": ("polar-hrm", "exercise.hrm", b"Interval=238", b"Interval=23\0"),
    "no sign in a unit": ("edf", "ecg.edf", b"uV  ", b"\xff\x7f  "),
    "no sign in a sensor": ("shimmer-consensys", "shimmer.csv", b"Int_Exp", b"Int_\x7fx"),
    "no sign in a zip": ("empatica-e4 zip", "export.zip", b"EDA.csv", b"E\0A.csv"),
    "a stamp twice": ("table", "table.csv", b"0.007692,", b"0.000000,"),
    "a stamp twice on a sensor": ("shimmer-consensys", "shimmer.csv", b"1.700000000021E", b"1.700000000000E"),
    "far ahead": ("faros-csv", "meta.json", b"2018-", b"6018-"),
    "ahead": ("polar-hrm", "exercise.hrm", b"Date=2023", b"Date=2423"),
    "blanks": ("biosppy-text", "ecg.txt", b"# Sampling", b"#" + b" " * 4000 + b"\n# Sampling"),
    "more blanks": ("kubios-report", "report.txt", b"date: 13", b"date: " + b" " * 4000 + b"\n13"),
}


def made(name: str) -> Sample:
    if name.endswith(" zip"):
        return zipped(made(name.removesuffix(" zip")))
    found = sample(name, RECORDINGS if RECORDINGS.is_dir() else None)
    if found is None:
        pytest.skip("needs the real recordings, which are not part of the repository")
    return found


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
            patch.setenv(f"{library}_NUM_THREADS", "1")
        with Pool(WORKERS) as hired:
            yield hired


@EVERY
def test_the_sample_itself_is_read_as_its_format(name: str, tmp_path: Path) -> None:
    given = made(name)
    path = given.write(tmp_path, given.files)
    if "refused" in next((reader.label for reader in readers() if reader.name == name), ""):
        with pytest.raises(InputError, match="nothing can be"):
            read_recording(path)
        return
    _, recording = read_recording(path)
    assert recording.source == name.partition(" ")[0]
    assert list(flaws(recording, recording)) == []


@EVERY
@pytest.mark.timeout(3600)
def test_no_mutant_does_harm(name: str, pool: Pool, share: float) -> None:
    count = round(FULL * share) if share >= 0.1 else SUITE
    if name in LARGE:
        count //= 10
    found = pool.findings(made(name), range(count))
    told = "\n\n".join(str(each) for each in found[:SHOWN])
    assert not found, f"{len(found)} of {count} mutants\n\n{told}"


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_stays_mended(case: str, tmp_path: Path) -> None:
    name, file, there, instead = FOUND[case]
    given = made(name)
    content = given.files[file]
    assert there in content
    path = given.write(tmp_path, {**given.files, file: content.replace(there, instead, 1)})
    before = time.process_time()
    assert tried(path, None) is None
    assert time.process_time() - before < LIMIT_S


def test_mutants_are_the_same_each_time_and_differ() -> None:
    given = made("rr-text")
    mutants = [mutant(given, number) for number in range(300)]
    assert mutants == [mutant(given, number) for number in range(300)]
    assert len(set(mutants)) > 270
    assert ("rr.txt", b"") in mutants
