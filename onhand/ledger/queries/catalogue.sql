-- Names, listings and what sources have said: everything that is not stock itself.

-- name: save_locations
-- Locations of the configuration; their names follow it, none is ever removed.
INSERT INTO location (code, name)
SELECT * FROM unnest(%(codes)s::text[], %(names)s::text[])
ON CONFLICT (code) DO UPDATE SET name = excluded.name

-- name: save_counters
-- Which locations another party counts, and how far its numbers may lag; of all others everybody's counts are taken.
UPDATE location l SET counted_by = coalesce(c.source, ''), lag_seconds = coalesce(c.lag_seconds, 0)
  FROM location k
  LEFT JOIN unnest(%(codes)s::text[], %(sources)s::text[], %(lags)s::float8[]) AS c(code, source, lag_seconds)
    ON c.code = k.code
 WHERE l.id = k.id
   AND (l.counted_by, l.lag_seconds) IS DISTINCT FROM (coalesce(c.source, ''), coalesce(c.lag_seconds, 0))

-- name: counters_of
-- The locations among these that another party counts.
SELECT code, counted_by, lag_seconds FROM location
 WHERE counted_by <> '' AND code = ANY (%(locations)s::text[])

-- name: save_channels
-- Channels of the configuration.
INSERT INTO channel (name, platform)
SELECT * FROM unnest(%(names)s::text[], %(platforms)s::text[])
ON CONFLICT (name) DO UPDATE SET platform = excluded.platform

-- name: save_skus
-- Catalogue rows; a SKU that exists takes the new names.
INSERT INTO sku AS s (code, name, barcode, tags, status, fraction)
SELECT c.code, c.name, c.barcode, coalesce(string_to_array(nullif(c.tags, ''), ';'), '{}'), c.status, c.fraction
  FROM (SELECT code, name, barcode, coalesce(tags, '') AS tags, status, fraction
          FROM unnest(%(codes)s::text[], %(names)s::text[], %(barcodes)s::text[], %(tags)s::text[],
                      %(statuses)s::text[], %(fractions)s::text[])
               AS u(code, name, barcode, tags, status, fraction)) c
 ORDER BY c.code
ON CONFLICT (code) DO UPDATE SET
    name = excluded.name, barcode = excluded.barcode, tags = excluded.tags,
    status = excluded.status, fraction = excluded.fraction

-- name: skus_judged_otherwise
-- How many of these are new, or known with another status or fraction rule: a source's rows of them may now be taken.
SELECT count(*)
  FROM unnest(%(codes)s::text[], %(statuses)s::text[], %(fractions)s::text[]) AS c(code, status, fraction)
  LEFT JOIN sku s ON s.code = c.code
 WHERE s.id IS NULL OR s.status <> c.status OR s.fraction <> c.fraction

-- name: forget_watermarks
-- Every source is read whole again by the next run.
DELETE FROM source_state

-- name: sku_facts
-- What a source's rows are checked against.
SELECT code, status, fraction FROM sku WHERE code = ANY (%(codes)s)

-- name: skus_by_identity
-- Which SKU a thing found on a channel may be: by its SKU text, or by its barcode.
SELECT code, barcode FROM sku WHERE code = ANY (%(codes)s) OR (barcode <> '' AND barcode = ANY (%(barcodes)s))

-- name: save_listings
-- Listings of one channel, from discovery or a mapping file. An item that was mapped to another SKU moves.
INSERT INTO listing (channel_id, sku_id, item_id, parent_id, tracking, sort_key, units, order_ref)
SELECT ch.id, s.id, m.item_id, m.parent_id, m.tracking, m.sort_key, m.units, m.order_ref
  FROM unnest(%(skus)s::text[], %(items)s::text[], %(parents)s::text[], %(trackings)s::text[],
              %(sort_keys)s::text[], %(units)s::int[], %(order_refs)s::text[])
       AS m(sku, item_id, parent_id, tracking, sort_key, units, order_ref)
  JOIN sku s ON s.code = m.sku
  JOIN channel ch ON ch.name = %(channel)s
 ORDER BY m.item_id
