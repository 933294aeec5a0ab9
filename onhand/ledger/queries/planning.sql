-- What was asked for, reorder points, and what should be ordered.

-- name: lock_planning_when_due
-- One process works reorder points out: whoever finds the row locked goes on without. A round that was begun is due.
SELECT after_sku FROM planning_refresh
 WHERE computed_at <= %(before)s OR after_sku > 0
   FOR UPDATE SKIP LOCKED

-- name: lock_planning
-- The same for whoever wants a whole round now, and waits for who is at it.
SELECT after_sku FROM planning_refresh FOR UPDATE

-- name: note_planning
-- How far a round is; at its end, when it ended.
UPDATE planning_refresh
   SET after_sku = %(after)s, computed_at = CASE WHEN %(after)s = 0 THEN %(now)s ELSE computed_at END

-- name: planning_done_at
-- When the last round ended; null before the first.
SELECT nullif(computed_at, '-infinity') FROM planning_refresh

-- name: plannable_skus
-- The next active SKUs that ever moved, by id.
SELECT s.id FROM sku s
 WHERE s.id > %(after)s AND s.status = 'active' AND EXISTS (SELECT FROM balance b WHERE b.sku_id = s.id)
 ORDER BY s.id
 LIMIT %(limit)s

-- name: demand_histories
-- What was ordered of each SKU at each location by day, with the two largest orders of each, and what was available by
-- day. An order counts on the day it was placed, with what is left of it after cancellations, and from whichever state
-- its units were promised. What moved before the window is one day, older than it. Read by the key of the entries: all
-- that ever moved of these SKUs, so a round over all SKUs reads the ledger once.
WITH line AS MATERIALIZED (
    SELECT e.sku_id, e.location_id, e.version, e.state, e.quantity, e.balance_after, v.kind, v.source,
           coalesce(v.detail ->> 'order', v.external_id) AS order_id, v.occurred_at,
           greatest(0, floor(extract(epoch FROM %(now)s::timestamptz - v.occurred_at) / 86400))::int AS age
      FROM entry e JOIN event v ON v.id = e.event_id
     WHERE e.sku_id = ANY (%(skus)s::int[]) AND e.state IN ('available', 'committed')
), bought AS (
    SELECT sku_id, location_id, sum(quantity) AS units, max(age) AS age
      FROM line
     WHERE state = 'committed' AND kind IN ('order', 'cancellation')
     GROUP BY sku_id, location_id, source, order_id
    HAVING sum(quantity) > 0
), ordered_day AS (
    SELECT sku_id, location_id, age, sum(units)::int AS units,
           (array_agg(units ORDER BY units DESC))[1:2]::int[] AS largest
      FROM bought WHERE age < %(days)s
     GROUP BY sku_id, location_id, age
), ordered AS (
    SELECT sku_id, location_id, array_agg(age) AS ages, array_agg(units) AS units,
           array_agg(largest[1]) AS largest, array_agg(coalesce(largest[2], 0)) AS second
      FROM ordered_day GROUP BY sku_id, location_id
), shelf_day AS (
    SELECT sku_id, location_id, least(age, %(days)s) AS age, max(balance_after)::int AS highest,
           ((array_agg(balance_after ORDER BY version DESC))[1])::int AS closing
      FROM line WHERE state = 'available'
     GROUP BY sku_id, location_id, least(age, %(days)s)
), shelf AS (
    SELECT sku_id, location_id, array_agg(age) AS ages, array_agg(closing) AS closing, array_agg(highest) AS highest
      FROM shelf_day GROUP BY sku_id, location_id
), known AS (
    SELECT sku_id, location_id, max(age) + 1 AS days FROM line GROUP BY sku_id, location_id
)
SELECT k.sku_id, k.location_id, k.days, o.ages, o.units, o.largest, o.second, h.ages, h.closing, h.highest,
       s.lead_days, s.lead_days_deviation, u.unit_cost::float8
  FROM known k
  LEFT JOIN ordered o USING (sku_id, location_id)
  LEFT JOIN shelf h USING (sku_id, location_id)
  LEFT JOIN supplied_sku u ON u.sku_id = k.sku_id
  LEFT JOIN supplier s ON s.id = u.supplier_id
 ORDER BY k.sku_id, k.location_id

-- name: forget_reorder_points
-- Of the SKUs up to that one that were not worked out again in this round: sold no more, or discontinued.
DELETE FROM reorder_point
 WHERE sku_id > %(after)s AND (%(last)s::int IS NULL OR sku_id <= %(last)s) AND computed_at < %(now)s

-- name: save_reorder_points
-- As they were found.
INSERT INTO reorder_point (sku_id, location_id, units, target, per_day, deviation, demand_class, method, weeks,
                           lead_days, lead_days_deviation, computed_at)
