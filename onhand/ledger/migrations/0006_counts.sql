-- Cycle counts on sheets, low stock, and listings hidden while they show nothing.

CREATE TABLE count_sheet (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    location_id smallint NOT NULL REFERENCES location,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_by text NOT NULL,
    note text NOT NULL DEFAULT '',
    closed_at timestamptz,
    closed_by text NOT NULL DEFAULT ''
);
COMMENT ON TABLE count_sheet IS 'A list of SKUs that are counted at one location.';
CREATE INDEX count_sheet_open ON count_sheet (id) WHERE closed_at IS NULL;

CREATE TABLE count_line (
    sheet_id integer NOT NULL REFERENCES count_sheet,
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    version bigint NOT NULL,
    printed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'escalated', 'posted', 'dropped')),
    reason text NOT NULL DEFAULT '',
    flagged boolean NOT NULL DEFAULT false,
    told_at timestamptz,
    PRIMARY KEY (sheet_id, sku_id)
);
COMMENT ON TABLE count_line IS 'One SKU of a count sheet, and how its count stands.';
COMMENT ON COLUMN count_line.version IS 'The balance version it was printed with, last when it was escalated; what moves later is kept.';
COMMENT ON COLUMN count_line.reason IS 'Why it was escalated: it waits for another count, or for a person to approve the last one.';
COMMENT ON COLUMN count_line.flagged IS 'Its difference is large: people are told, once (told_at).';
CREATE UNIQUE INDEX count_line_shelf ON count_line (sku_id, location_id) WHERE state IN ('open', 'escalated');
CREATE INDEX count_line_flagged ON count_line (sheet_id) WHERE state = 'escalated';

CREATE TABLE shelf_count (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sheet_id integer REFERENCES count_sheet,
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    turn smallint NOT NULL,
    quantity integer NOT NULL,
    counted_at timestamptz NOT NULL,
    counted_by text NOT NULL,
    version bigint,
    expected bigint NOT NULL,
    difference bigint NOT NULL,
    grade text COLLATE "C" NOT NULL CHECK (grade IN ('exact', 'tolerated', 'small', 'large')),
    doubt text COLLATE "C" CHECK (doubt IN ('large', 'disagrees', 'moved', 'superseded')),
    event_id bigint,
    approved_by text,
    UNIQUE (sheet_id, sku_id, turn)
);
COMMENT ON TABLE shelf_count IS 'What people counted on shelves, on a sheet or beside one (sheet_id null), and how far it was from the ledger.';
COMMENT ON COLUMN shelf_count.version IS 'The balance version it was compared with; null: the balance of the moment counted_at.';
COMMENT ON COLUMN shelf_count.difference IS 'Units counted less units expected, both on hand.';
COMMENT ON COLUMN shelf_count.doubt IS 'Why it was not posted at once; null: it was.';
COMMENT ON COLUMN shelf_count.event_id IS 'The event it became; null while it is in doubt.';
COMMENT ON COLUMN shelf_count.approved_by IS 'Who said that it counts in spite of its doubt.';
CREATE INDEX shelf_count_shelf ON shelf_count (sku_id, location_id, counted_at DESC) WHERE event_id IS NOT NULL;
CREATE INDEX shelf_count_small ON shelf_count (counted_at) WHERE event_id IS NOT NULL AND grade IN ('tolerated', 'small');

CREATE TABLE count_watch (
    scope text COLLATE "C" NOT NULL CHECK (scope IN ('sku', 'location', 'total')),
    subject text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    counts integer NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    told bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, subject)
);
COMMENT ON TABLE count_watch IS 'Small count differences, none of them told of, that have come to more than the limit together.';
COMMENT ON COLUMN count_watch.subject IS 'The SKU, or the location; empty for the total.';
COMMENT ON COLUMN count_watch.told IS 'The sum that people were told of; 0: not yet.';

CREATE TABLE low_stock (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    found_at timestamptz NOT NULL,
    threshold integer NOT NULL,
    units bigint NOT NULL,
    out_at timestamptz,
    per_day double precision NOT NULL DEFAULT 0,
    told text COLLATE "C" NOT NULL DEFAULT '' CHECK (told IN ('', 'low', 'out')),
    resolved_at timestamptz
);
COMMENT ON TABLE low_stock IS 'SKUs of which no more is available than their threshold, from when that was found until they are clearly above it.';
COMMENT ON COLUMN low_stock.out_at IS 'When nothing was left; null: something is.';
COMMENT ON COLUMN low_stock.per_day IS 'Units it sold a day when it was found, or ran out: later nothing can be sold, and the average falls.';
COMMENT ON COLUMN low_stock.told IS 'The last crossing that people were told of.';
CREATE UNIQUE INDEX low_stock_open ON low_stock (sku_id) WHERE resolved_at IS NULL;

CREATE TABLE zero_hiding (
    listing_id integer PRIMARY KEY REFERENCES listing,
    hidden boolean NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE zero_hiding IS 'Listings that show nothing and that we took out of sight for it, or could not. Only these are shown again.';
COMMENT ON COLUMN zero_hiding.hidden IS 'The channel did it; false: it could not, and is asked again an hour after tried_at.';

GRANT SELECT, INSERT, UPDATE, DELETE ON count_sheet, count_line, shelf_count, count_watch, low_stock, zero_hiding
   TO onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
