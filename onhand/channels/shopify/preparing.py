"""Before levels are sent: what must not be sent is sorted out, and tracking is turned on where it was seen off."""

from collections.abc import Sequence

from onhand.channels.base import LevelWrite
from onhand.channels.shopify import verdicts
from onhand.channels.shopify.admin import CALLS_AT_ONCE, Admin
from onhand.channels.shopify.documents import TRACK
from onhand.channels.shopify.reads import Reads
from onhand.channels.shopify.rows import Results, Row, name_of, rejected, stale, words, wrong
from onhand.channels.together import each


class Preparing:
    """Makes rows of writes for one shop."""

    def __init__(self, admin: Admin, reads: Reads) -> None:
        self._admin = admin
        self._reads = reads

    async def rows(
        self, writes: Sequence[LevelWrite], results: Results, *, recount: bool, urgent: bool
    ) -> list[Row]:
        """The rows that can be sent; the others get their result here, before anything is sent.

        Where tracking had to be turned on, the number that holds from then on is read and takes the place of the one
        that was believed, if `recount`; otherwise the write is stale: sent again, it would be another one.
        """
        channel = self._admin.channel
        for at, write in enumerate(writes):
            if found := wrong(write):
                results[at] = rejected(channel, write, found, "Run discovery and map the SKU again.")
        shown = await self._tracked(writes, results, recount, urgent)
        rows = []
        for at, write in enumerate(writes):
            believed = shown.get(at, write.shown)
            if at not in results and believed is not None:
                rows.append(Row(at, write, believed))
            elif at not in results:
                results[at] = stale(channel, write, "the level that the shop shows now is not known")
        return rows

    async def _tracked(
        self, writes: Sequence[LevelWrite], results: Results, recount: bool, urgent: bool
    ) -> dict[int, int | None]:
        """Turn tracking on where it was seen off; the levels that hold from then on (before, they bound nobody)."""
        untracked = [at for at, write in enumerate(writes) if write.key.item.item_id in self._reads.untracked]
        if not untracked:
            return {}

        async def track(write: LevelWrite) -> str:
            return await self._track(write, urgent)

        refusals = await each([writes[at] for at in untracked], track, at_once=CALLS_AT_ONCE)
        places: dict[str, list[int]] = {}
        for at, refusal in zip(untracked, refusals, strict=True):
            if refusal:
                results[at] = rejected(self._admin.channel, writes[at], refusal, verdicts.ROW_ADVICE)
            elif not recount:
                self._reads.note_tracking(writes[at].key.item.item_id, True)
                results[at] = stale(
                    self._admin.channel, writes[at], "it was not tracked until now: read its level"
                )
            else:
                places.setdefault(writes[at].key.place, []).append(at)
        shown: dict[int, int | None] = {}
        for place, ats in places.items():
            items = [writes[at].key.item.item_id for at in ats]
            seen = await self._reads.by_id(place, items, urgent=urgent)
            shown.update((at, seen[writes[at].key.item.item_id][0]) for at in ats)
        return shown

    async def _track(self, write: LevelWrite, urgent: bool) -> str:
        """Turn tracking on; what the shop said against it, empty when it is on."""
        action = f"turn tracking on for {name_of(write)}"
        data = await self._admin.run(TRACK, {"item": write.key.item.item_id}, action, urgent=urgent)
        errors = data["inventoryItemUpdate"]["userErrors"]
        return f"tracking cannot be turned on: {words(errors)}" if errors else ""