SELECT p.sku, p.location, p.units, p.target, p.per_day, p.deviation, p.class, p.method, p.weeks, p.lead, p.spread,
       %(now)s
  FROM unnest(%(skus)s::int[], %(locations)s::smallint[], %(points)s::int[], %(targets)s::int[], %(per_day)s::float8[],
              %(deviations)s::float8[], %(classes)s::text[], %(methods)s::text[], %(weeks)s::smallint[],
              %(leads)s::float8[], %(spreads)s::float8[])
       AS p(sku, location, units, target, per_day, deviation, class, method, weeks, lead, spread)
 ORDER BY p.sku, p.location
ON CONFLICT (sku_id, location_id) DO UPDATE SET
    units = excluded.units, target = excluded.target, per_day = excluded.per_day, deviation = excluded.deviation,
    demand_class = excluded.demand_class, method = excluded.method, weeks = excluded.weeks,
    lead_days = excluded.lead_days, lead_days_deviation = excluded.lead_days_deviation,
    computed_at = excluded.computed_at

-- name: due_for_reorder
-- Where the position is at or below the reorder point, with the supplier where one is known. Of what is on order those
-- units do not count that were put off until after an order of today would be here: they come too late to be waited for.
WITH late AS (
    SELECT r.sku_id, r.location_id, sum(i.units)::integer AS units
      FROM incoming_unit i
      JOIN reorder_point r ON r.sku_id = i.sku_id AND r.location_id = i.location_id
     WHERE i.purchase_order_id IN (SELECT d.purchase_order_id FROM purchase_order_due d)
       AND i.due_on > %(today)s::date + ceil(r.lead_days)::integer
     GROUP BY r.sku_id, r.location_id
)
SELECT p.sku_id, p.location_id, u.supplier_id, p.units, p.target, coalesce(b.available, 0),
       coalesce(b.incoming, 0) - coalesce(l.units, 0), coalesce(b.in_transit, 0),
       u.pack_units, u.minimum_units, u.multiple_units
  FROM reorder_point p
  JOIN sku k ON k.id = p.sku_id AND k.status = 'active'
  LEFT JOIN balance b ON b.sku_id = p.sku_id AND b.location_id = p.location_id
  LEFT JOIN supplied_sku u ON u.sku_id = p.sku_id
  LEFT JOIN late l ON l.sku_id = p.sku_id AND l.location_id = p.location_id
 WHERE coalesce(b.available, 0) + coalesce(b.incoming, 0) - coalesce(l.units, 0) + coalesce(b.in_transit, 0) <= p.units
   AND p.target > 0
 ORDER BY p.sku_id, p.location_id

-- name: serialise_proposals
-- Proposals are made and approved one at a time, so that none is ordered twice.
SELECT pg_advisory_xact_lock(hashtextextended('reorder_proposal', 0))

-- name: forget_proposals
-- All that are not approved: they are made anew from what is so now.
DELETE FROM reorder_proposal WHERE approved_at IS NULL

-- name: save_proposals
-- What should be ordered.
INSERT INTO reorder_proposal (sku_id, location_id, supplier_id, units, available, incoming, in_transit, point, target,
                              proposed_at)
SELECT p.*, %(now)s
  FROM unnest(%(skus)s::int[], %(locations)s::smallint[], %(suppliers)s::int[], %(units)s::int[], %(available)s::int[],
              %(incoming)s::int[], %(in_transit)s::int[], %(points)s::int[], %(targets)s::int[]) AS p

-- name: proposals
-- What should be ordered, or those of one supplier, or those of certain numbers, with the demand it follows from.
SELECT p.id, k.code, k.name, l.code, s.name, p.units, p.available, p.incoming, p.in_transit, p.point, p.target,
       p.proposed_at, coalesce(r.per_day, 0), coalesce(r.deviation, 0), coalesce(r.demand_class, ''),
       coalesce(r.method, ''), coalesce(r.weeks, 0), coalesce(r.lead_days, s.lead_days), u.unit_cost
  FROM reorder_proposal p
  JOIN sku k ON k.id = p.sku_id
  JOIN location l ON l.id = p.location_id
  JOIN supplier s ON s.id = p.supplier_id
  LEFT JOIN reorder_point r ON r.sku_id = p.sku_id AND r.location_id = p.location_id
  LEFT JOIN supplied_sku u ON u.sku_id = p.sku_id
 WHERE p.approved_at IS NULL
   AND (%(ids)s::int[] IS NULL OR p.id = ANY (%(ids)s))
   AND (%(supplier)s::text IS NULL OR s.name = %(supplier)s)
 ORDER BY s.name, l.code, k.code

-- name: approve_proposals
-- They are on a purchase order now.
UPDATE reorder_proposal p
   SET approved_at = %(now)s, approved_by = %(by)s,
       purchase_order_id = (SELECT o.id FROM purchase_order o WHERE o.code = a.code)
  FROM unnest(%(ids)s::int[], %(codes)s::text[]) AS a(id, code)
 WHERE p.id = a.id AND p.approved_at IS NULL
