#include <stddef.h>

#include "unit/daemon/reports_story.h"

/* Functions that keep the rows below short. */
static const char helpers[] =
    "CREATE FUNCTION t(day text) RETURNS timestamptz LANGUAGE sql AS"
    " $$SELECT CASE WHEN day = '' THEN NULL ELSE ('2026-' || day || ':00+08')::timestamptz END$$;"
    "CREATE FUNCTION ticket(n bigint, state text, unit text, place text, matter text, k text,"
    "    ch text, received text, sent text, closed text, closed_tier text, closed_unit text,"
    "    on_time boolean, round int) RETURNS void LANGUAGE sql AS $$"
    "INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, region, "
    "title,"
    "    text, received_at, received_by, round, lead_unit, rule_set, route_reason, sla_set,"
    "    calendar_set, policy, dispatched_at, closed_at, closed_tier, closed_unit, closed_on_time,"
    "    event_count, event_hash) VALUES (n, 'q', state, ch, k, 'normal', matter,"
    "    nullif(place, ''), 'title', 'text', t(received), 'desk', round, nullif(unit, ''), 1, "
    "'rule',"
    "    1, 1, 'default', t(sent), t(closed), nullif(closed_tier, ''), nullif(closed_unit, ''),"
    "    on_time, 2, decode(repeat('00', 32), 'hex'))$$;"
    "CREATE FUNCTION assigned(n bigint, o int, unit text, role text, round int, state text,"
    "    created text, signed text) RETURNS void LANGUAGE sql AS $$"
    "INSERT INTO assignment (number, ordinal, unit, role, round, state, created_at, signed_at)"
    " VALUES (n, o, unit, role, round, state, t(created), t(signed))$$;"
    "CREATE FUNCTION clock(n bigint, o int, a int, c text, round int, state text, started text,"
    "    due text, breached text, met text) RETURNS void LANGUAGE sql AS $$"
    "INSERT INTO ticket_clock (number, ordinal, assignment, clock, round, state, stop, unit,"
    "    is_pausable, is_provisional, started_at, due_at, warn_at, breached_at, met_at) VALUES"
    " (n, o, a, c, round, state, 'reported', 'working_days', true, false, t(started), t(due),"
    "  t(due), t(breached), t(met))$$;"
    "CREATE FUNCTION event(n bigint, s int, type text, at text, detail text) RETURNS void"
    " LANGUAGE sql AS $$INSERT INTO ticket_event (number, seq, type, at, actor, role, detail,"
    "    detail_text, hash) VALUES (n, s, type, t(at), 'desk', 'desk', detail::jsonb, detail, "
    "'')$$;"
    "CREATE FUNCTION called(n bigint, s int, round int, at text, reached boolean, solved boolean,"
    "    satisfied int) RETURNS void LANGUAGE sql AS $$INSERT INTO callback (number, seq, round, "
    "at,"
    "    account, reached, solved, satisfied) VALUES (n, s, round, t(at), 'desk', reached, solved,"
    "    satisfied)$$;"
    "CREATE FUNCTION differ(n bigint, day text, u text, tier text, received int, desk int,"
    "    dispatched int, open int, closed int, on_time int, overdue int) RETURNS void LANGUAGE sql"
    " AS $$INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received,"
    "    desk, dispatched, open, closed, on_time, overdue) SELECT t(day), n, u, tier,"
    "    coalesce(region, ''), category, kind, channel, received, desk, dispatched, open, closed,"
    "    on_time, overdue FROM ticket WHERE number = n$$;";

static const char tickets[] =
    "SELECT ticket(1, 'closed', 'JW', '320281001001', 'A1', 'help', 'phone', '03-02 09:00',"
    "              '03-02 09:00', '03-05 10:00', 'village', 'JW', true, 1);"
    "SELECT ticket(2, 'closed', 'CG', '320281001000', 'A', 'complaint', 'wechat', '03-02 10:00',"
    "              '03-02 10:00', '03-20 10:00', 'town', 'CG', false, 2);"
    "SELECT ticket(3, 'handling', 'JW', '320281001001', 'B', 'help', 'phone', '03-03 09:00',"
    "              '03-03 09:00', '', '', '', NULL, 1);"
    "SELECT ticket(4, 'closed', 'CG', '', 'A', 'consult', 'phone', '03-04 09:00', '',"
    "              '03-04 09:05', 'desk', '', true, 1);"
    "SELECT ticket(5, 'withdrawn', 'CG', '320281002000', 'B', 'help', 'web', '03-05 09:00',"
    "              '03-05 09:00', '', '', '', NULL, 1);"
    "SELECT ticket(6, 'callback', 'CG', '320281001000', 'A1', 'report', 'phone', '03-25 09:00',"
    "              '03-25 09:00', '', '', '', NULL, 1);"
    "SELECT ticket(7, 'handling', 'JW', '320281001001', 'B', 'complaint', 'phone', '03-10 09:00',"
    "              '03-11 09:00', '', '', '', NULL, 1);";

