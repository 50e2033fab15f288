"""Our solution of cvxEDA's model beside neurokit2 with cvxopt: one process, one input, how far apart.

python tests/benchmarks/decomposition.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.model import Floats
from pipeline.skin.decomposition import Decomposition, decompose

REPEATS = 5
DAY_S, HOUR_S = 86_400.0, 3_600.0


def signal(length_s: float, rate_hz: float) -> Floats:
    """A drifting level, about five responses a minute, 0.003 µS of noise; standardised."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    values = 4 + 0.6 * np.sin(time_s / 400) + np.exp(-time_s / 900) + rng.normal(0, 0.003, len(time_s))
    since_s = np.arange(round(30 * rate_hz)) / rate_hz
    shape = np.exp(-since_s / 3) - np.exp(-since_s / 0.75)
    for start in rng.integers(0, len(time_s) - len(since_s), round(5 * length_s / 60)):
        values[start : start + len(shape)] += rng.exponential(0.4) * shape
    return np.asarray((values - np.mean(values)) / np.std(values))


def timed(call: Callable[[], Any], repeats: int) -> tuple[Any, float, float]:
    """The result, the least wall time and the least CPU time."""
    taken = []
    for _ in range(repeats):
        began_s, cpu_s = time.perf_counter(), time.process_time()
        result = call()
        taken.append((time.perf_counter() - began_s, time.process_time() - cpu_s))
    wall_s, cpu_s = np.min(taken, axis=0)
    return result, float(wall_s), float(cpu_s)


def ours(values: Floats, rate_hz: float) -> Decomposition:
    time_s = np.arange(len(values)) / rate_hz
    return decompose(time_s, values, rate_hz, np.ones(len(values), dtype=bool), 1.0)


def beside(rate_hz: float, repeats: int) -> None:
    """One hour of both; above 8 Hz the peer solves the model at the full rate, we at 8 Hz."""
    import cvxopt
    from neurokit2.eda.eda_phasic import _eda_phasic_cvxeda

    objectives: list[float] = []
    solve = cvxopt.solvers.qp

    def qp(*arguments: Any, **named: Any) -> Any:
        result = solve(*arguments, **named)
        objectives.append(result["primal objective"])
        return result

    values = signal(HOUR_S, rate_hz)
    found, wall_s, cpu_s = timed(lambda: ours(values, rate_hz), REPEATS)
    cvxopt.solvers.qp = qp
    (tonic, phasic), peer_wall_s, peer_cpu_s = timed(lambda: _eda_phasic_cvxeda(values, rate_hz), repeats)
    cvxopt.solvers.qp = solve
    objective = objectives[0] + 0.5 * float(np.sum(values**2))
    print(
        f"{rate_hz:4.0f} Hz  ours {wall_s:7.3f} s (CPU {cpu_s:6.3f}, {found.iterations} iterations)  "
        f"neurokit2 + cvxopt {peer_wall_s:7.3f} s (CPU {peer_cpu_s:6.3f})  {peer_cpu_s / cpu_s:6.1f}x CPU"
    )
    tonic_off, phasic_off = (
        np.max(np.abs(mine - theirs)) for mine, theirs in ((found.tonic_us, tonic), (found.phasic_us, phasic))
    )
    same = f"objective {found.objective / objective - 1:+.1e}" if rate_hz <= 8 else "another rate of model"
    print(f"         largest difference, in SD: tonic {tonic_off:.1e}, phasic {phasic_off:.1e}; {same}")


def in_proportion(rate_hz: float) -> None:
    for length_s in (HOUR_S, 6 * HOUR_S, DAY_S):
        values = signal(length_s, rate_hz)
        found, wall_s, cpu_s = timed(lambda values=values: ours(values, rate_hz), 2)
        print(
            f"{rate_hz:4.0f} Hz  {length_s / HOUR_S:2.0f} h  {wall_s:6.2f} s (CPU {cpu_s:6.2f}), "
            f"{found.iterations} iterations, {found.failed} failed"
        )


if __name__ == "__main__":
    began_s = time.perf_counter()
    ours(signal(60, 4.0), 4.0)
    print(f"first call, imports and, once, compilation: {time.perf_counter() - began_s:.2f} s")
    beside(4.0, 3)
    beside(8.0, 2)
    beside(32.0, 1)
    in_proportion(4.0)
    in_proportion(8.0)
