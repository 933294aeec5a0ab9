-- What is sold before it arrives: which SKUs, and whom it is promised to.

-- name: open_preorder
-- From now on, or under other terms from now on.
INSERT INTO preorder AS p (sku_id, cap, promised_for, channels, opened_by)
SELECT s.id, %(cap)s, %(promised_for)s, %(channels)s, %(by)s FROM sku s WHERE s.code = %(sku)s
ON CONFLICT (sku_id) DO UPDATE SET
    cap = excluded.cap, promised_for = excluded.promised_for, channels = excluded.channels,
    opened_at = clock_timestamp(), opened_by = excluded.opened_by, closed_at = NULL

-- name: close_preorder
-- No more of them; what was promised is what is covered.
UPDATE preorder p SET closed_at = clock_timestamp(),
       cap = least(p.cap, greatest((SELECT -sum(b.available) FROM balance b WHERE b.sku_id = p.sku_id), 0))
 WHERE p.sku_id = (SELECT id FROM sku WHERE code = %(sku)s) AND p.closed_at IS NULL

-- name: preorders
-- SKUs that are open for pre-orders or still owe some, or all that ever were: what is promised and what comes in.
SELECT s.code, s.name, p.cap, p.promised_for, p.channels, p.opened_at, p.opened_by, p.closed_at,
       greatest(coalesce(-b.available, 0), 0)::bigint, greatest(coalesce(b.incoming, 0), 0)::bigint, coalesce(b.due, 0)::bigint
  FROM preorder p
  JOIN sku s ON s.id = p.sku_id
  LEFT JOIN LATERAL (
    SELECT sum(available) AS available, sum(incoming) AS incoming,
           sum(incoming_due_v1(sku_id, location_id, p.promised_for)) AS due
      FROM balance WHERE sku_id = p.sku_id) b ON true
 WHERE (%(sku)s::text IS NULL OR s.code = %(sku)s)
   AND (%(all)s OR p.closed_at IS NULL
        OR EXISTS (SELECT FROM preorder_promise w WHERE w.sku_id = p.sku_id AND w.settled_at IS NULL))
 ORDER BY p.closed_at IS NOT NULL, s.code

-- name: promises
-- Who waits for a SKU, first served first; with those that are settled, where asked for.
SELECT ch.name, w.order_id, w.line_id, w.units, w.covered, w.position, w.sold_at, w.promised_for, w.settled_at, w.outcome
  FROM preorder_promise w
  JOIN channel ch ON ch.id = w.channel_id
 WHERE w.sku_id = (SELECT id FROM sku WHERE code = %(sku)s) AND (w.settled_at IS NULL OR %(settled)s)
 ORDER BY w.settled_at IS NOT NULL, CASE WHEN w.settled_at IS NULL THEN w.position END, w.settled_at DESC, w.sold_at,
       ch.name, w.order_id, w.line_id
 LIMIT %(limit)s

-- name: shrink_closed_preorders
-- Once closed, what is not promised any more is not to be promised again.
WITH less AS (
    SELECT p.sku_id, greatest((SELECT -sum(b.available) FROM balance b WHERE b.sku_id = p.sku_id), 0) AS short
      FROM preorder p
     WHERE p.closed_at IS NOT NULL AND p.cap > 0
       AND p.cap > greatest((SELECT -sum(b.available) FROM balance b WHERE b.sku_id = p.sku_id), 0)
     ORDER BY p.sku_id
       FOR UPDATE OF p
)
UPDATE preorder p SET cap = l.short FROM less l WHERE p.sku_id = l.sku_id

-- name: lock_owing
-- Pre-orders of which something is promised, or that were promised when they were last looked at: how many units are
-- short, and how many of these are covered.
SELECT p.sku_id, greatest(coalesce(-b.available, 0), 0)::bigint, covered_v1(p.sku_id), p.promised_for
  FROM preorder p
  LEFT JOIN LATERAL (SELECT sum(available) AS available FROM balance WHERE sku_id = p.sku_id) b ON true
 WHERE b.available < 0 OR EXISTS (SELECT FROM preorder_promise w WHERE w.sku_id = p.sku_id AND w.settled_at IS NULL)
 ORDER BY p.sku_id
   FOR UPDATE OF p

-- name: lines_waiting
-- The open lines of orders that hold units of these SKUs, by themselves or in a kit, with when each order was placed;
-- found by the newest lines of the ledger.
WITH placed AS (
    SELECT b.sku_id, v.source, v.detail ->> 'order' AS order_id, min(v.occurred_at) AS sold_at
      FROM balance b
     CROSS JOIN LATERAL (
        SELECT event_id, state, quantity FROM entry
         WHERE sku_id = b.sku_id AND location_id = b.location_id
         ORDER BY version DESC LIMIT %(lines)s) e
      JOIN event v ON v.id = e.event_id AND v.kind = 'order'
     WHERE b.sku_id = ANY (%(skus)s) AND e.state = 'committed' AND e.quantity > 0
     GROUP BY b.sku_id, v.source, v.detail ->> 'order'
)
SELECT p.sku_id, ch.name, p.order_id, o.line_id, o.open * coalesce((o.composition ->> s.code)::int, 1), p.sold_at
  FROM placed p
  JOIN channel ch ON p.source = 'channel/' || ch.name
  JOIN sku s ON s.id = p.sku_id
  JOIN order_line o ON o.channel_id = ch.id AND o.order_id = p.order_id AND o.open > 0
       AND CASE WHEN o.composition IS NULL THEN o.sku = s.code ELSE o.composition ? s.code END
 ORDER BY p.sku_id, p.sold_at, ch.name, p.order_id, o.line_id

