"""What commands print for scripts: JSON values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest

from onhand.cli.output import jsonable, print_json
from onhand.messages import SyncRequest


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
