"""A read-back that only looks finds what the real one would record, and writes nothing."""

from collections.abc import Sequence

import pytest

from onhand.reconcile import preview as module
from onhand.reconcile.preview import Foreseen, preview
from tests.fix_ledger import sql
from tests.reconcile.conftest import Desk, patient
from tests.reconcile.test_causes import Gone


async def foreseen(desk: Desk, skus: Sequence[str] | None = None) -> list[Foreseen]:
    return [each async for each in preview(desk.pool, desk.channel, desk.rules, desk.policy, skus)]


async def test_a_level_that_somebody_changed_is_foreseen_and_nothing_is_written(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 60
    (drift,) = await foreseen(web)
    assert (drift.sku, drift.expected, drift.shown, drift.cause, drift.action) == (
        "A", 100, 60, "manual_edit", "halt",
    )  # fmt: skip
    assert web.woken == set()
    for written in ("drift", "suspect", "reconciliation", "halt", "inbox"):
        assert await sql(web.pool, f"SELECT count(*) FROM {written}") == [(0,)], written


async def test_what_the_channel_does_not_show_at_all_is_foreseen(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: an item that is gone is told, also where levels are looked through one at a time; one that a page has only
    left out is not. The real read-back records the same.
    """
    monkeypatch.setattr(module, "PAGE_LEVELS", 1)
    del web.channel.levels["web-A", ""]
    levels = web.channel.levels
    with monkeypatch.context() as patch:
        patch.setattr(web.channel, "read_levels", Gone(web, {"web-A"}).read_levels)
        (drift,) = await foreseen(web)
        assert (drift.sku, drift.item_id, drift.expected, drift.shown) == ("A", "web-A", 100, None)
        assert (drift.cause, drift.action) == ("mapping_error", "report")
        assert await foreseen(web, ["B"]) == [], "only what was asked for"
        await web.read_back()
        assert await web.causes() == [("A", "mapping_error", 100, None, "report")]

    class LeftOut(Gone):
        async def read_levels(self, keys):  # type: ignore[no-untyped-def]
            levels["web-A", ""] = 100
            return await self._read(keys)

    monkeypatch.setattr(web.channel, "read_levels", LeftOut(web, set()).read_levels)
    assert await foreseen(web) == []


async def test_what_was_told_so_lately_that_it_need_not_show_yet_accuses_nobody(web: Desk) -> None:
    """Goal: as in the real read-back; once the channel has had its time, the same level is a drift."""
    await sql(web.pool, "UPDATE level SET blind_at = clock_timestamp() WHERE book IS NOT NULL")
    web.channel.levels["web-A", ""] = 98
    patient(web, 3600.0)
    assert await foreseen(web) == []
    patient(web, 0.0)
    assert [drift.sku for drift in await foreseen(web)] == ["A"]
