"""What columns are: as a person says it with --columns, and as a header leaves no doubt."""

from __future__ import annotations

import pytest

from devices.exports.column_map import EXAMPLE, ROLES, Column, ColumnMap, evident, named_unit, read_columns
from pipeline.errors import UsageError


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        (
            "time=timer[ms],ecg=lead II[mV]",
            ColumnMap((Column("time", "timer", "ms"), Column("ecg", "lead II", "mV"))),
        ),
        ("rate=100,ppg=1", ColumnMap((Column("ppg", "1", "au"),), 100.0)),
        ("rr=RR", ColumnMap((Column("rr", "RR", None),))),
        ("rr=RR [ 1/1024 s ]", ColumnMap((Column("rr", "RR", "1/1024s"),))),
        (
            " TIME = t [S] , eda = GSR (raw) [kΩ] ",
            ColumnMap((Column("time", "t", "s"), Column("eda", "GSR (raw)", "kOhm"))),
        ),
        ("time=a[us],eda=b[µS]", ColumnMap((Column("time", "a", "us"), Column("eda", "b", "uS")))),
        (
            "time=datetime,heart_rate=hr",
            ColumnMap((Column("time", "datetime"), Column("heart_rate", "hr", "bpm"))),
        ),
    ],
    ids=[
        "a name of two words",
        "rate, number",
        "unit left to the header",
        "ticks",
        "blanks",
        "micro",
        "dates",
    ],
)
def test_what_a_person_says(text: str, mapped: ColumnMap) -> None:
    assert read_columns(text) == mapped


def test_the_example_can_be_read() -> None:
    assert [column.role for column in read_columns(EXAMPLE).columns] == ["time", "ecg", "eda"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"--columns: '' is no ROLE=COLUMN[UNIT]; use for example {EXAMPLE}"),
        ("ecg", f"--columns: 'ecg' is no ROLE=COLUMN[UNIT]; use for example {EXAMPLE}"),
        ("ecg=", f"--columns: 'ecg=' is no ROLE=COLUMN[UNIT]; use for example {EXAMPLE}"),
        ("emg=a[mV],rate=9", f"--columns: nothing is called 'emg'; use {', '.join([*ROLES, 'rate'])}"),
        ("ecg=a[mV],ecg=b[mV]", "--columns: ecg is named twice"),
        ("ecg=a[kg],rate=9", "--columns: ecg is not read in 'kg'; use uV, mV, V"),
        ("rate=fast,ecg=a[mV]", "--columns: rate=fast is no number of samples a second"),
        ("rate=nan,ecg=a[mV]", "--columns: rate=nan is no number of samples a second"),
        ("rate=-1,ecg=a[mV]", "--columns: rate=-1 is no number of samples a second"),
        ("ecg=a[mV]", "--columns: name the column of times, time=NAME[ms], or the rate, rate=100"),
        ("time=t[s],rate=4,ecg=a[mV]", "--columns: name a column of times or a rate, not both"),
        ("time=t[s]", f"--columns: names no signal; use for example {EXAMPLE}"),
        ("rate=9,acc_x=a[g]", "--columns: acceleration needs acc_x, acc_y and acc_z"),
    ],
)
def test_what_is_wrong_usage(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_columns(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("time_s,ecg_uv,eda_us", "time ecg eda"),
        ("Time [s],ECG (mV),EDA [µS],note", "time ecg eda"),
        ("timestamp_ms,hr_bpm,skin_temperature_c", "time heart_rate skin_temperature"),
        ("time_s,rr_ms", "time rr"),
        ("time_s,acc_x_mg,acc_y_mg,acc_z_mg,ppg_au", "time acc_x acc_y acc_z ppg"),
        ("time,ecg", None),
        ("time_s,ecg", None),
        ("ECG,RSP,EDA,PhotoSensor", None),
        ("timer,hr", None),
        ("rr_ms", None),
        ("time_s,acc_x_mg", None),
        ("", None),
    ],
)
def test_what_a_header_says(header: str, roles: str | None) -> None:
    found = evident(header.split(","))
    assert (None if found is None else " ".join(column.role for column in found.columns)) == roles


@pytest.mark.parametrize(
    ("role", "name", "unit"),
    [
        ("ecg", "ECG (mV)", "mV"),
        ("ecg", "lead_uV", "uV"),
        ("ecg", "ecg", None),
        ("time", "elapsed ms", "ms"),
        ("time", "times", None),
        ("rr", "RR", None),
        ("ppg", "whatever", "au"),
    ],
)
def test_a_unit_in_a_name(role: str, name: str, unit: str | None) -> None:
    assert named_unit(role, name) == unit
