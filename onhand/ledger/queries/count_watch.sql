-- What people are told of counts: lines that were escalated, and small differences that add up.

-- name: small_differences
-- Per shelf, within the window; not those that were taken back, unless that was taken back in turn.
SELECT s.code, l.code, count(*), sum(k.difference)
  FROM shelf_count k
  JOIN sku s ON s.id = k.sku_id
  JOIN location l ON l.id = k.location_id
 WHERE k.event_id IS NOT NULL AND k.grade IN ('tolerated', 'small') AND k.counted_at > %(since)s
   AND (WITH RECURSIVE word(id, stands) AS (
            SELECT k.event_id, true
             UNION ALL
            SELECT r.id, NOT w.stands FROM word w JOIN event r ON r.source = 'reversal' AND r.external_id = w.id::text)
        SELECT stands FROM word ORDER BY id DESC LIMIT 1)
 GROUP BY s.code, l.code
 ORDER BY s.code, l.code

-- name: watched_sums
-- Those above their limit as of the last look, the widest scope first.
SELECT scope, subject, units, counts, since, told FROM count_watch
 ORDER BY array_position(ARRAY['total', 'location', 'sku'], scope), abs(units) DESC, subject

-- name: lock_count_watch
-- Held until the end of the transaction: one process keeps sums at a time, so that people are told once.
LOCK TABLE count_watch IN SHARE ROW EXCLUSIVE MODE

-- name: keep_watched_sums
INSERT INTO count_watch AS w (scope, subject, units, counts)
SELECT c.scope, c.subject, c.units, c.counts
  FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(units)s::bigint[], %(counts)s::int[])
       AS c(scope, subject, units, counts)
 ORDER BY c.scope, c.subject
ON CONFLICT (scope, subject) DO UPDATE SET units = excluded.units, counts = excluded.counts

-- name: drop_other_sums
-- What has come below its limit again.
DELETE FROM count_watch w
 WHERE NOT EXISTS (SELECT FROM unnest(%(scopes)s::text[], %(subjects)s::text[]) AS c(scope, subject)
                    WHERE c.scope = w.scope AND c.subject = w.subject)

-- name: note_sums_told
UPDATE count_watch SET told = units
 WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))

-- name: unclaim_sums
-- Nobody could be told.
UPDATE count_watch w SET told = c.told
  FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(tolds)s::bigint[]) AS c(scope, subject, told)
 WHERE w.scope = c.scope AND w.subject = c.subject

-- name: claim_escalated
-- Lines with a large difference that nobody was told of; nobody else is given them.
WITH mine AS (
    SELECT sheet_id, sku_id FROM count_line
     WHERE state = 'escalated' AND flagged AND told_at IS NULL
     ORDER BY sheet_id, sku_id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), told AS (
    UPDATE count_line n SET told_at = clock_timestamp() FROM mine m
     WHERE n.sheet_id = m.sheet_id AND n.sku_id = m.sku_id
    RETURNING n.sheet_id, n.sku_id, n.location_id, n.reason
)
SELECT t.sheet_id, s.code, s.name, l.code, t.reason, k.quantity, k.expected, k.difference
  FROM told t
  JOIN sku s ON s.id = t.sku_id
  JOIN location l ON l.id = t.location_id
  JOIN LATERAL (
    SELECT * FROM shelf_count k2
     WHERE k2.sheet_id = t.sheet_id AND k2.sku_id = t.sku_id ORDER BY k2.turn DESC LIMIT 1) k ON true
 ORDER BY abs(k.difference) DESC, s.code

-- name: unclaim_escalated
-- Nobody could be told.
UPDATE count_line n SET told_at = NULL
  FROM unnest(%(sheets)s::int[], %(skus)s::text[]) AS c(sheet, sku)
  JOIN sku s ON s.code = c.sku
 WHERE n.sheet_id = c.sheet AND n.sku_id = s.id

-- name: counts_that_wait
-- For a second count or a person, since when, and on how many sheets.
SELECT count(*), min(n.printed_at), count(DISTINCT n.sheet_id), min(n.sheet_id)
  FROM count_line n WHERE n.state = 'escalated'
