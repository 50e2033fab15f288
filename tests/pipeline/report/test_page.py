import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.heart.spectrum import Detrend
from pipeline.indices.delayed_arousal import TEXT
from pipeline.language import text
from pipeline.model import DeviceInfo, Gap, Marker, Phase, PhaseKind, Rating, Recording
from pipeline.parameters import Parameters
from pipeline.report import render
from tests.pipeline.report.recordings import GUIDED, Page, beats, conductance, page_of, recording

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\"'&amp;{{ 7*7 }}</td></svg></style>" * 130


def _short() -> Recording:
    streams = {name: stream.between(0, 40) for name, stream in recording().streams.items()}
    return recording(40.0, streams=streams, phases=(), markers=(), ratings=())


SECTIONS = (
    "Signal quality",
    "In short",
    "Since the last session",
    "The session over time",
    "Values by phase",
    "Reactivity and recovery",
    "Resonance today",
    "Spectrum",
    "Self-report beside the signals",
    "Between sessions",
    "To check next time",
    "Sign-off",
    "Signal quality in detail",
    "How to read this",
    "Methods",
)
MAY_BE_MISSING = ("Signal quality in detail", "Resonance today", "Spectrum", "Self-report beside the signals")

RECORDINGS: dict[str, Callable[[], Recording]] = {
    "guided": recording,
    "no skin conductance": lambda: recording(streams={"rr": beats(840.0)}),
    "no heart": lambda: recording(streams={"eda": conductance(840.0)}),
    "pulse": lambda: recording(streams={"pp": beats(840.0, "pp")}),
    "40 seconds": _short,
    "no baseline": lambda: recording(phases=GUIDED[1:]),
    "no phases": lambda: recording(phases=()),
    "no recovery": lambda: recording(phases=GUIDED[:2]),
    "only paced": lambda: recording(phases=GUIDED[3:]),
    "nothing told": lambda: recording(
        client=None, started_at=None, protocol=None, markers=(), ratings=(), units={}
    ),
    "recovered": lambda: recording(simulated=True, recovered=True),
}


@cache
def _analysis(name: str) -> Analysis:
    return analyse(RECORDINGS[name]())


@cache
def _html(name: str) -> str:
    return render(_analysis(name))


def _page(name: str) -> Page:
    return page_of(_html(name))


@pytest.fixture(params=list(RECORDINGS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestStructure:
    def test_sections_come_in_the_order_they_are_read(self, name: str) -> None:
        shown = [words for level, words in _page(name).headings if level == 2]
        assert shown == [section for section in SECTIONS if section not in MAY_BE_MISSING or section in shown]

    def test_headings_leave_out_no_level(self, name: str) -> None:
        levels = [level for level, _ in _page(name).headings]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))

    def test_has_a_language_and_a_viewport(self, name: str) -> None:
        page = _page(name)
        assert page.all("html", lang="en-GB")
        assert page.all("meta", name="viewport")

    def test_each_chart_is_named_and_described(self, name: str) -> None:
        page = _page(name)
        ids = [found["id"] for _, found in page.tags if "id" in found]
        assert len(ids) == len(set(ids))
        charts = page.all("svg", role="img")
        assert charts
        for chart in charts:
            title, description = str(chart["aria-labelledby"]).split()
            assert page.all("title", id=title)
            assert page.all("desc", id=description)
        assert "<desc" in _html(name)
        assert not re.search(r"<(title|desc)[^>]*>\s*</", _html(name))

    def test_each_null_says_why(self, name: str) -> None:
        html = _html(name)
        nulls = re.findall(r'<td[^>]*><span class="none" title="([^"]*)">–<sup>(\w+)</sup>', html)
        assert all(reason for reason, _ in nulls)
        main = html[html.index('id="h-phases"') : html.index('id="h-reading"')]
        bare = re.sub(r"<details>.*?</details>", "", main, flags=re.DOTALL)
        assert not re.search(r"<td>–?</td>", bare)

    def test_every_mark_has_its_note(self, name: str) -> None:
        for table in re.findall(
            r"<table.*?</table>\s*</div>\s*(?:<ul class=\"notes[^>]*>.*?</ul>)?", _html(name), re.S
        ):
            cells, _, notes = table.partition("</table>")
            assert set(re.findall(r"<sup>(\w+)</sup>", cells)) == set(re.findall(r"<sup>(\w+)</sup>", notes))

    def test_table_rows_are_as_long_as_their_heads(self, name: str) -> None:
        for table in re.findall(r"<table.*?</table>", _html(name), re.S):
            head = table.count('scope="col"')
            rows = [row for row in re.findall(r"<tr.*?</tr>", table, re.S) if 'scope="row"' in row]
            assert {row.count("<td") for row in rows} <= {head - 1}


