-- Read-backs, drift, halts, oversells and holds.

CREATE TABLE reconciliation (
    id text PRIMARY KEY,
    workflow_id text NOT NULL,
    run_id text REFERENCES run ON DELETE SET NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    status text COLLATE "C" NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'clean', 'drift', 'partial', 'failed')),
    request jsonb NOT NULL,
    summary text NOT NULL DEFAULT ''
);
COMMENT ON TABLE reconciliation IS 'One read-back of what the channels really show.';
COMMENT ON COLUMN reconciliation.run_id IS 'The sync run that started it; null: its own schedule, or an operator.';
CREATE INDEX reconciliation_recent ON reconciliation (started_at DESC);

CREATE TABLE reconciliation_channel (
    reconciliation_id text NOT NULL REFERENCES reconciliation ON DELETE CASCADE,
    channel_id smallint NOT NULL REFERENCES channel,
    status text COLLATE "C" NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'clean', 'drift', 'held', 'failed')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    levels integer NOT NULL DEFAULT 0,
    suspects integer NOT NULL DEFAULT 0,
    drifts integer NOT NULL DEFAULT 0,
    halted integer NOT NULL DEFAULT 0,
    reads integer NOT NULL DEFAULT 0,
    writes integer NOT NULL DEFAULT 0,
    throttled integer NOT NULL DEFAULT 0,
    waited_seconds double precision NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (reconciliation_id, channel_id)
);
COMMENT ON TABLE reconciliation_channel IS 'What one read-back found on one channel.';
COMMENT ON COLUMN reconciliation_channel.suspects IS 'Levels that looked wrong at first and were looked at again.';

CREATE TABLE drift (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reconciliation_id text COLLATE "C" NOT NULL,
    channel_id smallint NOT NULL REFERENCES channel,
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expected integer,
    shown integer,
    cause text COLLATE "C" NOT NULL CHECK (cause IN ('unheard_sale', 'lost_webhook', 'lost_write', 'manual_edit',
        'mapping_error', 'tracking_off', 'policy_change', 'unknown')),
    evidence text NOT NULL DEFAULT '',
    happened_at timestamptz,
    action text COLLATE "C" NOT NULL CHECK (action IN ('push', 'widen', 'halt', 'report')),
    resolved_at timestamptz,
    resolution text NOT NULL DEFAULT ''
);
COMMENT ON TABLE drift IS 'Levels that a channel showed otherwise than expected, with nothing in flight to explain it.';
COMMENT ON COLUMN drift.expected IS 'What we believed it shows, in pieces; shown is what it stated, null where it stated none.';
COMMENT ON COLUMN drift.seen_at IS 'When a read-back last saw it still so.';
COMMENT ON COLUMN drift.happened_at IS 'When the push that was lost was answered, or the edit was made; null where that is not known.';
COMMENT ON COLUMN drift.action IS 'What was done: pushed again, pushed with a wider buffer, halted, or only told.';
CREATE UNIQUE INDEX drift_open ON drift (listing_id, place) WHERE resolved_at IS NULL;
CREATE INDEX drift_found ON drift (found_at DESC);

CREATE TABLE suspect (
    reconciliation_id text COLLATE "C" NOT NULL,
    channel_id smallint NOT NULL,
    listing_id integer NOT NULL,
    place text COLLATE "C" NOT NULL,
    book integer,
    shown integer,
    condition text COLLATE "C" NOT NULL DEFAULT 'selling',
    missing boolean NOT NULL DEFAULT false,
    changed_at timestamptz,
    expected integer,
    seen integer,
    problem text NOT NULL DEFAULT '',
    looked_at timestamptz,
    outcome text COLLATE "C" CHECK (outcome IN ('in_flight', 'right', 'differs', 'judged')),
    PRIMARY KEY (reconciliation_id, channel_id, listing_id, place)
);
COMMENT ON TABLE suspect IS 'Levels that a running read-back has to look at again; deleted when it ends.';
COMMENT ON COLUMN suspect.book IS 'What we believed when the walk came by; shown is what it found.';
COMMENT ON COLUMN suspect.expected IS 'What we believed when it was looked at again, claimed; seen is what it showed then.';

CREATE TABLE halt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id integer NOT NULL REFERENCES listing,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    placed_by text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL CHECK (cause IN ('drift', 'oversell', 'operator')),
    reason text NOT NULL,
    drift_id bigint REFERENCES drift,
    clean_reads_needed integer,
    clean_reads integer NOT NULL DEFAULT 0,
    hidden boolean NOT NULL DEFAULT false,
    lifted_at timestamptz,
    lifted_by text NOT NULL DEFAULT ''
);
COMMENT ON TABLE halt IS 'Listings held at zero on purpose until a person or a rule lifts it.';
COMMENT ON COLUMN halt.placed_by IS 'Who: a read-back by its id, or a person by name.';
COMMENT ON COLUMN halt.clean_reads_needed IS 'Read-backs in a row that found nothing wrong lift it; null: only a person does.';
COMMENT ON COLUMN halt.hidden IS 'The channel was asked to take it out of sight, and did.';
CREATE UNIQUE INDEX halt_standing ON halt (listing_id) WHERE lifted_at IS NULL;

