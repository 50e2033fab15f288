"""A small sound export of each format, to be mutated: built here, or the beginning of a real one."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.devices.exports.test_acqknowledge import HEART, SKIN, acq
from tests.devices.exports.test_fit import checksum
from tests.faults.mutants import Sample

BEATS = 80
RR_MS = (
    np.round(850 + 60 * np.sin(np.arange(BEATS) / 3) + 7 * np.cos(np.arange(BEATS) * 2)).astype(int).tolist()
)
ENDS_MS = np.cumsum(RR_MS).tolist()
START_MS = 1_700_000_000_000
EDA_US = np.round(2 + np.sin(np.arange(200) / 20), 4).tolist()
PULSE = np.exp(-(((np.arange(64 * 20) / 64 % 0.85 - 0.3) / 0.08) ** 2)) * 100
_TIME_S = np.arange(1300) / 130
ECG_UV = (
    np.round(
        900 * np.exp(-(((_TIME_S % 0.85 - 0.3) / 0.015) ** 2))
        + 30 * np.sin(_TIME_S * 9)
        + 9 * np.sin(_TIME_S * 70)
    )
    .astype(int)
    .tolist()
)

Built = Callable[[], bytes]


def _lines(head: str, rows: Iterator[str] | Sequence[str]) -> bytes:
    return "".join((head, *(f"{row}\n" for row in rows))).encode()


def _clock(at_ms: int, zone: str = "") -> str:
    """ISO 8601 of a moment so long after 10 o'clock."""
    minutes, ms = divmod(at_ms, 60_000)
    return f"2023-11-14T{10 + minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}{zone}"


def _e4() -> Mapping[str, bytes]:
    start = START_MS // 1000
    return {
        "BVP.csv": _lines(f"{start}.00\n64.000000\n", [f"{value:.2f}" for value in PULSE]),
        "EDA.csv": _lines(f"{start}.00\n4.000000\n0.000000\n", [f"{value}" for value in EDA_US[:80]]),
        "TEMP.csv": _lines(f"{start}.00\n4.000000\n", ["33.11"] * 80),
        "ACC.csv": _lines(f"{start}, {start}, {start}\n32.0, 32.0, 32.0\n", ["1,-2,63"] * 640),
        "IBI.csv": _lines(f"{start}.00, IBI\n", [f"{end / 1000},{rr / 1000}" for end, rr in _beats(20)]),
        "tags.csv": b"%d.50\n" % (start + 9),
    }


def _beats(count: int = BEATS) -> list[tuple[int, int]]:
    return list(zip(ENDS_MS[:count], RR_MS[:count], strict=True))


def _zipped(files: Mapping[str, bytes], folder: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}{name}"), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _apple_health() -> bytes:
    beats = (
        f'<InstantaneousBeatsPerMinute bpm="{60_000 / rr:.0f}" time="10:{end // 60_000:02}:'
        f'{end // 1000 % 60:02}.{end // 10 % 100:02} AM"/>'
        for end, rr in _beats(40)
    )
    rate = (
        '<Record type="HKQuantityTypeIdentifierHeartRate" unit="count/min" '
        'startDate="2020-04-10 10:00:09 -0700" endDate="2020-04-10 10:00:09 -0700" value="71"/>'
    )
    record = (
        '<Record type="HKQuantityTypeIdentifierHeartRateVariabilitySDNN" unit="ms" '
        'startDate="2020-04-10 10:00:00 -0700" endDate="2020-04-10 10:01:00 -0700" value="40">'
    )
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n'
        ']>\n<HealthData locale="en_US">\n'
    )
    return (
        _lines(head, [rate, record, "<HeartRateVariabilityMetadataList>", *beats])
        + b"</HeartRateVariabilityMetadataList></Record>\n</HealthData>\n"
    )


def _polar_hrm() -> bytes:
    head = "[Params]\nVersion=106\nMonitor=13\nSMode=000000000\nDate=20230208\nStartTime=08:50:31.0\n"
    return _lines(f"{head}Length=00:01:08.0\nInterval=238\n\n[Note]\n\n[HRData]\n", map(str, RR_MS))


