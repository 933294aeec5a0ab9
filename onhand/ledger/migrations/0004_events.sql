-- Returns, transfers, and what is written off.

ALTER TABLE order_line ADD COLUMN returned integer NOT NULL DEFAULT 0, ADD COLUMN elsewhere jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN trusted boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN order_line.returned IS 'Units that had left and that the channel itself put back on its shelf; fulfilled are without them.';
COMMENT ON COLUMN order_line.elsewhere IS 'Of these, [place, location, units] where that is told.';
COMMENT ON COLUMN order_line.trusted IS 'They could be sold at once, as the channel''s setting was when the first came back; else they wait for an inspection.';

CREATE TABLE order_return (
    channel_id smallint NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    received integer NOT NULL CHECK (received >= 0),
    sellable integer NOT NULL CHECK (sellable >= 0),
    damaged integer NOT NULL CHECK (damaged >= 0),
    lost integer NOT NULL CHECK (lost >= 0),
    waiting integer NOT NULL CHECK (waiting >= 0),
    since timestamptz,
    PRIMARY KEY (channel_id, order_id, line_id, sku, location),
    FOREIGN KEY (channel_id, order_id) REFERENCES channel_order
);
COMMENT ON TABLE order_return IS 'What people and warehouses have stated of the units that came back of an order''s line, beside what its channel says (order_line.returned).';
COMMENT ON COLUMN order_return.received IS 'Units stated to have arrived; sellable, damaged and lost: what inspections found.';
COMMENT ON COLUMN order_return.waiting IS 'Units of the line in quality control there, whoever told of them; since: the first of them.';
CREATE INDEX order_return_waiting ON order_return (sku, location) WHERE waiting > 0;

CREATE TABLE transfer (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> '' AND length(id) <= 200),
    origin_id smallint NOT NULL REFERENCES location,
    destination_id smallint NOT NULL REFERENCES location CHECK (destination_id <> origin_id),
    began_at timestamptz NOT NULL
);
COMMENT ON TABLE transfer IS 'Append-only: goods sent from one location to another. How it stands is the sum of its steps.';

CREATE TABLE transfer_step (
    transfer_id text COLLATE "C" NOT NULL REFERENCES transfer,
    event_id bigint NOT NULL,
    sku_id integer NOT NULL REFERENCES sku,
    sent integer NOT NULL CHECK (sent >= 0),
    arrived integer NOT NULL CHECK (arrived >= 0),
    short integer NOT NULL CHECK (short >= 0),
    over integer NOT NULL CHECK (over >= 0),
    PRIMARY KEY (transfer_id, event_id, sku_id)
);
COMMENT ON TABLE transfer_step IS 'Append-only: what one event did to a line of a transfer, in units.';
COMMENT ON COLUMN transfer_step.short IS 'Written off, as they will not arrive; over: arrived beyond what was on its way, booked as found.';

GRANT SELECT, INSERT, UPDATE, DELETE ON order_return TO onhand_app;
GRANT SELECT, INSERT ON transfer, transfer_step TO onhand_app;
