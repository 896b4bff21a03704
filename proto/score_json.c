/*
 * score_json.c - codec of score sets, encoder of scores.
 */
#include "proto/score_json.h"

/* ---- in -----------------------------------------------------------------------------------------
 */

struct scale_in {
    int measure, lose;
    const struct json_value *points, *full_at, *per_point, *floor;
};

static const char *const lose_names[] = {"below", "above", NULL};
/* Filled from measure_words, whose order they keep. */
static const char *measure_names[MEASURE_COUNT + 1];

static const struct field *scale_fields(void)
{
    static const struct field fields[] = {
        {.name = "measure",
         .type = FIELD_ENUM,
         .offset = offsetof(struct scale_in, measure),
         .flags = FIELD_REQUIRED,
         .names = measure_names},
        {.name = "lose",
         .type = FIELD_ENUM,
         .offset = offsetof(struct scale_in, lose),
         .names = lose_names},
        {.name = "points",
         .type = FIELD_VALUE,
         .offset = offsetof(struct scale_in, points),
         .flags = FIELD_REQUIRED},
        {.name = "full_at",
         .type = FIELD_VALUE,
         .offset = offsetof(struct scale_in, full_at),
         .flags = FIELD_REQUIRED},
        {.name = "per_point",
         .type = FIELD_VALUE,
         .offset = offsetof(struct scale_in, per_point),
         .flags = FIELD_REQUIRED},
        {.name = "floor", .type = FIELD_VALUE, .offset = offsetof(struct scale_in, floor)},
    };

    for (int i = 0; i < MEASURE_COUNT; i++)
        measure_names[i] = measure_words[i].code;
    return fields;
}
#define SCALE_FIELD_COUNT 6

/* Of a number with up to six decimals; larger ones than any scale has become out of range. */
static int64_t read_micro(const struct json_value *v, const char *field, struct faults *faults)
{
    const double most = 1e6;

    if (json_type(v) == JSON_NULL)
        return 0;
    if (json_type(v) != JSON_INT && json_type(v) != JSON_DOUBLE) {
        faults_add(faults, field, "wrong_type");
        return 0;
    }
    double micro = json_double(v) * SCORE_MICRO;
    if (!(micro >= -most * SCORE_MICRO && micro <= most * SCORE_MICRO)) {
        faults_add(faults, field, "range");
        return 0;
    }
    int64_t whole = (int64_t)(micro < 0 ? micro - 0.5 : micro + 0.5);
    double off = micro - (double)whole;
    if (off > 1e-3 || off < -1e-3)
        faults_add(faults, field, "format");
    return whole;
}

static void read_scale(const struct json_value *v, struct arena *arena, struct score_scale *scale,
                       struct faults *faults)
{
    struct scale_in in = {.lose = SCORE_BELOW};

    if (!json_decode(v, scale_fields(), SCALE_FIELD_COUNT, &in, arena, faults))
        return;
    scale->measure = (enum measure_kind)in.measure;
    scale->lose = (enum score_side)in.lose;
    scale->points_micro = read_micro(in.points, "points", faults);
    scale->full_at_micro = read_micro(in.full_at, "full_at", faults);
    scale->per_point_micro = read_micro(in.per_point, "per_point", faults);
    scale->floor_micro = read_micro(in.floor, "floor", faults);
    const char *fault = faults->count ? NULL : score_scale_fault(scale);
    if (fault)
        faults_add(faults, fault, "range");
}

static bool has_measure(const struct score_set *set, enum measure_kind measure)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->scales[i].measure == measure)
            return true;
    return false;
}

static void add_scale(const struct json_value *v, size_t index, struct arena *arena,
                      struct score_set *set, struct faults *faults)
{
    struct score_scale scale = {.measure = MEASURE_COUNT};
    struct faults own;

    faults_init(&own, arena);
    read_scale(v, arena, &scale, &own);
    if (own.count == 0 && has_measure(set, scale.measure))
        faults_add(&own, "measure", "duplicate");
    for (size_t i = 0; i < own.count; i++)
        faults_add(faults,
                   arena_printf(arena, "scales[%zu]%s%s", index, own.list[i].field[0] ? "." : "",
                                own.list[i].field),
                   own.list[i].reason);
    if (own.count == 0)
        set->scales[set->count++] = scale;
}

bool score_json_decode_scales(const struct json_value *v, struct arena *arena,
                              struct score_set *set_r, struct faults *faults)
{
    size_t count = json_array_length(v), before = faults->count;

    set_r->count = 0;
    if (json_type(v) != JSON_ARRAY)
        faults_add(faults, "scales", "wrong_type");
    else if (count == 0)
        faults_add(faults, "scales", "too_short");
    else if (count > SCORE_MAX_SCALES)
        faults_add(faults, "scales", "too_long");
    else
        for (size_t i = 0; i < count; i++)
            add_scale(json_at(v, i), i, arena, set_r, faults);
    return faults->count == before;
}

