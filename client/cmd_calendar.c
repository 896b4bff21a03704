/*
 * cmd_calendar.c - hotline calendar import|preview|status: the yearly notice of holidays becomes a
 * draft, what it would move, and how far the deadlines have followed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "client/api.h"
#include "client/commands.h"
#include "client/csv_file.h"
#include "client/view.h"
#include "proto/city_json.h"

/* ---- the notice --------------------------------------------------------------------------------
 */

enum notice_column { DATE, KIND, NAME, HOURS, NOTICE_COLUMNS };
static const char *const column_names[NOTICE_COLUMNS] = {"date", "kind", "name", "hours"};

struct notice_day {
    int32_t day;
    const char *date, *kind, *name, *hours; /* name and hours may be "" */
    struct csv_place place;
};

struct notice {
    struct arena *arena;
    struct csv_errors errors;
    const char *path;
    int year;
    bool is_forced;
    struct notice_day *days;
    size_t count;
};

static void fault(struct notice *n, struct csv_place place, const char *what)
{
    csv_errors_add(&n->errors, n->path, place, "%s", what);
}

static bool read_header(struct notice *n, const struct csv_row *header,
                        int column_of[CSV_FILE_MAX_CELLS])
{
    bool seen[NOTICE_COLUMNS] = {false};
    size_t before = n->errors.count;

    for (size_t i = 0; i < header->count; i++) {
        column_of[i] = -1;
        for (int k = 0; k < NOTICE_COLUMNS; k++) {
            if (strcmp(header->cells[i].text, column_names[k]) == 0) {
                column_of[i] = k;
                seen[k] = true;
            }
        }
        if (column_of[i] < 0)
            fault(n, header->cells[i].place,
                  "列名须为 date,kind,name,hours / columns are date,kind,name,hours");
    }
    if (!seen[DATE] || !seen[KIND])
        fault(n, header->cells[0].place, "缺少 date 或 kind 列 / column date or kind is missing");
    return n->errors.count == before;
}

static void check_day(struct notice *n, const struct notice_day *d)
{
    bool is_half = strcmp(d->kind, "half") == 0, is_work = strcmp(d->kind, "work") == 0;

    if (!is_half && !is_work && strcmp(d->kind, "off") != 0)
        fault(n, d->place, "kind 须为 off、work 或 half / kind is off, work or half");
    if (is_half != (d->hours[0] != '\0'))
        fault(n, d->place,
              is_half ? "half 须写明 hours / half needs hours"
                      : "只有 half 可写 hours / only half has hours");
    if (civil_date_from_day(d->day).year != n->year)
        fault(n, d->place, "日期不在该年 / the date is not in the year");
    if (is_work && civil_weekday(d->day) < 5 && !n->is_forced)
        fault(n, d->place,
              "调休上班日不是周末，确认请加 --force / a worked day that is no weekend, --force if "
              "it is meant");
    for (size_t i = 0; i < n->count; i++) {
        if (n->days[i].day == d->day)
            fault(n, d->place, "日期重复 / the date stands there twice");
    }
}

static void read_row(struct notice *n, const struct csv_row *row, const int *column_of,
                     size_t columns)
{
    const char *cells[NOTICE_COLUMNS] = {"", "", "", ""};
    struct notice_day *d = &n->days[n->count];

    if (row->count != columns) {
        fault(n, row->cells[0].place, "列数与表头不同 / not as many cells as the header has");
        return;
    }
    for (size_t i = 0; i < row->count; i++)
        cells[column_of[i]] = row->cells[i].text;
    *d = (struct notice_day){0,           cells[DATE],  cells[KIND],
                             cells[NAME], cells[HOURS], row->cells[0].place};
    if (!civil_parse_date(d->date, strlen(d->date), &d->day)) {
        fault(n, d->place, "日期须为 YYYY-MM-DD / dates are YYYY-MM-DD");
        return;
    }
    check_day(n, d);
    n->count++;
}

