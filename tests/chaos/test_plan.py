"""The plan of a bad day: the same for the same seed, and bad enough."""

import itertools
from collections import Counter

from bench.chaos.armed import POINTS
from bench.chaos.plan import PROCESSES, QUIET_SHARE, plan

SEED = 20_261_126
MINUTES = [plan(SEED, minute, 5) for minute in range(2_000)]


def test_a_day_can_be_had_again() -> None:
    """Goal: a seed that was printed is enough. Method: twice the same, and another seed's is another."""
    assert [plan(SEED, minute, 5) for minute in range(2_000)] == MINUTES
    assert plan(SEED + 1, 0, 5) != MINUTES[0]


def test_everything_happens_to_everyone() -> None:
    """Goal: no kind is forgotten. Method: many minutes; each process and point, each server and kind of mishap."""
    kills = [kill for minute in MINUTES for kill in minute.kills]
    assert len(kills) == 10_000
    assert {kill.process for kill in kills} == set(PROCESSES)
    assert {kill.point for kill in kills} == {"", *(point for points in POINTS.values() for point in points)}
    assert all(kill.point in ("", *POINTS.get(kill.process, ())) for kill in kills)
    mishaps = [mishap for minute in MINUTES for mishap in minute.mishaps]
    kinds = Counter(
        (
            mishap.server,
            bool(mishap.fault.latency_seconds),
            mishap.fault.refuse,
            mishap.fault.swallow,
            mishap.fault.cut_after_bytes is not None,
            mishap.reset,
        )
        for mishap in mishaps
    )
    assert len(kinds) == 10
    assert min(kinds.values()) > 100


def test_a_quarter_of_the_time_nothing_else_is_wrong() -> None:
    """Goal: kills come on a network that is well, too. Method: the share of such minutes among many."""
    quiet = sum(not minute.mishaps for minute in MINUTES)
    assert abs(quiet / len(MINUTES) - QUIET_SHARE) < 0.03


def test_kills_keep_a_distance_and_to_their_minute() -> None:
    """Goal: what was killed can live before it dies again. Method: moments ascend within 52 seconds, four apart."""
    for minute in MINUTES:
        moments = [kill.at for kill in minute.kills]
        assert moments[0] >= 0
        assert moments[-1] < 52
        assert all(after - before > 4 for before, after in itertools.pairwise(moments))
