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
-- What may have been sold before a level was fixed was not, where all orders placed before a later moment were heard of.
-- Answers the SKUs.
WITH held AS (
    SELECT v.listing_id, v.place
      FROM level v
      JOIN listing l ON l.id = v.listing_id AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
     WHERE v.unheard > 0 AND v.fixed_at < %(before)s
     ORDER BY v.listing_id, v.place
       FOR UPDATE OF v
), forgotten AS (
    UPDATE level v SET unheard = 0 FROM held h WHERE v.listing_id = h.listing_id AND v.place = h.place
    RETURNING v.listing_id
)
SELECT DISTINCT s.code FROM forgotten f JOIN listing l ON l.id = f.listing_id JOIN sku s ON s.id = l.sku_id ORDER BY s.code
