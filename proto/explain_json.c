/*
 * explain_json.c - explanations for programs (numbers) and for people (one sentence a line).
 */
#include "proto/explain_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "proto/ticket_json.h"

/* ---- in ----------------------------------------------------------------------------------------
 */

static const char *const kind_names[] = {"consult",    "help",   "complaint", "report",
                                         "suggestion", "praise", NULL};
static const char *const urgency_names[] = {"normal", "urgent", "critical", NULL};
static const char *const channel_names[] = {"phone", "wechat",  "web",      "device",
                                            "grid",  "open311", "upstream", NULL};

#define CASE(member) offsetof(struct explain_case, member)
static const struct field case_fields[] = {
    {.name = "draft",
     .type = FIELD_INT,
     .offset = CASE(draft),
     .min = 1,
     .max = INT64_C(999999999999999999)},
    {.name = "category",
     .type = FIELD_STRING,
     .offset = CASE(category),
     .min = 1,
     .max = TICKET_CODE_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "region",
     .type = FIELD_STRING,
     .offset = CASE(region),
     .min = 1,
     .max = TICKET_CODE_MAX},
    {.name = "address", .type = FIELD_STRING, .offset = CASE(address), .max = TICKET_ADDRESS_MAX},
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = CASE(kind),
     .flags = FIELD_REQUIRED,
     .names = kind_names},
    {.name = "channel",
     .type = FIELD_ENUM,
     .offset = CASE(channel),
     .flags = FIELD_REQUIRED,
     .names = channel_names},
    {.name = "urgency", .type = FIELD_ENUM, .offset = CASE(urgency), .names = urgency_names},
    {.name = "title", .type = FIELD_STRING, .offset = CASE(title), .max = TICKET_TITLE_MAX},
    {.name = "text",
     .type = FIELD_STRING,
     .offset = CASE(text),
     .max = TICKET_TEXT_MAX,
     .flags = FIELD_MULTILINE},
};

bool explain_json_decode(const struct json_value *body, struct arena *arena,
                         struct explain_case *case_r, struct faults *faults)
{
    memset(case_r, 0, sizeof(*case_r));
    return json_decode(body, case_fields, ARRAY_LEN(case_fields), case_r, arena, faults);
}

/* ---- rules -------------------------------------------------------------------------------------
 */

struct rule_writer {
    struct json_writer *w;
    const struct city *city;
    int64_t count;
};

static void write_rule(void *ctx, int rule, enum route_verdict verdict, const char *lost_by)
{
    struct rule_writer *rw = ctx;

    if (rw->count++ >= EXPLAIN_MAX_RULES)
        return;
    jw_object(rw->w, NULL);
    jw_string(rw->w, "rule", city_rule(rw->city, rule)->code);
    jw_string(rw->w, "verdict", route_verdict_words[verdict].code);
    jw_string(rw->w, "lost_by", lost_by);
    jw_string(rw->w, "zh", route_verdict_words[verdict].zh);
    jw_string(rw->w, "en", route_verdict_words[verdict].en);
    jw_object_end(rw->w);
}

void explain_json_write_rules(struct json_writer *w, const struct city *city,
                              const struct route_matter *matter)
{
    struct rule_writer rw = {w, city, 0};

    jw_array(w, "rules");
    route_explain(city, matter, write_rule, &rw);
    jw_array_end(w);
    jw_int(w, "rules_left_off", rw.count > EXPLAIN_MAX_RULES ? rw.count - EXPLAIN_MAX_RULES : 0);
}

/* ---- deadlines ---------------------------------------------------------------------------------
 */

