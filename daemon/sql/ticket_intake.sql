-- name: ticket_intake
-- in: numbers bigint[], query_codes text[], states text[], channels text[], kinds text[], urgencies text[],
--     categories text[], regions text[], addresses text[], titles text[], texts text[], call_ids text[],
--     received timestamptz[], received_by text[], lead_units text[], rules text[], route_reasons text[],
--     policies text[], deepest text[], confidential boolean[], anonymous boolean[], names bytea[], phones bytea[],
--     phone_indexes bytea[], event_counts bigint[], event_hashes bytea[], key_accounts text[], keys text[],
--     fingerprints bytea[], answers text[], versions bigint[],
--     assignment_number bigint[], assignment_ordinal bigint[], assignment_unit text[], assignment_role text[],
--     assignment_due timestamptz[], clock_number bigint[], clock_ordinal bigint[], clock_assignment bigint[],
--     clock_clock text[], clock_round bigint[], clock_state text[], clock_stop text[], clock_unit text[],
--     clock_pausable boolean[], clock_provisional boolean[], clock_started timestamptz[], clock_due timestamptz[],
--     clock_warn timestamptz[], clock_met timestamptz[], clock_next timestamptz[],
--     clock_amount bigint[], clock_warn_percent bigint[], event_number bigint[],
--     event_seq bigint[], event_type text[], event_at timestamptz[], event_actor text[], event_role text[],
--     event_assignment bigint[], event_unit text[], event_audience text[], event_detail text[], event_text text[],
--     event_hash bytea[], tally_at timestamptz[], tally_number bigint[], tally_unit text[], tally_tier text[],
--     tally_received bigint[], tally_desk bigint[], tally_dispatched bigint[], tally_open bigint[], tally_closed
--     bigint[], tally_on_time bigint[], tally_overdue bigint[], external_numbers text[], open311 text[]
-- out: number
-- One batch of new tickets in one transaction. A ticket whose idempotency key is taken already is left out, with all of
-- its rows, and so is one that is stored already, because a batch of unknown outcome is sent again; the caller sees
-- which numbers came back. A number that somebody else has (two daemons with one instance digit) fails the batch, keys and
-- all: it must not pass for ours. `versions` = rule set, SLA set, calendar set of the whole batch.
-- Children name their ticket; an audience is codes joined by U+001F.
WITH i AS (
    SELECT *
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::text[],
                $16::text[], $17::text[], $18::text[], $19::text[], $20::boolean[], $21::boolean[], $22::bytea[],
                $23::bytea[], $24::bytea[], $25::bigint[], $26::bytea[], $27::text[], $28::text[], $29::bytea[],
                $30::text[], $77::text[])
        AS x (number, query_code, state, channel, kind, urgency, category, region, address, title, text, call_id,
              received_at, received_by, lead_unit, rule, route_reason, policy, deepest_tier, is_confidential,
              is_anonymous, name, phone, phone_index, event_count, event_hash, key_account, key, fingerprint, answer,
              external_number)
),
k AS (
    INSERT INTO intake_key (account, key, fingerprint, number, answer, at)
    SELECT key_account, key, fingerprint, number, answer, received_at FROM i WHERE key IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING number
),
t AS (
    INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, region, address, title, text,
                        call_id, external_number, received_at, received_by, is_confidential, lead_unit, rule_set, rule, route_reason,
                        sla_set, calendar_set, policy, dispatched_at, deepest_tier, event_count, event_hash)
    SELECT number, query_code, state, channel, kind, urgency, category, region, address, title, text,
           call_id, external_number, received_at, received_by, is_confidential, lead_unit, ($31::bigint[])[1], rule, route_reason,
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
n AS (
    SELECT x.*, t.received_at
    FROM unnest($32::bigint[], $33::bigint[], $34::text[], $35::text[], $36::timestamptz[])
             AS x (number, ordinal, unit, role, due)
    JOIN t USING (number)
),
a AS (
    INSERT INTO assignment (number, ordinal, unit, role, round, state, created_at)
    SELECT number, ordinal, unit, role, 1, 'unsigned', received_at FROM n
),
q AS (
    INSERT INTO queue_item (number, ordinal, unit, state, due_at)
    SELECT number, ordinal, unit, 'unsigned', coalesce(due, 'infinity') FROM n
),
c AS (
    INSERT INTO ticket_clock (number, ordinal, assignment, clock, round, state, stop, unit, is_pausable,
                              is_provisional, started_at, due_at, warn_at, met_at, next_at, amount, warn_percent,
                              sla_set, calendar_set)
    SELECT x.number, x.ordinal, x.assignment, x.clock, x.round, x.state, x.stop, x.unit, x.pausable,
           x.provisional, x.started, x.due, x.warn, x.met, x.next, x.amount, x.warn_percent,
           ($31::bigint[])[2], ($31::bigint[])[3]
    FROM unnest($37::bigint[], $38::bigint[], $39::bigint[], $40::text[], $41::bigint[], $42::text[], $43::text[],
                $44::text[], $45::boolean[], $46::boolean[], $47::timestamptz[], $48::timestamptz[],
                $49::timestamptz[], $50::timestamptz[], $51::timestamptz[], $52::bigint[], $53::bigint[])
             AS x (number, ordinal, assignment, clock, round, state, stop, unit, pausable, provisional, started, due,
                   warn, met, next, amount, warn_percent)
    JOIN t USING (number)
),
e AS (
    INSERT INTO ticket_event (number, seq, type, at, actor, role, assignment, unit, audience, detail, detail_text,
                              text, hash)
    SELECT x.number, x.seq, x.type, x.at, x.actor, x.role, x.assignment, x.unit, string_to_array(x.audience, chr(31)),
           x.detail::jsonb, x.detail, x.text, x.hash
    FROM unnest($54::bigint[], $55::bigint[], $56::text[], $57::timestamptz[], $58::text[], $59::text[],
                $60::bigint[], $61::text[], $62::text[], $63::text[], $64::text[], $65::bytea[])
             AS x (number, seq, type, at, actor, role, assignment, unit, audience, detail, text, hash)
    JOIN t USING (number)
),
y AS (
    INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                       closed, on_time, overdue)
    SELECT x.at, x.number, x.unit, x.tier, coalesce(t.region, ''), t.category, t.kind, t.channel, x.received, x.desk,
           x.dispatched, x.open, x.closed, x.on_time, x.overdue
    FROM unnest($66::timestamptz[], $67::bigint[], $68::text[], $69::text[], $70::bigint[], $71::bigint[],
                $72::bigint[], $73::bigint[], $74::bigint[], $75::bigint[], $76::bigint[])
             AS x (at, number, unit, tier, received, desk, dispatched, open, closed, on_time, overdue)
    JOIN t USING (number)
),
o AS (
    INSERT INTO open311_request (number, requested_at, updated_at, description, lat, long, address_id, media_url, contact)
    SELECT t.number, t.received_at, t.received_at, o ->> 'description', (o ->> 'lat')::double precision,
           (o ->> 'long')::double precision, o ->> 'address_id', o ->> 'media_url', decode(o ->> 'contact', 'hex')
    FROM (SELECT number, o::jsonb FROM unnest($1::bigint[], $78::text[]) AS y (number, o) WHERE o IS NOT NULL) x
    JOIN t USING (number)
)
SELECT number FROM t
