/*
 * batch_json.c - see batch_json.h.
 */
#include "proto/batch_json.h"

#include <stdlib.h>
#include <string.h>

#include "hotline/ticket_number.h"
#include "proto/ticket_json.h"

static const char *const action_names[] = {"urge", "supervise", NULL};
static const enum ticket_action actions[] = {ACTION_URGE, ACTION_SUPERVISE};

struct filter_raw {
    const char *state, *unit, *category, *region;
    bool overdue, has_overdue;
};
#define CODE(member)                                                                               \
    {                                                                                              \
        .name = #member, .type = FIELD_STRING, .offset = offsetof(struct filter_raw, member),      \
        .min = 1, .max = TICKET_CODE_MAX                                                           \
    }
static const struct field filter_fields[] = {
    CODE(state),
    CODE(unit),
    CODE(category),
    CODE(region),
    {.name = "overdue",
     .type = FIELD_BOOL,
     .offset = offsetof(struct filter_raw, overdue),
     .present_offset = offsetof(struct filter_raw, has_overdue) + 1},
};

struct raw {
    int action;
    const char *text;
    struct json_strings numbers;
    struct filter_raw filter;
    bool has_numbers, has_filter;
};
static const struct field fields[] = {
    {.name = "action",
     .type = FIELD_ENUM,
     .offset = offsetof(struct raw, action),
     .flags = FIELD_REQUIRED,
     .names = action_names},
    {.name = "text",
     .type = FIELD_STRING,
     .offset = offsetof(struct raw, text),
     .min = 1,
     .max = TICKET_OPINION_MAX,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
    {.name = "numbers",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct raw, numbers),
     .present_offset = offsetof(struct raw, has_numbers) + 1,
     .min = 1,
     .max = BATCH_MAX_TICKETS,
     .item_max = TICKET_NUMBER_SIZE},
    {.name = "filter",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct raw, filter),
     .present_offset = offsetof(struct raw, has_filter) + 1,
     .child = filter_fields,
     .child_count = ARRAY_LEN(filter_fields)},
};

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static bool is_in(const int64_t *sorted, size_t count, int64_t number)
{
    return bsearch(&number, sorted, count, sizeof(*sorted), by_number) != NULL;
}

/* A number that stands there twice would be urged twice: people's lists have such. */
static void find_twice(const int64_t *numbers, size_t count, struct arena *arena,
                       struct faults *faults)
{
    int64_t *sorted = arena_alloc(arena, (count + 1) * sizeof(*sorted));
    size_t twice = 0;

    memcpy(sorted, numbers, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_number);
    for (size_t i = 1; i < count; i++) {
        if (sorted[i] == sorted[i - 1])
            sorted[twice++] = sorted[i];
    }
    if (twice == 0)
        return;
    bool *seen = arena_alloc(arena, twice * sizeof(*seen));
    for (size_t i = 0; i < count; i++) {
        if (!is_in(sorted, twice, numbers[i]))
            continue;
        const int64_t *at = bsearch(&numbers[i], sorted, twice, sizeof(*sorted), by_number);
        if (seen[at - sorted])
            faults_add(faults, arena_printf(arena, "numbers[%zu]", i), "duplicate");
        seen[at - sorted] = true;
    }
}

static void read_numbers(const struct json_strings *raw, struct arena *arena,
                         struct batch_order *order, struct faults *faults)
{
    int64_t *numbers = arena_alloc(arena, (raw->count + 1) * sizeof(*numbers));
    size_t before = faults->count;

    for (size_t i = 0; i < raw->count; i++) {
        const char *text = raw->list[i];
        if (text && !ticket_number_parse(text, strlen(text), &numbers[i]))
            faults_add(faults, arena_printf(arena, "numbers[%zu]", i), "format");
    }
    order->numbers = numbers;
    order->count = raw->count;
    if (faults->count == before)
        find_twice(numbers, raw->count, arena, faults);
}

static void read_filter(const struct filter_raw *raw, struct batch_filter *filter,
                        struct faults *faults)
{
    int state = raw->state ? word_find(ticket_state_words, TICKET_STATE_COUNT, raw->state) : -1;

    if (raw->state && state < 0)
        faults_add(faults, "filter.state", "not_allowed");
    else if (state >= 0 && !ticket_state_is_open((enum ticket_state)state))
        faults_add(faults, "filter.state", "range");
    *filter = (struct batch_filter){
        .state = state,
        .unit = raw->unit,
        .category = raw->category,
        .region = raw->region,
        .overdue = raw->has_overdue ? raw->overdue : -1,
    };
}

bool batch_json_decode(const struct json_value *body, struct arena *arena,
                       struct batch_order *order_r, struct faults *faults)
{
    struct raw raw = {0};

    memset(order_r, 0, sizeof(*order_r));
    if (!json_decode(body, fields, ARRAY_LEN(fields), &raw, arena, faults))
        return false;
    order_r->action = actions[raw.action];
    order_r->text = raw.text;
    if (raw.has_numbers == raw.has_filter)
        faults_add(faults, raw.has_numbers ? "filter" : "numbers",
                   raw.has_numbers ? "not_allowed" : "required");
    else if (raw.has_numbers)
        read_numbers(&raw.numbers, arena, order_r, faults);
    else
        read_filter(&raw.filter, &order_r->filter, faults);
    return faults->count == 0;
}
