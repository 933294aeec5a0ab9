-- Stock is written through post_events_v4 and nowhere else.

-- name: post_events
-- One batch of events with their entries; answers one row per event, in order.
SELECT ordinal, outcome, event_id, woken, counted
  FROM post_events_v4(
    %(sources)s::text[], %(external_ids)s::text[], %(kinds)s::text[], %(occurred)s::timestamptz[],
    %(fingerprints)s::bytea[], %(details)s::jsonb[],
    %(entry_events)s::int[], %(entry_skus)s::text[], %(entry_locations)s::text[], %(entry_states)s::text[],
    %(entry_quantities)s::int[], %(live)s, %(seller)s::text, %(also)s::text[])

-- name: serialise_source
-- Counts of one source are posted one batch at a time, so that each is compared with settled balances.
SELECT pg_advisory_xact_lock(hashtextextended(%(source)s, 0))

-- name: make_shelves
-- A balance row for each counted shelf. Those that are there are locked on the way, and not written: whoever made some
-- and then locked others would lock out of order.
INSERT INTO balance AS b (sku_id, location_id)
SELECT s.id, l.id
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS c(sku, location)
  JOIN sku s ON s.code = c.sku AND NOT s.kit
  JOIN location l ON l.code = c.location
 GROUP BY s.id, l.id
 ORDER BY s.id, l.id
ON CONFLICT (sku_id, location_id) DO UPDATE SET version = b.version WHERE false

-- name: lock_shelves
-- The balances of the counted shelves, locked in the one fixed order.
SELECT s.code, l.code, b.version, b.available,
       b.available + b.committed + b.reserved + b.quality_control + b.damaged AS on_hand
  FROM balance b
  JOIN sku s ON s.id = b.sku_id
  JOIN location l ON l.id = b.location_id
 WHERE (b.sku_id, b.location_id) IN (
    SELECT s2.id, l2.id
      FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS c(sku, location)
      JOIN sku s2 ON s2.code = c.sku
      JOIN location l2 ON l2.code = c.location)
 ORDER BY b.sku_id, b.location_id
   FOR UPDATE OF b

-- name: moved_since_counts
-- Net movement of each counted shelf that its count cannot know of: after the balance version it was made against, or, by
-- its moment, what `onhand.domain.recounts.knows` says it does not know. An event is looked at as a whole, since one that
-- only promises units moves nothing on hand.
SELECT m.n,
       coalesce(sum(m.available) FILTER (
           WHERE m.versioned OR m.occurred_at > m.as_of OR m.available * m.sign < 0), 0),
       coalesce(sum(m.on_hand) FILTER (
           WHERE m.versioned OR m.occurred_at > m.as_of OR m.on_hand * m.sign < 0), 0)
  FROM (SELECT c.n, c.as_of, c.version IS NOT NULL AS versioned, v.occurred_at,
               -- What takes something back goes by what it takes back; of a count only the moment matters.
               CASE WHEN v.source IN ('recount', 'reversal') THEN -1 WHEN v.kind = 'count' THEN 0 ELSE 1 END AS sign,
               coalesce(sum(e.quantity) FILTER (WHERE e.state = 'available'), 0) AS available,
               coalesce(sum(e.quantity) FILTER (WHERE e.state IN
                   ('available', 'committed', 'reserved', 'quality_control', 'damaged')), 0) AS on_hand
          FROM unnest(%(skus)s::text[], %(locations)s::text[], %(as_of)s::timestamptz[], %(sure_of)s::timestamptz[],
                      %(versions)s::bigint[]) WITH ORDINALITY AS c(sku, location, as_of, sure_of, version, n)
          JOIN sku s ON s.code = c.sku
          JOIN location l ON l.code = c.location
          JOIN balance b ON b.sku_id = s.id AND b.location_id = l.id
          JOIN entry e ON e.sku_id = s.id AND e.location_id = l.id
               AND (c.version IS NULL OR e.version > c.version)
          JOIN event v ON v.id = e.event_id
         WHERE c.version IS NOT NULL OR (b.moved_at > c.sure_of AND v.occurred_at > c.sure_of)
         GROUP BY c.n, c.as_of, c.version, v.id) m
 GROUP BY m.n

-- name: serialise_orders
-- Orders of one channel are posted one batch at a time, so that each is compared with what is settled. The channel's
-- number makes the key, in a class of its own beside those of the inbox (71001) and the outbox (71002). No kit is composed
-- otherwise meanwhile (71007).
SELECT pg_advisory_xact_lock(71003, (SELECT id FROM channel WHERE name = %(channel)s)::integer),
       pg_advisory_xact_lock_shared(71007, 0)

-- name: begin_orders
-- Have other batches of a channel's orders wait, and look at all that bears on these, in one round trip.
SELECT unknown, kits, posted, handled
  FROM begin_orders_v1(%(channel)s, %(skus)s::text[], %(locations)s::text[], %(orders)s::text[])

