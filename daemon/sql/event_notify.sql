-- name: event_notify
-- out: notified
-- Tells the other daemons to look; the payload says nothing, the event table is the truth.
SELECT pg_notify('hotline_event', '')::text AS notified
