-- Suppliers and purchase orders. Stock itself is moved by events.

-- name: save_suppliers
-- New ones, or with other lead times.
INSERT INTO supplier (name, lead_days, lead_days_deviation)
SELECT name, days, deviation
  FROM unnest(%(names)s::text[], %(days)s::float8[], %(deviations)s::float8[]) AS s(name, days, deviation)
 ORDER BY name
ON CONFLICT (name) DO UPDATE SET
    lead_days = excluded.lead_days, lead_days_deviation = excluded.lead_days_deviation

-- name: save_supplied_skus
-- Whom each SKU is reordered from, and how; answers the SKUs that are known.
INSERT INTO supplied_sku (sku_id, supplier_id, pack_units, minimum_units, multiple_units, unit_cost)
SELECT k.id, s.id, u.pack, u.minimum, u.multiple, u.cost
  FROM unnest(%(skus)s::text[], %(suppliers)s::text[], %(packs)s::int[], %(minimums)s::int[], %(multiples)s::int[],
              %(costs)s::numeric[]) AS u(sku, supplier, pack, minimum, multiple, cost)
  JOIN sku k ON k.code = u.sku
  JOIN supplier s ON s.name = u.supplier
 ORDER BY k.id
ON CONFLICT (sku_id) DO UPDATE SET
    supplier_id = excluded.supplier_id, pack_units = excluded.pack_units, minimum_units = excluded.minimum_units,
    multiple_units = excluded.multiple_units, unit_cost = excluded.unit_cost
RETURNING (SELECT code FROM sku WHERE id = sku_id)

-- name: suppliers
-- All of them, or those named, with how many SKUs are reordered from each, how many of its orders are open, and how
-- long its deliveries really took: each receipt of an order is one.
WITH delivery AS (
    SELECT p.supplier_id, extract(epoch FROM e.occurred_at - p.ordered_at)::float8 / 86400 AS days
      FROM purchase_order p
      JOIN purchase_order_change c ON c.purchase_order_id = p.id
      JOIN event e ON e.id = c.event_id
     GROUP BY p.id, e.id
    HAVING sum(c.received) > 0
), measured AS (
    SELECT supplier_id, count(*) AS deliveries, avg(days) AS days, coalesce(stddev_samp(days), 0) AS deviation
      FROM delivery GROUP BY supplier_id
)
SELECT s.name, s.lead_days, s.lead_days_deviation,
       (SELECT count(*) FROM supplied_sku u WHERE u.supplier_id = s.id),
       (SELECT count(DISTINCT i.purchase_order_id) FROM incoming_unit i
          JOIN purchase_order p ON p.id = i.purchase_order_id WHERE p.supplier_id = s.id),
       coalesce(m.deliveries, 0), coalesce(m.days, 0), coalesce(m.deviation, 0)
  FROM supplier s LEFT JOIN measured m ON m.supplier_id = s.id
 WHERE %(names)s::text[] IS NULL OR s.name = ANY (%(names)s)
 ORDER BY s.name

-- name: supplied_skus
-- What is reordered from one supplier.
SELECT k.code, k.name, s.name, u.pack_units, u.minimum_units, u.multiple_units, u.unit_cost
  FROM supplied_sku u
  JOIN supplier s ON s.id = u.supplier_id
  JOIN sku k ON k.id = u.sku_id
 WHERE s.name = %(supplier)s
 ORDER BY k.code

-- name: lock_purchase_orders
-- What is stated of an order is posted one statement at a time, so that each is compared with what is settled. The rows
-- themselves are never updated, so the lock is on the names, in one order.
SELECT pg_advisory_xact_lock(hashtextextended('purchase_order/' || c.code, 0))
  FROM (SELECT DISTINCT u.code COLLATE "C" AS code FROM unnest(%(codes)s::text[]) AS u(code) ORDER BY 1) c

-- name: known_purchase_orders
-- Those of the codes that exist, with the event that made them and what was stated.
SELECT p.code, p.event_id, e.fingerprint
  FROM purchase_order p JOIN event e ON e.id = p.event_id
 WHERE p.code = ANY (%(codes)s)

