"""From a running recorder to the pages: what is new of each topic, ten times a second, and to the analyst.

It attends a recording and is no part of it: what it does not get done is not told, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from devices.driver import Samples
from flows.analyst import Analyst
from flows.conduct.conductor import Conductor, Stage
from flows.conduct.scenes import client_screen, led
from flows.recording import Plan, Recorder
from pipeline.clinic import read_clinic
from pipeline.clock import SystemClock
from pipeline.errors import InputError, UsageError
from pipeline.events import marks_of
from pipeline.guidance.feedback import Measure
from pipeline.guidance.safety import UNUSABLE_BEATS, many_unusable
from pipeline.journal import Kind, Record
from pipeline.live.logs import BeatNews
from pipeline.live.shown import Analysed, course_point
from pipeline.model import Floats
from pipeline.profile import Profile, Screening, read_profile, update_profile
from pipeline.spans import HEART, stretches
from pipeline.store import Home

Publish = Callable[[str, Any, float | None, float], None]

_EVERY_S = 0.1  # real time
_COURSE_EVERY_S = 5.0  # of the session
_ECG_HZ = 250.0  # what a page can draw
_NOT_KEPT = "goal, next step and thresholds could not be kept"
_MEASURE_OF = {
    "Heart rate": Measure.HEART_RATE,
    "Skin conductance level": Measure.SKIN_LEVEL,
    "Skin responses": Measure.SKIN_RESPONSES,
    "Breathing rate": Measure.BREATHING_RATE,
    "Rhythm concentration": Measure.RHYTHM_CONCENTRATION,
}


@dataclass(frozen=True, slots=True)
class About:
    """What the pages are told of a session that its recorder does not know."""

    session_number: int | None = None
    crisis_line: str | None = None
    profile: Profile = Profile()  # noqa: RUF009 - frozen
    home: Path | None = None
    trouble: str | None = None


class Feed:
    """Tells the pages of one recording. `attend` runs beside it until it is over."""

    def __init__(self, publish: Publish, speed: float = 1.0, about: About = About()) -> None:
        self._publish, self._speed, self.about = publish, speed, about
        self._beats = BeatNews()
        self._ecg: list[dict[str, Any]] = []
        self._skin_s = -np.inf
        self._course_s = -_COURSE_EVERY_S
        self._shown_s: float | None = None
        self._told: dict[str, Any] = {}
        self._state: object = None
        self._baseline: dict[str, float] = {}
        self._profile = about.profile
        self._report: str | None = None
        self._writer = ThreadPoolExecutor(1, "vagal-profile")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def attend(self, recorder: Recorder) -> None:
        """Tell what happens, until cancelled."""
        recorder.heard, self._loop = self._heard, asyncio.get_running_loop()
        self._restore(recorder)

        def answered(analysed: Analysed) -> None:
            recorder.answered(analysed)
            self._compare(analysed, recorder)

        async with Analyst(recorder.folder, answered) as analyst:
            while True:
                try:
                    self.tell(recorder, analyst)
                except Exception as error:  # what could not be told now is no reason to tell nothing more
                    recorder.fault = repr(error)
                await asyncio.sleep(_EVERY_S * self._speed)

    def tell(self, recorder: Recorder, analyst: Analyst | None = None) -> None:
        """Tell what is new."""
        now_s = recorder.conductor.now_s()
        self._tell_signals(recorder, now_s)
        if recorder.shown and recorder.shown["time_s"] != self._shown_s:
            self._shown_s = recorder.shown["time_s"]
            self._say("values", recorder.shown["values"], now_s)
            self._tell_course(recorder, now_s, analyst)
        state = (recorder.conductor.version, self._shown_s, tuple(recorder.states().items()))
        if state != self._state:  # it is much to put together ten times a second
            self._state = state
            self._tell_state(recorder, now_s)

    def _tell_state(self, recorder: Recorder, now_s: float) -> None:
        self._tell_if_new("session", self.session(recorder, now_s), now_s)
        self._tell_if_new("client", self._client(recorder), now_s)
        self._keep_wishes(recorder)

    def _tell_signals(self, recorder: Recorder, now_s: float) -> None:
        beats = self._beats.of(recorder.live.beat_log)
        if beats["add"] or beats["revise"]:
            self._say("beats", beats, now_s)
        if points := recorder.live.skin_points(self._skin_s):
            self._skin_s = points[-1][0]
            self._say("skin", [list(point) for point in points], now_s)
        chunks, self._ecg = self._ecg, []
        for chunk in chunks:
            self._say("ecg", chunk, now_s)

    def _tell_course(self, recorder: Recorder, now_s: float, analyst: Analyst | None) -> None:
        if recorder.shown["time_s"] - self._course_s >= _COURSE_EVERY_S:
            self._course_s = recorder.shown["time_s"]
            self._say("course", [course_point(recorder.shown)], now_s)
            if analyst is not None:
                analyst.ask(recorder.sequence, recorder.shown["time_s"])

    def _tell_if_new(self, topic: str, data: Mapping[str, Any], now_s: float) -> None:
        if self._told.get(topic) != data:
            self._told[topic] = data
            self._say(topic, data, now_s)

    def _say(self, topic: str, data: Any, now_s: float) -> None:
        self._publish(topic, data, round(now_s, 3), self._speed)

    def session(self, recorder: Recorder, now_s: float) -> dict[str, Any]:
        """What the leading screen shows, beside the signals."""
        plan = recorder.plan
        return {
            **led(recorder.conductor, now_s, self._baseline),
            "session_id": recorder.folder.name,
            "client": plan.client,
            "session_number": self.about.session_number,
            "simulated": plan.simulated,
            "devices": _devices(recorder),
            "report": self._report,
            "crisis_line": self.about.crisis_line,
            "unusable_beats": unusable_beats(recorder, now_s),
        }

    def ended(self, recorder: Recorder, report: str | None) -> None:
        """Tell how it ended, once the recording is sealed and reported."""
        self._report = report
        self.tell_now(recorder)

    def tell_now(self, recorder: Recorder) -> None:
        """Tell and keep what changed, also after the end."""
        self._tell_state(recorder, recorder.conductor.now_s())

    def close(self) -> None:
        """Wait until all is kept: the next session begins from it. Nothing more is told."""
        self._closed = True
        self._writer.shutdown()

    def refused(self, plan: Plan, message: str) -> None:
        """Tell that a session did not come about, and why."""
        conductor = Conductor(plan.protocol, _unwritten, lambda: 0.0)
        conductor.to(Stage.FAILED, message)
        told = led(conductor, 0.0, {})
        about: dict[str, Any] = {"session_id": None, "client": plan.client, "devices": [], "report": None}
        self._tell_if_new("session", {**told, **about, "simulated": plan.simulated}, 0.0)
        self._tell_if_new("client", client_screen(conductor, {}, {}), 0.0)

    def _client(self, recorder: Recorder) -> dict[str, Any]:
        values = recorder.shown.get("values", {})
        return client_screen(recorder.conductor, values, self._baseline, self.about.crisis_line)

    def _heard(self, samples: Samples, arrival_s: float) -> None:
        if samples.stream == "ecg" and samples.rate_hz:
            self._ecg.append(_chunk(samples.columns["ecg_uv"], samples.rate_hz, arrival_s))

    def _compare(self, analysed: Analysed, recorder: Recorder) -> None:
        self._baseline = {
            _MEASURE_OF[row.name]: row.baseline
            for row in analysed.table.rows
            if row.baseline is not None and row.name in _MEASURE_OF
        }
        self._say("table", analysed.table.message(), recorder.conductor.now_s())

    def _restore(self, recorder: Recorder) -> None:
        """What this client's last session left for this one."""
        wishes, profile = recorder.conductor.wishes, self._profile
        wishes.goal, wishes.next_step = profile.goal, profile.next_step
        wishes.thresholds = dict(profile.thresholds)
        recorder.conductor.message = self.about.trouble

    def _keep_wishes(self, recorder: Recorder) -> None:
        """Keep goal, next step, thresholds and answers once they are changed.

        One after the other on a thread, as disks can be slow; what cannot be kept is said.
        """
        wishes, answers = recorder.conductor.wishes, recorder.conductor.screened_as
        changed: dict[str, Any] = {
            "goal": wishes.goal,
            "next_step": wishes.next_step,
            "thresholds": dict(wishes.thresholds),
        }
        profile = replace(self._profile, **changed)
        if answers is not None and profile.answered(simulated=recorder.plan.simulated) != answers.answers:
            today = datetime.fromtimestamp(SystemClock().wall(), UTC).astimezone().date().isoformat()
            changed["screening"] = Screening(answers.answers, today, recorder.plan.simulated)
            profile = replace(profile, **changed)
        if profile == self._profile or self.about.home is None:
            return
        self._profile = profile
        writing = self._writer.submit(  # what is entered meanwhile stays
            update_profile, self.about.home, recorder.plan.client, lambda kept: replace(kept, **changed)
        )
        writing.add_done_callback(lambda done: self._kept(done, recorder))

    def _kept(self, done: Future[Profile], recorder: Recorder) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed: nobody is there to be told
                self._loop.call_soon_threadsafe(self._tell_kept, recorder, done.exception())

    def _tell_kept(self, recorder: Recorder, error: BaseException | None) -> None:
        """Say that something could not be kept, until it can."""
        conductor = recorder.conductor
        told = (conductor.message or "").startswith(_NOT_KEPT)
        if (error is not None or told) and not self._closed:
            conductor.message = f"{_NOT_KEPT}: {error}" if error is not None else None
            self.tell_now(recorder)


