-- What was lost and found in a quarter, by when it was written down: a quarter that is over does not change any more.

-- name: lost_and_found
-- Units that went to shrinkage and came from found, by kind, reason, location and SKU; with those of the first event of a
-- shelf apart: what was there before anybody looked was not found. Events of the time are found by their block-range
-- index, and their entries likewise.
WITH told AS MATERIALIZED (
    -- What was taken back is on the line of what it takes back, and what keeps a count true belongs to whoever counted.
    SELECT id, kind,
           coalesce(CASE WHEN source = 'reversal' THEN detail ->> 'first_reason' ELSE detail ->> 'reason' END, '') AS reason,
           coalesce(detail ->> 'counted_by', detail ->> 'first_source', source) ~ '^(source|import)/' AS by_source
      FROM event
     WHERE recorded_at >= %(begins)s AND recorded_at < %(ends)s
), moved AS (
    SELECT t.kind, t.reason, t.by_source, e.sku_id, e.location_id, e.state, e.quantity,
           t.id = (SELECT f.event_id FROM entry f
                    WHERE f.sku_id = e.sku_id AND f.location_id = e.location_id AND f.version = 1) AS opening
      FROM entry e JOIN told t ON t.id = e.event_id
     WHERE e.state IN ('shrinkage', 'found')
       AND e.event_id BETWEEN (SELECT min(id) FROM told) AND (SELECT max(id) FROM told)
)
SELECT m.kind, m.reason, l.code, s.code, s.name,
       coalesce(sum(m.quantity) FILTER (WHERE m.state = 'shrinkage'), 0)::bigint,
       -coalesce(sum(m.quantity) FILTER (WHERE m.state = 'found'), 0)::bigint, m.by_source, m.opening
  FROM moved m
  JOIN sku s ON s.id = m.sku_id
  JOIN location l ON l.id = m.location_id
 GROUP BY m.kind, m.reason, l.code, s.code, s.name, m.by_source, m.opening
 ORDER BY l.code, s.code, m.kind, m.reason, m.by_source, m.opening

-- name: sold_in_span
-- Units promised to orders, less cancellations, by location and SKU.
WITH told AS MATERIALIZED (
    SELECT id FROM event
     WHERE recorded_at >= %(begins)s AND recorded_at < %(ends)s AND kind IN ('order', 'cancellation')
)
SELECT l.code, s.code, sum(e.quantity)::bigint
  FROM entry e
  JOIN told t ON t.id = e.event_id
  JOIN sku s ON s.id = e.sku_id
  JOIN location l ON l.id = e.location_id
 WHERE e.state = 'committed'
   AND e.event_id BETWEEN (SELECT min(id) FROM told) AND (SELECT max(id) FROM told)
 GROUP BY l.code, s.code
HAVING sum(e.quantity) <> 0