ON CONFLICT (channel_id, item_id) DO UPDATE SET
    sku_id = excluded.sku_id, parent_id = excluded.parent_id, tracking = excluded.tracking,
    sort_key = excluded.sort_key, units = excluded.units, order_ref = excluded.order_ref, active = true,
    seen_at = clock_timestamp()

-- name: save_levels
-- A level row for each place these items show at, so that there is something to book.
INSERT INTO level (listing_id, place)
SELECT l.id, p.place
  FROM listing l
  JOIN channel ch ON ch.id = l.channel_id AND ch.name = %(channel)s
 CROSS JOIN unnest(%(places)s::text[]) AS p(place)
 WHERE l.item_id = ANY (%(items)s)
 ORDER BY l.id, p.place
ON CONFLICT (listing_id, place) DO NOTHING

-- name: retire_listings
-- Items a full discovery no longer found; kept, so that a return finds its history.
UPDATE listing SET active = false
 WHERE active AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND seen_at < %(started)s

-- name: now
-- The database's clock, which stamps everything.
SELECT clock_timestamp()

-- name: mark_channel_mapped
-- Its listings were discovered just now.
UPDATE channel SET mapped_at = clock_timestamp() WHERE name = %(channel)s

-- name: mapping_state
-- How fresh each channel's mapping is, how many listings it has and how many active SKUs it lacks.
SELECT ch.name, ch.mapped_at,
       (SELECT count(*) FROM listing l WHERE l.channel_id = ch.id AND l.active),
       (SELECT count(*) FROM sku s WHERE s.status = 'active'
           AND NOT EXISTS (SELECT FROM listing l WHERE l.sku_id = s.id AND l.channel_id = ch.id AND l.active))
  FROM channel ch
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: unmapped_skus
-- Active SKUs a channel has no listing for.
SELECT s.code, s.name
  FROM sku s
 WHERE s.status = 'active'
   AND NOT EXISTS (SELECT FROM listing l JOIN channel ch ON ch.id = l.channel_id
                    WHERE l.sku_id = s.id AND l.active AND ch.name = %(channel)s)
 ORDER BY s.code
 LIMIT %(limit)s

-- name: shared_listings
-- SKUs that one channel lists more than once.
SELECT s.code, array_agg(l.item_id ORDER BY l.item_id)
  FROM listing l
  JOIN sku s ON s.id = l.sku_id
  JOIN channel ch ON ch.id = l.channel_id AND ch.name = %(channel)s
 WHERE l.active
 GROUP BY s.code
HAVING count(*) > 1
 ORDER BY s.code
 LIMIT %(limit)s

-- name: read_watermark
-- How far a source has been read.
SELECT watermark FROM source_state WHERE source = %(source)s

-- name: save_watermark
-- Advanced only after everything before it was posted.
INSERT INTO source_state (source, watermark) VALUES (%(source)s, %(watermark)s)
ON CONFLICT (source) DO UPDATE SET watermark = excluded.watermark, advanced_at = clock_timestamp()

-- name: save_refused_rows
-- Rows that were not taken, as they came.
INSERT INTO refused_row (source, run_id, origin, raw, problem, message)
SELECT %(source)s, %(run)s, r.origin, r.raw, r.problem, r.message
  FROM unnest(%(origins)s::text[], %(raws)s::text[], %(problems)s::text[], %(messages)s::text[])
       AS r(origin, raw, problem, message)

-- name: forget_refused_rows
-- Before a step is tried again: what its first try had listed.
DELETE FROM refused_row WHERE source = %(source)s AND run_id = %(run)s

-- name: forget_old_refused_rows
-- Refused rows past their retention.
DELETE FROM refused_row WHERE refused_at < clock_timestamp() - make_interval(days => %(days)s)

-- name: refused_rows
-- What a run could not take from its source.
SELECT origin, raw, problem, message FROM refused_row WHERE run_id = %(run)s ORDER BY id LIMIT %(limit)s
