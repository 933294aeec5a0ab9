-- Kits: SKUs that are packed from others when they are sold.

-- name: lock_kits
-- Whoever changes kits works alone: nothing is posted meanwhile (posts hold this shared).
SELECT pg_advisory_xact_lock(71007, 0)

-- name: compositions
-- Units of each component in one kit, of those of these SKUs that are kits.
SELECT s.code, jsonb_object_agg(c.code, k.quantity)
  FROM sku s
  JOIN kit_line k ON k.kit_id = s.id
  JOIN sku c ON c.id = k.component_id
 WHERE s.code = ANY (%(skus)s::text[]) AND s.kit
 GROUP BY s.code

-- name: kits_among
-- Those of these SKUs that are kits.
SELECT code FROM sku WHERE code = ANY (%(skus)s::text[]) AND kit

-- name: kit_facts
-- What bears on whether these SKUs may be kits or components; a few of the kits that hold each are named.
SELECT s.code, s.kit, EXISTS (SELECT FROM balance b WHERE b.sku_id = s.id AND b.version > 0),
       ARRAY(SELECT h.code FROM kit_line k JOIN sku h ON h.id = k.kit_id WHERE k.component_id = s.id
              ORDER BY h.code LIMIT 5)
  FROM sku s
 WHERE s.code = ANY (%(skus)s::text[])

-- name: make_kits
-- These are kits from now on.
UPDATE sku SET kit = true
 WHERE id IN (SELECT id FROM sku WHERE code = ANY (%(kits)s::text[]) AND NOT kit ORDER BY id FOR UPDATE)

-- name: unmake_kits
-- These are SKUs like any other from now on; what they were packed from was forgotten before.
UPDATE sku SET kit = false
 WHERE id IN (SELECT id FROM sku WHERE code = ANY (%(kits)s::text[]) AND kit ORDER BY id FOR UPDATE)

-- name: forget_kit_lines
-- What these kits are packed from.
DELETE FROM kit_line WHERE kit_id IN (SELECT id FROM sku WHERE code = ANY (%(kits)s::text[]))

-- name: save_kit_lines
-- What kits are packed from.
INSERT INTO kit_line (kit_id, component_id, quantity)
SELECT k.id, c.id, l.quantity
  FROM unnest(%(kits)s::text[], %(components)s::text[], %(quantities)s::int[]) AS l(kit, component, quantity)
  JOIN sku k ON k.code = l.kit
  JOIN sku c ON c.code = l.component
 ORDER BY k.id, c.id

-- name: list_kits
-- Kits by code: those after one, or those that hold a component.
SELECT s.code, s.name, jsonb_object_agg(c.code, k.quantity)
  FROM sku s
  JOIN kit_line k ON k.kit_id = s.id
  JOIN sku c ON c.id = k.component_id
 WHERE s.kit AND (%(component)s::text IS NULL
       OR s.id IN (SELECT kit_id FROM kit_line WHERE component_id = (SELECT id FROM sku WHERE code = %(component)s)))
 GROUP BY s.code, s.name
 ORDER BY s.code
 LIMIT %(limit)s

-- name: kit_components
-- What a kit is packed from, with what is available of it; null where it is no kit.
SELECT kit_components_v1(id, NULL) FROM sku WHERE code = %(sku)s