static bool read_notice(struct notice *n)
{
    int column_of[CSV_FILE_MAX_CELLS];
    struct csv_file file;

    if (!csv_file_read(n->path, n->arena, &file, &n->errors))
        return false;
    if (!read_header(n, &file.rows[0], column_of))
        return false;
    n->days = arena_alloc(n->arena, file.row_count * sizeof(*n->days));
    for (size_t i = 1; i < file.row_count; i++)
        read_row(n, &file.rows[i], column_of, file.rows[0].count);
    if (n->count == 0)
        fault(n, (struct csv_place){1, 1}, "没有日期 / no dates");
    return n->errors.count == 0;
}

/* ---- merging -----------------------------------------------------------------------------------
 */

static const struct notice_day *find_day(const struct notice *n, const char *date)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->days[i].date, date) == 0)
            return &n->days[i];
    }
    return NULL;
}

static void put_hours(struct json_writer *w, const char *hours)
{
    jw_array(w, "open");
    while (*hours != '\0') {
        size_t len = strcspn(hours, ";");
        jw_string_n(w, NULL, hours, len);
        hours += len + (hours[len] == ';');
    }
    jw_array_end(w);
}

static void put_day(struct json_writer *w, const struct notice_day *d)
{
    bool is_half = strcmp(d->kind, "half") == 0;

    jw_object(w, NULL);
    jw_string(w, "date", d->date);
    jw_string(w, "kind", is_half ? "custom" : d->kind);
    if (d->name[0] != '\0')
        jw_string(w, "name", d->name);
    if (is_half)
        put_hours(w, d->hours);
    jw_object_end(w);
}

static void put_raw(struct json_writer *w, const char *key, const struct json_value *v)
{
    struct sbuf text;

    sbuf_init(&text, CLIENT_MAX_FILE_BYTES);
    json_write_value(&text, v);
    jw_raw(w, key, text.data, text.len);
    sbuf_free(&text);
}

/* The days of the notice take the place of those of the same date. */
static void put_days(struct json_writer *w, const struct notice *n, const struct json_value *days)
{
    jw_array(w, "days");
    for (size_t i = 0; i < json_array_length(days); i++) {
        const char *date = json_string(json_get(json_at(days, i), "date"), NULL);
        if (find_day(n, date) == NULL)
            put_raw(w, NULL, json_at(days, i));
    }
    for (size_t i = 0; i < n->count; i++)
        put_day(w, &n->days[i]);
    jw_array_end(w);
}

static void put_years(struct json_writer *w, const struct notice *n, const struct json_value *years)
{
    bool is_put = false;

    jw_array(w, "published_years");
    for (size_t i = 0; i < json_array_length(years); i++) {
        int64_t year = json_int(json_at(years, i));
        if (!is_put && year > n->year)
            jw_int(w, NULL, n->year);
        is_put = is_put || year >= n->year;
        jw_int(w, NULL, year);
    }
    if (!is_put)
        jw_int(w, NULL, n->year);
    jw_array_end(w);
}

struct merging {
    struct json_writer *w;
};

static void put_member(void *ctx, const char *key, const struct json_value *v)
{
    const struct merging *m = ctx;

    if (strcmp(key, "days") != 0 && strcmp(key, "published_years") != 0)
        put_raw(m->w, key, v);
}

/* Which of the calendars: the one that was named, else the one of the whole city. */
static bool is_meant(const struct json_value *calendar, const char *wanted)
{
    const char *name = json_string(json_get(calendar, "name"), NULL);
    const char *region = json_string(json_get(calendar, "region"), NULL);

    return wanted != NULL ? strcmp(name, wanted) == 0 : region == NULL || region[0] == '\0';
}

