-- What the guard knows of each channel: runs that were held, and what no run was let through with yet.

-- name: note_unjudged
-- A source has said something new: until a run was let through with it, only runs tell channels of it.
INSERT INTO judgement (channel_id, unjudged_from)
SELECT id, %(first_event)s FROM channel ORDER BY id
ON CONFLICT (channel_id) DO UPDATE SET unjudged_from = least(judgement.unjudged_from, excluded.unjudged_from)
 WHERE judgement.unjudged_from IS NULL OR judgement.unjudged_from > excluded.unjudged_from

-- name: guard_glance
-- What may change on a channel, at most; its listings are counted only where that is worth it. Each pending listing is
-- looked up by itself (the limit sees to that): they are few, and reading all levels for them would cost more than a page.
WITH this AS MATERIALIZED (
    SELECT id FROM channel WHERE name = %(channel)s
), pending AS MATERIALIZED (
    SELECT count(*)::int AS listings
      FROM outbox o
     WHERE o.channel_id = (SELECT id FROM this)
       AND (SELECT true FROM level v WHERE v.listing_id = o.listing_id AND v.book IS NOT NULL LIMIT 1)
)
SELECT p.listings,
       CASE WHEN p.listings >= %(listings_min)s
            THEN (SELECT count(*)::int FROM listing l WHERE l.channel_id = (SELECT id FROM this) AND l.active)
            ELSE 0 END,
       coalesce((SELECT j.rules FROM judgement j WHERE j.channel_id = (SELECT id FROM this)), ''),
       EXISTS (SELECT FROM hold h WHERE h.channel_id = (SELECT id FROM this) AND h.kind = 'sync')
  FROM pending p

-- name: let_through
-- A run goes to the channel with all that was said until now, under these rules.
WITH no_exception_any_more AS (
    DELETE FROM named_listing n USING listing l, channel c
     WHERE l.id = n.listing_id AND l.channel_id = c.id AND c.name = %(channel)s
)
INSERT INTO judgement (channel_id, rules)
SELECT id, %(rules)s FROM channel WHERE name = %(channel)s
ON CONFLICT (channel_id) DO UPDATE SET unjudged_from = NULL, rules = excluded.rules

-- name: name_listings
-- A person has these told to the channel, whatever else of it is unjudged.
INSERT INTO named_listing AS n (listing_id, last_event)
SELECT l.id, (SELECT coalesce(max(e.id), 0) FROM event e)
  FROM listing l
  JOIN judgement j ON j.channel_id = l.channel_id AND j.unjudged_from IS NOT NULL
 WHERE l.id = ANY (%(listings)s)
 ORDER BY l.id
ON CONFLICT (listing_id) DO UPDATE SET last_event = excluded.last_event

-- name: save_hold
-- A run is held. While the same hold stands, since when and whom it was told to stays; one that was released is over.
INSERT INTO hold AS h (channel_id, kind, run_id, listings, changing, zeroing, units, reason)
SELECT id, %(kind)s, %(run)s, %(listings)s, %(changing)s, %(zeroing)s, %(units)s, %(reason)s
  FROM channel WHERE name = %(channel)s
ON CONFLICT (channel_id, kind) DO UPDATE SET
    run_id = excluded.run_id, listings = excluded.listings, changing = excluded.changing, zeroing = excluded.zeroing,
    units = excluded.units, reason = excluded.reason,
    held_at = CASE WHEN h.released_at IS NULL THEN h.held_at ELSE excluded.held_at END,
    told_at = CASE WHEN h.released_at IS NULL THEN h.told_at END,
    released_at = NULL, released_by = ''

-- name: holds
-- What is held on these channels, or was released and is not sent yet.
SELECT c.name, h.kind, h.run_id, h.held_at, h.listings, h.changing, h.zeroing, h.units, h.reason, h.told_at,
       h.released_at, h.released_by
  FROM hold h
  JOIN channel c ON c.id = h.channel_id
 WHERE %(channels)s::text[] IS NULL OR c.name = ANY (%(channels)s)
 ORDER BY c.name, h.kind

-- name: hold_told
-- People were alerted of this one; one that was held anew meanwhile is told again.
UPDATE hold SET told_at = clock_timestamp()
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND kind = %(kind)s AND held_at = %(held_at)s

-- name: release_hold
-- A person lets it go: the next errand may do so much. The first word stands.
UPDATE hold SET released_at = clock_timestamp(), released_by = %(by)s, listings = %(listings)s,
       changing = %(changing)s, zeroing = %(zeroing)s, units = %(units)s
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND kind = %(kind)s AND released_at IS NULL

-- name: use_hold
-- This errand sends what was released.
UPDATE hold SET run_id = %(run)s
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND kind = %(kind)s AND released_at IS NOT NULL

-- name: drop_hold
-- It is over. With a run: only where it was released and that run has sent it.
DELETE FROM hold
 WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND kind = %(kind)s
   AND (%(run)s::text IS NULL OR (run_id = %(run)s AND released_at IS NOT NULL))
