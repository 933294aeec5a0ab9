-- Count sheets: SKUs that are counted at a location, what was counted, and what became of it.

-- name: make_count_sheet
INSERT INTO count_sheet (location_id, started_by, note)
SELECT id, %(by)s, %(note)s FROM location WHERE code = %(location)s
RETURNING id

-- name: make_count_lines
-- Each SKU with the balance version of this moment. One that is on another open sheet of the location is left out: two
-- counts of a shelf at a time would each correct the same units. A kit is on no shelf.
INSERT INTO count_line (sheet_id, sku_id, location_id, version)
SELECT c.id, s.id, c.location_id, coalesce(b.version, 0)
  FROM count_sheet c
  JOIN sku s ON s.code = ANY (%(skus)s) AND NOT s.kit
  LEFT JOIN balance b ON b.sku_id = s.id AND b.location_id = c.location_id
 WHERE c.id = %(sheet)s
 ORDER BY s.id
ON CONFLICT (sku_id, location_id) WHERE state IN ('open', 'escalated') DO NOTHING
RETURNING (SELECT code FROM sku WHERE id = sku_id)

-- name: sheets_of_skus
-- The open sheets of a location that hold these SKUs.
SELECT s.code, n.sheet_id
  FROM count_line n
  JOIN sku s ON s.id = n.sku_id
  JOIN location l ON l.id = n.location_id
 WHERE s.code = ANY (%(skus)s) AND l.code = %(location)s AND n.state IN ('open', 'escalated')
 ORDER BY s.code

-- name: skus_to_count
-- SKUs that are still sold, of those codes, or that bear the tag.
SELECT code FROM sku
 WHERE CASE WHEN %(tag)s::text IS NULL THEN code = ANY (%(skus)s) ELSE %(tag)s = ANY (tags) AND status = 'active' END
 ORDER BY code

-- name: count_sheets
-- Sheets with how many of their lines stand how, the newest first.
SELECT c.id, l.code, c.started_at, c.started_by, c.note, c.closed_at, count(n.sku_id),
       count(*) FILTER (WHERE n.state = 'open'), count(*) FILTER (WHERE n.state = 'escalated'),
       count(*) FILTER (WHERE n.state = 'posted'), count(*) FILTER (WHERE n.state = 'dropped')
  FROM count_sheet c
  JOIN location l ON l.id = c.location_id
  LEFT JOIN count_line n ON n.sheet_id = c.id
 WHERE CASE WHEN %(sheet)s::int IS NULL THEN %(all)s OR c.closed_at IS NULL ELSE c.id = %(sheet)s END
 GROUP BY c.id, l.code
 ORDER BY c.id DESC
 LIMIT %(limit)s

-- name: count_lines
-- The lines of a sheet, each with its last count. What it is expected to hold is what its printed version held. One whose
-- count was taken back says so, unless that was taken back in turn.
SELECT s.code, s.name, s.barcode, n.version, n.printed_at, CASE WHEN w.stands THEN n.state ELSE 'taken back' END, n.reason, coalesce(k.turn, 0), k.quantity,
       k.expected, k.difference, k.grade, k.counted_by, k.event_id,
       (coalesce(b.available + b.committed + b.reserved + b.quality_control + b.damaged, 0)
        - coalesce(m.units, 0))::bigint
  FROM count_line n
  JOIN sku s ON s.id = n.sku_id
  LEFT JOIN balance b ON b.sku_id = n.sku_id AND b.location_id = n.location_id
  LEFT JOIN LATERAL (
    SELECT * FROM shelf_count k2
     WHERE k2.sheet_id = n.sheet_id AND k2.sku_id = n.sku_id ORDER BY k2.turn DESC LIMIT 1) k ON true
  LEFT JOIN LATERAL (
    SELECT sum(e.quantity) AS units FROM entry e
     WHERE e.sku_id = n.sku_id AND e.location_id = n.location_id AND e.version > n.version
       AND e.state IN ('available', 'committed', 'reserved', 'quality_control', 'damaged')) m ON true
 CROSS JOIN LATERAL (
    WITH RECURSIVE word(id, stands) AS (
        SELECT k.event_id, true
         UNION ALL
        SELECT r.id, NOT w.stands FROM word w JOIN event r ON r.source = 'reversal' AND r.external_id = w.id::text)
    SELECT stands FROM word ORDER BY id DESC LIMIT 1) w
 WHERE n.sheet_id = %(sheet)s
 ORDER BY s.code

-- name: lock_count_sheet
-- Held until the end of the transaction: what is counted on a sheet is taken one batch at a time.
SELECT l.code, c.closed_at
  FROM count_sheet c JOIN location l ON l.id = c.location_id
 WHERE c.id = %(sheet)s
   FOR UPDATE OF c

-- name: lines_to_count
-- The named lines of a sheet.
SELECT s.code, n.version, n.printed_at, n.state
  FROM count_line n JOIN sku s ON s.id = n.sku_id
 WHERE n.sheet_id = %(sheet)s AND s.code = ANY (%(skus)s)

-- name: counts_of_lines
-- All that was counted of these lines, in its order.
SELECT s.code, k.turn, k.quantity, k.difference, k.doubt, k.version, k.counted_at, k.expected
  FROM shelf_count k JOIN sku s ON s.id = k.sku_id
 WHERE k.sheet_id = %(sheet)s AND s.code = ANY (%(skus)s)
 ORDER BY s.code, k.turn

