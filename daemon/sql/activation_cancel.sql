-- name: activation_cancel
-- in: part text, activation bigint, now timestamptz, account text, address text
-- out: version, at_us, state, is_cancelled, told
-- Calls off what is not due yet. No row = no such plan of this part; is_cancelled false = too late, the state says why.
WITH t AS (
    SELECT id, version, at, state FROM activation WHERE id = $2::bigint AND part = $1::text FOR UPDATE
),
u AS (
    UPDATE activation SET state = 'cancelled', ended_at = $3::timestamptz
    FROM t
    WHERE activation.id = t.id AND t.state = 'scheduled' AND t.at > $3
    RETURNING activation.id
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3, $4::text, $5::text, $1 || '.cancel', jsonb_build_object('activation', id) FROM u
)
SELECT t.version, (extract(epoch FROM t.at) * 1000000)::bigint AS at_us,
       CASE WHEN u.id IS NULL THEN t.state ELSE 'cancelled' END AS state, u.id IS NOT NULL AS is_cancelled,
       CASE WHEN u.id IS NOT NULL THEN pg_notify('hotline_config', 'activation')::text END AS told
FROM t LEFT JOIN u USING (id)
