"""`onhand count` and `onhand stock low`: from the plan to the closed sheet, as a warehouse goes through it."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from onhand.ledger import stock
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql


@pytest.fixture
async def warehouse(store: Pool, onhand: Onhand) -> Pool:
    """100 of A, 40 of B and 8 of C in Leeds, nothing in London."""
    for sku, units in (("A", 100), ("B", 40), ("C", 8)):
        await onhand("stock", "receive", sku, units, "-l", "leeds")
    return store


def filled(path: Path, **counted: str) -> None:
    """Fill in the sheet as somebody in a spreadsheet does."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "counted": counted.get(row["sku"], "")} for row in rows)


def without_rule(lines: list[str]) -> list[str]:
    """A table without the line below its headings, which is as long as the table is wide."""
    return [line for line in lines if not line.startswith("──")]


async def test_a_sheet_goes_out_and_comes_back(warehouse: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: written, filled in with semicolons, entered in two goes, counted again, closed."""
    sheet = tmp_path / "sheet.csv"
    begun = await onhand(
        "count", "start", "-l", "leeds", "--sku", "A", "--sku", "B", "--sku", "C", "--csv", sheet
    )
    assert begun.code == 0
    assert begun.lines[0] == "count sheet 1: 3 SKUs at leeds"
    assert sheet.read_text().splitlines()[:2] == [
        "sku,name,barcode,location,turn,counted,counted_at",
        "A,Apple,500001,leeds,1,,",
    ]

    filled(sheet, A="98", B="30")
    first = await onhand("count", "enter", 1, "--file", sheet)
    assert first.code == 3
    assert without_rule(first.lines) == [
        "sku             counted  expected  off",
        "A    posted          98       100   -2",
        "B    escalated       30        40  -10  counted 30, the ledger had 40 on hand (-10): a second count, or an",
        "                                        approval, posts it",
        "count sheet 1: 1 posted, 1 escalated, 1 row without a number",
    ]
    again = await onhand("count", "enter", 1, "--file", sheet, "--json")
    assert [line["outcome"] for line in again.json["lines"]] == ["repeated", "repeated"]
    assert again.code == 0

    waiting = await onhand("count", "show", 1, "--csv", sheet, "--expected")
    assert waiting.code == 0
    assert [line.split(",")[0::4] for line in sheet.read_text().splitlines()[1:]] == [["B", "2"], ["C", "1"]]
    refused = await onhand("count", "close", 1)
    assert (refused.code, "2 of the lines of count sheet 1 are not counted" in refused.stderr) == (1, True)
    filled(sheet, B="30", C="8")
    second = await onhand("count", "enter", 1, "--file", sheet)
    assert (second.code, second.lines[-1]) == (0, "count sheet 1: 2 posted")
    assert (await onhand("count", "close", 1)).lines == ["count sheet 1 is closed"]
    assert {row.on_hand for row in await stock.sku_balances(warehouse, "B")} == {30}


async def test_a_line_is_counted_by_hand_and_approved(warehouse: Pool, onhand: Onhand) -> None:
    """Goal: a second count that agrees with nothing waits on; the operator's word ends it."""
    await onhand("count", "start", "-l", "leeds", "--sku", "B", "--note", "aisle 4")
    assert (await onhand("count", "enter", 1, "B", 30)).code == 3
    twice = await onhand("count", "enter", 1, "B", 31)
    assert twice.code == 1
    assert "B was counted before, as 30; enter a second count with --again" in " ".join(twice.stdout.split())
    other = await onhand("count", "enter", 1, "B", 20, "--again", "--json")
    assert other.json["lines"][0]["outcome"] == "escalated"
    assert "no earlier count agrees" in other.json["lines"][0]["message"]

    approved = await onhand("count", "approve", 1, "B", "--reason", "burglary", "--json")
    assert (approved.code, approved.json["lines"][0]["difference"]) == (0, -20)
    listed = (await onhand("count", "list", "--json")).json
    assert [(each["note"], each["posted"], each["escalated"]) for each in listed] == [("aisle 4", 1, 0)]
    assert (await onhand("count", "approve", 1, "--all")).lines == ["count sheet 1: nothing to do"]


async def test_a_count_that_was_taken_back_is_none(warehouse: Pool, onhand: Onhand) -> None:
    """Goal: the sheet says so, no sum holds it, and the shelf is due as before; until that is taken back in turn."""
    await onhand("count", "start", "-l", "leeds", "--sku", "A")
    (line,) = (await onhand("count", "enter", 1, "A", 97, "--json")).json["lines"]
    assert (line["outcome"], line["difference"]) == ("posted", -3)

    async def stands() -> tuple[str, int, bool]:
        (line,) = (await onhand("count", "show", 1, "--json")).json["lines"]
        sums = (await onhand("count", "differences", "--json")).json["sums"]
        planned = (await onhand("count", "plan", "--ahead", "-l", "leeds", "--json")).json
        (due,) = (each for each in planned if each["sku"] == "A")
        units = sum(each["units"] for each in sums if each["scope"] == "total")
        return line["state"], units, due["counted_at"] is not None

    assert await stands() == ("posted", -3, True)
    taken_back = (await onhand("events", "reverse", line["event_id"], "--json")).json
    assert await stands() == ("taken back", 0, False)
    await onhand("events", "reverse", taken_back["events"][0]["by"])
    assert await stands() == ("posted", -3, True)


async def test_a_look_has_its_moment(warehouse: Pool, onhand: Onhand) -> None:
    """Goal: with --at, what left before the look is not missed, and nobody looks before the sheet was there."""
    await onhand("count", "start", "-l", "leeds", "--sku", "A")
    await onhand("stock", "write-off", "A", 4, "-l", "leeds")
    now = datetime.now()  # noqa: DTZ005 (operators type local time)
    early = await onhand(
        "count", "enter", 1, "A", 96, "--at", (now - timedelta(days=1)).isoformat(" ", "seconds")
    )
    assert (early.code, "it is counted after that, and before now" in " ".join(early.stdout.split())) == (
        1,
        True,
    )
    doubtful = await onhand("count", "enter", 1, "A", 96, "--json")
    assert "count again, and say when (--at)" in doubtful.json["lines"][0]["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku,counted\nA,many\n", "line 2: A: 'many' is no number of units"),
        ("sku,counted\nA,1\nA,2\n", "line 3: A is there twice; add its shelves up"),
        ("SKU;Counted;Turn\nA;1;x\n", "line 2: A: 'x' does not say which count it is; accepted: 1, 2, ..."),
        ("sku,counted,counted_at\nA,1,noon\n", "line 2: A: 'noon' is no moment; accepted: 2026-11-26 14:30"),
        ("item,counted\n", "has no column sku; its headings are item, counted"),
    ],
)
async def test_a_file_that_cannot_be_taken_says_where(
    warehouse: Pool, onhand: Onhand, tmp_path: Path, text: str, said: str
) -> None:
    """Goal: each row alone, with its line."""
    await onhand("count", "start", "-l", "leeds", "--sku", "A")
    file = tmp_path / "counted.csv"
    file.write_text(text)
    answer = await onhand("count", "enter", 1, "--file", file)
    assert answer.code != 0
    assert said in " ".join(answer.stderr.split())


