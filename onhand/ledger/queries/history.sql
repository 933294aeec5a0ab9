-- The ledger's past: what it held at a moment, single events, and what a source has stated.

-- name: balances_at
-- Units of a SKU by location and state as the ledger had them at a moment. Versions are gapless and written down in the
-- order of their moments (those of two postings at the same time may cross by milliseconds), so that the last one is
-- found by halving; from there the shorter of both sides is added up, backwards from what there is now, or from nothing.
WITH RECURSIVE halved AS (
    SELECT b.sku_id, b.location_id, 0::bigint AS low, b.version AS high
      FROM balance b
     WHERE b.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
    UNION ALL
    SELECT h.sku_id, h.location_id,
           CASE WHEN v.recorded_at <= %(at)s THEN m.middle ELSE h.low END,
           CASE WHEN v.recorded_at <= %(at)s THEN h.high ELSE m.middle - 1 END
      FROM halved h
     CROSS JOIN LATERAL (SELECT (h.low + h.high + 1) / 2 AS middle) m
      JOIN entry e ON e.sku_id = h.sku_id AND e.location_id = h.location_id AND e.version = m.middle
      JOIN event v ON v.id = e.event_id
     WHERE h.low < h.high
), cut AS (
    SELECT b.*, h.low AS last, h.low * 2 <= b.version AS from_nothing
      FROM halved h
      JOIN balance b ON b.sku_id = h.sku_id AND b.location_id = h.location_id
     WHERE h.low = h.high AND h.low > 0
)
SELECT l.code, c.last, v.recorded_at, u.available, u.committed, u.reserved, u.quality_control, u.damaged, u.in_transit,
       u.incoming, u.supplier, u.customer, u.shrinkage, u.found
  FROM cut c
  JOIN location l ON l.id = c.location_id
  JOIN entry e ON e.sku_id = c.sku_id AND e.location_id = c.location_id AND e.version = c.last
  JOIN event v ON v.id = e.event_id
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(n.units) FILTER (WHERE n.state = 'available'), 0)::bigint AS available,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'committed'), 0)::bigint AS committed,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'reserved'), 0)::bigint AS reserved,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'quality_control'), 0)::bigint AS quality_control,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'damaged'), 0)::bigint AS damaged,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'in_transit'), 0)::bigint AS in_transit,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'incoming'), 0)::bigint AS incoming,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'supplier'), 0)::bigint AS supplier,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'customer'), 0)::bigint AS customer,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'shrinkage'), 0)::bigint AS shrinkage,
           coalesce(sum(n.units) FILTER (WHERE n.state = 'found'), 0)::bigint AS found
      FROM (SELECT p.state, CASE WHEN c.from_nothing THEN p.quantity ELSE -p.quantity END AS units
              FROM entry p
             WHERE p.sku_id = c.sku_id AND p.location_id = c.location_id
               AND p.version > CASE WHEN c.from_nothing THEN 0 ELSE c.last END
               AND p.version <= CASE WHEN c.from_nothing THEN c.last ELSE c.version END
            UNION ALL
            SELECT s.state, s.units
              FROM (VALUES ('available', c.available), ('committed', c.committed), ('reserved', c.reserved),
                           ('quality_control', c.quality_control), ('damaged', c.damaged),
                           ('in_transit', c.in_transit), ('incoming', c.incoming), ('supplier', c.supplier),
                           ('customer', c.customer), ('shrinkage', c.shrinkage), ('found', c.found)) AS s(state, units)
             WHERE NOT c.from_nothing) n
 ) u
 ORDER BY l.code

-- name: newest_events
-- The newest events there are, of this kind and source and recorded since then, where that is asked.
SELECT id, kind, source, external_id, occurred_at, recorded_at, detail
  FROM event
 WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(source)s::text IS NULL OR source = %(source)s)
   AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
 ORDER BY id DESC
 LIMIT %(limit)s

-- name: newest_events_of_sku
-- The same of one SKU, by its newest lines at each location.
SELECT v.id, v.kind, v.source, v.external_id, v.occurred_at, v.recorded_at, v.detail
  FROM (SELECT DISTINCT x.event_id
          FROM balance b
         CROSS JOIN LATERAL (
            SELECT e.event_id
              FROM entry e
              JOIN event w ON w.id = e.event_id
             WHERE e.sku_id = b.sku_id AND e.location_id = b.location_id
               AND (%(kind)s::text IS NULL OR w.kind = %(kind)s)
               AND (%(source)s::text IS NULL OR w.source = %(source)s)
               AND (%(since)s::timestamptz IS NULL OR w.recorded_at >= %(since)s)
             ORDER BY e.version DESC
             LIMIT %(lines)s) x
         WHERE b.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)) n
  JOIN event v ON v.id = n.event_id
 ORDER BY v.id DESC
 LIMIT %(limit)s

-- name: events_by_id
-- These events.
SELECT id, kind, source, external_id, occurred_at, recorded_at, detail
  FROM event WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id DESC

-- name: lines_of_events
-- All lines of these events, in the order in which they were applied.
SELECT e.event_id, s.code, l.code, e.version, e.state, e.quantity, e.balance_after
  FROM entry e
  JOIN sku s ON s.id = e.sku_id
  JOIN location l ON l.id = e.location_id
 WHERE e.event_id = ANY (%(ids)s::bigint[])
   AND e.event_id BETWEEN (SELECT min(id) FROM unnest(%(ids)s::bigint[]) AS i(id))
                      AND (SELECT max(id) FROM unnest(%(ids)s::bigint[]) AS i(id))
 ORDER BY e.event_id, s.code, l.code, e.version

-- name: reversals_of
-- Which of these events were taken back, and by which.
SELECT external_id::bigint, id FROM event
 WHERE source = %(source)s AND external_id IN (SELECT i.id::text FROM unnest(%(ids)s::bigint[]) AS i(id))

-- name: ids_of_source
-- The events of a source, of this stretch of time where one is given.
SELECT id FROM event
 WHERE source = %(source)s
   AND (%(begins)s::timestamptz IS NULL OR recorded_at >= %(begins)s)
   AND (%(ends)s::timestamptz IS NULL OR recorded_at <= %(ends)s)
 ORDER BY id

-- name: times_of_run
-- When a sync run began and ended, and how many others ran meanwhile.
SELECT r.started_at, r.finished_at,
       (SELECT count(*) FROM run o
         WHERE o.id <> r.id AND o.started_at < coalesce(r.finished_at, clock_timestamp())
           AND coalesce(o.finished_at, clock_timestamp()) > r.started_at)
  FROM run r WHERE r.id = %(run)s
