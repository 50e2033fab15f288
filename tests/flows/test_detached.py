"""A view may be slow, stuck or broken: the recording neither waits for it nor ends with it."""

import threading
from pathlib import Path

import pytest

from flows.detached import DetachedView
from flows.recording import Moment, Plan
from pipeline.live.indices import Shown
from tests.flows.rooms import play, resting


class Stuck:
    """A terminal that nobody reads."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def begin(self, plan: Plan, folder: Path) -> None:
        self.let_go.wait()

    def show(self, moment: Moment) -> None:
        self.let_go.wait()

    def end(self) -> None:
        self.let_go.wait()


class Broken(Stuck):
    """A terminal that was closed."""

    def begin(self, plan: Plan, folder: Path) -> None:
        pass

    def show(self, moment: Moment) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("view", [Stuck(), Broken()], ids=["stuck", "broken"])
def test_the_recording_goes_on_without_its_view(view: Stuck, tmp_path: Path) -> None:
    session = play(tmp_path, resting(60), shown_by=DetachedView(view)).recording
    view.let_go.set()
    assert session.phases[0].duration_s == pytest.approx(60, abs=1)
    assert len(session.streams["rr"]) > 50


def test_a_slow_view_gets_the_latest_moment() -> None:
    seen: list[float] = []
    began, go_on = threading.Event(), threading.Event()

    class Slow(Stuck):
        def begin(self, plan: Plan, folder: Path) -> None:
            pass

        def show(self, moment: Moment) -> None:
            seen.append(moment.time_s)
            began.set()
            go_on.wait()

        def end(self) -> None:
            pass

    view = DetachedView(Slow())
    view.begin(None, Path())  # type: ignore[arg-type]
    view.show(Moment(1.0, None, 0.0, Shown(), {}))
    began.wait()
    for time_s in (2.0, 3.0, 4.0):
        view.show(Moment(time_s, None, 0.0, Shown(), {}))
    go_on.set()
    view.end()
    assert seen == [1.0, 4.0]
