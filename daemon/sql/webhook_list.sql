-- name: webhook_list
-- in: unit text
-- out: id, unit, url, events, is_disabled, reason, failures, retry_us, created_us, created_by, pending, dead, last_status,
--      last_error
-- Webhooks, a few for each unit; counts stop at 10,000. The last attempt is that of the youngest delivery that had one.
SELECT w.id, w.unit, w.url, array_to_json(w.events)::text AS events, w.is_disabled, w.reason, w.failures,
       (extract(epoch FROM w.retry_at) * 1000000)::bigint AS retry_us,
       (extract(epoch FROM w.created_at) * 1000000)::bigint AS created_us, w.created_by,
       (SELECT count(*) FROM (SELECT FROM webhook_delivery d
                              WHERE d.webhook = w.id AND d.state = 'pending' LIMIT 10000) x) AS pending,
       (SELECT count(*) FROM (SELECT FROM webhook_delivery d
                              WHERE d.webhook = w.id AND d.state = 'dead' LIMIT 10000) x) AS dead,
       l.last_status, l.last_error
FROM webhook w
LEFT JOIN LATERAL (SELECT d.last_status, d.last_error
                   FROM (SELECT last_status, last_error, attempts, created_at FROM webhook_delivery
                         WHERE webhook = w.id ORDER BY created_at DESC LIMIT 100) d
                   WHERE d.attempts > 0 AND (d.last_status IS NOT NULL OR d.last_error IS NOT NULL)
                   ORDER BY d.created_at DESC LIMIT 1) l ON true
WHERE $1::text IS NULL OR w.unit = $1
ORDER BY w.id
LIMIT 1000
