-- Kits: SKUs that are packed from others when they are sold.

ALTER TABLE sku ADD COLUMN kit boolean NOT NULL DEFAULT false, ADD UNIQUE (id, kit);
COMMENT ON COLUMN sku.kit IS 'It is packed from others when it is sold (kit_line), and has no stock of its own.';

ALTER TABLE order_line ADD COLUMN composition jsonb;
COMMENT ON COLUMN order_line.composition IS 'Units of each component in one kit, as the kit was composed when the line came; null where it is no kit.';

CREATE TABLE kit_line (
    kit_id integer NOT NULL,
    component_id integer NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
    of_kit boolean NOT NULL GENERATED ALWAYS AS (true) STORED,
    of_component boolean NOT NULL GENERATED ALWAYS AS (false) STORED,
    PRIMARY KEY (kit_id, component_id),
    FOREIGN KEY (kit_id, of_kit) REFERENCES sku (id, kit),
    FOREIGN KEY (component_id, of_component) REFERENCES sku (id, kit)
);
COMMENT ON TABLE kit_line IS 'What a kit is packed from: so many units of each component. The keys let no kit be a component.';
CREATE INDEX kit_line_component ON kit_line (component_id);

CREATE VIEW provisional_units AS
SELECT d.sku_id, d.location_id, d.listing_id, d.place, d.pieces::bigint * d.units AS units
  FROM provisional_demand d
UNION ALL
SELECT k.component_id, d.location_id, d.listing_id, d.place, d.pieces::bigint * d.units * k.quantity
  FROM provisional_demand d
  JOIN kit_line k ON k.kit_id = d.sku_id;
COMMENT ON VIEW provisional_units IS 'Provisional demand in units of each SKU: of what was sold itself, and of what a sold kit is packed from.';

CREATE VIEW resting_units AS
SELECT r.sku_id, r.listing_id, r.place, r.share, 1 AS quantity
  FROM resting_level r
UNION ALL
SELECT k.component_id, r.listing_id, r.place, r.share, k.quantity
  FROM resting_level r
  JOIN kit_line k ON k.kit_id = r.sku_id;
COMMENT ON VIEW resting_units IS 'Levels that rest and what of each SKU they sell: their own, and that of which a resting kit is packed, quantity units a kit.';

CREATE FUNCTION kit_components_v1(kit integer, unjudged_from bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object(
               'sku', s.code, 'quantity', k.quantity, 'available', b.available, 'versions', b.versions,
               'resting', r.levels,
               'withheld', CASE WHEN unjudged_from IS NOT NULL THEN withheld_v2(s.id, unjudged_from) END)
               ORDER BY s.code)
      FROM kit_line k
      JOIN sku s ON s.id = k.component_id
      LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(o.code, a.version) AS versions,
               jsonb_object_agg(o.code, a.available - coalesce((
                   SELECT sum(d.units) FROM provisional_units d
                    WHERE d.sku_id = a.sku_id AND d.location_id = a.location_id), 0)) AS available
          FROM balance a JOIN location o ON o.id = a.location_id
         WHERE a.sku_id = s.id) b ON true
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(c.name, l.id, u.place, coalesce(v.book, u.share), l.units * u.quantity)
                         ORDER BY l.id, u.place) AS levels
          FROM resting_units u
          JOIN level v ON v.listing_id = u.listing_id AND v.place = u.place
          JOIN listing l ON l.id = u.listing_id AND l.active
          JOIN channel c ON c.id = l.channel_id
         WHERE u.sku_id = s.id) r ON true
     WHERE k.kit_id = kit_components_v1.kit
$$;
COMMENT ON FUNCTION kit_components_v1 IS 'What a kit is packed from, with what decides how many can be packed: of each component the units available by location, the levels that rest on it, and what a source said that no run was let through with, from that event on. Null where it is no kit.';

CREATE FUNCTION with_kits_v1(sku_ids integer[]) RETURNS integer[]
LANGUAGE sql STABLE AS $$
    WITH stocked AS (
        SELECT u.id FROM unnest(sku_ids) AS u(id)
        UNION
        SELECT k.component_id FROM kit_line k WHERE k.kit_id = ANY (sku_ids)
    ), meant AS (
        SELECT id FROM stocked
        UNION
        SELECT k.kit_id FROM stocked s JOIN kit_line k ON k.component_id = s.id
    )
    SELECT array_agg(id) FROM meant
