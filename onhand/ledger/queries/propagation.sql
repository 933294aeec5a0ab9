-- How long a change takes until it is shown.

-- name: note_propagations
-- Of each channel that was told changes within the last day by itself: the seconds in which 99 of 100 were shown. What a
-- run told waited for the run, and says nothing.
INSERT INTO propagation (channel_id, seconds, changes, computed_at)
SELECT l.channel_id, percentile_cont(0.99) WITHIN GROUP (
           ORDER BY greatest(extract(epoch FROM p.answered_at - p.due_since)::float8, 0)), count(*), %(now)s
  FROM push p
  JOIN listing l ON l.id = p.listing_id
 WHERE p.sent_at >= %(now)s::timestamptz - interval '1 day' AND p.outcome = 'accepted' AND p.run_id IS NULL
   AND p.due_since IS NOT NULL
 GROUP BY l.channel_id
 ORDER BY l.channel_id
ON CONFLICT (channel_id) DO UPDATE SET
    seconds = excluded.seconds, changes = excluded.changes, computed_at = excluded.computed_at

-- name: slowest_propagation
-- Seconds until a change is shown everywhere; null where nothing was measured.
SELECT max(seconds) FROM propagation

-- name: propagations
-- Of every channel that was told changes lately.
SELECT ch.name, p.seconds, p.changes, p.computed_at
  FROM propagation p JOIN channel ch ON ch.id = p.channel_id
 ORDER BY ch.name

-- name: refresh_velocity_buffers
-- What the others sell of what each level shows, until its channel shows a change; answers the SKUs of levels for which
-- that is another number of units than before.
WITH drawn AS (
    SELECT ch.id AS channel_id, p.place, o.id AS location_id
      FROM unnest(%(channels)s::text[], %(places)s::text[], %(locations)s::text[]) AS p(channel, place, location)
      JOIN channel ch ON ch.name = p.channel
      JOIN location o ON o.code = p.location
), wanted AS MATERIALIZED (
    SELECT l.id AS listing_id, l.sku_id, d.place, sum(v.per_day) AS per_day, g.seconds,
           ceil(sum(v.per_day) * g.seconds / 86400)::int AS units
      FROM drawn d
      JOIN propagation g ON g.channel_id = d.channel_id
      JOIN listing l ON l.channel_id = d.channel_id AND l.active
      JOIN channel_velocity v ON v.sku_id = l.sku_id AND v.location_id = d.location_id AND v.channel_id <> d.channel_id
     GROUP BY l.id, l.sku_id, d.place, g.seconds
    HAVING sum(v.per_day) * g.seconds > 0
), gone AS (
    DELETE FROM velocity_buffer b
     WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.listing_id = b.listing_id AND w.place = b.place)
    RETURNING b.listing_id
), before AS (
    SELECT b.listing_id, b.place, b.units FROM velocity_buffer b
), kept AS (
    INSERT INTO velocity_buffer AS b (listing_id, place, units, per_day, seconds)
    SELECT listing_id, place, units, per_day, seconds FROM wanted ORDER BY listing_id, place
    ON CONFLICT (listing_id, place) DO UPDATE SET
        units = excluded.units, per_day = excluded.per_day, seconds = excluded.seconds
     WHERE (b.units, b.per_day, b.seconds) IS DISTINCT FROM (excluded.units, excluded.per_day, excluded.seconds)
    RETURNING b.listing_id, b.place, b.units
)
SELECT s.code
  FROM (SELECT k.listing_id FROM kept k
          LEFT JOIN before f ON f.listing_id = k.listing_id AND f.place = k.place
         WHERE k.units IS DISTINCT FROM f.units
        UNION SELECT listing_id FROM gone) changed
  JOIN listing l ON l.id = changed.listing_id
  JOIN sku s ON s.id = l.sku_id
 GROUP BY s.code
 ORDER BY s.code

-- name: units_lacking
-- Units that the others sell of a SKU until the channel shows a change, as in 95 of 100 of its listings that sell elsewhere.
SELECT ch.name, n.seconds, percentile_disc(0.95) WITHIN GROUP (ORDER BY n.units)
  FROM (SELECT l.channel_id, g.seconds, ceil(sum(v.per_day) * g.seconds / 86400)::int AS units
          FROM listing l
          JOIN propagation g ON g.channel_id = l.channel_id
          JOIN channel_velocity v ON v.sku_id = l.sku_id AND v.channel_id <> l.channel_id
         WHERE l.active
         GROUP BY l.id, l.channel_id, g.seconds) n
  JOIN channel ch ON ch.id = n.channel_id
 GROUP BY ch.name, n.seconds
 ORDER BY ch.name
