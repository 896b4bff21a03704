-- name: call_news
-- in: gateway text, event_id text, call_id text, leg_id text, type text, occurred_at timestamptz, received_at timestamptz,
--     state integer, direction text, numbers bytea, party_index bytea, numbers_order text, queue text, agent text,
--     extension text, news_order text, cause text, reached timestamptz[], ref text, url text, sha256 text,
--     duration_ms bigint, offset_minutes integer, offset_text text,
--     open_states text[]
-- out: state, is_repeat, is_other, pops, agent, numbers, name, open_tickets, recent_tickets, device, device_name, device_person,
--      device_region, device_address
-- What a gateway tells of a call, kept once, and who must see it. A repeat (gateway, event_id) changes nothing; but a
-- screen pop that was not stored the first time is due again. `is_other`: the event id belongs to other news; the state may
-- be NULL then. `pops`: agent is the desk that has that id, NULL = every
-- desk. A call that has ended pops nowhere. Tickets are those of the citizen's number, the
-- device is the one that calls with it.
WITH e AS (
    INSERT INTO call_event (gateway, event_id, call_id, leg_id, type, occurred_at, received_at)
    VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, $7::timestamptz)
    ON CONFLICT DO NOTHING
    RETURNING true AS is_new
),
r AS (
    INSERT INTO call_recording AS c (gateway, call_id, ref, url, sha256, duration_ms)
    SELECT $1, $3, $19::text, $20::text, $21::text, $22::bigint FROM e WHERE $19 IS NOT NULL
    ON CONFLICT (gateway, call_id, ref) DO UPDATE
    SET url = greatest(c.url, excluded.url), sha256 = greatest(c.sha256, excluded.sha256),
        duration_ms = greatest(c.duration_ms, excluded.duration_ms)
),
n AS (
    INSERT INTO call AS c (gateway, call_id, state, direction, numbers, party_index, numbers_order, queue, queue_order,
                           agent, extension, agent_order, cause, started_at, reached)
    SELECT $1, $3, greatest($8::integer, 0), $9::text, $10::bytea, $11::bytea, $12::text,
           $13::text, CASE WHEN $13 IS NOT NULL THEN $16::text END,
           $14::text, $15::text, CASE WHEN $14 IS NOT NULL THEN $16 END, $17::text, $6, $18::timestamptz[]
    FROM e
    ON CONFLICT (gateway, call_id) DO UPDATE
    SET state = greatest(c.state, excluded.state),
        direction = greatest(c.direction, excluded.direction),
        numbers = CASE WHEN c.numbers_order <= excluded.numbers_order OR excluded.numbers_order IS NULL
                       THEN c.numbers ELSE excluded.numbers END,
        party_index = CASE WHEN c.numbers_order <= excluded.numbers_order OR excluded.numbers_order IS NULL
                           THEN c.party_index ELSE excluded.party_index END,
        numbers_order = least(c.numbers_order, excluded.numbers_order),
        queue = CASE WHEN c.queue_order >= excluded.queue_order OR excluded.queue_order IS NULL
                     THEN c.queue ELSE excluded.queue END,
        queue_order = greatest(c.queue_order, excluded.queue_order),
        agent = CASE WHEN c.agent_order >= excluded.agent_order OR excluded.agent_order IS NULL
                     THEN c.agent ELSE excluded.agent END,
        extension = CASE WHEN c.agent_order >= excluded.agent_order OR excluded.agent_order IS NULL
                         THEN c.extension ELSE excluded.extension END,
        agent_order = greatest(c.agent_order, excluded.agent_order),
        cause = least(c.cause, excluded.cause),
        started_at = least(c.started_at, excluded.started_at),
        reached = ARRAY[least(c.reached[1], excluded.reached[1]), least(c.reached[2], excluded.reached[2]),
                        least(c.reached[3], excluded.reached[3]), least(c.reached[4], excluded.reached[4]),
                        least(c.reached[5], excluded.reached[5]), least(c.reached[6], excluded.reached[6]),
                        least(c.reached[7], excluded.reached[7])]
    RETURNING state, direction, numbers, party_index, agent
),
k AS (
    SELECT call_id <> $3 OR type <> $5 AS is_other FROM call_event WHERE gateway = $1 AND event_id = $2
),
c AS (
    SELECT *, false AS is_repeat, false AS is_other FROM n
    UNION ALL
    SELECT a.state, a.direction, a.numbers, a.party_index, a.agent, true, coalesce(k.is_other, false)
    FROM (SELECT) o LEFT JOIN k ON true LEFT JOIN call a ON a.gateway = $1 AND a.call_id = $3
    WHERE NOT EXISTS (SELECT FROM e) AND (k.is_other IS NOT NULL OR a.state IS NOT NULL)
),
p AS MATERIALIZED (
    SELECT c.*, a.agent AS desk,
           NOT c.is_other AND c.direction IS DISTINCT FROM 'outbound' AND c.state < 6 AND (c.state >= 2 OR a.agent IS NOT NULL)
           AND NOT EXISTS (SELECT FROM call_pop o
                           WHERE o.gateway = $1 AND o.call_id = $3 AND (a.agent IS NULL OR o.agent = a.agent)) AS pops
    FROM c LEFT JOIN account a ON a.agent = c.agent AND NOT a.is_disabled
)
SELECT p.state, p.is_repeat, p.is_other, p.pops, p.desk AS agent, p.numbers, q.name, coalesce(o.list, '[]') AS open_tickets,
       coalesce(d.list, '[]') AS recent_tickets,
       v.id AS device, v.name AS device_name, v.person AS device_person, v.region AS device_region,
       v.address AS device_address
FROM p
LEFT JOIN LATERAL (
    SELECT name FROM requester
    WHERE phone_index = p.party_index AND name IS NOT NULL AND NOT is_anonymous AND p.pops
    ORDER BY number DESC
    LIMIT 1) q ON true
LEFT JOIN LATERAL (
    SELECT json_agg(x ORDER BY x.number DESC)::text AS list
    FROM (SELECT lpad(t.number::text, 18, '0') AS number, t.state, t.kind, t.urgency, t.category, t.region, t.title,
                 t.lead_unit,
                 to_char((t.received_at AT TIME ZONE 'UTC') + make_interval(mins => $23::integer),
                         'YYYY-MM-DD"T"HH24:MI:SS') || $24::text AS received_at
          FROM requester s JOIN ticket t USING (number)
          WHERE s.phone_index = p.party_index AND t.state = ANY ($25::text[]) AND p.pops
          ORDER BY s.number DESC
          LIMIT 20) x) o ON true
LEFT JOIN LATERAL (
    SELECT json_agg(x ORDER BY x.number DESC)::text AS list
    FROM (SELECT lpad(t.number::text, 18, '0') AS number, t.state, t.kind, t.urgency, t.category, t.region, t.title,
                 t.lead_unit,
                 to_char((t.received_at AT TIME ZONE 'UTC') + make_interval(mins => $23),
                         'YYYY-MM-DD"T"HH24:MI:SS') || $24 AS received_at
          FROM requester s JOIN ticket t USING (number)
          WHERE s.phone_index = p.party_index AND t.state <> ALL ($25) AND p.pops
          ORDER BY s.number DESC
          LIMIT 10) x) d ON true
LEFT JOIN LATERAL (
    SELECT id, name, person, region, address FROM device
    WHERE phone_index = p.party_index AND NOT is_retired AND p.pops
    ORDER BY id
    LIMIT 1) v ON true
