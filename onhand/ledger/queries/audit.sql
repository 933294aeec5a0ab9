-- The audit: what must be so of the record, asked of the raw rows and of nothing that the program derives from them.
-- First the invariants in SQL: each answers the rows that break it and, last, how many there are in all. Then the raw
-- rows in the order in which a fold written apart (onhand/audit) takes them.

-- name: audit_event_sums
-- The entries of an event sum to zero per SKU.
SELECT e.event_id, s.code AS sku, sum(e.quantity)::bigint AS units, count(*) OVER () AS total
  FROM entry e
  LEFT JOIN sku s ON s.id = e.sku_id
 GROUP BY e.event_id, e.sku_id, s.code
HAVING sum(e.quantity) <> 0
 ORDER BY e.event_id, s.code
 LIMIT %(limit)s

-- name: audit_orphans
-- Every entry is of an event.
SELECT e.event_id, s.code AS sku, e.version, e.state, e.quantity, count(*) OVER () AS total
  FROM entry e
  LEFT JOIN sku s ON s.id = e.sku_id
 WHERE NOT EXISTS (SELECT FROM event v WHERE v.id = e.event_id)
 ORDER BY e.event_id, s.code, e.version
 LIMIT %(limit)s

-- name: audit_versions
-- The entries of a SKU at a location are numbered from 1 without a gap.
SELECT s.code AS sku, o.code AS location, e.version, e.before + 1 AS expected, count(*) OVER () AS total
  FROM (SELECT sku_id, location_id, version,
               lag(version, 1, 0::bigint) OVER (PARTITION BY sku_id, location_id ORDER BY version) AS before
          FROM entry) e
  LEFT JOIN sku s ON s.id = e.sku_id
  LEFT JOIN location o ON o.id = e.location_id
 WHERE e.version <> e.before + 1
 ORDER BY s.code, o.code, e.version
 LIMIT %(limit)s

-- name: audit_running
-- Each entry names the units of its state once it was applied.
SELECT s.code AS sku, o.code AS location, e.version, e.state, e.balance_after, e.running::bigint AS expected,
       count(*) OVER () AS total
  FROM (SELECT sku_id, location_id, version, state, balance_after,
               sum(quantity) OVER (PARTITION BY sku_id, location_id, state ORDER BY version) AS running
          FROM entry) e
  LEFT JOIN sku s ON s.id = e.sku_id
  LEFT JOIN location o ON o.id = e.location_id
 WHERE e.balance_after <> e.running
 ORDER BY s.code, o.code, e.version
 LIMIT %(limit)s

-- name: audit_balances
-- A balance is the fold of its entries, state by state, and its version how many they are.
WITH folded AS (
    SELECT sku_id, location_id, state AS part, sum(quantity)::bigint AS units FROM entry
     GROUP BY sku_id, location_id, state
    UNION ALL
    SELECT sku_id, location_id, 'version', count(*) FROM entry GROUP BY sku_id, location_id
), kept AS (
    SELECT b.sku_id, b.location_id, v.part, v.units
      FROM balance b
     CROSS JOIN LATERAL (VALUES
        ('version', b.version), ('available', b.available), ('committed', b.committed), ('reserved', b.reserved),
        ('quality_control', b.quality_control), ('damaged', b.damaged), ('in_transit', b.in_transit),
        ('incoming', b.incoming), ('supplier', b.supplier), ('customer', b.customer), ('shrinkage', b.shrinkage),
        ('found', b.found)) AS v(part, units)
)
SELECT s.code AS sku, o.code AS location, part, coalesce(k.units, 0) AS balance, coalesce(f.units, 0) AS entries,
       count(*) OVER () AS total
  FROM folded f
  FULL JOIN kept k USING (sku_id, location_id, part)
  LEFT JOIN sku s ON s.id = sku_id
  LEFT JOIN location o ON o.id = location_id
 WHERE coalesce(k.units, 0) <> coalesce(f.units, 0)
 ORDER BY s.code, o.code, part
 LIMIT %(limit)s

