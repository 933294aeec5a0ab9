-- Wholesale programmes, and what is sold before it arrives.

CREATE TABLE programme (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 100),
    partner text COLLATE "C" NOT NULL CHECK (partner <> '' AND length(partner) <= 100),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    beyond text COLLATE "C" NOT NULL CHECK (beyond IN ('take', 'alert')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text COLLATE "C" NOT NULL,
    began_at timestamptz,
    ended_at timestamptz,
    ended_by text COLLATE "C" NOT NULL DEFAULT '',
    step integer NOT NULL DEFAULT 0,
    CHECK (starts_at < ends_at)
);
COMMENT ON TABLE programme IS 'Units kept for a partner for a while. Whoever changes what one holds has locked its row.';
COMMENT ON COLUMN programme.ends_at IS 'Not included: what is left is released then.';
COMMENT ON COLUMN programme.beyond IS 'What more orders of the partner are: taken like others, or told to people, too.';
COMMENT ON COLUMN programme.began_at IS 'When it began to reserve; null: it has not begun.';
COMMENT ON COLUMN programme.step IS 'The number of its last reservation event.';
CREATE INDEX programme_open ON programme (partner, starts_at) WHERE ended_at IS NULL;

CREATE TABLE programme_line (
    programme_id integer NOT NULL REFERENCES programme,
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    units integer NOT NULL CHECK (units >= 0),
    taken integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    secured integer NOT NULL DEFAULT 0 CHECK (secured BETWEEN 0 AND units),
    told_short integer NOT NULL DEFAULT 0,
    told_beyond integer NOT NULL DEFAULT 0,
    PRIMARY KEY (programme_id, sku_id, location_id)
);
COMMENT ON TABLE programme_line IS 'What a programme keeps of each SKU. Of `secured` units its orders have drawn at most as many as they have taken; the rest is reserved.';
COMMENT ON COLUMN programme_line.units IS 'Promised to the partner.';
COMMENT ON COLUMN programme_line.taken IS 'Taken by the partner''s orders of the period.';
COMMENT ON COLUMN programme_line.secured IS 'Found for it so far: reserved, or drawn by its orders.';
COMMENT ON COLUMN programme_line.told_short IS 'Units that people were told may be missing; told_beyond: that its orders took beyond it.';
CREATE INDEX programme_line_sku ON programme_line (sku_id) WHERE secured > taken;

CREATE TABLE programme_order (
    channel_id smallint NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    programme_id integer NOT NULL REFERENCES programme,
    PRIMARY KEY (channel_id, order_id, programme_id)
);
COMMENT ON TABLE programme_order IS 'Orders of a partner that were placed while its programme ran: what they take is drawn from it first.';

CREATE TABLE preorder (
    sku_id integer PRIMARY KEY REFERENCES sku,
    cap integer NOT NULL CHECK (cap >= 0),
    promised_for date NOT NULL,
    channels text[] COLLATE "C" NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    opened_by text COLLATE "C" NOT NULL,
    closed_at timestamptz,
    seen_incoming bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE preorder IS 'SKUs that may be sold before they arrive; closed: no more of them, and what was promised stays promised.';
COMMENT ON COLUMN preorder.cap IS 'Units that may be promised at a time; once closed, those that were.';
COMMENT ON COLUMN preorder.channels IS 'Channels that may sell it so; none named: all.';
COMMENT ON COLUMN preorder.seen_incoming IS 'Units that come in by the promised day, when its listings were last marked for it.';

CREATE TABLE preorder_promise (
    sku_id integer NOT NULL REFERENCES preorder,
    channel_id smallint NOT NULL REFERENCES channel,
    order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    units integer NOT NULL CHECK (units > 0),
    covered integer NOT NULL CHECK (covered BETWEEN 0 AND units),
    position integer NOT NULL CHECK (position > 0),
    sold_at timestamptz NOT NULL,
    promised_for date NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_late boolean NOT NULL DEFAULT false,
    settled_at timestamptz,
    outcome text COLLATE "C" CHECK (outcome IN ('committed', 'cancelled')),
    PRIMARY KEY (sku_id, channel_id, order_id, line_id),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE preorder_promise IS 'Order lines that wait for units which have not arrived, in the order in which they are served.';
COMMENT ON COLUMN preorder_promise.covered IS 'Of its units, those that are promised: within the cap, and on their way.';
COMMENT ON COLUMN preorder_promise.promised_for IS 'The day it was promised for when it was made; a later change of the setting does not move it.';
COMMENT ON COLUMN preorder_promise.outcome IS 'committed: its units have arrived; cancelled: they are not wanted any more.';
CREATE INDEX preorder_promise_waiting ON preorder_promise (sku_id, position) WHERE settled_at IS NULL;

CREATE FUNCTION incoming_due_v1(sku integer, location smallint, until date) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- What nobody has named a day for may come any day.
    RETURN greatest(coalesce((SELECT b.incoming FROM balance b WHERE b.sku_id = sku AND b.location_id = location), 0)
        - coalesce((SELECT sum(i.units) FROM incoming_unit i
                     WHERE i.sku_id = sku AND i.location_id = location AND i.due_on > until), 0), 0);
END
$$;
COMMENT ON FUNCTION incoming_due_v1 IS 'Units of a SKU that come in at a location by the end of a day.';

CREATE FUNCTION covered_v1(sku integer) RETURNS bigint
LANGUAGE sql STABLE AS $$
    -- Late or not: what is on its way will serve what was promised.
    SELECT coalesce((SELECT least(p.cap, (SELECT greatest(coalesce(sum(b.incoming), 0), 0) FROM balance b WHERE b.sku_id = sku))
                       FROM preorder p WHERE p.sku_id = sku), 0)::bigint
$$;
COMMENT ON FUNCTION covered_v1 IS 'Units of a SKU that may be sold beyond what is available without being oversold: promised, and on their way.';

COMMENT ON COLUMN push.basis IS 'What its level was decided from: the SKU, the units of it one piece takes, the version of its balance at each location drawn on, and units that it may sell beyond what is available there. Null: not kept.';

GRANT SELECT, INSERT, UPDATE, DELETE ON programme, programme_line, programme_order, preorder, preorder_promise TO onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO onhand_app;
