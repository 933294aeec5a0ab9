-- Platforms tell the moment of an order in whole seconds, and a blind write takes effect somewhere before its answer. A
-- sale of that time counts as made before it; if it was made after it, the level shows less than its book. Such sales are
-- counted, so that what a look finds missing after a silence is known to be these, and not taken off the pool once more.
-- And an order may tell late of what it was changed by before its last change: a level that was fixed in between is looked
-- at again.

ALTER TABLE level ADD COLUMN told_at timestamptz, ADD COLUMN doubtful integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN level.told_at IS 'From when on nobody can tell whether a sale made before blind_at was made before that write took effect, and undone by it, or after.';
COMMENT ON COLUMN level.doubtful IS 'Pieces of such sales, since the level was last told or stated: it may show so many less than its book. What a look finds missing after a silence is these, and no news.';

DROP FUNCTION take_sales_v2;

CREATE FUNCTION take_sales_v2(
    listings integer[], places text[], pieces integer[], moments timestamptz[], sinces timestamptz[] DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    given_back integer;
    to_tell boolean;
BEGIN
    -- Locked first, in a statement of their own, so that the next one sees what those before us committed.
    PERFORM FROM level v
      WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(listings, places))
      ORDER BY v.listing_id, v.place
        FOR UPDATE;
    WITH sale AS (
        SELECT * FROM unnest(listings, places, pieces, moments, sinces) AS s(listing, place, pieces, moment, since)
    ), summed AS (
        SELECT v.listing_id, v.place,
               coalesce(sum(s.pieces) FILTER (WHERE v.fixed_at IS NULL OR s.moment >= v.fixed_at), 0)::integer AS sold,
               coalesce(sum(s.pieces) FILTER (WHERE s.moment < v.fixed_at), 0)::integer AS before,
               coalesce(sum(s.pieces) FILTER (WHERE s.moment < v.blind_at), 0)::integer AS blind,
               coalesce(sum(s.pieces) FILTER (WHERE s.moment >= v.told_at AND s.moment < v.blind_at), 0)::integer
                   AS while_told,
               coalesce(sum(s.pieces) FILTER (WHERE s.pieces > 0), 0)::integer AS bought,
               coalesce(sum(s.pieces) FILTER (WHERE s.pieces > 0 AND s.moment < v.fixed_at), 0)::integer AS bought_before,
               coalesce(sum(-s.pieces) FILTER (WHERE s.pieces < 0 AND (v.fixed_at IS NULL OR s.moment >= v.fixed_at)), 0
                   )::integer AS returned,
               max(s.moment) AS latest,
               -- Made while it was being looked at: what the look showed has it, or has it not.
               coalesce(bool_or(s.moment >= v.asked_at AND s.moment < v.fixed_at
                                OR s.since < v.fixed_at AND s.moment >= v.fixed_at), false) AS in_doubt,
               coalesce(sum(s.pieces) FILTER (WHERE s.pieces > 0 AND s.since < v.fixed_at AND s.moment >= v.fixed_at), 0
                   )::integer AS sold_in_doubt,
               coalesce(sum(-s.pieces) FILTER (WHERE s.pieces < 0 AND s.moment >= v.asked_at AND s.moment < v.fixed_at), 0
                   )::integer AS back_in_doubt
          FROM level v JOIN sale s ON s.listing = v.listing_id AND s.place = v.place
         GROUP BY v.listing_id, v.place
    ), expected AS (
        -- An order replaces what an answer had told of it, and is not added to it. Pieces put back replace nothing: so
        -- it is all one whether an order and another's cancellation come in one batch or in two. What was sold before the
        -- level was fixed is replaced by orders of that time alone: a later one lowered what it shows since.
        SELECT m.listing_id, m.place, least(d.earlier, m.bought_before) AS replaced_before,
               least(d.pieces - d.earlier, m.bought - m.bought_before) AS replaced_since
          FROM summed m JOIN provisional_demand d ON d.listing_id = m.listing_id AND d.place = m.place
         WHERE m.bought > 0
    ), settled AS (
        DELETE FROM provisional_demand d USING expected e
         WHERE d.listing_id = e.listing_id AND d.place = e.place AND d.pieces = e.replaced_before + e.replaced_since
    ), lowered AS (
        UPDATE provisional_demand d SET pieces = d.pieces - e.replaced_before - e.replaced_since,
               earlier = d.earlier - e.replaced_before
          FROM expected e
         WHERE d.listing_id = e.listing_id AND d.place = e.place AND d.pieces > e.replaced_before + e.replaced_since
    ), seen AS (
        -- The same for pieces put back: an answer that showed them has raised the book already.
        SELECT m.listing_id, m.place, least(r.pieces, m.returned) AS pieces
          FROM summed m JOIN put_back r ON r.listing_id = m.listing_id AND r.place = m.place
         WHERE m.returned > 0
    ), seen_whole AS (
        DELETE FROM put_back r USING seen e
         WHERE r.listing_id = e.listing_id AND r.place = e.place AND r.pieces = e.pieces
    ), seen_in_part AS (
        UPDATE put_back r SET pieces = r.pieces - e.pieces FROM seen e
         WHERE r.listing_id = e.listing_id AND r.place = e.place AND r.pieces > e.pieces
    ), news AS (
        SELECT m.listing_id, m.place,
               m.sold - coalesce(e.replaced_since, 0) + coalesce(b.pieces, 0) AS sold,
               m.before - coalesce(e.replaced_before, 0) AS before,
               least(m.blind, m.before - coalesce(e.replaced_before, 0)) AS blind,
               least(m.while_told, m.before - coalesce(e.replaced_before, 0)) AS while_told,
               greatest(m.sold + m.before, 0) AS heard, m.latest, m.in_doubt, m.sold_in_doubt + m.back_in_doubt AS more
          FROM summed m
          LEFT JOIN expected e ON e.listing_id = m.listing_id AND e.place = m.place
          LEFT JOIN seen b ON b.listing_id = m.listing_id AND b.place = m.place
    ), booked AS (
        UPDATE level v SET
            -- In doubt, it is looked at again, and may show all that it did meanwhile.
            book = CASE WHEN NOT n.in_doubt THEN v.book - n.sold END,
            bound = CASE WHEN n.in_doubt AND v.book IS NOT NULL THEN greatest(v.book - n.sold, 0) + n.more
                         ELSE v.bound END,
            sold_at = CASE WHEN v.claimed_until IS NOT NULL THEN greatest(v.sold_at, n.latest) END,
            heard = CASE WHEN v.claimed_until IS NULL THEN 0 ELSE v.heard + n.sold END,
            pace = CASE WHEN n.heard > 0 THEN faded(v.pace, v.paced_at) + n.heard ELSE v.pace END,
            paced_at = CASE WHEN n.heard > 0 THEN clock_timestamp() ELSE v.paced_at END,
            paced_since = CASE WHEN n.heard > 0 AND (v.paced_since IS NULL OR faded(v.pace, v.paced_at) < 0.5)
                               THEN clock_timestamp() ELSE v.paced_since END,
            undone = greatest(v.undone - greatest(n.before, 0), 0),
            unheard = greatest(v.unheard - greatest(n.before, 0), 0),
            doubtful = v.doubtful + greatest(n.while_told, 0),
            given_back = v.given_back + greatest(n.blind, 0)
          FROM news n
         WHERE v.listing_id = n.listing_id AND v.place = n.place
           AND (n.sold <> 0 OR n.heard > 0 OR n.blind > 0 OR n.in_doubt)
    )
    SELECT coalesce(sum(greatest(blind, 0)), 0)::integer, coalesce(bool_or(before > 0 OR in_doubt), false)
      INTO given_back, to_tell FROM news;
    IF to_tell THEN  -- now there is something to tell the channel that sold them
        PERFORM pg_notify('onhand', 'outbox ' || c.name) FROM channel c JOIN listing l ON l.channel_id = c.id
          WHERE l.id = ANY (listings) GROUP BY c.name;
    END IF;
    RETURN given_back;