def _polar_sensor_logger() -> Mapping[str, bytes]:
    ns = 750_000_000 * 10**9
    ecg = [
        f"{_clock(at * 1000 // 130)};{ns + at * 10**9 // 130};{at * 1000 / 130:.4f};{uv}"
        for at, uv in enumerate(ECG_UV[:600])
    ]
    return {
        "Polar_H10_ECG.txt": _lines("Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n", ecg),
        "Polar_H10_RR.txt": _lines(
            "Phone timestamp;RR-interval [ms]\n", [f"{_clock(end)};{rr}" for end, rr in _beats(12)]
        ),
        "Polar_H10_HR.txt": _lines(
            "Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];\n",
            [f"{_clock(at * 1000)};71;31.5;14.2;" for at in range(10)],
        ),
    }


def _polar_flow() -> bytes:
    samples = [{"sampleDateTime": _clock(end), "pulseLength": rr} for end, rr in _beats()]
    day = {"date": "2023-11-14", "devicePpiSamplesList": [{"deviceId": "A1", "ppiSamples": samples}]}
    return json.dumps([day]).encode()


def _kubios_report() -> bytes:
    head = (
        "HRV ANALYSIS RESULTS - 13-Sep-2018 13:15:19\nKubios HRV Standard\n3.1.0.1\n\n"
        "Measurement date: 13-Sep-2018 10:00:00\n\nRR INTERVAL DATA and SPECTRUM ESTIMATES,\n"
        ",SAMPLE 1,,,\n,RR Data,,FFT spectrum,\n,Time,RR interval,Frequency,PSD,\n,(s),(s),(Hz),(ms^2/Hz),\n"
    )
    return _lines(head, [f",{end / 1000:.3f},{rr / 1000:.3f},0.003,5942.2394," for end, rr in _beats()])


def _connect_iq() -> bytes:
    kinds = [
        f"{_clock(end, '+02:00')};{kind};{value}"
        for end, rr in _beats()
        for kind, value in (("HEART_RATE_VARIABILITY", rr), ("HEART_RATE", 71), ("STRESS", 12))
    ]
    return _lines("", kinds)


def _shimmer() -> bytes:
    names = ("Timestamp_Unix", "GSR_Skin_Conductance", "Int_Exp_A12")
    head = '"sep=;"\n' + "".join(f"Shimmer_40AC_{name}_CAL;" for name in names) + "\nms;uS;mV;\n"
    rows = [
        f"{START_MS + at * 20 + at % 3:.12E};{us};{1500 + 100 * np.sin(at / 6):.3f};"
        for at, us in enumerate(EDA_US)
    ]
    return _lines(head, rows)


def _open_signals() -> bytes:
    described = {
        "20:16:11:02:85:30": {
            "sensor": ["EDABITREV"], "device name": "x", "column": ["nSeq", "I1", "A3"], "channels": [3],
            "device": "bitalino_rev", "sampling rate": 100, "label": ["A3"], "resolution": [4, 1, 10],
            "date": "2019-9-3", "time": "15:18:36.344", "digital IO": [0, 1], "special": [{}],
        }
    }  # fmt: skip
    head = f"# OpenSignals Text File Format. Version 1\n# {json.dumps(described)}\n# EndOfHeader\n"
    return _lines(head, [f"{at % 16}\t0\t{int(460 + 20 * np.sin(at / 50))}\t" for at in range(400)])


def _bids() -> Mapping[str, bytes]:
    rows = [f"{np.sin(at / 7):.4f}\t{np.sin(at / 60):.4f}" for at in range(600)]
    sidecar = {"StartTime": 0, "SamplingFrequency": 50, "Columns": ["cardiac", "respiratory"]}
    return {
        "sub-01_task-rest_physio.tsv.gz": gzip.compress(_lines("", rows), mtime=0),
        "sub-01_task-rest_physio.json": json.dumps(sidecar).encode(),
    }