CREATE TABLE widened_buffer (
    listing_id integer PRIMARY KEY REFERENCES listing,
    units integer NOT NULL CHECK (units > 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    clean_reads integer NOT NULL DEFAULT 0,
    reason text NOT NULL
);
COMMENT ON TABLE widened_buffer IS 'Units of the SKU kept from one listing beyond its rule''s buffer, because it drifted; taken back after clean read-backs.';

CREATE TABLE oversell (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    units_short integer NOT NULL CHECK (units_short > 0),
    last_channel_id smallint REFERENCES channel,
    orders jsonb NOT NULL DEFAULT '[]',
    told integer NOT NULL DEFAULT 0,
    resolved_at timestamptz,
    resolution text NOT NULL DEFAULT ''
);
COMMENT ON TABLE oversell IS 'SKUs of which more is promised than there is, from when it was noticed until it is no longer so.';
COMMENT ON COLUMN oversell.units_short IS 'The most it was short of, in units, summed over its locations.';
COMMENT ON COLUMN oversell.orders IS 'The orders that may not be filled, newest first: channel, order id, units.';
COMMENT ON COLUMN oversell.told IS 'Units short that people were told of; when it is short of more, they are told again.';
CREATE UNIQUE INDEX oversell_open ON oversell (sku_id) WHERE resolved_at IS NULL;

CREATE TABLE hold (
    channel_id smallint NOT NULL REFERENCES channel,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('sync', 'reconciliation')),
    run_id text COLLATE "C" NOT NULL,
    held_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    listings integer NOT NULL,
    changing integer NOT NULL,
    zeroing integer NOT NULL,
    units bigint NOT NULL,
    reason text NOT NULL,
    told_at timestamptz,
    released_at timestamptz,
    released_by text NOT NULL DEFAULT '',
    PRIMARY KEY (channel_id, kind)
);
COMMENT ON TABLE hold IS 'Runs that would change or empty too much of a channel at once; nothing of them is sent until an operator releases it.';
COMMENT ON COLUMN hold.run_id IS 'The run that was held last, or the one that sends what was released.';
COMMENT ON COLUMN hold.listings IS 'Listings of the channel; changing and zeroing: how many would be told something, and told 0.';
COMMENT ON COLUMN hold.units IS 'Pieces by which what is shown would move in all.';
COMMENT ON COLUMN hold.told_at IS 'When people were alerted; null: not yet.';
COMMENT ON COLUMN hold.released_at IS 'The next run may send as much as this one wanted to; the row goes when it has.';

CREATE TABLE judgement (
    channel_id smallint PRIMARY KEY REFERENCES channel,
    unjudged_from bigint,
    rules text COLLATE "C" NOT NULL DEFAULT ''
);
COMMENT ON TABLE judgement IS 'What the guard has let through to each channel, and what it has not seen yet.';
COMMENT ON COLUMN judgement.unjudged_from IS 'The first event of a source that no run was let through with; null: there is none. Only runs tell the channel of it and of those after it.';
COMMENT ON COLUMN judgement.rules IS 'Digest of the rules of the last run that was let through: others may move every level at once.';

CREATE TABLE named_listing (
    listing_id integer PRIMARY KEY REFERENCES listing,
    last_event bigint NOT NULL
);
COMMENT ON TABLE named_listing IS 'Listings whose SKU a person had told to a channel of which something is unjudged: for these it is judged up to that event.';

CREATE FUNCTION withheld_v1(sku integer, first_event bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    -- A count that somebody else made after it stands by itself: it says how many there are.
    WITH counted AS MATERIALIZED (
        SELECT e.location_id, e.version, e.quantity,
               starts_with(v.source, 'source/') OR starts_with(v.source, 'import/') AS by_source
          FROM entry e
          JOIN event v ON v.id = e.event_id AND v.kind = 'count'
         WHERE e.sku_id = withheld_v1.sku AND e.event_id >= first_event AND e.state = 'available'
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
COMMENT ON FUNCTION withheld_v1 IS 'Units by location code that sources and files have moved a SKU by since that event; null where nothing was.';

ALTER TABLE channel_work ADD COLUMN hooks_problem text NOT NULL DEFAULT '', ADD COLUMN hooks_seen_at timestamptz;
COMMENT ON COLUMN channel_work.hooks_problem IS 'What the last look at its webhook subscriptions found and could not mend; empty when they are as they should be.';

ALTER TABLE run_channel DROP CONSTRAINT run_channel_status_check;
ALTER TABLE run_channel ADD CONSTRAINT run_channel_status_check
    CHECK (status IN ('running', 'success', 'partial', 'failed', 'held', 'skipped'));

ALTER TABLE push ADD COLUMN basis jsonb;
COMMENT ON COLUMN push.basis IS 'What its level was decided from: the SKU, the units of it one piece takes, and the version of its balance at each location drawn on. Null: not kept.';

GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliation, reconciliation_channel, drift, suspect, halt, widened_buffer, oversell, hold, judgement, named_listing TO onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
