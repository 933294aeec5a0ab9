"""`onhand report shrinkage`: in the terminal, as JSON, and as a page; and `onhand report` as before."""

from datetime import UTC, datetime
from pathlib import Path

from onhand.domain.quarters import Quarter
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand


async def test_a_quarter_in_every_form(store: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: the same numbers everywhere; the present quarter unless another is named."""
    await onhand("stock", "receive", "A", 100, "-l", "leeds")
    await onhand("stock", "write-off", "A", 4, "-l", "leeds", "--reason", "damaged")
    quarter = str(Quarter.of(datetime.now(UTC).date()))

    shown = await onhand("report", "shrinkage")
    told = await onhand("report", "shrinkage", "--json", "--quarter", quarter)
    page = tmp_path / "q.html"
    written = await onhand("report", "shrinkage", "--html", page)

    assert shown.code == told.code == written.code == 0
    assert shown.lines[0] == f"Shrinkage {quarter} so far  4 units lost on balance: 4 lost, 0 found"
    assert told.json["total"] == {
        "name": "in all", "lost": 4, "found": 0, "net": 4, "sold": 0, "share_percent": None,
    }  # fmt: skip
    assert [part["name"] for part in told.json["by_reason"]] == ["damaged"]
    assert "4 units lost on balance" in page.read_text()
    wrong = await onhand("report", "shrinkage", "--quarter", "Q4")
    assert (wrong.code, "accepted: 2026Q4" in wrong.stderr) == (2, True)


async def test_what_was_taken_back_is_no_loss_of_its_reason(
    store: Pool, onhand: Onhand, config: Path
) -> None:
    """Goal: a theft that was none leaves nothing by any reason, nor does a file that was wrong, nor its being right."""
    await onhand("stock", "receive", "A", 100, "-l", "leeds")
    await onhand("stock", "write-off", "A", 40, "-l", "leeds", "--reason", "theft")
    await onhand("events", "reverse", 2, "--reason", "other")
    stock = config.with_name("stock.csv")
    stock.write_text("sku,quantity\nA,90\n")
    assert (await onhand("import", "stock", stock, "--location", "leeds")).code == 0
    (file,) = (await onhand("events", "list", "--kind", "count", "--json")).json
    await onhand("events", "reverse", file["event_id"], "--reason", "wrong file")

    told = (await onhand("report", "shrinkage", "--json")).json
    lost = {part["name"]: (part["lost"], part["found"]) for part in told["by_reason"]}
    assert (lost, told["sources"]) == ({"theft": (0, 0)}, {"lost": 0, "found": 0})
    (row,) = (await onhand("stock", "losses", "--json")).json
    assert (row["reason"], row["lost"], row["found"]) == ("theft", 0, 0)


async def test_a_report_of_a_day_is_made_without_naming_it(store: Pool, onhand: Onhand) -> None:
    """Goal: a command below it changes nothing of the one that is there."""
    assert "report" in (await onhand("report", "--day", "today", "--json")).json