static const char assignments[] =
    "SELECT assigned(1, 1, 'JW', 'lead', 1, 'passed', '03-02 09:00', '03-02 10:00');"
    "SELECT assigned(2, 1, 'CG', 'lead', 1, 'passed', '03-02 10:00', '03-03 16:00');"
    "SELECT assigned(2, 2, 'CG', 'lead', 2, 'passed', '03-16 10:00', '03-16 11:00');"
    "SELECT assigned(3, 1, 'JW', 'lead', 1, 'unsigned', '03-03 09:00', '');"
    "SELECT assigned(4, 1, 'CG', 'lead', 1, 'recalled', '03-04 09:00', '');"
    "SELECT assigned(5, 1, 'CG', 'lead', 1, 'recalled', '03-05 09:00', '');"
    "SELECT assigned(6, 1, 'CG', 'lead', 1, 'passed', '03-25 09:00', '03-25 10:00');"
    "SELECT assigned(6, 2, 'ZJ', 'co', 1, 'passed', '03-25 09:00', '03-25 10:30');"
    "SELECT assigned(7, 1, 'CG', 'lead', 1, 'returned', '03-10 09:00', '03-10 10:00');"
    "SELECT assigned(7, 2, 'JW', 'lead', 1, 'working', '03-11 09:00', '03-11 10:00');";

static const char clocks[] =
    "SELECT clock(1, 1, 0, 'resolve', 1, 'met', '03-02 09:00', '03-09 17:30', '', '03-05 09:00');"
    "SELECT clock(1, 2, 1, 'sign', 1, 'met', '03-02 09:00', '03-02 14:30', '', '03-02 10:00');"
    "SELECT clock(1, 3, 1, 'first_contact', 1, 'met', '03-02 09:00', '03-03 17:30', '',"
    "             '03-03 17:30');"
    "SELECT clock(2, 1, 0, 'resolve', 1, 'met', '03-02 10:00', '03-09 17:30', '03-09 17:30',"
    "             '03-15 10:00');"
    "SELECT clock(2, 2, 1, 'sign', 1, 'met', '03-02 10:00', '03-02 15:30', '03-02 15:30',"
    "             '03-03 16:00');"
    "SELECT clock(2, 3, 1, 'first_contact', 1, 'stopped', '03-02 10:00', '03-03 17:30',"
    "             '03-03 17:30', '');"
    "SELECT clock(2, 4, 0, 'resolve', 2, 'met', '03-16 10:00', '03-19 17:30', '', '03-18 10:00');"
    "SELECT clock(2, 5, 2, 'sign', 2, 'met', '03-16 10:00', '03-16 15:30', '', '03-16 11:00');"
    "SELECT clock(3, 1, 0, 'resolve', 1, 'running', '03-03 09:00', '03-10 17:30', '03-10 17:30',"
    "             '');"
    "SELECT clock(3, 2, 1, 'sign', 1, 'running', '03-03 09:00', '03-03 14:30', '03-03 14:30', '');"
    "SELECT clock(3, 3, 1, 'first_contact', 1, 'running', '03-03 09:00', '03-04 17:30',"
    "             '03-04 17:30', '');"
    "SELECT clock(4, 1, 0, 'resolve', 1, 'met', '03-04 09:00', '03-06 17:30', '', '03-04 09:05');"
    "SELECT clock(4, 2, 1, 'sign', 1, 'stopped', '03-04 09:00', '03-04 14:30', '', '');"
    "SELECT clock(5, 1, 0, 'resolve', 1, 'stopped', '03-05 09:00', '03-12 17:30', '', '');"
    "SELECT clock(5, 2, 1, 'sign', 1, 'stopped', '03-05 09:00', '03-05 14:30', '', '');"
    "SELECT clock(6, 1, 0, 'resolve', 1, 'met', '03-25 09:00', '04-16 17:30', '', '03-28 09:00');"
    "SELECT clock(6, 2, 1, 'sign', 1, 'met', '03-25 09:00', '03-25 14:30', '', '03-25 10:00');"
    "SELECT clock(6, 3, 1, 'first_contact', 1, 'met', '03-25 09:00', '03-26 17:30',"
    "             '03-26 17:30', '03-27 09:00');"
    "SELECT clock(6, 4, 2, 'sign', 1, 'met', '03-25 09:00', '03-25 14:30', '', '03-25 10:30');"
    "SELECT clock(6, 5, 2, 'first_contact', 1, 'met', '03-25 09:00', '03-26 17:30', '',"
    "             '03-26 09:00');"
    "SELECT clock(7, 1, 0, 'resolve', 1, 'running', '03-10 09:00', '03-31 23:59', '', '');"
    "SELECT clock(7, 2, 2, 'sign', 1, 'met', '03-11 09:00', '03-11 14:30', '', '03-11 10:00');";