def _welltory() -> Mapping[str, bytes]:
    camera = [f"{at * 33},{250 + np.sin(at / 5):.3f},0.0,0.012" for at in range(300)]
    return {"PPG.csv": _lines("time,R,G,B\n", camera), "RR.txt": " ".join(map(str, RR_MS)).encode()}


def _edf() -> bytes:
    """One second records of an electrocardiogram at 100 Hz (EDF, after Kemp et al. 1992)."""

    def cells(width: int, *texts: str) -> bytes:
        return b"".join(text.ljust(width).encode() for text in texts)

    head = (
        cells(8, "0")
        + cells(80, "X X X X", "Startdate 02-MAR-2002 X X X")
        + cells(8, "02.03.02", "10.00.00", "512")
    )
    head += cells(44, "EDF") + cells(8, "8", "1") + cells(4, "1")
    signal = cells(16, "ECG") + cells(80, "electrode") + cells(8, "uV", "-3200", "3200", "-32768", "32767")
    signal += cells(80, "HP:0.1Hz") + cells(8, "100") + cells(32, "")
    return head + signal + struct.pack("<800h", *(value * 10 for value in ECG_UV[:800]))


def _wfdb() -> Mapping[str, bytes]:
    """A signal of 16 bits at 130 Hz, and an annotated beat each 110 samples (WFDB: header, signal, annot)."""
    header = "100 1 130 1300\n100.dat 16 200(0)/mV 16 0 0 0 0 MLII\n"
    beats = struct.pack("<11H", *([1 << 10 | 110] * 10), 0)
    return {"100.hea": header.encode(), "100.dat": struct.pack("<1300h", *ECG_UV), "100.atr": beats}


def _xdf() -> bytes:
    """One stream of an electrocardiogram (XDF 1.0: header, samples with their times, footer)."""

    def chunk(tag: int, content: bytes) -> bytes:
        return b"\4" + struct.pack("<IH", len(content) + 2, tag) + content

    info = (
        '<?xml version="1.0"?><info><name>heart</name><type>ECG</type><channel_count>1</channel_count>'
        "<nominal_srate>130</nominal_srate><channel_format>float32</channel_format><created_at>50</created_at>"
        "<desc><channels><channel><label>ECG</label><unit>microvolts</unit><type>ECG</type></channel></channels>"
        "</desc></info>"
    )
    samples = b"".join(
        b"\10" + struct.pack("<df", 50 + at / 130, value) for at, value in enumerate(ECG_UV[:600])
    )
    footer = "<info><first_timestamp>50</first_timestamp><sample_count>600</sample_count></info>"
    stream = struct.pack("<I", 1)
    return (
        b"XDF:"
        + chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')
        + chunk(2, stream + info.encode())
        + chunk(3, stream + b"\4" + struct.pack("<I", 600) + samples)
        + chunk(6, stream + footer.encode())
    )