-- name: audit_orders
-- What is remembered of an order's lines is what its events posted, by SKU and location. Events name no line, so lines of
-- one order with the same SKU and location are looked at together, a line of a kit as one of each of its components. What
-- came back had left; audit_returns looks at it.
WITH posted AS (
    SELECT c.name AS channel, v.detail->>'order' AS order_id, s.code AS sku, o.code AS location,
           -sum(e.quantity) FILTER (WHERE e.state = 'available') AS taken,
           sum(e.quantity) FILTER (WHERE e.state = 'committed') AS open,
           sum(e.quantity) FILTER (WHERE e.state = 'customer') AS fulfilled
      FROM event v
      JOIN channel c ON v.source = 'channel/' || c.name
      JOIN entry e ON e.event_id = v.id
      LEFT JOIN sku s ON s.id = e.sku_id
      LEFT JOIN location o ON o.id = e.location_id
     WHERE v.kind <> 'return'
     GROUP BY 1, 2, 3, 4
), remembered AS (
    SELECT c.name AS channel, l.order_id, coalesce(k.sku, l.sku) AS sku, l.location,
           sum(l.open * coalesce(k.quantity::int, 1)) AS open,
           sum((l.fulfilled + l.returned) * coalesce(k.quantity::int, 1)) AS fulfilled
      FROM order_line l
      JOIN channel c ON c.id = l.channel_id
      LEFT JOIN LATERAL jsonb_each_text(l.composition) AS k(sku, quantity) ON true
     GROUP BY 1, 2, 3, 4
)
SELECT channel, order_id, sku, location,
       coalesce(r.open, 0)::bigint AS open, coalesce(p.open, 0)::bigint AS open_posted,
       coalesce(r.fulfilled, 0)::bigint AS fulfilled, coalesce(p.fulfilled, 0)::bigint AS fulfilled_posted,
       coalesce(p.taken, 0)::bigint AS taken_posted, count(*) OVER () AS total
  FROM posted p
  FULL JOIN remembered r USING (channel, order_id, sku, location)
 WHERE (coalesce(r.open, 0), coalesce(r.fulfilled, 0), coalesce(r.open, 0) + coalesce(r.fulfilled, 0))
       IS DISTINCT FROM (coalesce(p.open, 0), coalesce(p.fulfilled, 0), coalesce(p.taken, 0))
 ORDER BY channel, order_id, sku, location
 LIMIT %(limit)s

-- name: audit_returns
-- Units of a line that came back are counted once, whoever told of them: what events took from the buyer of an order is,
-- for each line, the more of what its channel put back and what was seen of it.
WITH posted AS (
    SELECT c.name AS channel, v.detail->>'order' AS order_id, s.code AS sku, -sum(e.quantity) AS units
      FROM event v
      JOIN channel c ON c.name = coalesce(v.detail->>'channel', substr(v.source, length('channel/') + 1))
      JOIN entry e ON e.event_id = v.id
      JOIN sku s ON s.id = e.sku_id
     WHERE v.kind IN ('return', 'inspection') AND v.detail ? 'order' AND e.state = 'customer'
     GROUP BY 1, 2, 3
), seen AS (
    SELECT channel_id, order_id, line_id, sku, sum(greatest(received, sellable + damaged + lost)) AS units
      FROM order_return GROUP BY 1, 2, 3, 4
), restocked AS (
    SELECT l.channel_id, l.order_id, l.line_id, coalesce(k.sku, l.sku) AS sku,
           l.returned * coalesce(k.quantity::int, 1) AS units
      FROM order_line l
      LEFT JOIN LATERAL jsonb_each_text(l.composition) AS k(sku, quantity) ON true
), remembered AS (
    SELECT c.name AS channel, order_id, sku, sum(greatest(coalesce(l.units, 0), coalesce(r.units, 0))) AS units
      FROM restocked l
      FULL JOIN seen r USING (channel_id, order_id, line_id, sku)
      JOIN channel c ON c.id = channel_id
     GROUP BY 1, 2, 3
)
SELECT channel, order_id, sku, coalesce(r.units, 0)::bigint AS units, coalesce(p.units, 0)::bigint AS units_posted,
       count(*) OVER () AS total
  FROM posted p
  FULL JOIN remembered r USING (channel, order_id, sku)
 WHERE coalesce(r.units, 0) <> coalesce(p.units, 0)
 ORDER BY channel, order_id, sku
 LIMIT %(limit)s

-- name: audit_outcomes
-- A delivery has an outcome exactly when it is settled, and is there once.
SELECT c.name AS channel, i.id AS delivery, i.outcome, i.settled_at, i.copies, count(*) OVER () AS total
  FROM (SELECT id, channel_id, outcome, settled_at,
               count(*) OVER (PARTITION BY channel_id, delivery_id, digest) AS copies
          FROM inbox) i
  LEFT JOIN channel c ON c.id = i.channel_id
 WHERE (i.outcome IS NULL) <> (i.settled_at IS NULL) OR i.copies > 1
 ORDER BY i.id
 LIMIT %(limit)s

