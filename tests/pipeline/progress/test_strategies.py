"""What tended to go with settling: adjusted, honest about what was chosen, silent below five sessions."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.profile import Alternation
from pipeline.progress.alternation import strategy_for
from pipeline.progress.session_records import Practice, SessionValues
from pipeline.progress.strategies import Effect, strategies_seen
from tests.pipeline.progress.clients import session

TITLES = {
    "five-senses": "Five senses",
    "safe-place": "A calm place",
    "slow-breathing": "Slow, soft breathing",
}
TWO = ("five-senses", "safe-place")
AGREED = Alternation(TWO, 5, "2026-03-02")

Turn = Callable[[int], str]


def practised(
    strategy: str, settling: float | None, start: float = 70.0, order: int = 3, paced: bool = False
) -> Practice:
    return Practice(strategy, TITLES[strategy], None, paced, 5.0, settling, start, order)


def course(turn: Turn, count: int, true_bpm: dict[str, float], seed: int = 0) -> list[SessionValues]:
    """Sessions with a practice each. Whoever begins 10 bpm higher settles by 3 bpm more, whatever is done."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        name, start = turn(number), 70 + 8 * rng.standard_normal()
        settling = true_bpm[name] - 0.3 * (start - 70) + rng.standard_normal()
        made.append(session(number, {}, practice=(practised(name, settling, start),)))
    return made


def alternating(number: int) -> str:
    return TWO[number % 2]


class TestTendencies:
    def test_below_five_sessions_nothing_is_said(self) -> None:
        found = strategies_seen(course(alternating, 9, dict.fromkeys(TWO, -2.0))).tendencies
        assert [(each.strategy, each.sessions, each.settling_bpm is None) for each in found] == [
            ("five-senses", 5, False),
            ("safe-place", 4, True),
        ]
        assert found[1].reason == "5 sessions with each are needed, there are 4"

    def test_they_are_adjusted_for_where_they_began(self) -> None:
        """Alike strategies, one of them used on days with a fast heart: unadjusted it would look better."""
        made = [
            session(number, {}, practice=(practised(name, -2.0 - 0.3 * (start - 70), start),))
            for number, (name, start) in enumerate(
                [(TWO[number % 2], 66.0 + 8 * (number % 2) + number % 3) for number in range(20)]
            )
        ]
        first, second = strategies_seen(made).tendencies
        assert first.settling_bpm == pytest.approx(second.settling_bpm)

    def test_intervals_hold_the_truth(self) -> None:
        """What is true at the mean of the levels that these sessions began with."""
        inside = []
        for seed in range(100):
            made = course(alternating, 16, {"five-senses": -1.0, "safe-place": -4.0}, seed)
            start_bpm = np.mean([practice.start_bpm or 0 for each in made for practice in each.practice])
            by_name = {each.strategy: each for each in strategies_seen(made).tendencies}
            low, high = by_name["safe-place"].low or 0, by_name["safe-place"].high or -9
            inside.append(low <= -4.0 - 0.3 * (start_bpm - 70) <= high)
        print(f"intervals of settling hold the truth in {np.sum(inside)} of 100")
        assert np.mean(inside) > 0.89

    def test_paced_and_unpaced_stand_apart(self) -> None:
        made = [
            session(
                number,
                {},
                practice=(
                    practised("slow-breathing", -5.0 + 0.1 * number, 70 + number % 4, 2, paced=True),
                    practised("five-senses", -1.0 + 0.1 * number, 68 + number % 3, 3),
                ),
            )
            for number in range(8)
        ]
        found = strategies_seen(made).tendencies
        assert [(each.strategy, each.paced) for each in found] == [
            ("five-senses", False),
            ("slow-breathing", True),
        ]

    def test_two_practices_of_one_strategy_are_one_session(self) -> None:
        made = [
            session(n, {}, practice=(practised("safe-place", -1.0), practised("safe-place", -3.0)))
            for n in range(5)
        ]
        [found] = strategies_seen(made).tendencies
        assert (found.sessions, found.settling_bpm) == (5, pytest.approx(-2.0))

    def test_short_practices_are_named_without_a_value(self) -> None:
        [found] = strategies_seen(
            [session(n, {}, practice=(practised("safe-place", None),)) for n in range(6)]
        ).tendencies
        assert (found.sessions, found.settling_bpm) == (0, None)

    def test_nothing_practised_says_nothing(self) -> None:
        assert strategies_seen([session(0, {})]).tendencies == ()


def in_turn(number: int) -> str:
    return strategy_for(TWO, AGREED.seed, number)


class TestEffects:
    def test_without_an_alternation_there_are_none(self) -> None:
        found = strategies_seen(course(in_turn, 20, dict.fromkeys(TWO, -2.0)))
        assert (found.effects, found.followed_share, found.turn) == ((), None, None)

    def test_before_its_first_session_it_is_the_first_turn(self) -> None:
        later = Alternation(TWO, 5, "2027-03-20")
        found = strategies_seen(course(in_turn, 3, dict.fromkeys(TWO, -2.0)), later)
        assert (found.effects, found.followed_share, found.turn) == ((), None, in_turn(0))

    def test_a_followed_one_has_an_effect(self) -> None:
        found = strategies_seen(course(in_turn, 20, {"five-senses": -1.0, "safe-place": -5.0}), AGREED)
        [effect] = found.effects
        assert (effect.first, effect.second, effect.sessions) == ("Five senses", "A calm place", 20)
        assert (effect.low or 0) < 4.0 < (effect.high or 0)
        assert (effect.low or 0) > 2
        assert found.followed_share == 1.0
        assert found.turn == in_turn(20)

    def test_one_that_was_not_followed_has_none(self) -> None:
        found = strategies_seen(course(lambda _: "safe-place", 20, dict.fromkeys(TWO, -2.0)), AGREED)
        assert found.followed_share == pytest.approx(0.5)
        assert found.effects[0].difference_bpm is None
        assert "50" in str(found.effects[0].reason)

    def test_sessions_before_the_agreement_do_not_count(self) -> None:
        later = Alternation(TWO, 5, "2026-03-20")
        [effect] = strategies_seen(course(in_turn, 12, dict.fromkeys(TWO, -2.0)), later).effects
        assert effect.difference_bpm is None

    def test_paced_beside_unpaced_has_none(self) -> None:
        agreed = Alternation(("five-senses", "slow-breathing"), 5, "2026-03-02")
        made = [
            session(
                number,
                {},
                practice=(
                    practised(name, -1.0 - 0.1 * number, 70 + number % 3, 3, name == "slow-breathing"),
                ),
            )
            for number, name in enumerate(strategy_for(agreed.strategies, 5, n) for n in range(14))
        ]
        [effect] = strategies_seen(made, agreed).effects
        assert effect == Effect(
            "Five senses",
            "Slow, soft breathing",
            False,
            14,
            None,
            reason="one is paced and the other is not, and these are never compared",
        )

    def test_alike_strategies_seldom_differ(self) -> None:
        told = []
        for seed in range(100):
            found = strategies_seen(course(in_turn, 14, dict.fromkeys(TWO, -2.0), seed), AGREED)
            low, high = found.effects[0].low or 0, found.effects[0].high or 0
            told.append(low > 0 or high < 0)
        print(f"alike strategies are told apart in {np.sum(told)} of 100")
        assert np.mean(told) <= 0.1
