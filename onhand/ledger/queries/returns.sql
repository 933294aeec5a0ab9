-- What came back of orders, and what waits to be looked at.

-- name: handled_returns
-- What was stated of the returned units of these orders, by line, SKU and location.
SELECT order_id, line_id, sku, location, received, sellable, damaged, lost
  FROM order_return
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND order_id = ANY (%(orders)s)

-- name: remember_returns
-- What was stated of the returned units of lines, and how many wait now; since when stays as long as any do.
INSERT INTO order_return AS r (channel_id, order_id, line_id, sku, location, received, sellable, damaged, lost,
    waiting, since)
SELECT ch.id, o.order_id, o.line_id, o.sku, o.location, o.received, o.sellable, o.damaged, o.lost, o.waiting,
       CASE WHEN o.waiting > 0 THEN o.moment END
  FROM unnest(%(orders)s::text[], %(lines)s::text[], %(skus)s::text[], %(locations)s::text[], %(received)s::int[],
              %(sellable)s::int[], %(damaged)s::int[], %(lost)s::int[], %(waiting)s::int[],
              %(moments)s::timestamptz[])
       AS o(order_id, line_id, sku, location, received, sellable, damaged, lost, waiting, moment)
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY o.order_id, o.line_id, o.sku, o.location
ON CONFLICT (channel_id, order_id, line_id, sku, location) DO UPDATE SET
    received = excluded.received, sellable = excluded.sellable, damaged = excluded.damaged, lost = excluded.lost,
    waiting = excluded.waiting,
    since = CASE WHEN excluded.waiting = 0 THEN NULL ELSE coalesce(r.since, excluded.since) END

-- name: waiting_returns
-- Units that wait for an inspection: by order line where that is known, the others of a shelf together. Those of no order
-- wait since the first that came after the shelf was last empty of them.
WITH shelf AS (
    SELECT b.sku_id, b.location_id, s.code AS sku, l.code AS location, b.quality_control
      FROM balance b
      JOIN sku s ON s.id = b.sku_id
      JOIN location l ON l.id = b.location_id
     WHERE b.quality_control <> 0
), known AS (
    SELECT ch.name AS channel, r.order_id, r.line_id, r.sku, r.location, r.waiting, r.since
      FROM order_return r
      JOIN channel ch ON ch.id = r.channel_id
     WHERE r.waiting > 0
)
SELECT channel, order_id, line_id, sku, location, waiting, since FROM known
 WHERE %(location)s::text IS NULL OR location = %(location)s
UNION ALL
SELECT '', '', '', h.sku, h.location, (h.quality_control - coalesce(k.waiting, 0))::integer, w.since
  FROM shelf h
  LEFT JOIN (SELECT sku, location, sum(waiting) AS waiting FROM known GROUP BY sku, location) k USING (sku, location)
  LEFT JOIN LATERAL (
    SELECT min(v.occurred_at) AS since
      FROM entry e
      JOIN event v ON v.id = e.event_id
     WHERE e.sku_id = h.sku_id AND e.location_id = h.location_id AND e.state = 'quality_control'
       AND e.version > coalesce((SELECT max(z.version) FROM entry z
                                  WHERE z.sku_id = h.sku_id AND z.location_id = h.location_id
                                    AND z.state = 'quality_control' AND z.balance_after <= 0), 0)) w ON true
 WHERE h.quality_control <> coalesce(k.waiting, 0) AND (%(location)s::text IS NULL OR h.location = %(location)s)
 ORDER BY since, channel, order_id, line_id, sku, location
 LIMIT %(limit)s
