-- What was lost and found.

-- name: losses
-- Units by reason, kind and location, of events that were written down in that time. What was taken back is on the line
-- of what it takes back. Events and entries of it are found by their block-range indexes.
WITH told AS MATERIALIZED (
    SELECT id, kind,
           coalesce(CASE WHEN source = 'reversal' THEN detail ->> 'first_reason' ELSE detail ->> 'reason' END, '') AS reason
      FROM event
     WHERE recorded_at >= %(begins)s::timestamptz AND recorded_at < %(ends)s::timestamptz
       AND kind IN ('adjustment', 'write_off', 'inspection', 'transfer_in')
)
SELECT t.reason, t.kind, l.code, count(DISTINCT t.id)::int,
       coalesce(sum(e.quantity) FILTER (WHERE e.state = 'shrinkage'), 0)::bigint AS lost,
       coalesce(-sum(e.quantity) FILTER (WHERE e.state = 'found'), 0)::bigint AS found
  FROM told t
  JOIN entry e ON e.event_id = t.id AND e.event_id >= (SELECT min(id) FROM told)
  JOIN location l ON l.id = e.location_id
 WHERE e.state IN ('shrinkage', 'found') AND (%(location)s::text IS NULL OR l.code = %(location)s)
 GROUP BY t.reason, t.kind, l.code
 ORDER BY lost DESC, found DESC, t.reason, t.kind, l.code
