-- name: ticket_apply
-- in: change jsonb
-- out: version
-- Stores a planned change if the ticket still has the version it was planned on; no row back = somebody was faster.
-- New assignments wait for the old ones (a_set), because there is one live lead at any moment (assignment_one_lead) and the
-- order in which parts of a statement run is not promised.
-- `lease` (optional) fences a signature: the queue item must still carry that very lease.
WITH j AS (SELECT $1::jsonb AS c),
t AS (
    UPDATE ticket t
    SET state = c ->> 'state', version = t.version + 1, round = (c ->> 'round')::smallint,
        is_problem = (c ->> 'is_problem')::boolean, is_overdue = (c ->> 'is_overdue')::boolean,
        was_late = (c ->> 'was_late')::boolean, callback_attempts = (c ->> 'callback_attempts')::smallint,
        lead_unit = c ->> 'lead_unit', dispatched_at = (c ->> 'dispatched_at')::timestamptz,
        deepest_tier = c ->> 'deepest_tier', event_count = (c ->> 'event_count')::integer,
        event_hash = decode(c ->> 'event_hash', 'hex'),
        closed_at = coalesce((c ->> 'closed_at')::timestamptz, t.closed_at),
        closed_tier = coalesce(c ->> 'closed_tier', t.closed_tier),
        closed_unit = CASE WHEN c ->> 'closed_at' IS NULL THEN t.closed_unit ELSE c ->> 'closed_unit' END,
        closed_on_time = coalesce((c ->> 'closed_on_time')::boolean, t.closed_on_time),
        public_reply = coalesce(c ->> 'public_reply', t.public_reply),
        ground = coalesce(c ->> 'ground', t.ground),
        referred_to = coalesce(c ->> 'referred_to', t.referred_to)
    FROM j
    WHERE t.number = (c ->> 'number')::bigint AND t.version = (c ->> 'version')::integer
      AND (c ->> 'lease' IS NULL
           OR EXISTS (SELECT FROM queue_item q
                      WHERE q.number = t.number AND q.ordinal = (c ->> 'lease_ordinal')::smallint
                        AND q.lease = decode(c ->> 'lease', 'hex')))
    RETURNING t.number, t.version, t.region, t.category, t.kind, t.channel, t.round
),
a_set AS (
    UPDATE assignment a
    SET state = x.state, signed_at = x.signed, signed_by = x.signed_by, contacted_at = x.contacted,
        reported_at = x.reported, ended_at = x.ended, solved = x.solved, internal = x.internal,
        public_reply = x.public_reply
    FROM t, j, jsonb_to_recordset(c -> 'assignments')
                   AS x (ordinal smallint, state text, signed timestamptz, signed_by text, contacted timestamptz,
                         reported timestamptz, ended timestamptz, solved boolean, internal text, public_reply text)
    WHERE a.number = t.number AND a.ordinal = x.ordinal
    RETURNING a.ordinal
),
a_new AS (
    INSERT INTO assignment (number, ordinal, unit, role, round, state, created_at)
    SELECT t.number, x.ordinal, x.unit, x.role, x.round, x.state, x.created
    FROM t, j, jsonb_to_recordset(c -> 'new_assignments')
                   AS x (ordinal smallint, unit text, role text, round smallint, state text, created timestamptz)
    WHERE (SELECT count(*) FROM a_set) >= 0
),
q_new AS (
    INSERT INTO queue_item (number, ordinal, unit, state, due_at)
    SELECT t.number, x.ordinal, x.unit, x.state, coalesce((c ->> 'queue_due')::timestamptz, 'infinity')
    FROM t, j, jsonb_to_recordset(c -> 'new_assignments') AS x (ordinal smallint, unit text, state text)
),
q_gone AS (
    DELETE FROM queue_item q
    USING t, j, jsonb_to_recordset(c -> 'assignments') AS x (ordinal smallint, live boolean)
    WHERE q.number = t.number AND q.ordinal = x.ordinal AND NOT x.live
),
q_set AS (
    UPDATE queue_item q
    SET state = coalesce(x.state, q.state), due_at = coalesce((c ->> 'queue_due')::timestamptz, 'infinity'),
        lease = CASE WHEN x.state IS NULL THEN q.lease END,
        lease_until = CASE WHEN x.state IS NULL THEN q.lease_until END,
        leased_by = CASE WHEN x.state IS NULL THEN q.leased_by END
    FROM t, j
    CROSS JOIN LATERAL (SELECT o.ordinal, s.state, s.live
                        FROM jsonb_to_recordset(c -> 'queue') AS o (ordinal smallint)
                        LEFT JOIN jsonb_to_recordset(c -> 'assignments')
                                      AS s (ordinal smallint, state text, live boolean) USING (ordinal)) AS x
    WHERE q.number = t.number AND q.ordinal = x.ordinal AND x.live IS NOT FALSE
),
c_new AS (
    INSERT INTO ticket_clock (number, ordinal, assignment, clock, round, state, stop, unit, is_pausable,
                              is_provisional, started_at, due_at, warn_at, met_at, next_at)
    SELECT t.number, x.ordinal, x.assignment, x.clock, x.round, x.state, x.stop, x.unit, x.pausable, x.provisional,
           x.started, x.due, x.warn, x.met, x.next
    FROM t, j, jsonb_to_recordset(c -> 'new_clocks')
                   AS x (ordinal smallint, assignment smallint, clock text, round smallint, state text, stop text,
                         unit text, pausable boolean, provisional boolean, started timestamptz, due timestamptz,
                         warn timestamptz, met timestamptz, next timestamptz)
),
c_set AS (
    UPDATE ticket_clock k
    SET state = x.state, due_at = x.due, warn_at = x.warn, warned_at = x.warned, breached_at = x.breached,
        met_at = x.met, paused_us = x.paused_us, next_at = x.next
    FROM t, j, jsonb_to_recordset(c -> 'clocks')
                   AS x (ordinal smallint, state text, due timestamptz, warn timestamptz, warned timestamptz,
                         breached timestamptz, met timestamptz, paused_us bigint, next timestamptz)
    WHERE k.number = t.number AND k.ordinal = x.ordinal
),
e_new AS (
    INSERT INTO ticket_event (number, seq, type, at, actor, role, assignment, unit, audience, detail, detail_text,
                              text, hash)
    SELECT t.number, x.seq, x.type, x.at, x.actor, x.role, x.assignment, x.unit,
           ARRAY(SELECT jsonb_array_elements_text(c -> 'audience')), x.detail::jsonb, x.detail, x.text,
           decode(x.hash, 'hex')
    FROM t, j, jsonb_to_recordset(c -> 'events')
                   AS x (seq integer, type text, at timestamptz, actor text, role text, assignment smallint,
                         unit text, detail text, text text, hash text)
),
b_new AS (
    INSERT INTO callback (number, seq, round, at, account, reached, contacted, solved, satisfied, text)
    SELECT t.number, x.seq, x.round, x.at, x.account, x.reached, x.contacted, x.solved, x.satisfied, x.text
    FROM t, j, jsonb_to_recordset(c -> 'callbacks')
                   AS x (seq integer, round smallint, at timestamptz, account text, reached boolean,
                         contacted boolean, solved boolean, satisfied smallint, text text)
),
y_new AS (
    INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                       closed, on_time, overdue)
    SELECT x.at, t.number, x.unit, x.tier, coalesce(t.region, ''), t.category, t.kind, t.channel, x.received, x.desk,
           x.dispatched, x.open, x.closed, x.on_time, x.overdue
    FROM t, j, jsonb_to_recordset(c -> 'tallies')
                   AS x (at timestamptz, unit text, tier text, received smallint, desk smallint,
                         dispatched smallint, open smallint, closed smallint, on_time smallint, overdue smallint)
)
SELECT version FROM t