-- name: save_purchase_orders
-- Orders whose events were posted just now.
INSERT INTO purchase_order (code, supplier_id, location_id, ordered_at, due_on, event_id)
SELECT o.code, s.id, l.id, o.ordered_at, o.due_on, o.event
  FROM unnest(%(codes)s::text[], %(suppliers)s::text[], %(locations)s::text[], %(ordered)s::timestamptz[],
              %(due)s::date[], %(events)s::bigint[]) AS o(code, supplier, location, ordered_at, due_on, event)
  JOIN supplier s ON s.name = o.supplier
  JOIN location l ON l.code = o.location
 ORDER BY o.code

-- name: save_purchase_order_changes
-- What events add to the lines of orders.
INSERT INTO purchase_order_change (purchase_order_id, event_id, sku_id, ordered, received, closed)
SELECT p.id, c.event, k.id, c.ordered, c.received, c.closed
  FROM unnest(%(codes)s::text[], %(events)s::bigint[], %(skus)s::text[], %(ordered)s::int[], %(received)s::int[],
              %(closed)s::int[]) AS c(code, event, sku, ordered, received, closed)
  JOIN purchase_order p ON p.code = c.code
  JOIN sku k ON k.code = c.sku

-- name: purchase_orders
-- Orders with their lines as they stand, one row for each line, the soonest due first. With `only_open` those of which
-- something is still to come.
WITH wanted AS (
    SELECT p.id, p.code, p.supplier_id, p.location_id, p.ordered_at,
           coalesce((SELECT d.due_on FROM purchase_order_due d
                      WHERE d.purchase_order_id = p.id ORDER BY d.event_id DESC LIMIT 1), p.due_on) AS due_on
      FROM purchase_order p
     WHERE (%(codes)s::text[] IS NULL OR p.code = ANY (%(codes)s))
       AND (%(supplier)s::text IS NULL OR p.supplier_id = (SELECT id FROM supplier WHERE name = %(supplier)s))
       AND (%(sku)s::text IS NULL OR EXISTS (
               SELECT FROM purchase_order_change c
                WHERE c.purchase_order_id = p.id AND c.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)))
       AND (NOT %(only_open)s OR EXISTS (SELECT FROM incoming_unit i WHERE i.purchase_order_id = p.id))
)
SELECT w.code, s.name, l.code, w.ordered_at, w.due_on,
       (SELECT count(DISTINCT event_id) FROM purchase_order_change e WHERE e.purchase_order_id = w.id)
       + (SELECT count(*) FROM purchase_order_due d WHERE d.purchase_order_id = w.id),
       k.code, sum(c.ordered)::int, sum(c.received)::int, sum(c.closed)::int
  FROM wanted w
  JOIN supplier s ON s.id = w.supplier_id
  JOIN location l ON l.id = w.location_id
  JOIN purchase_order_change c ON c.purchase_order_id = w.id
  JOIN sku k ON k.id = c.sku_id
 GROUP BY w.id, w.code, s.name, l.code, w.ordered_at, w.due_on, k.code
 ORDER BY w.due_on, w.code, k.code

-- name: purchase_order_events
-- What was stated of an order, oldest first: what moved, or the day it was put off to and by whom.
WITH wanted AS (
    SELECT id FROM purchase_order WHERE code = %(code)s
), stated AS (
    SELECT c.event_id, NULL::date AS due_on, '' AS stated_by,
           array_agg(k.code ORDER BY k.code) AS skus, array_agg(c.ordered ORDER BY k.code) AS ordered,
           array_agg(c.received ORDER BY k.code) AS received, array_agg(c.closed ORDER BY k.code) AS closed
      FROM purchase_order_change c
      JOIN sku k ON k.id = c.sku_id
     WHERE c.purchase_order_id = (SELECT id FROM wanted)
     GROUP BY c.event_id
     UNION ALL
    SELECT d.event_id, d.due_on, d.stated_by, '{}', '{}', '{}', '{}'
      FROM purchase_order_due d
     WHERE d.purchase_order_id = (SELECT id FROM wanted)
)
SELECT e.id, e.kind, e.source, e.occurred_at, coalesce(e.detail ->> 'reason', ''), s.due_on, s.stated_by,
       s.skus, s.ordered, s.received, s.closed
  FROM stated s
  JOIN event e ON e.id = s.event_id
 ORDER BY e.id

-- name: save_purchase_order_due
-- The day an order is due from now on, by an event that was posted just now.
INSERT INTO purchase_order_due (purchase_order_id, event_id, due_on, stated_by)
SELECT p.id, %(event)s, %(due_on)s, %(by)s FROM purchase_order p WHERE p.code = %(code)s
