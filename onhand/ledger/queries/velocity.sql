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

-- name: sales_by_channel
-- The same by the channel that sold and the location it was taken from.
WITH told AS MATERIALIZED (
    SELECT v.id, ch.id AS channel_id, coalesce(v.detail ->> 'order', v.external_id) AS order_id, v.occurred_at
      FROM event v JOIN channel ch ON v.source IN ('channel/' || ch.name, ch.name)
     WHERE v.recorded_at >= %(now)s::timestamptz - make_interval(days => %(days)s)
       AND v.kind IN ('order', 'cancellation')
), bought AS (
    SELECT e.sku_id, t.channel_id, e.location_id, -sum(e.quantity) AS units,
           greatest(0, floor(extract(epoch FROM %(now)s::timestamptz - min(t.occurred_at)) / 86400))::int AS age
      FROM entry e JOIN told t ON t.id = e.event_id
     WHERE e.state = 'available' AND e.event_id >= (SELECT min(id) FROM told)
     GROUP BY e.sku_id, t.channel_id, e.location_id, t.order_id
    HAVING sum(e.quantity) < 0
), day AS (
    SELECT sku_id, channel_id, location_id, age, sum(units)::int AS units,
           (array_agg(units ORDER BY units DESC))[1:2]::int[] AS largest
      FROM bought WHERE age < %(days)s
     GROUP BY sku_id, channel_id, location_id, age
)
SELECT sku_id, channel_id, location_id, array_agg(age ORDER BY age), array_agg(units ORDER BY age),
       array_agg(largest[1] ORDER BY age), array_agg(coalesce(largest[2], 0) ORDER BY age)
  FROM day GROUP BY sku_id, channel_id, location_id

-- name: save_channel_velocities
-- Those that are others than before; most are the same until the next day begins.
INSERT INTO channel_velocity AS v (sku_id, channel_id, location_id, per_day)
SELECT * FROM unnest(%(skus)s::int[], %(channels)s::smallint[], %(locations)s::smallint[], %(speeds)s::float8[])
           AS f(sku, channel, location, speed)
 ORDER BY f.sku, f.channel, f.location
ON CONFLICT (sku_id, channel_id, location_id) DO UPDATE SET per_day = excluded.per_day
 WHERE v.per_day <> excluded.per_day

-- name: forget_channel_velocities
-- Those of which nothing was sold lately.
DELETE FROM channel_velocity v
 WHERE NOT EXISTS (SELECT FROM unnest(%(skus)s::int[], %(channels)s::smallint[], %(locations)s::smallint[])
                            AS f(sku, channel, location)
                    WHERE f.sku = v.sku_id AND f.channel = v.channel_id AND f.location = v.location_id)

-- name: velocities_of_sku
-- Where a SKU sells, the fastest first.
SELECT ch.name, l.code, v.per_day
  FROM channel_velocity v
  JOIN channel ch ON ch.id = v.channel_id
  JOIN location l ON l.id = v.location_id
 WHERE v.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY v.per_day DESC, ch.name, l.code

-- name: save_velocities
-- As they were found.
INSERT INTO sku_velocity (sku_id, per_day, computed_at)
SELECT sku, speed, %(now)s
  FROM unnest(%(skus)s::int[], %(speeds)s::float8[]) AS v(sku, speed)
 ORDER BY sku
ON CONFLICT (sku_id) DO UPDATE SET per_day = excluded.per_day, computed_at = excluded.computed_at

-- name: save_tiers_after_spikes
-- Those that spike stay in the first tier; this is where they go back to.
UPDATE spike p SET tier_after = v.tier
  FROM unnest(%(skus)s::int[], %(tiers)s::smallint[]) AS v(sku, tier)
 WHERE p.sku_id = v.sku AND p.ended_at IS NULL AND p.tier_after <> v.tier

-- name: save_tiers
-- Only of those that changed and do not spike; in the order of their ids, as everybody locks them.
UPDATE sku s SET tier = c.tier
  FROM (SELECT k.id, v.tier
          FROM unnest(%(skus)s::int[], %(tiers)s::smallint[]) AS v(sku, tier)
          JOIN sku k ON k.id = v.sku AND k.tier <> v.tier
         WHERE NOT EXISTS (SELECT FROM spike p WHERE p.sku_id = k.id AND p.ended_at IS NULL)
         ORDER BY k.id
           FOR NO KEY UPDATE OF k) c
 WHERE s.id = c.id
