-- Read-backs: what a walk over a channel found, what was looked at again, and what became of it.

-- name: begin_reconciliation
-- The record of a read-back; saying it twice changes nothing.
INSERT INTO reconciliation (id, workflow_id, run_id, request)
SELECT %(id)s, %(id)s, (SELECT id FROM run WHERE id = %(run)s), %(request)s
ON CONFLICT (id) DO NOTHING

-- name: begin_reconciliation_channel
-- A channel is taken up; again where its worker died, so whatever was found until then is found anew.
INSERT INTO reconciliation_channel (reconciliation_id, channel_id)
SELECT %(id)s, id FROM channel WHERE name = %(channel)s
ON CONFLICT (reconciliation_id, channel_id) DO UPDATE SET levels = 0

-- name: forget_suspects
-- Of a walk that begins anew, or of a read-back that has ended.
DELETE FROM suspect
 WHERE reconciliation_id = %(id)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: merge_found
-- One page of a walk against what is believed. What answered since the page was asked for knows better than the page; what
-- is claimed is being told or read in this moment, and that answer is the proof of it. A drift that is over is closed.
-- Answers how many levels of ours were on the page, and how many of them are suspects.
WITH found AS MATERIALIZED (
    SELECT v.listing_id, v.place, f.quantity, f.condition, f.changed_at
      FROM unnest(%(items)s::text[], %(trackings)s::text[], %(places)s::text[], %(quantities)s::int[],
                  %(conditions)s::text[], %(changed)s::timestamptz[])
           AS f(item, tracking, place, quantity, condition, changed_at)
      JOIN listing l ON l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.item_id = f.item
           AND l.tracking = f.tracking AND l.active
      JOIN level v ON v.listing_id = l.id AND v.place = f.place
     ORDER BY v.listing_id, v.place
       FOR NO KEY UPDATE OF v
), noted AS (
    UPDATE level v SET shown = coalesce(f.quantity, v.shown), shown_at = %(asked_at)s
      FROM found f
     WHERE v.listing_id = f.listing_id AND v.place = f.place AND coalesce(v.shown_at < %(asked_at)s, true)
    RETURNING v.listing_id, v.place, v.book, f.quantity, f.condition, f.changed_at,
              coalesce(v.booked_at < %(asked_at)s, true) AS older,
              v.book IS NOT NULL AND coalesce(v.claimed_until < clock_timestamp(), true) AS believed
), weighed AS (
    SELECT n.*, n.condition = 'untracked' OR (n.condition = 'overselling' AND NOT %(accept_overselling)s) AS odd,
           n.quantity IS DISTINCT FROM n.book AND n.older AS other
      FROM noted n
), accused AS (
    INSERT INTO suspect (reconciliation_id, channel_id, listing_id, place, book, shown, condition, changed_at)
    SELECT %(id)s, (SELECT id FROM channel WHERE name = %(channel)s), w.listing_id, w.place, w.book, w.quantity,
           w.condition, w.changed_at
      FROM weighed w WHERE w.believed AND (w.odd OR w.other)
    ON CONFLICT (reconciliation_id, channel_id, listing_id, place) DO NOTHING
    RETURNING listing_id
), mended AS (
    UPDATE drift d SET resolved_at = clock_timestamp(), resolution = 'a read-back found it right'
      FROM weighed w
     WHERE d.listing_id = w.listing_id AND d.place = w.place AND d.resolved_at IS NULL AND w.book = w.quantity AND NOT w.odd
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM accused)