/* false: there is no such calendar. */
static bool put_draft(struct sbuf *body, const struct notice *n, const struct json_value *active,
                      const char *wanted, const char *name)
{
    const struct json_value *calendars = json_get(active, "calendars");
    struct json_writer w;
    struct merging merging = {&w};
    bool is_found = false;

    jw_init(&w, body);
    jw_object(&w, NULL);
    jw_string(&w, "name", name);
    jw_array(&w, "calendars");
    for (size_t i = 0; i < json_array_length(calendars); i++) {
        const struct json_value *calendar = json_at(calendars, i);
        if (is_found || !is_meant(calendar, wanted)) {
            put_raw(&w, NULL, calendar);
            continue;
        }
        is_found = true;
        jw_object(&w, NULL);
        json_each(calendar, put_member, &merging);
        put_years(&w, n, json_get(calendar, "published_years"));
        put_days(&w, n, json_get(calendar, "days"));
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    return is_found;
}

/* ---- import ------------------------------------------------------------------------------------
 */

static const char *scalar(const struct client *client, const struct json_value *v, const char *key)
{
    return view_scalar(client, json_get(v, key));
}

static void view_drafted(const struct client *client, const struct json_value *answer)
{
    client_say(client, T_DRAFTED, scalar(client, answer, "draft"),
               scalar(client, answer, "warning_count"));
    client_say(client, T_CALENDAR_NEXT, scalar(client, answer, "draft"), NULL);
}

static enum exit_code send_draft(struct client *client, const struct args *args,
                                 const struct sbuf *body)
{
    struct api_answer answer;
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = "POST",
                                                         .path = "/v1/admin/calendars/drafts",
                                                         .who = client_who(client, args),
                                                         .body = body->data,
                                                         .body_len = body->len},
                                   &answer);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_drafted(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code import_notice(struct client *client, const struct args *args,
                                    const struct notice *n)
{
    const char *name = args_get(args, "name");
    struct api_answer answer;
    struct sbuf body;
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = "GET",
                                                         .path = "/v1/admin/calendars/active",
                                                         .who = client_who(client, args),
                                                         .is_large = true},
                                   &answer);
    if (code != EXIT_DONE)
        return code;
    sbuf_init(&body, CLIENT_MAX_FILE_BYTES);
    if (put_draft(&body, n, json_get(api_root(&answer), "body"), args_get(args, "calendar"),
                  name != NULL ? name : arena_printf(n->arena, "%d", n->year))) {
        code = send_draft(client, args, &body);
    } else {
        client_complain(client, T_ERR_NO_CALENDAR, args_get(args, "calendar"), NULL);
        code = EXIT_USAGE;
    }
    sbuf_free(&body);
    api_answer_free(&answer);
    return code;
}

static enum exit_code run_import(struct client *client, const struct args *args)
{
    struct sbuf errors;
    struct notice n = {
        .arena = arena_new(),
        .errors = {.text = &errors},
        .path = args->operands[0],
        .year = (int)args_int(args, "year", 0),
        .is_forced = args_get(args, "force") != NULL,
    };
    enum exit_code code = EXIT_USAGE;

    sbuf_init(&errors, 0);
    if (read_notice(&n)) {
        code = import_notice(client, args, &n);
    } else {
        csv_errors_end(&n.errors);
        client_complain(client, T_ERR_CSV, n.path, NULL);
        fprintf(client->err, "%s", errors.data);
    }
    sbuf_free(&errors);
    arena_free(&n.arena);
    return code;
}

/* ---- preview and status ------------------------------------------------------------------------
 */