async def test_the_plan_names_what_is_due_and_a_sheet_is_made_of_it(warehouse: Pool, onhand: Onhand) -> None:
    """Goal: nothing is due on the first day; what is due later is counted by one command, and not due meanwhile."""
    assert (await onhand("count", "plan")).lines == [
        "nothing is due; what will be: onhand count plan --ahead"
    ]
    await sql(
        warehouse,
        "INSERT INTO shelf_count (sku_id, location_id, turn, quantity, counted_at, counted_by, expected, difference,"
        " grade, event_id) SELECT s.id, l.id, 1, 1, now() - make_interval(days => 200), 'x', 1, 0, 'exact', 1"
        " FROM sku s CROSS JOIN location l WHERE l.code = 'leeds' AND s.code IN ('A', 'B')",
    )
    due = (await onhand("count", "plan", "--json")).json
    assert [(each["sku"], each["tier"], each["interval_days"], each["overdue"]) for each in due] == [
        ("A", "hourly", 180, 1.11),
        ("B", "hourly", 180, 1.11),
    ]
    as_csv = await onhand("count", "plan", "--csv", "--limit", 1)
    assert as_csv.stdout.splitlines()[0].startswith("sku,name,location,tier,per_day,on_hand,counted_at")
    assert len(as_csv.stdout.splitlines()) == 2
    assert (await onhand("count", "plan", "-l", "york")).code == 2
    assert (await onhand("count", "start", "-l", "leeds", "--due", 9)).lines == [
        "count sheet 1: 2 SKUs at leeds"
    ]
    assert (await onhand("count", "plan", "--json")).json == []
    assert len((await onhand("count", "plan", "--ahead", "--json")).json) == 1


async def test_small_differences_are_shown_in_sum(warehouse: Pool, onhand: Onhand) -> None:
    """Goal: counts on sheets and beside them; what was never far off is in no alert, and here."""
    assert (await onhand("count", "differences")).lines == ["no small difference was counted in 90 days"]
    await onhand("count", "start", "-l", "leeds", "--sku", "A")
    await onhand("count", "enter", 1, "A", 97)
    await onhand("stock", "count", "B", 39, "-l", "leeds")
    assert (await onhand("count", "differences", "--json")).json["sums"] == [
        {"scope": scope, "subject": subject, "counts": counts, "units": units, "limit": limit, "above": False}
        for scope, subject, counts, units, limit in (
            ("total", "", 2, -4, 200),
            ("location", "leeds", 2, -4, 100),
            ("sku", "A", 1, -3, 10),
            ("sku", "B", 1, -1, 10),
        )
    ]


async def test_a_sum_that_reached_its_limit_says_so_without_colour(warehouse: Pool, onhand: Onhand) -> None:
    for counted in (96, 92, 88):
        await onhand("stock", "count", "A", counted, "-l", "leeds")
    lines = without_rule((await onhand("count", "differences")).lines)
    assert [line.split() for line in lines[1:]] == [
        ["total", "3", "-12", "200"],
        ["location", "leeds", "3", "-12", "100"],
        ["sku", "A", "3", "-12", "10", "reached"],
    ]


async def test_what_is_low_is_listed_bestsellers_first(warehouse: Pool, onhand: Onhand, config: Path) -> None:
    """Goal: by what the configuration says at this moment, whoever looks."""
    assert (await onhand("stock", "low")).lines == [
        "nothing is watched: set a threshold in low_stock of the configuration"
    ]
    config.write_text(
        config.read_text() + "[low_stock]\nunits = 8\n[[low_stock.rules]]\nunits = 40\nskus = ['B']\n"
    )
    await sql(warehouse, "INSERT INTO sku_velocity SELECT id, 12, now() FROM sku WHERE code = 'C'")
    low = await onhand("stock", "low")
    assert without_rule(low.lines) == [
        "sku  name        available  low from  a day  lost an hour  since",
        "C    Cake   low          8         8   12.0                just now",
        "B    Bread  low         40        40    0.0                just now",
        "2 SKUs low",
    ]
    await onhand("stock", "write-off", "C", 8, "-l", "leeds")
    (first, _) = (await onhand("stock", "low", "--json")).json
    assert (first["sku"], first["state"], first["lost_per_hour"]) == ("C", "out", 0.5)