def _emwave() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE TABLE PrimaryData (UserUuid TEXT, IBIStartTime INTEGER, IBIEndTime INTEGER, "
            "Endian INTEGER, LiveIBI BLOB)"
        )
        start = START_MS // 1000
        row = ("a", start, start + ENDS_MS[-1] // 1000, 1, struct.pack(f"<{BEATS}i", *RR_MS))
        database.execute("INSERT INTO PrimaryData VALUES (?, ?, ?, ?, ?)", row)
        database.commit()
        return database.serialize()


def _embrace() -> bytes:
    fastavro = pytest.importorskip("fastavro")

    def record(name: str, **fields: object) -> dict[str, object]:
        return {"type": "record", "name": name, "fields": [{"name": k, "type": v} for k, v in fields.items()]}

    def sensor(name: str) -> dict[str, object]:
        values = {"type": "array", "items": "float"}
        return record(name, timestampStart="long", samplingFrequency="float", values=values)

    moments = {"type": "array", "items": "long"}
    raw = {name: sensor(name) for name in ("eda", "bvp", "temperature")}
    raw["tags"] = record("tags", tagsTimeMicros=moments)
    raw["systolicPeaks"] = record("systolicPeaks", peaksTimeNanos=moments)
    schema = record("file", timezone="int", deviceSn="string", rawData=record("rawData", **raw))
    start, ns = START_MS * 1000, START_MS * 10**6
    values = {
        "eda": {"timestampStart": start, "samplingFrequency": 4.0, "values": EDA_US[:80]},
        "bvp": {"timestampStart": start, "samplingFrequency": 64.0, "values": PULSE.tolist()},
        "temperature": {"timestampStart": start, "samplingFrequency": 1.0, "values": [33.1] * 20},
        "tags": {"tagsTimeMicros": [start + 9_000_000]},
        "systolicPeaks": {"peaksTimeNanos": [ns + end * 10**6 for end, _ in _beats(20)]},
    }
    file = io.BytesIO()
    content = {"timezone": 3600, "deviceSn": "X", "rawData": values}
    fastavro.writer(file, schema, [content], sync_marker=bytes(range(16)))
    return file.getvalue()


def _checked(content: bytes) -> bytes:
    """A FIT file whose check sums are right, whatever is in it."""
    if len(content) < 16:
        return content
    size = len(content) - 16
    head = content[:4] + struct.pack("<I", size) + content[8:12]
    body = head + struct.pack("<H", checksum(head)) + content[14:-2]
    return body + struct.pack("<H", checksum(body))


def _faros() -> Mapping[str, bytes]:
    meta = {
        "start_time": "2018-10-12 16:54:12",
        "sample_freqs": {"ECG": 125.0, "ACC": 25.0, "Marker": 1.0},
        "units": {"ECG": "uV", "ACC": "mg"},
    }
    return {
        "meta.json": json.dumps(meta).encode(),
        "ECG.csv": _lines("ECG\n", [f"{value}.0" for value in ECG_UV[:1250]]),
        "ACC.csv": _lines("X,Y,Z\n", ["308.5,-645.0,-523.5"] * 250),
        "Marker.csv": _lines("Marker\n", ["0.0"] * 5 + ["1.0"] + ["0.0"] * 4),
    }


# What needs no more than one file's content, by the name of its reader.
ONE_FILE: Mapping[str, tuple[str, Built]] = {
    "rr-text": ("rr.txt", lambda: _lines("", map(str, RR_MS))),
    "apple-health": ("export.xml", _apple_health),
    "polar-hrm": ("exercise.hrm", _polar_hrm),
    "polar-flow": ("ppi_samples_1.json", _polar_flow),
    "kubios-report": ("report.txt", _kubios_report),
    "connect-iq": ("data.csv", _connect_iq),
    "shimmer-consensys": ("shimmer.csv", _shimmer),
    "opensignals": ("opensignals.txt", _open_signals),
    "edf": ("ecg.edf", _edf),
    "faros-edf": ("faros.edf", lambda: _edf().replace(b"X X X X", b"Faros X")),
    "ble-logger": (
        "polar.csv",
        lambda: _lines(
            "timestamp, rr, since_start \n\n", [f"{START_MS + end},{rr},{end}" for end, rr in _beats()]
        ),
    ),
    "vu-ams": (
        "vu.txt",
        lambda: _lines(
            "Subject Id: P1\nR-peak time\tibi_cumulative\tibi\tinterpolated\tLabelCode1\t\n",
            [
                f"30-06-23/14:{end // 60_000:02}:{end // 1000 % 60:02}.{end % 1000:03}\t{end}\t{rr}\tO\t1\t"
                for end, rr in [(0, 0), *_beats()]
            ],
        ),
    ),
    "holter-txt": (
        "holter.txt",
        lambda: _lines("00000000\n", [f"{end / 1000:.3f}  {'NS'[end % 11 == 0]}" for end, _ in _beats()]),
    ),
    "ecg-logger": (
        "polar_h10.csv",
        lambda: _lines(
            "time,ecg,hr,rr\n",
            [
                f"{START_MS * 10**6 + at * 10**9 // 130:.16e},{uv / 1000},"
                + (f"71.0,{RR_MS[at // 110]}.0" if at % 110 == 109 else ",")
                for at, uv in enumerate(ECG_UV[:600])
            ],
        ),
    ),
    "acqknowledge": ("lab.acq", lambda: acq(HEART, SKIN, events=((500, b"press"), (900, b"release")))),
    "xdf": ("lab.xdf", _xdf),
    "emwave": ("emwave.emdb", _emwave),
    "embrace-plus": ("1-1-100_1700000000.avro", _embrace),
    "table": (
        "table.csv",
        lambda: _lines(
            "time_s,ecg_uv,eda_us\n", [f"{at / 130:.6f},{uv},2.5" for at, uv in enumerate(ECG_UV[:600])]
        ),
    ),
    "biosppy-text": (
        "ecg.txt",
        lambda: _lines(
            "# Simple Text Format\n# Sampling Rate (Hz):= 100.00\n# Resolution:= 12\n# Labels:= ECG\n",
            [f"{2048 + value}.0" for value in ECG_UV[:1000]],
        ),
    ),
    "hrv4training": (
        "hrv4training.csv",
        lambda: _lines(
            "date, timestamp_measurement, HR, AVNN, SDNN, rMSSD, pNN50, LF, HF, HRV4T_Recovery_Points\n",
            ["2020-01-01, 2020-01-01 07:00:00, 55, 1090, 60, 55, -, 0.3, 0.2, 8.1"] * 5,
        ),
    ),
    "fitbit": (
        "Heart Rate Variability Details - 2023-01-01.csv",
        lambda: _lines(
            "timestamp,rmssd,coverage,low_frequency,high_frequency\n",
            ["2023-01-01T02:05:00,31.5,0.97,310.1,220.9"] * 9,
        ),
    ),
}  # fmt: skip

# What is a folder, or the first file with those beside it.
SEVERAL: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "empatica-e4": _e4,
    "polar-sensor-logger": _polar_sensor_logger,
    "faros-csv": _faros,
    "welltory": _welltory,
    "bids-physio": _bids,
    "wfdb": _wfdb,
}
BY_FIRST = frozenset({"bids-physio", "wfdb"})

