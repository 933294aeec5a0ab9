-- Orders to suppliers are put off: the day they are due is the one that was named last, and none is forgotten.

COMMENT ON COLUMN purchase_order.due_on IS 'The day it was first to come; see purchase_order_due.';

CREATE TABLE purchase_order_due (
    purchase_order_id integer NOT NULL REFERENCES purchase_order,
    event_id bigint NOT NULL,
    due_on date NOT NULL,
    stated_by text NOT NULL,
    PRIMARY KEY (purchase_order_id, event_id)
);
COMMENT ON TABLE purchase_order_due IS 'Append-only: days that an order was put off to, or brought forward to; the newest holds.';

CREATE OR REPLACE VIEW incoming_unit AS
SELECT p.id AS purchase_order_id, c.sku_id, p.location_id,
       coalesce((SELECT d.due_on FROM purchase_order_due d
                  WHERE d.purchase_order_id = p.id ORDER BY d.event_id DESC LIMIT 1), p.due_on) AS due_on,
       sum(c.ordered - c.closed - c.received)::integer AS units
  FROM purchase_order_change c
  JOIN purchase_order p ON p.id = c.purchase_order_id
 GROUP BY p.id, c.sku_id
HAVING sum(c.ordered - c.closed - c.received) > 0;

GRANT SELECT, INSERT ON purchase_order_due TO onhand_app;
