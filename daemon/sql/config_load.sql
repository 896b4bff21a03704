-- name: config_load
-- in: now timestamptz
-- out: config, rule_set, sla_set, calendar_set, bundle, at_us, is_stored
-- The configuration in force at an instant as one city bundle, the same document that an import brings; no row = no city
-- yet. A second row if a change is planned: the next one, with its instant at_us. is_stored: another daemon, whose clock is
-- ahead, put it in force already; otherwise it is what is planned, on top of the newest configuration `config`.
WITH current AS (
    SELECT version, rule_set, sla_set, calendar_set
    FROM config_version
    WHERE NOT (is_scheduled AND activated_at > $1::timestamptz)
    ORDER BY version DESC
    LIMIT 1
),
newest AS (
    SELECT version, rule_set, sla_set, calendar_set FROM config_version ORDER BY version DESC LIMIT 1
),
ahead AS (
    SELECT c.version, c.rule_set, c.sla_set, c.calendar_set, c.activated_at AS at
    FROM config_version c JOIN current ON c.version > current.version
    WHERE c.is_scheduled AND c.activated_at > $1
),
planned AS (
    SELECT min(at) AS at FROM activation WHERE state = 'scheduled'
),
next AS (
    SELECT version, rule_set, sla_set, calendar_set, at, true AS is_stored FROM ahead
    UNION ALL
    SELECT n.version, coalesce(r.version, n.rule_set), coalesce(s.version, n.sla_set),
           coalesce(c.version, n.calendar_set), p.at, false
    FROM newest n JOIN planned p ON p.at IS NOT NULL
    LEFT JOIN activation r ON r.state = 'scheduled' AND r.at = p.at AND r.part = 'rules'
    LEFT JOIN activation s ON s.state = 'scheduled' AND s.at = p.at AND s.part = 'policies'
    LEFT JOIN activation c ON c.state = 'scheduled' AND c.at = p.at AND c.part = 'calendars'
    ORDER BY at, version
    LIMIT 1
),
v AS (
    SELECT version, rule_set, sla_set, calendar_set, NULL::timestamptz AS at, true AS is_stored FROM current
    UNION ALL
    SELECT * FROM next
)
SELECT v.version AS config, v.rule_set, v.sla_set, v.calendar_set,
       jsonb_build_object(
           'city', (SELECT jsonb_build_object('code', code, 'name', name, 'utc_offset_minutes', utc_offset_minutes,
                                              'tiers', tiers) FROM city),
           'regions', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'level', level,
                                                                    'parent', parent)
                                                 || CASE aliases WHEN '{}' THEN '{}'
                                                    ELSE jsonb_build_object('aliases', aliases) END
                                                 ORDER BY position, code)
                                FROM region WHERE NOT is_retired), '[]'),
           'units', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'tier', tier,
                                                                  'kind', kind, 'parent', parent, 'duties', duties,
                                                                  'regions', regions) ORDER BY position, code)
                              FROM unit WHERE NOT is_retired), '[]'),
           'categories', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'parent', parent)
                                                    ORDER BY position, code)
                                   FROM category WHERE NOT is_retired), '[]'),
           'rule_set', config_part('rules', v.rule_set), 'sla_set', config_part('policies', v.sla_set),
           'calendars', config_part('calendars', v.calendar_set) -> 'calendars',
           'devices', coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name, 'region', region,
                                                                    'address', address) ORDER BY id)
                                FROM device WHERE NOT is_retired AND is_bundled), '[]'))::text AS bundle,
       (extract(epoch FROM v.at) * 1000000)::bigint AS at_us, v.is_stored
FROM v
ORDER BY v.at NULLS FIRST