-- name: settle_promises
-- Promises of these SKUs that wait no more: their units have arrived, or nobody wants them any more.
WITH kept AS (
    SELECT w.sku, ch.id AS channel, w.order_id, w.line_id
      FROM unnest(%(of)s::int[], %(channels)s::text[], %(orders)s::text[], %(lines)s::text[])
           AS w(sku, channel, order_id, line_id)
      JOIN channel ch ON ch.name = w.channel
)
UPDATE preorder_promise m SET settled_at = clock_timestamp(), outcome = CASE WHEN EXISTS (
        SELECT FROM order_line o
         WHERE o.channel_id = m.channel_id AND o.order_id = m.order_id AND o.line_id = m.line_id
           AND o.open + o.fulfilled > 0) THEN 'committed' ELSE 'cancelled' END
 WHERE m.sku_id = ANY (%(skus)s) AND m.settled_at IS NULL
   AND NOT EXISTS (SELECT FROM kept k WHERE k.sku = m.sku_id AND k.channel = m.channel_id AND k.order_id = m.order_id
                      AND k.line_id = m.line_id)

-- name: keep_promises
-- Who waits now, and where in the queue. The day a line was promised for stays, unless it comes to wait again.
INSERT INTO preorder_promise AS m (sku_id, channel_id, order_id, line_id, units, covered, position, sold_at, promised_for)
SELECT w.sku, ch.id, w.order_id, w.line_id, w.units, w.covered, w.position, w.sold_at, w.promised_for
  FROM unnest(%(of)s::int[], %(channels)s::text[], %(orders)s::text[], %(lines)s::text[], %(units)s::int[],
              %(covered)s::int[], %(positions)s::int[], %(sold)s::timestamptz[], %(promised)s::date[])
       AS w(sku, channel, order_id, line_id, units, covered, position, sold_at, promised_for)
  JOIN channel ch ON ch.name = w.channel
 ORDER BY w.sku, ch.id, w.order_id, w.line_id
ON CONFLICT (sku_id, channel_id, order_id, line_id) DO UPDATE SET
    units = excluded.units, covered = excluded.covered, position = excluded.position,
    promised_for = CASE WHEN m.settled_at IS NULL THEN m.promised_for ELSE excluded.promised_for END,
    settled_at = NULL, outcome = NULL
 WHERE (m.units, m.covered, m.position, m.settled_at)
       IS DISTINCT FROM (excluded.units, excluded.covered, excluded.position, NULL::timestamptz)

-- name: preorders_with_news
-- SKUs open for pre-orders of which more or less comes in than when their listings were last marked. They are marked.
WITH news AS (
    SELECT p.sku_id, coalesce(i.due, 0) AS due
      FROM preorder p
      LEFT JOIN LATERAL (
        SELECT sum(incoming_due_v1(sku_id, location_id, p.promised_for))::bigint AS due
          FROM balance WHERE sku_id = p.sku_id) i ON true
     WHERE p.closed_at IS NULL AND p.seen_incoming <> coalesce(i.due, 0)
     ORDER BY p.sku_id
       FOR UPDATE OF p
), seen AS (
    UPDATE preorder p SET seen_incoming = n.due FROM news n WHERE p.sku_id = n.sku_id
)
SELECT s.code FROM news n JOIN sku s ON s.id = n.sku_id ORDER BY s.code

-- name: claim_late_promises
-- Promises whose day is past and that people were not told of; whoever asks tells them.
WITH late AS (
    SELECT sku_id, channel_id, order_id, line_id
      FROM preorder_promise
     WHERE settled_at IS NULL AND promised_for < %(today)s AND NOT told_late
     ORDER BY sku_id, channel_id, order_id, line_id
       FOR UPDATE
)
UPDATE preorder_promise m SET told_late = true
  FROM late l
  JOIN sku s ON s.id = l.sku_id
  JOIN channel ch ON ch.id = l.channel_id
 WHERE m.sku_id = l.sku_id AND m.channel_id = l.channel_id AND m.order_id = l.order_id AND m.line_id = l.line_id
RETURNING s.code, ch.name, m.order_id, m.line_id, m.units, m.promised_for

-- name: unclaim_late_promises
-- They could not be told after all.
UPDATE preorder_promise m SET told_late = false
  FROM unnest(%(skus)s::text[], %(channels)s::text[], %(orders)s::text[], %(lines)s::text[])
       AS w(sku, channel, order_id, line_id)
  JOIN sku s ON s.code = w.sku
  JOIN channel ch ON ch.name = w.channel
 WHERE m.sku_id = s.id AND m.channel_id = ch.id AND m.order_id = w.order_id AND m.line_id = w.line_id