class TestSelfContained:
    def test_nothing_comes_from_elsewhere(self, name: str) -> None:
        html = _html(name)
        assert not re.search(r"https?:|//\w|@import|url\((?!#)", html)
        links = {str(found.get("href")) for tag, found in _page(name).tags if tag in ("link", "a")}
        assert {link for link in links if not link.startswith("#")} == {"data:,"}
        assert not {tag for tag, _ in _page(name).tags} & {"script", "iframe", "img", "object", "form"}

    def test_every_link_leads_somewhere(self, name: str) -> None:
        page = _page(name)
        ids = {found["id"] for _, found in page.tags if "id" in found}
        links = {str(found["href"])[1:] for tag, found in page.tags if tag == "a"}
        assert links <= ids
        assert {"in-short", "is-usable"} <= links

    def test_an_hour_is_below_150_kb(self) -> None:
        gaps = tuple(Gap(60.0 * k, 60.0 * k + 2, "connection lost") for k in range(1, 59))
        streams = {"rr": replace(beats(3600.0), gaps=gaps), "eda": conductance(3600.0, 32.0)}
        phases = tuple(
            Phase(f"Part {k}", list(PhaseKind)[k % 5], 300.0 * k, 300.0 * (k + 1)) for k in range(12)
        )
        markers = tuple(Marker(90.0 * k, "note", "something was said") for k in range(40))
        session = recording(3600.0, streams=streams, phases=phases, markers=markers)
        assert len(render(analyse(session)).encode()) < 150_000

    def test_the_same_analysis_gives_the_same_page(self) -> None:
        assert render(_analysis("guided")) == _html("guided")


class TestEscaping:
    def test_text_of_people_stays_text(self) -> None:
        session = recording(
            client=HOSTILE,
            protocol=HOSTILE,
            recording_id=HOSTILE,
            sha256=HOSTILE,
            source=HOSTILE,
            phases=tuple(replace(phase, name=HOSTILE[:90], strategy=HOSTILE[:90]) for phase in GUIDED),
            markers=(Marker(100.0, HOSTILE[:60], HOSTILE), Marker(200.0, "note", HOSTILE)),
            ratings=(Rating(50.0, HOSTILE[:60], 3.0),),
            devices=(DeviceInfo(HOSTILE[:60], "x", model=HOSTILE[:60], firmware=HOSTILE[:60]),),
            conditions={HOSTILE[:60]: HOSTILE[:60]},
            units={HOSTILE[:60]: HOSTILE[:60]},
            notices=(HOSTILE[:60],),
        )
        assert len(HOSTILE) > 10_000
        page = page_of(render(analyse(session)))
        assert not {tag for tag, _ in page.tags} & {"script", "img"}
        assert not any(name.startswith("on") for _, found in page.tags for name in found)
        assert page.words.count("{{ 7*7 }}") > 100


