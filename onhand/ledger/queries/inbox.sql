-- What channels have told us, from the door to its outcome; and who is awake to take it.

-- name: listen
-- Hear of what is committed to inbox and outbox.
LISTEN onhand

-- name: accept_deliveries
-- One commit's worth of deliveries. A null id is a duplicate.
SELECT ordinal, inbox_id, woken
  FROM accept_deliveries_v1(
    %(channels)s::text[], %(delivery_ids)s::text[], %(digests)s::bytea[], %(kinds)s::text[], %(topics)s::text[],
    %(subjects)s::text[], %(bodies)s::jsonb[], %(outcomes)s::text[], %(reasons)s::text[])

-- name: waiting_deliveries
-- The oldest deliveries of a channel that have no outcome yet.
SELECT i.id, i.kind, i.topic, i.subject, i.body, i.received_at, i.reason
  FROM inbox i
 WHERE i.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND i.outcome IS NULL
 ORDER BY i.id
 LIMIT %(limit)s

-- name: settle_deliveries
-- What became of them. One that has an outcome keeps it: nothing is settled twice.
UPDATE inbox i SET outcome = d.outcome, reason = d.reason, settled_at = clock_timestamp()
  FROM (SELECT * FROM unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(reasons)s::text[])
               AS u(id, outcome, reason) ORDER BY u.id) d
 WHERE i.id = d.id AND i.outcome IS NULL

-- name: sleep_intake
-- Go to sleep if nothing waits.
SELECT sleep_intake_v1(%(channel)s)

-- name: sleep_publish
-- Go to sleep if there is nothing to publish.
SELECT sleep_publish_v1(%(channel)s)

-- name: channels_with_work
-- Channels with something waiting, whoever is awake: a signal can be lost in a crash.
SELECT ch.name,
       EXISTS (SELECT FROM inbox i WHERE i.channel_id = ch.id AND i.outcome IS NULL),
       EXISTS (SELECT FROM outbox o WHERE o.channel_id = ch.id AND o.live AND NOT o.isolated
                AND (o.resting_until IS NULL OR o.resting_until <= clock_timestamp()))
  FROM channel ch
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: sold_items
-- Which listing each of these names stands for: the channel's own name of what was sold, or else its SKU.
SELECT n.ref, l.id, s.code, l.units
  FROM unnest(%(refs)s::text[]) AS n(ref)
  JOIN channel ch ON ch.name = %(channel)s
  JOIN listing l ON l.channel_id = ch.id
       AND ((l.order_ref = '' AND l.item_id = n.ref) OR (l.order_ref <> '' AND l.order_ref = n.ref))
  JOIN sku s ON s.id = l.sku_id
 ORDER BY l.active

-- name: sold_skus
-- SKUs by their codes, with the channel's listing where there is exactly one, for lines that name no known item.
SELECT s.code, min(l.id), min(l.units), count(l.id)
  FROM sku s
  LEFT JOIN listing l ON l.sku_id = s.id AND l.active
       AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
 WHERE s.code = ANY (%(codes)s)
 GROUP BY s.code

-- name: list_inbox
-- The newest deliveries, or those with one outcome ('waiting': none yet).
SELECT i.id, ch.name, i.kind, i.topic, i.subject, i.received_at, i.outcome, i.settled_at, i.reason,
       coalesce(i.dismissed_by, ''), coalesce(i.dismissed_because, '')
  FROM inbox i
  JOIN channel ch ON ch.id = i.channel_id
 WHERE (%(channel)s::text IS NULL OR ch.name = %(channel)s)
   AND (%(outcome)s::text IS NULL OR i.outcome = %(outcome)s OR (%(outcome)s = 'waiting' AND i.outcome IS NULL))
 ORDER BY i.id DESC
 LIMIT %(limit)s

-- name: one_delivery
-- One delivery with what was kept of it.
SELECT i.id, ch.name, i.kind, i.topic, i.subject, i.received_at, i.outcome, i.settled_at, i.reason,
       coalesce(i.dismissed_by, ''), coalesce(i.dismissed_because, ''), i.delivery_id, i.body
  FROM inbox i
  JOIN channel ch ON ch.id = i.channel_id
 WHERE i.id = %(id)s

