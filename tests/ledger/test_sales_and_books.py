"""What a channel sold or put back, and what we believe it shows then."""

import pytest

from onhand.ledger.database import Pool

BLIND_AT = "2026-11-20T10:00:00Z"
BEFORE, AFTER = "2026-11-20T09:59:59Z", "2026-11-20T10:00:01Z"
Expected = tuple[int, int, list[int]]


@pytest.mark.parametrize(
    ("pieces", "moment", "told", "expected"),
    [
        (3, AFTER, None, (7, 0, [])),
        (3, BEFORE, None, (10, 3, [])),
        (-3, AFTER, None, (13, 0, [])),
        (-3, BEFORE, None, (10, 0, [])),
        (3, AFTER, 2, (9, 0, [])),
        (3, BEFORE, 2, (10, 1, [])),
        (1, AFTER, 2, (10, 0, [1])),
        (-1, AFTER, 2, (11, 0, [2])),
        (-1, BEFORE, 2, (10, 0, [2])),
    ],
)
async def test_a_sale_moves_the_book_unless_it_is_in_it(
    shop: Pool, pieces: int, moment: str, told: int | None, expected: Expected
) -> None:
    """Goal: each piece moves the book once. Method: sales and put-backs on either side of a blind write, of which an
    answer of the same side had told or not; the book, the pieces given back, and what is still expected."""
    async with shop.connection() as connection:
        found = await connection.execute(
            "INSERT INTO listing (channel_id, sku_id, item_id, sort_key)"
            " SELECT c.id, s.id, '1', '1' FROM channel c, sku s WHERE c.name = 'web' AND s.code = 'A'"
            " RETURNING id, sku_id"
        )
        listing, sku = await found.fetchone() or (0, 0)
        await connection.execute(
            "INSERT INTO level (listing_id, place, book, blind_at, fixed_at) VALUES (%s, '', 10, %s, %s)",
            (listing, BLIND_AT, BLIND_AT),
        )
        if told is not None:
            await connection.execute(
                "INSERT INTO provisional_demand (listing_id, place, sku_id, location_id, pieces, units, earlier)"
                " SELECT %s, '', %s, id, %s, 1, %s FROM location WHERE code = 'leeds'",
                (listing, sku, told, told if moment == BEFORE else 0),
            )
        taken = await connection.execute(
            "SELECT take_sales_v2(%s::integer[], %s::text[], %s::integer[], %s::timestamptz[])",
            ([listing], [""], [pieces], [moment]),
        )
        given_back = await taken.fetchone()
        book = await (await connection.execute("SELECT book, given_back FROM level")).fetchone()
        left = await (await connection.execute("SELECT pieces FROM provisional_demand")).fetchall()
    assert given_back is not None
    assert book is not None
    assert (book[0], given_back[0], [number for (number,) in left]) == expected
    assert book[1] == given_back[0], "what was given back is counted at its level"
