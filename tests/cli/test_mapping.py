"""`onhand mapping` and `onhand channels`: what is mapped, what is not, and what to do about it."""

from collections.abc import AsyncIterator

import pytest

from onhand.channels.base import Finding, RemoteItem
from onhand.channels.errors import ChannelDown
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand
from tests.memory_channel import MemoryChannel


@pytest.fixture
def woo(monkeypatch: pytest.MonkeyPatch) -> MemoryChannel:
    """The channel woo, in memory, with one item of every kind."""
    channel = MemoryChannel("woo")
    channel.items = [
        RemoteItem("101", "A", "", "Apple", "101"),
        RemoteItem("102", "B", "", "Bread", "102"),
        RemoteItem("103", "X", "", "Xylophone", "103"),
        RemoteItem("104", "C", "500001", "Cake [new]", "104"),
        RemoteItem("105", "B", "", "Bread again", "105"),
        RemoteItem("106", "C", "", "Bundle", "106", writable=False, problem="a bundle has no stock"),
    ]
    for module in ("mapping", "channels"):
        monkeypatch.setattr(f"onhand.cli.{module}.make_channel", lambda name, _: channel)
    return channel


async def test_a_discovery_lists_what_could_not_be_told_and_what_to_do(
    store: Pool, onhand: Onhand, woo: MemoryChannel
) -> None:
    answer = await onhand("mapping", "discover", "--channel", "woo")

    assert answer.code == 3
    assert [line.strip() for line in answer.lines] == [
        "woo: 6 items found, recognised 3 by sku; 2 listings mapped, 0 new, 0 retired",
        "missing: 1 active SKU that woo does not list",
        "what to do: List it on the channel under our SKU, or set its catalogue row to discontinued.",
        "C  Cake",
        "unknown: 1 item",
        "what to do: Give it one of our SKUs on the channel, import that SKU, or map it by a mapping file.",
        "item 103 (Xylophone, SKU X): SKU X is not in the catalogue",
        "ambiguous: 1 item",
        "what to do: Correct the SKU or the barcode, here or on the channel, or map it by a mapping file.",
        "item 104 (Cake [new], SKU C, barcode 500001): its SKU text says C, its barcode 500001 is that of A",
        "unwritable: 1 item",
        "what to do: Its stock cannot be set on the channel; remove its SKU there if it is not ours.",
        "item 106 (Bundle, SKU C): a bundle has no stock",
        "duplicate: 1 SKU that several items claim",
        "what to do: Give each item a SKU of its own on the channel, or say by a mapping file that all of them are",
        "meant.",
        "B: mapped to 102; left out 105",
    ]


async def test_check_tells_the_same_without_asking_the_channel(
    store: Pool, onhand: Onhand, woo: MemoryChannel
) -> None:
    before = await onhand("mapping", "check", "--channel", "woo")
    assert before.lines[:2] == [
        "woo: 2 listings, never discovered",
        "what to do: onhand mapping discover --channel woo",
    ]
    discovered = await onhand("mapping", "discover", "--channel", "woo")
    woo.items = []

    answer = await onhand("mapping", "check", "--channel", "woo")

    assert answer.code == 3
    assert answer.lines[0] == "woo: 2 listings, mapped just now"
    assert answer.lines[1:] == discovered.lines[1:]
    document = (await onhand("mapping", "check", "--channel", "woo", "--json")).json[0]
    assert document["clean"] is False
    assert document["problems"] == {"ambiguous": 1, "unknown": 1, "unwritable": 1}
    assert document["contested"][0]["left_out"] == ["105"]


async def test_where_everything_has_its_counterpart_it_exits_0(
    store: Pool, onhand: Onhand, woo: MemoryChannel
) -> None:
    woo.items = [RemoteItem(str(n), sku, "", sku, str(n)) for n, sku in enumerate("ABC")]
    answer = await onhand("mapping", "discover", "--channel", "woo")
    assert answer.code == 0
    assert answer.lines[1] == "every SKU has its item, and every item its SKU"
    document = (await onhand("mapping", "discover", "--channel", "woo", "--json")).json[0]
    assert (document["mapped"]["sku"], document["retired"], document["details"]["missing"]) == (3, 0, [])


