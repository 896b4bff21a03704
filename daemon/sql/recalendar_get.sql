-- name: recalendar_get
-- out: calendar_set, is_done, tickets, moved, started_us, ended_us
-- Which calendar the open deadlines follow from. No row = no calendar yet.
SELECT calendar_set, is_done, tickets, moved, (extract(epoch FROM started_at) * 1000000)::bigint AS started_us,
       (extract(epoch FROM ended_at) * 1000000)::bigint AS ended_us
FROM recalendar