class TestWords:
    def test_says_nothing_it_must_not(self, name: str) -> None:
        words = _page(name).words.replace(TEXT, "").replace(text("delayed.title"), "").lower()
        for never in ("coherence", "improved", "improvement", "vagal tone", "gsr", "sympathovagal", "your "):
            assert never not in words, never
        assert "diagnos" not in re.sub(r"this report makes no diagnosis|not a diagnosis", "", words)
        for sentence in re.findall(r"[^.]*(?:cortisol|hormone)[^.]*\.", words):
            assert "not measured" in sentence

    def test_pulse_is_never_called_heart(self) -> None:
        words = _page("pulse").words
        assert "PP interval" in words
        assert "Pulse rate rose by" in words
        assert "RR interval" not in words
        named = re.findall(r"[^.]*heart[ -]rate variability", words[: words.index("Sources")], re.IGNORECASE)
        assert named == [" Pulse-rate variability is not the same as heart-rate variability"]

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("no skin conductance", "Skin conductance was not recorded."),
            ("no heart", "No heartbeat intervals were recorded."),
            ("no baseline", "there is no baseline phase to hold it against"),
            ("no baseline", "No change is estimable, because there is no baseline phase"),
            ("no phases", "There was no challenge phase, so no reactivity is estimated."),
            ("40 seconds", "RMSSD is not estimable: needs 60 s, the window has 40 s."),
            ("no recovery", "No recovery phase follows the challenge."),
            ("only paced", "not to be compared with unpaced phases"),
            ("nothing told", "no client named"),
            ("recovered", "SIMULATED DATA"),
            ("recovered", "Recovered after a crash"),
            ("guided", "1 March 2026, 09:05 (UTC+00:00)"),
            ("guided", "Guided session"),
            ("guided", "8:20 to 8:40"),
            ("guided", "connection lost"),
            ("guided", "paced, 6/min"),
            ("guided", "not compared with the phases above"),
            ("guided", "outside 0.05 to 60 µS"),
            ("guided", "7.5 at 5:55"),
        ],
    )
    def test_says_what_there_is_and_what_is_missing(self, name: str, told: str) -> None:
        assert told in _page(name).words

    def test_a_real_session_is_not_called_simulated(self) -> None:
        assert "SIMULATED" not in _html("guided")

    def test_links_that_came_and_went_are_no_markers(self) -> None:
        session = recording(markers=(Marker(1.0, "link", "heart_rate: connected"),))
        assert "heart_rate: connected" not in render(analyse(session))

    def test_methods_tell_every_parameter(self) -> None:
        chosen = Parameters(
            window_s=240, step_s=45, correction="none", detrend=Detrend.SMOOTHNESS_PRIORS, scr_min_us=0.02
        )
        words = page_of(render(analyse(recording(), chosen))).words
        for told in ("240 s every 45 s", "No correction", "smoothness priors", "at least 0.02 µS", "ab" * 32):
            assert told in words


class TestChanges:
    def test_what_was_left_comes_with_its_interval(self) -> None:
        analysis = _analysis("guided")
        rate = analysis.recovery[0]
        assert (rate.measure, rate.reason) == ("mean_hr_bpm", None)
        shown = [round(100 * (value or 0)) + 0 for value in (rate.share_left, rate.low, rate.high)]
        told = "{} % ({} to {} %)".format(*shown).replace("-", "−")
        assert f"<td>{told}</td>" in _html("guided").replace("\u202f", " ")

    def test_what_is_not_estimable_says_why(self) -> None:
        wide = "its interval includes both none and all of the reaction"
        analysis = _analysis("guided")
        unknown = tuple(
            replace(each, share_left=None, low=None, high=None, reason=wide) for each in analysis.recovery
        )
        words = page_of(render(replace(analysis, recovery=unknown))).words
        assert words.count(f"Its {wide[4:]}.") == 1  # under the changes

    def test_a_share_left_within_a_very_wide_interval_is_not_given(self) -> None:
        analysis = _analysis("guided")
        vague = tuple(replace(each, share_left=1.6, low=0.7, high=5.2) for each in analysis.recovery)
        words = page_of(render(replace(analysis, recovery=vague))).words
        assert "160" not in words[words.index("Reactivity and recovery") :]
        assert "Its interval is wider than the reaction itself." in words


class TestPaced:
    def test_no_paced_phase_takes_part_in_a_change(self) -> None:
        html = _html("guided")
        table = html[html.index("<span>Change in a challenge") :]
        assert "Paced breathing" not in table[: table.index("</table>")]

    def test_paced_rows_stand_apart(self) -> None:
        html = _html("guided")
        table = html[html.index("Heart, by phase") :]
        assert table.index("4 Paced breathing") > table.index("not compared with the phases above")
        assert table.index("3 Recovery") < table.index("not compared with the phases above")
