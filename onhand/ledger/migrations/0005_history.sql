-- What a count says is kept, so that facts of the time before it that come later do not change what it said.

CREATE TABLE last_count (
    sku_id integer NOT NULL,
    location_id smallint NOT NULL,
    source text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    meaning text COLLATE "C" NOT NULL CHECK (meaning IN ('on_hand', 'available')),
    as_of timestamptz NOT NULL,
    sure_of timestamptz NOT NULL CHECK (sure_of <= as_of),
    PRIMARY KEY (sku_id, location_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE last_count IS 'The count of each shelf that is of the latest moment: it knew of everything before, whenever we hear of that.';
COMMENT ON COLUMN last_count.as_of IS 'The moment it is of; what raised the number until then is in it.';
COMMENT ON COLUMN last_count.sure_of IS 'As_of less the lag of its source: what lowered the number until then is in it for sure.';

ALTER TABLE location ADD COLUMN counted_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN lag_seconds double precision NOT NULL DEFAULT 0 CHECK (lag_seconds >= 0);
COMMENT ON COLUMN location.counted_by IS 'The source whose counts of it are taken, and nobody else''s: another party keeps this stock. Empty: anybody''s.';
COMMENT ON COLUMN location.lag_seconds IS 'By how much that party''s numbers may be behind what happened.';

GRANT SELECT, INSERT, UPDATE, DELETE ON last_count TO onhand_app;

CREATE FUNCTION withheld_v2(sku integer, first_event bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    -- A count that somebody else made after it stands by itself: it says how many there are. What keeps a count true when
    -- something is heard late is no such word.
    WITH counted AS MATERIALIZED (
        SELECT e.location_id, e.version, e.quantity,
               starts_with(v.source, 'source/') OR starts_with(v.source, 'import/') AS by_source
          FROM entry e
          JOIN event v ON v.id = e.event_id AND v.kind = 'count' AND v.source <> 'recount'
         WHERE e.sku_id = withheld_v2.sku AND e.event_id >= first_event AND e.state = 'available'
    )
    SELECT jsonb_object_agg(w.code, w.units)
      FROM (SELECT o.code, sum(s.quantity) AS units
              FROM counted s
              JOIN location o ON o.id = s.location_id
             WHERE s.by_source
               AND NOT EXISTS (SELECT FROM counted later
                                WHERE later.location_id = s.location_id AND later.version > s.version
                                  AND NOT later.by_source)
             GROUP BY o.code) w
$$;
COMMENT ON FUNCTION withheld_v2 IS 'Units by location code that sources and files have moved a SKU by since that event; null where nothing was.';
DROP FUNCTION withheld_v1;
