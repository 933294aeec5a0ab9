-- SKUs that are running out.

-- name: stock_at_most
-- SKUs of which at most so many units are available at these locations together (or, where asked for, no more than their
-- reorder points come to), and those that are known as low, with what they sell. What was never anywhere is not low.
SELECT s.id, s.code, s.name, s.tags, b.units, coalesce(y.per_day, 0), s.status = 'active', r.units,
       o.found_at, o.out_at, o.per_day
  FROM (SELECT b2.sku_id, sum(b2.available)::bigint AS units
          FROM balance b2 JOIN location l ON l.id = b2.location_id
         WHERE l.code = ANY (%(locations)s)
         GROUP BY b2.sku_id) b
  JOIN sku s ON s.id = b.sku_id
  LEFT JOIN sku_velocity y ON y.sku_id = s.id
  LEFT JOIN (SELECT sku_id, sum(units)::integer AS units FROM reorder_point GROUP BY sku_id) r ON r.sku_id = s.id
  LEFT JOIN low_stock o ON o.sku_id = s.id AND o.resolved_at IS NULL
 WHERE (s.status = 'active' AND b.units <= greatest(%(highest)s, CASE WHEN %(reorder_points)s THEN r.units END))
    OR o.id IS NOT NULL
 ORDER BY s.id

-- name: keep_low_stock
-- SKUs that are low, as they are now. What one sold a day is kept from when it ran out.
INSERT INTO low_stock AS o (sku_id, found_at, threshold, units, out_at, per_day)
SELECT n.sku, %(now)s, n.threshold, n.units, CASE WHEN n.units <= 0 THEN %(now)s::timestamptz END, n.per_day
  FROM unnest(%(skus)s::int[], %(thresholds)s::int[], %(units)s::bigint[], %(speeds)s::float8[])
       AS n(sku, threshold, units, per_day)
 ORDER BY n.sku
ON CONFLICT (sku_id) WHERE resolved_at IS NULL DO UPDATE SET
    threshold = excluded.threshold, units = excluded.units,
    out_at = CASE WHEN excluded.units <= 0 THEN coalesce(o.out_at, excluded.out_at) END,
    per_day = CASE WHEN excluded.units <= 0 AND o.out_at IS NOT NULL THEN o.per_day ELSE excluded.per_day END

-- name: resolve_low_stock
-- Those that are not low any more.
UPDATE low_stock SET resolved_at = %(now)s
 WHERE id IN (SELECT id FROM low_stock WHERE resolved_at IS NULL AND sku_id <> ALL (%(skus)s) ORDER BY id FOR UPDATE)

-- name: claim_low_stock
-- Crossings that nobody was told of; nobody else is given them.
WITH due AS (
    SELECT id, told AS before, CASE WHEN units <= 0 THEN 'out' ELSE 'low' END AS state
      FROM low_stock
     WHERE resolved_at IS NULL AND (told = '' OR (told = 'low' AND units <= 0))
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE low_stock o SET told = d.state FROM due d WHERE o.id = d.id
RETURNING o.id, d.before, (SELECT code FROM sku WHERE id = o.sku_id)

-- name: unclaim_low_stock
-- Nobody could be told.
UPDATE low_stock o SET told = c.before
  FROM unnest(%(ids)s::bigint[], %(befores)s::text[]) AS c(id, before)
 WHERE o.id = c.id

-- name: low_stock_tally
-- How many SKUs are low, how many of them are out, and what those sold an hour.
SELECT count(*), count(*) FILTER (WHERE units <= 0), coalesce(sum(per_day) FILTER (WHERE units <= 0), 0)
  FROM low_stock WHERE resolved_at IS NULL
