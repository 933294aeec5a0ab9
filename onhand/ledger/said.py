"""What a source has said before under its own ids, and names that the ledger does not know."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.posting import Posted, Verdict, conflict
from onhand.ledger.queries import query


class Statement(Protocol):
    """Something a source states under an id of its own, whose event is worked out from what the ledger holds."""

    @property
    def source(self) -> str:
        """Who states it."""
        ...

    @property
    def external_id(self) -> str:
        """Under which id of theirs."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Of what was stated."""
        ...


class Said:
    """What one source said before. Its event is not worked out again: by now that would look as if nothing moved."""

    def __init__(self, known: dict[str, tuple[int | None, bytes]]) -> None:
        self._known = known

    @classmethod
    async def of(cls, connection: Connection, stated: Sequence[Statement]) -> "Said":
        """Look up the ids of a batch, which is of one source."""
        assert len({each.source for each in stated}) == 1, "such statements are posted source by source"
        ids = [each.external_id for each in stated]
        cursor = await connection.execute(query("known_events"), {"source": stated[0].source, "ids": ids})
        return cls({external_id: (event_id, digest) async for external_id, event_id, digest in cursor})

    def again(self, stated: Statement) -> Posted | None:
        """The verdict on what was said before, None where it is new."""
        if stated.external_id not in self._known:
            return None
        event_id, fingerprint = self._known[stated.external_id]
        if fingerprint == stated.fingerprint:
            return Posted(Verdict.DUPLICATE, event_id)
        return conflict(event_id, stated)

    def note(self, stated: Statement) -> None:
        """It was taken: said again within the batch it is a duplicate."""
        self._known[stated.external_id] = (None, stated.fingerprint)


async def before(pool: Pool, source: str, external_id: str) -> bool:
    """Whether the source has stated something under this id."""
    return bool(await fetched(pool, "known_events", source=source, ids=[external_id]))


async def unknown_names(connection: Connection, skus: Iterable[str], locations: Iterable[str]) -> set[str]:
    """Those of them that the ledger does not have, as "sku X" and "location Y"."""
    wanted = {"skus": sorted(set(skus)), "locations": sorted(set(locations))}
    cursor = await connection.execute(query("unknown_names"), wanted)
    return {name for (name,) in await cursor.fetchall()}


def not_known(names: Iterable[str]) -> Posted:
    """The verdict on a statement that names them."""
    return Posted(
        Verdict.UNKNOWN,
        None,
        f"the ledger does not know {', '.join(sorted(names))}. Import the catalogue first.",
    )
