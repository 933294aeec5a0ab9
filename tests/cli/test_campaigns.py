"""`onhand campaign`: put SKUs into shares before they sell fast, look at them, end it."""

from datetime import UTC, datetime, timedelta

from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand

TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def test_what_cannot_be_is_refused_with_what_to_do(store: Pool, onhand: Onhand) -> None:
    """Goal: quiet answers where there is nothing, and wrong usage says what is accepted; nothing is started."""
    answer = await onhand("campaign", "list")
    assert (answer.code, answer.lines) == (0, ["no campaign goes on"])
    answer = await onhand("campaign", "start", "A", "--share", "ebay=50")
    assert (answer.code, answer.stderr) == (
        2,
        "error: --share ebay=50: 'ebay' is not in [channels]; known are woo, bigc\n",
    )
    answer = await onhand("campaign", "start", "A", "--share", "woo=half")
    assert answer.stderr == "error: --share woo=half: not of the form CHANNEL=PERCENT, for example woo=60\n"
    answer = await onhand("campaign", "start", "A", "--share", "woo=60", "--share", "bigc=50")
    assert (answer.code, answer.stderr) == (
        2,
        "error: the shares add up to 110 %; accepted is at most 100 %\n",
    )
    answer = await onhand("campaign", "start", "A", "--until", "2026-01-01")
    assert (answer.code, answer.stderr) == (
        2,
        "error: it would have ended at 2026-01-01 00:00; say a time to come\n",
    )
    answer = await onhand("campaign", "start", "A", "NO-SUCH")
    assert answer.code == 2
    assert "NO-SUCH is no SKU" in answer.stderr
    assert (await onhand("campaign", "list", "--all", "--json")).json == []
    answer = await onhand("campaign", "end", "A")
    assert (answer.code, answer.lines) == (3, ["A: in no campaign"])


async def test_one_is_started_looked_at_and_ended(store: Pool, onhand: Onhand) -> None:
    """Goal: who and when is kept, a second one for the same SKU is refused, and explain says how it stands."""
    answer = await onhand(
        "campaign", "start", "A", "--share", "woo=60", "--until", f"{TOMORROW:%Y-%m-%dT%H:%M}"
    )
    assert answer.lines[0].startswith("1 SKU in shares until ")
    (row,) = (await onhand("campaign", "list", "--json")).json
    assert (row["sku"], row["shares"], row["ended_at"]) == ("A", {"woo": "60"}, None)
    assert row["started_by"]
    answer = await onhand("campaign", "start", "A")
    assert answer.code == 2
    assert "A is in a campaign already" in answer.stderr
    explained = (await onhand("explain", "A", "--json")).json
    assert explained["standing"]["phase"] == "campaign"

    answer = await onhand("campaign", "end", "A")

    assert "A: ended" in answer.lines
    assert (await onhand("campaign", "list", "--json")).json == []
    (row,) = (await onhand("campaign", "list", "--all", "--json")).json
    assert row["ended_by"] == row["started_by"]
