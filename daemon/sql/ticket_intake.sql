-- name: ticket_intake
-- in: numbers bigint[], query_codes text[], states text[], channels text[], kinds text[], urgencies text[],
--     categories text[], regions text[], addresses text[], titles text[], texts text[], call_ids text[],
--     received timestamptz[], received_by text[], lead_units text[], rules text[], route_reasons text[],
--     policies text[], deepest text[], confidential boolean[], anonymous boolean[], names bytea[], phones bytea[],
--     phone_indexes bytea[], event_counts int[], event_hashes bytea[], key_accounts text[], keys text[],
--     fingerprints bytea[], answers text[], versions bigint[], children jsonb
-- out: number
-- One batch of new tickets in one transaction. A ticket whose idempotency key is taken already is left out, with all of
-- its rows, and so is one that is stored already, because a batch of unknown outcome is sent again; the caller sees
-- which numbers came back. A number that somebody else has (two daemons with one instance digit) fails the batch, keys and
-- all: it must not pass for ours. `versions` = rule set, SLA set, calendar set of the whole batch.
-- Children (assignments, clocks, events, tallies) come as one JSON document of arrays.
WITH i AS (
    SELECT *
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::text[],
                $16::text[], $17::text[], $18::text[], $19::text[], $20::boolean[], $21::boolean[], $22::bytea[],
                $23::bytea[], $24::bytea[], $25::int[], $26::bytea[], $27::text[], $28::text[], $29::bytea[],
                $30::text[])
        AS x (number, query_code, state, channel, kind, urgency, category, region, address, title, text, call_id,
              received_at, received_by, lead_unit, rule, route_reason, policy, deepest_tier, is_confidential,
              is_anonymous, name, phone, phone_index, event_count, event_hash, key_account, key, fingerprint, answer)
),
k AS (
    INSERT INTO intake_key (account, key, fingerprint, number, answer, at)
    SELECT key_account, key, fingerprint, number, answer, received_at FROM i WHERE key IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING number
),
t AS (
    INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, region, address, title, text,
                        call_id, received_at, received_by, is_confidential, lead_unit, rule_set, rule, route_reason,
                        sla_set, calendar_set, policy, dispatched_at, deepest_tier, event_count, event_hash)
    SELECT number, query_code, state, channel, kind, urgency, category, region, address, title, text,
           call_id, received_at, received_by, is_confidential, lead_unit, ($31::bigint[])[1], rule, route_reason,
           ($31::bigint[])[2], ($31::bigint[])[3], policy, CASE WHEN lead_unit IS NOT NULL THEN received_at END,
           deepest_tier, event_count, event_hash
    FROM i
    WHERE (key IS NULL OR number IN (SELECT number FROM k))
      AND query_code IS DISTINCT FROM (SELECT s.query_code FROM ticket s WHERE s.number = i.number)
    RETURNING number, region, category, kind, channel, received_at
),
r AS (
    INSERT INTO requester (number, name, phone, phone_index, is_anonymous)
    SELECT i.number, i.name, i.phone, i.phone_index, i.is_anonymous
    FROM i JOIN t USING (number)
    WHERE i.name IS NOT NULL OR i.phone IS NOT NULL OR i.is_anonymous
),
a AS (
    INSERT INTO assignment (number, ordinal, unit, role, round, state, created_at)
    SELECT x.number, x.ordinal, x.unit, x.role, 1, 'unsigned', t.received_at
    FROM jsonb_to_recordset($32::jsonb -> 'assignments')
             AS x (number bigint, ordinal smallint, unit text, role text)
    JOIN t USING (number)
),
q AS (
    INSERT INTO queue_item (number, ordinal, unit, state, due_at)
    SELECT x.number, x.ordinal, x.unit, 'unsigned', coalesce(x.due, 'infinity')
    FROM jsonb_to_recordset($32::jsonb -> 'assignments')
             AS x (number bigint, ordinal smallint, unit text, due timestamptz)
    JOIN t USING (number)
),
c AS (
    INSERT INTO ticket_clock (number, ordinal, assignment, clock, round, state, stop, unit, is_pausable,
                              is_provisional, started_at, due_at, warn_at, met_at, next_at)
    SELECT x.number, x.ordinal, x.assignment, x.clock, x.round, x.state, x.stop, x.unit, x.pausable,
           x.provisional, x.started, x.due, x.warn, x.met, x.next
    FROM jsonb_to_recordset($32::jsonb -> 'clocks')
             AS x (number bigint, ordinal smallint, assignment smallint, clock text, round smallint, state text,
                   stop text, unit text, pausable boolean, provisional boolean, started timestamptz,
                   due timestamptz, warn timestamptz, met timestamptz, next timestamptz)
    JOIN t USING (number)
),
e AS (
    INSERT INTO ticket_event (number, seq, type, at, actor, role, assignment, unit, audience, detail, detail_text,
                              text, hash)
    SELECT x.number, x.seq, x.type, x.at, x.actor, x.role, x.assignment, x.unit, coalesce(x.audience, '{}'),
           x.detail::jsonb, x.detail, x.text, decode(x.hash, 'hex')
    FROM jsonb_to_recordset($32::jsonb -> 'events')
             AS x (number bigint, seq integer, type text, at timestamptz, actor text, role text, assignment smallint,
                   unit text, audience text[], detail text, text text, hash text)
    JOIN t USING (number)
),
y AS (
    INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                       closed, on_time, overdue)
    SELECT x.at, x.number, x.unit, x.tier, coalesce(t.region, ''), t.category, t.kind, t.channel, x.received, x.desk,
           x.dispatched, x.open, x.closed, x.on_time, x.overdue
    FROM jsonb_to_recordset($32::jsonb -> 'tallies')
             AS x (at timestamptz, number bigint, unit text, tier text, received smallint, desk smallint,
                   dispatched smallint, open smallint, closed smallint, on_time smallint, overdue smallint)
    JOIN t USING (number)
)
SELECT number FROM t
