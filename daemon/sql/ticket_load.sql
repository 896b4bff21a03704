-- name: ticket_load
-- in: numbers bigint[], into bigint
-- out: number, version, state, kind, urgency, channel, category, region, round, is_problem, is_overdue, was_late,
--      callback_attempts, lead_unit, policy, received_us, dispatched_us, deepest_tier, event_count, event_hash,
--      last_actor, last_us, query_code, address, title, text, call_id, external_number, is_confidential, rule_set, rule,
--      route_reason, sla_set, calendar_set, closed_us, closed_tier, closed_unit, closed_on_time, public_reply, ground, referred_to,
--      name, phone, is_anonymous, transfers, merged_into, master_state, is_master, assignments, clocks, call
-- All that a use case has to know of tickets, in one round trip. Instants are microseconds. The master is the one that the
-- ticket is merged into, or the one that a merge names (`into`).
SELECT t.number, t.version, t.state, t.kind, t.urgency, t.channel, t.category, t.region, t.round, t.is_problem,
       t.is_overdue, t.was_late, t.callback_attempts, t.lead_unit, t.policy,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us,
       (extract(epoch FROM t.dispatched_at) * 1000000)::bigint AS dispatched_us,
       t.deepest_tier, t.event_count, t.event_hash,
       e.actor AS last_actor, (extract(epoch FROM e.at) * 1000000)::bigint AS last_us,
       t.query_code, t.address, t.title, t.text, t.call_id, t.external_number, t.is_confidential, t.rule_set, t.rule,
       t.route_reason, t.sla_set, t.calendar_set, (extract(epoch FROM t.closed_at) * 1000000)::bigint AS closed_us,
       t.closed_tier, t.closed_unit, t.closed_on_time, t.public_reply, t.ground, t.referred_to,
       r.name, r.phone, coalesce(r.is_anonymous, false) AS is_anonymous,
       t.transfers, t.merged_into, m.state AS master_state,
       EXISTS (SELECT FROM ticket k WHERE k.merged_into = t.number) AS is_master,
       (SELECT json_agg(json_build_array(
                   a.ordinal, a.unit, a.role, a.round, a.state,
                   (extract(epoch FROM a.created_at) * 1000000)::bigint,
                   (extract(epoch FROM a.signed_at) * 1000000)::bigint,
                   (extract(epoch FROM a.contacted_at) * 1000000)::bigint,
                   (extract(epoch FROM a.reported_at) * 1000000)::bigint,
                   (extract(epoch FROM a.ended_at) * 1000000)::bigint,
                   a.signed_by, a.solved, a.internal, a.public_reply,
                   encode(q.lease, 'hex'), (extract(epoch FROM q.lease_until) * 1000000)::bigint, q.leased_by,
                   q.deliveries, a.parent, a.request, a.request_detail, a.extensions,
                   (extract(epoch FROM a.suspended_until) * 1000000)::bigint)
               ORDER BY a.ordinal)
        FROM assignment a LEFT JOIN queue_item q USING (number, ordinal)
        WHERE a.number = t.number) AS assignments,
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
        FROM ticket_clock c WHERE c.number = t.number) AS clocks,
       (SELECT json_build_object(
                   'gateway_id', k.gateway,
                   'state', ('{offered,queued,ringing,answered,held,transferred,ended}'::text[])[k.state + 1],
                   'agent_id', k.agent, 'queue', k.queue,
                   'recordings', coalesce((SELECT json_agg(json_build_object('ref', x.ref, 'url', x.url, 'sha256', x.sha256,
                                                                             'duration_ms', x.duration_ms) ORDER BY x.ref)
                                           FROM call_recording x WHERE x.gateway = k.gateway AND x.call_id = k.call_id),
                                          '[]'))
        FROM call k WHERE k.call_id = t.call_id ORDER BY k.started_at DESC LIMIT 1)::text AS call
FROM ticket t
LEFT JOIN requester r USING (number)
LEFT JOIN ticket m ON m.number = coalesce(t.merged_into, $2::bigint)
LEFT JOIN ticket_event e ON e.number = t.number AND e.seq = t.event_count
WHERE t.number = ANY ($1::bigint[])
