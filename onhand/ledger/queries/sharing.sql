-- Which SKUs are in shares, and campaigns.

-- name: enter_shares
-- SKUs of which no more than so many are free at these locations come into shares; answers those that were not in them.
INSERT INTO shared_sku (sku_id)
SELECT s.id
  FROM unnest(%(skus)s::text[], %(limits)s::float8[]) AS w(sku, units)
  JOIN sku s ON s.code = w.sku AND NOT s.kit
 WHERE free_units_v1(s.id, ARRAY(SELECT o.id FROM unnest(%(of_skus)s::text[], %(locations)s::text[]) AS d(sku, location)
                                   JOIN location o ON o.code = d.location WHERE d.sku = w.sku)) <= w.units
 ORDER BY s.id
ON CONFLICT (sku_id) DO NOTHING
RETURNING sku_id

-- name: leave_shares
-- SKUs of which more are free leave them; null: whatever there is. One that a campaign holds does not. Answers those that
-- did.
WITH held AS (
    SELECT h.sku_id
      FROM unnest(%(skus)s::text[], %(limits)s::float8[]) AS w(sku, units)
      JOIN sku s ON s.code = w.sku
      JOIN shared_sku h ON h.sku_id = s.id
     WHERE coalesce(free_units_v1(s.id, ARRAY(
                        SELECT o.id FROM unnest(%(of_skus)s::text[], %(locations)s::text[]) AS d(sku, location)
                          JOIN location o ON o.code = d.location WHERE d.sku = w.sku)) > w.units, true)
       AND NOT EXISTS (SELECT FROM campaign g WHERE g.sku_id = s.id AND g.ended_at IS NULL)
     ORDER BY h.sku_id
       FOR UPDATE OF h
)
DELETE FROM shared_sku h USING held w WHERE h.sku_id = w.sku_id
RETURNING h.sku_id

-- name: mark_shared
-- Their listings are looked at again, where any level of theirs may show something: otherwise nobody has to be told anew.
SELECT mark_listings_v3(ARRAY(
    SELECT u.id FROM unnest(%(skus)s::int[]) AS u(id)
     WHERE EXISTS (SELECT FROM listing l JOIN level v ON v.listing_id = l.id
                    WHERE l.sku_id = u.id AND l.active
                      AND (v.claimed_until IS NOT NULL OR may_sell(v) > 0))
     ORDER BY u.id), %(live)s)

-- name: forget_unheard
-- What may have been sold before a level was fixed, or set without looking, was not, where all orders placed before a later
-- moment were heard of. Answers the SKUs.
WITH held AS (
    SELECT v.listing_id, v.place
      FROM level v
      JOIN listing l ON l.id = v.listing_id AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
     WHERE (v.unheard > 0 OR v.undone > 0) AND coalesce(v.fixed_at, v.booked_at) < %(before)s
     ORDER BY v.listing_id, v.place
       FOR UPDATE OF v
), forgotten AS (
    UPDATE level v SET unheard = 0, undone = 0 FROM held h WHERE v.listing_id = h.listing_id AND v.place = h.place
    RETURNING v.listing_id
)
SELECT DISTINCT s.code FROM forgotten f JOIN listing l ON l.id = f.listing_id JOIN sku s ON s.id = l.sku_id ORDER BY s.code

-- name: campaign_refusals
-- The first of these SKUs that cannot be put in shares, and why.
SELECT w.code,
       CASE WHEN s.id IS NULL THEN 'is no SKU; import it first: onhand import catalogue FILE'
            WHEN s.kit THEN 'is a kit, which is packed from others: start it for its components'
            WHEN EXISTS (SELECT FROM campaign g WHERE g.sku_id = s.id AND g.ended_at IS NULL)
            THEN 'is in a campaign already: end that first, with onhand campaign end ' || w.code
            WHEN EXISTS (SELECT FROM preorder p WHERE p.sku_id = s.id AND p.closed_at IS NULL)
            THEN 'is sold before it arrives, beyond what could be shared: onhand preorders close ' || w.code
            ELSE 'is kept for a wholesale partner, beyond what could be shared: onhand programmes list' END
  FROM unnest(%(skus)s::text[]) AS w(code)
  LEFT JOIN sku s ON s.code = w.code
 WHERE s.id IS NULL OR s.kit
    OR EXISTS (SELECT FROM campaign g WHERE g.sku_id = s.id AND g.ended_at IS NULL)
    OR EXISTS (SELECT FROM preorder p WHERE p.sku_id = s.id AND p.closed_at IS NULL)
    OR EXISTS (SELECT FROM programme_line n JOIN programme m ON m.id = n.programme_id AND m.ended_at IS NULL
                WHERE n.sku_id = s.id AND n.secured > n.taken)
 ORDER BY w.code
 LIMIT 1

-- name: start_campaigns
-- One row for each SKU.
INSERT INTO campaign (sku_id, shares, until, started_by)
SELECT s.id, %(shares)s, %(until)s, %(who)s FROM sku s WHERE s.code = ANY (%(skus)s) ORDER BY s.id
ON CONFLICT (sku_id) WHERE ended_at IS NULL DO NOTHING

-- name: share_campaigns
-- Their SKUs are in shares from now.
INSERT INTO shared_sku (sku_id) SELECT s.id FROM sku s WHERE s.code = ANY (%(skus)s) ORDER BY s.id
ON CONFLICT (sku_id) DO NOTHING

-- name: end_campaigns
-- Those of these SKUs, or those whose time is over. Whoever next works out their levels decides whether they stay in shares.
WITH over AS (
    SELECT g.id, s.code
      FROM campaign g
      JOIN sku s ON s.id = g.sku_id
     WHERE g.ended_at IS NULL AND (s.code = ANY (%(skus)s::text[]) OR g.until <= %(before)s::timestamptz)
     ORDER BY g.id
       FOR UPDATE OF g
)
UPDATE campaign g SET ended_at = clock_timestamp(), ended_by = %(who)s FROM over o WHERE g.id = o.id
RETURNING o.code

-- name: campaigns
-- The newest first.
SELECT s.code, g.shares, g.until, g.started_at, g.started_by, g.ended_at, g.ended_by
  FROM campaign g
  JOIN sku s ON s.id = g.sku_id
 WHERE (%(everything)s OR g.ended_at IS NULL) AND (%(sku)s::text IS NULL OR s.code = %(sku)s)
 ORDER BY g.id DESC
 LIMIT %(limit)s