-- name: make_order_book
-- A client's orders are kept as those of a channel: one of its name, of no platform, and without listings. It is looked
-- for first, since a number of the few there are would be used up each time.
INSERT INTO channel (name, platform)
SELECT %(channel)s, 'client' WHERE NOT EXISTS (SELECT FROM channel WHERE name = %(channel)s)
ON CONFLICT (name) DO NOTHING

-- name: unknown_names
-- Which of these SKUs and locations the ledger does not have.
SELECT 'sku ' || u.code FROM unnest(%(skus)s::text[]) AS u(code)
 WHERE NOT EXISTS (SELECT FROM sku s WHERE s.code = u.code)
UNION ALL
SELECT 'location ' || u.code FROM unnest(%(locations)s::text[]) AS u(code)
 WHERE NOT EXISTS (SELECT FROM location l WHERE l.code = u.code)

-- name: posted_orders
-- The version of each order the ledger has taken, one row for each of its lines (or one with null lines).
SELECT o.order_id, o.version, l.line_id, l.sku, l.location, l.open, l.fulfilled, l.listing_id, l.place, l.units,
       l.returned, l.elsewhere, l.trusted, l.composition
  FROM channel_order o
  LEFT JOIN order_line l ON l.channel_id = o.channel_id AND l.order_id = o.order_id
 WHERE o.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND o.order_id = ANY (%(orders)s)

-- name: remember_orders
-- The snapshots the ledger has taken, with their lines as they are now posted.
WITH taken AS (
    INSERT INTO channel_order (channel_id, order_id, version)
    SELECT ch.id, o.order_id, o.version
      FROM unnest(%(taken)s::text[], %(versions)s::bigint[]) AS o(order_id, version)
      JOIN channel ch ON ch.name = %(channel)s
     ORDER BY o.order_id
    ON CONFLICT (channel_id, order_id) DO UPDATE SET version = excluded.version
)
INSERT INTO order_line (channel_id, order_id, line_id, sku, location, open, fulfilled, listing_id, place, units,
    returned, elsewhere, trusted, composition)
SELECT ch.id, o.order_id, o.line_id, o.sku, o.location, o.open, o.fulfilled, o.listing_id, o.place, o.units,
       o.returned, o.elsewhere, o.trusted, o.composition
  FROM unnest(%(orders)s::text[], %(lines)s::text[], %(skus)s::text[], %(locations)s::text[], %(open)s::int[],
              %(fulfilled)s::int[], %(listings)s::int[], %(places)s::text[], %(units)s::int[], %(returned)s::int[],
              %(elsewhere)s::jsonb[], %(trusted)s::boolean[], %(compositions)s::jsonb[])
       AS o(order_id, line_id, sku, location, open, fulfilled, listing_id, place, units, returned, elsewhere, trusted,
            composition)
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY o.order_id, o.line_id
ON CONFLICT (channel_id, order_id, line_id) DO UPDATE SET
    sku = excluded.sku, location = excluded.location, open = excluded.open, fulfilled = excluded.fulfilled,
    listing_id = excluded.listing_id, place = excluded.place, units = excluded.units,
    returned = excluded.returned, elsewhere = excluded.elsewhere, trusted = excluded.trusted,
    composition = excluded.composition

-- name: take_sales
-- The channel took these pieces off its own levels: what we believe they show follows.
SELECT take_sales_v2(%(listings)s::int[], %(places)s::text[], %(pieces)s::int[], %(moments)s::timestamptz[],
                     %(sinces)s::timestamptz[])

-- name: order_versions
-- Which version of each order the ledger has taken.
SELECT order_id, version FROM channel_order
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND order_id = ANY (%(orders)s)

-- name: drop_disproved
-- Provisional demand that no order came for. Its levels are told again, as their targets rise. They are locked first and
-- in their order, as by whoever takes sales or books an answer.
WITH held AS (
    SELECT v.listing_id, v.place
      FROM level v
      JOIN provisional_demand d ON d.listing_id = v.listing_id AND d.place = v.place
      JOIN listing l ON l.id = v.listing_id
     WHERE d.since < %(before)s AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
     ORDER BY v.listing_id, v.place
       FOR UPDATE OF v
), stale AS (
    -- Pieces that an answer showed to be back and that no cancellation came for: somebody raised the level by hand.
    DELETE FROM put_back r
     USING listing l
     WHERE l.id = r.listing_id AND r.since < %(before)s
       AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
)
DELETE FROM provisional_demand d
 USING held h, sku s
 WHERE h.listing_id = d.listing_id AND h.place = d.place AND s.id = d.sku_id
RETURNING s.code, d.place, d.pieces
