-- What people look at: a SKU's stock, the events behind it, and what its listings were told. Reads only.

-- name: sku_card
-- One SKU by its code, with how fast it sells.
SELECT s.code, s.name, s.barcode, s.status, s.tier, coalesce(v.per_day, 0)
  FROM sku s LEFT JOIN sku_velocity v ON v.sku_id = s.id
 WHERE s.code = %(sku)s

-- name: similar_skus
-- Candidates for what somebody may have meant: the same but for case, the same beginning, a barcode, part of a name.
(SELECT code, name, 'same' AS how FROM sku WHERE lower(code) = lower(%(text)s) OR barcode = %(text)s LIMIT 20)
UNION ALL
(SELECT code, name, 'near' FROM sku WHERE code ^@ left(%(text)s, 3) ORDER BY code LIMIT 500)
UNION ALL
(SELECT code, name, 'named' FROM sku
  WHERE length(%(text)s) >= 4 AND strpos(lower(name), lower(%(text)s)) > 0 ORDER BY code LIMIT 20)

-- name: sku_balances
-- Units of a SKU by location and state.
SELECT l.code, b.version, b.moved_at, b.available, b.committed, b.reserved, b.quality_control, b.damaged,
       b.in_transit, b.incoming, b.supplier, b.customer, b.shrinkage, b.found
  FROM balance b
  JOIN location l ON l.id = b.location_id
 WHERE b.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY l.code

-- name: sku_lines
-- The newest ledger lines of a SKU at each location, by the primary key of the entries, with their events.
SELECT v.id, v.kind, v.source, v.external_id, v.occurred_at, v.recorded_at, v.detail,
       l.code, e.version, e.state, e.quantity, e.balance_after
  FROM balance b
 CROSS JOIN LATERAL (
    SELECT * FROM entry e
     WHERE e.sku_id = b.sku_id AND e.location_id = b.location_id
     ORDER BY e.version DESC
     LIMIT %(lines)s) e
  JOIN event v ON v.id = e.event_id
  JOIN location l ON l.id = e.location_id
 WHERE b.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY v.id DESC, l.code, e.version

-- name: event_lines
-- The lines of one event that are of this SKU.
SELECT l.code, e.version, e.state, e.quantity, e.balance_after
  FROM entry e
  JOIN location l ON l.id = e.location_id
 WHERE e.event_id = %(event)s AND e.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY l.code, e.version

-- name: sku_listings
-- A SKU's active listings with what is pending or given up.
SELECT l.id, ch.name, ch.platform, l.item_id, l.units, l.pinned, l.seen_at,
       o.generation, o.marked_at, k.parked_at, k.category, k.message, k.advice, k.workflow_id
  FROM listing l
  JOIN channel ch ON ch.id = l.channel_id
  LEFT JOIN outbox o ON o.listing_id = l.id
  LEFT JOIN parked_level k ON k.listing_id = l.id
 WHERE l.sku_id = (SELECT id FROM sku WHERE code = %(sku)s) AND l.active
   AND (%(channel)s::text IS NULL OR ch.name = %(channel)s)
 ORDER BY ch.name, l.id

-- name: level_facts
-- What is known of these listings at each of their places.
SELECT listing_id, place, book, booked_at, shown, shown_at, problem, claimed_until, given_back, owed,
       blind_at IS NOT NULL
  FROM level
 WHERE listing_id = ANY (%(listings)s)
 ORDER BY listing_id, place

-- name: provisional_of_sku
-- What answers of channels have told of and no order yet, of the SKU or of a kit that holds it.
SELECT ch.name, l.item_id, d.place, loc.code, d.pieces, u.units / d.pieces, d.since
  FROM provisional_units u
  JOIN provisional_demand d ON d.listing_id = u.listing_id AND d.place = u.place
  JOIN listing l ON l.id = d.listing_id
  JOIN channel ch ON ch.id = l.channel_id
  JOIN location loc ON loc.id = d.location_id
 WHERE u.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY d.since, ch.name, l.item_id, d.place

-- name: last_pushes
-- The latest pushes of each of these listings.
SELECT p.listing_id, p.place, p.run_id, p.generation, p.before, p.quantity, p.outcome, p.echo, p.message,
       p.attempt, p.sent_at, p.answered_at
  FROM unnest(%(listings)s::int[]) AS w(id)
 CROSS JOIN LATERAL (
    SELECT * FROM push p WHERE p.listing_id = w.id ORDER BY p.id DESC LIMIT %(limit)s) p
 ORDER BY p.id DESC

-- name: pending_listings
-- Which channels still have to be told of this SKU.
SELECT ch.name, l.item_id, o.marked_at
  FROM outbox o
  JOIN listing l ON l.id = o.listing_id
  JOIN channel ch ON ch.id = l.channel_id
 WHERE l.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
 ORDER BY ch.name, l.id

-- name: channel_overview
-- How each channel stands. The last push is looked for among the newest only: it is news or it is nothing.
WITH latest AS (
    SELECT DISTINCT ON (l.channel_id) l.channel_id, p.sent_at, p.outcome
      FROM (SELECT * FROM push ORDER BY id DESC LIMIT %(pushes)s) p
      JOIN listing l ON l.id = p.listing_id
     ORDER BY l.channel_id, p.id DESC
)
SELECT ch.name, ch.platform, ch.mapped_at,
       (SELECT count(*) FROM listing l WHERE l.channel_id = ch.id AND l.active),
       (SELECT count(*) FROM outbox o WHERE o.channel_id = ch.id),
       (SELECT min(o.marked_at) FROM outbox o WHERE o.channel_id = ch.id),
       (SELECT count(*) FROM parked_level k JOIN listing l ON l.id = k.listing_id WHERE l.channel_id = ch.id),
       p.sent_at, p.outcome, r.id, r.started_at, r.status
  FROM channel ch
  LEFT JOIN latest p ON p.channel_id = ch.id
  LEFT JOIN LATERAL (
    SELECT r.id, rc.started_at, rc.status
      FROM run r JOIN run_channel rc ON rc.run_id = r.id AND rc.channel_id = ch.id
     ORDER BY r.started_at DESC LIMIT 1) r ON true
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name

-- name: shelves_now
-- The counted shelves as they stand, without locking them: for a look ahead that writes nothing.
SELECT c.n, coalesce(b.version, 0), k.as_of, coalesce(b.available, 0),
       coalesce(b.available + b.committed + b.reserved + b.quality_control + b.damaged, 0)
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) WITH ORDINALITY AS c(sku, location, n)
  JOIN sku s ON s.code = c.sku AND NOT s.kit
  JOIN location l ON l.code = c.location
  LEFT JOIN balance b ON b.sku_id = s.id AND b.location_id = l.id
  LEFT JOIN last_count k ON k.sku_id = s.id AND k.location_id = l.id
 ORDER BY c.n
