-- Levels that somebody changed on a channel whose word counts.

-- name: put_aside
-- Looked at once the channel's orders were swept.
INSERT INTO authority_notice (listing_id, place)
SELECT DISTINCT l.id, n.place
  FROM unnest(%(items)s::text[], %(places)s::text[]) AS n(item, place)
  JOIN listing l ON l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.item_id = n.item AND l.active
ON CONFLICT (listing_id, place) DO UPDATE SET noted_at = clock_timestamp()

-- name: notices_due
-- What was put aside so long ago that whatever caused it has settled.
SELECT l.id, s.code, l.item_id, l.parent_id, l.tracking, n.place, n.noted_at
  FROM authority_notice n
  JOIN listing l ON l.id = n.listing_id
  JOIN sku s ON s.id = l.sku_id
 WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND n.noted_at <= %(before)s
 ORDER BY n.noted_at, l.id, n.place
 LIMIT %(limit)s

-- name: levels_noted
-- What is believed of levels that were read at that moment; a level that was sold from, told or claimed since, or that
-- rests, cannot be judged by what was read.
SELECT v.listing_id, v.place, v.book, l.units,
       coalesce(v.paced_at < %(read_at)s, true) AND coalesce(v.booked_at < %(read_at)s, true)
       AND coalesce(v.claimed_until < clock_timestamp(), true)
       AND NOT EXISTS (SELECT FROM resting_level k WHERE k.listing_id = v.listing_id AND k.place = v.place)
  FROM level v
  JOIN listing l ON l.id = v.listing_id
 WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[]))
   AND v.book IS NOT NULL

-- name: statements_about
-- What was stated before of these shelves, and what the ledger has.
SELECT s.code, o.code, coalesce(b.available, 0), t.authority, t.quantity, t.stated_at
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS n(sku, location)
  JOIN sku s ON s.code = n.sku
  JOIN location o ON o.code = n.location
  LEFT JOIN balance b ON b.sku_id = s.id AND b.location_id = o.id
  LEFT JOIN authority_statement t ON t.sku_id = s.id AND t.location_id = o.id

-- name: keep_statements
-- The newest of each authority.
INSERT INTO authority_statement AS t (sku_id, location_id, authority, quantity, stated_at)
SELECT s.id, o.id, %(authority)s, n.quantity, n.at
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(quantities)s::int[], %(moments)s::timestamptz[])
       AS n(sku, location, quantity, at)
  JOIN sku s ON s.code = n.sku
  JOIN location o ON o.code = n.location
 ORDER BY s.id, o.id
ON CONFLICT (sku_id, location_id, authority) DO UPDATE SET
    quantity = excluded.quantity, stated_at = excluded.stated_at
 WHERE excluded.stated_at >= t.stated_at

-- name: keep_conflicts
-- Two authorities disagreed; one that states the same once more, after a lost answer, is no second conflict.
INSERT INTO authority_conflict (sku_id, location_id, authority, quantity, rival, rival_quantity, counted, found_at)
SELECT s.id, o.id, %(authority)s, n.quantity, n.rival, n.rival_quantity, n.counted, n.at
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(quantities)s::int[], %(moments)s::timestamptz[],
              %(rivals)s::text[], %(rival_quantities)s::int[], %(counted)s::bool[])
       AS n(sku, location, quantity, at, rival, rival_quantity, counted)
  JOIN sku s ON s.code = n.sku
  JOIN location o ON o.code = n.location
 WHERE NOT EXISTS (SELECT FROM authority_conflict c
                    WHERE c.sku_id = s.id AND c.location_id = o.id AND c.authority = %(authority)s
                      AND c.rival = n.rival AND c.found_at = n.at)

-- name: conflicts_of_sku
-- The newest disagreements about a SKU.
SELECT s.code, o.code, c.authority, c.quantity, c.rival, c.rival_quantity, c.counted, c.found_at
  FROM authority_conflict c
  JOIN sku s ON s.id = c.sku_id
  JOIN location o ON o.id = c.location_id
 WHERE s.code = %(sku)s AND c.found_at > clock_timestamp() - interval '7 days'
 ORDER BY c.id DESC
 LIMIT %(limit)s

-- name: list_conflicts
-- The newest disagreements about anything.
SELECT s.code, o.code, c.authority, c.quantity, c.rival, c.rival_quantity, c.counted, c.found_at
  FROM authority_conflict c
  JOIN sku s ON s.id = c.sku_id
  JOIN location o ON o.id = c.location_id
 ORDER BY c.id DESC
 LIMIT %(limit)s

-- name: book_as_read
-- What was read is what it shows, unless something became of it since.
UPDATE level SET book = %(quantity)s, shown = %(quantity)s, booked_at = %(read_at)s, shown_at = %(read_at)s
 WHERE listing_id = %(listing)s AND place = %(place)s AND book = %(book)s
   AND (claimed_until IS NULL OR claimed_until < clock_timestamp())

-- name: forget_notices
-- They were judged; one that was told again since stays.
DELETE FROM authority_notice n USING unnest(%(listings)s::int[], %(places)s::text[], %(moments)s::timestamptz[])
       AS d(listing, place, noted_at)
 WHERE n.listing_id = d.listing AND n.place = d.place AND n.noted_at = d.noted_at
