-- Suppliers, purchase orders, reorder points and proposals.

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

CREATE VIEW incoming_unit AS
SELECT p.id AS purchase_order_id, c.sku_id, p.location_id, p.due_on,
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

GRANT SELECT, INSERT, UPDATE, DELETE ON supplier, supplied_sku, incoming_unit, reorder_point, planning_refresh, reorder_proposal TO onhand_app;
GRANT SELECT, INSERT ON purchase_order, purchase_order_change TO onhand_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO onhand_app;
