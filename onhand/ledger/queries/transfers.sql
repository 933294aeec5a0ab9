-- Goods on their way between locations.

-- name: serialise_transfer
-- Steps of one transfer are posted one after the other, so that each is compared with what is on its way.
SELECT pg_advisory_xact_lock(hashtextextended('transfer/' || %(transfer)s, 0))

-- name: begin_transfers
-- Transfers by which something is sent for the first time.
INSERT INTO transfer (id, origin_id, destination_id, began_at)
SELECT DISTINCT ON (t.id) t.id, o.id, d.id, t.moment
  FROM unnest(%(ids)s::text[], %(origins)s::text[], %(destinations)s::text[], %(moments)s::timestamptz[])
       AS t(id, origin, destination, moment)
  JOIN location o ON o.code = t.origin
  JOIN location d ON d.code = t.destination
 ORDER BY t.id, t.moment
ON CONFLICT (id) DO NOTHING

-- name: remember_transfer_steps
-- What events did to the lines of transfers.
INSERT INTO transfer_step (transfer_id, event_id, sku_id, sent, arrived, short, over)
SELECT t.id, t.event, s.id, t.sent, t.arrived, t.short, t.over
  FROM unnest(%(ids)s::text[], %(events)s::bigint[], %(skus)s::text[], %(sent)s::int[], %(arrived)s::int[],
              %(short)s::int[], %(over)s::int[])
       AS t(id, event, sku, sent, arrived, short, over)
  JOIN sku s ON s.code = t.sku
 ORDER BY t.id, t.event, s.id

-- name: transfers
-- Transfers as their steps leave them, one row for each line: those of these ids, or the newest, all of them or those
-- with something on its way.
WITH line AS (
    SELECT t.transfer_id, t.sku_id, sum(t.sent) AS sent, sum(t.arrived) AS arrived, sum(t.short) AS short,
           sum(t.over) AS over, max(t.event_id) AS last_event
      FROM transfer_step t
     WHERE %(ids)s::text[] IS NULL OR t.transfer_id = ANY (%(ids)s::text[])
     GROUP BY t.transfer_id, t.sku_id
), chosen AS (
    SELECT t.id, t.origin_id, t.destination_id, t.began_at, max(l.last_event) AS last_event
      FROM transfer t
      JOIN line l ON l.transfer_id = t.id
     GROUP BY t.id
    HAVING %(all)s OR bool_or(l.sent > l.arrived + l.short)
     ORDER BY t.began_at DESC, t.id
     LIMIT %(limit)s
)
SELECT c.id, o.code, d.code, c.began_at, v.recorded_at, s.code, l.sent::int, l.arrived::int, l.short::int, l.over::int
  FROM chosen c
  JOIN line l ON l.transfer_id = c.id
  JOIN sku s ON s.id = l.sku_id
  JOIN location o ON o.id = c.origin_id
  JOIN location d ON d.id = c.destination_id
  JOIN event v ON v.id = c.last_event
 ORDER BY c.began_at DESC, c.id, s.code