struct set_in {
    const char *name;
    int64_t from_us;
    const struct json_value *scales;
};

static const struct field set_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct set_in, name),
     .min = 1,
     .max = SCORE_NAME_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "from", .type = FIELD_INSTANT, .offset = offsetof(struct set_in, from_us)},
    {.name = "scales",
     .type = FIELD_VALUE,
     .offset = offsetof(struct set_in, scales),
     .flags = FIELD_REQUIRED},
};

bool score_json_decode(const struct json_value *v, struct arena *arena, struct score_set *set_r,
                       struct faults *faults)
{
    struct set_in in = {.from_us = set_r->from_us};

    if (!json_decode(v, set_fields, ARRAY_LEN(set_fields), &in, arena, faults))
        return false;
    set_r->name = in.name;
    set_r->from_us = in.from_us > 0 ? in.from_us : 1; /* 0 is "no instant" for the database */
    return score_json_decode_scales(in.scales, arena, set_r, faults);
}

/* ---- out ----------------------------------------------------------------------------------------
 */

static void write_micro(struct json_writer *w, const char *key, int64_t micro)
{
    jw_double(w, key, (double)micro / SCORE_MICRO);
}

void score_json_write_scales(struct json_writer *w, const char *key, const struct score_set *set)
{
    jw_array(w, key);
    for (size_t i = 0; i < set->count; i++) {
        const struct score_scale *scale = &set->scales[i];

        jw_object(w, NULL);
        jw_string(w, "measure", measure_words[scale->measure].code);
        write_micro(w, "points", scale->points_micro);
        write_micro(w, "full_at", scale->full_at_micro);
        write_micro(w, "per_point", scale->per_point_micro);
        write_micro(w, "floor", scale->floor_micro);
        jw_string(w, "lose", score_side_words[scale->lose].code);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_set(struct json_writer *w, const struct score_set *set, int offset_min)
{
    jw_int(w, "version", set->version);
    jw_string(w, "name", set->name);
    jw_instant(w, "from", set->from_us, offset_min);
    score_json_write_scales(w, "scales", set);
}

void score_json_write_item(struct json_writer *w, const struct score_set_item *item, int offset_min)
{
    write_set(w, &item->set, offset_min);
    jw_bool(w, "in_force", item->is_in_force);
    jw_instant(w, "created_at", item->created_us, offset_min);
    jw_string(w, "created_by", item->created_by);
}

static void write_basis(struct json_writer *w, const struct scores_report *report)
{
    report_json_begin_basis(w, &report->basis);
    jw_string(w, "by", report->by);
    jw_string(w, "tier", report->tier);
    jw_string(w, "level", report->level);
    jw_int(w, "satisfied_from", report->satisfied_from);
    jw_object(w, "definition");
    for (size_t i = 0; report->set && i < report->set->count; i++)
        report_json_write_definition(w, report->set->scales[i].measure);
    jw_object_end(w);
    jw_object_end(w);
}

static void write_row(struct json_writer *w, const struct scores_report *report, size_t index)
{
    const struct measures_row *row = &report->rows[index];
    const struct score_row *score = &report->scores[index];

    jw_object(w, NULL);
    jw_string(w, "key", row->key);
    jw_string(w, "name", row->name ? row->name : row->key);
    if (score->rank)
        jw_int(w, "rank", score->rank);
    else
        jw_null(w, "rank");
    if (score->has_total)
        write_micro(w, "total", score->total_micro);
    else
        jw_null(w, "total"); /* none due */
    write_micro(w, "points", score->sum_micro);
    write_micro(w, "out_of", score->out_of_micro);
    jw_object(w, "measures");
    for (size_t i = 0; i < report->set->count; i++) {
        enum measure_kind measure = report->set->scales[i].measure;

        jw_object(w, measure_words[measure].code);
        report_json_write_counts(w, row->measure[measure]);
        if (score->is_due[i])
            write_micro(w, "points", score->points_micro[i]);
        else
            jw_null(w, "points");
        jw_object_end(w);
    }
    jw_object_end(w);
    jw_object_end(w);
}

void score_json_write_report(struct sbuf *out, const struct scores_report *report)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    write_basis(&w, report);
    if (report->set) {
        jw_object(&w, "set");
        write_set(&w, report->set, report->basis.offset_min);
        write_micro(&w, "full", score_set_full_micro(report->set));
        jw_object_end(&w);
    } else {
        jw_null(&w, "set");
    }
    jw_int(&w, "count", (int64_t)report->count);
    jw_array(&w, "items");
    for (size_t i = 0; report->set && i < report->shown; i++)
        write_row(&w, report, report->order[i]);
    jw_array_end(&w);
    jw_object_end(&w);
}
