-- The latest count of each shelf, which stays true whatever is heard of the time before it.

-- name: last_counts
-- Of these shelves, where anything was ever counted.
SELECT s.code, l.code, c.source, c.external_id, c.meaning, c.as_of, c.sure_of
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS w(sku, location)
  JOIN sku s ON s.code = w.sku
  JOIN location l ON l.code = w.location
  JOIN last_count c ON c.sku_id = s.id AND c.location_id = l.id
 WHERE EXISTS (SELECT FROM last_count)

-- name: keep_last_counts
-- What was counted now, unless a count of a later moment is there. No count knows of what is still to come, whatever
-- moment it gives. Whoever posts counts has locked the balances.
INSERT INTO last_count AS k (sku_id, location_id, source, external_id, meaning, as_of, sure_of)
SELECT DISTINCT ON (s.id, l.id) s.id, l.id, %(source)s, c.external_id, c.meaning,
       least(c.as_of, statement_timestamp()), least(c.sure_of, statement_timestamp())
  FROM unnest(%(skus)s::text[], %(locations)s::text[], %(external_ids)s::text[], %(meanings)s::text[],
              %(as_of)s::timestamptz[], %(sure_of)s::timestamptz[])
       WITH ORDINALITY AS c(sku, location, external_id, meaning, as_of, sure_of, n)
  JOIN sku s ON s.code = c.sku
  JOIN location l ON l.code = c.location
 ORDER BY s.id, l.id, c.as_of DESC, c.n DESC
ON CONFLICT (sku_id, location_id) DO UPDATE SET
    source = excluded.source, external_id = excluded.external_id, meaning = excluded.meaning,
    as_of = excluded.as_of, sure_of = excluded.sure_of
 WHERE k.as_of <= excluded.as_of

-- name: forget_counts_of_shelves
-- Somebody counted them against a version of the balance: what is heard after that is after it.
DELETE FROM last_count k
 USING unnest(%(skus)s::text[], %(locations)s::text[]) AS c(sku, location), sku s, location l
 WHERE s.code = c.sku AND l.code = c.location AND k.sku_id = s.id AND k.location_id = l.id

-- name: forget_counts
-- These counts are taken back.
DELETE FROM last_count k
 USING unnest(%(sources)s::text[], %(external_ids)s::text[]) AS c(source, external_id)
 WHERE k.source = c.source AND k.external_id = c.external_id

-- name: recounts_of
-- What kept these counts true: the events whose ids begin with their names, each of which ends with a slash.
SELECT v.id
  FROM unnest(%(names)s::text[]) AS c(name)
  JOIN event v ON v.source = %(source)s
   AND v.external_id >= c.name COLLATE "C" AND v.external_id < (left(c.name, -1) || '0') COLLATE "C"
 ORDER BY v.id