-- name: audit_posted
-- A delivery that says that it was posted has its event: of the very version where it told the whole order, otherwise one
-- that was written down between its coming and its settling.
SELECT c.name AS channel, i.id AS delivery, i.kind, i.subject AS order_id, i.body->>'version' AS version, i.settled_at,
       count(*) OVER () AS total
  FROM inbox i
  JOIN channel c ON c.id = i.channel_id
 WHERE i.outcome = 'posted'
   AND NOT EXISTS (
    SELECT FROM event v
     WHERE i.kind = 'order' AND v.source = 'channel/' || c.name
       AND v.external_id IN ((i.body->>'order') || '@' || (i.body->>'version') || '/order',
                             (i.body->>'order') || '@' || (i.body->>'version') || '/cancellation',
                             (i.body->>'order') || '@' || (i.body->>'version') || '/fulfilment',
                             (i.body->>'order') || '@' || (i.body->>'version') || '/return'))
   AND NOT EXISTS (
    -- 'A' follows '@': all versions of the order lie between.
    SELECT FROM event v
     WHERE i.kind <> 'order' AND v.source = 'channel/' || c.name
       AND v.external_id >= i.subject || '@' AND v.external_id < i.subject || 'A'
       AND v.recorded_at BETWEEN i.received_at AND i.settled_at)
 ORDER BY i.id
 LIMIT %(limit)s

-- name: audit_covered
-- A delivery that was taken is covered: the ledger has its order, in the version told or a newer one.
SELECT c.name AS channel, i.id AS delivery, i.outcome, i.subject AS order_id, (i.body->>'version')::bigint AS version,
       o.version AS taken, count(*) OVER () AS total
  FROM inbox i
  JOIN channel c ON c.id = i.channel_id
  LEFT JOIN channel_order o ON o.channel_id = i.channel_id AND o.order_id = coalesce(i.body->>'order', i.subject)
 WHERE i.outcome IN ('posted', 'unchanged', 'stale') AND i.kind IN ('order', 'order_hint')
   AND (o.version IS NULL OR o.version < coalesce((i.body->>'version')::bigint, 0))
 ORDER BY i.id
 LIMIT %(limit)s

-- name: audit_generations
-- Pushes of a level never go back in generation. Such as told of nothing pending have none.
SELECT c.name AS channel, s.code AS sku, p.place, p.id AS push, p.generation, p.newest, p.sent_at,
       count(*) OVER () AS total
  FROM (SELECT id, listing_id, place, generation, sent_at,
               max(generation) OVER (PARTITION BY listing_id, place ORDER BY sent_at, id) AS newest
          FROM push WHERE generation > 0) p
  LEFT JOIN listing l ON l.id = p.listing_id
  LEFT JOIN channel c ON c.id = l.channel_id
  LEFT JOIN sku s ON s.id = l.sku_id
 WHERE p.generation < p.newest
 ORDER BY p.id
 LIMIT %(limit)s

-- name: audit_justified
-- No push told more than was available at the locations it drew on, by the balances it was decided from (of a kit: more
-- than could be packed at each of them), and what it was allowed beyond that; which was no more than was on its way, or
-- reserved.
SELECT p.listing_id AS listing, p.basis->>'sku' AS sku, p.place, p.id AS push, p.generation, p.quantity,
       (p.basis->>'units')::integer AS units, a.available, m.beyond, a.kept, count(*) OVER () AS total
  FROM push p
 CROSS JOIN LATERAL (SELECT coalesce((p.basis->>'beyond')::bigint, 0) AS beyond) m
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(packed.units), 0)::bigint AS available, coalesce(sum(packed.kept), 0)::bigint AS kept
      FROM (SELECT min(floor(coalesce(n.balance_after, 0)::numeric / t.quantity)) AS units,
                   sum(coalesce(k.balance_after, 0)) AS kept
              FROM jsonb_to_recordset(coalesce(p.basis->'components', jsonb_build_array(p.basis || '{"quantity": 1}'::jsonb)))
                   AS t(sku text, quantity integer, versions jsonb)
             CROSS JOIN LATERAL jsonb_each_text(t.versions) AS d(location, version)
              JOIN sku s ON s.code = t.sku
              JOIN location o ON o.code = d.location
              LEFT JOIN LATERAL (
                SELECT e.balance_after FROM entry e
                 WHERE e.sku_id = s.id AND e.location_id = o.id AND e.state = 'available'
                   AND e.version <= d.version::bigint
                 ORDER BY e.version DESC LIMIT 1) n ON true
              LEFT JOIN LATERAL (
                SELECT sum(z.balance_after) AS balance_after
                  FROM unnest(CASE WHEN m.beyond > 0 THEN ARRAY['incoming', 'reserved'] ELSE '{}'::text[] END) AS w(state)
                 CROSS JOIN LATERAL (
                    SELECT e.balance_after FROM entry e
                     WHERE e.sku_id = s.id AND e.location_id = o.id AND e.state = w.state
                       AND e.version <= d.version::bigint
                     ORDER BY e.version DESC LIMIT 1) z) k ON true
             GROUP BY o.id) packed
 ) a
 WHERE p.basis IS NOT NULL
   AND (p.quantity::bigint * (p.basis->>'units')::bigint > greatest(a.available, 0) + m.beyond OR m.beyond > a.kept)
 ORDER BY p.id
 LIMIT %(limit)s

