"""`onhand kits`: set, looked at, imported and removed, with honest exit codes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql
from tests.publish.shelves import receipt

UNSIGNALLED = "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them\n"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
async def hampers(store: Pool) -> Pool:
    """BOX and TEA are no kits yet; BOX is listed on woo. 7 A and 5 B are in Leeds, 4 B in London."""
    await catalogue.save_skus(store, [CatalogueSku("BOX", "Hamper"), CatalogueSku("TEA")])
    await catalogue.save_listings(store, "woo", [NewListing("BOX", "500", "500")], [""])
    await post_events(store, [receipt("a", "A", 7), receipt("b", "B", 5), receipt("b2", "B", 4, "london")])
    return store


async def test_a_kit_is_set_listed_and_shown(hampers: Pool, onhand: Onhand) -> None:
    """Goal: the exit code is 3 where the channels could not be told at once, for want of Temporal."""
    none = await onhand("kits", "list")
    assert (none.code, none.lines) == (0, ["there are no kits"])
    answer = await onhand("kits", "set", "BOX", "A=2", "B")
    assert (answer.code, answer.stdout, answer.stderr) == (3, "BOX: changed\n", UNSIGNALLED)
    again = await onhand("kits", "set", "BOX", "B=1", "A=2")
    assert (again.code, again.stdout) == (0, "BOX: it is so already\n")
    assert (await onhand("kits", "list", "--component", "A")).lines == [
        "kit  name    packed from",
        "──────────────────────────",
        "BOX  Hamper  2 x A + 1 x B",
    ]
    assert (await onhand("kits", "list", "--component", "C")).lines == ["no kit holds C"]
    assert (await onhand("kits", "show", "BOX")).lines == [
        "component      in one kit  leeds  london",
        "────────────────────────────────────────",
        "A                       2      7       0",
        "B                       1      5       4",
        "can be packed                  3       0",
        "limited by                     A       A",
        "what each channel shows of it: onhand explain BOX",
    ]
    shown = (await onhand("kits", "show", "BOX", "--json")).json
    assert shown["available"] == {"leeds": 3, "london": 0}
    assert shown["components"][0] == {"sku": "A", "quantity": 2, "available": {"leeds": 7}}


async def test_a_kit_is_not_sold_before_it_arrives(hampers: Pool, onhand: Onhand) -> None:
    await onhand("kits", "set", "BOX", "A=2", "B")
    answer = await onhand("preorders", "open", "BOX", "--cap", "5", "--promise", "2126-12-01")
    assert (answer.code, answer.stderr) == (
        2,
        "error: BOX is a kit, and a kit never arrives\n"
        "what to do: open its components for pre-orders (onhand kits show BOX)\n",
    )
    assert (await onhand("preorders", "list")).lines == ["nothing is sold before it arrives"]


async def test_what_cannot_be_is_told_and_exits_1(hampers: Pool, onhand: Onhand) -> None:
    answer = await onhand("kits", "set", "A", "B=2")
    assert answer.code == 1
    assert "refused: kit A: the ledger has stock movements of it" in answer.stderr.replace("\n", " ")
    assert (await onhand("kits", "set", "BOX", "A=2", "A=3")).code == 2
    assert (await onhand("kits", "show", "A")).code == 2
    assert (await onhand("kits", "show", "ZZ")).code == 2


async def test_a_kit_is_removed(hampers: Pool, onhand: Onhand) -> None:
    """Goal: what is no kit is named; where nothing else was named, that is wrong usage, and nothing is changed."""
    await onhand("kits", "set", "BOX", "A=2")
    answer = await onhand("kits", "remove", "BOX", "A", "--json")
    assert (answer.code, answer.json["changed"], answer.json["refused"]) == (
        3,
        ["BOX"],
        {"A": "A is not a kit"},
    )
    once_more = await onhand("kits", "remove", "BOX")
    said = "error: BOX is not a kit\nwhat to do: onhand kits list\n"
    assert (once_more.code, once_more.stdout, once_more.stderr) == (2, "", said)
    neither = await onhand("kits", "remove", "A", "TEA")
    assert (neither.code, neither.stderr.splitlines()[0]) == (2, "error: none of these is a kit: A, TEA")
    assert await sql(hampers, "SELECT code FROM sku WHERE kit") == []


async def test_a_file_of_kits(hampers: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: good kits are taken, a kit with one wrong row is not taken at all, and its row is named."""
    file = tmp_path / "kits.csv"
    file.write_text("Kit;Component;Qty\nBOX;A;2\nTEA;B;1\nBOX;B;1\nTEA;C;many\nA;B;1\nC;B;1\nC;B;2\nZZ;A;1\n")
    answer = await onhand("kits", "import", file)
    assert answer.code == 3
    assert answer.lines == [
        "kits.csv: 8 rows, 1 kit set, 0 so already, 4 refused",
        "the channels are told by the next sync: onhand sync --dry-run shows it beforehand",
    ]
    said = " ".join(answer.stderr.split())
    assert (
        'refused: kit TEA: kits.csv line 5, quantity: "many" is not accepted; write a whole number from 1.'
        in said
    )
    assert "refused: kit C: B stands on kits.csv line 7 and on kits.csv line 8; keep one" in said
    assert "refused: kit A: the ledger has stock movements of it" in said
    assert "refused: kit ZZ: not in the catalogue: ZZ; import them first" in said
    assert await sql(hampers, "SELECT DISTINCT live FROM outbox") == [(False,)]
    again = await onhand("kits", "import", file, "--json")
    assert (again.json["changed"], again.json["unchanged"]) == ([], ["BOX"])


