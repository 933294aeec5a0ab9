"""`onhand authority list`, and what `onhand explain` prints of a conflict."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from onhand.domain.counts import Count, CountMeaning
from onhand.ledger.database import Pool
from onhand.ledger.stated import Judging, post_stated
from tests.cli.conftest import Onhand

LEEDS = Judging(frozenset({"leeds"}), timedelta(minutes=5))
AUTHORITIES = """
[clients.wms]
token_envs = ["WMS_TOKEN"]
scopes = ["events"]
authority_for = ["leeds"]
[clients.pos]
token_envs = ["POS_TOKEN"]
scopes = ["events"]
authority_for = ["leeds", "london"]
"""


async def contradict(pool: Pool) -> None:
    """The WMS says 8, the POS a moment later 1,500."""
    at = datetime.now(UTC) - timedelta(minutes=3, seconds=-0.4)  # still so a little later
    for client, quantity, moment in (("wms", 8, at - timedelta(seconds=9)), ("pos", 1_500, at)):
        count = Count(f"client/{client}", "1", "A", "leeds", quantity, CountMeaning.AVAILABLE, moment)
        await post_stated(pool, [count], LEEDS)


async def test_authorities_and_their_conflicts_are_listed(store: Pool, onhand: Onhand, config: Path) -> None:
    """Goal: whose word counts where, and who was outvoted by whom."""
    none = await onhand("authority", "list")
    assert (none.code, none.lines) == (
        0,
        ["no location has an authority: see authority_for in the configuration", "no conflicts"],
    )
    config.write_text(config.read_text() + AUTHORITIES)
    await contradict(store)

    answer = await onhand("authority", "list")

    assert (answer.code, answer.lines) == (
        0,
        [
            "location  authority",
            "────────────────────",
            "leeds     client/wms",
            "leeds     client/pos",
            "london    client/pos",
            "found      SKU  location  stated  by          against  of          counts",
            "────────────────────────────────────────────────────────────────────────────────────",
            "3 min ago  A    leeds      1,500  client/pos        8  client/wms  what stood before",
        ],
    )
    document = (await onhand("authority", "list", "--json")).json
    assert document["authorities"][0] == {"location": "leeds", "authority": "client/wms"}
    assert [(c["sku"], c["quantity"], c["counted"]) for c in document["conflicts"]] == [("A", 1_500, False)]


async def test_explain_says_who_disagreed(store: Pool, onhand: Onhand) -> None:
    assert (await onhand("explain", "--help")).code == 0  # its modules are loaded
    await contradict(store)
    answer = await onhand("explain", "A", "--channel", "woo")
    text = " ".join(answer.stdout.split())
    assert (
        "! leeds: client/pos stated 1,500, client/wms 8 (3 min ago); the lower number stays. ╭─ Stock" in text
    )
