-- How fast each channel sells, how long changes take, what is held back for both, and SKUs that suddenly sell much faster than usual.

CREATE TABLE channel_velocity (
    sku_id integer NOT NULL REFERENCES sku,
    channel_id smallint NOT NULL REFERENCES channel,
    location_id smallint NOT NULL REFERENCES location,
    per_day double precision NOT NULL CHECK (per_day >= 0),
    PRIMARY KEY (sku_id, channel_id, location_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE channel_velocity IS 'Units of a SKU that a channel sells a day from a location, a decaying average; where nothing was sold lately there is none.';

CREATE TABLE propagation (
    channel_id smallint PRIMARY KEY REFERENCES channel,
    seconds double precision NOT NULL CHECK (seconds >= 0),
    changes integer NOT NULL,
    computed_at timestamptz NOT NULL
);
COMMENT ON TABLE propagation IS 'How long a change takes until a channel shows it: seconds in which 99 of 100 of the last day were shown.';

CREATE TABLE velocity_buffer (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    units integer NOT NULL CHECK (units > 0),
    per_day double precision NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (listing_id, place)
) WITH (fillfactor = 70);
COMMENT ON TABLE velocity_buffer IS 'Units that other channels sell of what a level shows until its channel shows a change; held back where its rule says so.';
COMMENT ON COLUMN velocity_buffer.per_day IS 'Units a day that the others sell at the locations it shows; seconds: until its channel shows a change.';

CREATE TABLE spike (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    usual double precision NOT NULL CHECK (usual >= 0),
    units integer NOT NULL CHECK (units >= 0),
    peak integer NOT NULL CHECK (peak >= units),
    held_back integer NOT NULL CHECK (held_back >= 0),
    tier_after smallint NOT NULL CHECK (tier_after BETWEEN 0 AND 2),
    told_at timestamptz
);
COMMENT ON TABLE spike IS 'SKUs that sold many times faster than usual, from when it was noticed until they calmed: meanwhile in the first tier, with a wider buffer.';
COMMENT ON COLUMN spike.usual IS 'Units an hour before it began.';
COMMENT ON COLUMN spike.units IS 'Units of the hour in which it was noticed; peak: the most of any hour since.';
COMMENT ON COLUMN spike.held_back IS 'Units kept from each of its listings beyond their rule''s buffer while it lasts.';
COMMENT ON COLUMN spike.tier_after IS 'The tier it goes back to: what it was in, or what was found for it since.';
CREATE UNIQUE INDEX spike_open ON spike (sku_id) INCLUDE (held_back) WHERE ended_at IS NULL;

CREATE TABLE spike_look (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    looked_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE spike_look IS 'One row: when spikes were last looked for. Whoever looks holds it.';
INSERT INTO spike_look DEFAULT VALUES;

GRANT SELECT, INSERT, UPDATE, DELETE ON channel_velocity, propagation, velocity_buffer, spike, spike_look TO onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
