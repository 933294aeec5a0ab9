"""What commands print: JSON values, numbers and times as people say them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest

from onhand.cli.output import ago, count, duration, jsonable, moment, print_json, signed
from onhand.messages import SyncRequest

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class _Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class _Record:
    at: datetime
    colours: Mapping[_Colour, int]
    path: Path
    share: Decimal
    items: tuple[str, ...]


def test_records_become_plain_json(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 1, 5, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    print_json(_Record(at, {_Colour.RED: 1}, Path("a"), Decimal("1.5"), ("ü",)))
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-01-05T12:00:00Z",
        "colours": {"red": 1},
        "path": "a",
        "share": "1.5",
        "items": ["ü"],
    }


def test_messages_and_sets_have_a_place_too() -> None:
    assert jsonable(SyncRequest(full=True))["full"] is True
    assert jsonable({"b", "a"}) == ["a", "b"]
    with pytest.raises(TypeError, match="object has no place in a JSON answer"):
        jsonable(object())


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
