-- name: verify_page
-- in: after bigint, most integer
-- out: number, kind, urgency, region, policy, sla_set, calendar_set, event_count, event_hash, events, clocks
-- Tickets by number with their whole history and their clocks, to be recomputed. `clocks` are rows as in ticket_load.
SELECT t.number, t.kind, t.urgency, t.region, t.policy, t.sla_set, t.calendar_set, t.event_count,
       encode(t.event_hash, 'hex') AS event_hash,
       (SELECT json_agg(json_build_array(
                   e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor, e.role, e.assignment, e.unit,
                   e.detail_text, e.text, encode(e.hash, 'hex'))
               ORDER BY e.seq)
        FROM ticket_event e WHERE e.number = t.number) AS events,
       (SELECT json_agg(json_build_array(
                   c.ordinal, c.assignment, c.clock, c.round, c.state, c.stop, c.unit, c.is_pausable,
                   c.is_provisional,
                   (extract(epoch FROM c.started_at) * 1000000)::bigint,
                   (extract(epoch FROM c.due_at) * 1000000)::bigint,
                   (extract(epoch FROM c.warn_at) * 1000000)::bigint,
                   (extract(epoch FROM c.warned_at) * 1000000)::bigint,
                   (extract(epoch FROM c.breached_at) * 1000000)::bigint,
                   (extract(epoch FROM c.met_at) * 1000000)::bigint,
                   c.paused_us, c.amount, c.warn_percent, c.sla_set, c.calendar_set,
                   (extract(epoch FROM c.original_due_at) * 1000000)::bigint,
                   (extract(epoch FROM c.paused_at) * 1000000)::bigint, c.step,
                   (extract(epoch FROM c.step_at) * 1000000)::bigint, c.adjustments)
               ORDER BY c.ordinal)
        FROM ticket_clock c WHERE c.number = t.number) AS clocks
FROM ticket t
WHERE t.number > $1::bigint
ORDER BY t.number
LIMIT $2::integer
