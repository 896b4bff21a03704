-- name: tick_tickets
-- in: numbers bigint[]
-- out: number, version, kind, urgency, region, is_overdue, was_late, lead_unit, policy, sla_set, event_count, event_hash,
--      last_at
-- What a ticket itself tells the passing of time, by number. The first of three statements that are read together with
-- tick_clocks and tick_assignments: a version read before the rest makes a change planned on a mixture come to nothing.
SELECT t.number, t.version, t.kind, t.urgency, t.region, t.is_overdue, t.was_late, t.lead_unit, t.policy, t.sla_set,
       t.event_count, t.event_hash, e.at AS last_at
FROM ticket t
LEFT JOIN ticket_event e ON e.number = t.number AND e.seq = t.event_count
WHERE t.number = ANY ($1::bigint[])
ORDER BY t.number
