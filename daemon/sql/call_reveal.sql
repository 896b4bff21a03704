-- name: call_reveal
-- in: gateway text, call_id text, at timestamptz, account text, address text, reason text
-- out: numbers
-- The numbers of a call, sealed, and the line in the audit that says who wanted them why: both or neither.
WITH c AS MATERIALIZED (SELECT numbers FROM call WHERE gateway = $1::text AND call_id = $2::text),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3::timestamptz, $4::text, $5::text, 'call.reveal',
           jsonb_build_object('gateway', $1, 'call_id', $2, 'reason', $6::text)
    FROM c
)
SELECT numbers FROM c
