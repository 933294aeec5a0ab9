-- Which SKU each item of a channel is: what discovery finds, and what operators state.

-- name: known_items
-- What these items of a channel are mapped to, or were.
SELECT l.item_id, s.code, l.pinned, l.active
  FROM listing l
  JOIN sku s ON s.id = l.sku_id
 WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.item_id = ANY (%(items)s)

-- name: save_found
-- Items of a discovery with their SKU. A new or moved one stays inactive until the whole channel was seen.
INSERT INTO listing AS l (channel_id, sku_id, item_id, parent_id, tracking, sort_key, order_ref, active)
SELECT ch.id, s.id, m.item_id, m.parent_id, m.tracking, m.sort_key, m.order_ref, false
  FROM unnest(%(skus)s::text[], %(items)s::text[], %(parents)s::text[], %(trackings)s::text[],
              %(sort_keys)s::text[], %(order_refs)s::text[])
       AS m(sku, item_id, parent_id, tracking, sort_key, order_ref)
  JOIN sku s ON s.code = m.sku
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY m.item_id
ON CONFLICT (channel_id, item_id) DO UPDATE SET
    sku_id = CASE WHEN l.pinned THEN l.sku_id ELSE excluded.sku_id END,
    active = l.active AND (l.pinned OR l.sku_id = excluded.sku_id),
    parent_id = excluded.parent_id, tracking = excluded.tracking, sort_key = excluded.sort_key,
    order_ref = excluded.order_ref, seen_at = clock_timestamp()

-- name: activate_found
-- After a complete discovery: what was found for a SKU that nothing else on the channel claims.
UPDATE listing l SET active = true
  FROM (SELECT id, count(*) OVER (PARTITION BY sku_id) AS claims
          FROM listing
         WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND seen_at >= %(started)s) seen
 WHERE seen.id = l.id AND NOT l.active AND (l.pinned OR seen.claims = 1)

-- name: discovery_losses
-- How many listings are active, and how many of them this discovery did not see.
SELECT count(*), count(*) FILTER (WHERE seen_at < %(started)s)
  FROM listing
 WHERE active AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: mark_discovered
-- The discovery that began then was complete.
UPDATE channel SET discovered_from = %(started)s WHERE name = %(channel)s

-- name: count_contested
-- How many SKUs several items of a channel claim, with at least one of these items left out.
SELECT count(*) FROM (
    SELECT FROM listing l JOIN channel ch ON ch.id = l.channel_id AND ch.name = %(channel)s
     WHERE l.active OR l.seen_at >= ch.discovered_from
     GROUP BY l.sku_id
    HAVING count(*) > 1 AND bool_or(NOT l.active)) contested

-- name: contested_skus
-- SKUs that several items of a channel claim; of the items, those that are mapped and those left out.
SELECT s.code, s.name, array_agg(l.item_id ORDER BY l.item_id) FILTER (WHERE l.active),
       array_agg(l.item_id ORDER BY l.item_id) FILTER (WHERE NOT l.active)
  FROM listing l
  JOIN sku s ON s.id = l.sku_id
  JOIN channel ch ON ch.id = l.channel_id AND ch.name = %(channel)s
 WHERE l.active OR l.seen_at >= ch.discovered_from
 GROUP BY s.code, s.name
HAVING count(*) > 1 AND bool_or(NOT l.active)
 ORDER BY s.code
 LIMIT %(limit)s

-- name: pin_listings
-- Items of one channel that an operator says are these SKUs; discovery keeps to it.
INSERT INTO listing (channel_id, sku_id, item_id, parent_id, tracking, sort_key, units, pinned)
SELECT ch.id, s.id, m.item_id, m.parent_id, m.tracking, m.sort_key, m.units, true
  FROM unnest(%(skus)s::text[], %(items)s::text[], %(parents)s::text[], %(trackings)s::text[],
              %(sort_keys)s::text[], %(units)s::int[])
       AS m(sku, item_id, parent_id, tracking, sort_key, units)
  JOIN sku s ON s.code = m.sku
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY m.item_id
ON CONFLICT (channel_id, item_id) DO UPDATE SET
    sku_id = excluded.sku_id, units = excluded.units, pinned = true, active = true,
    parent_id = coalesce(nullif(excluded.parent_id, ''), listing.parent_id),
    tracking = coalesce(nullif(excluded.tracking, ''), listing.tracking),
    sort_key = coalesce(nullif(excluded.sort_key, excluded.item_id), listing.sort_key),
    seen_at = clock_timestamp()
RETURNING item_id

-- name: problem_counts
-- How many items the last discovery could not map, by what was wrong.
SELECT problem, count(*) FROM refused_row WHERE run_id = %(run)s GROUP BY problem
