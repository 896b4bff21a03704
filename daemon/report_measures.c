/*
 * report_measures.c - GET /v1/reports/measures: rates by unit, place, matter, kind, channel or
 * time.
 */
#include "daemon/report_read.h"
#include "daemon/reports.h"
#include "proto/report_json.h"
#include "sql_catalogue.h"

#define MEASURES_ROWS_DEFAULT 1000
#define MEASURES_ROWS_MAX 5000
/* In front of the key in a cursor: the key of the desk is empty, a cursor never is. */
#define CURSOR_MARK "="

/* Columns of report_measures.sql: these, then numerator and denominator in the order of the enum.
 */
enum column { IS_TOTAL, KEY, NAME, FIRST_MEASURE };

const struct word report_dimension_words[BY_COUNT] = {
    [BY_UNIT] = {"unit", "热线中心", "the desk"},
    [BY_REGION] = {"region", "地点不详", "place not known"},
    [BY_CATEGORY] = {"category", "未分类", "no category"},
    [BY_KIND] = {"kind", "", ""},
    [BY_CHANNEL] = {"channel", "", ""},
    [BY_DAY] = {"day", "", ""},
    [BY_MONTH] = {"month", "", ""},
    [BY_TOTAL] = {"total", "", ""},
};

struct measures_job {
    struct measures_report report;
    struct measures_question question;
};

/* ---- shared with other reports ----------------------------------------------------------------
 */

static const char *row_name(enum report_dimension by, const char *key, const char *name)
{
    static const struct {
        const struct word *words;
        size_t count;
    } vocabulary[BY_COUNT] = {
        [BY_KIND] = {kind_words, KIND_COUNT},
        [BY_CHANNEL] = {channel_words, CHANNEL_COUNT},
    };

    if (!key[0])
        return report_dimension_words[by].zh;
    if (!vocabulary[by].words)
        return name[0] ? name : key;
    int index = word_find(vocabulary[by].words, vocabulary[by].count, key);
    return index < 0 ? key : vocabulary[by].words[index].zh;
}

struct measures_row report_measures_row(struct arena *arena, const struct pg_result *res, int row,
                                        enum report_dimension by, bool *is_total_r)
{
    struct measures_row out = {.key = arena_strdup(arena, pg_result_text(res, row, KEY))};

    *is_total_r = pg_result_bool(res, row, IS_TOTAL);
    out.name = arena_strdup(arena, row_name(by, out.key, pg_result_text(res, row, NAME)));
    for (int i = 0; i < MEASURE_COUNT; i++) {
        out.measure[i].numerator = pg_result_int(res, row, FIRST_MEASURE + 2 * i);
        out.measure[i].denominator = pg_result_int(res, row, FIRST_MEASURE + 2 * i + 1);
    }
    return out;
}

void report_measures_params(const struct request *r, struct pg_params *params,
                            const struct report_filter *filter, const struct measures_question *q)
{
    pg_params_init(params, r->arena);
    pg_param_instant(params, filter->from_us);
    pg_param_instant(params, filter->to_us);
    pg_param_text(params, report_dimension_words[q->by].code);
    pg_param_text(params, q->after);
    pg_param_int(params, q->most);
    pg_param_int(params, r->d->settings.satisfied_from);
    report_filter_params(params, filter);
    pg_param_text(params, q->level);
    if (q->depth)
        pg_param_int(params, q->depth);
    else
        pg_param_null(params);
    pg_param_int(params, filter->basis.offset_min);
}

/* ---- the report -------------------------------------------------------------------------------
 */

static void on_measures(struct request *r, const struct pg_result *res)
{
    struct measures_job *job = r->state;
    struct measures_row *rows =
        arena_alloc(r->arena, sizeof(*rows) * ((size_t)pg_result_rows(res) + 1));
    size_t count = 0, most = (size_t)job->question.most - 1;
    struct sbuf out;

    for (int i = 0; i < pg_result_rows(res); i++) {
        bool is_total;
        struct measures_row row =
            report_measures_row(r->arena, res, i, job->question.by, &is_total);
        if (is_total)
            job->report.total = row;
        else if (count < most)
            rows[count++] = row;
        else /* one more than asked for: there is a next page */
            job->report.next = arena_printf(r->arena, CURSOR_MARK "%s", rows[count - 1].key);
    }
    job->report.rows = rows;
    job->report.row_count = count;
    sbuf_init(&out, 0);
    report_json_write_measures(&out, &job->report);
    request_reply(r, 200, &out);
}

/* Without ?by= it is by unit. */
static enum report_dimension read_dimension(struct request *r)
{
    int by = request_query_word(r, "by", report_dimension_words, BY_COUNT);

    return by < 0 ? BY_UNIT : (enum report_dimension)by;
}

/* The key behind which a page begins; NULL = the first page. */
static const char *read_place(struct request *r)
{
    const char *after = query_get(&r->query, "after");

    if (!after || after[0] == CURSOR_MARK[0])
        return after ? after + 1 : NULL;
    faults_add(&r->faults, "after", "format");
    return NULL;
}

/* Rows by place may be those of a level, rows by matter those of a depth. */
static void read_roll_up(struct request *r, struct measures_question *q)
{
    int level = request_query_word(r, "level", tier_words + 1, TIER_COUNT - 1); /* not the desk */

    q->level = level < 0 ? NULL : tier_words[level + 1].code;
    q->depth = (int)request_query_int(r, "depth", 0, 1, CITY_MAX_DEPTH);
    if (q->level && q->by != BY_REGION)
        faults_add(&r->faults, "level", "not_allowed");
    if (q->depth && q->by != BY_CATEGORY)
        faults_add(&r->faults, "depth", "not_allowed");
}

void report_measures_get(struct request *r)
{
    struct measures_job *job = arena_alloc(r->arena, sizeof(*job));
    struct measures_question *q = &job->question;
    struct report_filter filter;
    struct pg_params params;

    q->by = read_dimension(r);
    read_roll_up(r, q);
    q->most = request_query_int(r, "limit", MEASURES_ROWS_DEFAULT, 1, MEASURES_ROWS_MAX) + 1;
    q->after = read_place(r);
    if (!report_filter_read(r, &filter))
        return;
    job->report.basis = filter.basis;
    job->report.by = report_dimension_words[q->by].code;
    job->report.level = q->level;
    job->report.depth = q->depth;
    job->report.satisfied_from = (int)r->d->settings.satisfied_from;
    r->state = job;
    report_measures_params(r, &params, &filter, q);
    request_submit(r, r->d->report_pool, &SQL_REPORT_MEASURES, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_measures);
}
