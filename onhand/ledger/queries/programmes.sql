-- Wholesale programmes: what is kept for partners, what their orders have drawn, and what may be missing.

-- name: serialise_partner
-- Programmes of one partner are made one at a time, so that each is compared with those there are.
SELECT pg_advisory_xact_lock(71004, hashtext(%(partner)s))

-- name: make_programme
-- One more; nothing where there is one of that name.
INSERT INTO programme (name, partner, starts_at, ends_at, beyond, created_by)
VALUES (%(name)s, %(partner)s, %(starts)s, %(ends)s, %(beyond)s, %(by)s)
ON CONFLICT (name) DO NOTHING
RETURNING id

-- name: programme_rivals
-- Shelves that another programme of the partner keeps in the same time: an order could not tell on which it draws.
SELECT s.code, c.code, p.name
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS w(sku, location)
  JOIN sku s ON s.code = w.sku
  JOIN location c ON c.code = w.location
  JOIN programme_line n ON n.sku_id = s.id AND n.location_id = c.id
  JOIN programme p ON p.id = n.programme_id
 WHERE p.partner = %(partner)s AND p.ended_at IS NULL AND p.starts_at < %(ends)s AND p.ends_at > %(starts)s
 ORDER BY s.code, c.code, p.name

-- name: make_programme_lines
-- What it keeps; one row for each shelf that the ledger knows.
INSERT INTO programme_line (programme_id, sku_id, location_id, units)
SELECT %(programme)s, s.id, c.id, w.units
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(units)s::int[]) AS w(sku, location, units)
  JOIN sku s ON s.code = w.sku
  JOIN location c ON c.code = w.location
RETURNING sku_id

-- name: programmes
-- Programmes by name or all, the open ones first, then the newest; those that are over only where asked for.
SELECT id, name, partner, starts_at, ends_at, beyond, created_by, began_at, ended_at, ended_by
  FROM programme
 WHERE (%(name)s::text IS NULL OR name = %(name)s) AND (ended_at IS NULL OR %(all)s)
 ORDER BY ended_at IS NOT NULL, starts_at DESC, name

-- name: programme_lines
-- What these programmes keep.
SELECT n.programme_id, s.code, c.code, n.units, n.taken, n.secured
  FROM programme_line n
  JOIN sku s ON s.id = n.sku_id
  JOIN location c ON c.id = n.location_id
 WHERE n.programme_id = ANY (%(programmes)s)
 ORDER BY n.programme_id, s.code, c.code

-- name: programmes_of_sku
-- What is kept of a SKU now, or will be, and for whom.
SELECT p.name, p.partner, p.starts_at, p.ends_at, c.code, n.units, n.taken, n.secured
  FROM programme p
  JOIN programme_line n ON n.programme_id = p.id
  JOIN location c ON c.id = n.location_id
 WHERE n.sku_id = (SELECT id FROM sku WHERE code = %(sku)s) AND p.ended_at IS NULL
 ORDER BY p.starts_at, p.name, c.code

-- name: programme_orders
-- The orders that drew on a programme, or could have.
SELECT ch.name, o.order_id
  FROM programme_order o
  JOIN channel ch ON ch.id = o.channel_id
 WHERE o.programme_id = %(programme)s
 ORDER BY ch.name, o.order_id

-- name: programmes_to_keep
-- Those that are to begin, run or are to end: whatever is kept of them is looked at now.
SELECT id, partner FROM programme WHERE ended_at IS NULL AND starts_at <= %(now)s ORDER BY starts_at, id

-- name: lock_programme
-- One programme, changed by nobody else until the commit; nothing where it is over.
SELECT id, name, partner, starts_at, ends_at, beyond, began_at IS NOT NULL, step
  FROM programme WHERE id = %(programme)s AND ended_at IS NULL FOR UPDATE

