-- name: tick_apply
-- in: numbers bigint[], versions bigint[], event_counts bigint[], event_hashes bytea[], overdue boolean[], late boolean[],
--     clock_number bigint[], clock_ordinal bigint[], clock_due timestamptz[], clock_warn timestamptz[],
--     clock_original timestamptz[], clock_warned timestamptz[], clock_breached timestamptz[], clock_paused_us bigint[],
--     clock_step bigint[], clock_step_at timestamptz[], clock_provisional boolean[], clock_calendar_set bigint[],
--     clock_next timestamptz[], queue_number bigint[], queue_ordinal bigint[], queue_due timestamptz[],
--     event_number bigint[], event_seq bigint[], event_type text[], event_at timestamptz[], event_assignment bigint[],
--     event_unit text[], event_audience text[], event_detail text[], event_hash bytea[],
--     tally_number bigint[], tally_at timestamptz[], tally_unit text[], tally_overdue bigint[]
-- out: number
-- What time alone did to many tickets: clocks, their history, lateness, places in the queues. ticket_apply would store the
-- same and anything else besides; a test compares them. What comes back was stored; the rest was changed by somebody
-- meanwhile and none of it is stored. An audience is codes joined by U+001F.
-- Children look their ticket up among those stored: an IN (SELECT) that is kept from being made a join is a hash, whatever
-- number of rows an array is thought to have.
WITH t AS (
    UPDATE ticket t
    SET version = t.version + 1, event_count = x.event_count, event_hash = x.event_hash, is_overdue = x.is_overdue,
        was_late = x.was_late
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::boolean[], $6::boolean[])
             AS x (number, version, event_count, event_hash, is_overdue, was_late)
    WHERE t.number = x.number AND t.version = x.version
    RETURNING t.number, t.region, t.category, t.kind, t.channel
),
c_set AS (
    UPDATE ticket_clock k
    SET due_at = x.due, warn_at = x.warn, original_due_at = x.original, warned_at = x.warned, breached_at = x.breached,
        paused_us = x.paused_us, step = x.step, step_at = x.step_at, is_provisional = x.provisional,
        calendar_set = x.calendar_set, next_at = x.next
    FROM unnest($7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
                $13::timestamptz[], $14::bigint[], $15::bigint[], $16::timestamptz[], $17::boolean[], $18::bigint[],
                $19::timestamptz[])
             AS x (number, ordinal, due, warn, original, warned, breached, paused_us, step, step_at, provisional,
                   calendar_set, next)
    WHERE k.number = x.number AND k.ordinal = x.ordinal AND (x.number IN (SELECT number FROM t)) IS TRUE
),
q_set AS (
    UPDATE queue_item q
    SET due_at = coalesce(x.due, 'infinity')
    FROM unnest($20::bigint[], $21::bigint[], $22::timestamptz[]) AS x (number, ordinal, due)
    WHERE q.number = x.number AND q.ordinal = x.ordinal AND (x.number IN (SELECT number FROM t)) IS TRUE
),
e_new AS (
    INSERT INTO ticket_event (number, seq, type, at, actor, role, assignment, unit, audience, detail, detail_text, hash)
    SELECT x.number, x.seq, x.type, x.at, 'system', 'system', x.assignment, x.unit, string_to_array(x.audience, chr(31)),
           x.detail::jsonb, x.detail, x.hash
    FROM unnest($23::bigint[], $24::bigint[], $25::text[], $26::timestamptz[], $27::bigint[], $28::text[], $29::text[],
                $30::text[], $31::bytea[])
             AS x (number, seq, type, at, assignment, unit, audience, detail, hash)
    WHERE (x.number IN (SELECT number FROM t)) IS TRUE
),
y_new AS (
    INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                       closed, on_time, overdue)
    SELECT x.at, t.number, x.unit, '', coalesce(t.region, ''), t.category, t.kind, t.channel, 0, 0, 0, 0, 0, 0, x.overdue
    FROM unnest($32::bigint[], $33::timestamptz[], $34::text[], $35::bigint[]) AS x (number, at, unit, overdue)
    JOIN t USING (number)
)
SELECT number FROM t
