/*
 * report_filter.c - what a report is to be about.
 */
#include "daemon/report_filter.h"

#include <string.h>

#include "base/civil.h"

static const char *read_code(struct request *r, const char *name,
                             int (*find)(const struct city *city, const char *code))
{
    const char *code = query_get(&r->query, name);

    if (code && find(r->d->city, code) < 0)
        faults_add(&r->faults, name, "not_found");
    return code;
}

static const char *read_word(struct request *r, const char *name, const struct word *words,
                             size_t count)
{
    int index = request_query_word(r, name, words, count);

    return index < 0 ? NULL : words[index].code;
}

static void read_period(struct request *r, struct report_filter *f)
{
    int offset_min = city_offset_min(r->d->city);
    int64_t today_us = civil_day_start_us(civil_local_day(r->now_us, offset_min), offset_min);
    int64_t to_us = request_query_instant(r, "to", r->now_us + 1);
    /* Of a period that ends in the past, the day of its end. */
    int64_t start_us = to_us > today_us
                           ? today_us
                           : civil_day_start_us(civil_local_day(to_us - 1, offset_min), offset_min);

    f->from_us = request_query_instant(r, "from", start_us);
    if (f->from_us <= CIVIL_MIN_US) /* 0 is "no instant" on the way to the database */
        f->from_us = CIVIL_MIN_US + 1;
    f->to_us = to_us > r->now_us ? r->now_us + 1 : to_us;
    if (f->from_us > to_us)
        faults_add(&r->faults, "from", "range");
    if (f->to_us < f->from_us) /* it has not begun yet */
        f->to_us = f->from_us;
    f->basis.from_us = f->from_us;
    f->basis.to_us = query_get(&r->query, "to") ? to_us : r->now_us;
    f->basis.as_of_us = r->now_us;
    f->basis.offset_min = offset_min;
}

/* A unit sees its own figures: asked for nothing it gets them, asked for others it is refused. */
static bool restrict_unit(const struct request *r, struct report_basis *basis)
{
    if (r->account->role != ROLE_UNIT)
        return true;
    bool is_own = !basis->unit || strcmp(basis->unit, r->account->unit) == 0;
    basis->unit = r->account->unit;
    return is_own;
}

bool report_filter_read(struct request *r, struct report_filter *f)
{
    *f = (struct report_filter){.from_us = 0};
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return false;
    }
    read_period(r, f);
    f->basis.unit = read_code(r, "unit", city_find_unit);
    f->basis.region = read_code(r, "region", city_find_region);
    f->basis.category = read_code(r, "category", city_find_category);
    f->basis.kind = read_word(r, "kind", kind_words, KIND_COUNT);
    f->basis.channel = read_word(r, "channel", channel_words, CHANNEL_COUNT);
    if (!request_query_ok(r))
        return false;
    if (restrict_unit(r, &f->basis))
        return true;
    request_problem(r, PROBLEM_FORBIDDEN,
                    "承办单位只能查看本单位的数据 / a unit sees its own figures only");
    return false;
}

void report_edge_params(struct pg_params *params, int64_t us, int offset_min)
{
    int32_t day = civil_local_day(us, offset_min);

    if (civil_day_start_us(day, offset_min) < us)
        day++;
    pg_param_instant(params, us);
    pg_param_day(params, day);
    pg_param_instant(params, civil_day_start_us(day, offset_min));
}

void report_filter_params(struct pg_params *params, const struct report_filter *filter)
{
    const struct report_basis *basis = &filter->basis;

    pg_param_text(params, basis->unit);
    pg_param_text(params, basis->region);
    pg_param_text(params, basis->category);
    pg_param_text(params, basis->kind);
    pg_param_text(params, basis->channel);
}