-- name: audit_kits
-- A kit has no stock of its own: no entry is of one.
SELECT s.code AS sku, o.code AS location, b.version, count(*) OVER () AS total
  FROM balance b
  JOIN sku s ON s.id = b.sku_id AND s.kit
  JOIN location o ON o.id = b.location_id
 WHERE b.version > 0 OR EXISTS (SELECT FROM entry e WHERE e.sku_id = b.sku_id AND e.location_id = b.location_id)
 ORDER BY s.code, o.code
 LIMIT %(limit)s

-- name: audit_levels
-- Levels are of listings; a claim has a number, an end that is near, and a book that nobody believes; one that ran out is
-- taken up by somebody.
SELECT c.name AS channel, s.code AS sku, v.listing_id AS listing, v.place, v.claim, v.claimed_until, v.book,
       count(*) OVER () AS total
  FROM level v
  LEFT JOIN listing l ON l.id = v.listing_id
  LEFT JOIN channel c ON c.id = l.channel_id
  LEFT JOIN sku s ON s.id = l.sku_id
 WHERE l.id IS NULL
    OR (v.claimed_until IS NULL) <> (v.claim = 0)
    OR (v.claimed_until IS NOT NULL AND v.book IS NOT NULL)
    OR v.claimed_until > clock_timestamp() + interval '5 minutes'
    OR (l.active AND v.claimed_until < clock_timestamp() - interval '30 minutes')
 ORDER BY v.listing_id, v.place
 LIMIT %(limit)s

-- name: audit_outbox
-- What is pending is of a listing, on its channel, under a generation that was drawn.
SELECT o.listing_id AS listing, o.channel_id AS pending_on, l.channel_id AS listed_on, o.generation,
       count(*) OVER () AS total
  FROM outbox o
  LEFT JOIN listing l ON l.id = o.listing_id
 WHERE l.id IS NULL OR l.channel_id <> o.channel_id OR o.generation > (SELECT last_value FROM generation)
 ORDER BY o.listing_id
 LIMIT %(limit)s

-- name: audit_sleepers
-- Where something has waited for minutes, somebody is awake to take it.
SELECT c.name AS channel, 'inbox' AS line, min(i.received_at) AS since, count(*) AS waiting, count(*) OVER () AS total
  FROM inbox i
  JOIN channel c ON c.id = i.channel_id
  JOIN channel_work w ON w.channel_id = i.channel_id
 WHERE i.outcome IS NULL AND NOT w.intake_awake
 GROUP BY c.name
HAVING min(i.received_at) < clock_timestamp() - interval '5 minutes'
UNION ALL
SELECT c.name, 'outbox', min(o.marked_at), count(*), count(*) OVER ()
  FROM outbox o
  JOIN channel c ON c.id = o.channel_id
  JOIN channel_work w ON w.channel_id = o.channel_id
 WHERE o.live AND NOT o.isolated AND o.resting_until IS NULL AND NOT w.publish_awake
 GROUP BY c.name
HAVING min(o.marked_at) < clock_timestamp() - interval '5 minutes'
 ORDER BY channel, line
 LIMIT %(limit)s

-- name: audit_extent
-- How much there is to look at: events, entries, deliveries, pushes, and pushes that keep what they were decided from.
SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM entry), (SELECT count(*) FROM inbox),
       (SELECT count(*) FROM push), (SELECT count(basis) FROM push)

-- name: names_of_skus
-- What people call them.
SELECT id, code FROM sku WHERE id = ANY (%(ids)s::int[])

-- name: names_of_locations
-- The same of locations.
SELECT id, code FROM location WHERE id = ANY (%(ids)s::int[])