-- name: compare_found
-- The same comparison for somebody who only looks: levels of ours on a page with what is believed of them, suspects only.
SELECT v.listing_id, v.place, s.code, l.item_id, l.parent_id, l.tracking, l.units, v.book, f.quantity, f.condition,
       f.changed_at, p.quantity, p.before, p.answered_at
  FROM unnest(%(items)s::text[], %(trackings)s::text[], %(places)s::text[], %(quantities)s::int[],
              %(conditions)s::text[], %(changed)s::timestamptz[])
       AS f(item, tracking, place, quantity, condition, changed_at)
  JOIN listing l ON l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.item_id = f.item
       AND l.tracking = f.tracking AND l.active
  JOIN sku s ON s.id = l.sku_id
  JOIN level v ON v.listing_id = l.id AND v.place = f.place
  LEFT JOIN LATERAL (SELECT quantity, before, answered_at FROM push
                      WHERE listing_id = v.listing_id AND place = v.place AND outcome = 'accepted'
                      ORDER BY id DESC LIMIT 1) p ON true
 WHERE v.book IS NOT NULL AND coalesce(v.claimed_until < clock_timestamp(), true)
   AND ((f.quantity IS DISTINCT FROM v.book AND coalesce(v.booked_at < %(asked_at)s, true)) OR f.condition = 'untracked'
        OR (f.condition = 'overselling' AND NOT %(accept_overselling)s))
 ORDER BY l.sort_key, l.id, v.place

-- name: accuse_missing
-- Levels that we believe in and that a whole walk did not come by. They are read before anybody is accused.
INSERT INTO suspect (reconciliation_id, channel_id, listing_id, place, book, missing)
SELECT %(id)s, l.channel_id, v.listing_id, v.place, v.book, true
  FROM listing l
  JOIN level v ON v.listing_id = l.id AND v.place = ANY (%(places)s)
 WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.active AND l.seen_at < %(since)s
   AND v.book IS NOT NULL AND coalesce(v.shown_at < %(since)s, true) AND coalesce(v.booked_at < %(since)s, true)
   AND coalesce(v.claimed_until < clock_timestamp(), true)
ON CONFLICT (reconciliation_id, channel_id, listing_id, place) DO NOTHING

-- name: believed_before
-- The next levels that a walk which began then should have come by, for somebody who only looks: in the columns of
-- compare_found, without anything shown.
SELECT v.listing_id, v.place, s.code, l.item_id, l.parent_id, l.tracking, l.units, v.book, NULL::integer, 'selling',
       NULL::timestamptz, p.quantity, p.before, p.answered_at
  FROM listing l
  JOIN level v ON v.listing_id = l.id AND v.place = ANY (%(places)s)
  JOIN sku s ON s.id = l.sku_id
  LEFT JOIN LATERAL (SELECT quantity, before, answered_at FROM push
                      WHERE listing_id = v.listing_id AND place = v.place AND outcome = 'accepted'
                      ORDER BY id DESC LIMIT 1) p ON true
 WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.active AND l.seen_at < %(since)s
   AND v.book IS NOT NULL AND coalesce(v.booked_at < %(since)s, true)
   AND coalesce(v.claimed_until < clock_timestamp(), true)
   AND (v.listing_id, v.place) > (%(listing)s, %(place)s)
 ORDER BY v.listing_id, v.place
 LIMIT %(limit)s

-- name: suspects_to_look_at
-- The next ones, in the order that suits the channel's bulk calls.
SELECT s.listing_id, s.place, s.book, s.shown, s.condition, s.missing, s.changed_at, s.item_id,
       p.quantity, p.before, p.answered_at
  FROM (SELECT u.*, l.item_id, l.sort_key
          FROM suspect u
          JOIN listing l ON l.id = u.listing_id
         WHERE u.reconciliation_id = %(id)s AND u.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
           AND u.outcome IS NULL
         ORDER BY l.sort_key, l.id, u.place
         LIMIT %(limit)s) s
  LEFT JOIN LATERAL (SELECT quantity, before, answered_at FROM push
                      WHERE listing_id = s.listing_id AND place = s.place AND outcome = 'accepted'
                      ORDER BY id DESC LIMIT 1) p ON true
 ORDER BY s.sort_key, s.listing_id, s.place

-- name: save_looks
-- What was seen of suspects when they were looked at again.
UPDATE suspect s SET expected = n.expected, seen = n.seen, problem = n.problem, outcome = n.outcome,
       looked_at = %(looked_at)s
  FROM unnest(%(listings)s::int[], %(places)s::text[], %(expected)s::int[], %(seen)s::int[], %(problems)s::text[],
              %(outcomes)s::text[]) AS n(listing, place, expected, seen, problem, outcome)
 WHERE s.reconciliation_id = %(id)s AND s.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND s.listing_id = n.listing AND s.place = n.place

