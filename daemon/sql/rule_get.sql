-- name: rule_get
-- in: rule_set bigint, code text
-- out: rule
-- One rule of a stored version as it stands there; no row = there is none.
SELECT jsonb_strip_nulls(jsonb_build_object(
           'code', code, 'category', category, 'region', region, 'kind', kind, 'channel', channel, 'urgency', urgency,
           'keyword', keyword, 'window', "window", 'unit', unit, 'over', "over", 'co_units', co_units,
           'set_kind', set_kind, 'set_urgency', set_urgency, 'sla', sla))::text AS rule
FROM rule
WHERE rule_set = $1::bigint AND code = $2::text
