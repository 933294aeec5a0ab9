-- A ledger for once: made, filled, looked at, dropped. The live tables are in another database.

-- name: make_scratch
-- An empty database beside the ledger's own.
CREATE DATABASE {database}

-- name: drop_scratch
-- With whoever is still connected.
DROP DATABASE IF EXISTS {database} WITH (FORCE)

-- name: all_balances
-- Every balance: SKU, location and the units of each state.
SELECT s.code, l.code, b.available, b.committed, b.reserved, b.quality_control, b.damaged, b.in_transit, b.incoming,
       b.supplier, b.customer, b.shrinkage, b.found
  FROM balance b
  JOIN sku s ON s.id = b.sku_id
  JOIN location l ON l.id = b.location_id
 ORDER BY s.code, l.code

-- name: lines_behind
-- The last lines that made a total, by when they happened: of a SKU, at a location or at all of them, in these states; and how many there are.
SELECT v.id, v.kind, v.source, v.external_id, v.occurred_at, l.code, e.state, e.quantity, e.balance_after,
       count(*) OVER ()
  FROM entry e
  JOIN event v ON v.id = e.event_id
  JOIN location l ON l.id = e.location_id
 WHERE e.sku_id = (SELECT id FROM sku WHERE code = %(sku)s)
   AND (%(location)s::text = '' OR l.code = %(location)s)
   AND e.state = ANY (%(states)s::text[])
 ORDER BY v.occurred_at DESC, v.id DESC, l.code, e.version DESC
 LIMIT %(limit)s
