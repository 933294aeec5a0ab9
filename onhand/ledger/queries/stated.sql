-- What clients state over HTTP.

-- name: known_events
-- The events of a source that were posted before, of those asked for.
SELECT external_id, id, fingerprint FROM event WHERE source = %(source)s AND external_id = ANY (%(ids)s::text[])
