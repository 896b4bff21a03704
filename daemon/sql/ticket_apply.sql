-- name: ticket_apply
-- in: changes jsonb
-- out: number, version
-- Stores planned changes, an array of them, each if its ticket still has the version it was planned on; a number that does
-- not come back = somebody was faster. One ticket may be in the array only once.
-- New assignments wait for the old ones (a_set), because there is one live lead at any moment (assignment_one_lead) and the
-- order in which parts of a statement run is not promised.
-- ANY (ARRAY(...)) says again what the join says: so the rows are found by key however many tickets the planner believes in.
-- `lease` (optional) fences a signature: the queue item must still carry that very lease. `into` (of a merge) takes a
-- version of the master: it must still be open when the ticket goes into it, and a merge of its own, planned before, is late.
WITH j AS (
    SELECT c, (c ->> 'number')::bigint AS number
    FROM jsonb_array_elements($1::jsonb) AS x (c)
),
m AS (
    UPDATE ticket t
    SET version = t.version + 1
    WHERE t.number = ANY (ARRAY(SELECT (c ->> 'into')::bigint FROM j))
      AND t.state IN ('accepted', 'handling', 'review', 'callback')
    RETURNING t.number
),
t AS (
    UPDATE ticket t
    SET state = c ->> 'state', version = t.version + 1, round = (c ->> 'round')::smallint,
        is_problem = (c ->> 'is_problem')::boolean, is_overdue = (c ->> 'is_overdue')::boolean,
        was_late = (c ->> 'was_late')::boolean, callback_attempts = (c ->> 'callback_attempts')::smallint,
        transfers = (c ->> 'transfers')::smallint, merged_into = (c ->> 'merged_into')::bigint,
        lead_unit = c ->> 'lead_unit', dispatched_at = (c ->> 'dispatched_at')::timestamptz,
        deepest_tier = c ->> 'deepest_tier', event_count = (c ->> 'event_count')::integer,
        event_hash = decode(c ->> 'event_hash', 'hex'), closed_at = (c ->> 'closed_at')::timestamptz,
        closed_tier = c ->> 'closed_tier', closed_unit = c ->> 'closed_unit',
        closed_on_time = (c ->> 'closed_on_time')::boolean,
        public_reply = coalesce(c ->> 'public_reply', t.public_reply),
        ground = coalesce(c ->> 'ground', t.ground),
        referred_to = coalesce(c ->> 'referred_to', t.referred_to),
        kind = coalesce(c ->> 'kind', t.kind), urgency = coalesce(c ->> 'urgency', t.urgency),
        category = coalesce(c ->> 'category', t.category), region = coalesce(c ->> 'region', t.region),
        address = coalesce(c ->> 'address', t.address), title = coalesce(c ->> 'title', t.title),
        text = coalesce(c ->> 'text', t.text), policy = coalesce(c ->> 'policy', t.policy),
        sla_set = coalesce((c ->> 'sla_set')::bigint, t.sla_set),
        rule_set = coalesce((c ->> 'rule_set')::bigint, t.rule_set),
        rule = CASE WHEN c ? 'route_reason' THEN c ->> 'rule' ELSE t.rule END,
        route_reason = coalesce(c ->> 'route_reason', t.route_reason)
    FROM j
    WHERE t.number = ANY (ARRAY(SELECT number FROM j)) AND t.number = j.number
      AND t.version = (c ->> 'version')::integer
      AND (c ->> 'into' IS NULL OR (c ->> 'into')::bigint IN (SELECT number FROM m))
      AND (c ->> 'lease' IS NULL
           OR EXISTS (SELECT FROM queue_item q
                      WHERE q.number = t.number AND q.ordinal = (c ->> 'lease_ordinal')::smallint
                        AND q.lease = decode(c ->> 'lease', 'hex')))
    RETURNING t.number, t.version, t.region, t.category, t.kind, t.channel, c
),
a_set AS (
    UPDATE assignment a
    SET state = x.state, signed_at = x.signed, signed_by = x.signed_by, contacted_at = x.contacted,
        reported_at = x.reported, ended_at = x.ended, solved = x.solved, internal = x.internal,
        public_reply = x.public_reply, request = x.request, request_detail = x.request_detail,
        extensions = x.extensions, suspended_until = x.suspended_until
    FROM t, jsonb_to_recordset(c -> 'assignments')
                AS x (ordinal smallint, state text, signed timestamptz, signed_by text, contacted timestamptz,
                      reported timestamptz, ended timestamptz, solved boolean, internal text, public_reply text,
                      request text, request_detail jsonb, extensions smallint, suspended_until timestamptz)
    WHERE a.number = t.number AND a.ordinal = x.ordinal
    RETURNING a.ordinal
),
a_new AS (
    INSERT INTO assignment (number, ordinal, unit, role, round, state, parent, created_at)
    SELECT t.number, x.ordinal, x.unit, x.role, x.round, x.state, x.parent, x.created
    FROM t, jsonb_to_recordset(c -> 'new_assignments')
                AS x (ordinal smallint, unit text, role text, round smallint, state text, parent smallint,
                      created timestamptz)
    WHERE (SELECT count(*) FROM a_set) >= 0
),
q_new AS (
    INSERT INTO queue_item (number, ordinal, unit, state, due_at)
    SELECT t.number, x.ordinal, x.unit, x.state, coalesce(x.due, 'infinity')
    FROM t, jsonb_to_recordset(c -> 'new_assignments')
                AS x (ordinal smallint, unit text, state text, due timestamptz)
),
q_gone AS (
    DELETE FROM queue_item q
    USING t, jsonb_to_recordset(c -> 'assignments') AS x (ordinal smallint, live boolean)
    WHERE q.number = t.number AND q.ordinal = x.ordinal AND NOT x.live
),
q_set AS (
    UPDATE queue_item q
    SET state = coalesce(x.state, q.state), due_at = coalesce(x.due, 'infinity'),
        lease = CASE WHEN x.state IS NULL THEN q.lease END,
        lease_until = CASE WHEN x.state IS NULL THEN q.lease_until END,
        leased_by = CASE WHEN x.state IS NULL THEN q.leased_by END
    FROM t
    CROSS JOIN LATERAL (SELECT o.ordinal, o.due, s.state, s.live
                        FROM jsonb_to_recordset(c -> 'queue') AS o (ordinal smallint, due timestamptz)
                        LEFT JOIN jsonb_to_recordset(c -> 'assignments')
                                      AS s (ordinal smallint, state text, live boolean) USING (ordinal)) AS x
    WHERE q.number = t.number AND q.ordinal = x.ordinal AND x.live IS NOT FALSE
),
c_new AS (
    INSERT INTO ticket_clock (number, ordinal, assignment, clock, round, state, stop, unit, amount, warn_percent,
                              is_pausable, is_provisional, sla_set, calendar_set, started_at, due_at, warn_at,
                              original_due_at, warned_at, breached_at, met_at, paused_us, step, step_at, adjustments,
                              next_at)
    SELECT t.number, x.ordinal, x.assignment, x.clock, x.round, x.state, x.stop, x.unit, x.amount, x.warn_percent,
           x.pausable, x.provisional, x.sla_set, x.calendar_set, x.started, x.due, x.warn, x.original, x.warned,
           x.breached, x.met, x.paused_us, x.step, x.step_at, x.adjustments, x.next
    FROM t, jsonb_to_recordset(c -> 'new_clocks')
                AS x (ordinal smallint, assignment smallint, clock text, round smallint, state text, stop text,
                      unit text, amount integer, warn_percent smallint, pausable boolean, provisional boolean,
                      sla_set bigint, calendar_set bigint, started timestamptz, due timestamptz, warn timestamptz,
                      original timestamptz, warned timestamptz, breached timestamptz, met timestamptz,
                      paused_us bigint, step smallint, step_at timestamptz, adjustments jsonb, next timestamptz)
),
c_set AS (
    UPDATE ticket_clock k
    SET state = x.state, due_at = x.due, warn_at = x.warn, original_due_at = x.original, warned_at = x.warned,
        breached_at = x.breached, met_at = x.met, paused_at = x.paused, paused_us = x.paused_us, step = x.step,
        step_at = x.step_at, is_provisional = x.provisional, calendar_set = x.calendar_set,
        adjustments = x.adjustments, next_at = x.next
    FROM t, jsonb_to_recordset(c -> 'clocks')
                AS x (ordinal smallint, state text, due timestamptz, warn timestamptz, original timestamptz,
                      warned timestamptz, breached timestamptz, met timestamptz, paused timestamptz,
                      paused_us bigint, step smallint, step_at timestamptz, provisional boolean,
                      calendar_set bigint, adjustments jsonb, next timestamptz)
    WHERE k.number = t.number AND k.ordinal = x.ordinal
),
e_new AS (
    INSERT INTO ticket_event (number, seq, type, at, actor, role, assignment, unit, audience, detail, detail_text,
                              text, hash)
    SELECT t.number, x.seq, x.type, x.at, x.actor, x.role, x.assignment, x.unit,
           ARRAY(SELECT jsonb_array_elements_text(c -> 'audience')
                 UNION
                 SELECT x.tell WHERE x.tell IS NOT NULL), x.detail::jsonb, x.detail, x.text, decode(x.hash, 'hex')
    FROM t, jsonb_to_recordset(c -> 'events')
                AS x (seq integer, type text, at timestamptz, actor text, role text, assignment smallint,
                      unit text, tell text, detail text, text text, hash text)
),
b_new AS (
    INSERT INTO callback (number, seq, round, at, account, reached, contacted, solved, satisfied, text)
    SELECT t.number, x.seq, x.round, x.at, x.account, x.reached, x.contacted, x.solved, x.satisfied, x.text
    FROM t, jsonb_to_recordset(c -> 'callbacks')
                AS x (seq integer, round smallint, at timestamptz, account text, reached boolean,
                      contacted boolean, solved boolean, satisfied smallint, text text)
),
y_new AS (
    INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                       closed, on_time, overdue)
    SELECT x.at, t.number, x.unit, x.tier, coalesce(x.region, t.region, ''), coalesce(x.category, t.category),
           coalesce(x.kind, t.kind), t.channel, x.received, x.desk, x.dispatched, x.open, x.closed, x.on_time,
           x.overdue
    FROM t, jsonb_to_recordset(c -> 'tallies')
                AS x (at timestamptz, unit text, tier text, region text, category text, kind text,
                      received smallint, desk smallint, dispatched smallint, open smallint, closed smallint,
                      on_time smallint, overdue smallint)
)
SELECT number, version FROM t
