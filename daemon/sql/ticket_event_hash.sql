-- name: ticket_event_hash
-- in: number bigint, seq integer
-- out: hash
-- Was a change of unknown outcome stored? Its last event tells, also when others have been added since.
SELECT hash FROM ticket_event WHERE number = $1::bigint AND seq = $2::integer
