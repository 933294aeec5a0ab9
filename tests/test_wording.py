"""Numbers and times as people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.wording import ago, count, duration, moment, says, signed

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0123, "12 ms"), (1, "1 s"), (3.21, "3.2 s"), (42.4, "42 s"), (60, "1 min"), (185, "3 min 5 s"),
        (7_800, "2 h 10 min"), (86_400 * 5 + 3 * 3_600, "5 d 3 h"), (86_400, "1 d"),
    ],
)  # fmt: skip
def test_durations_have_at_most_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_times_are_relative() -> None:
    assert ago(None, NOW) == "never"
    assert ago(NOW, NOW) == "just now"
    assert ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert ago(NOW + timedelta(hours=2), NOW) == "in 2 h"
    assert ago(datetime.now(UTC)) == "just now"
    assert moment(None) == ""


def test_numbers_carry_their_noun_and_sign() -> None:
    assert [count(1, "row"), count(1200, "row"), count(2, "entry", "entries")] == [
        "1 row",
        "1,200 rows",
        "2 entries",
    ]
    assert [signed(5), signed(-3), signed(0)] == ["+5", "-3", "0"]


def test_a_summary_says_what_a_message_does_whatever_is_advised() -> None:
    assert says("a held: too much. Do this.", "held: too much. Do that.")
    assert not says("a held: too much.", "held: far too much.")
    assert says("web failed: it is away.", "it is away.")
