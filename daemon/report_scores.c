/*
 * report_scores.c - GET /v1/reports/scores: units or places by the score set that was in force.
 */
#include "base/log.h"
#include "daemon/report_read.h"
#include "daemon/reports.h"
#include "proto/score_json.h"
#include "sql_catalogue.h"

#define SCORES_ROWS_DEFAULT 1000
#define SCORES_ROWS_MAX 5000

/* ---- shared with the bulletin -----------------------------------------------------------------
 */

enum set_column { VERSION, NAME, VALID_FROM, SCALES };

void report_score_params(struct pg_params *params, const struct report_filter *filter)
{
    int64_t last_us = filter->to_us > filter->from_us ? filter->to_us - 1 : filter->to_us;

    pg_param_instant(params, last_us);
}

const struct score_set *report_score_set(struct arena *arena, const struct pg_result *res, int row)
{
    struct score_set *set = arena_alloc(arena, sizeof(*set));
    struct faults faults;

    if (row >= pg_result_rows(res))
        return NULL;
    faults_init(&faults, arena);
    struct json_doc *doc =
        json_parse(pg_result_text(res, row, SCALES), pg_result_length(res, row, SCALES), &faults);
    INVARIANT(doc != NULL);
    bool ok = score_json_decode_scales(json_root(doc), arena, set, &faults);
    json_doc_free(&doc);
    if (!ok) /* a newer program wrote it: better no scores than other ones */
        log_limited(LOG_LEVEL_ERROR, "scores", "stored set does not decode: %s %s",
                    faults.list[0].field, faults.list[0].reason);
    set->version = pg_result_int(res, row, VERSION);
    set->name = arena_strdup(arena, pg_result_text(res, row, NAME));
    set->from_us = pg_result_int(res, row, VALID_FROM);
    return ok ? set : NULL;
}

/* ---- the report -------------------------------------------------------------------------------
 */

struct scores_job {
    struct scores_report report;
    struct measures_question question;
    int tier; /* only units of it; -1 = all */
    size_t most;
};

/* The desk, places not known and units of other tiers are not compared. */
static bool is_ranked(const struct request *r, const struct scores_job *job, const char *key)
{
    if (!key[0])
        return false;
    if (job->tier < 0)
        return true;
    int unit = city_find_unit(r->d->city, key);
    return unit >= 0 && (int)city_unit(r->d->city, unit)->tier == job->tier;
}

static void take_rows(struct request *r, struct scores_job *job, const struct pg_result *res)
{
    size_t room = (size_t)pg_result_rows(res) + 1;
    struct measures_row *rows = arena_alloc(r->arena, sizeof(*rows) * room);
    struct score_row *scores = arena_alloc(r->arena, sizeof(*scores) * room);
    size_t *order = arena_alloc(r->arena, sizeof(*order) * room);
    struct scores_report *report = &job->report;

    for (int i = 0; i < pg_result_rows(res); i++) {
        bool is_total;
        struct measures_row row =
            report_measures_row(r->arena, res, i, job->question.by, &is_total);
        if (is_total || !is_ranked(r, job, row.key))
            continue;
        rows[report->count] = row;
        score_rate(report->set, row.measure, &scores[report->count++]);
    }
    score_rank(scores, order, report->count);
    report->rows = rows;
    report->scores = scores;
    report->order = order;
    report->shown = report->count < job->most ? report->count : job->most;
}

static void on_scores(struct request *r, const struct pg_result *res)
{
    struct scores_job *job = r->state;
    struct sbuf out;

    job->report.set = report_score_set(r->arena, pg_result_at(res, 0), 0);
    if (job->report.set)
        take_rows(r, job, pg_result_at(res, 1));
    sbuf_init(&out, 0);
    score_json_write_report(&out, &job->report);
    request_reply(r, 200, &out);
}

static void read_question(struct request *r, struct scores_job *job)
{
    int by = request_query_word(r, "by", report_dimension_words, BY_REGION + 1);
    int tier = request_query_word(r, "tier", tier_words + 1, TIER_COUNT - 1); /* not the desk */
    int level = request_query_word(r, "level", tier_words + 1, TIER_COUNT - 1);

    job->question = (struct measures_question){.by = by < 0 ? BY_UNIT : (enum report_dimension)by,
                                               .most = REPORT_ALL_ROWS};
    job->question.level = level < 0 ? NULL : tier_words[level + 1].code;
    job->tier = tier < 0 ? -1 : tier + 1;
    job->report.tier = tier < 0 ? NULL : tier_words[tier + 1].code;
    if (tier >= 0 && job->question.by != BY_UNIT)
        faults_add(&r->faults, "tier", "not_allowed");
    if (level >= 0 && job->question.by != BY_REGION)
        faults_add(&r->faults, "level", "not_allowed");
    job->most = (size_t)request_query_int(r, "limit", SCORES_ROWS_DEFAULT, 1, SCORES_ROWS_MAX);
}

void report_scores_get(struct request *r)
{
    struct scores_job *job = arena_alloc(r->arena, sizeof(*job));
    struct pg_params at, measures;
    struct report_filter filter;

    read_question(r, job);
    if (!report_filter_read(r, &filter))
        return;
    job->report.basis = filter.basis;
    job->report.by = report_dimension_words[job->question.by].code;
    job->report.level = job->question.level;
    job->report.satisfied_from = (int)r->d->settings.satisfied_from;
    r->state = job;
    pg_params_init(&at, r->arena);
    report_score_params(&at, &filter);
    report_measures_params(r, &measures, &filter, &job->question);
    const struct pg_call calls[] = {{&SQL_SCORE_SET_AT, &at}, {&SQL_REPORT_MEASURES, &measures}};
    request_submit_group(r, r->d->report_pool, calls, ARRAY_LEN(calls), REPORT_LONG_TIMEOUT_US,
                         on_scores);
}