-- name: raw_entries_by_shelf
-- Every entry, in the order of its shelf's versions.
SELECT sku_id, location_id, version, state, quantity, balance_after FROM entry ORDER BY sku_id, location_id, version

-- name: raw_balances
-- Every balance, in the same order of shelves.
SELECT sku_id, location_id, version, available, committed, reserved, quality_control, damaged, in_transit, incoming,
       supplier, customer, shrinkage, found
  FROM balance ORDER BY sku_id, location_id

-- name: raw_entries_by_event
-- Every entry, event by event, with whether its event is there.
SELECT e.event_id, e.sku_id, e.quantity, v.id IS NOT NULL
  FROM entry e
  LEFT JOIN event v ON v.id = e.event_id
 ORDER BY e.event_id, e.sku_id

-- name: raw_order_entries
-- What events of orders moved until it came back, order by order.
SELECT c.name COLLATE "C", v.detail->>'order' COLLATE "C", s.code, o.code COLLATE "C", e.state, e.quantity
  FROM event v
  JOIN channel c ON v.source = 'channel/' || c.name
  JOIN entry e ON e.event_id = v.id
  JOIN sku s ON s.id = e.sku_id
  JOIN location o ON o.id = e.location_id
 WHERE v.kind <> 'return'
 ORDER BY 1, 2, 3, 4

-- name: raw_order_lines
-- What is remembered of orders' lines, of a kit's each component, in the same order; what came back had left.
SELECT c.name COLLATE "C", l.order_id, coalesce(k.sku, l.sku) COLLATE "C", l.location,
       l.open * coalesce(k.quantity::int, 1), (l.fulfilled + l.returned) * coalesce(k.quantity::int, 1)
  FROM order_line l
  JOIN channel c ON c.id = l.channel_id
  LEFT JOIN LATERAL jsonb_each_text(l.composition) AS k(sku, quantity) ON true
 ORDER BY 1, 2, 3, 4

-- name: raw_deliveries
-- Deliveries of orders that the ledger has taken, order by order.
SELECT c.name COLLATE "C", coalesce(i.body->>'order', i.subject) COLLATE "C", i.id, i.kind, i.outcome,
       (i.body->>'version')::bigint, i.received_at, i.settled_at
  FROM inbox i
  JOIN channel c ON c.id = i.channel_id
 WHERE i.outcome IN ('posted', 'unchanged', 'stale') AND i.kind IN ('order', 'order_hint')
 ORDER BY 1, 2, i.id

-- name: raw_order_events
-- Events of orders by their own names, in the same order.
SELECT c.name COLLATE "C", v.detail->>'order' COLLATE "C", v.external_id, v.recorded_at
  FROM event v
  JOIN channel c ON v.source = 'channel/' || c.name
 ORDER BY 1, 2, v.id

-- name: raw_orders
-- The version of each order that the ledger has taken, in the same order.
SELECT c.name COLLATE "C", o.order_id, o.version
  FROM channel_order o
  JOIN channel c ON c.id = o.channel_id
 ORDER BY 1, 2

-- name: raw_pushes
-- Every push, level by level, as they were sent.
SELECT listing_id, place, id, generation FROM push ORDER BY listing_id, place, sent_at, id

-- name: raw_bases
-- For each push and each location that it drew on: the balance's version, shelf by shelf; of kits, of each component.
-- Of what was told while a run was held nobody kept what it was decided from.
SELECT s.id, o.id, d.version::bigint, p.id, p.quantity, (p.basis->>'units')::integer,
       (SELECT count(*) FROM jsonb_object_keys(t.versions)), coalesce((p.basis->>'beyond')::integer, 0),
       coalesce(jsonb_array_length(p.basis->'components'), 0), t.quantity
  FROM push p
 CROSS JOIN LATERAL jsonb_to_recordset(coalesce(p.basis->'components',
                                                jsonb_build_array(p.basis || '{"quantity": 1}'::jsonb)))
       AS t(sku text, quantity integer, versions jsonb)
 CROSS JOIN LATERAL jsonb_each_text(t.versions) AS d(location, version)
  JOIN sku s ON s.code = t.sku
  JOIN location o ON o.code = d.location
 WHERE p.basis IS NOT NULL
 ORDER BY 1, 2, 3, 4

-- name: raw_available
-- Every entry of what can be sold, or may be sold beyond that: what is on its way, or reserved. Shelf by shelf.
SELECT sku_id, location_id, version, quantity, state = 'available' FROM entry
 WHERE state IN ('available', 'incoming', 'reserved')
 ORDER BY sku_id, location_id, version