-- name: lock_programmes_of_partner
-- The running ones of a partner, in one order, changed by nobody else until the commit.
SELECT id, name, starts_at, ends_at, step
  FROM programme
 WHERE partner = %(partner)s AND began_at IS NOT NULL AND ended_at IS NULL
 ORDER BY id
   FOR UPDATE

-- name: drawing_orders
-- Which of these orders of a channel draw on which of these programmes.
SELECT order_id, programme_id
  FROM programme_order
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND order_id = ANY (%(orders)s)
   AND programme_id = ANY (%(programmes)s)

-- name: note_drawing_orders
-- These do from now on.
INSERT INTO programme_order (channel_id, order_id, programme_id)
SELECT ch.id, w.order_id, w.programme
  FROM unnest(%(orders)s::text[], %(programmes)s::int[]) AS w(order_id, programme)
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY w.order_id, w.programme
ON CONFLICT DO NOTHING

-- name: earlier_orders
-- Orders of a partner's channels that were placed since a programme was to begin, and what they have taken of each shelf
-- it keeps: they came before it began here. What drew on another programme that kept the shelf is not counted again.
WITH placed AS (
    SELECT v.source, v.detail ->> 'order' AS order_id
      FROM event v
     WHERE v.recorded_at >= %(starts)s::timestamptz - interval '1 hour' AND v.kind = 'order'
       AND v.source = ANY (SELECT 'channel/' || u.name FROM unnest(%(channels)s::text[]) AS u(name))
     GROUP BY v.source, v.detail ->> 'order'
    HAVING min(v.occurred_at) >= %(starts)s AND min(v.occurred_at) < %(ends)s
)
SELECT ch.name, p.order_id, s.code, c.code, -sum(e.quantity)
  FROM placed p
  JOIN event v ON v.source = p.source AND v.external_id >= p.order_id || '@' AND v.external_id < p.order_id || 'A'
       AND v.kind IN ('order', 'cancellation') AND v.detail ->> 'order' = p.order_id
  JOIN entry e ON e.event_id = v.id AND e.state = 'available'
  JOIN programme_line n ON n.programme_id = %(programme)s AND n.sku_id = e.sku_id AND n.location_id = e.location_id
  JOIN sku s ON s.id = e.sku_id
  JOIN location c ON c.id = e.location_id
  JOIN channel ch ON p.source = 'channel/' || ch.name
 WHERE NOT EXISTS (
    SELECT FROM programme_order d
      JOIN programme_line m ON m.programme_id = d.programme_id
     WHERE d.channel_id = ch.id AND d.order_id = p.order_id AND m.sku_id = e.sku_id AND m.location_id = e.location_id)
 GROUP BY ch.name, p.order_id, s.code, c.code
 ORDER BY ch.name, p.order_id, s.code, c.code

-- name: lock_programme_shelves
-- What is available where a programme keeps units, locked in the one fixed order. What answers of channels have told of
-- and no order yet is off it.
SELECT s.code, c.code, b.available - coalesce((SELECT sum(d.units) FROM provisional_units d
                                                WHERE d.sku_id = b.sku_id AND d.location_id = b.location_id), 0)
  FROM balance b
  JOIN sku s ON s.id = b.sku_id
  JOIN location c ON c.id = b.location_id
 WHERE (b.sku_id, b.location_id) IN (SELECT sku_id, location_id FROM programme_line WHERE programme_id = %(programme)s)
 ORDER BY b.sku_id, b.location_id
   FOR UPDATE OF b

-- name: keep_programme_lines
-- Its lines as they now are.
UPDATE programme_line n SET units = w.units, taken = w.taken, secured = w.secured
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(units)s::int[], %(taken)s::int[], %(secured)s::int[])
       AS w(sku, location, units, taken, secured)
  JOIN sku s ON s.code = w.sku
  JOIN location c ON c.code = w.location
 WHERE n.programme_id = %(programme)s AND n.sku_id = s.id AND n.location_id = c.id