-- name: suspect_counts
-- How many suspects there are, and how many of them were not right when they were looked at again.
SELECT count(*), count(*) FILTER (WHERE outcome = 'differs' OR (outcome = 'right' AND condition = 'overselling'))
  FROM suspect
 WHERE reconciliation_id = %(id)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: suspects_in_numbers
-- What repairing them would do to the channel, in listings and pieces: what was shown, held against what is believed now
-- that its sales were heard of. What is not tracked is told again whatever it shows; what was not come by is not.
SELECT (SELECT count(*)::int FROM listing l WHERE l.channel_id = ch.id AND l.active),
       count(*)::int, count(*) FILTER (WHERE o.emptied)::int, coalesce(sum(o.pieces), 0)::bigint
  FROM channel ch
  LEFT JOIN LATERAL (
    SELECT sum(abs(v.book - CASE WHEN s.condition = 'untracked' THEN 0 ELSE coalesce(s.shown, 0) END)) AS pieces,
           bool_and(v.book = 0) AND bool_or(s.shown > 0) AS emptied
      FROM suspect s
      JOIN level v ON v.listing_id = s.listing_id AND v.place = s.place
     WHERE s.reconciliation_id = %(id)s AND s.channel_id = ch.id AND v.book IS NOT NULL AND NOT s.missing
       AND (v.book IS DISTINCT FROM s.shown OR s.condition = 'untracked')
     GROUP BY s.listing_id) o ON true
 WHERE ch.name = %(channel)s AND o.pieces IS NOT NULL
 GROUP BY ch.id

-- name: suspects_to_judge
-- The next ones with all evidence: the last write before they were looked at, the pieces that are still waited for, and
-- whether an order was heard of, and another write went out, since the walk began. Of one that was right by then, the
-- last write before the walk.
SELECT s.listing_id, s.place, s.code, s.item_id, s.parent_id, s.tracking, s.units, s.book, s.shown, s.condition, s.missing,
       s.changed_at, s.expected, s.seen, s.problem, s.outcome, p.quantity, p.before, p.answered_at,
       coalesce((SELECT pieces FROM provisional_demand d WHERE d.listing_id = s.listing_id AND d.place = s.place), 0),
       coalesce((SELECT pieces FROM put_back r WHERE r.listing_id = s.listing_id AND r.place = s.place), 0),
       EXISTS (SELECT FROM order_line o
                 JOIN inbox i ON i.channel_id = o.channel_id AND i.subject = o.order_id
                WHERE o.listing_id = s.listing_id AND o.place = s.place AND i.received_at >= %(began)s
                  AND i.outcome = 'posted'),
       EXISTS (SELECT FROM push w
                WHERE w.listing_id = s.listing_id AND w.place = s.place AND w.outcome = 'accepted'
                  AND w.answered_at > %(began)s AND w.answered_at <= s.looked_at)
  FROM (SELECT u.*, k.code, l.item_id, l.parent_id, l.tracking, l.units
          FROM suspect u
          JOIN listing l ON l.id = u.listing_id
          JOIN sku k ON k.id = l.sku_id
         WHERE u.reconciliation_id = %(id)s AND u.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
           AND u.outcome IN ('right', 'differs')
         ORDER BY l.parent_id, u.listing_id, u.place
         LIMIT %(limit)s) s
  LEFT JOIN LATERAL (SELECT quantity, before, answered_at FROM push
                      WHERE listing_id = s.listing_id AND place = s.place AND outcome = 'accepted'
                        AND answered_at <= CASE WHEN s.outcome = 'right' THEN %(began)s ELSE s.looked_at END
                      ORDER BY id DESC LIMIT 1) p ON true
 ORDER BY s.parent_id, s.listing_id, s.place

-- name: suspects_judged
-- They were.
UPDATE suspect s SET outcome = 'judged'
  FROM unnest(%(listings)s::int[], %(places)s::text[]) AS n(listing, place)
 WHERE s.reconciliation_id = %(id)s AND s.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND s.listing_id = n.listing AND s.place = n.place

-- name: newest_delivery
-- The last one that anybody has told of.
SELECT coalesce(max(id), 0) FROM inbox

