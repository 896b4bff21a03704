/*
 * report_measures.c - GET /v1/reports/measures: rates by unit, place, matter, kind or channel.
 */
#include "daemon/report_filter.h"
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

enum dimension { BY_UNIT, BY_REGION, BY_CATEGORY, BY_KIND, BY_CHANNEL, BY_COUNT };
static const struct word dimension_words[BY_COUNT] = {
    [BY_UNIT] = {"unit", "热线中心", "the desk"}, /* texts: of the row without a key */
    [BY_REGION] = {"region", "地点不详", "place not known"},
    [BY_CATEGORY] = {"category", "未分类", "no category"},
    [BY_KIND] = {"kind", "", ""},
    [BY_CHANNEL] = {"channel", "", ""},
};

struct measures_job {
    struct measures_report report;
    enum dimension by;
    int64_t most;
};

static const char *row_name(const struct measures_job *job, const char *key, const char *name)
{
    static const struct {
        const struct word *words;
        size_t count;
    } vocabulary[BY_COUNT] = {
        [BY_KIND] = {kind_words, KIND_COUNT},
        [BY_CHANNEL] = {channel_words, CHANNEL_COUNT},
    };

    if (!key[0])
        return dimension_words[job->by].zh;
    if (!vocabulary[job->by].words)
        return name[0] ? name : key;
    int index = word_find(vocabulary[job->by].words, vocabulary[job->by].count, key);
    return index < 0 ? key : vocabulary[job->by].words[index].zh;
}

static struct measures_row read_row(const struct measures_job *job, struct arena *arena,
                                    const struct pg_result *res, int row)
{
    struct measures_row out = {.key = arena_strdup(arena, pg_result_text(res, row, KEY))};

    out.name = arena_strdup(arena, row_name(job, out.key, pg_result_text(res, row, NAME)));
    for (int i = 0; i < MEASURE_COUNT; i++) {
        out.measure[i].numerator = pg_result_int(res, row, FIRST_MEASURE + 2 * i);
        out.measure[i].denominator = pg_result_int(res, row, FIRST_MEASURE + 2 * i + 1);
    }
    return out;
}

static void on_measures(struct request *r, const struct pg_result *res)
{
    struct measures_job *job = r->state;
    struct measures_row *rows =
        arena_alloc(r->arena, sizeof(*rows) * ((size_t)pg_result_rows(res) + 1));
    size_t count = 0;
    struct sbuf out;

    for (int i = 0; i < pg_result_rows(res); i++) {
        struct measures_row row = read_row(job, r->arena, res, i);
        if (pg_result_bool(res, i, IS_TOTAL))
            job->report.total = row;
        else if (count < (size_t)job->most)
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
static enum dimension read_dimension(struct request *r)
{
    int by = request_query_word(r, "by", dimension_words, BY_COUNT);

    return by < 0 ? BY_UNIT : (enum dimension)by;
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

void report_measures_get(struct request *r)
{
    struct measures_job *job = arena_alloc(r->arena, sizeof(*job));
    struct report_filter filter;
    struct pg_params params;

    job->by = read_dimension(r);
    job->most = request_query_int(r, "limit", MEASURES_ROWS_DEFAULT, 1, MEASURES_ROWS_MAX);
    const char *after = read_place(r);
    if (!report_filter_read(r, &filter))
        return;
    job->report.basis = filter.basis;
    job->report.by = dimension_words[job->by].code;
    job->report.satisfied_from = (int)r->d->settings.satisfied_from;
    r->state = job;
    pg_params_init(&params, r->arena);
    pg_param_instant(&params, filter.from_us);
    pg_param_instant(&params, filter.to_us);
    pg_param_text(&params, job->report.by);
    pg_param_text(&params, after);
    pg_param_int(&params, job->most + 1);
    pg_param_int(&params, r->d->settings.satisfied_from);
    report_filter_params(&params, &filter);
    request_submit(r, r->d->report_pool, &SQL_REPORT_MEASURES, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_measures);
}
