/*
 * report_bulletin.c - GET /v1/reports/bulletin: a month of the city as CSV or as a page to print.
 *
 * The statements of the other reports, asked as one group: they see one snapshot of the database
 * (pg_pool_config.is_snapshot), so all figures of a bulletin agree with each other, and with the
 * other reports asked for the same period.
 */
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/report_read.h"
#include "daemon/reports.h"
#include "proto/bulletin.h"
#include "sql_catalogue.h"

#define MONTH_LENGTH 7 /* YYYY-MM */
#define MONTH_DAYS_MAX 31
#define MONTH_FIRST_YEAR 1971 /* all of it within the instants we know */

enum statement { TIERS, COUNTS, SET, MEASURES, STATEMENT_COUNT };
enum counts_column { DIMENSION, KEY, NAME, FIRST_FIGURE };

enum format { FORMAT_HTML, FORMAT_CSV, FORMAT_COUNT };
static const struct word format_words[FORMAT_COUNT] = {
    [FORMAT_HTML] = {"html", "网页", "page"},
    [FORMAT_CSV] = {"csv", "表格", "table"},
};

struct bulletin_job {
    struct bulletin bulletin;
    struct bulletin_rows units; /* their figures, by key */
    struct report_filter filter;
    enum format format;
    int32_t first_day, end_day; /* local days of the month that have begun */
};

/* ---- rows ---------------------------------------------------------------------------------------
 */

static void name_words(struct bulletin_rows *rows, const struct word *words, size_t count)
{
    for (size_t i = 0; i < rows->count; i++) {
        int index = word_find(words, count, rows->list[i].key);
        if (index >= 0)
            rows->list[i].name = words[index].zh;
    }
}

static int by_size(const void *a, const void *b)
{
    const struct bulletin_row *x = a, *y = b;

    for (int i = 0; i < FIGURE_COUNT; i++)
        if (x->figure[i] != y->figure[i])
            return x->figure[i] > y->figure[i] ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void sort_rows(struct bulletin_rows *rows)
{
    if (rows->count) /* without rows there is no list, and qsort() wants one */
        qsort(rows->list, rows->count, sizeof(*rows->list), by_size);
}

/* Nothing received and nothing closed: only in hand, which these tables do not show. */
static void drop_idle(struct bulletin_rows *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++)
        if (rows->list[i].figure[FIGURE_RECEIVED] || rows->list[i].figure[FIGURE_CLOSED])
            rows->list[kept++] = rows->list[i];
    rows->count = kept;
}

/* Every day that has begun, also those on which nothing happened. */
static void fill_days(struct request *r, struct bulletin_job *job)
{
    struct bulletin_rows *days = &job->bulletin.days;
    struct bulletin_row *all = arena_alloc(r->arena, sizeof(*all) * MONTH_DAYS_MAX);
    size_t next = 0, count = 0;

    for (int32_t day = job->first_day; day < job->end_day; day++) {
        char *key = arena_alloc(r->arena, CIVIL_DATE_SIZE);

        civil_format_date(day, key);
        while (next < days->count && strcmp(days->list[next].key, key) < 0)
            next++;
        if (next < days->count && strcmp(days->list[next].key, key) == 0)
            all[count] = days->list[next];
        all[count].key = all[count].name = key;
        count++;
    }
    *days = (struct bulletin_rows){all, count};
}

static void take_counts(struct request *r, struct bulletin_job *job, const struct pg_result *res)
{
    struct bulletin *b = &job->bulletin;
    const struct {
        const char *dimension;
        struct bulletin_rows *rows;
    } tables[] = {
        {"unit", &job->units}, {"category", &b->categories},
        {"kind", &b->kinds},   {"channel", &b->channels},
        {"day", &b->days},
    };
    size_t room = (size_t)pg_result_rows(res) + 1;
    struct bulletin_row *list = arena_alloc(r->arena, sizeof(*list) * room);

    /* Rows of a dimension stand together. */
    for (int i = 0; i < pg_result_rows(res); i++) {
        struct bulletin_row *row = &list[i];

        row->key = arena_strdup(r->arena, pg_result_text(res, i, KEY));
        row->name = pg_result_text(res, i, NAME)[0]
                        ? arena_strdup(r->arena, pg_result_text(res, i, NAME))
                        : row->key;
        for (int f = 0; f < FIGURE_COUNT; f++)
            row->figure[f] = pg_result_int(res, i, FIRST_FIGURE + f);
        for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
            if (strcmp(tables[t].dimension, pg_result_text(res, i, DIMENSION)) != 0)
                continue;
            if (tables[t].rows->count++ == 0)
                tables[t].rows->list = row;
        }
    }
    fill_days(r, job);
    name_words(&b->kinds, kind_words, KIND_COUNT);
    name_words(&b->channels, channel_words, CHANNEL_COUNT);
    for (size_t t = 1; t <= 3; t++) { /* category, kind, channel */
        drop_idle(tables[t].rows);
        sort_rows(tables[t].rows);
    }
}