-- name: superseded_counts
-- Counts after whose base somebody else's count of the shelf was posted. What sources and files state is no count of a
-- shelf: it moves as their sales and receipts do; nor is what keeps an earlier count true.
SELECT c.n
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(as_of)s::timestamptz[], %(versions)s::bigint[])
       WITH ORDINALITY AS c(sku, location, as_of, version, n)
  JOIN sku s ON s.code = c.sku
  JOIN location l ON l.code = c.location
 WHERE EXISTS (
    SELECT FROM entry e JOIN event v ON v.id = e.event_id
     WHERE e.sku_id = s.id AND e.location_id = l.id AND e.version > c.version
       AND v.kind = 'count' AND NOT starts_with(v.source, 'source/') AND NOT starts_with(v.source, 'import/')
       AND v.source <> 'recount'
       AND (c.as_of IS NULL OR v.occurred_at > c.as_of))

-- name: keep_counts
-- What was counted, on a sheet or beside one.
INSERT INTO shelf_count (sheet_id, sku_id, location_id, turn, quantity, counted_at, counted_by, version, expected,
                         difference, grade, doubt, event_id)
SELECT %(sheet)s, s.id, l.id, c.turn, c.quantity, c.counted_at, %(by)s, c.version, c.expected, c.difference, c.grade,
       c.doubt, c.event_id
  FROM unnest(%(skus)s::text[], %(turns)s::int[], %(quantities)s::int[], %(counted)s::timestamptz[],
              %(versions)s::bigint[], %(expected)s::bigint[], %(differences)s::bigint[], %(grades)s::text[],
              %(doubts)s::text[], %(events)s::bigint[])
       AS c(sku, turn, quantity, counted_at, version, expected, difference, grade, doubt, event_id)
  JOIN sku s ON s.code = c.sku
  JOIN location l ON l.code = %(location)s
 ORDER BY s.id

-- name: settle_count_lines
-- How the lines stand now. One that is escalated is printed anew: its next count is compared with the balance of now.
UPDATE count_line n SET
       state = c.state, reason = c.reason, flagged = n.flagged OR c.flagged,
       version = CASE WHEN c.state = 'escalated' THEN coalesce(b.version, 0) ELSE n.version END,
       printed_at = CASE WHEN c.state = 'escalated' THEN clock_timestamp() ELSE n.printed_at END
  FROM unnest(%(skus)s::text[], %(states)s::text[], %(reasons)s::text[], %(flagged)s::boolean[])
       AS c(sku, state, reason, flagged)
  JOIN sku s ON s.code = c.sku
  LEFT JOIN balance b ON b.sku_id = s.id
       AND b.location_id = (SELECT location_id FROM count_sheet WHERE id = %(sheet)s)
 WHERE n.sheet_id = %(sheet)s AND n.sku_id = s.id

-- name: approve_counts
-- The last count of each line stands: a person said so.
UPDATE shelf_count k SET event_id = c.event_id, approved_by = %(by)s
  FROM unnest(%(skus)s::text[], %(turns)s::int[], %(events)s::bigint[]) AS c(sku, turn, event_id)
  JOIN sku s ON s.code = c.sku
 WHERE k.sheet_id = %(sheet)s AND k.sku_id = s.id AND k.turn = c.turn

-- name: close_count_sheet
UPDATE count_sheet SET closed_at = clock_timestamp(), closed_by = %(by)s WHERE id = %(sheet)s AND closed_at IS NULL

-- name: drop_count_lines
-- Whatever was not counted, or not confirmed, is left as the ledger has it.
UPDATE count_line SET state = 'dropped' WHERE sheet_id = %(sheet)s AND state IN ('open', 'escalated')

-- name: shelves_due
-- Shelves that hold something, or that the ledger thinks do, by how many of their tier's intervals have passed since they
-- were counted, or since anything came onto them. What is on an open sheet is being counted. A count that was taken back
-- is none.
SELECT s.code, s.name, l.code, s.tier, coalesce(y.per_day, 0), h.on_hand, k.counted_at, f.recorded_at, i.days
  FROM balance b
 CROSS JOIN LATERAL (SELECT b.available + b.committed + b.reserved + b.quality_control + b.damaged AS on_hand) h
  JOIN sku s ON s.id = b.sku_id AND s.status = 'active'
  JOIN location l ON l.id = b.location_id
  JOIN unnest(%(tiers)s::smallint[], %(days)s::int[]) AS i(tier, days) ON i.tier = s.tier
  LEFT JOIN sku_velocity y ON y.sku_id = b.sku_id
  LEFT JOIN LATERAL (
    SELECT counted_at FROM shelf_count k2
     WHERE k2.sku_id = b.sku_id AND k2.location_id = b.location_id AND k2.event_id IS NOT NULL
       AND (WITH RECURSIVE word(id, stands) AS (
                SELECT k2.event_id, true
                 UNION ALL
                SELECT r.id, NOT w.stands FROM word w JOIN event r ON r.source = 'reversal' AND r.external_id = w.id::text)
            SELECT stands FROM word ORDER BY id DESC LIMIT 1)
     ORDER BY counted_at DESC LIMIT 1) k ON true
  JOIN entry e ON e.sku_id = b.sku_id AND e.location_id = b.location_id AND e.version = 1
  JOIN event f ON f.id = e.event_id
 WHERE (h.on_hand <> 0 OR b.available <> 0)
   AND (%(location)s::text IS NULL OR l.code = %(location)s)
   AND extract(epoch FROM %(now)s - coalesce(k.counted_at, f.recorded_at)) >= 86400 * i.days * %(from_share)s
   AND NOT EXISTS (
    SELECT FROM count_line n
     WHERE n.sku_id = b.sku_id AND n.location_id = b.location_id AND n.state IN ('open', 'escalated'))
 ORDER BY extract(epoch FROM %(now)s - coalesce(k.counted_at, f.recorded_at)) / i.days DESC, coalesce(y.per_day, 0) DESC,
          s.code, l.code
 LIMIT %(limit)s