END
$$;
COMMENT ON FUNCTION take_sales_v2 IS 'Lower what we believe listings show by pieces their channel sold; nothing is believed any more where nobody can tell whether it has the sale already. Answers the pieces whose sale a blind write had undone, which lower nothing.';

CREATE OR REPLACE FUNCTION book_levels_v3(
    listings integer[], places text[], expected integer[], seen integer[], shortfalls integer[], surpluses integer[],
    blind boolean[], problems text[], locations text[], looked integer[], asked timestamptz[], claim bigint,
    answered_at timestamptz
) RETURNS TABLE (learnt integer, overtaken integer[], owed text[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM level v
      WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(listings, places))
      ORDER BY v.listing_id, v.place
        FOR UPDATE;
    RETURN QUERY
    WITH answer AS (
        SELECT a.*, v.heard, short.of_it - short.explained AS unheard,
               -- What it shows from here on is known anew, whatever was sold before.
               a.blind OR (a.shortfall IS NULL AND a.surplus = 0 AND a.expected IS NOT NULL) OR short.explained > 0 AS fixed,
               CASE WHEN a.blind THEN 0 ELSE greatest(a.surplus + least(v.heard, 0), 0) END AS returned,
               may_show(v) AS most, may_sell(v) AS before,
               CASE WHEN a.blind THEN false
                    WHEN a.seen IS NULL THEN coalesce(v.sold_at >= v.asked_at, false)
                    ELSE a.shortfall IS NULL AND coalesce(v.sold_at >= a.asked, false) END AS in_doubt,
               CASE WHEN a.blind THEN greatest(v.undoes - v.heard, 0) ELSE v.undone END AS undone,
               -- What it may have shown more, when it was looked at after its book was lost, may all be sold.
               CASE WHEN a.looked IS NULL OR a.blind THEN v.unheard
                    ELSE greatest(greatest(v.bound - v.heard, 0) + v.unheard - a.looked, 0)
                    END AS lost,
               CASE WHEN a.blind THEN a.expected
                    WHEN a.seen IS NULL THEN a.expected - v.heard
                    WHEN a.shortfall IS NULL THEN a.seen
                    WHEN v.heard < 0 THEN a.seen - v.heard
                    ELSE a.seen - greatest(v.heard - a.shortfall, 0) END AS after
          FROM unnest(listings, places, expected, seen, shortfalls, surpluses, blind, problems, locations, looked, asked)
               AS a(listing, place, expected, seen, shortfall, surplus, blind, problem, location, looked, asked)
          JOIN level v ON v.listing_id = a.listing AND v.place = a.place AND v.claim = book_levels_v3.claim
         CROSS JOIN LATERAL (
            SELECT coalesce(greatest(a.shortfall - greatest(v.heard, 0), 0), 0) AS of_it) missing
         CROSS JOIN LATERAL (
            -- What was silent for onhand.domain.demand.HEARING_SECONDS when it was asked (`asked` is a second earlier)
            -- has sold nothing that is not heard of: what is missing then are sales of which it was in doubt whether a
            -- blind write had undone them.
            SELECT missing.of_it,
                   CASE WHEN NOT a.blind AND a.seen IS NOT NULL AND v.paced_at <= a.asked - interval '1 second'
                        THEN least(missing.of_it, v.doubtful) ELSE 0 END AS explained) short
    ), lost AS (
        UPDATE level v SET
            book = NULL,
            bound = greatest(may_show(v), a.expected),
            claim = CASE WHEN v.claimed_until IS NULL THEN 0 ELSE -1 END,
            blind_at = CASE WHEN a.blind THEN book_levels_v3.answered_at ELSE v.blind_at END,
            told_at = CASE WHEN NOT a.blind THEN v.told_at END,
            fixed_at = CASE WHEN a.blind THEN book_levels_v3.answered_at ELSE v.fixed_at END
          FROM unnest(listings, places, expected, blind) AS a(listing, place, expected, blind)
         WHERE v.listing_id = a.listing AND v.place = a.place AND v.claim <> book_levels_v3.claim
        RETURNING v.listing_id
    ), known AS (
        -- What was sold and put back again, both unheard, is nothing: one takes the other away.
        SELECT a.listing, a.place, a.location, a.fixed, greatest(a.unheard - coalesce(r.pieces, 0), 0) AS unheard,
               greatest(a.returned - coalesce(d.pieces, 0), 0) AS returned,
               least(a.returned, coalesce(d.pieces, 0)) AS less_demand,
               least(a.unheard, coalesce(r.pieces, 0)) AS less_back
          FROM answer a
          LEFT JOIN provisional_demand d ON d.listing_id = a.listing AND d.place = a.place
          LEFT JOIN put_back r ON r.listing_id = a.listing AND r.place = a.place
         WHERE a.unheard > 0 OR a.returned > 0
    ), demand_gone AS (
        DELETE FROM provisional_demand d USING known k
         WHERE d.listing_id = k.listing AND d.place = k.place AND d.pieces = k.less_demand
    ), demand_less AS (
        UPDATE provisional_demand d SET pieces = d.pieces - k.less_demand,
               earlier = least(d.earlier, d.pieces - k.less_demand)
          FROM known k
         WHERE d.listing_id = k.listing AND d.place = k.place AND k.less_demand BETWEEN 1 AND d.pieces - 1
    ), back_gone AS (
        DELETE FROM put_back r USING known k
         WHERE r.listing_id = k.listing AND r.place = k.place AND r.pieces = k.less_back AND NOT k.fixed
    ), back_less AS (
        UPDATE put_back r SET pieces = r.pieces - k.less_back FROM known k
         WHERE r.listing_id = k.listing AND r.place = k.place AND k.less_back BETWEEN 1 AND r.pieces - 1 AND NOT k.fixed
    ), taught AS (
        INSERT INTO provisional_demand AS d (listing_id, place, sku_id, location_id, pieces, units, earlier)
        SELECT k.listing, k.place, l.sku_id, o.id, k.unheard, l.units, CASE WHEN k.fixed THEN k.unheard ELSE 0 END
          FROM known k
          JOIN listing l ON l.id = k.listing
          JOIN location o ON o.code = k.location
         WHERE k.unheard > 0
         ORDER BY k.listing, k.place
        ON CONFLICT (listing_id, place) DO UPDATE SET
            pieces = d.pieces + excluded.pieces, since = excluded.since,
            earlier = CASE WHEN excluded.earlier > 0 THEN d.pieces + excluded.pieces ELSE d.earlier END
        RETURNING pieces
    ), sold_before AS (
        UPDATE provisional_demand d SET earlier = d.pieces FROM answer a
         WHERE a.fixed AND d.listing_id = a.listing AND d.place = a.place AND d.earlier < d.pieces
           AND NOT EXISTS (SELECT FROM known k WHERE k.listing = a.listing AND k.place = a.place AND k.unheard > 0)
    ), returned AS (
        INSERT INTO put_back AS r (listing_id, place, pieces)
        SELECT k.listing, k.place, k.returned FROM known k WHERE k.returned > 0 ORDER BY k.listing, k.place
        ON CONFLICT (listing_id, place) DO UPDATE SET pieces = r.pieces + excluded.pieces, since = excluded.since
    ), written_over AS (
        DELETE FROM put_back r USING answer a WHERE a.fixed AND r.listing_id = a.listing AND r.place = a.place
    ), booked AS (
        UPDATE level v SET
            book = CASE WHEN NOT a.in_doubt THEN a.after END,
            bound = CASE WHEN a.after IS NULL THEN a.most
                         WHEN a.in_doubt THEN greatest(a.after, 0) + greatest(-v.heard, 0) END,
            tells = NULL, tells_blindly = false, undoes = 0,
            undone = a.undone,
            unheard = CASE WHEN a.after IS NULL THEN v.unheard ELSE a.lost END,
            booked_at = book_levels_v3.answered_at,
            blind_at = CASE WHEN a.blind THEN book_levels_v3.answered_at ELSE v.blind_at END,
            fixed_at = CASE WHEN a.fixed THEN book_levels_v3.answered_at ELSE v.fixed_at END,
            told_at = CASE WHEN a.blind THEN a.asked ELSE v.told_at END,
            doubtful = CASE WHEN a.blind OR a.seen IS NOT NULL THEN 0 ELSE v.doubtful END,
            asked_at = CASE WHEN a.blind THEN NULL WHEN a.fixed THEN a.asked WHEN a.seen IS NULL THEN v.asked_at END,
            sold_at = NULL,
            shown = coalesce(a.seen, v.shown),
            shown_at = CASE WHEN a.seen IS NULL THEN v.shown_at ELSE book_levels_v3.answered_at END,
            problem = a.problem, claimed_until = NULL, claim = 0, heard = 0
          FROM answer a
         WHERE v.listing_id = a.listing AND v.place = a.place
    )
    SELECT (SELECT count(*)::integer FROM taught),
           ARRAY(SELECT listing_id FROM lost UNION SELECT listing FROM answer WHERE in_doubt ORDER BY 1),
           CASE WHEN EXISTS (SELECT FROM level w WHERE w.owed)
                THEN ARRAY(SELECT DISTINCT s.code
                             FROM answer a
                             JOIN listing l ON l.id = a.listing
                             JOIN listing o ON o.sku_id = l.sku_id AND o.active
                             JOIN level w ON w.listing_id = o.id AND w.owed
                             JOIN sku s ON s.id = l.sku_id
                            WHERE a.before > greatest(a.after, 0) + a.lost + a.undone ORDER BY s.code)
                ELSE '{}' END;
END
$$;