/* ---- units: figures and measures of the same key, both by key -----------------------------------
 */

static void add_unit(struct bulletin *b, const struct bulletin_row *row,
                     const struct measures_row *measures)
{
    struct bulletin_unit *unit = &b->units[b->unit_count++];

    if (row)
        unit->row = *row;
    if (measures) {
        memcpy(unit->measure, measures->measure, sizeof(unit->measure));
        unit->row.key = measures->key;
        unit->row.name = measures->name;
    }
    if (!unit->row.key[0])
        unit->row.name = report_dimension_words[BY_UNIT].zh;
}

static void merge_units(struct request *r, struct bulletin_job *job,
                        const struct measures_row *rows, size_t count)
{
    const struct bulletin_rows *figures = &job->units;
    struct bulletin *b = &job->bulletin;
    size_t i = 0, k = 0;

    b->units = arena_alloc(r->arena, sizeof(*b->units) * (count + figures->count + 1));
    while (i < figures->count || k < count) {
        int order = i == figures->count ? 1
                    : k == count        ? -1
                                        : strcmp(figures->list[i].key, rows[k].key);
        add_unit(b, order <= 0 ? &figures->list[i] : NULL, order >= 0 ? &rows[k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

static void rank_units(struct request *r, struct bulletin *b)
{
    size_t first = b->unit_count && !b->units[0].row.key[0]; /* the desk is not compared */
    size_t count = b->unit_count - first;
    struct score_row *scores = arena_alloc(r->arena, sizeof(*scores) * (count + 1));
    size_t *order = arena_alloc(r->arena, sizeof(*order) * (count + 1));

    for (size_t i = 0; i < count; i++)
        score_rate(b->set, b->units[first + i].measure, &scores[i]);
    score_rank(scores, order, count);
    for (size_t i = 0; i < count; i++) {
        b->units[first + i].score = scores[i];
        order[i] += first;
    }
    b->order = order;
    b->ranked = count;
}

static void take_measures(struct request *r, struct bulletin_job *job, const struct pg_result *res)
{
    struct measures_row *rows =
        arena_alloc(r->arena, sizeof(*rows) * ((size_t)pg_result_rows(res) + 1));
    size_t count = 0;

    for (int i = 0; i < pg_result_rows(res); i++) {
        bool is_total;
        struct measures_row row = report_measures_row(r->arena, res, i, BY_UNIT, &is_total);
        if (is_total)
            memcpy(job->bulletin.total, row.measure, sizeof(row.measure));
        else
            rows[count++] = row;
    }
    merge_units(r, job, rows, count);
}

/* ---- the request --------------------------------------------------------------------------------
 */

static void reply_bulletin(struct request *r, struct bulletin_job *job)
{
    static const struct {
        void (*write)(struct sbuf *out, const struct bulletin *b);
        const char *type;
    } formats[FORMAT_COUNT] = {
        [FORMAT_HTML] = {bulletin_write_html, "text/html; charset=utf-8"},
        [FORMAT_CSV] = {bulletin_write_csv, "text/csv; charset=utf-8; header=present"},
    };
    struct sbuf out;

    sbuf_init(&out, BULLETIN_MAX_BYTES);
    formats[job->format].write(&out, &job->bulletin);
    if (out.overflow) {
        sbuf_free(&out);
        request_problem(r, PROBLEM_UNAVAILABLE, "月报过大 / the bulletin is too large");
        return;
    }
    http_reply_header(r->http, "X-Content-Type-Options", "nosniff");
    http_reply_header(r->http, "Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    if (job->format == FORMAT_CSV)
        http_reply_header(r->http, "Content-Disposition",
                          arena_printf(r->arena, "attachment; filename=\"12345-%s-%s.csv\"",
                                       city_code(r->d->city), job->bulletin.month));
    request_reply_content(r, formats[job->format].type, &out);
}

static void on_bulletin(struct request *r, const struct pg_result *res)
{
    struct bulletin_job *job = r->state;
    struct bulletin *b = &job->bulletin;

    report_tiers_take(&b->tiers, pg_result_at(res, TIERS));
    take_counts(r, job, pg_result_at(res, COUNTS));
    b->set = report_score_set(r->arena, pg_result_at(res, SET), 0);
    take_measures(r, job, pg_result_at(res, MEASURES));
    if (b->set)
        rank_units(r, b);
    reply_bulletin(r, job);
}

/* The month in the city's time; false: not a month, or one that has not begun. */
static bool read_month(struct request *r, struct bulletin_job *job)
{
    const char *month = query_get(&r->query, "month");
    int offset_min = city_offset_min(r->d->city);
    struct report_filter *f = &job->filter;
    int32_t first;

    if (!month || strlen(month) != MONTH_LENGTH ||
        !civil_parse_date(arena_printf(r->arena, "%s-01", month), MONTH_LENGTH + 3, &first)) {
        faults_add(&r->faults, "month", month ? "format" : "required");
        return false;
    }
    struct civil_date date = civil_date_from_day(first);
    struct civil_date next = {date.year + date.month / 12, date.month % 12 + 1, 1};
    int64_t from_us = civil_day_start_us(first, offset_min);
    if (date.year < MONTH_FIRST_YEAR || !civil_date_valid(next) || from_us > r->now_us) {
        faults_add(&r->faults, "month", "range");
        return false;
    }
    job->first_day = first;
    job->end_day = civil_day_from_date(next);
    f->from_us = from_us;
    f->to_us = civil_day_start_us(job->end_day, offset_min);
    f->basis = (struct report_basis){
        .from_us = f->from_us, .to_us = f->to_us, .as_of_us = r->now_us, .offset_min = offset_min};
    job->bulletin.month = month;
    job->bulletin.is_provisional = f->to_us > r->now_us;
    if (job->bulletin.is_provisional) { /* up to and including now */
        f->to_us = r->now_us + 1;
        job->end_day = civil_local_day(r->now_us, offset_min) + 1;
    }
    return true;
}

static void submit(struct request *r, struct bulletin_job *job)
{
    const struct measures_question all_units = {.by = BY_UNIT, .most = REPORT_ALL_ROWS};
    struct pg_params tiers, counts, set, measures;

    pg_params_init(&tiers, r->arena);
    report_edges_params(&tiers, &job->filter);
    report_filter_params(&tiers, &job->filter);
    pg_params_init(&counts, r->arena);
    report_edges_params(&counts, &job->filter);
    pg_param_int(&counts, job->filter.basis.offset_min);
    pg_params_init(&set, r->arena);
    report_score_params(&set, &job->filter);
    report_measures_params(r, &measures, &job->filter, &all_units);
    const struct pg_call calls[STATEMENT_COUNT] = {
        [TIERS] = {&SQL_REPORT_TIERS, &tiers},
        [COUNTS] = {&SQL_REPORT_COUNTS, &counts},
        [SET] = {&SQL_SCORE_SET_AT, &set},
        [MEASURES] = {&SQL_REPORT_MEASURES, &measures},
    };
    request_submit_group(r, r->d->report_pool, calls, STATEMENT_COUNT, REPORT_LONG_TIMEOUT_US,
                         on_bulletin);
}

void report_bulletin_get(struct request *r)
{
    struct bulletin_job *job = arena_alloc(r->arena, sizeof(*job));
    struct bulletin *b = &job->bulletin;

    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    int format = request_query_word(r, "format", format_words, FORMAT_COUNT);
    (void)read_month(r, job);
    if (!request_query_ok(r))
        return;
    job->format = format < 0 ? FORMAT_HTML : (enum format)format;
    b->basis = job->filter.basis;
    b->city = arena_strdup(r->arena, city_name(r->d->city));
    b->satisfied_from = (int)r->d->settings.satisfied_from;
    report_tiers_show(&b->tiers, r->d->city);
    r->state = job;
    submit(r, job);
}
