-- Stock is written through post_events_v1 and nowhere else.

-- name: post_events
-- One batch of events with their entries; answers one row per event, in order.
SELECT ordinal, outcome, event_id
  FROM post_events_v1(
    %(sources)s::text[], %(external_ids)s::text[], %(kinds)s::text[], %(occurred)s::timestamptz[],
    %(fingerprints)s::bytea[], %(details)s::jsonb[],
    %(entry_events)s::int[], %(entry_skus)s::text[], %(entry_locations)s::text[], %(entry_states)s::text[],
    %(entry_quantities)s::int[])

-- name: serialise_source
-- Counts of one source are posted one batch at a time, so that each is compared with settled balances.
SELECT pg_advisory_xact_lock(hashtextextended(%(source)s, 0))

-- name: make_shelves
-- A balance row for each counted shelf, so that there is something to lock.
INSERT INTO balance (sku_id, location_id)
SELECT s.id, l.id
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS c(sku, location)
  JOIN sku s ON s.code = c.sku
  JOIN location l ON l.code = c.location
 GROUP BY s.id, l.id
 ORDER BY s.id, l.id
ON CONFLICT (sku_id, location_id) DO NOTHING

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
-- Net movement of each counted shelf after the moment, or the balance version, of its count.
SELECT c.n, coalesce(sum(e.quantity) FILTER (WHERE e.state = 'available'), 0),
       coalesce(sum(e.quantity) FILTER (WHERE e.state IN
           ('available', 'committed', 'reserved', 'quality_control', 'damaged')), 0)
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(as_of)s::timestamptz[], %(versions)s::bigint[])
       WITH ORDINALITY AS c(sku, location, as_of, version, n)
  JOIN sku s ON s.code = c.sku
  JOIN location l ON l.code = c.location
  JOIN balance b ON b.sku_id = s.id AND b.location_id = l.id
  JOIN entry e ON e.sku_id = s.id AND e.location_id = l.id
       AND (c.version IS NULL OR e.version > c.version)
  JOIN event v ON v.id = e.event_id
 WHERE c.version IS NOT NULL OR (b.moved_at > c.as_of AND v.occurred_at > c.as_of)
 GROUP BY c.n

-- name: posted_order
-- The version of an order the ledger has taken, one row for each of its lines (or one with null lines).
SELECT o.version, l.line_id, l.sku, l.location, l.open, l.fulfilled
  FROM channel_order o
  LEFT JOIN order_line l ON l.channel_id = o.channel_id AND l.order_id = o.order_id
 WHERE o.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND o.order_id = %(order)s

-- name: remember_order
-- The snapshot the ledger has taken.
INSERT INTO channel_order (channel_id, order_id, version)
SELECT id, %(order)s, %(version)s FROM channel WHERE name = %(channel)s
ON CONFLICT (channel_id, order_id) DO UPDATE SET version = excluded.version

-- name: remember_lines
-- The lines as they are now posted.
INSERT INTO order_line (channel_id, order_id, line_id, sku, location, open, fulfilled)
SELECT ch.id, %(order)s, o.line_id, o.sku, o.location, o.open, o.fulfilled
  FROM unnest(%(lines)s::text[], %(skus)s::text[], %(locations)s::text[], %(open)s::int[], %(fulfilled)s::int[])
       AS o(line_id, sku, location, open, fulfilled)
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY o.line_id
ON CONFLICT (channel_id, order_id, line_id) DO UPDATE SET
    sku = excluded.sku, location = excluded.location, open = excluded.open, fulfilled = excluded.fulfilled
