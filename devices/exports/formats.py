"""The export formats that can be read. A new format is a file of its own and a line here."""

from __future__ import annotations

from pathlib import Path

from devices.exports.acqknowledge import AcqKnowledge
from devices.exports.apple_health import AppleHealth
from devices.exports.bids_physio import BidsPhysio
from devices.exports.biosppy_text import BiosppyText
from devices.exports.ble_logger import BleLogger
from devices.exports.checked import checked
from devices.exports.column_map import ColumnMap
from devices.exports.connect_iq import ConnectIq
from devices.exports.ecg_logger import EcgLogger
from devices.exports.edf import Edf
from devices.exports.embrace_plus import EmbracePlus
from devices.exports.empatica_e4 import EmpaticaE4
from devices.exports.emwave import EmWave
from devices.exports.faros import FarosEdf, FarosFolder
from devices.exports.fit import Fit
from devices.exports.fitbit import Fitbit
from devices.exports.generic_csv import GenericCsv, how_to_map
from devices.exports.holter_txt import HolterTxt
from devices.exports.hrv4training import Hrv4Training
from devices.exports.kubios_report import KubiosReport
from devices.exports.open_signals import OpenSignals
from devices.exports.polar_flow import PolarFlow
from devices.exports.polar_hrm import PolarHrm
from devices.exports.polar_sensor_logger import PolarSensorLogger
from devices.exports.reader import Reader, Source, open_source
from devices.exports.rr_text import RrText
from devices.exports.shimmer import Shimmer
from devices.exports.vu_ams import VuAms
from devices.exports.welltory import Welltory
from devices.exports.wfdb_record import WfdbRecord
from devices.exports.xdf import Xdf
from pipeline.errors import InputError, VagalError, legible
from pipeline.model import Recording


def readers() -> tuple[Reader, ...]:
    """All readers, the more specific first."""
    found: tuple[Reader, ...] = (
        EmpaticaE4(),
        FarosFolder(),
        FarosEdf(),
        Edf(),
        Fit(),
        WfdbRecord(),
        AcqKnowledge(),
        AppleHealth(),
        BidsPhysio(),
        PolarHrm(),
        PolarSensorLogger(),
        PolarFlow(),
        EcgLogger(),
        BleLogger(),
        VuAms(),
        ConnectIq(),
        KubiosReport(),
        HolterTxt(),
        Welltory(),
        Hrv4Training(),
        Fitbit(),
        OpenSignals(),
        BiosppyText(),
        Shimmer(),
        EmWave(),
        Xdf(),
        EmbracePlus(),
        # What any device may have written comes last.
        GenericCsv(),
        RrText(),
    )
    assert len({reader.name for reader in found}) == len(found), "a reader is listed twice"
    return found


def recognise(source: Source) -> Reader | None:
    """The reader of a source; None if there is none."""
    return next((reader for reader in readers() if reader.recognises(source)), None)


def why_not(source: Source) -> str:
    """Why a source that no reader recognises can't be read, and what to do, as a message goes on."""
    if (advice := how_to_map(source)) is not None:
        return advice
    return "not a format vagal can read: docs/formats.md lists those it can, and `--columns` maps any table"


def why_not_listed(source: Source) -> str:
    """The same where many are read at once: in few words, as it may be said of each."""
    if how_to_map(source) is None:
        return "not a format vagal can read: docs/formats.md lists those it can"
    return (
        "a table that does not say what it holds; name its columns with --columns, or give it a header that "
        "names times and signals with their units, such as time_s,ecg_uv,eda_us"
    )


def read_recording(
    path: Path, unit: str | None = None, columns: ColumnMap | None = None
) -> tuple[Source, Recording]:
    """Read an export of any supported format.

    `unit` tells what a file of RR intervals counts in; `columns` what the columns of a table are, which is
    then read as such whatever it looks like. Raises InputError for what can't be read, UsageError for an
    unknown unit or a column that isn't there.
    """
    try:
        source = open_source(path)
        reader = GenericCsv(columns) if columns is not None else recognise(source)
        if reader is None:
            raise InputError(f"{path}: {why_not(source)}")
        return source, checked(source, reader.read(source, unit))
    except VagalError as error:
        error.args = (legible(str(error)),)
        raise
