-- How fast things go at present. Read every second while somebody watches: only the newest rows are looked at, by id.

-- name: channel_pace
-- Orders in and levels out per second, time-to-sync in seconds (median and 99th percentile) over one and five minutes,
-- and units that answers told of and no order yet. Where the newest rows do not reach back over the window of the rates,
-- these are over what they do reach; so are the percentiles.
WITH bound AS (
    SELECT (SELECT coalesce(max(id), 0) - %(rows)s FROM push) AS push_after,
           (SELECT coalesce(max(id), 0) - %(rows)s FROM inbox) AS inbox_after
), span AS (
    SELECT extract(epoch FROM least(make_interval(secs => %(seconds)s), now() - (
               SELECT answered_at FROM push WHERE id <= (SELECT push_after FROM bound) ORDER BY id DESC LIMIT 1
           )))::float8 AS push_seconds,
           extract(epoch FROM least(make_interval(secs => %(seconds)s), now() - (
               SELECT received_at FROM inbox WHERE id <= (SELECT inbox_after FROM bound) ORDER BY id DESC LIMIT 1
           )))::float8 AS inbox_seconds
), heard AS (
    SELECT channel_id, count(*) AS orders
      FROM inbox
     WHERE id > (SELECT inbox_after FROM bound) AND received_at > now() - make_interval(secs => %(seconds)s)
       AND kind IN ('order', 'order_hint')
     GROUP BY channel_id
), sent AS (
    SELECT l.channel_id, now() - p.answered_at AS age,
           -- Runs look at everything when their time has come; what they tell waited for them, not for us.
           CASE WHEN p.run_id IS NULL AND p.due_since IS NOT NULL
                THEN greatest(extract(epoch FROM p.answered_at - p.due_since)::float8, 0) END AS took
      FROM push p
      JOIN listing l ON l.id = p.listing_id
     WHERE p.id > (SELECT push_after FROM bound) AND p.sent_at > now() - interval '10 minutes'
       AND p.outcome = 'accepted'
), told AS (
    SELECT channel_id,
           count(*) FILTER (WHERE age < make_interval(secs => %(seconds)s)) AS levels,
           percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took)
               FILTER (WHERE age < interval '1 minute') AS minute,
           percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took)
               FILTER (WHERE age < interval '5 minutes') AS five_minutes
      FROM sent
     GROUP BY channel_id
), unheard AS (
    SELECT l.channel_id, sum(d.pieces * d.units) AS units
      FROM provisional_demand d
      JOIN listing l ON l.id = d.listing_id
     GROUP BY l.channel_id
)
SELECT ch.name, coalesce(h.orders, 0) / s.inbox_seconds, coalesce(t.levels, 0) / s.push_seconds,
       t.minute[1], t.minute[2], t.five_minutes[1], t.five_minutes[2], coalesce(u.units, 0)
  FROM channel ch
 CROSS JOIN span s
  LEFT JOIN heard h ON h.channel_id = ch.id
  LEFT JOIN told t ON t.channel_id = ch.id
  LEFT JOIN unheard u ON u.channel_id = ch.id
 WHERE ch.name = ANY (%(channels)s)
 ORDER BY ch.name
