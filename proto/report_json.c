/*
 * report_json.c - encoders of the figures.
 */
#include "proto/report_json.h"

static void write_text(struct json_writer *w, const char *key, const char *zh, const char *en)
{
    jw_object(w, key);
    jw_string(w, "zh", zh);
    jw_string(w, "en", en);
    jw_object_end(w);
}

void report_json_begin_basis(struct json_writer *w, const struct report_basis *basis)
{
    const struct {
        const char *name, *value;
    } filters[] = {
        {"unit", basis->unit}, {"region", basis->region},   {"category", basis->category},
        {"kind", basis->kind}, {"channel", basis->channel},
    };

    jw_object(w, "basis");
    jw_instant(w, "from", basis->from_us, basis->offset_min);
    jw_instant(w, "to", basis->to_us, basis->offset_min);
    jw_instant(w, "as_of", basis->as_of_us, basis->offset_min);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        jw_string(w, filters[i].name, filters[i].value);
}

/* ---- tiers --------------------------------------------------------------------------------------
 */

static const struct word tier_definitions[] = {
    {"received", "期内受理的工单", "tickets received in the period"},
    {"desk", "期内热线中心直接答复办结的工单",
     "tickets closed by an answer on the spot in the period"},
    {"dispatched", "期内首次派出的工单，派出后未签收即由中心答复或不予受理的扣除，改派计入新单位",
     "tickets dispatched in the period, less those taken back unsigned; sent elsewhere, they count "
     "for "
     "the new unit"},
    {"in_hand", "期末在办的工单", "tickets in hand at the end of the period"},
    {"carried_over", "期初在办的工单（上期结转）", "tickets in hand at the start of the period"},
    {"overdue", "期末在办且已超过办结时限的工单",
     "tickets in hand at the end of the period that have missed a resolve deadline"},
    {"closed", "期内办结的工单，含直接答复；撤销、转出、不予受理不计",
     "tickets closed in the period, answers on the spot included; not those withdrawn, referred or "
     "rejected"},
    {"on_time", "其中从未超过办结时限的工单",
     "of these, those that never missed a resolve deadline"},
    {"tiers", "按最终审核通过的承办单位的层级归属；占比为该层级办结数除以全部办结数",
     "by the tier of the unit whose result passed the final review; share = closed there / all "
     "closed"},
};

static void write_share(struct json_writer *w, int64_t part, int64_t all)
{
    double share;

    if (measure_rate((struct measure){part, all}, &share))
        jw_double(w, "share", share);
    else
        jw_null(w, "share");
}

static void write_tier_rows(struct json_writer *w, const struct tiers_report *report)
{
    jw_array(w, "tiers");
    for (int i = 0; i < TIER_COUNT; i++) {
        const struct tier_figures *tier = &report->tier[i];

        if (!tier->is_shown)
            continue;
        jw_object(w, NULL);
        jw_string(w, "tier", tier_words[i].code);
        jw_string(w, "name", tier_words[i].zh);
        jw_int(w, "closed", tier->closed);
        write_share(w, tier->closed, report->closed);
        jw_int(w, "on_time", tier->on_time);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void report_json_write_tiers(struct sbuf *out, const struct tiers_report *report)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    report_json_begin_basis(&w, &report->basis);
    jw_object(&w, "definition");
    for (size_t i = 0; i < ARRAY_LEN(tier_definitions); i++)
        write_text(&w, tier_definitions[i].code, tier_definitions[i].zh, tier_definitions[i].en);
    jw_object_end(&w);
    jw_object_end(&w);
    jw_int(&w, "received", report->received);
    jw_int(&w, "desk", report->desk);
    jw_int(&w, "dispatched", report->dispatched);
    jw_int(&w, "in_hand", report->in_hand);
    jw_int(&w, "overdue", report->overdue);
    jw_int(&w, "carried_over", report->carried_over);
    jw_int(&w, "closed", report->closed);
    jw_int(&w, "on_time", report->on_time);
    write_tier_rows(&w, report);
    jw_object_end(&w);
}

/* ---- measures -----------------------------------------------------------------------------------
 */

void report_json_write_counts(struct json_writer *w, struct measure m)
{
    double rate;

    jw_int(w, "numerator", m.numerator);
    jw_int(w, "denominator", m.denominator);
    if (measure_rate(m, &rate))
        jw_double(w, "rate", rate);
    else
        jw_null(w, "rate"); /* none due */
}

static void write_measure(struct json_writer *w, const char *key, struct measure m)
{
    jw_object(w, key);
    report_json_write_counts(w, m);
    jw_object_end(w);
}

void report_json_write_definition(struct json_writer *w, enum measure_kind measure)
{
    jw_object(w, measure_words[measure].code);
    jw_string(w, "name", measure_words[measure].zh);
    jw_string(w, "zh", measure_definitions[measure].zh);
    jw_string(w, "en", measure_definitions[measure].en);
    jw_object_end(w);
}

static void write_measures(struct json_writer *w, const struct measures_row *row)
{
    for (int i = 0; i < MEASURE_COUNT; i++)
        write_measure(w, measure_words[i].code, row->measure[i]);
}

static void write_measure_basis(struct json_writer *w, const struct measures_report *report)
{
    report_json_begin_basis(w, &report->basis);
    jw_string(w, "by", report->by);
    jw_string(w, "level", report->level);
    if (report->depth)
        jw_int(w, "depth", report->depth);
    else
        jw_null(w, "depth");
    jw_int(w, "satisfied_from", report->satisfied_from);
    jw_object(w, "definition");
    for (int i = 0; i < MEASURE_COUNT; i++)
        report_json_write_definition(w, (enum measure_kind)i);
    jw_object_end(w);
    jw_object_end(w);
}

void report_json_write_measures(struct sbuf *out, const struct measures_report *report)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    write_measure_basis(&w, report);
    jw_object(&w, "total");
    write_measures(&w, &report->total);
    jw_object_end(&w);
    jw_array(&w, "items");
    for (size_t i = 0; i < report->row_count; i++) {
        const struct measures_row *row = &report->rows[i];

        jw_object(&w, NULL);
        jw_string(&w, "key", row->key);
        jw_string(&w, "name", row->name ? row->name : row->key);
        write_measures(&w, row);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_string(&w, "next", report->next);
    jw_object_end(&w);
}

/* ---- the full recount
 * ----------------------------------------------------------------------------- */

void report_json_write_recount(struct sbuf *out, const struct recount_report *report)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    jw_bool(&w, "equal", report->differing == 0);
    jw_int(&w, "rows", report->rows);
    jw_int(&w, "differing", report->differing);
    jw_array(&w, "differences");
    for (size_t i = 0; i < report->count; i++) {
        const struct recount_difference *d = &report->list[i];

        jw_object(&w, NULL);
        jw_string(&w, "unit", d->unit);
        jw_string(&w, "tier", d->tier);
        jw_string(&w, "region", d->region);
        jw_string(&w, "category", d->category);
        jw_string(&w, "kind", d->kind);
        jw_string(&w, "channel", d->channel);
        jw_string(&w, "figure", d->figure);
        jw_int(&w, "counted", d->counted);
        jw_int(&w, "recounted", d->recounted);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
}
