"""`onhand import`: what is said of each row, and what the exit code tells a script."""

from pathlib import Path

from onhand.ledger import stock
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand


async def test_a_clean_file_exits_0(onhand: Onhand, ledger: Pool, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    file.write_text("sku,name\nA,Apple\nB,Bread\n")

    answer = await onhand("import", "catalogue", file)

    assert (answer.code, answer.stdout) == (0, "catalogue.csv: 2 rows, 2 taken\n")


async def test_refused_rows_are_listed_and_exit_3(onhand: Onhand, store: Pool, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\nA,7,leeds\nB,-2,leeds\nC,1.5,leeds\nA,7,mars\n")

    answer = await onhand("import", "stock", file)

    assert answer.code == 3
    assert answer.lines == [
        "stock.csv: 4 rows, 2 taken, 2 refused",
        'note: stock.csv line 3, column "quantity": -2 is negative. The row was taken: the ledger keeps it as the',
        "truth, and channels show 0 until stock is back.",
        "row               problem           why, and what to do",
        "─" * 110,
        'stock.csv line 4  fraction          column "quantity": 1.5 is not a whole number of units; this SKU is '
        "sold in",
        '                                    whole units only (its catalogue row may say fraction "round_down").',
        'stock.csv line 5  unknown location  column "location": "mars" is not a known location; known are leeds,',
        "                                    london.",
    ]


async def test_the_same_file_again_says_so(onhand: Onhand, store: Pool, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\nA,7,leeds\n")
    await onhand("import", "stock", file)

    answer = await onhand("import", "stock", file)

    assert answer.code == 0
    assert answer.lines == [
        "stock.csv: 1 row, 0 taken, 1 known already",
        "this file was imported before; nothing was changed",
    ]


async def test_options_say_what_the_file_does_not(onhand: Onhand, store: Pool, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku;quantity\nA;1.200,0\nA;100\n")

    answer = await onhand(
        "import", "stock", file, "--location", "london", "--decimal-mark", ",", "--thousands-mark", ".",
        "--duplicates", "sum", "--meaning", "available", "--json",
    )  # fmt: skip

    assert (answer.code, answer.json["taken"], answer.json["refusals"]) == (0, 1, [])
    (balance,) = await stock.sku_balances(store, "A")
    assert (balance.location, balance.on_hand) == ("london", 1300)


async def test_a_mapping_is_of_one_channel(onhand: Onhand, store: Pool, tmp_path: Path) -> None:
    file = tmp_path / "mapping.csv"
    file.write_text("sku,item_id\nC,103\n")

    missing = await onhand("import", "mapping", file)
    assert missing.code == 2
    assert "a mapping is of one channel: give --channel, one of woo, bigc" in missing.stderr

    assert (
        await onhand("import", "mapping", file, "--channel", "woo")
    ).stdout == "mapping.csv: 1 row, 1 taken\n"
    assert [listing.channel for listing in await stock.sku_listings(store, "C")] == ["woo"]


async def test_a_file_without_a_single_good_row_is_a_failure(
    onhand: Onhand, store: Pool, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\nQ,7,leeds\n")
    assert (await onhand("import", "stock", file)).code == 1


async def test_a_file_that_is_no_such_table_is_one_message(
    onhand: Onhand, store: Pool, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("colour\nred\n")
    answer = await onhand("import", "stock", file)
    assert (answer.code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("error: stock.csv has no column for sku and location and quantity.")
    assert (await onhand("import", "stock", tmp_path / "none.csv")).code == 2
    assert (await onhand("import", "stock", file, "-l", "mars")).code == 2


async def test_a_long_list_is_cut_and_says_how_to_see_it_all(
    onhand: Onhand, store: Pool, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\n" + "".join(f"Q{n},7,leeds\n" for n in range(5)))
    answer = await onhand("import", "stock", file, "--show", 2)
    assert answer.stdout.count("unknown sku") == 2
    assert answer.stderr == "3 more refused; see them with --show 5 or --json\n"
