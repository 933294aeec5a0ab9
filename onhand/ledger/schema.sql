-- What a new installation gets. A test builds one database from this file and one from the
-- migrations and proves them equal. Run by the owner; the program works as role onhand_app.

CREATE TABLE location (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code <> '' AND length(code) <= 100),
    name text NOT NULL,
    counted_by text COLLATE "C" NOT NULL DEFAULT '',
    lag_seconds double precision NOT NULL DEFAULT 0 CHECK (lag_seconds >= 0)
);
COMMENT ON TABLE location IS 'A place that holds stock: warehouse, shop, fulfilment centre.';
COMMENT ON COLUMN location.counted_by IS 'The source whose counts of it are taken, and nobody else''s: another party keeps this stock. Empty: anybody''s.';
COMMENT ON COLUMN location.lag_seconds IS 'By how much that party''s numbers may be behind what happened.';

CREATE TABLE channel (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 100),
    platform text NOT NULL,
    mapped_at timestamptz,
    discovered_from timestamptz
);
COMMENT ON TABLE channel IS 'One account on one sales platform; or a client of the app that sells, as client/<name>, with orders and no listings.';
COMMENT ON COLUMN channel.mapped_at IS 'When its listings were last discovered; the mapping counts as fresh for a while.';
COMMENT ON COLUMN channel.discovered_from IS 'When the last complete discovery began: listings seen since are on the channel.';

CREATE TABLE channel_work (
    channel_id smallint PRIMARY KEY REFERENCES channel,
    intake_awake boolean NOT NULL DEFAULT false,
    publish_awake boolean NOT NULL DEFAULT false,
    paused_at timestamptz,
    pause_note text NOT NULL DEFAULT '',
    trouble text NOT NULL DEFAULT '',
    trouble_since timestamptz,
    retry_at timestamptz,
    swept_to timestamptz,
    swept_at timestamptz,
    paused_by text NOT NULL DEFAULT '',
    hooks_problem text NOT NULL DEFAULT '',
    hooks_seen_at timestamptz
);
COMMENT ON TABLE channel_work IS 'How the work on each channel stands: who is awake, whether it is paused, how far its orders were swept.';
COMMENT ON COLUMN channel_work.intake_awake IS 'Somebody is taking its inbox, or was signalled to; an accepted delivery that finds it false signals.';
COMMENT ON COLUMN channel_work.publish_awake IS 'The same for its outbox.';
COMMENT ON COLUMN channel_work.paused_at IS 'An operator (paused_by) wants it told nothing; null: not paused.';
COMMENT ON COLUMN channel_work.trouble IS 'Why nothing is published at present (the breaker is open); empty when all is well.';
COMMENT ON COLUMN channel_work.retry_at IS 'When the breaker lets a probe through.';
COMMENT ON COLUMN channel_work.swept_to IS 'Orders changed before this moment, by the channel''s clock, were read by a sweep.';
COMMENT ON COLUMN channel_work.hooks_problem IS 'What the last look at its webhook subscriptions found and could not mend; empty when they are as they should be.';

CREATE TABLE sku (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text COLLATE "C" NOT NULL UNIQUE CHECK (code <> '' AND length(code) <= 200),
    name text NOT NULL DEFAULT '',
    barcode text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'discontinued')),
    fraction text NOT NULL DEFAULT 'refuse' CHECK (fraction IN ('refuse', 'round_down')),
    tier smallint NOT NULL DEFAULT 2 CHECK (tier BETWEEN 0 AND 2),
    kit boolean NOT NULL DEFAULT false,
    UNIQUE (id, kit)
);
COMMENT ON TABLE sku IS 'Our identifier of a sellable unit.';
COMMENT ON COLUMN sku.fraction IS 'What a source may do with part of a unit: be refused, or be rounded down.';
COMMENT ON COLUMN sku.tier IS 'How soon a change is published when a channel''s budget is short: 0 real-time, 1 within minutes, 2 within the hour.';
COMMENT ON COLUMN sku.kit IS 'It is packed from others when it is sold (kit_line), and has no stock of its own.';
CREATE INDEX sku_barcode ON sku (barcode) WHERE barcode <> '';

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

