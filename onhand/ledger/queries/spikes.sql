-- SKUs that suddenly sell much faster than usual.

-- name: lock_spikes_when_due
-- One process looks: whoever finds the row locked goes on without.
SELECT one FROM spike_look WHERE looked_at <= %(before)s FOR UPDATE SKIP LOCKED

-- name: note_spike_look
-- When they were looked for.
UPDATE spike_look SET looked_at = %(now)s

-- name: sold_hours
-- Units of each SKU that were ordered within the last hour, with the two largest orders, and what is usual: of a SKU that
-- spikes what was so before it began. An order counts with what is left of it, and with what of it was written down
-- within the hour, which the block-range indexes find. SKUs that spike are answered, sold or not.
WITH told AS MATERIALIZED (
    SELECT id, source, coalesce(detail ->> 'order', external_id) AS order_id
      FROM event
     WHERE recorded_at >= %(now)s::timestamptz - interval '1 hour'
       AND occurred_at >= %(now)s::timestamptz - interval '1 hour' AND kind IN ('order', 'cancellation')
), bought AS (
    SELECT e.sku_id, -sum(e.quantity) AS units
      FROM entry e JOIN told t ON t.id = e.event_id
     WHERE e.state = 'available' AND e.event_id >= (SELECT min(id) FROM told)
     GROUP BY e.sku_id, t.source, t.order_id
    HAVING sum(e.quantity) < 0
), hour AS (
    SELECT sku_id, sum(units)::int AS units, (array_agg(units ORDER BY units DESC))[1:2]::int[] AS largest
      FROM bought GROUP BY sku_id
), open AS (
    SELECT sku_id, usual FROM spike WHERE ended_at IS NULL
)
SELECT k.sku_id, coalesce(h.units, 0), coalesce(h.largest[1], 0), coalesce(h.largest[2], 0),
       coalesce(o.usual, v.per_day / 24, 0), o.sku_id IS NOT NULL
  FROM (SELECT sku_id FROM hour WHERE units >= %(units_min)s UNION SELECT sku_id FROM open) k
  LEFT JOIN hour h ON h.sku_id = k.sku_id
  LEFT JOIN open o ON o.sku_id = k.sku_id
  LEFT JOIN sku_velocity v ON v.sku_id = k.sku_id
 ORDER BY k.sku_id

-- name: begin_spikes
-- They go to the first tier at once.
WITH new AS (
    INSERT INTO spike (sku_id, usual, units, peak, held_back, tier_after)
    SELECT b.sku, b.usual, b.units, b.units, b.held, s.tier
      FROM unnest(%(skus)s::int[], %(usuals)s::float8[], %(units)s::int[], %(held)s::int[]) AS b(sku, usual, units, held)
      JOIN sku s ON s.id = b.sku
     ORDER BY b.sku
    ON CONFLICT (sku_id) WHERE ended_at IS NULL DO NOTHING
    RETURNING sku_id
)
UPDATE sku s SET tier = 0
  FROM (SELECT k.id FROM sku k JOIN new n ON n.sku_id = k.id ORDER BY k.id FOR NO KEY UPDATE OF k) c
 WHERE s.id = c.id
RETURNING s.code

-- name: go_on_spiking
-- The most of any hour, and no fewer held back than that asks for; answers those of which more is held back now.
UPDATE spike p SET peak = greatest(p.peak, g.units), held_back = greatest(p.held_back, g.held)
  FROM unnest(%(skus)s::int[], %(units)s::int[], %(held)s::int[]) AS g(sku, units, held), sku s, spike was
 WHERE p.sku_id = g.sku AND p.ended_at IS NULL AND was.id = p.id AND s.id = p.sku_id
   AND (g.units > p.peak OR g.held > p.held_back)
RETURNING s.code, g.held > was.held_back

-- name: end_spikes
-- Back to their tier.
WITH over AS (
    UPDATE spike SET ended_at = %(now)s
     WHERE sku_id = ANY (%(skus)s) AND ended_at IS NULL
    RETURNING sku_id, tier_after
)
UPDATE sku s SET tier = c.tier_after
  FROM (SELECT k.id, o.tier_after FROM sku k JOIN over o ON o.sku_id = k.id ORDER BY k.id FOR NO KEY UPDATE OF k) c
 WHERE s.id = c.id
RETURNING s.code

-- name: spikes
-- Those that last, the newest first, and those that are over where asked for.
SELECT p.id, s.code, s.name, p.began_at, p.ended_at, p.usual, p.units, p.peak, p.held_back, p.tier_after
  FROM spike p
  JOIN sku s ON s.id = p.sku_id
 WHERE (%(all)s OR p.ended_at IS NULL) AND (%(ids)s::bigint[] IS NULL OR p.id = ANY (%(ids)s))
   AND (%(sku)s::text IS NULL OR s.code = %(sku)s)
 ORDER BY p.ended_at IS NOT NULL, p.id DESC
 LIMIT %(limit)s

-- name: claim_untold_spikes
-- Spikes to tell people of; nobody else is given them.
UPDATE spike SET told_at = clock_timestamp()
 WHERE id IN (SELECT id FROM spike WHERE told_at IS NULL AND ended_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id

-- name: untell_spikes
-- Nobody could be told.
UPDATE spike SET told_at = NULL WHERE id = ANY (%(ids)s)
