"""Every real recording there is: what it is read as, or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from devices.exports.formats import read_recording
from pipeline.errors import InputError

FOUND = 0.02  # of the beats found in a pulse wave, by which a better detector may differ


@dataclass(frozen=True, slots=True)
class Read:
    """What a recording is read as; `beats` None where intervals are yet to be found in a signal."""

    source: str
    duration_s: float
    streams: str
    beats: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What the error says after the path."""

    reason: str


E4 = "eda pp ppg ppg_rate skin_temperature"
UNKNOWN = Refused(": not a format vagal can read: docs/formats.md lists ")
UNMAPPED = Refused(
    ": a table that does not say what it holds; name its columns and their units with --columns "
)

# A folder's row stands for all files in it. Durations and counts agree with what the files' provenance says.
TABLE: Mapping[str, Read | Refused] = {
    "acqknowledge/physio-3.9.1-c.acq": Read("acqknowledge", 61.894, "ecg eda respiration"),
    "acqknowledge/physio-4.4.0-c.acq": Read("acqknowledge", 61.894, "ecg eda respiration"),
    "bids_physio_ds210/dataset_description.json": UNKNOWN,
    "bids_physio_ds210/sub-01/sub-01_task-rest_physio.json": UNKNOWN,
    "bids_physio_ds210/sub-01/func/sub-01_task-rest_run-01_physio.tsv.gz": Read(
        "bids-physio", 612.0, "ppg respiration"
    ),
    "biosppy_examples/ecg.txt": Read("biosppy-text", 15.0, "ecg"),
    "biosppy_examples/eda.txt": Refused(": holds no channel vagal can use (EDA: is in no unit, not in µS)"),
    "biosppy_examples/ppg.txt": Read("biosppy-text", 20.0, "ppg"),
    "biosppy_examples/resp.txt": Read("biosppy-text", 60.0, "respiration"),
    "bitalino_ecg_opensignals/SampleECG.txt": Read("opensignals", 22.35, "ecg"),
    "devicely_e4_shimmer_faros/Empatica_test_data/test_data_read": Read(
        "empatica-e4", 200.306, "acc eda pp ppg skin_temperature", 49
    ),
    "devicely_e4_shimmer_faros/Faros_test_data/testdir_read": Read("faros-csv", 78.0, "acc ecg"),
    "devicely_e4_shimmer_faros/Shimmer_test_data/read_test_data.csv": Read(
        "shimmer-consensys", 1.76, "acc eda ppg"
    ),
    "elitehrv_txt/2017-06-29 13-11-53.txt": Read("rr-text", 3089.547, "rr", 4201),
    "fit_hrv_mit/garmin-edge-820-bike.fit": Read("fit", 66.289, "rr", 126),
    "fit_hrv_mit/garmin-fenix-5-run.fit": Read("fit", 75.005, "rr", 113),
    "fit_hrv_mit/garmin-fenix-5-walk.fit": Read("fit", 49.592, "rr", 62),
    "fit_hrv_mit/garmin-fr935-cr.fit": Read("fit", 8830.354, "rr", 11392),
    "flirt_garmin_holter/garmin/acc.csv": UNMAPPED,
    "flirt_garmin_holter/garmin/data.csv": Read("connect-iq", 167_455.745, "heart_rate rr", 14316),
    "flirt_garmin_holter/holter/holter.txt": Read("holter-txt", 4665.398, "rr", 4763),
    "heartpy_samples/data.csv": UNMAPPED,  # a pulse wave in counts, which look like intervals in ms
    "heartpy_samples/data2.csv": UNMAPPED,
    "heartpy_samples/data2.mat": UNKNOWN,
    "heartpy_samples/data3.csv": UNMAPPED,
    "kubios_report/SampleExport.txt": Read("rr-text", 299.291, "rr", 423),
    "kubios_report/SampleReport_kubios_3.1_standard.txt": Read("kubios-report", 299.291, "rr", 423),
    "kubios_report/keys.json": UNKNOWN,
    "neurokit_bio/bio_eventrelated_100hz.csv": UNMAPPED,
    "neurokit_bio/bio_resting_8min_100hz.csv": UNMAPPED,
    "opensignals_plux/bvp_sample.txt": Read("opensignals", 27.3, "ppg"),
    "opensignals_plux/ecg_5_min.h5": Read("opensignals", 300.0, "ecg"),
    "opensignals_plux/ecg_5_min_info.json": UNKNOWN,
    "opensignals_plux/eda_hot_surface.txt": Read("opensignals", 37.05, "eda"),
    "opensignals_plux/eda_hot_surface_info.json": UNKNOWN,
    "opensignals_plux/eda_slow_signal.edf": Refused("EDA: lies at the end of its range for 97% of the time"),
    "opensignals_plux/eda_slow_signal.h5": Read("opensignals", 28.2, "eda"),
    "opensignals_plux/eda_slow_signal.txt": Read("opensignals", 28.2, "eda"),
    "physionet_e4_exercise/AEROBIC/S01": Read("empatica-e4", 2040.188, f"acc {E4}", 1799),
    "physionet_e4_exercise/Data_Dictionary.csv": UNMAPPED,
    "polar_h10_ecglogger/polar_h10.csv": Read("ecg-logger", 599.989, "ecg heart_rate rr", 798),
    "rri_txt_polar_hrm/exercise_rri.hrm": Read("polar-hrm", 2561.791, "rr", 4117),
    "rri_txt_polar_hrm/rest_rri.txt": Read("rr-text", 963.434, "rr", 910),
    "stress_predict_e4/S02": Read("empatica-e4", 3566.0, f"acc {E4}", 821),
    "stress_predict_e4/S02_as_e4_zip.zip": Read("empatica-e4", 3566.0, f"acc {E4}", 821),
    "stress_predict_e4/S03": Read("empatica-e4", 3320.0, f"acc {E4}", 1922),
    "stress_predict_e4/S04": Read("empatica-e4", 3540.0, E4, 2578),
    "stress_predict_e4/S05": Read("empatica-e4", 3278.0, E4, 3059),
    "stress_predict_e4/S06": Read("empatica-e4", 3322.0, E4, 3450),
    "stress_predict_e4/S07": Read("empatica-e4", 3382.5, E4, 2609),
    "stress_predict_e4/S08": Read("empatica-e4", 3144.625, E4, 3158),
    "stress_predict_e4/S09": Read("empatica-e4", 3186.047, E4, 3151),
    "stress_predict_e4/labels_hr_rsp_1hz.csv": UNMAPPED,
    "stress_predict_e4/time_logs_irish_time.csv": UNMAPPED,
    "wearablehrv_individual/test_empatica.csv": Read("rr-text", 4128.337, "rr", 4139),
    "wearablehrv_individual/test_events.csv": UNKNOWN,
    "wearablehrv_individual/test_heartmath.csv": Read("ble-logger", 2957.019, "rr", 3042),
    "wearablehrv_individual/test_kyto.csv": Read("ble-logger", 3224.047, "rr", 2860),
    "wearablehrv_individual/test_rhythm.csv": Read("ble-logger", 3307.832, "rr", 2604),
    "wearablehrv_individual/test_vu.txt": Read("vu-ams", 2887.166, "rr", 3040),
    "welltory_ppg_polar_h10/subject_01": Read("welltory", 111.609, "ppg rr", 100),
    "welltory_ppg_polar_h10/subject_02": Read("welltory", 73.838, "ppg rr", 101),
    "welltory_ppg_polar_h10/subject_03": Read("welltory", 73.984, "ppg rr", 100),
    "welltory_ppg_polar_h10/subject_04": Read("welltory", 80.723, "ppg rr", 100),
    "welltory_ppg_polar_h10/subject_05": Read("welltory", 82.858, "ppg rr", 101),
    "welltory_ppg_polar_h10/subject_06": Read("welltory", 83.666, "ppg rr", 100),
    "welltory_ppg_polar_h10/subject_07": Read("welltory", 84.523, "ppg rr", 100),
    "welltory_ppg_polar_h10/subject_08": Read("welltory", 83.594, "ppg rr", 100),
    "wfdb_mitdb100/100.atr": UNKNOWN,
    "wfdb_mitdb100/100.dat": UNKNOWN,
    "wfdb_mitdb100/100.hea": Read("wfdb", 1805.556, "ecg rr", 2272),
    "xdf_examples/clock_resets.xdf": Refused(
        ": holds nothing vagal can use; in it are MyMarkerStream (Markers, 1 channel, irregular), "
        "BioSemi (EEG, 8 channels, 100 Hz)"
    ),
    "xdf_examples/minimal.xdf": Refused(
        ": holds nothing vagal can use; in it are SendDataC (EEG, 3 channels, 10 Hz)"
    ),
}
READ = {path: row for path, row in TABLE.items() if isinstance(row, Read)}
REFUSED = {path: row for path, row in TABLE.items() if isinstance(row, Refused)}
BESIDE = ("PROVENANCE.md", "LICENSE.source.txt", "INDEX.md", "FORMAT_NOTES.md")