-- name: waits_until
-- Whether one of a channel's deliveries up to that one has no outcome yet.
SELECT EXISTS (SELECT FROM inbox
                WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND outcome IS NULL AND id <= %(last)s)

-- name: orders_only_swept
-- Pieces of each level in orders that sweeps have told of since then and no webhook has, with the oldest of the orders.
SELECT o.listing_id, o.place, sum((o.open + o.fulfilled) / o.units), array_agg(DISTINCT o.order_id),
       min((i.body ->> 'placed_at')::timestamptz)
  FROM inbox i
  JOIN order_line o ON o.channel_id = i.channel_id AND o.order_id = i.subject
 WHERE i.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND i.received_at >= %(since)s
   AND i.delivery_id = 'sweep' AND i.outcome = 'posted' AND o.listing_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM inbox w WHERE w.channel_id = i.channel_id AND w.subject = i.subject
                      AND w.delivery_id <> 'sweep' AND w.received_at >= %(since)s - interval '1 hour')
 GROUP BY o.listing_id, o.place

-- name: record_drift
-- What was found wrong; a drift that is open already was seen again. Answers the number of each.
INSERT INTO drift AS d (reconciliation_id, channel_id, listing_id, place, expected, shown, cause, evidence, happened_at,
                        action, resolved_at, resolution)
SELECT %(id)s, (SELECT id FROM channel WHERE name = %(channel)s), n.listing, n.place, n.expected, n.shown, n.cause,
       n.evidence, n.happened_at, n.action, CASE WHEN n.resolution <> '' THEN clock_timestamp() END, n.resolution
  FROM unnest(%(listings)s::int[], %(places)s::text[], %(expected)s::int[], %(shown)s::int[], %(causes)s::text[],
              %(evidence)s::text[], %(happened)s::timestamptz[], %(actions)s::text[], %(resolutions)s::text[])
       AS n(listing, place, expected, shown, cause, evidence, happened_at, action, resolution)
 ORDER BY n.listing, n.place
ON CONFLICT (listing_id, place) WHERE resolved_at IS NULL DO UPDATE SET
    seen_at = clock_timestamp(), expected = excluded.expected, shown = excluded.shown, cause = excluded.cause,
    evidence = excluded.evidence, happened_at = excluded.happened_at, action = excluded.action
RETURNING d.id, d.listing_id, d.place

-- name: disprove_levels
-- Orders were swept after these levels were read, and none explains them: nothing is waited for any more.
WITH held AS (
    SELECT v.listing_id, v.place
      FROM level v
     WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[]))
     ORDER BY v.listing_id, v.place
       FOR UPDATE
), back AS (
    DELETE FROM put_back r USING held h WHERE r.listing_id = h.listing_id AND r.place = h.place
)
DELETE FROM provisional_demand d USING held h WHERE d.listing_id = h.listing_id AND d.place = h.place

-- name: drifts_to_prove
-- Drifts of a read-back that something was sent for and that are still open.
SELECT d.id, d.listing_id, d.place
  FROM drift d
 WHERE d.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND d.resolved_at IS NULL
   AND d.seen_at >= %(since)s AND d.action IN ('push', 'widen', 'halt')
 ORDER BY d.id

-- name: resolve_drifts
-- They show what they should.
UPDATE drift SET resolved_at = clock_timestamp(), resolution = %(resolution)s
 WHERE id IN (SELECT id FROM drift WHERE id = ANY (%(ids)s) AND resolved_at IS NULL ORDER BY id FOR UPDATE)

-- name: list_drifts
-- Drifts, the newest first: of one channel or all, of one SKU or all, only open ones or all, since then, with what the
-- listing shows now by our belief.
SELECT d.id, d.reconciliation_id, ch.name, k.code, l.id, l.item_id, d.place, d.found_at, d.seen_at, d.expected, d.shown,
       d.cause, d.evidence, d.happened_at, d.action, d.resolved_at, d.resolution, l.units
  FROM drift d
  JOIN channel ch ON ch.id = d.channel_id
  JOIN listing l ON l.id = d.listing_id
  JOIN sku k ON k.id = l.sku_id
 WHERE (%(channel)s::text IS NULL OR ch.name = %(channel)s) AND (%(sku)s::text IS NULL OR k.code = %(sku)s)
   AND (%(open)s = false OR d.resolved_at IS NULL) AND (%(since)s::timestamptz IS NULL OR d.seen_at >= %(since)s)
 ORDER BY d.id DESC
 LIMIT %(limit)s

