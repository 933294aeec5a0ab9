-- Listings that show nothing, out of sight until there is some.

-- name: listings_to_hide
-- Listings of a channel that show nothing anywhere, with nothing on its way to them; those that could not be hidden are
-- tried again after a while. All that show nothing of the same product are among them, as some channels hide whole
-- products. What is halted is left to its halt.
WITH empty AS (
    SELECT l.id, l.parent_id, z.listing_id IS NULL OR (NOT z.hidden AND z.tried_at < %(before)s) AS due
      FROM listing l
      LEFT JOIN zero_hiding z ON z.listing_id = l.id
     WHERE l.active AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
       AND EXISTS (SELECT FROM level v WHERE v.listing_id = l.id)
       AND NOT EXISTS (SELECT FROM level v WHERE v.listing_id = l.id AND v.book IS DISTINCT FROM 0)
       AND NOT EXISTS (SELECT FROM outbox o WHERE o.listing_id = l.id)
       AND NOT EXISTS (SELECT FROM halt h WHERE h.listing_id = l.id AND h.lifted_at IS NULL)
), chosen AS (
    SELECT id, parent_id FROM empty WHERE due ORDER BY id LIMIT %(limit)s
)
SELECT l.id, s.code, l.item_id, l.parent_id, l.tracking
  FROM empty e
  JOIN listing l ON l.id = e.id
  JOIN sku s ON s.id = l.sku_id
 WHERE e.id IN (SELECT id FROM chosen)
    OR (e.parent_id <> '' AND e.parent_id IN (SELECT parent_id FROM chosen))
 ORDER BY l.sort_key, l.id

-- name: listings_to_show
-- Listings that we took out of sight and that show something by now, or that are not to be hidden any more. On a channel
-- that hides whole products, with all others of the product. A halted one stays where its halt wants it.
WITH back AS (
    SELECT l.id, l.parent_id
      FROM zero_hiding z
      JOIN listing l ON l.id = z.listing_id
     WHERE z.hidden AND l.active AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
       AND (NOT %(enabled)s OR EXISTS (SELECT FROM level v WHERE v.listing_id = l.id AND v.book > 0))
       AND NOT EXISTS (SELECT FROM halt h WHERE h.listing_id = l.id AND h.lifted_at IS NULL)
     ORDER BY l.id
     LIMIT %(limit)s
), shown AS (
    SELECT l.id, l.parent_id
      FROM listing l
     WHERE l.active AND l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
       AND (l.id IN (SELECT id FROM back)
            OR (%(whole)s AND l.parent_id <> '' AND l.parent_id IN (SELECT parent_id FROM back)))
)
SELECT l.id, s.code, l.item_id, l.parent_id, l.tracking
  FROM shown n
  JOIN listing l ON l.id = n.id
  JOIN sku s ON s.id = l.sku_id
 WHERE NOT EXISTS (
    SELECT FROM shown o JOIN halt h ON h.listing_id = o.id
     WHERE (o.id = n.id OR (n.parent_id <> '' AND o.parent_id = n.parent_id)) AND h.hidden AND h.lifted_at IS NULL)
 ORDER BY l.sort_key, l.id

-- name: note_zero_hidden
-- What the channel made of them: out of sight, or not possible.
INSERT INTO zero_hiding AS z (listing_id, hidden)
SELECT n.listing, n.hidden FROM unnest(%(listings)s::int[], %(hidden)s::boolean[]) AS n(listing, hidden)
 ORDER BY n.listing
ON CONFLICT (listing_id) DO UPDATE SET
    since = CASE WHEN z.hidden = excluded.hidden THEN z.since ELSE excluded.since END,
    hidden = excluded.hidden, tried_at = excluded.tried_at

-- name: note_zero_shown
-- They are in sight again, also where a halt that is over had hidden them, too.
WITH gone AS (
    DELETE FROM zero_hiding WHERE listing_id = ANY (%(listings)s)
)
UPDATE halt SET hidden = false WHERE listing_id = ANY (%(listings)s) AND hidden AND lifted_at IS NOT NULL

-- name: hidings_of_sku
-- The listings of a SKU that show nothing and that we took out of sight, or could not.
SELECT z.listing_id, z.hidden, z.since
  FROM zero_hiding z JOIN listing l ON l.id = z.listing_id JOIN sku s ON s.id = l.sku_id
 WHERE s.code = %(sku)s

-- name: hidden_at_zero
-- Of these listings, those that we took out of sight.
SELECT listing_id FROM zero_hiding WHERE hidden AND listing_id = ANY (%(listings)s)