def _unwritten(_: Kind, __: Mapping[str, Any]) -> Record:
    raise UsageError("there is no session to write this down in")


def about(home: Home, client: str) -> About:
    """What the pages are told of a session of this client. Where a profile cannot be read, none is kept."""
    number = 1 + sum(1 for _ in (home.sessions_path / client).glob("*/session.json"))
    try:
        crisis_line = read_clinic(home.path).crisis_line
    except InputError:
        crisis_line = None
    try:
        return About(number, crisis_line, read_profile(home.path, client), home.path)
    except InputError as error:
        return About(number, crisis_line, trouble=str(error))


def unusable_beats(recorder: Recorder, now_s: float) -> str | None:
    """What is said while variability is not shown since many of the latest beats are unusable."""
    rmssd = recorder.shown.get("values", {}).get("rmssd_ms")
    log = recorder.live.beat_log
    if log is None or rmssd is None or rmssd["value"] is not None:
        return None
    marked = [mark.marker for mark in marks_of(recorder.conductor.noted.records, now_s)]
    beats = log.beats().without(stretches(marked, HEART))
    return UNUSABLE_BEATS if many_unusable(beats, now_s) else None


def _chunk(ecg_uv: Floats, rate_hz: float, arrival_s: float) -> dict[str, Any]:
    """An ECG chunk that ends when it arrived, at a rate that can be drawn: of each stretch its peak."""
    start_s = arrival_s - (len(ecg_uv) - 1) / rate_hz
    every = max(int(rate_hz // _ECG_HZ), 1)
    if every > 1:
        whole = ecg_uv[: len(ecg_uv) // every * every].reshape(-1, every)
        middle = np.nanmedian(ecg_uv) if np.isfinite(ecg_uv).any() else 0.0
        farthest = np.nanargmax(np.where(np.isfinite(whole), np.abs(whole - middle), -1.0), axis=1)
        ecg_uv = whole[np.arange(len(whole)), farthest]
    values = [round(value) if np.isfinite(value) else None for value in ecg_uv.tolist()]
    return {"start_s": round(start_s, 4), "rate_hz": rate_hz / every, "uv": values}


def _devices(recorder: Recorder) -> list[dict[str, Any]]:
    """How each sensor is, in a word and with the reason."""
    states, devices = recorder.states(), []
    for name, sensor in recorder.named_sensors:
        assert sensor.driver is not None
        state, _, why = states.get(name, "").partition(", ")
        word, why = _condition(state, why)
        if not state:
            word, why = "waiting", "waiting for its first data"
        devices.append(
            {
                "id": name,
                "label": sensor.driver.label,
                "state": word,
                "why": why or None,
                "streams": list(sensor.driver.streams),
            }
        )
    return devices


def _condition(state: str, news: str) -> tuple[str, str]:
    if state == "connected":
        return ("poor", news) if news else ("good", "")
    if state.startswith(("lost", "silent", "failed")):
        return "lost", f"{state}; trying again"
    return "poor", ", ".join(filter(None, (state, news)))