async def test_a_shop_that_lost_everything_is_not_believed_unless_told(
    store: Pool, onhand: Onhand, woo: MemoryChannel
) -> None:
    woo.items = []
    doubtful = await onhand("mapping", "discover", "--channel", "woo")
    assert doubtful.code == 1
    assert "woo no longer shows 2 of 2 mapped listings" in doubtful.stderr
    believed = await onhand("mapping", "discover", "--channel", "woo", "--accept-loss")
    assert "2 retired" in believed.lines[0]


async def test_a_channel_that_is_down_is_a_failure_and_keeps_its_mapping(
    store: Pool, onhand: Onhand, woo: MemoryChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> AsyncIterator[list[RemoteItem]]:
        raise ChannelDown("woo", "listing products", "out for lunch")
        yield []

    monkeypatch.setattr(woo, "discover", fails)
    answer = await onhand("mapping", "discover", "--channel", "woo")
    assert answer.code == 1
    assert "warning: woo: listing products failed: out for lunch." in answer.stderr
    assert "2 listings mapped, 0 new, 0 retired" in answer.lines[0]


async def test_a_long_list_is_cut(store: Pool, onhand: Onhand, woo: MemoryChannel) -> None:
    woo.items += [RemoteItem(f"2{n}", f"X{n}", "", "", f"2{n}") for n in range(5)]
    answer = await onhand("mapping", "discover", "--channel", "woo", "--show", 2)
    assert "unknown: 6 items" in answer.lines
    assert "   ... and 4 more (--show, --json)" in answer.lines


async def test_channels_are_listed_with_what_is_pending(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 5, "-l", "leeds")

    answer = await onhand("channels", "list")

    assert answer.lines == [
        "channel  platform     listings  mapped           pending  given up  last push    last run",
        "─────────────────────────────────────────────────────────────────────────────────────────",
        "bigc     bigcommerce         1  never   1 since just now         0  none lately  never",
        "woo      woocommerce         2  never   1 since just now         0  none lately  never",
        "channel  inbox           to tell  last heard  last sweep  real time",
        "────────────────────────────────────────────────────────────────────",
        "bigc         0  1 since just now  never       never       publishing",
        "woo          0  1 since just now  never       never       publishing",
    ]
    (bigc, _) = (await onhand("channels", "list", "--json")).json
    assert (bigc["enabled"], bigc["state"]["pending"]) == (True, 1)


async def test_a_check_says_what_is_wrong_and_what_to_do(
    store: Pool, onhand: Onhand, woo: MemoryChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = await onhand("channels", "check", "--channel", "woo")
    assert (fine.code, fine.lines) == (0, ["woo (woocommerce)", "ok  woo  in memory"])

    async def finds() -> list[Finding]:
        return [Finding("scopes", False, "write_inventory is missing", "Add it to the app.")]

    monkeypatch.setattr(woo, "check", finds)
    wrong = await onhand("channels", "check", "--channel", "woo")
    assert (wrong.code, wrong.lines[1:]) == (
        1,
        ["!!  scopes  write_inventory is missing", "            what to do: Add it to the app."],
    )
    (document,) = (await onhand("channels", "check", "--channel", "woo", "--json")).json
    assert (document["ok"], document["findings"][0]["subject"]) == (False, "scopes")


async def test_a_channel_that_cannot_be_asked_is_a_finding_too(
    store: Pool, onhand: Onhand, woo: MemoryChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> list[Finding]:
        raise ChannelDown("woo", "asking for its version", "no answer", advice="Is it up?")

    monkeypatch.setattr(woo, "check", fails)
    answer = await onhand("channels", "check", "--channel", "woo")
    assert answer.code == 1
    assert answer.lines[1:] == [
        "!!  reachable  woo: asking for its version failed: no answer",
        "               what to do: Is it up?",
    ]


async def test_a_missing_secret_is_named_and_never_shown(
    store: Pool, onhand: Onhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WOO_SECRET")
    answer = await onhand("channels", "check", "--channel", "woo")
    assert answer.code == 1
    assert "WOO_SECRET is not set" in answer.stdout
    assert "not-a-real-secret" not in answer.stdout
