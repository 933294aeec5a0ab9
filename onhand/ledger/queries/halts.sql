-- Listings held at zero on purpose, and those of which more is kept back than their rule says.

-- name: place_halts
-- Those that are not halted yet.
INSERT INTO halt (listing_id, placed_by, cause, reason, drift_id, clean_reads_needed)
SELECT n.listing, %(by)s, %(cause)s, %(reason)s, n.drift, %(clean_reads)s
  FROM unnest(%(listings)s::int[], %(drifts)s::bigint[]) AS n(listing, drift)
 ORDER BY n.listing
ON CONFLICT (listing_id) WHERE lifted_at IS NULL DO NOTHING
RETURNING listing_id

-- name: lift_halts
-- Those that are halted.
UPDATE halt SET lifted_at = clock_timestamp(), lifted_by = %(by)s
 WHERE id IN (SELECT id FROM halt WHERE listing_id = ANY (%(listings)s) AND lifted_at IS NULL ORDER BY id FOR UPDATE)
RETURNING listing_id

-- name: standing_halts
-- Every halt that was not lifted, the newest first.
SELECT h.id, h.listing_id, ch.name, s.code, l.item_id, l.parent_id, l.tracking, h.placed_at, h.placed_by, h.cause,
       h.reason, h.drift_id, h.clean_reads_needed, h.clean_reads, h.hidden
  FROM halt h
  JOIN listing l ON l.id = h.listing_id
  JOIN channel ch ON ch.id = l.channel_id
  JOIN sku s ON s.id = l.sku_id
 WHERE h.lifted_at IS NULL AND (%(channel)s::text IS NULL OR ch.name = %(channel)s)
   AND (%(sku)s::text IS NULL OR s.code = %(sku)s)
 ORDER BY h.id DESC

-- name: mark_halted
-- What they show has to change: they are looked at again, now.
SELECT mark_listings_v3(ARRAY(SELECT DISTINCT sku_id FROM listing WHERE id = ANY (%(listings)s) ORDER BY sku_id), true)

-- name: note_hidden
-- The channel has taken them out of sight, or back.
UPDATE halt SET hidden = %(hidden)s
 WHERE id IN (SELECT DISTINCT ON (listing_id) id FROM halt WHERE listing_id = ANY (%(listings)s)
               ORDER BY listing_id, id DESC)

-- name: hidden_halts
-- Listings that are out of sight for a halt that was lifted: they have to be shown again, unless they show nothing and
-- are hidden for that, too.
SELECT l.id, s.code, l.item_id, l.parent_id, l.tracking
  FROM halt h
  JOIN listing l ON l.id = h.listing_id
  JOIN sku s ON s.id = l.sku_id
 WHERE h.hidden AND h.lifted_at IS NOT NULL
   AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND NOT EXISTS (SELECT FROM halt h2 WHERE h2.listing_id = h.listing_id AND h2.lifted_at IS NULL)
   AND NOT EXISTS (SELECT FROM zero_hiding z WHERE z.listing_id = h.listing_id AND z.hidden)
 ORDER BY l.sort_key, l.id

-- name: widen_buffers
-- More is kept from them than before, up to a limit; what was clean before counts no more.
INSERT INTO widened_buffer AS w (listing_id, units, reason)
SELECT n.listing, least(%(units)s, %(most)s), %(reason)s
  FROM unnest(%(listings)s::int[]) AS n(listing)
 ORDER BY n.listing
ON CONFLICT (listing_id) DO UPDATE SET
    units = greatest(w.units, least(w.units + excluded.units, %(most)s)), clean_reads = 0, reason = excluded.reason

-- name: count_clean_reads
-- A whole read-back of a channel has ended: what was right in it counts towards the end of halts and widened buffers, and
-- what was not begins to count anew. Answers what has been clean for long enough.
WITH judged AS (
    SELECT l.id, bool_and(v.shown = v.book AND v.shown_at >= %(since)s) IS TRUE
                 AND NOT EXISTS (SELECT FROM drift d WHERE d.listing_id = l.id AND d.seen_at >= %(since)s) AS clean
      FROM listing l
      JOIN level v ON v.listing_id = l.id
     WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
       AND (l.id IN (SELECT listing_id FROM halt WHERE lifted_at IS NULL)
            OR l.id IN (SELECT listing_id FROM widened_buffer))
     GROUP BY l.id
), halts AS (
    UPDATE halt h SET clean_reads = CASE WHEN j.clean THEN h.clean_reads + 1 ELSE 0 END
      FROM judged j WHERE h.listing_id = j.id AND h.lifted_at IS NULL AND h.placed_at < %(since)s
    RETURNING h.listing_id, h.clean_reads >= h.clean_reads_needed AS over
), widened AS (
    UPDATE widened_buffer w SET clean_reads = CASE WHEN j.clean THEN w.clean_reads + 1 ELSE 0 END
      FROM judged j WHERE w.listing_id = j.id AND w.since < %(since)s
    RETURNING w.listing_id, w.clean_reads >= %(clean_reads)s AS over
)
SELECT listing_id, true FROM halts WHERE over
UNION ALL
SELECT listing_id, false FROM widened WHERE over
 ORDER BY 1, 2

-- name: narrow_buffers
-- They have been clean for long enough.
DELETE FROM widened_buffer WHERE listing_id = ANY (%(listings)s)
