-- What was asked for in the past days, for trying rules against it.

-- name: past_demand
-- Each SKU that was sold since then: what happened to its available units in the order of time, what is available now,
-- its tags and its listings. A channel's order is one happening at each location, when it was placed, with what is left
-- of it after cancellations; every other event is one of its own. Events and entries are found by their block-range
-- indexes, so what is older costs nothing.
WITH told AS MATERIALIZED (
    SELECT id, source, kind IN ('order', 'cancellation') AS sold, coalesce(detail ->> 'order', external_id) AS order_id,
           occurred_at
      FROM event
     WHERE recorded_at >= %(since)s::timestamptz
), happening AS (
    SELECT e.sku_id, e.location_id, -sum(e.quantity)::int AS units, bool_or(t.sold) AS sold,
           CASE WHEN bool_or(t.sold) THEN split_part(t.source, 'channel/', 2) ELSE '' END AS channel,
           greatest(0, extract(epoch FROM min(t.occurred_at) - %(since)s::timestamptz))::float8 AS at
      FROM entry e JOIN told t ON t.id = e.event_id
     WHERE e.state = 'available' AND e.event_id >= (SELECT min(id) FROM told)
     GROUP BY e.sku_id, e.location_id, t.source, CASE WHEN t.sold THEN t.order_id ELSE t.id::text END, t.sold
    HAVING sum(e.quantity) <> 0
), past AS (
    SELECT h.sku_id, array_agg(h.at ORDER BY h.at, h.channel, l.code, h.units) AS moments,
           array_agg(l.code ORDER BY h.at, h.channel, l.code, h.units) AS locations,
           array_agg(h.units ORDER BY h.at, h.channel, l.code, h.units) AS units,
           array_agg(h.channel ORDER BY h.at, h.channel, l.code, h.units) AS channels
      FROM happening h JOIN location l ON l.id = h.location_id
     GROUP BY h.sku_id
    HAVING bool_or(h.sold)
)
SELECT s.code, s.tags, p.moments, p.locations, p.units, p.channels, b.locations, b.available,
       m.channels, m.listings, m.units
  FROM past p
  JOIN sku s ON s.id = p.sku_id
  LEFT JOIN LATERAL (
    SELECT array_agg(l.code) AS locations, array_agg(a.available) AS available
      FROM balance a JOIN location l ON l.id = a.location_id WHERE a.sku_id = p.sku_id) b ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(ch.name ORDER BY ch.name, l.id) AS channels, array_agg(l.id ORDER BY ch.name, l.id) AS listings,
           array_agg(l.units ORDER BY ch.name, l.id) AS units
      FROM listing l JOIN channel ch ON ch.id = l.channel_id WHERE l.sku_id = p.sku_id AND l.active) m ON true
 ORDER BY s.code

-- name: delays_of_channels
-- Seconds until a change was shown on each channel, in 95 of 100 changes that went out by themselves.
SELECT ch.name, percentile_cont(0.95) WITHIN GROUP (
           ORDER BY greatest(extract(epoch FROM p.answered_at - p.due_since)::float8, 0))
  FROM push p
  JOIN listing l ON l.id = p.listing_id
  JOIN channel ch ON ch.id = l.channel_id
 WHERE p.sent_at >= %(since)s AND p.outcome = 'accepted' AND p.run_id IS NULL AND p.due_since IS NOT NULL
 GROUP BY ch.name
 ORDER BY ch.name