static enum exit_code call(struct client *client, const struct args *args, const char *method,
                           const char *path, const struct sbuf *body,
                           void (*view)(const struct client *client,
                                        const struct json_value *answer))
{
    struct api_answer answer;
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = method,
                                                         .path = path,
                                                         .who = client_who(client, args),
                                                         .body = body ? body->data : NULL,
                                                         .body_len = body ? body->len : 0,
                                                         .is_large = true},
                                   &answer);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static void view_preview(const struct client *client, const struct json_value *answer)
{
    static const struct {
        const char *key;
        enum text_id label;
    } rows[] = {
        {"open_tickets", T_LABEL_OPEN_TICKETS},
        {"tickets_changed", T_LABEL_MOVED_TICKETS},
        {"clocks", T_LABEL_LIVE_CLOCKS},
        {"changed", T_LABEL_MOVED_CLOCKS},
        {"earlier", T_LABEL_EARLIER},
        {"later", T_LABEL_LATER},
        {"provisional_resolved", T_LABEL_PROVISIONAL_RESOLVED},
    };
    static const struct view_column by_clock[] = {
        {T_COL_CLOCK, "clock", VIEW_CLOCK, 0},
        {T_COL_CLOCKS, "clocks", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_MOVED, "changed", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_EARLIER, "earlier", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_LATER, "later", VIEW_AS_IS, TABLE_RIGHT},
    };
    static const struct view_column by_unit[] = {
        {T_COL_UNIT, "unit", VIEW_AS_IS, 0},
        {T_COL_NAME, "name", VIEW_AS_IS, TABLE_SHRINKS},
        {T_COL_MOVED, "changed", VIEW_AS_IS, TABLE_RIGHT},
    };
    static const struct view_column samples[] = {
        {T_COL_NUMBER, "number", VIEW_AS_IS, 0},
        {T_COL_CLOCK, "clock", VIEW_CLOCK, 0},
        {T_COL_DUE_BEFORE, "due_before", VIEW_TIME, 0},
        {T_COL_DUE_AFTER, "due_after", VIEW_TIME, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        view_line(client, rows[i].label, scalar(client, answer, rows[i].key));
    view_table(client, json_get(answer, "by_clock"), by_clock, ARRAY_LEN(by_clock));
    view_table(client, json_get(answer, "by_unit"), by_unit, ARRAY_LEN(by_unit));
    view_table(client, json_get(answer, "samples"), samples, ARRAY_LEN(samples));
}

static enum exit_code run_preview(struct client *client, const struct args *args)
{
    struct json_writer w;
    struct sbuf path, body;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/admin/calendars/drafts/");
    path_segment(&path, args->operands[0]);
    sbuf_adds(&path, "/preview");
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    enum exit_code code = call(client, args, "POST", path.data, &body, view_preview);
    sbuf_free(&body);
    sbuf_free(&path);
    return code;
}

static void view_status(const struct client *client, const struct json_value *answer)
{
    view_line(client, T_LABEL_VERSION, scalar(client, answer, "calendar_version"));
    view_line(client, T_LABEL_STATE, scalar(client, answer, "state"));
    view_line(client, T_LABEL_OPEN_TICKETS, scalar(client, answer, "tickets"));
    view_line(client, T_LABEL_MOVED_TICKETS, scalar(client, answer, "moved"));
}

static enum exit_code run_status(struct client *client, const struct args *args)
{
    return call(client, args, "GET", "/v1/admin/calendars/recompute", NULL, view_status);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static const struct option import_options[] = {
    {.name = "year",
     .kind = OPTION_INT,
     .flags = OPTION_REQUIRED,
     .hint = "YEAR",
     .help = T_OPT_YEAR,
     .min = 1970,
     .max = 2199},
    {.name = "calendar", .kind = OPTION_TEXT, .hint = "NAME", .help = T_OPT_CALENDAR},
    {.name = "name", .kind = OPTION_TEXT, .hint = "NAME", .help = T_OPT_DRAFT_NAME},
    {.name = "force", .kind = OPTION_FLAG, .help = T_OPT_FORCE_WORK},
};
static const struct option preview_options[] = {
    {.name = "samples",
     .field = "samples",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_MOVED_SAMPLES,
     .max = 1000},
};

#define OPTIONS(list) .options = (list), .option_count = ARRAY_LEN(list)

const struct command calendar_commands[] = {
    {.path = "calendar import",
     .operands = "FILE",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_CALENDAR_IMPORT,
     .as = "admin",
     OPTIONS(import_options),
     .run = run_import},
    {.path = "calendar preview",
     .operands = "DRAFT",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_CALENDAR_PREVIEW,
     .as = "admin",
     OPTIONS(preview_options),
     .run = run_preview},
    {.path = "calendar status",
     .operands = "",
     .summary = T_CMD_CALENDAR_STATUS,
     .as = "admin",
     .run = run_status},
};
const size_t calendar_command_count = ARRAY_LEN(calendar_commands);