CREATE TABLE sku_velocity (
    sku_id integer PRIMARY KEY REFERENCES sku,
    per_day double precision NOT NULL CHECK (per_day >= 0),
    computed_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE sku_velocity IS 'Units sold a day, a decaying average; SKUs that never sold have none.';

CREATE TABLE velocity_refresh (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    computed_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE velocity_refresh IS 'One row: when velocities were last worked out. Whoever works them out holds it.';
INSERT INTO velocity_refresh DEFAULT VALUES;

CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    fingerprint bytea NOT NULL,
    detail jsonb,
    UNIQUE (source, external_id)
);
COMMENT ON TABLE event IS 'Append-only: one business fact that moves stock. The unique key is the de-duplication.';
COMMENT ON COLUMN event.occurred_at IS 'When it happened out there; recorded_at is when we wrote it down.';
COMMENT ON COLUMN event.fingerprint IS 'Digest of what was stated: the same id with another digest is refused.';
-- Events are written down in the order of their moments, so what is new is found at next to no cost.
CREATE INDEX event_recorded ON event USING brin (recorded_at) WITH (pages_per_range = 16);

CREATE TABLE entry (
    sku_id integer NOT NULL,
    location_id smallint NOT NULL,
    version bigint NOT NULL,
    event_id bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    quantity integer NOT NULL CHECK (quantity <> 0),
    balance_after bigint NOT NULL,
    PRIMARY KEY (sku_id, location_id, version)
);
COMMENT ON TABLE entry IS 'Append-only: one line of an event. The entries of an event sum to zero per SKU.';
COMMENT ON COLUMN entry.version IS 'Gapless per SKU and location, so a lost or doubled line shows in the key itself.';
COMMENT ON COLUMN entry.balance_after IS 'Units in this state once this line was applied.';
-- Events are numbered as they come, so a block-range index finds an event's lines at next to no cost.
CREATE INDEX entry_event ON entry USING brin (event_id) WITH (pages_per_range = 16);

CREATE TABLE balance (
    sku_id integer NOT NULL,
    location_id smallint NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    available bigint NOT NULL DEFAULT 0,
    committed bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    quality_control bigint NOT NULL DEFAULT 0,
    damaged bigint NOT NULL DEFAULT 0,
    in_transit bigint NOT NULL DEFAULT 0,
    incoming bigint NOT NULL DEFAULT 0,
    supplier bigint NOT NULL DEFAULT 0,
    customer bigint NOT NULL DEFAULT 0,
    shrinkage bigint NOT NULL DEFAULT 0,
    found bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (sku_id, location_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE balance IS 'The fold of the entries, one column per state, kept in the posting transaction.';
COMMENT ON COLUMN balance.version IS 'How many entries are in it; counts name the version they were made against.';

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

CREATE TABLE channel_order (
    channel_id smallint NOT NULL REFERENCES channel,
    order_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (channel_id, order_id)
);
COMMENT ON TABLE channel_order IS 'The newest snapshot the ledger has taken of each order; an older one is ignored.';

CREATE TABLE order_line (
    channel_id smallint NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    open integer NOT NULL,
    fulfilled integer NOT NULL,
    listing_id integer,
    place text COLLATE "C" NOT NULL DEFAULT '',
    units integer NOT NULL DEFAULT 1,
    returned integer NOT NULL DEFAULT 0,
    elsewhere jsonb NOT NULL DEFAULT '[]',
    trusted boolean NOT NULL DEFAULT true,
    composition jsonb,
    PRIMARY KEY (channel_id, order_id, line_id),
    FOREIGN KEY (channel_id, order_id) REFERENCES channel_order
);
COMMENT ON TABLE order_line IS 'What the ledger has posted for each line of each order; the next snapshot is compared with it.';
COMMENT ON COLUMN order_line.listing_id IS 'The listing that was sold, at `place`; null where it is on no channel of ours.';
COMMENT ON COLUMN order_line.units IS 'Units of the SKU one piece takes; open and fulfilled are units.';
COMMENT ON COLUMN order_line.returned IS 'Units that had left and that the channel itself put back on its shelf; fulfilled are without them.';
COMMENT ON COLUMN order_line.elsewhere IS 'Of these, [place, location, units] where that is told.';
COMMENT ON COLUMN order_line.trusted IS 'They could be sold at once, as the channel''s setting was when the first came back; else they wait for an inspection.';
COMMENT ON COLUMN order_line.composition IS 'Units of each component in one kit, as the kit was composed when the line came; null where it is no kit.';

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

CREATE TABLE supplier (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 100),
    lead_days double precision NOT NULL CHECK (lead_days >= 0),
    lead_days_deviation double precision NOT NULL DEFAULT 0 CHECK (lead_days_deviation >= 0)
);
COMMENT ON TABLE supplier IS 'Whom stock is ordered from, and how long it takes to come: days on average, and their standard deviation.';

CREATE TABLE supplied_sku (
    sku_id integer PRIMARY KEY REFERENCES sku,
    supplier_id integer NOT NULL REFERENCES supplier,
    pack_units integer NOT NULL DEFAULT 1 CHECK (pack_units > 0),
    minimum_units integer NOT NULL DEFAULT 0 CHECK (minimum_units >= 0),
    multiple_units integer NOT NULL DEFAULT 1 CHECK (multiple_units > 0),
    unit_cost numeric(14, 4) CHECK (unit_cost > 0)
);
COMMENT ON TABLE supplied_sku IS 'Whom a SKU is reordered from, and in which quantities.';
COMMENT ON COLUMN supplied_sku.pack_units IS 'It comes in whole packs of so many units; at least minimum_units; in the end a multiple of multiple_units.';
COMMENT ON COLUMN supplied_sku.unit_cost IS 'What a unit costs, in the merchant''s currency; null where that is not known.';
CREATE INDEX supplied_sku_supplier ON supplied_sku (supplier_id);

CREATE TABLE purchase_order (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text COLLATE "C" NOT NULL UNIQUE CHECK (code <> '' AND length(code) <= 100),
    supplier_id integer NOT NULL REFERENCES supplier,
    location_id smallint NOT NULL REFERENCES location,
    ordered_at timestamptz NOT NULL,
    due_on date NOT NULL,
    event_id bigint NOT NULL
);
COMMENT ON TABLE purchase_order IS 'Append-only: an order to a supplier. Where it stands is the sum of its changes.';
COMMENT ON COLUMN purchase_order.due_on IS 'The day it was first to come; see purchase_order_due.';

CREATE TABLE purchase_order_change (
    purchase_order_id integer NOT NULL REFERENCES purchase_order,
    event_id bigint NOT NULL,
    sku_id integer NOT NULL REFERENCES sku,
    ordered integer NOT NULL DEFAULT 0,
    received integer NOT NULL DEFAULT 0,
    closed integer NOT NULL DEFAULT 0,
    PRIMARY KEY (purchase_order_id, event_id, sku_id)
);
COMMENT ON TABLE purchase_order_change IS 'Append-only: what one event of a purchase order adds to one of its lines, in units.';
CREATE INDEX purchase_order_change_sku ON purchase_order_change (sku_id);

CREATE TABLE purchase_order_due (
    purchase_order_id integer NOT NULL REFERENCES purchase_order,
    event_id bigint NOT NULL,
    due_on date NOT NULL,
    stated_by text NOT NULL,
    PRIMARY KEY (purchase_order_id, event_id)
);
COMMENT ON TABLE purchase_order_due IS 'Append-only: days that an order was put off to, or brought forward to; the newest holds.';

CREATE VIEW incoming_unit AS
SELECT p.id AS purchase_order_id, c.sku_id, p.location_id,
       coalesce((SELECT d.due_on FROM purchase_order_due d
                  WHERE d.purchase_order_id = p.id ORDER BY d.event_id DESC LIMIT 1), p.due_on) AS due_on,
       sum(c.ordered - c.closed - c.received)::integer AS units
  FROM purchase_order_change c
  JOIN purchase_order p ON p.id = c.purchase_order_id
 GROUP BY p.id, c.sku_id
HAVING sum(c.ordered - c.closed - c.received) > 0;
COMMENT ON VIEW incoming_unit IS 'What is still to come of each SKU on each purchase order, where and when. Together it is balance.incoming.';

CREATE TABLE reorder_point (
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    units integer NOT NULL CHECK (units >= 0),
    target integer NOT NULL CHECK (target >= units),
    per_day double precision NOT NULL CHECK (per_day >= 0),
    deviation double precision NOT NULL CHECK (deviation >= 0),
    demand_class text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    weeks smallint NOT NULL CHECK (weeks > 0),
    lead_days double precision NOT NULL,
    lead_days_deviation double precision NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (sku_id, location_id)
);
COMMENT ON TABLE reorder_point IS 'At which position a SKU is to be reordered for a location, and up to which target; worked out anew once a day or so.';
COMMENT ON COLUMN reorder_point.units IS 'The reorder point: order when available + incoming + in_transit is at or below it.';
COMMENT ON COLUMN reorder_point.per_day IS 'Units asked for a day, as forecast from so many weeks; deviation is the standard deviation of a day.';

CREATE TABLE planning_refresh (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    after_sku integer NOT NULL DEFAULT 0,
    computed_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE planning_refresh IS 'One row: when reorder points were last all worked out, and how far the present round is. Whoever works on them holds it.';
INSERT INTO planning_refresh DEFAULT VALUES;

CREATE TABLE reorder_proposal (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    supplier_id integer NOT NULL REFERENCES supplier,
    units integer NOT NULL CHECK (units > 0),
    available integer NOT NULL,
    incoming integer NOT NULL,
    in_transit integer NOT NULL,
    point integer NOT NULL,
    target integer NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_at timestamptz,
    approved_by text NOT NULL DEFAULT '',
    purchase_order_id integer REFERENCES purchase_order
);
COMMENT ON TABLE reorder_proposal IS 'Units of a SKU that should be ordered, with what that was decided from. Approved: they are on a purchase order.';
CREATE UNIQUE INDEX reorder_proposal_open ON reorder_proposal (sku_id, location_id) WHERE approved_at IS NULL;

CREATE TABLE listing (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id smallint NOT NULL REFERENCES channel,
    sku_id integer NOT NULL REFERENCES sku,
    item_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C" NOT NULL DEFAULT '',
    tracking text NOT NULL DEFAULT '',
    sort_key text COLLATE "C" NOT NULL,
    units integer NOT NULL DEFAULT 1 CHECK (units > 0),
    active boolean NOT NULL DEFAULT true,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    pinned boolean NOT NULL DEFAULT false,
    order_ref text COLLATE "C" NOT NULL DEFAULT '',
    UNIQUE (channel_id, item_id)
);
COMMENT ON TABLE listing IS 'One SKU as one channel knows it.';
COMMENT ON COLUMN listing.sort_key IS 'Orders listings so that neighbours share bulk calls; chosen by the channel''s adapter.';
COMMENT ON COLUMN listing.units IS 'Units of the SKU that one sold piece takes.';
COMMENT ON COLUMN listing.pinned IS 'An operator said which SKU it is; discovery does not know better.';
COMMENT ON COLUMN listing.order_ref IS 'How a line of the channel''s orders names it, where that is not by item_id.';
CREATE INDEX listing_sku ON listing (sku_id) INCLUDE (id, channel_id) WHERE active;
CREATE INDEX listing_order ON listing (channel_id, sort_key, id) WHERE active;
CREATE INDEX listing_order_ref ON listing (channel_id, order_ref) WHERE order_ref <> '';

CREATE TABLE level (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    book integer,
    booked_at timestamptz,
    shown integer,
    shown_at timestamptz,
    problem text NOT NULL DEFAULT '',
    blind_at timestamptz,
    claimed_until timestamptz,
    claim bigint NOT NULL DEFAULT 0,
    heard integer NOT NULL DEFAULT 0,
    pace double precision NOT NULL DEFAULT 0,
    paced_at timestamptz,
    given_back integer NOT NULL DEFAULT 0,
    fixed_at timestamptz,
    bound integer,
    tells integer,
    tells_blindly boolean NOT NULL DEFAULT false,
    unheard integer NOT NULL DEFAULT 0,
    owed boolean NOT NULL DEFAULT false,
    paced_since timestamptz,
    undoes integer NOT NULL DEFAULT 0,
    undone integer NOT NULL DEFAULT 0,
    asked_at timestamptz,
    sold_at timestamptz,
    told_at timestamptz,
    doubtful integer NOT NULL DEFAULT 0,
    PRIMARY KEY (listing_id, place)
) WITH (fillfactor = 70);
COMMENT ON TABLE level IS 'What we know of one listing at one place of its channel.';
COMMENT ON COLUMN level.book IS 'What we believe it shows: accepted writes, less sales heard since. Null: never read or written.';
COMMENT ON COLUMN level.shown IS 'What the channel last answered when asked or when it echoed a write.';
COMMENT ON COLUMN level.blind_at IS 'When the last blind write was answered: sales made before it were given back by it.';
COMMENT ON COLUMN level.fixed_at IS 'When that was, or when it was read while nothing was known of it: sales made before are in the book already.';
COMMENT ON COLUMN level.claimed_until IS 'Somebody is reading or writing it at the channel; nobody else may until then.';
COMMENT ON COLUMN level.claim IS 'The number of the errand that holds it; 0: nobody; -1: whoever does has been overtaken, and will not be believed.';
COMMENT ON COLUMN level.heard IS 'Pieces heard to be sold there since it was claimed.';
COMMENT ON COLUMN level.pace IS 'Pieces heard to be sold there, a count that halves every 10 seconds, as of paced_at.';
COMMENT ON COLUMN level.given_back IS 'Pieces sold there, since it is known, that a blind write had put on show again.';
COMMENT ON COLUMN level.bound IS 'While its book is null: the most pieces it may show, what was heard since it was claimed not yet off; null where nobody ever knew.';
COMMENT ON COLUMN level.tells IS 'While it is claimed: the most pieces that it will be told; null where it is only looked at.';
COMMENT ON COLUMN level.tells_blindly IS 'And that without looking, so that what is sold meanwhile is given back.';
COMMENT ON COLUMN level.unheard IS 'Pieces that may have been sold before it was fixed, after its book was lost, and are not heard of.';
COMMENT ON COLUMN level.owed IS 'It should show more than it was told, and gets it when others'' answers show that units are free.';
COMMENT ON COLUMN level.paced_since IS 'When that count of pieces began, after it was all but forgotten.';
COMMENT ON COLUMN level.undoes IS 'While it is told without looking: the most pieces sold before it takes effect that it is reckoned to put on show again.';
COMMENT ON COLUMN level.undone IS 'The same of the last such write, less what was heard of: they count for seconds, until all would be heard of.';
COMMENT ON COLUMN level.asked_at IS 'From when on nobody can tell whether a sale made before it was fixed is in the book: when the look that fixed it was asked for. Null where that is no question: it was set blindly, or the channel stated it again since.';
COMMENT ON COLUMN level.sold_at IS 'The latest moment of the sales that were heard of since it was claimed.';
COMMENT ON COLUMN level.told_at IS 'From when on nobody can tell whether a sale made before blind_at was made before that write took effect, and undone by it, or after.';
COMMENT ON COLUMN level.doubtful IS 'Pieces of such sales, since the level was last told or stated: it may show so many less than its book. What a look finds missing after a silence is these, and no news.';
CREATE INDEX level_owed ON level (listing_id) WHERE owed;
CREATE INDEX level_unheard ON level (listing_id) WHERE unheard > 0 OR undone > 0;

CREATE TABLE provisional_demand (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    sku_id integer NOT NULL,
    location_id smallint NOT NULL,
    pieces integer NOT NULL CHECK (pieces > 0),
    units integer NOT NULL CHECK (units > 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    earlier integer NOT NULL DEFAULT 0 CHECK (earlier BETWEEN 0 AND pieces),
    PRIMARY KEY (listing_id, place)
);
COMMENT ON TABLE provisional_demand IS 'Sales that an answer of a channel told of before the order came: off the pool until it comes, or a sweep proves there is none.';
COMMENT ON COLUMN provisional_demand.pieces IS 'Pieces of the listing; units: units of the SKU one piece takes.';
COMMENT ON COLUMN provisional_demand.since IS 'When an answer last added to it: only what is older can be proven wrong.';
COMMENT ON COLUMN provisional_demand.earlier IS 'Pieces of these that were sold before the level was fixed: only sales of that time replace them.';
CREATE INDEX provisional_demand_sku ON provisional_demand (sku_id);

CREATE TABLE put_back (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    pieces integer NOT NULL CHECK (pieces > 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (listing_id, place)
);
COMMENT ON TABLE put_back IS 'Pieces that an answer showed to be back on a level before any cancellation was heard: the cancellation then raises no book.';

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

CREATE TABLE authority_notice (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (listing_id, place)
);
COMMENT ON TABLE authority_notice IS 'Levels that somebody changed on a channel that is the authority for their location; judged after the next sweep of its orders.';

CREATE TABLE authority_statement (
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    authority text COLLATE "C" NOT NULL,
    quantity integer NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (sku_id, location_id, authority)
);
COMMENT ON TABLE authority_statement IS 'The newest word of each authority about what is available of a SKU at a location.';

CREATE TABLE authority_conflict (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    location_id smallint NOT NULL REFERENCES location,
    authority text COLLATE "C" NOT NULL,
    quantity integer NOT NULL,
    rival text COLLATE "C" NOT NULL,
    rival_quantity integer NOT NULL,
    counted boolean NOT NULL,
    found_at timestamptz NOT NULL
);
COMMENT ON TABLE authority_conflict IS 'Two authorities stated different numbers within a short time; counted: what was said last became a count all the same.';
CREATE INDEX authority_conflict_sku ON authority_conflict (sku_id, id);

CREATE TABLE resting_level (
    listing_id integer NOT NULL REFERENCES listing,
    place text COLLATE "C" NOT NULL,
    sku_id integer NOT NULL,
    share integer NOT NULL CHECK (share >= 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (listing_id, place)
);
COMMENT ON TABLE resting_level IS 'Levels that sell faster than a call takes on channels that only set levels: told their share, then left alone. What they show is kept from the SKU''s other listings.';
COMMENT ON COLUMN resting_level.share IS 'Pieces it was told; what it shows until that is answered.';
CREATE INDEX resting_level_sku ON resting_level (sku_id);

CREATE TABLE shared_sku (
    sku_id integer PRIMARY KEY REFERENCES sku,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE shared_sku IS 'SKUs in shares: scarce ones under adaptive rules, and those of campaigns. All others are pooled.';

CREATE TABLE campaign (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id integer NOT NULL REFERENCES sku,
    shares jsonb NOT NULL DEFAULT '{}',
    until timestamptz,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_by text COLLATE "C" NOT NULL,
    ended_at timestamptz,
    ended_by text COLLATE "C" NOT NULL DEFAULT ''
);
COMMENT ON TABLE campaign IS 'SKUs that were put in shares beforehand, by whom and until when; ended_at null: it goes on.';
COMMENT ON COLUMN campaign.shares IS 'Percent by channel, as text; the others have the rest by demand.';
COMMENT ON COLUMN campaign.until IS 'When it ends by itself; null: when somebody says so.';
CREATE UNIQUE INDEX campaign_open ON campaign (sku_id) WHERE ended_at IS NULL;

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

CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id smallint NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('order', 'order_hint', 'level', 'other')),
    topic text COLLATE "C" NOT NULL DEFAULT '',
    subject text COLLATE "C" NOT NULL DEFAULT '',
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text COLLATE "C" CHECK (outcome IN ('posted', 'unchanged', 'stale', 'echo', 'noted', 'poison', 'dismissed')),
    settled_at timestamptz,
    reason text NOT NULL DEFAULT '',
    dismissed_by text,
    dismissed_because text,
    UNIQUE (channel_id, delivery_id, digest)
) WITH (fillfactor = 70);
COMMENT ON TABLE inbox IS 'Deliveries of channels, reduced to what stock needs; acknowledged only once they are here.';
COMMENT ON COLUMN inbox.digest IS 'Of what is inside; platforms share delivery ids or give none, so both together tell a duplicate.';
COMMENT ON COLUMN inbox.outcome IS 'What became of it; null while it waits. Each accepted delivery has exactly one.';
COMMENT ON COLUMN inbox.dismissed_by IS 'Who said that nothing has to be done about this poison; null: nobody did.';
CREATE INDEX inbox_pending ON inbox (channel_id, id) WHERE outcome IS NULL;
CREATE INDEX inbox_poison ON inbox (id) WHERE outcome = 'poison';
CREATE INDEX inbox_received ON inbox USING brin (received_at);

CREATE SEQUENCE generation;
COMMENT ON SEQUENCE generation IS 'Grows with every posting; never used twice, so an outbox row that came back is not mistaken for the old one.';

CREATE TABLE outbox (
    listing_id integer PRIMARY KEY,
    channel_id smallint NOT NULL,
    generation bigint NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    live boolean NOT NULL DEFAULT false,
    tier smallint NOT NULL DEFAULT 1,
    isolated boolean NOT NULL DEFAULT false,
    resting_until timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE outbox IS 'Listings that no longer show what they should; at most one row for each.';
COMMENT ON COLUMN outbox.marked_at IS 'When the oldest change not yet on the channel became durable.';
COMMENT ON COLUMN outbox.live IS 'For the publisher, at once; otherwise the next sync run takes it.';
COMMENT ON COLUMN outbox.isolated IS 'Failed alone: its SKU''s own update tells the channel.';
COMMENT ON COLUMN outbox.resting_until IS 'A level of it rests: it is not looked at before then, unless it is marked again.';
CREATE INDEX outbox_live ON outbox (channel_id, tier, marked_at) WHERE live AND NOT isolated;

CREATE TABLE run (
    id text PRIMARY KEY,
    workflow_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'success', 'partial', 'failed')),
    request jsonb NOT NULL,
    summary text NOT NULL DEFAULT '',
    rows_read integer NOT NULL DEFAULT 0,
    rows_posted integer NOT NULL DEFAULT 0,
    rows_unchanged integer NOT NULL DEFAULT 0,
    rows_refused integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE run IS 'One sync run, from reading the source to the last channel.';
CREATE INDEX run_recent ON run (started_at DESC);

CREATE TABLE run_channel (
    run_id text NOT NULL REFERENCES run ON DELETE CASCADE,
    channel_id smallint NOT NULL REFERENCES channel,
    status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'success', 'partial', 'failed', 'held', 'skipped')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    levels integer NOT NULL DEFAULT 0,
    planned integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    unchanged integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    reads integer NOT NULL DEFAULT 0,
    writes integer NOT NULL DEFAULT 0,
    throttled integer NOT NULL DEFAULT 0,
    waited_seconds double precision NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, channel_id)
);
COMMENT ON TABLE run_channel IS 'What one run did on one channel.';
COMMENT ON COLUMN run_channel.skipped IS 'Active SKUs that this channel has no listing for.';

CREATE TABLE run_plan (
    run_id text NOT NULL REFERENCES run ON DELETE CASCADE,
    channel_id smallint NOT NULL,
    position integer NOT NULL,
    listing_id integer NOT NULL,
    place text COLLATE "C" NOT NULL,
    outcome text CHECK (outcome IN ('changed', 'unchanged', 'failed')),
    PRIMARY KEY (run_id, channel_id, position)
) WITH (fillfactor = 80);
COMMENT ON TABLE run_plan IS 'Which levels a running sync is to look at, in bulk-call order; deleted when the run ends.';

CREATE TABLE run_failure (
    run_id text NOT NULL REFERENCES run ON DELETE CASCADE,
    channel_id smallint NOT NULL,
    listing_id integer NOT NULL,
    place text COLLATE "C" NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    category text NOT NULL,
    message text NOT NULL,
    advice text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, channel_id, listing_id, place)
);
COMMENT ON TABLE run_failure IS 'Levels a run could not set, with the reason an operator reads.';

CREATE TABLE push (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id integer NOT NULL,
    place text COLLATE "C" NOT NULL,
    run_id text,
    generation bigint NOT NULL,
    quantity integer NOT NULL,
    before integer,
    outcome text COLLATE "C" NOT NULL,
    echo integer,
    message text,
    attempt smallint NOT NULL,
    sent_at timestamptz NOT NULL,
    answered_at timestamptz NOT NULL,
    due_since timestamptz,
    basis jsonb
);
COMMENT ON TABLE push IS 'Every level sent to a channel and what came back. Kept for as long as push_retention says.';
COMMENT ON COLUMN push.due_since IS 'When the oldest change it told of became durable: answered_at less this is its time-to-sync. Null where nothing was pending.';
COMMENT ON COLUMN push.basis IS 'What its level was decided from: the SKU, the units of it one piece takes, the version of its balance at each location drawn on, and units that it may sell beyond what is available there. Null: not kept.';
CREATE INDEX push_listing ON push (listing_id, id DESC);
CREATE INDEX push_sent ON push USING brin (sent_at);

CREATE TABLE parked_level (
    listing_id integer PRIMARY KEY,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    workflow_id text NOT NULL,
    category text NOT NULL,
    message text NOT NULL,
    advice text NOT NULL DEFAULT ''
);
COMMENT ON TABLE parked_level IS 'Dead letters: listings whose own update gave up; they wait for an operator to re-drive them.';

CREATE TABLE source_state (
    source text PRIMARY KEY,
    watermark jsonb NOT NULL,
    advanced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE source_state IS 'How far each canonical source has been read.';

CREATE TABLE refused_row (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    run_id text,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    origin text NOT NULL,
    raw text NOT NULL,
    problem text NOT NULL,
    message text NOT NULL
);
COMMENT ON TABLE refused_row IS 'Rows of a source or an import that were not taken, as they came, with the reason.';
CREATE INDEX refused_row_run ON refused_row (run_id);

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

CREATE TABLE zero_hiding (
    listing_id integer PRIMARY KEY REFERENCES listing,
    hidden boolean NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE zero_hiding IS 'Listings that show nothing and that we took out of sight for it, or could not. Only these are shown again.';
COMMENT ON COLUMN zero_hiding.hidden IS 'The channel did it; false: it could not, and is asked again an hour after tried_at.';

CREATE TABLE widened_buffer (
    listing_id integer PRIMARY KEY REFERENCES listing,
    units integer NOT NULL CHECK (units > 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    clean_reads integer NOT NULL DEFAULT 0,
    reason text NOT NULL
);
COMMENT ON TABLE widened_buffer IS 'Units of the SKU kept from one listing beyond its rule''s buffer, because it drifted; taken back after clean read-backs.';

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
COMMENT ON FUNCTION mark_listings_v3 IS 'Put every listing of these SKUs, and of every kit that what is in them may be packed into, into the outbox under a new generation; answers the channels whose publisher has to be signalled after the commit. seller: the channel that sold them, if one did.';

CREATE FUNCTION sleep_publish_v1(channel_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    this smallint := (SELECT id FROM channel WHERE name = channel_name);
BEGIN
    IF NOT pg_try_advisory_xact_lock(71002, this) THEN
        RETURN false;  -- something is being posted: there will be work
    END IF;
    UPDATE channel_work SET publish_awake = false
     WHERE channel_id = this
       AND NOT EXISTS (SELECT FROM outbox WHERE channel_id = this AND live AND NOT isolated
                          AND (resting_until IS NULL OR resting_until <= clock_timestamp()));
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION sleep_publish_v1 IS 'Go to sleep if there is nothing to publish; false: there is, or somebody is posting.';

CREATE FUNCTION sleep_intake_v1(channel_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    this smallint := (SELECT id FROM channel WHERE name = channel_name);
BEGIN
    IF NOT pg_try_advisory_xact_lock(71001, this) THEN
        RETURN false;
    END IF;
    UPDATE channel_work SET intake_awake = false
     WHERE channel_id = this
       AND NOT EXISTS (SELECT FROM inbox WHERE channel_id = this AND outcome IS NULL);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION sleep_intake_v1 IS 'Go to sleep if nothing waits in the inbox; false: something does, or somebody is delivering.';

CREATE FUNCTION accept_deliveries_v1(
    channels text[], delivery_ids text[], digests bytea[], kinds text[], topics text[], subjects text[],
    bodies jsonb[], outcomes text[], reasons text[]
) RETURNS TABLE (ordinal integer, inbox_id bigint, woken boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new_ids bigint[];
    kept bigint[];
    touched smallint[];
    flipped text[];
BEGIN
    SELECT array_agg(nextval('inbox_id_seq')) INTO new_ids FROM generate_series(1, cardinality(channels));
    WITH inserted AS (
        INSERT INTO inbox (id, channel_id, delivery_id, digest, kind, topic, subject, body, outcome, settled_at, reason)
        OVERRIDING SYSTEM VALUE
        SELECT d.id, c.id, d.delivery, d.digest, d.kind, d.topic, d.subject, d.body, d.outcome,
               CASE WHEN d.outcome IS NULL THEN NULL ELSE clock_timestamp() END, d.reason
          FROM unnest(new_ids, channels, delivery_ids, digests, kinds, topics, subjects, bodies, outcomes, reasons)
               WITH ORDINALITY AS d(id, channel, delivery, digest, kind, topic, subject, body, outcome, reason, n)
          JOIN channel c ON c.name = d.channel
         ORDER BY c.id, d.delivery, d.digest, d.n
        ON CONFLICT (channel_id, delivery_id, digest) DO NOTHING
        RETURNING id, channel_id, outcome
    )
    SELECT array_agg(id), array_agg(DISTINCT channel_id ORDER BY channel_id) FILTER (WHERE outcome IS NULL)
      INTO kept, touched FROM inserted;
    IF touched IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(71001, c.id), pg_notify('onhand', 'inbox ' || c.name)
           FROM channel c WHERE c.id = ANY (touched);
        WITH asleep AS (
            SELECT channel_id FROM channel_work
             WHERE channel_id = ANY (touched) AND NOT intake_awake
             ORDER BY channel_id
               FOR UPDATE
        ), woke AS (
            UPDATE channel_work w SET intake_awake = true FROM asleep a WHERE w.channel_id = a.channel_id
            RETURNING w.channel_id
        )
        SELECT array_agg(c.name) INTO flipped FROM woke w JOIN channel c ON c.id = w.channel_id;
    END IF;
    RETURN QUERY
        SELECT d.n::integer, CASE WHEN d.id = ANY (kept) THEN d.id END, coalesce(d.channel = ANY (flipped), false)
          FROM unnest(new_ids, channels) WITH ORDINALITY AS d(id, channel, n)
         ORDER BY d.n;
END
$$;
COMMENT ON FUNCTION accept_deliveries_v1 IS 'Make deliveries durable; a null id is a duplicate, woken says that the channel''s intake has to be signalled after the commit.';

CREATE FUNCTION faded(pace double precision, paced_at timestamptz) RETURNS double precision
LANGUAGE sql STABLE AS $$
    -- Bounded, since a number too small to be written down is an error.
    SELECT CASE WHEN paced_at IS NULL THEN 0
                ELSE pace * 0.5 ^ (least(600, extract(epoch FROM clock_timestamp() - paced_at)::double precision) / 10) END
$$;
COMMENT ON FUNCTION faded IS 'A level''s pace as of now.';

CREATE FUNCTION free_units_v1(sku integer, locations smallint[]) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT sum(b.available) FROM balance b
                      WHERE b.sku_id = sku AND b.location_id = ANY (locations)), 0)::bigint
         - coalesce((SELECT sum(d.units) FROM provisional_units d
                      WHERE d.sku_id = sku AND d.location_id = ANY (locations)), 0)::bigint
$$;
COMMENT ON FUNCTION free_units_v1 IS 'Units of a SKU available at these locations, less provisional demand.';

CREATE FUNCTION may_show(v level) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT greatest(coalesce(v.book, greatest(v.bound - v.heard, v.tells + CASE WHEN v.tells_blindly
                    THEN greatest(v.undoes - v.heard, 0) ELSE -v.heard END)), 0)
$$;
COMMENT ON FUNCTION may_show IS 'Pieces that a level shows at most, as far as its sales are heard of; while it is told, with those that are put on show again by that.';

CREATE FUNCTION may_sell(v level) RETURNS integer
LANGUAGE sql STABLE AS $$
    -- The seconds are onhand.domain.demand.HEARING_SECONDS.
    SELECT may_show(v) + v.unheard
         + CASE WHEN v.undone > 0 AND v.blind_at > clock_timestamp() - interval '2 seconds' THEN v.undone ELSE 0 END
$$;
COMMENT ON FUNCTION may_sell IS 'Pieces that a level may still sell at most, beyond what is provisional, and the sales of it that may still be heard of: onhand.domain.holdings.may_sell.';

-- Sales move books: a platform takes its own sale off its own level. One made before the level was fixed is in the book
-- already, or was undone by what fixed it. Levels are locked in the order (listing, place).
-- `sinces`: from when on a sale may have been, where it may be of a change before the last one that nobody told us of. Of a
-- level that was fixed since then nobody knows whether it shows that.
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

CREATE FUNCTION claim_levels_v2(
    listings integer[], places text[], wanted integer[], blind boolean[], unshared boolean[], claim bigint,
    seconds double precision
) RETURNS TABLE (listing_id integer, place text, book integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- Locked first, in a statement of their own, so that the next one sees which SKUs came into shares before.
    PERFORM FROM level v
      WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(listings, places))
      ORDER BY v.listing_id, v.place
        FOR UPDATE;
    -- Nobody knows what a level shows from now until its answer is booked: a process that dies in between leaves
    -- levels that are believed by nobody, and read or written again.
    RETURN QUERY
    WITH mine AS (
        SELECT v.listing_id, v.place, v.book, w.wanted, w.blind,
               -- Nothing, where nobody ever knew.
               CASE WHEN v.book IS NOT NULL THEN v.book
                    WHEN v.bound IS NOT NULL OR v.tells IS NOT NULL THEN may_show(v) END AS bound
          FROM level v
          JOIN unnest(listings, places, wanted, blind, unshared) AS w(listing, place, wanted, blind, unshared)
            ON w.listing = v.listing_id AND w.place = v.place
         WHERE (v.claimed_until IS NULL OR v.claimed_until < clock_timestamp())
           AND NOT (w.unshared AND w.wanted > may_show(v)
                    AND EXISTS (SELECT FROM listing l JOIN shared_sku s ON s.sku_id = l.sku_id
                                 WHERE l.id = v.listing_id))
    )
    UPDATE level v SET
        book = NULL, heard = 0, sold_at = NULL, claim = claim_levels_v2.claim, owed = false,
        bound = m.bound, tells = m.wanted, tells_blindly = m.blind, undoes = 0,
        claimed_until = clock_timestamp() + make_interval(secs => seconds)
      FROM mine m
     WHERE v.listing_id = m.listing_id AND v.place = m.place
    RETURNING m.listing_id, m.place, m.book;
END
$$;
COMMENT ON FUNCTION claim_levels_v2 IS 'Take levels for one read or write at the channel, with the most that it will be told (wanted, null: nothing); those that somebody else holds are left out, and raises that were decided before their SKU came into shares (unshared). Answers what was believed of each.';

CREATE FUNCTION claim_believed_v2(
    listings integer[], places text[], books integer[], wanted integer[], blind boolean[], unshared boolean[],
    claim bigint, seconds double precision
) RETURNS TABLE (listing_id integer, place text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    kept record;
BEGIN
    PERFORM FROM level v
      WHERE (v.listing_id, v.place) IN (SELECT * FROM unnest(listings, places))
      ORDER BY v.listing_id, v.place
        FOR UPDATE;
    -- A sale there that was posted since has lowered the book in the same transaction, so it shows here.
    SELECT array_agg(v.listing_id) AS listings, array_agg(v.place) AS places, array_agg(w.wanted) AS wanted,
           array_agg(w.blind) AS blind, array_agg(w.unshared) AS unshared
      INTO kept
      FROM unnest(listings, places, books, wanted, blind, unshared) AS w(listing, place, book, wanted, blind, unshared)
      JOIN level v ON v.listing_id = w.listing AND v.place = w.place AND v.book = w.book;
    RETURN QUERY
    SELECT c.listing_id, c.place
      FROM claim_levels_v2(kept.listings, kept.places, kept.wanted, kept.blind, kept.unshared, claim, seconds) c;
END
$$;
COMMENT ON FUNCTION claim_believed_v2 IS 'The same for levels of which is still believed what was read with their targets; others are left out, too.';

-- What a channel answered, for levels that were claimed. `expected`: the level if nobody sold unheard; `seen`: the level
-- the channel stated, null where it stated none; `blind`: a write that undid what was sold before it took effect.
-- `looked`: what it showed when it was looked at while nothing was known of it, less what later statements fell short by;
-- null where it was not.
-- `surpluses`: pieces by which its statements were above what was expected: put back, and no cancellation heard yet.
-- `shortfalls`: pieces that its statements fell short of what was expected, null where that cannot be told. Of these,
-- what was heard since the claim is no news, and what was heard beyond them is not in the statement yet; nor are pieces
-- put back since, as a statement that had them would be above what was expected. Where the claim ran out and somebody
-- else took the level meanwhile, nobody knows whose write came last: neither is believed.
-- `asked`: the earliest moment that an order may be of and not be in the last of its statements, or not be undone by the
-- blind write; null where it made none.
-- Where only moments tell what a statement has, and a sale since then was heard of, nobody knows whether it has that one:
-- the level is not believed, and looked at again.
CREATE FUNCTION book_levels_v3(
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
COMMENT ON FUNCTION book_levels_v3 IS 'Book what a channel answered and let the levels go; a level below what was expected is provisional demand. Answers how many levels taught something, the listings with a level that has to be looked at again, as somebody else has claimed it since or a sale was heard of that the answer may have or not, and the SKUs of which units came free that others are owed.';

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

-- The program works as this role. Events and entries can be read and added to, and nothing else:
-- append-only is the database's word, not a convention.
GRANT USAGE ON SCHEMA public TO onhand_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO onhand_app;
REVOKE UPDATE, DELETE ON event, entry FROM onhand_app;
REVOKE UPDATE, DELETE ON purchase_order, purchase_order_change, purchase_order_due FROM onhand_app;
REVOKE UPDATE, DELETE ON transfer, transfer_step FROM onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO onhand_app;
