"""`onhand transfers`: sent, received in parts, closed short; what is on its way is listed, what went wrong told."""

from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand


async def test_the_life_of_a_transfer(store: Pool, onhand: Onhand) -> None:
    """Goal: 6 of A and 2 of B leave; 4 of A arrive and 3 of B; the rest is lost."""
    await onhand("stock", "receive", "A", 6, "-l", "leeds")
    await onhand("stock", "receive", "B", 2, "-l", "leeds")
    sent = await onhand(
        "transfers", "send", "A=6", "B=2", "--from", "leeds", "--to", "london", "--transfer", "T-1", "--json"
    )
    assert sent.code == 0
    assert sent.json["transfer"]["progress"] == "on its way"
    assert (await onhand("stock", "show", "A", "--json")).json["locations"][1]["in_transit"] == 6

    arrived = await onhand("transfers", "receive", "T-1", "A=4", "B=3")
    assert arrived.lines == [
        "transfer  from   to      began     progress         sku  sent  arrived  on its way  short  over",
        "───────────────────────────────────────────────────────────────────────────────────────────────",
        "T-1       leeds  london  just now  partly received  A       6        4           2",
        "                                                    B       2        2                        1",
    ]
    listed = await onhand("transfers", "list", "--json")
    assert listed.json[0]["lines"] == [
        {"sku": "A", "sent": 6, "arrived": 4, "short": 0, "over": 0, "outstanding": 2},
        {"sku": "B", "sent": 2, "arrived": 2, "short": 0, "over": 1, "outstanding": 0},
    ]
    closed = await onhand("transfers", "close", "T-1", "--json")
    assert closed.json["transfer"]["progress"] == "closed short"
    assert (await onhand("transfers", "list")).lines == ["nothing is on its way; onhand transfers list --all"]
    assert len((await onhand("transfers", "list", "--all", "--json")).json) == 1


async def test_the_same_statement_twice_changes_nothing_and_says_so(store: Pool, onhand: Onhand) -> None:
    command = ("transfers", "send", "A=6", "--from", "leeds", "--to", "london", "--id", "note-1")
    await onhand("stock", "receive", "A", 6, "-l", "leeds")
    await onhand(*command)
    again = await onhand(*command)
    assert again.code == 0
    assert again.lines[0] == "note-1 was stated before; nothing was changed"
    received = ("transfers", "receive", "T-note-1", "--id", "note-2")
    await onhand(*received)
    assert (await onhand(*received)).lines[0] == "note-2 was stated before; nothing was changed"


async def test_what_cannot_be_is_refused(store: Pool, onhand: Onhand) -> None:
    for command, code, said in (
        (("send", "A", "--from", "leeds", "--to", "london"), 2, "'A' is no SKU=UNITS, as in 22423=12"),
        (("send", "A=1", "A=2", "--from", "leeds", "--to", "london"), 2, "A is given twice"),
        (
            ("send", "A=1", "--from", "leeds", "--to", "leeds"),
            2,
            "a transfer needs an origin, and a destination",
        ),
        (("send", "A=0", "--from", "leeds", "--to", "london"), 2, "A: 0 units; accepted: 1 to"),
        (("send", "A=1", "--from", "leeds", "--to", "york"), 2, "there is no location 'york'"),
        (("receive", "T-9"), 2, "there is no transfer T-9; it begins when goods are sent by it"),
        (("close", "T-9", "--reason", "loss"), 2, "'loss' is no reason for a write-off. Did you mean lost?"),
    ):
        answer = await onhand("transfers", *command)
        assert answer.code == code, command
        assert said in " ".join(answer.stderr.split())
