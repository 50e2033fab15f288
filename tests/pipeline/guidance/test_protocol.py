"""Protocols: what ships keeps its promises, a file of one's own is read, and a mistake is told in a line."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, UsageError
from pipeline.guidance.protocol import Measure, Protocol, Setting, Step, Task, protocol, protocols
from pipeline.guidance.safety import OPENING, PACER, SLOWEST_BPM
from pipeline.model import Pacer, PhaseKind

SHIPPED = [protocol(name) for name in protocols()]
PACED = [(each.name, step) for each in SHIPPED for step in each.steps if step.pacer]

HEAD = 'title = "Mine"\nsummary = "My own."\nopening = "You can stop or skip any task."\n'
STEP = '[[step]]\nname = "Sit"\nkind = "other"\ninstruction = "Sit."\n'


def _home(tmp_path: Path, text: str, name: str = "mine") -> Path:
    (tmp_path / "protocols").mkdir(exist_ok=True)
    (tmp_path / "protocols" / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_what_ships() -> None:
    assert {each.name: (each.minutes, each.setting.value) for each in SHIPPED} == {
        "daily-practice": (5, "home"),
        "free": (None, "any"),
        "guided-session": (15, "any"),
        "paced-breathing": (11, "any"),
        "resonance": (20, "clinic"),
        "resonance-recheck": (9, "any"),
        "resting-baseline": (6, "any"),
        "sensor-check": (4, "any"),
        "stress-profile": (36, "clinic"),
        "stress-profile-short": (15, "clinic"),
        "stress-profile-silent": (36, "clinic"),
        "tagged-stress-test": (None, "any"),
    }


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda each: each.name)
def test_each_opens_with_the_freedom_to_stop_or_skip(shipped: Protocol) -> None:
    assert OPENING.removesuffix(".") in shipped.opening


@pytest.mark.parametrize("shipped", [each for each in SHIPPED if each.minutes], ids=lambda each: each.name)
def test_a_summary_that_tells_the_minutes_tells_them_right(shipped: Protocol) -> None:
    told = [int(word) for word in shipped.summary.replace(".", "").split() if word.isdigit()]
    assert told in ([], [shipped.minutes])


@pytest.mark.parametrize(("name", "step"), PACED, ids=lambda each: getattr(each, "name", each))
def test_whoever_is_paced_is_told_smaller_and_softer(name: str, step: Step) -> None:
    assert PACER.removesuffix(".") in step.instruction
    assert step.kind is PhaseKind.PACED
    assert step.pacer is not None
    assert (step.pacer.breaths_per_min >= SLOWEST_BPM, step.pacer.inhale_share < 0.5) == (True, True)


def test_daily_practice_begins_with_the_pacer_and_is_short() -> None:
    daily = protocol("daily-practice")
    assert (daily.steps[0].kind, daily.check_in, daily.duration_s) == (PhaseKind.PACED, True, 300)


def test_the_guided_session_is_as_it_was() -> None:
    assert [(s.name, s.kind.value, s.duration_s) for s in protocol("guided-session").steps] == [
        ("Settle", "settle", 60),
        ("Baseline", "baseline", 180),
        ("Challenge", "stressor", 180),
        ("Recovery", "recovery", 300),
        ("Paced breathing", "paced", 180),
    ]


@pytest.mark.parametrize("name", ["stress-profile", "stress-profile-short", "stress-profile-silent"])
def test_a_stress_profile_follows_each_task_with_recovery_and_asks_after_each(name: str) -> None:
    steps = protocol(name).steps
    for step, following in pairwise(steps):
        if step.kind is PhaseKind.STRESSOR:
            assert (step.task is not None, step.duration_s, following.kind) == (True, 180, PhaseKind.RECOVERY)
    assert [step.ask for step in steps] == [None] + ["distress"] * (len(steps) - 1)


def test_the_silent_stress_profile_needs_no_voice() -> None:
    assert not any("aloud" in step.instruction for step in protocol("stress-profile-silent").steps)
    assert protocol("stress-profile-silent").steps[4].task is Task.IMAGERY


def test_the_resonance_assessment_is_two_minutes_at_five_rates_with_rest_between() -> None:
    resonance = protocol("resonance")
    paced = [step for step in resonance.steps if step.pacer]
    assert [step.pacer for step in paced] == [Pacer(bpm, 0.4) for bpm in (6.5, 6.0, 5.5, 5.0, 4.5)]
    assert {(step.duration_s, step.shuffle) for step in paced} == {(120, True)}
    assert not any(step.feedback for step in resonance.steps)
    between = resonance.steps[2::2]
    assert {(step.duration_s, step.kind, step.shuffle) for step in between} == {(120, PhaseKind.OTHER, False)}
    assert (resonance.assessment, resonance.can_shuffle, len(between)) == ("resonance", True, 4)


@pytest.mark.parametrize(
    ("resonance_bpm", "rates"),
    [
        (None, (5.5, 6.0, 6.5)),
        (float("nan"), (5.5, 6.0, 6.5)),
        (5.2, (4.7, 5.2, 5.7)),
        (5.0, (4.5, 5.0, 5.5)),
        (4.5, (4.5, 5.0, 5.5)),
        (1.0, (4.5, 5.0, 5.5)),
        (99.0, (20.0, 20.0, 20.0)),
    ],
)
def test_a_recheck_lies_around_the_last_result_and_stays_apart(
    resonance_bpm: float | None, rates: tuple[float, ...]
) -> None:
    steps = protocol("resonance-recheck").resolved(resonance_bpm).steps
    assert [step.pacer.breaths_per_min for step in steps if step.pacer] == pytest.approx(rates)


def test_the_pacer_goes_by_the_clients_own_result_else_by_six() -> None:
    daily = protocol("daily-practice")
    rates = [
        daily.steps[0].pacer,
        *(daily.resolved(bpm).steps[0].pacer for bpm in (None, 5.5, 4.0)),
    ]
    assert rates == [Pacer(6.0), Pacer(6.0), Pacer(5.5), Pacer(4.5)]


def test_a_rate_of_its_own_is_left_alone() -> None:
    guided = protocol("guided-session")
    assert guided.resolved(5.0, order_seed=1) == guided
    assert not guided.can_shuffle


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(["resonance", "resonance-recheck", "stress-profile", "free"])
)
def test_a_random_order_moves_only_steps_that_may_move(seed: int, name: str) -> None:
    plain = protocol(name)
    random = plain.resolved(order_seed=seed)
    assert random == plain.resolved(order_seed=seed)
    assert sorted(step.name for step in random.steps) == sorted(step.name for step in plain.steps)
    for before, after in zip(plain.resolved().steps, random.steps, strict=True):
        assert before == after or (before.shuffle and after.shuffle)


def test_every_order_comes_up() -> None:
    recheck = protocol("resonance-recheck")
    orders = {
        tuple(s.name for s in recheck.resolved(order_seed=seed).steps if s.shuffle) for seed in range(60)
    }
    assert len(orders) == 6


FULL = Step(
    "Sit",
    PhaseKind.PACED,
    90.0,
    "Sit.",
    strategy="breathing",
    pacer=Pacer(5.5, 0.35),
    until_tag=2,
    resonance_offset_bpm=-0.5,
    task=Task.STROOP,
    feedback=Measure.AROUSAL,
    ask="distress",
    shuffle=True,
    strategies=("five-senses",),
)


def test_every_key_of_a_file_is_read(tmp_path: Path) -> None:
    home = _home(
        tmp_path,
        HEAD + 'setting = "home"\nassessment = "resonance"\ncheck_in = true\n'
        '[[step]]\nname = "Sit"\nkind = "paced"\nduration_s = 90\ninstruction = "Sit."\n'
        'strategy = "breathing"\n'
        'pacer = { breaths_per_min = "resonance-0.5", inhale_share = 0.35 }\nuntil_tag = 2\ntask = "stroop"\n'
        'feedback = "arousal"\nask = "distress"\nshuffle = true\nstrategies = ["five-senses"]\n',
    )
    assert protocol("mine", home) == Protocol(
        "mine", "Mine", "My own.", "You can stop or skip any task.", (FULL,), Setting.HOME, "resonance", True
    )


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    mine = protocol("mine", _home(tmp_path, HEAD + STEP))
    assert mine == Protocol(
        "mine", "Mine", "My own.", mine.opening, (Step("Sit", PhaseKind.OTHER, None, "Sit."),)
    )


def test_a_protocol_of_ones_own_takes_the_place_of_one_that_ships(tmp_path: Path) -> None:
    home = _home(tmp_path, HEAD + STEP, name="free")
    assert (protocol("free", home).title, protocol("free").title) == ("Mine", "Free session")
    assert protocols(home).keys() == protocols().keys()


def test_a_strategy_of_ones_own_can_be_offered(tmp_path: Path) -> None:
    home = _home(tmp_path, HEAD + STEP + 'strategies = ["tea"]\n')
    with pytest.raises(InputError, match="'tea' is not known"):
        protocol("mine", home)
    (home / "strategies").mkdir()
    (home / "strategies" / "tea.toml").write_text("")
    assert protocol("mine", home).steps[0].strategies == ("tea",)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(HEAD + STEP)
    assert protocol(str(path)).name == "other"


def test_an_unknown_name_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no protocol 'nope': there are daily-practice, .*mine"):
        protocol("nope", _home(tmp_path, HEAD + STEP))


PACER_LINE = "pacer = { breaths_per_min = %s }"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "title is needed"),
        ("title = 1", "title is needed"),
        ("title = ", "is not a TOML text file"),
        (HEAD, r"no \[\[step\]\]: write at least one"),
        (HEAD + "step = []", r"no \[\[step\]\]"),
        (HEAD + 'step = ["Sit"]', r"no \[\[step\]\]"),
        (HEAD + 'colour = "red"\n' + STEP, "unknown key 'colour'; use title, .* or step"),
        (HEAD + 'setting = "moon"\n' + STEP, "setting 'moon' is not known; use home, clinic or any"),
        (HEAD + 'assessment = "iq"\n' + STEP, "assessment 'iq' is not known; use resonance"),
        (HEAD + "check_in = 1\n" + STEP, "check_in must be true or false, without quotes"),
        (HEAD + STEP + "durations_s = 5", "step 1: unknown key 'durations_s'; use name"),
        (HEAD + STEP + STEP, "two steps are called 'Sit'"),
        (HEAD + STEP.replace("other", "fun"), "step 1: kind 'fun' is not known; use settle, baseline"),
        (HEAD + STEP.replace("other", "reference"), "kind 'reference' is not known"),
        (HEAD + STEP.replace('"Sit."', '"  "'), "step 1: instruction is needed"),
        (HEAD + STEP + "duration_s = 0", "duration_s must be a number from 1 to 86400"),
        (HEAD + STEP + "duration_s = nan", "duration_s must be a number"),
        (HEAD + STEP + "duration_s = inf", "duration_s must be a number"),
        (HEAD + STEP + 'duration_s = "5"', "duration_s must be a number"),
        (HEAD + STEP + "duration_s = true", "duration_s must be a number"),
        (HEAD + STEP + "until_tag = 0", "until_tag must be a number from 1"),
        (HEAD + STEP + "until_tag = 1.5", "until_tag must be a whole number"),
        (HEAD + STEP + 'task = "juggling"', "task 'juggling' is not known; use serial-subtraction, stroop"),
        (HEAD + STEP + 'ask = "joy"', "ask 'joy' is not known; use distress"),
        (HEAD + STEP + 'feedback = "hormones"', "feedback 'hormones' is not known; use rhythm_concentration"),
        (HEAD + STEP + 'strategies = ["nope"]', "strategies: 'nope' is not known; there are another-view"),
        (HEAD + STEP + 'strategies = "five-senses"', "strategies must be a list of texts"),
        (HEAD + STEP + 'shuffle = "yes"', "shuffle must be true or false"),
        (HEAD + STEP + "pacer = 6", "step 1: pacer must be a table"),
        (HEAD + STEP + "pacer = {}", "pacer: breaths_per_min must be a number from 4.5 to 20"),
        (
            HEAD + STEP + "pacer = { rate = 6 }",
            "pacer: unknown key 'rate'; use breaths_per_min or inhale_share",
        ),
        (HEAD + STEP + PACER_LINE % "4.4", "step 1: pacer: breaths_per_min must be a number from 4.5 to 20"),
        (HEAD + STEP + PACER_LINE % "60", "breaths_per_min must be a number from 4.5 to 20"),
        (
            HEAD + STEP + PACER_LINE % '"slow"',
            "breaths_per_min 'slow' is not known; write a number, \"resonance\"",
        ),
        (HEAD + STEP + PACER_LINE % '"resonance - 1"', "is not known; write a number"),
        (
            HEAD + STEP + "pacer = { breaths_per_min = 6, inhale_share = 0.9 }",
            "inhale_share must be a number",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    home = _home(tmp_path, text)
    with pytest.raises(InputError, match=told) as caught:
        protocol("mine", home)
    assert str(caught.value).startswith(f"{home / 'protocols' / 'mine.toml'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["baseline", "stressor"])
def test_there_is_no_feedback_in_a_baseline_or_a_stressor(tmp_path: Path, kind: str) -> None:
    home = _home(tmp_path, HEAD + STEP.replace("other", kind) + 'feedback = "arousal"\n')
    with pytest.raises(InputError, match=f"a {kind} has no feedback: take out the line"):
        protocol("mine", home)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"title = '''", b"a" * 5, b"[" * 5000])
def test_what_is_no_text_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a TOML text file") as caught:
        protocol(str(path))
    assert "\n" not in str(caught.value)


def test_minutes_are_whole_and_at_least_one() -> None:
    sit = Step("Sit", PhaseKind.OTHER, 20.0, "Sit.")
    plan = Protocol("p", "P", "P.", "O.", (sit,))
    lasting = [plan, replace(plan, steps=(replace(sit, duration_s=290.0),)), replace(plan, steps=())]
    assert [each.minutes for each in lasting] == [1, 5, 1]
