-- name: config_load
-- out: config, rule_set, sla_set, calendar_set, bundle
-- The configuration in force as one city bundle, the same document that an import brings; no row = no city yet.
SELECT v.version AS config, v.rule_set, v.sla_set, v.calendar_set,
       jsonb_build_object(
           'city', (SELECT jsonb_build_object('code', code, 'name', name, 'utc_offset_minutes', utc_offset_minutes,
                                              'tiers', tiers) FROM city),
           'regions', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'level', level,
                                                                    'parent', parent) ORDER BY position, code)
                                FROM region WHERE NOT is_retired), '[]'),
           'units', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'tier', tier,
                                                                  'kind', kind, 'parent', parent, 'duties', duties,
                                                                  'regions', regions) ORDER BY position, code)
                              FROM unit WHERE NOT is_retired), '[]'),
           'categories', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'name', name, 'parent', parent)
                                                    ORDER BY position, code)
                                   FROM category WHERE NOT is_retired), '[]'),
           'rule_set', (SELECT jsonb_build_object('name', s.name, 'rules', coalesce((
                            SELECT jsonb_agg(jsonb_build_object(
                                       'code', r.code, 'category', r.category, 'region', r.region, 'kind', r.kind,
                                       'channel', r.channel, 'urgency', r.urgency, 'keyword', r.keyword,
                                       'window', r."window", 'unit', r.unit, 'over', r."over",
                                       'co_units', r.co_units, 'set_kind', r.set_kind,
                                       'set_urgency', r.set_urgency, 'sla', r.sla) ORDER BY r.position)
                            FROM rule r WHERE r.rule_set = s.version), '[]'))
                        FROM rule_set s WHERE s.version = v.rule_set),
           'sla_set', (SELECT jsonb_build_object('name', name, 'policies', policies)
                       FROM sla_set WHERE version = v.sla_set),
           'calendars', (SELECT calendars FROM calendar_set WHERE version = v.calendar_set),
           'devices', coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name, 'region', region,
                                                                    'address', address) ORDER BY id)
                                FROM device WHERE NOT is_retired), '[]'))::text AS bundle
FROM config_version v
ORDER BY v.version DESC
LIMIT 1