def test_the_table_holds_every_file(recordings: Path) -> None:
    folders = tuple(f"{path}/" for path in TABLE if (recordings / path).is_dir())
    every = [path.relative_to(recordings) for path in sorted(recordings.rglob("*")) if path.is_file()]
    assert [
        path
        for path in every
        if path.name not in BESIDE
        and path.as_posix() not in TABLE
        and not path.as_posix().startswith(folders)
    ] == []


@pytest.mark.parametrize("path", READ)
def test_what_is_read(recordings: Path, path: str) -> None:
    _, recording = read_recording(recordings / path)
    expected, beats = READ[path], recording.beats
    assert recording.source == expected.source
    assert recording.duration_s == pytest.approx(expected.duration_s, abs=6e-4)
    assert " ".join(sorted(recording.streams)) == expected.streams
    if "ppg_rate" in recording.streams:
        assert beats is not None
        assert len(beats) == pytest.approx(expected.beats, rel=FOUND)
    else:
        assert (None if beats is None else len(beats)) == expected.beats


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_refused(recordings: Path, path: str) -> None:
    with pytest.raises(InputError) as caught:
        read_recording(recordings / path)
    told = str(caught.value)
    assert told.startswith(str(recordings / path))
    assert REFUSED[path].reason in told


@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_recordings_is_none(recordings: Path, name: str) -> None:
    for path in sorted(recordings.rglob(name)):
        with pytest.raises(InputError, match="not a format vagal can read"):
            read_recording(path)
