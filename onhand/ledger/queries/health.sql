-- How everything is, in one look: read whenever somebody asks, so each part goes by an index.

-- name: health_of_channels
-- One row a channel: what holds it, what waits (to be told: by tier), its last looks, and what is wrong on it. Runs of a
-- few SKUs say nothing of the channel; a read-back sets no levels, so none of them can fail.
SELECT ch.name, coalesce(w.trouble, ''), w.trouble_since, w.retry_at, w.paused_at, coalesce(w.pause_note, ''),
       w.swept_at, coalesce(w.hooks_problem, ''), w.hooks_seen_at,
       d.run_id, d.held_at, d.reason,
       o.real_time, o.real_time_oldest, o.quarter_hour, o.quarter_hour_oldest, o.hourly, o.hourly_oldest,
       i.rows, i.oldest, p.rows, p.oldest, f.rows, f.oldest, h.rows, h.oldest, k.rows, k.oldest, coalesce(k.example, ''),
       s.id, s.status, s.started_at, s.finished_at, s.failed, s.calls, s.throttled, s.waited_seconds, s.message,
       r.id, r.status, r.started_at, r.finished_at, 0, r.calls, r.throttled, r.waited_seconds, r.message,
       (SELECT min(started_at) FROM run)
  FROM channel ch
  LEFT JOIN channel_work w ON w.channel_id = ch.id
  LEFT JOIN LATERAL (
    SELECT run_id, held_at, reason FROM hold
     WHERE channel_id = ch.id AND released_at IS NULL ORDER BY held_at LIMIT 1) d ON true
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE tier = 0) AS real_time, min(marked_at) FILTER (WHERE tier = 0) AS real_time_oldest,
           count(*) FILTER (WHERE tier = 1) AS quarter_hour,
           min(marked_at) FILTER (WHERE tier = 1) AS quarter_hour_oldest,
           count(*) FILTER (WHERE tier = 2) AS hourly, min(marked_at) FILTER (WHERE tier = 2) AS hourly_oldest
      FROM outbox
     WHERE channel_id = ch.id AND live AND NOT isolated
       AND (resting_until IS NULL OR resting_until <= clock_timestamp())) o
 CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(received_at) AS oldest FROM inbox WHERE channel_id = ch.id AND outcome IS NULL) i
 CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(received_at) AS oldest FROM inbox
     WHERE channel_id = ch.id AND outcome = 'poison') p
 CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(found_at) AS oldest FROM drift WHERE channel_id = ch.id AND resolved_at IS NULL) f
 CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(t.placed_at) AS oldest
      FROM halt t JOIN listing l ON l.id = t.listing_id
     WHERE l.channel_id = ch.id AND t.lifted_at IS NULL AND t.cause <> 'oversell') h
 CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(g.parked_at) AS oldest, (array_agg(u.code ORDER BY g.parked_at, u.code))[1] AS example
      FROM parked_level g JOIN listing l ON l.id = g.listing_id JOIN sku u ON u.id = l.sku_id
     WHERE l.channel_id = ch.id) k
  LEFT JOIN LATERAL (
    SELECT n.id, c.status, c.started_at, c.finished_at, c.failed, c.reads + c.writes AS calls, c.throttled,
           c.waited_seconds, c.message
      FROM run n JOIN run_channel c ON c.run_id = n.id AND c.channel_id = ch.id
     WHERE n.started_at > clock_timestamp() - interval '7 days' AND NOT n.request ? 'skus'
     ORDER BY n.started_at DESC LIMIT 1) s ON true
  LEFT JOIN LATERAL (
    SELECT n.id, c.status, c.started_at, c.finished_at, c.reads + c.writes AS calls, c.throttled, c.waited_seconds,
           c.message
      FROM reconciliation n JOIN reconciliation_channel c ON c.reconciliation_id = n.id AND c.channel_id = ch.id
     WHERE n.started_at > clock_timestamp() - interval '7 days'
     ORDER BY n.started_at DESC LIMIT 1) r ON true
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: last_whole_run
-- The last run that was not of a few SKUs or channels only; whether each channel that it did not bring right was brought
-- so by a later one (null where there was none such).
SELECT r.id, r.status, r.started_at, r.finished_at, r.summary, r.rows_refused,
       (SELECT bool_and(EXISTS (
               SELECT FROM run n JOIN run_channel c ON c.run_id = n.id
                WHERE n.started_at > r.started_at AND NOT n.request ? 'skus'
                  AND c.channel_id = p.channel_id AND c.status = 'success'))
          FROM run_channel p
         WHERE p.run_id = r.id AND p.status NOT IN ('success', 'skipped'))
  FROM run r
 WHERE r.started_at > clock_timestamp() - interval '7 days' AND NOT r.request ?| ARRAY['skus', 'channels']
 ORDER BY r.started_at DESC
 LIMIT 1

-- name: open_oversells
-- SKUs that are short at present, with by how many units, the oldest first.
SELECT s.code, b.short, v.found_at
  FROM oversell v
  JOIN sku s ON s.id = v.sku_id
 CROSS JOIN LATERAL (SELECT -sum(available) - covered_v1(v.sku_id) AS short FROM balance
                     WHERE sku_id = v.sku_id) b
 WHERE v.resolved_at IS NULL AND b.short > 0
 ORDER BY v.found_at, s.code
 LIMIT %(limit)s

-- name: recent_conflicts
-- Contradictions between authorities within a day: how many, of how many SKUs, and the newest. Only the newest rows are
-- looked at.
SELECT count(*), count(DISTINCT c.sku_id), max(c.found_at),
       (SELECT code FROM sku WHERE id = (array_agg(c.sku_id ORDER BY c.found_at DESC, c.id DESC))[1])
  FROM (SELECT * FROM authority_conflict ORDER BY id DESC LIMIT %(limit)s) c
 WHERE c.found_at > clock_timestamp() - interval '1 day'

-- name: open_spikes
-- SKUs that sell much faster than usual at present: how many, and the one that does the longest.
SELECT count(*), (array_agg(s.code ORDER BY p.began_at, p.id))[1], min(p.began_at)
  FROM spike p JOIN sku s ON s.id = p.sku_id
 WHERE p.ended_at IS NULL

-- name: promised_ahead
-- Promises that people were told are late, and programmes that they were told may go short: how many, and an example.
SELECT l.number, l.skus, l.example, l.since, p.number, p.example
  FROM (SELECT count(*) AS number, count(DISTINCT w.sku_id) AS skus, min(w.promised_for) AS since,
               (SELECT code FROM sku WHERE id = (array_agg(w.sku_id ORDER BY w.promised_for, w.sku_id))[1]) AS example
          FROM preorder_promise w WHERE w.settled_at IS NULL AND w.told_late) l,
       (SELECT count(DISTINCT m.id) AS number, min(m.name) AS example
          FROM programme m JOIN programme_line n ON n.programme_id = m.id
         WHERE m.ended_at IS NULL AND n.told_short > 0) p