-- name: keep_programme
-- How it stands: how many events it has, and whether it has begun or is over.
UPDATE programme SET step = %(step)s, began_at = CASE WHEN %(begins)s THEN %(now)s ELSE began_at END,
       ended_at = CASE WHEN %(ended)s THEN %(now)s ELSE ended_at END,
       ended_by = CASE WHEN %(ended)s THEN %(by)s ELSE ended_by END
 WHERE id = %(programme)s

-- name: count_programme_steps
-- Events that running programmes have posted.
UPDATE programme p SET step = w.step
  FROM unnest(%(programmes)s::int[], %(steps)s::int[]) AS w(programme, step)
 WHERE p.id = w.programme

-- name: programme_prospects
-- Every line of programmes that are not over, with what there is and what comes in before the end of each.
SELECT p.id, p.name, p.partner, p.ends_at, p.beyond, s.code, c.code, n.units, n.taken, n.secured,
       coalesce(b.available, 0),
       incoming_due_v1(n.sku_id, n.location_id, ((p.ends_at - interval '1 second') AT TIME ZONE %(zone)s)::date)
  FROM programme p
  JOIN programme_line n ON n.programme_id = p.id
  JOIN sku s ON s.id = n.sku_id
  JOIN location c ON c.id = n.location_id
  LEFT JOIN balance b ON b.sku_id = n.sku_id AND b.location_id = n.location_id
 WHERE p.ended_at IS NULL
 ORDER BY p.ends_at, p.id, s.code, c.code

-- name: claim_programme_warnings
-- What people know nothing of yet, or less of: units that may be missing, and orders beyond a programme. Whoever asks
-- tells them. What is over is forgotten, so that it is told when it comes again.
WITH now AS (
    SELECT p.id AS programme, s.id AS sku, c.id AS location, w.short, w.beyond
      FROM unnest(%(programmes)s::text[], %(skus)s::text[], %(locations)s::text[], %(shorts)s::int[], %(beyonds)s::int[])
           AS w(programme, sku, location, short, beyond)
      JOIN programme p ON p.name = w.programme
      JOIN sku s ON s.code = w.sku
      JOIN location c ON c.code = w.location
), held AS (
    SELECT n.programme_id, n.sku_id, n.location_id, n.told_short, n.told_beyond, w.short, w.beyond
      FROM programme_line n
      JOIN now w ON w.programme = n.programme_id AND w.sku = n.sku_id AND w.location = n.location_id
     WHERE (n.told_short, n.told_beyond) IS DISTINCT FROM (w.short, w.beyond)
     ORDER BY n.programme_id, n.sku_id, n.location_id
       FOR UPDATE OF n
), told AS (
    UPDATE programme_line n SET
        told_short = CASE WHEN h.short = 0 THEN 0 ELSE greatest(n.told_short, h.short) END,
        told_beyond = greatest(n.told_beyond, h.beyond)
      FROM held h
     WHERE n.programme_id = h.programme_id AND n.sku_id = h.sku_id AND n.location_id = h.location_id
)
SELECT p.name, s.code, c.code, h.told_short, h.told_beyond
  FROM held h
  JOIN programme p ON p.id = h.programme_id
  JOIN sku s ON s.id = h.sku_id
  JOIN location c ON c.id = h.location_id
 WHERE h.short > h.told_short OR h.beyond > h.told_beyond
 ORDER BY p.name, s.code, c.code

-- name: unclaim_programme_warnings
-- They could not be told after all.
UPDATE programme_line n SET told_short = least(n.told_short, w.short), told_beyond = least(n.told_beyond, w.beyond)
  FROM unnest(%(programmes)s::text[], %(skus)s::text[], %(locations)s::text[], %(shorts)s::int[], %(beyonds)s::int[])
       AS w(programme, sku, location, short, beyond)
  JOIN programme p ON p.name = w.programme
  JOIN sku s ON s.code = w.sku
  JOIN location c ON c.code = w.location
 WHERE n.programme_id = p.id AND n.sku_id = s.id AND n.location_id = c.id
