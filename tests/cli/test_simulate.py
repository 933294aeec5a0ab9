"""`onhand simulate`: ways compared on simulated days, without a configuration or a ledger."""

import pytest

from tests.cli.conftest import Onhand

SMALL = ("simulate", "--units", 20, "--buyers", 60, "--minutes", 0.1, "--channels", "2,1", "--days", 3)


async def test_every_way_is_told(onhand: Onhand) -> None:
    """Goal: a table for people: the field's ways first, ours after."""
    answer = await onhand(*SMALL)

    assert answer.code == 0, answer.stderr
    assert answer.lines[0].split()[0] == "way"
    names = [line.split()[0] for line in answer.lines]
    assert names.index("each_order") < names.index("pooled_relative") < names.index("adaptive_mixed")


async def test_the_same_seed_is_the_same_answer(onhand: Onhand) -> None:
    """Goal: JSON for scripts; nothing but the seed decides."""
    first = await onhand(*SMALL, "--mishaps", "--seed", 5, "--json")
    again = await onhand(*SMALL, "--mishaps", "--seed", 5, "--json")

    assert first.json == again.json
    assert first.json["days"] == 3
    assert first.json["scenario"]["weights"] == [2.0, 1.0]
    assert first.json["scenario"]["faults"]["kills"] == 2
    assert first.json["ways"]["planned_absolute"]["oversold"] == 0
    assert first.json["ways"]["every_15_minutes"]["oversold"] > 0


@pytest.mark.parametrize("channels", ["", "a", "1,0", "1,-2", "nan,1", "inf"])
async def test_channels_that_make_no_sense_are_refused(onhand: Onhand, channels: str) -> None:
    """Goal: the operator reads what was given and what is accepted."""
    answer = await onhand("simulate", "--channels", channels)

    assert answer.code == 2
    assert "numbers above zero" in " ".join(answer.stderr.split())
