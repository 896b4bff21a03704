/*
 * report_tiers.c - GET /v1/reports/tiers: what was received, is in hand, and was closed at which
 * tier.
 */
#include "daemon/report_read.h"
#include "daemon/reports.h"
#include "proto/report_json.h"
#include "sql_catalogue.h"

enum column { TIER, RECEIVED, DESK, DISPATCHED, CLOSED, ON_TIME, IN_HAND, OVERDUE, CARRIED_OVER };

static void add_row(struct tiers_report *report, const struct pg_result *res, int row)
{
    int tier = word_find(tier_words, TIER_COUNT, pg_result_text(res, row, TIER));
    int64_t closed = pg_result_int(res, row, CLOSED);
    int64_t on_time = pg_result_int(res, row, ON_TIME);

    report->received += pg_result_int(res, row, RECEIVED);
    report->desk += pg_result_int(res, row, DESK);
    report->dispatched += pg_result_int(res, row, DISPATCHED);
    report->in_hand += pg_result_int(res, row, IN_HAND);
    report->overdue += pg_result_int(res, row, OVERDUE);
    report->carried_over += pg_result_int(res, row, CARRIED_OVER);
    report->closed += closed;
    report->on_time += on_time;
    if (tier < 0) /* '': rows that are no closings */
        return;
    report->tier[tier].closed += closed;
    report->tier[tier].on_time += on_time;
    report->tier[tier].is_shown |= closed != 0;
}

void report_tiers_take(struct tiers_report *report, const struct pg_result *res)
{
    for (int i = 0; i < pg_result_rows(res); i++)
        add_row(report, res, i);
}

void report_tiers_show(struct tiers_report *report, const struct city *city)
{
    for (int i = 0; i < TIER_COUNT; i++)
        report->tier[i].is_shown = i == TIER_DESK || city_has_tier(city, (enum tier)i);
}

void report_edges_params(struct pg_params *params, const struct report_filter *filter)
{
    report_edge_params(params, filter->from_us, filter->basis.offset_min);
    report_edge_params(params, filter->to_us, filter->basis.offset_min);
}

static void on_tiers(struct request *r, const struct pg_result *res)
{
    struct tiers_report *report = r->state;
    struct sbuf out;

    report_tiers_take(report, res);
    sbuf_init(&out, 0);
    report_json_write_tiers(&out, report);
    request_reply(r, 200, &out);
}

void report_tiers_get(struct request *r)
{
    struct tiers_report *report = arena_alloc(r->arena, sizeof(*report));
    struct report_filter filter;
    struct pg_params params;

    if (!report_filter_read(r, &filter))
        return;
    report->basis = filter.basis;
    report_tiers_show(report, r->d->city);
    r->state = report;
    pg_params_init(&params, r->arena);
    report_edges_params(&params, &filter);
    report_filter_params(&params, &filter);
    request_submit(r, r->d->report_pool, &SQL_REPORT_TIERS, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_tiers);
}