$$;
COMMENT ON FUNCTION with_kits_v1 IS 'These SKUs, what they are packed from, and every kit that holds any of that: whatever can sell more or less when they move.';

DROP FUNCTION post_events_v2;
DROP FUNCTION mark_listings_v2;

CREATE FUNCTION mark_listings_v3(sku_ids integer[], live_now boolean, seller text DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    touched smallint[];
    woken text[];
BEGIN
    IF EXISTS (SELECT FROM kit_line) THEN
        sku_ids := with_kits_v1(sku_ids);
    END IF;
    WITH marked AS (
        INSERT INTO outbox AS o (listing_id, channel_id, generation, live, tier)
        SELECT l.id, l.channel_id, nextval('generation'), live_now,
               -- A kit is as urgent as the most urgent of what it is packed from.
               CASE WHEN s.kit THEN least(s.tier, (SELECT min(c.tier) FROM kit_line k JOIN sku c ON c.id = k.component_id
                                                    WHERE k.kit_id = s.id)) ELSE s.tier END
          FROM listing l
          JOIN sku s ON s.id = l.sku_id
         WHERE l.sku_id = ANY (sku_ids) AND l.active
         ORDER BY l.id
        -- Drawn once the row is locked, so that for one listing it grows in commit order: whoever drew before waiting for
        -- the row could put an older one over a newer one.
        ON CONFLICT (listing_id) DO UPDATE SET
            generation = nextval('generation'), live = o.live OR excluded.live, tier = excluded.tier,
            resting_until = NULL
        RETURNING o.channel_id
    )
    SELECT array_agg(DISTINCT channel_id ORDER BY channel_id) INTO touched FROM marked;
    IF touched IS NULL OR NOT live_now THEN
        RETURN '{}';
    END IF;
    -- Whoever wants to sleep takes this lock alone and looks again: it either sees these rows, or has gone to sleep
    -- before the statement below looks, which then wakes it.
    PERFORM pg_advisory_xact_lock_shared(71002, c.id) FROM channel c WHERE c.id = ANY (touched);
    -- Whoever sold took it off its own level, so there is hardly ever anything to tell it: its publisher, if awake, finds
    -- out when it next looks.
    PERFORM pg_notify('onhand', 'outbox ' || c.name) FROM channel c
      WHERE c.id = ANY (touched) AND c.name IS DISTINCT FROM seller;
    WITH asleep AS (
        SELECT channel_id FROM channel_work
         WHERE channel_id = ANY (touched) AND NOT publish_awake
         ORDER BY channel_id
           FOR UPDATE
    ), flipped AS (
        UPDATE channel_work w SET publish_awake = true FROM asleep a WHERE w.channel_id = a.channel_id
        RETURNING w.channel_id
    )
    SELECT coalesce(array_agg(c.name ORDER BY c.name), '{}') INTO woken FROM flipped f JOIN channel c ON c.id = f.channel_id;
    RETURN woken;
END
$$;
COMMENT ON FUNCTION mark_listings_v3 IS 'Put every listing of these SKUs, and of every kit that what is in them may be packed into, into the outbox under a new generation; answers the channels whose publisher has to be signalled after the commit. seller: the channel that sold them, if one did.';

-- Posts a batch of events: the one function that writes stock. Set-based, one round trip.
-- Rows are always touched in the order event key, then (sku, location), then listing, in every
-- caller, which is the whole answer to deadlocks.
-- Entries of unknown SKUs or locations, and of kits, refuse their event; nothing of a refused event is written.
-- `also`: SKUs whose listings are looked at again, too.
CREATE FUNCTION post_events_v3(
    sources text[], external_ids text[], kinds text[], occurred timestamptz[], fingerprints bytea[], details jsonb[],
    entry_events integer[], entry_skus text[], entry_locations text[], entry_states text[], entry_quantities integer[],
    live_now boolean, seller text, also text[]
) RETURNS TABLE (ordinal integer, outcome text, event_id bigint, woken text[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new_ids bigint[];
    unknown integer[];
    of_kits integer[];
    posted integer[];
    all_new boolean;
    touched integer[];
    to_wake text[];
    line_event integer[];
    line_sku integer[];
    line_location smallint[];
    line_state text[];
    line_quantity integer[];
BEGIN
    -- No SKU becomes a kit, or ceases to be one, between the look and the writing.
    PERFORM pg_advisory_xact_lock_shared(71007, 0);
    -- Names become numbers once.
    SELECT array_agg(e.event ORDER BY e.n), array_agg(s.id ORDER BY e.n), array_agg(l.id ORDER BY e.n),
           array_agg(e.state ORDER BY e.n), array_agg(e.quantity ORDER BY e.n),
           array_agg(e.event ORDER BY e.n) FILTER (WHERE s.kit)
      INTO line_event, line_sku, line_location, line_state, line_quantity, of_kits
      FROM unnest(entry_events, entry_skus, entry_locations, entry_states, entry_quantities)
           WITH ORDINALITY AS e(event, sku, location, state, quantity, n)
      LEFT JOIN sku s ON s.code = e.sku
      LEFT JOIN location l ON l.code = e.location;
    SELECT array_agg(DISTINCT e.event) INTO unknown
      FROM unnest(line_event, line_sku, line_location) AS e(event, sku, location)
     WHERE e.sku IS NULL OR e.location IS NULL OR e.event = ANY (of_kits);

    SELECT array_agg(nextval('event_id_seq')) INTO new_ids FROM generate_series(1, cardinality(sources));
    WITH wanted AS (
        SELECT * FROM unnest(new_ids, sources, external_ids, kinds, occurred, fingerprints, details)
               WITH ORDINALITY AS e(id, source, external_id, kind, occurred_at, fingerprint, detail, n)
         WHERE unknown IS NULL OR e.n <> ALL (unknown)
         ORDER BY e.source, e.external_id, e.n
    ), inserted AS (
        INSERT INTO event (id, source, external_id, kind, occurred_at, fingerprint, detail)
        OVERRIDING SYSTEM VALUE
        SELECT id, source, external_id, kind, occurred_at, fingerprint, detail FROM wanted
        ON CONFLICT (source, external_id) DO NOTHING
        RETURNING id
    )
    -- Numbers were drawn in order, so an id tells its position in the batch.
    SELECT array_agg(w.n::integer ORDER BY w.n) INTO posted FROM wanted w JOIN inserted i ON i.id = w.id;

    -- Nearly always so, and then nothing has to be looked up line by line.
    all_new := coalesce(cardinality(posted) = cardinality(sources), false);

    IF posted IS NOT NULL THEN
        WITH line AS (
            SELECT e.event, e.sku, e.location, e.state, e.quantity, e.n
              FROM unnest(line_event, line_sku, line_location, line_state, line_quantity)
                   WITH ORDINALITY AS e(event, sku, location, state, quantity, n)
             WHERE all_new OR e.event = ANY (posted)
        ), moved AS (
            SELECT sku, location, count(*) AS lines,
                   coalesce(sum(quantity) FILTER (WHERE state = 'available'), 0) AS available,
                   coalesce(sum(quantity) FILTER (WHERE state = 'committed'), 0) AS committed,
                   coalesce(sum(quantity) FILTER (WHERE state = 'reserved'), 0) AS reserved,
                   coalesce(sum(quantity) FILTER (WHERE state = 'quality_control'), 0) AS quality_control,
                   coalesce(sum(quantity) FILTER (WHERE state = 'damaged'), 0) AS damaged,
                   coalesce(sum(quantity) FILTER (WHERE state = 'in_transit'), 0) AS in_transit,
                   coalesce(sum(quantity) FILTER (WHERE state = 'incoming'), 0) AS incoming,
                   coalesce(sum(quantity) FILTER (WHERE state = 'supplier'), 0) AS supplier,
                   coalesce(sum(quantity) FILTER (WHERE state = 'customer'), 0) AS customer,
                   coalesce(sum(quantity) FILTER (WHERE state = 'shrinkage'), 0) AS shrinkage,
                   coalesce(sum(quantity) FILTER (WHERE state = 'found'), 0) AS found
              FROM line GROUP BY sku, location ORDER BY sku, location
        ), after AS (
            INSERT INTO balance AS b (sku_id, location_id, version, available, committed, reserved,
                quality_control, damaged, in_transit, incoming, supplier, customer, shrinkage, found)
            SELECT sku, location, lines, available, committed, reserved, quality_control, damaged,
                   in_transit, incoming, supplier, customer, shrinkage, found FROM moved
            ON CONFLICT (sku_id, location_id) DO UPDATE SET
                version = b.version + excluded.version,
                available = b.available + excluded.available,
                committed = b.committed + excluded.committed,
                reserved = b.reserved + excluded.reserved,
                quality_control = b.quality_control + excluded.quality_control,
                damaged = b.damaged + excluded.damaged,
                in_transit = b.in_transit + excluded.in_transit,
                incoming = b.incoming + excluded.incoming,
                supplier = b.supplier + excluded.supplier,
                customer = b.customer + excluded.customer,
                shrinkage = b.shrinkage + excluded.shrinkage,
                found = b.found + excluded.found,
                moved_at = excluded.moved_at
            RETURNING b.*
        ), ranked AS (
            -- What follows a line within the batch, so that each line can name the balance right after it.
            SELECT l.*,
                   count(*) OVER (PARTITION BY sku, location ORDER BY n DESC) - 1 AS lines_later,
                   sum(quantity) OVER (PARTITION BY sku, location, state ORDER BY n DESC) - quantity AS moved_later
              FROM line l
        )
        INSERT INTO entry (sku_id, location_id, version, event_id, state, quantity, balance_after)
        SELECT r.sku, r.location, a.version - r.lines_later, new_ids[r.event], r.state, r.quantity,
               CASE r.state
                   WHEN 'available' THEN a.available WHEN 'committed' THEN a.committed
                   WHEN 'reserved' THEN a.reserved WHEN 'quality_control' THEN a.quality_control
                   WHEN 'damaged' THEN a.damaged WHEN 'in_transit' THEN a.in_transit
                   WHEN 'incoming' THEN a.incoming WHEN 'supplier' THEN a.supplier
                   WHEN 'customer' THEN a.customer WHEN 'shrinkage' THEN a.shrinkage
                   WHEN 'found' THEN a.found
               END - r.moved_later
          FROM ranked r JOIN after a ON a.sku_id = r.sku AND a.location_id = r.location;

        SELECT array_agg(DISTINCT e.sku) INTO touched
          FROM unnest(line_event, line_sku, line_state) AS e(event, sku, state)
         WHERE e.state = 'available' AND (all_new OR e.event = ANY (posted));
        IF touched IS NOT NULL AND cardinality(also) > 0 THEN
            touched := touched || ARRAY(SELECT s.id FROM sku s WHERE s.code = ANY (also));
        END IF;
        to_wake := mark_listings_v3(touched, live_now, seller);
    END IF;

    IF all_new THEN
        RETURN QUERY SELECT n::integer, 'posted', id, to_wake FROM unnest(new_ids) WITH ORDINALITY AS e(id, n) ORDER BY n;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT w.n::integer,
               CASE WHEN w.n = ANY (of_kits) THEN 'kit'
                    WHEN w.n = ANY (unknown) THEN 'unknown'
                    WHEN w.n = ANY (posted) THEN 'posted'
                    WHEN e.fingerprint = w.fingerprint THEN 'duplicate'
                    ELSE 'conflict' END,
               e.id,
               to_wake
          FROM unnest(sources, external_ids, fingerprints) WITH ORDINALITY AS w(source, external_id, fingerprint, n)
          LEFT JOIN event e ON e.source = w.source AND e.external_id = w.external_id
         ORDER BY w.n;
END
$$;
COMMENT ON FUNCTION post_events_v3 IS 'Post a batch of events with their entries; answers posted, duplicate, conflict, unknown or kit for each, and the channels whose publisher has to be signalled after the commit.';

GRANT SELECT, INSERT, UPDATE, DELETE ON kit_line, provisional_units, resting_units TO onhand_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO onhand_app;