-- name: drift_causes
-- What went wrong since then, by channel, cause and hour (of what it is blamed on, where that is known).
SELECT ch.name, d.cause, date_trunc('hour', coalesce(d.happened_at, d.found_at), 'UTC'), count(*),
       count(*) FILTER (WHERE d.resolved_at IS NULL)
  FROM drift d
  JOIN channel ch ON ch.id = d.channel_id
 WHERE d.found_at >= %(since)s AND (%(until)s::timestamptz IS NULL OR d.found_at < %(until)s)
   AND (%(channel)s::text IS NULL OR ch.name = %(channel)s)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3

-- name: reconciliation_progress
-- How far a walk has come; absolute, so that saying it twice does no harm.
UPDATE reconciliation_channel SET levels = %(levels)s, suspects = %(suspects)s
 WHERE reconciliation_id = %(id)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: add_reconciliation_costs
-- What a step cost the channel's budget.
UPDATE reconciliation_channel SET reads = reads + %(reads)s, writes = writes + %(writes)s,
       throttled = throttled + %(throttled)s, waited_seconds = waited_seconds + %(waited)s
 WHERE reconciliation_id = %(id)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: finish_reconciliation_channel
-- Close a channel's part with what was found.
UPDATE reconciliation_channel c SET finished_at = clock_timestamp(), message = %(message)s,
       status = coalesce(%(status)s::text, CASE WHEN f.drifts > 0 THEN 'drift' ELSE 'clean' END),
       drifts = f.drifts, halted = f.halted
  FROM (SELECT count(*) AS drifts, count(*) FILTER (WHERE action = 'halt') AS halted
          FROM drift
         WHERE seen_at >= (SELECT started_at FROM reconciliation_channel
                            WHERE reconciliation_id = %(id)s
                              AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s))
           AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)) f
 WHERE c.reconciliation_id = %(id)s AND c.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND c.status = 'running'

-- name: close_reconciliation_channels
-- Channels that a read-back which ends did not finish.
UPDATE reconciliation_channel SET status = 'failed', finished_at = clock_timestamp(), message = %(summary)s
 WHERE reconciliation_id = %(id)s AND status = 'running'

-- name: finish_reconciliation
-- Close a read-back; the first word stands.
UPDATE reconciliation SET status = %(status)s, finished_at = clock_timestamp(), summary = %(summary)s
 WHERE id = %(id)s AND status = 'running'

-- name: get_reconciliation
-- One of them.
SELECT id, run_id, started_at, finished_at, status, request, summary FROM reconciliation WHERE id = %(id)s

-- name: recent_reconciliations
-- The newest of them.
SELECT id, run_id, started_at, finished_at, status, request, summary
  FROM reconciliation ORDER BY started_at DESC LIMIT %(limit)s

-- name: reconciliation_channels
-- What a read-back found on each channel; `open` counts what is still wrong of it now.
SELECT ch.name, c.status, c.started_at, c.finished_at, c.levels, c.suspects, c.drifts, c.halted, c.reads, c.writes,
       c.throttled, c.waited_seconds, c.message,
       (SELECT count(*) FROM drift d WHERE d.channel_id = c.channel_id AND d.resolved_at IS NULL
           AND d.seen_at BETWEEN c.started_at AND coalesce(c.finished_at, clock_timestamp()))
  FROM reconciliation_channel c
  JOIN channel ch ON ch.id = c.channel_id
 WHERE c.reconciliation_id = %(id)s
 ORDER BY ch.name

-- name: forget_reconciliations
-- Records past their retention; what is open, or the reason of a halt, is kept.
WITH gone AS (
    DELETE FROM reconciliation WHERE started_at < clock_timestamp() - make_interval(days => %(days)s)
)
DELETE FROM drift d
 WHERE d.resolved_at < clock_timestamp() - make_interval(days => %(days)s)
   AND NOT EXISTS (SELECT FROM halt h WHERE h.drift_id = d.id)
