-- One day in numbers, by channel: from `begins` until before `ends`. Read once a day, so it may take its seconds.

-- name: day_of_drift
-- Levels found otherwise than expected, by cause, and how many of them are right again.
SELECT ch.name, d.cause, count(*), count(d.resolved_at)
  FROM drift d
  JOIN channel ch ON ch.id = d.channel_id
 WHERE d.found_at >= %(begins)s AND d.found_at < %(ends)s
 GROUP BY ch.name, d.cause
 ORDER BY ch.name, d.cause

-- name: day_of_pushes
-- Levels sent by what became of them, and time-to-sync in seconds: of accepted levels whose change went out by itself.
-- What a run tells waited for the run.
SELECT ch.name, count(*), count(*) FILTER (WHERE p.outcome = 'accepted'), count(*) FILTER (WHERE p.outcome = 'stale'),
       count(*) FILTER (WHERE p.outcome NOT IN ('accepted', 'stale')),
       count(*) FILTER (WHERE p.outcome = 'accepted' AND p.run_id IS NULL),
       count(t.took),
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY t.took)
  FROM push p
  JOIN listing l ON l.id = p.listing_id
  JOIN channel ch ON ch.id = l.channel_id
 CROSS JOIN LATERAL (
    SELECT CASE WHEN p.outcome = 'accepted' AND p.run_id IS NULL AND p.due_since IS NOT NULL
                THEN greatest(extract(epoch FROM p.answered_at - p.due_since)::float8, 0) END AS took) t
 WHERE p.sent_at >= %(begins)s AND p.sent_at < %(ends)s
 GROUP BY ch.name
 ORDER BY ch.name

-- name: day_of_halts
-- Halts placed and lifted, and those that stood at the end.
SELECT ch.name, count(*) FILTER (WHERE h.placed_at >= %(begins)s),
       count(*) FILTER (WHERE h.lifted_at >= %(begins)s AND h.lifted_at < %(ends)s),
       count(*) FILTER (WHERE h.lifted_at IS NULL OR h.lifted_at >= %(ends)s)
  FROM halt h
  JOIN listing l ON l.id = h.listing_id
  JOIN channel ch ON ch.id = l.channel_id
 WHERE h.placed_at < %(ends)s AND (h.lifted_at IS NULL OR h.lifted_at >= %(begins)s)
 GROUP BY ch.name
 ORDER BY ch.name

-- name: day_of_halted_sales
-- Orders placed on a listing while it was halted, and the units of those lines as they now stand.
WITH halted AS MATERIALIZED (
    SELECT h.listing_id, h.placed_at, coalesce(h.lifted_at, 'infinity') AS lifted_at
      FROM halt h
     WHERE h.placed_at < %(ends)s AND (h.lifted_at IS NULL OR h.lifted_at >= %(begins)s)
), sold AS (
    SELECT DISTINCT ch.name, o.order_id, o.line_id, o.open + o.fulfilled AS units
      FROM event v
      JOIN channel ch ON v.source = 'channel/' || ch.name
      JOIN order_line o ON o.channel_id = ch.id AND o.order_id = v.detail ->> 'order'
      JOIN halted h ON h.listing_id = o.listing_id AND v.occurred_at >= h.placed_at AND v.occurred_at < h.lifted_at
     WHERE v.kind = 'order' AND v.occurred_at >= %(begins)s AND v.occurred_at < %(ends)s
       AND v.recorded_at >= %(begins)s - interval '1 hour' AND EXISTS (SELECT FROM halted)
)
SELECT name, count(DISTINCT order_id), sum(units) FROM sold GROUP BY name ORDER BY name

-- name: day_of_calls
-- Calls that sync runs and read-backs made, how many were turned away, and the seconds waited on limits.
SELECT ch.name, sum(c.calls) FILTER (WHERE c.sync), sum(c.calls) FILTER (WHERE NOT c.sync), sum(c.throttled),
       sum(c.waited_seconds)
  FROM (SELECT c.channel_id, true AS sync, c.reads + c.writes AS calls, c.throttled, c.waited_seconds
          FROM run r JOIN run_channel c ON c.run_id = r.id
         WHERE r.started_at >= %(begins)s AND r.started_at < %(ends)s
        UNION ALL
        SELECT c.channel_id, false, c.reads + c.writes, c.throttled, c.waited_seconds
          FROM reconciliation r JOIN reconciliation_channel c ON c.reconciliation_id = r.id
         WHERE r.started_at >= %(begins)s AND r.started_at < %(ends)s) c
  JOIN channel ch ON ch.id = c.channel_id
 GROUP BY ch.name
 ORDER BY ch.name

-- name: day_of_orders
-- Orders that were told of, by webhook or by a sweep alone, and deliveries that could not be taken.
SELECT ch.name, count(*) FILTER (WHERE o.taken AND o.by_webhook), count(*) FILTER (WHERE o.taken AND NOT o.by_webhook),
       coalesce(sum(o.poison), 0)
  FROM (SELECT channel_id, bool_or(outcome IS DISTINCT FROM 'poison' AND kind IN ('order', 'order_hint')) AS taken,
               bool_or(delivery_id <> 'sweep') AS by_webhook, count(*) FILTER (WHERE outcome = 'poison') AS poison
          FROM inbox
         WHERE received_at >= %(begins)s AND received_at < %(ends)s
           AND (kind IN ('order', 'order_hint') OR outcome = 'poison')
         GROUP BY channel_id, subject) o
  JOIN channel ch ON ch.id = o.channel_id
 GROUP BY ch.name
 ORDER BY ch.name

-- name: day_of_held
-- Runs that were held on a channel.
SELECT ch.name, count(*)
  FROM run r
  JOIN run_channel c ON c.run_id = r.id AND c.status = 'held'
  JOIN channel ch ON ch.id = c.channel_id
 WHERE r.started_at >= %(begins)s AND r.started_at < %(ends)s
 GROUP BY ch.name
 ORDER BY ch.name

-- name: day_of_runs
-- Sync runs and read-backs by how they ended, rows of the source that were refused, and contradictions of authorities.
SELECT ARRAY(SELECT ARRAY[status, count(*)::text] FROM run
              WHERE started_at >= %(begins)s AND started_at < %(ends)s GROUP BY status ORDER BY status),
       ARRAY(SELECT ARRAY[status, count(*)::text] FROM reconciliation
              WHERE started_at >= %(begins)s AND started_at < %(ends)s GROUP BY status ORDER BY status),
       (SELECT coalesce(sum(rows_refused), 0) FROM run WHERE started_at >= %(begins)s AND started_at < %(ends)s),
       (SELECT count(*) FROM authority_conflict WHERE found_at >= %(begins)s AND found_at < %(ends)s)

-- name: day_of_oversells
-- Oversells that were open at any time of the day, the worst first.
SELECT s.code, o.units_short, ch.name, o.found_at, o.resolved_at
  FROM oversell o
  JOIN sku s ON s.id = o.sku_id
  LEFT JOIN channel ch ON ch.id = o.last_channel_id
 WHERE o.found_at < %(ends)s AND (o.resolved_at IS NULL OR o.resolved_at >= %(begins)s)
 ORDER BY o.units_short DESC, s.code, o.id

-- name: as_of_one_moment
-- All that follows in the transaction is of the same moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY
