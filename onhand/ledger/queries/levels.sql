-- What each listing shows, should show, and is being told.

-- name: listing_page
-- The next listings of a channel, in the order that suits its bulk calls.
SELECT l.id, l.sort_key
  FROM listing l
 WHERE l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.active
   AND (l.sort_key, l.id) > (%(after_key)s, %(after_id)s)
   AND (%(skus)s::text[] IS NULL OR l.sku_id IN (SELECT id FROM sku WHERE code = ANY (%(skus)s)))
 ORDER BY l.sort_key, l.id
 LIMIT %(limit)s

-- name: listing_states
-- Everything the allocation needs to decide what these listings show, from one snapshot. What answers have told of and no
-- order yet is off the pool. Spikes, buffers by velocity, pre-orders and what is held for partners are looked for only while
-- there are any; what is withheld, only while a source has said something that no run was let through with. A kit has no
-- stock, and is told by its components. What other levels of the SKU may still sell, and how fast it sells, is read where it
-- is in shares, and for whoever decides about that.
SELECT l.id, s.code, l.item_id, l.parent_id, l.tracking, l.units, coalesce(o.generation, 0),
       o.marked_at, lv.places, lv.books, lv.paces, b.locations, b.available,
       EXISTS (SELECT FROM halt h WHERE h.listing_id = l.id AND h.lifted_at IS NULL),
       coalesce((SELECT wb.units FROM widened_buffer wb WHERE wb.listing_id = l.id), 0),
       CASE WHEN u.first_event IS NOT NULL AND NOT s.kit THEN withheld_v2(l.sku_id, u.first_event) END,
       r.channels, r.listings, r.places, r.pieces, r.units, m.channels, m.listings, m.units,
       b.versions, s.tags,
       CASE WHEN (SELECT EXISTS (SELECT FROM spike WHERE ended_at IS NULL))
            THEN coalesce((SELECT p.held_back FROM spike p WHERE p.sku_id = l.sku_id AND p.ended_at IS NULL), 0)
            ELSE 0 END,
       CASE WHEN (SELECT EXISTS (SELECT FROM velocity_buffer))
            THEN (SELECT jsonb_object_agg(vb.place, jsonb_build_array(vb.units, vb.per_day, vb.seconds))
                    FROM velocity_buffer vb WHERE vb.listing_id = l.id) END,
       CASE WHEN (SELECT EXISTS (SELECT FROM preorder WHERE closed_at IS NULL)) THEN (
        SELECT jsonb_build_object('cap', p.cap, 'for', p.promised_for, 'channels', p.channels, 'incoming', (
                   SELECT jsonb_object_agg(c.code, incoming_due_v1(a.sku_id, a.location_id, p.promised_for))
                     FROM balance a JOIN location c ON c.id = a.location_id
                    WHERE a.sku_id = p.sku_id AND a.incoming > 0))
          FROM preorder p WHERE p.sku_id = l.sku_id AND p.closed_at IS NULL) END,
       CASE WHEN (SELECT EXISTS (SELECT FROM programme WHERE ended_at IS NULL)) THEN (
        SELECT jsonb_object_agg(h.partner, h.units)
          FROM (SELECT k.partner, jsonb_object_agg(k.code, k.units) AS units
                  FROM (SELECT m.partner, c.code, sum(n.secured - n.taken) AS units
                          FROM programme_line n
                          JOIN programme m ON m.id = n.programme_id
                          JOIN location c ON c.id = n.location_id
                         WHERE n.sku_id = l.sku_id AND n.secured > n.taken
                         GROUP BY m.partner, c.code) k
                 GROUP BY k.partner) h) END,
       CASE WHEN s.kit THEN kit_components_v1(l.sku_id, u.first_event) END,
       sh.sku_id IS NOT NULL, g.shares,
       h.channels, h.listings, h.places, h.units, h.books, h.sold, h.counted_for,
       h.quiet_for, h.known_for, h.seconds, q.channels, q.weights, q.rates,
       CASE WHEN %(deciding)s THEN (SELECT max(p.seconds) FROM propagation p) END
  FROM unnest(%(listings)s::int[]) WITH ORDINALITY AS w(id, n)
  JOIN listing l ON l.id = w.id
  JOIN sku s ON s.id = l.sku_id
  LEFT JOIN outbox o ON o.listing_id = l.id
  LEFT JOIN judgement j ON j.channel_id = l.channel_id
  LEFT JOIN shared_sku sh ON sh.sku_id = l.sku_id
  LEFT JOIN campaign g ON g.sku_id = sh.sku_id AND g.ended_at IS NULL
                       AND (g.until IS NULL OR g.until > clock_timestamp())
 CROSS JOIN LATERAL (
    SELECT CASE WHEN %(withheld)s AND j.unjudged_from IS NOT NULL
                THEN greatest(j.unjudged_from, (SELECT n.last_event + 1 FROM named_listing n
                                                 WHERE n.listing_id = l.id)) END AS first_event) u
  LEFT JOIN LATERAL (
    SELECT array_agg(v.place) AS places, array_agg(v.book) AS books,
           array_agg(faded(v.pace, v.paced_at)) AS paces FROM level v WHERE v.listing_id = l.id) lv ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(c.code) AS locations, array_agg(a.version) AS versions,
           array_agg(a.available - coalesce((SELECT sum(d.units) FROM provisional_units d
                                              WHERE d.sku_id = a.sku_id AND d.location_id = a.location_id), 0)::bigint
                     ) AS available
      FROM balance a JOIN location c ON c.id = a.location_id WHERE a.sku_id = l.sku_id) b ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(ch.name) AS channels, array_agg(l3.id) AS listings, array_agg(k.place) AS places,
           array_agg(coalesce(v.book, k.share)) AS pieces, array_agg(l3.units * k.quantity) AS units
      FROM resting_units k
      JOIN level v ON v.listing_id = k.listing_id AND v.place = k.place
      JOIN listing l3 ON l3.id = k.listing_id AND l3.active
      JOIN channel ch ON ch.id = l3.channel_id
     WHERE k.sku_id = l.sku_id) r ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(ch.name) AS channels, array_agg(l2.id) AS listings, array_agg(l2.units) AS units
      FROM listing l2 JOIN channel ch ON ch.id = l2.channel_id
     WHERE (%(siblings)s OR sh.sku_id IS NOT NULL) AND l2.sku_id = l.sku_id AND l2.active) m ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(ch.name) AS channels, array_agg(l4.id) AS listings, array_agg(v.place) AS places,
           array_agg(may_sell(v) * l4.units) AS units, array_agg(v.book * l4.units) AS books,
           array_agg(faded(v.pace, v.paced_at) * l4.units) AS sold,
           array_agg(extract(epoch FROM clock_timestamp() - coalesce(v.paced_since, v.paced_at))::float8) AS counted_for,
           array_agg(extract(epoch FROM clock_timestamp() - v.paced_at)::float8) AS quiet_for,
           array_agg(extract(epoch FROM clock_timestamp() - greatest(v.blind_at, v.shown_at))::float8) AS known_for,
           array_agg(p.seconds) AS seconds
      FROM listing l4
      JOIN level v ON v.listing_id = l4.id
      JOIN channel ch ON ch.id = l4.channel_id
      LEFT JOIN propagation p ON p.channel_id = ch.id
     WHERE (%(deciding)s OR sh.sku_id IS NOT NULL)
       AND l4.sku_id = l.sku_id AND l4.active) h ON true
  LEFT JOIN LATERAL (
    -- Units a second: by what is lately heard of, or over days where that is more. Weights are as of the last sale, so that
    -- everybody who looks before the next one sees the same; rates are as of now.
    SELECT array_agg(d.name) AS channels, array_agg(greatest(d.lately, d.per_day)) AS weights,
           array_agg(greatest(faded(d.lately, last.sale), d.per_day)) AS rates
      FROM (SELECT max(v.paced_at) AS sale FROM listing l6 JOIN level v ON v.listing_id = l6.id
             WHERE (%(deciding)s OR sh.sku_id IS NOT NULL) AND l6.sku_id = l.sku_id AND l6.active) last
     CROSS JOIN LATERAL (
            SELECT ch.name,
                   coalesce(sum(v.pace * l5.units * 0.5 ^ (least(600, extract(epoch FROM last.sale - v.paced_at)::float8)
                                                          / 10)), 0) * ln(2) / 10 AS lately,
                   coalesce((SELECT sum(c.per_day) FROM channel_velocity c
                              WHERE c.sku_id = l.sku_id AND c.channel_id = ch.id), 0) / 86400 AS per_day
              FROM listing l5
              JOIN level v ON v.listing_id = l5.id
              JOIN channel ch ON ch.id = l5.channel_id
             WHERE (%(deciding)s OR sh.sku_id IS NOT NULL) AND l5.sku_id = l.sku_id AND l5.active
             GROUP BY ch.id, ch.name) d) q ON true
 ORDER BY w.n

-- name: listings_of_sku
-- Every listing of one SKU, or its listings on one channel.
SELECT l.id, ch.name
  FROM listing l
  JOIN channel ch ON ch.id = l.channel_id
  JOIN sku s ON s.id = l.sku_id AND s.code = %(sku)s
 WHERE l.active AND (%(channel)s::text IS NULL OR ch.name = %(channel)s)
 ORDER BY ch.name, l.id

-- name: ensure_levels
-- A level row at each configured place of a channel, for places added to the configuration later.
INSERT INTO level (listing_id, place)
SELECT l.id, p.place
  FROM listing l
  JOIN channel ch ON ch.id = l.channel_id AND ch.name = %(channel)s
 CROSS JOIN unnest(%(places)s::text[]) AS p(place)
 WHERE l.active AND NOT EXISTS (SELECT FROM level v WHERE v.listing_id = l.id AND v.place = p.place)
 ORDER BY l.id, p.place
ON CONFLICT (listing_id, place) DO NOTHING

-- name: make_levels
-- The rows of levels that have none, so that they can be claimed.
INSERT INTO level (listing_id, place)
SELECT n.listing, n.place FROM unnest(%(listings)s::int[], %(places)s::text[]) AS n(listing, place)
 ORDER BY n.listing, n.place
ON CONFLICT (listing_id, place) DO NOTHING

-- name: clear_plan_from
-- A plan page that is made again replaces what its first try had written.
DELETE FROM run_plan
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND position >= %(first)s

-- name: save_plan
-- Levels to look at, numbered on from the page before.
INSERT INTO run_plan (run_id, channel_id, position, listing_id, place)
SELECT %(run)s, ch.id, %(first)s + p.n::int - 1, p.listing, p.place
  FROM unnest(%(listings)s::int[], %(places)s::text[]) WITH ORDINALITY AS p(listing, place, n)
  JOIN channel ch ON ch.name = %(channel)s

-- name: plan_progress
-- How far planning has come; absolute, so that saying it twice does no harm.
UPDATE run_channel SET levels = %(levels)s, planned = %(planned)s
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: planned_levels
-- One chunk of the plan, what is not yet done of it.
SELECT p.position, p.listing_id, p.place
  FROM run_plan p
 WHERE p.run_id = %(run)s AND p.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND p.position BETWEEN %(first)s AND %(last)s AND p.outcome IS NULL
 ORDER BY p.position

-- name: chunk_outcomes
-- What became of one chunk of the plan.
SELECT count(*) FILTER (WHERE outcome = 'changed'), count(*) FILTER (WHERE outcome = 'unchanged'),
       count(*) FILTER (WHERE outcome = 'failed')
  FROM run_plan
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND position BETWEEN %(first)s AND %(last)s

-- name: claim_levels
-- Take levels for one errand, with the most that each will be told; what was believed of each that nobody else holds.
SELECT listing_id, place, book
  FROM claim_levels_v2(%(listings)s::int[], %(places)s::text[], %(wanted)s::int[], %(blind)s::bool[],
                       %(unshared)s::bool[], %(claim)s, %(seconds)s)

-- name: claim_believed
-- The same for levels of which is still believed what was read with their targets.
SELECT listing_id, place
  FROM claim_believed_v2(%(listings)s::int[], %(places)s::text[], %(books)s::int[], %(wanted)s::int[],
                         %(blind)s::bool[], %(unshared)s::bool[], %(claim)s, %(seconds)s)

-- name: lock_shared_levels
-- All levels of these listings' SKUs, in the one order of levels: until the commit nobody else is given units of them, no
-- sale of theirs is heard and no answer booked.
SELECT FROM level v
 WHERE v.listing_id IN (
    SELECT o.id FROM listing l JOIN listing o ON o.sku_id = l.sku_id WHERE l.id = ANY (%(listings)s::int[]))
 ORDER BY v.listing_id, v.place
   FOR UPDATE

-- name: announce_levels
-- The most that claimed levels will be told, and which of them should show more than that.
UPDATE level v SET tells = a.most, tells_blindly = a.blind, undoes = a.undoes, owed = a.owed
  FROM unnest(%(listings)s::int[], %(places)s::text[], %(most)s::int[], %(blind)s::bool[], %(undoes)s::int[],
              %(owed)s::bool[]) AS a(listing, place, most, blind, undoes, owed)
 WHERE v.listing_id = a.listing AND v.place = a.place AND v.claim = %(claim)s

-- name: believed_levels
-- What we believe these items show, and what they were lately told: a notice that states one of these is our own echo.
SELECT n.item, n.place,
       array_append(ARRAY(SELECT p.quantity FROM push p
                           WHERE p.listing_id = l.id AND p.place = n.place
                             AND p.sent_at > clock_timestamp() - interval '5 minutes'
                           ORDER BY p.id DESC LIMIT 10), v.book)
  FROM unnest(%(items)s::text[], %(places)s::text[]) AS n(item, place)
  JOIN listing l ON l.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND l.item_id = n.item
  JOIN level v ON v.listing_id = l.id AND v.place = n.place

-- name: written_lately
-- Of these levels, those that a blind write was answered for within so many seconds.
SELECT v.listing_id, v.place
  FROM unnest(%(listings)s::int[], %(places)s::text[]) AS a(listing, place)
  JOIN level v ON v.listing_id = a.listing AND v.place = a.place
 WHERE v.blind_at > clock_timestamp() - make_interval(secs => %(seconds)s);

-- name: forget_books
-- A write was answered with success and does not show: nobody knows what these levels show.
UPDATE level v SET book = NULL, bound = v.book
  FROM (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[]) AS u(listing, place)
         ORDER BY u.listing, u.place) a
 WHERE v.listing_id = a.listing AND v.place = a.place AND v.book IS NOT NULL

-- name: note_shown
-- Read back some time after a write. The book follows where it is still what was told.
UPDATE level v SET
    book = CASE WHEN v.book = a.told THEN coalesce(a.shown, v.book) ELSE v.book END,
    shown = coalesce(a.shown, v.shown),
    shown_at = CASE WHEN a.shown IS NULL THEN v.shown_at ELSE clock_timestamp() END
  FROM (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[], %(told)s::int[], %(shown)s::int[])
               AS u(listing, place, told, shown) ORDER BY u.listing, u.place) a
 WHERE v.listing_id = a.listing AND v.place = a.place

-- name: renew_claims
-- The errand is still on its way. A claim that ran out is not revived: somebody else may hold the level by now.
UPDATE level v SET claimed_until = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE (v.listing_id, v.place) IN (
    SELECT listing_id, place FROM level
     WHERE (listing_id, place) IN (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[]))
       AND claim = %(claim)s AND claimed_until > clock_timestamp()
     ORDER BY listing_id, place
       FOR UPDATE)

-- name: book_levels
-- What the channel answered; levels are let go.
SELECT learnt, overtaken, owed
  FROM book_levels_v3(%(listings)s::int[], %(places)s::text[], %(expected)s::int[], %(seen)s::int[],
                      %(shortfalls)s::int[], %(surpluses)s::int[], %(blind)s::bool[], %(problems)s::text[],
                      %(locations)s::text[], %(looked)s::int[], %(asked)s::timestamptz[], %(claim)s, %(answered_at)s)

-- name: pending_live
-- What the publisher has to look at now: fast SKUs first, then whoever waits longest. One that has waited longer than its
-- tier allows goes before all others; such are at most half of what is asked for, so that a backlog of slow SKUs does not
-- hold up the fast ones either. Each part is read by the index, tier by tier, however much is pending: were the clock read
-- row by row, or the tiers asked for together, the planner would put all that is pending aside first and sort it.
WITH free AS NOT MATERIALIZED (
    SELECT o.listing_id, o.tier, o.marked_at
      FROM outbox o
     WHERE o.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND o.live AND NOT o.isolated
       AND (o.resting_until IS NULL OR o.resting_until <= statement_timestamp())
       AND NOT EXISTS (SELECT FROM level v WHERE v.listing_id = o.listing_id AND v.claimed_until > statement_timestamp())
), overdue AS MATERIALIZED (
    SELECT * FROM (
        (SELECT * FROM free WHERE tier = 1 AND marked_at < statement_timestamp() - %(quarter_hour)s::interval
          ORDER BY marked_at LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM free WHERE tier = 2 AND marked_at < statement_timestamp() - %(hourly)s::interval
          ORDER BY marked_at LIMIT %(limit)s)) each
     ORDER BY marked_at LIMIT (%(limit)s + 1) / 2
), in_turn AS (
    SELECT each.* FROM (
        (SELECT * FROM free WHERE tier = 0 ORDER BY marked_at LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM free WHERE tier = 1 AND listing_id NOT IN (SELECT listing_id FROM overdue)
          ORDER BY marked_at LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM free WHERE tier = 2 AND listing_id NOT IN (SELECT listing_id FROM overdue)
          ORDER BY marked_at LIMIT %(limit)s)) each
)
SELECT listing_id
  FROM (SELECT listing_id, -1 AS turn, marked_at FROM overdue
        UNION ALL
        SELECT listing_id, tier, marked_at FROM in_turn) pending
 ORDER BY turn, marked_at
 LIMIT %(limit)s

-- name: paces_of_skus
-- How fast the levels of these listings' SKUs sell, theirs and those of their other listings; resting ones are left out.
SELECT w.id, ch.name, l.id, v.place, l.units, faded(v.pace, v.paced_at)
  FROM unnest(%(listings)s::int[]) AS w(id)
  JOIN listing own ON own.id = w.id
  JOIN listing l ON l.sku_id = own.sku_id AND l.active
  JOIN channel ch ON ch.id = l.channel_id
  JOIN level v ON v.listing_id = l.id
 WHERE l.id = w.id OR NOT EXISTS (SELECT FROM resting_level k WHERE k.listing_id = l.id AND k.place = v.place)
 ORDER BY w.id, ch.name, l.id, v.place

-- name: begin_rest
-- These levels are told their share and then left alone.
INSERT INTO resting_level (listing_id, place, sku_id, share)
SELECT n.listing, n.place, l.sku_id, n.share
  FROM unnest(%(listings)s::int[], %(places)s::text[], %(shares)s::int[]) AS n(listing, place, share)
  JOIN listing l ON l.id = n.listing
 ORDER BY n.listing, n.place
ON CONFLICT (listing_id, place) DO UPDATE SET share = excluded.share

-- name: end_rest
-- They have calmed.
DELETE FROM resting_level WHERE (listing_id, place) IN (SELECT * FROM unnest(%(listings)s::int[], %(places)s::text[]))

-- name: leave_alone
-- Listings that rest are pending, and not looked at for a while.
UPDATE outbox o SET resting_until = clock_timestamp() + make_interval(secs => d.seconds)
  FROM (SELECT o.listing_id, u.seconds
          FROM unnest(%(listings)s::int[], %(generations)s::bigint[], %(seconds)s::float8[])
               AS u(listing, generation, seconds)
          JOIN outbox o ON o.listing_id = u.listing AND o.generation = u.generation
         ORDER BY o.listing_id
           FOR UPDATE OF o) d
 WHERE o.listing_id = d.listing_id

-- name: isolate_listings
-- They failed alone: the updates of their own SKUs tell the channel.
UPDATE outbox SET isolated = true
 WHERE listing_id IN (SELECT listing_id FROM outbox WHERE listing_id = ANY (%(listings)s)
                       ORDER BY listing_id FOR UPDATE)

-- name: isolated_skus
-- SKUs of a channel whose own updates are to tell it; those that wait longest first.
SELECT s.code
  FROM outbox o
  JOIN listing l ON l.id = o.listing_id
  JOIN sku s ON s.id = l.sku_id
 WHERE o.channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND o.isolated
 GROUP BY s.code
 ORDER BY min(o.marked_at), s.code
 LIMIT %(limit)s

-- name: rejoin_listings
-- Their own update is over. What has changed since is for the publisher, or for the next run.
WITH back AS (
    UPDATE outbox SET isolated = false, live = %(live)s
     WHERE listing_id IN (SELECT listing_id FROM outbox WHERE listing_id = ANY (%(listings)s) AND isolated
                           ORDER BY listing_id FOR UPDATE)
    RETURNING listing_id
), woke AS (
    UPDATE channel_work SET publish_awake = true
     WHERE channel_id = (SELECT id FROM channel WHERE name = %(channel)s) AND %(live)s AND EXISTS (SELECT FROM back)
)
SELECT EXISTS (SELECT FROM back)

-- name: mark_skus
-- Their listings are looked at again: now, or by the next sync run.
SELECT mark_listings_v3(ARRAY(SELECT id FROM sku WHERE code = ANY (%(skus)s) ORDER BY id), %(live)s)

-- name: settle_listings
-- After an errand, in one statement: rows of the outbox that are settled go, what was sent is kept, and what was accepted is
-- no dead letter any more. Rows go only whose generation is still the one that was read: what came in between stays pending.
-- So do listings of which a level is not as this errand left it: somebody has claimed it since by what was known before, and
-- may be telling it what is old by now, or did so while this errand's own claim had run out.
WITH moved AS MATERIALIZED (
    -- Found once, and not again for each row: that took ten seconds for 1,400 listings.
    SELECT w.listing
      FROM unnest(%(left_listings)s::int[], %(left_places)s::text[], %(left_claims)s::bigint[], %(left_books)s::int[])
           AS w(listing, place, claim, book)
      JOIN level v ON v.listing_id = w.listing AND v.place = w.place
     WHERE v.claim <> w.claim OR v.book IS DISTINCT FROM w.book
), settled AS (
    SELECT o.listing_id
      FROM outbox o
      JOIN unnest(%(settled)s::int[], %(settled_generations)s::bigint[]) AS d(listing, generation)
        ON d.listing = o.listing_id AND d.generation = o.generation
     WHERE o.listing_id NOT IN (SELECT listing FROM moved)
     ORDER BY o.listing_id
       FOR UPDATE OF o
), saved AS (
    INSERT INTO push (listing_id, place, run_id, generation, quantity, before, outcome, echo, message, attempt,
                      sent_at, answered_at, due_since, basis)
    SELECT p.listing, p.place, %(run)s, p.generation, p.quantity, p.before, p.outcome, p.echo, p.message,
           %(attempt)s, %(sent_at)s, %(answered_at)s, p.due_since, p.basis
      FROM unnest(%(listings)s::int[], %(places)s::text[], %(generations)s::bigint[], %(quantities)s::int[],
                  %(befores)s::int[], %(outcomes)s::text[], %(echoes)s::int[], %(messages)s::text[],
                  %(dues)s::timestamptz[], %(bases)s::jsonb[])
           AS p(listing, place, generation, quantity, before, outcome, echo, message, due_since, basis)
), unparked AS (
    DELETE FROM parked_level WHERE listing_id = ANY (%(unparked)s::int[])
)
DELETE FROM outbox o USING settled s WHERE o.listing_id = s.listing_id
RETURNING o.listing_id

