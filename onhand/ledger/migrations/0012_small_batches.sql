-- A small batch of orders costs fewer statements, and these look at less.

CREATE OR REPLACE FUNCTION mark_listings_v3(sku_ids integer[], live_now boolean, seller text DEFAULT NULL) RETURNS text[]
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
    -- before the statement below looks, which then wakes it. Whoever sold took it off its own level, so there is hardly
    -- ever anything to tell it: its publisher, if awake, finds out when it next looks.
    PERFORM pg_advisory_xact_lock_shared(71002, c.id),
            CASE WHEN c.name IS DISTINCT FROM seller THEN pg_notify('onhand', 'outbox ' || c.name) END
       FROM channel c WHERE c.id = ANY (touched);
    IF NOT EXISTS (SELECT FROM channel_work w WHERE w.channel_id = ANY (touched) AND NOT w.publish_awake) THEN
        RETURN '{}';
    END IF;
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

CREATE FUNCTION begin_orders_v1(
    channel_name text, skus text[], locations text[], orders text[],
    OUT unknown text[], OUT kits jsonb, OUT posted jsonb, OUT handled jsonb
)
LANGUAGE plpgsql AS $$
DECLARE
    this smallint := (SELECT id FROM channel WHERE name = channel_name);
BEGIN
    -- Orders of one channel are posted one batch at a time, so that each is compared with what is settled. The channel's
    -- number makes the key, in a class of its own beside those of the inbox (71001) and the outbox (71002). No kit is
    -- composed otherwise meanwhile (71007). What follows are statements of their own, which see what was settled before.
    PERFORM pg_advisory_xact_lock(71003, this), pg_advisory_xact_lock_shared(71007, 0);
    unknown := ARRAY(
        SELECT 'sku ' || u.code FROM unnest(skus) AS u(code) WHERE NOT EXISTS (SELECT FROM sku s WHERE s.code = u.code)
        UNION ALL
        SELECT 'location ' || u.code FROM unnest(locations) AS u(code)
         WHERE NOT EXISTS (SELECT FROM location l WHERE l.code = u.code));
    IF EXISTS (SELECT FROM kit_line) THEN
        SELECT jsonb_object_agg(k.code, k.parts) INTO kits
          FROM (SELECT s.code, jsonb_object_agg(c.code, k.quantity) AS parts
                  FROM sku s
                  JOIN kit_line k ON k.kit_id = s.id
                  JOIN sku c ON c.id = k.component_id
                 WHERE s.code = ANY (skus) AND s.kit
                 GROUP BY s.code) k;
    END IF;
    IF EXISTS (SELECT FROM channel_order o WHERE o.channel_id = this AND o.order_id = ANY (orders)) THEN
        SELECT jsonb_agg(jsonb_build_array(o.order_id, o.version, l.line_id, l.sku, l.location, l.open, l.fulfilled,
                                           l.listing_id, l.place, l.units, l.returned, l.elsewhere, l.trusted, l.composition))
          INTO posted
          FROM channel_order o
          LEFT JOIN order_line l ON l.channel_id = o.channel_id AND l.order_id = o.order_id
         WHERE o.channel_id = this AND o.order_id = ANY (orders);
        SELECT jsonb_agg(jsonb_build_array(r.order_id, r.line_id, r.sku, r.location, r.received, r.sellable, r.damaged, r.lost))
          INTO handled
          FROM order_return r
         WHERE r.channel_id = this AND r.order_id = ANY (orders);
    END IF;
END
$$;
COMMENT ON FUNCTION begin_orders_v1 IS 'Have other batches of a channel''s orders wait for this one; answers the names that the ledger does not know, how the kits among the SKUs are composed, what is posted of these orders and what was stated of their returns. Null where there is none of it.';

DROP FUNCTION post_events_v3;