async def test_a_row_that_names_no_kit_may_belong_to_any(
    hampers: Pool, onhand: Onhand, tmp_path: Path
) -> None:
    """Goal: nothing of such a file is taken: a kit without one of its components would oversell that."""
    file = tmp_path / "kits.csv"
    file.write_text("kit,component,quantity\nBOX,A,2\n,B,1\n")
    answer = await onhand("kits", "import", file)
    assert answer.code == 1
    assert "kits.csv line 3" in answer.stderr
    assert "nothing of the file was taken" in " ".join(answer.stderr.split())
    assert await sql(hampers, "SELECT code FROM sku WHERE kit") == []


async def test_an_explanation_names_the_limiting_component(hampers: Pool, onhand: Onhand) -> None:
    """Goal: woo draws on both locations, and holds two units back for safety."""
    await onhand("kits", "set", "BOX", "A=2", "B=1")
    (level,) = (await onhand("explain", "BOX", "--json")).json["levels"]
    assert level["target"] == 1
    assert level["sentence"] == (
        "woo was never told nor asked; it should show 1 because 3 are available at leeds + london and 2 are held back "
        "for safety. It is a kit, limited by A (7 for 2 each) at leeds and A (0 for 2 each) at london."
    )
    assert (await onhand("explain", "BOX", "--json")).json["components"][1]["sku"] == "B"
    plain = await onhand("explain", "A")
    assert "2 units of it go into each kit BOX" in plain.stdout
    assert "can be packed" in (await onhand("explain", "BOX")).stdout


async def test_stock_of_a_kit_is_refused_by_name(hampers: Pool, onhand: Onhand, tmp_path: Path) -> None:
    await onhand("kits", "set", "BOX", "A=2")
    answer = await onhand("stock", "receive", "BOX", "5", "--location", "leeds")
    assert answer.code == 1
    assert "BOX is a kit, and a kit has no stock of its own" in " ".join(answer.stderr.split())
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\nBOX,0,leeds\nBOX,5,london\nA,9,leeds\n")
    imported = (await onhand("import", "stock", file, "--json")).json
    assert [row["problem"] for row in imported["refusals"]] == ["kit"]
