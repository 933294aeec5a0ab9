-- How fast SKUs sell.

-- name: lock_velocities_when_due
-- One process works them out: whoever finds the row locked goes on without.
SELECT one FROM velocity_refresh WHERE computed_at <= %(before)s FOR UPDATE SKIP LOCKED

-- name: note_velocities
-- When they were worked out.
UPDATE velocity_refresh SET computed_at = %(now)s

-- name: ledger_began_at
-- Nothing that was sold before can be known.
SELECT coalesce((SELECT recorded_at FROM event ORDER BY id LIMIT 1), clock_timestamp())

-- name: sales_of_skus
-- Units of each SKU sold by day, with the two largest orders of each. An order counts on the day it was placed, with what
-- is left of it after cancellations. Events and entries of the window are found by their block-range indexes, so what is
-- older costs nothing; all of the window is read, since an order may lose units days later.
WITH told AS MATERIALIZED (
    SELECT id, source, coalesce(detail ->> 'order', external_id) AS order_id, occurred_at
      FROM event
     WHERE recorded_at >= %(now)s::timestamptz - make_interval(days => %(days)s)
       AND kind IN ('order', 'cancellation')
), bought AS (
    SELECT e.sku_id, -sum(e.quantity) AS units,
           greatest(0, floor(extract(epoch FROM %(now)s::timestamptz - min(t.occurred_at)) / 86400))::int AS age
      FROM entry e JOIN told t ON t.id = e.event_id
     WHERE e.state = 'available' AND e.event_id >= (SELECT min(id) FROM told)
     GROUP BY e.sku_id, t.source, t.order_id
    HAVING sum(e.quantity) < 0
), day AS (
    SELECT sku_id, age, sum(units)::int AS units,
           (array_agg(units ORDER BY units DESC))[1:2]::int[] AS largest
      FROM bought WHERE age < %(days)s
     GROUP BY sku_id, age
), sold AS (
    SELECT sku_id, array_agg(age ORDER BY age) AS ages, array_agg(units ORDER BY age) AS units,
           array_agg(largest[1] ORDER BY age) AS largest,
           array_agg(coalesce(largest[2], 0) ORDER BY age) AS second
      FROM day GROUP BY sku_id
)
SELECT s.id, s.tier, d.ages, d.units, d.largest, d.second
  FROM (SELECT sku_id FROM sold UNION SELECT sku_id FROM sku_velocity) k
  JOIN sku s ON s.id = k.sku_id
  LEFT JOIN sold d ON d.sku_id = k.sku_id

-- name: save_velocities
-- As they were found.
INSERT INTO sku_velocity (sku_id, per_day, computed_at)
SELECT sku, speed, %(now)s
  FROM unnest(%(skus)s::int[], %(speeds)s::float8[]) AS v(sku, speed)
 ORDER BY sku
ON CONFLICT (sku_id) DO UPDATE SET per_day = excluded.per_day, computed_at = excluded.computed_at

-- name: save_tiers
-- Only of those that changed; in the order of their ids, as everybody locks them.
UPDATE sku s SET tier = c.tier
  FROM (SELECT k.id, v.tier
          FROM unnest(%(skus)s::int[], %(tiers)s::smallint[]) AS v(sku, tier)
          JOIN sku k ON k.id = v.sku AND k.tier <> v.tier
         ORDER BY k.id
           FOR NO KEY UPDATE OF k) c
 WHERE s.id = c.id