-- name: replay_deliveries
-- Poison goes back into the inbox: whatever was wrong is mended. Answers the channels it is of.
WITH again AS (
    UPDATE inbox SET outcome = NULL, settled_at = NULL, reason = ''
     WHERE outcome = 'poison' AND kind <> 'other' AND (id = ANY (%(ids)s) OR %(all)s)
    RETURNING id, channel_id
), woke AS (
    UPDATE channel_work SET intake_awake = true WHERE channel_id IN (SELECT channel_id FROM again)
)
SELECT a.id, ch.name FROM again a JOIN channel ch ON ch.id = a.channel_id ORDER BY a.id

-- name: dismiss_deliveries
-- Nothing has to be done about this poison, says somebody. Answers which of them were poison.
UPDATE inbox SET outcome = 'dismissed', settled_at = clock_timestamp(), dismissed_by = %(who)s, dismissed_because = %(note)s
 WHERE outcome = 'poison' AND id = ANY (%(ids)s)
RETURNING id

-- name: count_poison
-- What somebody has to see to, and how much of it was not even readable.
SELECT count(*), count(*) FILTER (WHERE kind = 'other') FROM inbox WHERE outcome = 'poison'

-- name: forget_old_deliveries
-- Settled deliveries past their retention; poison stays until somebody has seen to it.
DELETE FROM inbox
 WHERE received_at < clock_timestamp() - make_interval(days => %(days)s) AND outcome IS NOT NULL AND outcome <> 'poison'

-- name: save_channel_work
-- A row for each channel, so that there is something to be awake.
INSERT INTO channel_work (channel_id) SELECT id FROM channel WHERE name = ANY (%(channels)s) ORDER BY id
ON CONFLICT (channel_id) DO NOTHING

-- name: work_of_channels
-- How the work on each channel stands. Its last delivery is looked for among the newest only, and a sweep is none.
SELECT ch.name, w.intake_awake, w.publish_awake, w.paused_at, w.pause_note, w.trouble, w.trouble_since, w.retry_at,
       w.swept_to, w.swept_at,
       (SELECT count(*) FROM inbox i WHERE i.channel_id = ch.id AND i.outcome IS NULL),
       (SELECT min(i.received_at) FROM inbox i WHERE i.channel_id = ch.id AND i.outcome IS NULL),
       (SELECT count(*) FROM outbox o WHERE o.channel_id = ch.id AND o.live AND NOT o.isolated),
       (SELECT min(o.marked_at) FROM outbox o WHERE o.channel_id = ch.id AND o.live AND NOT o.isolated),
       (SELECT i.received_at FROM inbox i
         WHERE i.channel_id = ch.id AND i.delivery_id <> 'sweep'
           AND i.id > (SELECT max(id) - %(deliveries)s FROM inbox)
         ORDER BY i.id DESC LIMIT 1),
       w.paused_by
  FROM channel ch
  JOIN channel_work w ON w.channel_id = ch.id
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: channel_holds
-- What keeps levels from being told, asked before every turn of a publisher.
SELECT ch.name, w.paused_at, w.pause_note, w.trouble, w.trouble_since, w.retry_at, w.paused_by
  FROM channel ch
  JOIN channel_work w ON w.channel_id = ch.id
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: pause_channel
-- An operator wants nothing told to a channel; what is pending waits.
UPDATE channel_work SET paused_at = coalesce(paused_at, clock_timestamp()), pause_note = %(note)s, paused_by = %(who)s
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: resume_channel
-- Publishing goes on, at once also where the breaker is open; whoever calls signals the publisher.
UPDATE channel_work SET paused_at = NULL, pause_note = '', paused_by = '', publish_awake = true,
       retry_at = CASE WHEN retry_at IS NULL THEN NULL ELSE clock_timestamp() END
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: note_trouble
-- The breaker opened, or opened again.
UPDATE channel_work SET trouble = %(trouble)s, trouble_since = coalesce(trouble_since, clock_timestamp()),
       retry_at = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: clear_trouble
-- The breaker closed.
UPDATE channel_work SET trouble = '', trouble_since = NULL, retry_at = NULL
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND trouble <> ''

-- name: note_sweep
-- How far a channel's orders were swept.
UPDATE channel_work SET swept_to = greatest(swept_to, %(swept_to)s), swept_at = clock_timestamp()
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: note_hooks
-- How a channel's webhook subscriptions were found, or left.
UPDATE channel_work SET hooks_problem = %(problem)s, hooks_seen_at = clock_timestamp()
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