-- Posts a batch of events: the one function that writes stock. Set-based, one round trip.
-- Rows are always touched in the order event key, then (sku, location), then listing, in every
-- caller, which is the whole answer to deadlocks.
-- Entries of unknown SKUs or locations, and of kits, refuse their event; nothing of a refused event is written.
-- `also`: SKUs whose listings are looked at again, too. `counted`, in the first row: the latest counts of the shelves that are
-- named, looked up once their balances are locked: whoever counts holds these.
CREATE FUNCTION post_events_v4(
    sources text[], external_ids text[], kinds text[], occurred timestamptz[], fingerprints bytea[], details jsonb[],
    entry_events integer[], entry_skus text[], entry_locations text[], entry_states text[], entry_quantities integer[],
    live_now boolean, seller text, also text[]
) RETURNS TABLE (ordinal integer, outcome text, event_id bigint, woken text[], counted jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new_ids bigint[];
    unknown integer[];
    of_kits integer[];
    posted boolean[];
    all_new boolean;
    touched integer[];
    to_wake text[];
    last_counts jsonb;
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
           array_agg(e.event ORDER BY e.n) FILTER (WHERE s.kit),
           array_agg(e.event ORDER BY e.n) FILTER (WHERE s.id IS NULL OR l.id IS NULL OR s.kit)
      INTO line_event, line_sku, line_location, line_state, line_quantity, of_kits, unknown
      FROM unnest(entry_events, entry_skus, entry_locations, entry_states, entry_quantities)
           WITH ORDINALITY AS e(event, sku, location, state, quantity, n)
      LEFT JOIN sku s ON s.code = e.sku
      LEFT JOIN location l ON l.code = e.location;

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
    -- By position: a list of numbers would be searched once for each line.
    SELECT array_agg(i.id IS NOT NULL ORDER BY e.n), bool_and(i.id IS NOT NULL) INTO posted, all_new
      FROM unnest(new_ids) WITH ORDINALITY AS e(id, n) LEFT JOIN inserted i ON i.id = e.id;

    IF true = ANY (posted) THEN
        WITH line AS (
            SELECT e.event, e.sku, e.location, e.state, e.quantity, e.n
              FROM unnest(line_event, line_sku, line_location, line_state, line_quantity)
                   WITH ORDINALITY AS e(event, sku, location, state, quantity, n)
             WHERE all_new OR posted[e.event]
        ), moved AS (
            SELECT sku, location, count(*) AS lines, bool_or(state = 'available') AS sellable,
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
        ), written AS (
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
              FROM ranked r JOIN after a ON a.sku_id = r.sku AND a.location_id = r.location
        )
        SELECT array_agg(DISTINCT sku) FILTER (WHERE sellable) INTO touched FROM moved;
        IF touched IS NOT NULL AND cardinality(also) > 0 THEN
            touched := touched || ARRAY(SELECT s.id FROM sku s WHERE s.code = ANY (also));
        END IF;
        to_wake := mark_listings_v3(touched, live_now, seller);
    END IF;

    IF EXISTS (SELECT FROM last_count) THEN
        SELECT jsonb_agg(jsonb_build_array(s.code, l.code, c.source, c.external_id, c.meaning, c.as_of, c.sure_of))
          INTO last_counts
          FROM (SELECT DISTINCT sku, location FROM unnest(line_sku, line_location) AS e(sku, location)) e
          JOIN last_count c ON c.sku_id = e.sku AND c.location_id = e.location
          JOIN sku s ON s.id = c.sku_id
          JOIN location l ON l.id = c.location_id;
    END IF;
    IF all_new THEN
        RETURN QUERY SELECT n::integer, 'posted', id, CASE n WHEN 1 THEN to_wake END, CASE n WHEN 1 THEN last_counts END
                       FROM unnest(new_ids) WITH ORDINALITY AS e(id, n) ORDER BY n;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT w.n::integer,
               CASE WHEN w.n = ANY (of_kits) THEN 'kit'
                    WHEN w.n = ANY (unknown) THEN 'unknown'
                    WHEN posted[w.n] THEN 'posted'
                    WHEN e.fingerprint = w.fingerprint THEN 'duplicate'
                    ELSE 'conflict' END,
               e.id,
               CASE w.n WHEN 1 THEN to_wake END,
               CASE w.n WHEN 1 THEN last_counts END
          FROM unnest(sources, external_ids, fingerprints) WITH ORDINALITY AS w(source, external_id, fingerprint, n)
          LEFT JOIN event e ON e.source = w.source AND e.external_id = w.external_id
         ORDER BY w.n;
END
$$;
COMMENT ON FUNCTION post_events_v4 IS 'Post a batch of events with their entries; answers posted, duplicate, conflict, unknown or kit for each; and in the first row the channels whose publisher has to be signalled after the commit, and the latest counts of these shelves.';

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO onhand_app;
