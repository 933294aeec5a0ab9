-- SKUs of which more is promised than there is.

-- name: short_skus
-- Those whose available units sum up to less than nothing, by more than was promised before it arrives. Only a SKU with a
-- negative balance can be one, so one walk over the balances finds them; an index on `available` would cost every posting
-- more than this does.
SELECT b.sku_id, -sum(b.available) - covered_v1(b.sku_id)
  FROM balance b
 WHERE b.sku_id IN (SELECT sku_id FROM balance WHERE available < 0)
 GROUP BY b.sku_id
HAVING sum(b.available) < 0 AND sum(b.available) + covered_v1(b.sku_id) < 0
 ORDER BY b.sku_id

-- name: promises_of_skus
-- The open orders of channels that hold units of these SKUs, by themselves or in a kit, with when each was placed; found
-- by the newest lines.
WITH line AS (
    SELECT b.sku_id, v.source, v.detail ->> 'order' AS order_id, min(v.occurred_at) AS sold_at
      FROM balance b
     CROSS JOIN LATERAL (
        SELECT event_id, state, quantity FROM entry
         WHERE sku_id = b.sku_id AND location_id = b.location_id
         ORDER BY version DESC LIMIT %(lines)s) e
      JOIN event v ON v.id = e.event_id AND v.kind = 'order'
     WHERE b.sku_id = ANY (%(skus)s) AND e.state = 'committed' AND e.quantity > 0
     GROUP BY b.sku_id, v.source, v.detail ->> 'order'
)
SELECT n.sku_id, ch.name, n.order_id, sum(o.open * coalesce((o.composition ->> s.code)::int, 1)), n.sold_at
  FROM line n
  JOIN channel ch ON n.source = 'channel/' || ch.name
  JOIN sku s ON s.id = n.sku_id
  JOIN order_line o ON o.channel_id = ch.id AND o.order_id = n.order_id AND o.open > 0
       AND CASE WHEN o.composition IS NULL THEN o.sku = s.code ELSE o.composition ? s.code END
 GROUP BY n.sku_id, ch.name, n.order_id, n.sold_at
 ORDER BY n.sku_id, n.sold_at DESC, ch.name, n.order_id

-- name: keep_oversells
-- Opened, or kept as they now are: the most it was short of, and whom it hits at present.
INSERT INTO oversell AS o (sku_id, units_short, last_channel_id, orders)
SELECT n.sku, n.short, ch.id, n.orders
  FROM unnest(%(skus)s::int[], %(shorts)s::int[], %(channels)s::text[], %(orders)s::jsonb[])
       AS n(sku, short, channel, orders)
  LEFT JOIN channel ch ON ch.name = n.channel
 ORDER BY n.sku
ON CONFLICT (sku_id) WHERE resolved_at IS NULL DO UPDATE SET
    units_short = greatest(o.units_short, excluded.units_short), last_channel_id = excluded.last_channel_id,
    orders = excluded.orders
 WHERE (o.units_short, o.orders) IS DISTINCT FROM (greatest(o.units_short, excluded.units_short), excluded.orders)

-- name: resolve_oversells
-- Those of SKUs that are not short any more.
UPDATE oversell SET resolved_at = clock_timestamp(), resolution = %(resolution)s
 WHERE id IN (SELECT id FROM oversell o
               WHERE o.resolved_at IS NULL
                 AND (SELECT coalesce(sum(available), 0) FROM balance WHERE sku_id = o.sku_id)
                     + covered_v1(o.sku_id) >= 0
               ORDER BY id FOR UPDATE)

-- name: to_halt_for_oversells
-- Listings of oversold SKUs, and of kits that hold one, that were not halted for it yet. One whose halt a person has lifted
-- since is left to that person. Where the guard is on and a SKU is short only by what a source has said and no run was let
-- through with, nobody is halted by it either: a file gone wrong would empty the shop past the guard.
SELECT DISTINCT ON (l.id) l.id, s.code, o.units_short
  FROM oversell o
  JOIN sku s ON s.id = o.sku_id
  JOIN listing l ON l.active
   AND l.sku_id IN (SELECT o.sku_id UNION ALL SELECT k.kit_id FROM kit_line k WHERE k.component_id = o.sku_id)
  JOIN channel ch ON ch.id = l.channel_id AND ch.name = ANY (%(channels)s)
 WHERE o.resolved_at IS NULL
   AND NOT EXISTS (SELECT FROM halt h
                    WHERE h.listing_id = l.id
                      AND (h.lifted_at IS NULL OR (h.cause = 'oversell' AND h.placed_at >= o.found_at)))
   AND NOT (%(guarded)s AND EXISTS (
        SELECT FROM judgement j
         WHERE j.channel_id = l.channel_id AND j.unjudged_from IS NOT NULL
           AND (SELECT coalesce(sum(available), 0) FROM balance WHERE sku_id = o.sku_id) + covered_v1(o.sku_id)
               >= (SELECT coalesce(sum(w.units::int), 0)
                     FROM jsonb_each_text(withheld_v2(o.sku_id, j.unjudged_from)) AS w(location, units))))
 ORDER BY l.id, s.code

-- name: halted_for_no_oversell
-- Listings that are halted for an oversell that is over.
SELECT h.listing_id
  FROM halt h
  JOIN listing l ON l.id = h.listing_id
 WHERE h.lifted_at IS NULL AND h.cause = 'oversell'
   AND NOT EXISTS (SELECT FROM oversell o
                    WHERE o.resolved_at IS NULL
                      AND o.sku_id IN (SELECT l.sku_id UNION ALL
                                       SELECT k.component_id FROM kit_line k WHERE k.kit_id = l.sku_id))
 ORDER BY h.listing_id

-- name: claim_untold
-- Open oversells that people know nothing of, or that grew since they were told; whoever asks tells them.
WITH untold AS (
    SELECT id, told FROM oversell WHERE resolved_at IS NULL AND units_short > told ORDER BY id FOR UPDATE
)
UPDATE oversell o SET told = o.units_short FROM untold u WHERE o.id = u.id
RETURNING o.id, u.told

-- name: untell
-- They were not told after all.
UPDATE oversell o SET told = least(o.told, u.told)
  FROM unnest(%(ids)s::bigint[], %(tolds)s::int[]) AS u(id, told)
 WHERE o.id = u.id

-- name: oversells
-- Oversells with how many units are short now, the newest first: these, those of one SKU, those still open, or all.
SELECT o.id, s.code, s.name, o.found_at, o.units_short,
       greatest(coalesce((SELECT -sum(available) FROM balance WHERE sku_id = o.sku_id), 0) - covered_v1(o.sku_id), 0),
       ch.name, o.orders,
       o.resolved_at, o.resolution
  FROM oversell o
  JOIN sku s ON s.id = o.sku_id
  LEFT JOIN channel ch ON ch.id = o.last_channel_id
 WHERE (%(ids)s::bigint[] IS NULL OR o.id = ANY (%(ids)s))
   AND (%(sku)s::text IS NULL OR s.code = %(sku)s)
   AND (o.resolved_at IS NULL OR %(all)s)
 ORDER BY o.id DESC
 LIMIT %(limit)s
