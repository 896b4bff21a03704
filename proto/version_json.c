/*
 * version_json.c - see version_json.h.
 */
#include "proto/version_json.h"

#include "hotline/ticket_number.h"

static const struct field activation_fields[] = {
    {.name = "at", .type = FIELD_INSTANT, .offset = 0},
};

bool version_json_decode_activation(const struct json_value *body, struct arena *arena,
                                    int64_t *at_us_r, struct faults *faults)
{
    *at_us_r = 0;
    return json_decode(body, activation_fields, ARRAY_LEN(activation_fields), at_us_r, arena,
                       faults);
}

#define REPLAY(member) offsetof(struct replay_request, member)
static const struct field replay_fields[] = {
    {.name = "from", .type = FIELD_INSTANT, .offset = REPLAY(from_us)},
    {.name = "to", .type = FIELD_INSTANT, .offset = REPLAY(to_us)},
    {.name = "limit",
     .type = FIELD_INT,
     .offset = REPLAY(limit),
     .min = 1,
     .max = REPLAY_MAX_TICKETS},
    {.name = "samples",
     .type = FIELD_INT,
     .offset = REPLAY(samples),
     .min = 0,
     .max = REPLAY_MAX_SAMPLES},
};

bool version_json_decode_replay(const struct json_value *body, struct arena *arena,
                                struct replay_request *request_r, struct faults *faults)
{
    *request_r =
        (struct replay_request){.limit = REPLAY_DEFAULT_TICKETS, .samples = REPLAY_DEFAULT_SAMPLES};
    if (!json_decode(body, replay_fields, ARRAY_LEN(replay_fields), request_r, arena, faults))
        return false;
    if (request_r->from_us && request_r->to_us && request_r->from_us >= request_r->to_us)
        faults_add(faults, "from", "range");
    return faults->count == 0;
}

/* ---- the figures ------------------------------------------------------------------------------
 */

static const char *unit_code(const struct city *city, int unit)
{
    return unit < 0 ? NULL : city_unit(city, unit)->code;
}

static const char *rule_code(const struct city *city, int rule)
{
    return rule < 0 ? NULL : city_rule(city, rule)->code;
}

static void write_units(struct json_writer *w, const struct replay *replay, struct arena *arena)
{
    size_t count;
    const int *units = replay_units(replay, arena, &count);
    size_t shown = count < REPLAY_MAX_UNITS ? count : REPLAY_MAX_UNITS;

    jw_array(w, "by_unit");
    for (size_t i = 0; i < shown; i++) {
        const struct unit *unit = city_unit(replay->after, units[i]);
        jw_object(w, NULL);
        jw_string(w, "unit", unit->code);
        jw_string(w, "name", unit->name);
        jw_int(w, "loses", replay->units[units[i]].loses);
        jw_int(w, "gains", replay->units[units[i]].gains);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_int(w, "units_left_off", (int64_t)(count - shown));
}

static void write_sample(struct json_writer *w, const struct replay *replay,
                         const struct replay_sample *sample)
{
    char number[TICKET_NUMBER_SIZE];

    ticket_number_format(sample->number, number);
    jw_object(w, NULL);
    jw_string(w, "number", number);
    jw_string(w, "from", unit_code(replay->before, sample->from));
    jw_string(w, "to", unit_code(replay->after, sample->to));
    jw_string(w, "rule_from", rule_code(replay->before, sample->rule_from));
    jw_string(w, "rule_to", rule_code(replay->after, sample->rule_to));
    jw_object_end(w);
}

void version_json_write_replay(struct json_writer *w, const struct replay *replay,
                               struct arena *arena)
{
    jw_int(w, "tickets", replay->tickets);
    jw_int(w, "unchanged", replay->unchanged);
    jw_int(w, "unchanged_but", replay->unchanged_but);
    jw_int(w, "moved", replay->moved);
    jw_int(w, "to_pool", replay->to_pool);
    jw_int(w, "from_pool", replay->from_pool);
    write_units(w, replay, arena);
    jw_array(w, "samples");
    for (size_t i = 0; i < replay->sample_count; i++)
        write_sample(w, replay, &replay->samples[i]);
    jw_array_end(w);
}

/* ---- the figures of policies ------------------------------------------------------------------
 */

static void write_figures(struct json_writer *w, const struct policy_figures *f)
{
    const struct {
        const char *name;
        int64_t value;
    } members[] = {
        {"clocks", f->clocks},
        {"same", f->same},
        {"earlier", f->earlier},
        {"later", f->later},
        {"removed", f->removed},
        {"restarted", f->restarted},
        {"own", f->own},
        {"added", f->added},
        {"late_before", f->late_before},
        {"late_after", f->late_after},
    };

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        jw_int(w, members[i].name, members[i].value);
}

static void write_late_units(struct json_writer *w, const struct policy_replay *replay,
                             struct arena *arena)
{
    size_t count;
    const int *units = policy_replay_units(replay, arena, &count);
    size_t shown = count < REPLAY_MAX_UNITS ? count : REPLAY_MAX_UNITS;

    jw_array(w, "by_unit");
    for (size_t i = 0; i < shown; i++) {
        const struct unit *unit = city_unit(replay->after, units[i]);
        jw_object(w, NULL);
        jw_string(w, "unit", unit->code);
        jw_string(w, "name", unit->name);
        jw_int(w, "late_before", replay->units[units[i]].late_before);
        jw_int(w, "late_after", replay->units[units[i]].late_after);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_int(w, "units_left_off", (int64_t)(count - shown));
}

static void write_deadline(struct json_writer *w, const struct policy_replay_sample *sample,
                           int offset_min)
{
    char number[TICKET_NUMBER_SIZE];

    ticket_number_format(sample->number, number);
    jw_object(w, NULL);
    jw_string(w, "number", number);
    jw_string(w, "clock", clock_words[sample->clock].code);
    jw_instant(w, "due_before", sample->due_before_us, offset_min);
    jw_instant(w, "due_after", sample->due_after_us, offset_min);
    jw_object_end(w);
}

void version_json_write_policy_replay(struct json_writer *w, const struct policy_replay *replay,
                                      struct arena *arena, int offset_min)
{
    jw_int(w, "tickets", replay->tickets);
    jw_int(w, "unknown", replay->unknown);
    write_figures(w, &replay->total);
    jw_array(w, "by_clock");
    for (int k = 0; k < CLOCK_COUNT; k++) {
        const struct policy_figures *f = &replay->by_clock[k];
        if (f->clocks == 0 && f->added == 0)
            continue;
        jw_object(w, NULL);
        jw_string(w, "clock", clock_words[k].code);
        write_figures(w, f);
        jw_object_end(w);
    }
    jw_array_end(w);
    write_late_units(w, replay, arena);
    jw_array(w, "samples");
    for (size_t i = 0; i < replay->sample_count; i++)
        write_deadline(w, &replay->samples[i], offset_min);
    jw_array_end(w);
}
