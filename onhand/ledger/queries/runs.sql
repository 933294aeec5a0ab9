-- Sync runs: their records, their plans' outcomes, and what people look at.

-- name: begin_run
-- The record of a run; saying it twice changes nothing.
INSERT INTO run (id, workflow_id, request) VALUES (%(run)s, %(workflow)s, %(request)s)
ON CONFLICT (id) DO NOTHING

-- name: begin_channel
-- A run will take up a channel.
INSERT INTO run_channel (run_id, channel_id)
SELECT %(run)s, id FROM channel WHERE name = %(channel)s
ON CONFLICT (run_id, channel_id) DO NOTHING

-- name: start_channel
-- The channel's own part begins here: before it the source was read for all of them, and listings were found.
-- Skipped: active SKUs the channel has no listing for.
UPDATE run_channel rc SET started_at = clock_timestamp(),
       skipped = (SELECT count(*) FROM sku s
                   WHERE s.status = 'active' AND (%(skus)s::text[] IS NULL OR s.code = ANY (%(skus)s))
                     AND NOT EXISTS (SELECT FROM listing l
                                      WHERE l.sku_id = s.id AND l.channel_id = rc.channel_id AND l.active))
 WHERE rc.run_id = %(run)s AND rc.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND rc.levels = 0

-- name: run_rows
-- What came from the source.
UPDATE run SET rows_read = %(read)s, rows_posted = %(posted)s, rows_unchanged = %(unchanged)s,
       rows_refused = %(refused)s
 WHERE id = %(run)s

-- name: channel_outcomes
-- How many planned levels ended how, so far.
SELECT count(*) FILTER (WHERE outcome = 'changed'), count(*) FILTER (WHERE outcome = 'unchanged'),
       count(*) FILTER (WHERE outcome = 'failed')
  FROM run_plan
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: finish_channel
-- Close a channel's part of a run. Repeatable: the plan is deleted only with the counts taken from it.
UPDATE run_channel SET status = %(status)s, finished_at = clock_timestamp(), message = %(message)s,
       changed = %(changed)s, unchanged = levels - planned + %(unchanged)s, failed = %(failed)s
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND status = 'running'

-- name: drop_plan
-- The plan has served.
DELETE FROM run_plan
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: finish_run
-- Close a run; the first word stands.
UPDATE run SET status = %(status)s, finished_at = clock_timestamp(), summary = %(summary)s
 WHERE id = %(run)s AND status = 'running'

-- name: close_channels
-- Channels that a run which ends did not finish.
UPDATE run_channel SET status = 'failed', finished_at = clock_timestamp(), message = %(message)s
 WHERE run_id = %(run)s AND status = 'running'

-- name: forget_pushes
-- Push records past their retention.
DELETE FROM push WHERE sent_at < clock_timestamp() - make_interval(days => %(days)s)

-- name: first_run_started
-- When the first of all runs began.
SELECT min(started_at) FROM run

-- name: runs
-- Recent runs, newest first.
SELECT id, workflow_id, started_at, finished_at, status, request, summary, rows_read, rows_posted,
       rows_unchanged, rows_refused
  FROM run
 WHERE %(run)s::text IS NULL OR id = %(run)s
 ORDER BY started_at DESC
 LIMIT %(limit)s

-- name: run_channels
-- A run's channels. While one is running its outcomes are counted from the plan.
SELECT ch.name, ch.platform, rc.status, rc.started_at, rc.finished_at, rc.levels, rc.planned,
       CASE WHEN rc.status = 'running' THEN p.changed ELSE rc.changed END,
       CASE WHEN rc.status = 'running' THEN p.unchanged ELSE rc.unchanged END,
       rc.skipped,
       CASE WHEN rc.status = 'running' THEN p.failed ELSE rc.failed END,
       rc.reads, rc.writes, rc.throttled, rc.waited_seconds, rc.message
  FROM run_channel rc
  JOIN channel ch ON ch.id = rc.channel_id
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = 'changed')::int AS changed,
           count(*) FILTER (WHERE outcome = 'unchanged')::int + greatest(rc.levels - rc.planned, 0) AS unchanged,
           count(*) FILTER (WHERE outcome = 'failed')::int AS failed
      FROM run_plan p
     WHERE rc.status = 'running' AND p.run_id = rc.run_id AND p.channel_id = rc.channel_id) p
 WHERE rc.run_id = %(run)s
 ORDER BY ch.name

-- name: run_failures
-- The levels a run could not set, with the reasons.
SELECT ch.name, s.code, l.item_id, f.place, f.failed_at, f.category, f.message, f.advice
  FROM run_failure f
  JOIN channel ch ON ch.id = f.channel_id
  JOIN listing l ON l.id = f.listing_id
  JOIN sku s ON s.id = l.sku_id
 WHERE f.run_id = %(run)s
 ORDER BY ch.name, s.code, f.place
 LIMIT %(limit)s