static const char *const weekday_zh[] = {"周一", "周二", "周三", "周四", "周五", "周六", "周日"};
static const char *const weekday_en[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const line_words[] = {
    [CALENDAR_LINE_START] = "start",
    [CALENDAR_LINE_COUNTED] = "counted",
    [CALENDAR_LINE_OFF] = "off",
    [CALENDAR_LINE_FOLDED] = "folded",
};

/* Days are counted as days; the units of time as minutes, in numbers as in words. */
static bool is_in_days(enum limit_unit unit)
{
    return unit == LIMIT_WORKING_DAYS || unit == LIMIT_CALENDAR_DAYS;
}

struct line_writer {
    struct json_writer *w;
    enum limit_unit unit;
};

static int64_t line_counted(const struct line_writer *lw, const struct calendar_line *line)
{
    return is_in_days(lw->unit) ? line->counted : line->counted_us / US_PER_MINUTE;
}

static int64_t line_total(const struct line_writer *lw, const struct calendar_line *line)
{
    return is_in_days(lw->unit) ? line->total : line->total / US_PER_MINUTE;
}

/* What the day adds; the part after the colon. */
static void add_verdict(const struct line_writer *lw, const struct calendar_line *line,
                        struct sbuf *zh, struct sbuf *en)
{
    const struct word *unit = &limit_unit_words[lw->unit];
    int64_t counted = line_counted(lw, line);

    if (line->kind == CALENDAR_LINE_FOLDED) {
        sbuf_addf(zh, "共 %" PRId64 " %s", counted, unit->zh);
        sbuf_addf(en, "%" PRId64 " %s in all", counted, unit->en);
    } else if (line->kind == CALENDAR_LINE_START && is_in_days(lw->unit)) {
        sbuf_adds(zh, "起算当日, 不计入");
        sbuf_adds(en, "the day of the start does not count");
    } else if (counted == 0) {
        sbuf_adds(zh, "不计入");
        sbuf_adds(en, "does not count");
    } else if (is_in_days(lw->unit)) {
        sbuf_addf(zh, "第 %" PRId64 " 个%s", counted, unit->zh);
        sbuf_addf(en, "day %" PRId64 " (%s)", counted, unit->en);
    } else {
        sbuf_addf(zh, "计 %" PRId64 " %s", counted, unit->zh);
        sbuf_addf(en, "%" PRId64 " %s", counted, unit->en);
    }
}

static void add_day(const struct calendar_line *line, struct sbuf *zh, struct sbuf *en)
{
    char from[CIVIL_DATE_SIZE], to[CIVIL_DATE_SIZE];
    int weekday = civil_weekday(line->day);

    civil_format_date(line->day, from);
    civil_format_date(line->day_to, to);
    if (line->day != line->day_to) {
        sbuf_addf(zh, "%s 至 %s: ", from, to);
        sbuf_addf(en, "%s to %s: ", from, to);
        return;
    }
    sbuf_addf(zh, "%s %s", from, weekday_zh[weekday]);
    sbuf_addf(en, "%s %s", from, weekday_en[weekday]);
    if (line->name)
        sbuf_addf(zh, " (%s%s)", line->name, line->is_makeup ? ", 调休上班" : "");
    else if (line->is_makeup)
        sbuf_adds(zh, " (调休上班)");
    if (line->is_makeup)
        sbuf_adds(en, " (make-up working day)");
    else if (line->name)
        sbuf_addf(en, " (%s)", line->name);
    sbuf_adds(zh, ": ");
    sbuf_adds(en, ": ");
}

static void write_line(void *ctx, const struct calendar_line *line)
{
    const struct line_writer *lw = ctx;
    char from[CIVIL_DATE_SIZE], to[CIVIL_DATE_SIZE];
    struct sbuf zh, en;

    sbuf_init(&zh, 0);
    sbuf_init(&en, 0);
    add_day(line, &zh, &en);
    add_verdict(lw, line, &zh, &en);
    civil_format_date(line->day, from);
    civil_format_date(line->day_to, to);
    jw_object(lw->w, NULL);
    jw_string(lw->w, "day", from);
    jw_string(lw->w, "day_to", to);
    jw_string(lw->w, "kind", line_words[line->kind]);
    jw_string(lw->w, "name", line->name);
    jw_int(lw->w, "counted", line_counted(lw, line));
    jw_int(lw->w, "total", line_total(lw, line));
    jw_string(lw->w, "zh", zh.data);
    jw_string(lw->w, "en", en.data);
    jw_object_end(lw->w);
    sbuf_free(&zh);
    sbuf_free(&en);
}

/* A stored clock runs by its own limit, whatever the policy says today. NULL: not known. */
static const struct limit *limit_of(const struct explain_clock *clock)
{
    if (clock->stored)
        return clock->stored->limit.amount ? &clock->stored->limit : NULL;
    return clock->rule ? &clock->rule->limit : NULL;
}

static void write_limit(struct json_writer *w, const struct explain_clock *clock)
{
    const struct limit *limit = limit_of(clock);

    jw_string(w, "start", clock->rule ? sla_event_words[clock->rule->start].code : NULL);
    if (!limit) {
        jw_null(w, "limit");
        jw_null(w, "unit");
        return;
    }
    jw_int(w, "limit", limit->amount);
    jw_string(w, "unit", limit_unit_words[limit->unit].code);
}

static void write_lines(struct json_writer *w, const struct explain_clock *clock,
                        const struct calendar *calendar)
{
    const struct limit *limit = limit_of(clock);

    jw_array(w, "lines");
    if (limit && (!clock->stored || explain_json_is_by_calendar(clock->stored, calendar))) {
        struct line_writer lw = {w, limit->unit};
        calendar_explain(calendar, clock->started_us, *limit, EXPLAIN_MAX_LINES, write_line, &lw);
    }
    jw_array_end(w);
}

void explain_json_write_clock(struct json_writer *w, const struct explain_clock *clock,
                              const struct calendar *calendar)
{
    int offset = calendar_offset_min(calendar);

    jw_object(w, NULL);
    jw_string(w, "clock", clock_words[clock->clock].code);
    if (clock->unit)
        jw_string(w, "assignment_unit", clock->unit);
    if (clock->round)
        jw_int(w, "round", clock->round);
    write_limit(w, clock);
    jw_instant(w, "started_at", clock->started_us, offset);
    jw_instant(w, "due_at", clock->due_us, offset);
    jw_instant(w, "warn_at", clock->warn_us, offset);
    jw_bool(w, "provisional", clock->provisional);
    if (clock->paused_us)
        jw_int(w, "paused_seconds", clock->paused_us / US_PER_SECOND);
    write_lines(w, clock, calendar);
    if (clock->stored)
        explain_json_write_history(w, clock, calendar);
    jw_object_end(w);
}