# Real files, where they are; no layout that a test could build from is documented.
REAL: Mapping[str, str] = {
    "fit": "fit_hrv_mit/garmin-fenix-5-walk.fit",
    "opensignals h5": "opensignals_plux/eda_slow_signal.h5",
    "acqknowledge packed": "acqknowledge/physio-3.9.1-c.acq",
}
_PACKED = {"bids-physio": (gzip.decompress, partial(gzip.compress, mtime=0)), "fit": (bytes, _checked)}


def sample(name: str, recordings: Path | None) -> Sample | None:
    """The sample for a reader; None where it needs a real file that is not there.

    Raises KeyError for a reader that nobody made a sample for.
    """
    unpacked, packed = _PACKED.get(name, (None, None))
    if name in REAL:
        if recordings is None:
            return None
        path = recordings / REAL[name]
        return Sample(name, {path.name: path.read_bytes()}, unpacked=unpacked, packed=packed)
    if name in ONE_FILE:
        file, built = ONE_FILE[name]
        return Sample(name, {file: built()})
    files = SEVERAL[name]()
    first = next(iter(files))
    victims = (first,) if packed else tuple(files)
    return Sample(name, files, folder=name not in BY_FIRST, victims=victims, unpacked=unpacked, packed=packed)


def zipped(given: Sample) -> Sample:
    """The same as a zip; half of its mutants are damaged before they are packed."""
    victim = next(iter(given.files))
    return Sample(
        f"{given.name} zip",
        {"export.zip": _zipped(given.files)},
        unpacked=partial(_member, victim),
        packed=partial(_repacked, given.files, victim),
    )


def _member(name: str, archive: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(name)


def _repacked(files: Mapping[str, bytes], name: str, content: bytes) -> bytes:
    return _zipped({**files, name: content})