static const char callbacks[] = "SELECT called(1, 9, 1, '03-05 10:00', true, true, 5);"
                                "SELECT called(2, 9, 1, '03-16 10:00', true, false, 1);"
                                "SELECT called(2, 20, 2, '03-19 09:00', false, NULL, NULL);"
                                "SELECT called(2, 21, 2, '03-20 10:00', true, true, 4);"
                                "SELECT called(6, 9, 1, '03-29 10:00', false, NULL, NULL);";

static const char events[] =
    "SELECT event(n, 1, 'ticket.received', '03-02 09:00', '{}') FROM generate_series(1, 7) AS n;"
    "SELECT event(number, 2, 'ticket.dispatched', '03-02 09:00',"
    "             json_build_object('lead_unit', unit)::text) FROM assignment WHERE ordinal = 1;"
    "SELECT event(1, 3, 'ticket.closed', '03-05 10:00', '{\"tier\":\"village\",\"on_time\":true}');"
    "SELECT event(2, 3, 'ticket.closed', '03-20 10:00', '{\"tier\":\"town\",\"on_time\":false}');"
    "SELECT event(4, 3, 'ticket.closed', '03-04 09:05', '{\"tier\":\"desk\",\"on_time\":true}');";

/* number, when, unit, tier, received, desk, dispatched, open, closed, on time, overdue */
static const char differences[] =
    "SELECT differ(1, '03-02 09:00', 'JW', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(1, '03-05 10:00', 'JW', '', 0, 0, 0, -1, 0, 0, 0);"
    "SELECT differ(1, '03-05 10:00', 'JW', 'village', 0, 0, 0, 0, 1, 1, 0);"
    "SELECT differ(2, '03-02 10:00', 'CG', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(2, '03-09 17:30', 'CG', '', 0, 0, 0, 0, 0, 0, 1);"
    "SELECT differ(2, '03-20 10:00', 'CG', '', 0, 0, 0, -1, 0, 0, -1);"
    "SELECT differ(2, '03-20 10:00', 'CG', 'town', 0, 0, 0, 0, 1, 0, 0);"
    "SELECT differ(3, '03-03 09:00', 'JW', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(3, '03-10 17:30', 'JW', '', 0, 0, 0, 0, 0, 0, 1);"
    "SELECT differ(4, '03-04 09:00', 'CG', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(4, '03-04 09:05', 'CG', '', 0, 0, -1, -1, 0, 0, 0);"
    "SELECT differ(4, '03-04 09:05', '', 'desk', 0, 1, 0, 0, 1, 1, 0);"
    "SELECT differ(5, '03-05 09:00', 'CG', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(5, '03-06 09:00', 'CG', '', 0, 0, 0, -1, 0, 0, 0);"
    "SELECT differ(6, '03-25 09:00', 'CG', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(7, '03-10 09:00', 'CG', '', 1, 0, 1, 1, 0, 0, 0);"
    "SELECT differ(7, '03-11 09:00', 'CG', '', 0, 0, -1, -1, 0, 0, 0);"
    "SELECT differ(7, '03-11 09:00', 'JW', '', 0, 0, 1, 1, 0, 0, 0);";

void story_tell(const struct reports *reports)
{
    const char *const chapters[] = {helpers,   tickets, assignments, clocks,
                                    callbacks, events,  differences};

    for (size_t i = 0; i < ARRAY_LEN(chapters); i++)
        reports_sql(reports, chapters[i]);
}