-- name: settled_by_others
-- Which of these SKUs' listings are pending no more. Waits for whoever is settling one in this moment.
WITH pending AS (
    SELECT listing_id FROM outbox WHERE listing_id = ANY (%(listings)s) ORDER BY listing_id FOR KEY SHARE
)
SELECT DISTINCT s.code
  FROM listing l
  JOIN sku s ON s.id = l.sku_id
 WHERE l.id = ANY (%(listings)s) AND l.active AND l.id NOT IN (SELECT listing_id FROM pending)
 ORDER BY s.code

-- name: settle_plan
-- The outcome of each level of a chunk. The bounds keep it to the chunk's part of the index; without them the planner,
-- which knows nothing of a plan laid a moment ago, walks the whole plan for every chunk.
UPDATE run_plan p SET outcome = d.outcome
  FROM unnest(%(positions)s::int[], %(outcomes)s::text[]) AS d(position, outcome)
 WHERE p.run_id = %(run)s AND p.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND p.position BETWEEN %(first)s AND %(last)s AND p.position = d.position

-- name: save_failures
-- Why a level could not be set.
INSERT INTO run_failure (run_id, channel_id, listing_id, place, category, message, advice)
SELECT %(run)s, ch.id, f.listing, f.place, f.category, f.message, f.advice
  FROM unnest(%(listings)s::int[], %(places)s::text[], %(categories)s::text[], %(messages)s::text[],
              %(advices)s::text[]) AS f(listing, place, category, message, advice)
  JOIN channel ch ON ch.name = %(channel)s
ON CONFLICT (run_id, channel_id, listing_id, place) DO UPDATE SET
    category = excluded.category, message = excluded.message, advice = excluded.advice,
    failed_at = clock_timestamp()

-- name: add_costs
-- What a step cost the channel's budget.
UPDATE run_channel SET reads = reads + %(reads)s, writes = writes + %(writes)s,
       throttled = throttled + %(throttled)s, waited_seconds = waited_seconds + %(waited)s
 WHERE run_id = %(run)s AND channel_id = (SELECT id FROM channel WHERE name = %(channel)s)

-- name: unproven_levels
-- Levels of a plan that were written without an echo, to be read back.
SELECT p.position, p.listing_id, p.place
  FROM run_plan p
 WHERE p.run_id = %(run)s AND p.channel_id = (SELECT id FROM channel WHERE name = %(channel)s)
   AND p.position BETWEEN %(first)s AND %(last)s AND p.outcome = 'changed'
 ORDER BY p.position

-- name: park_level
-- A dead letter.
INSERT INTO parked_level (listing_id, workflow_id, category, message, advice)
VALUES (%(listing)s, %(workflow)s, %(category)s, %(message)s, %(advice)s)
ON CONFLICT (listing_id) DO UPDATE SET
    parked_at = clock_timestamp(), workflow_id = excluded.workflow_id, category = excluded.category,
    message = excluded.message, advice = excluded.advice
