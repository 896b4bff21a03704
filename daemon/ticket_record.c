/*
 * ticket_record.c - columns by name of position; the list is that of ticket_load.sql.
 */
#include "daemon/ticket_record.h"

#include <string.h>

#include "daemon/pii.h"
#include "proto/json.h"

enum column {
    COL_NUMBER,
    COL_VERSION,
    COL_STATE,
    COL_KIND,
    COL_URGENCY,
    COL_CHANNEL,
    COL_CATEGORY,
    COL_REGION,
    COL_ROUND,
    COL_IS_PROBLEM,
    COL_IS_OVERDUE,
    COL_WAS_LATE,
    COL_CALLBACK_ATTEMPTS,
    COL_LEAD_UNIT,
    COL_POLICY,
    COL_RECEIVED,
    COL_DISPATCHED,
    COL_DEEPEST_TIER,
    COL_EVENT_COUNT,
    COL_EVENT_HASH,
    COL_LAST_ACTOR,
    COL_LAST_AT,
    COL_QUERY_CODE,
    COL_ADDRESS,
    COL_TITLE,
    COL_TEXT,
    COL_CALL_ID,
    COL_EXTERNAL_NUMBER,
    COL_IS_CONFIDENTIAL,
    COL_RULE_SET,
    COL_RULE,
    COL_ROUTE_REASON,
    COL_SLA_SET,
    COL_CALENDAR_SET,
    COL_CLOSED,
    COL_CLOSED_TIER,
    COL_CLOSED_UNIT,
    COL_CLOSED_ON_TIME,
    COL_PUBLIC_REPLY,
    COL_GROUND,
    COL_REFERRED_TO,
    COL_NAME,
    COL_PHONE,
    COL_IS_ANONYMOUS,
    COL_TRANSFERS,
    COL_MERGED_INTO,
    COL_MASTER_STATE,
    COL_IS_MASTER,
    COL_ASSIGNMENTS,
    COL_CLOCKS,
    COL_CALL
};

struct reader {
    const struct daemon *d;
    const struct pg_result *res;
    int row;
    struct arena *arena;
};

static const char *text_of(const struct reader *r, enum column col)
{
    if (pg_result_null(r->res, r->row, (int)col))
        return NULL;
    return arena_strdup(r->arena, pg_result_text(r->res, r->row, (int)col));
}

static int int_of(const struct reader *r, enum column col)
{
    return (int)pg_result_int(r->res, r->row, (int)col);
}

/* The schema allows only our words; anything else means another program wrote here. */
static int word_of(const struct word *words, size_t count, const char *code)
{
    int index = word_find(words, count, code);

    INVARIANT(index >= 0);
    return index;
}
#define WORD_COLUMN(r, col, words, count)                                                          \
    word_of(words, count, pg_result_text((r)->res, (r)->row, (int)(col)))

static const char *open_column(const struct reader *r, enum column col, const char *aad)
{
    size_t len;
    const uint8_t *sealed = pg_result_bytea(r->res, r->row, (int)col, r->arena, &len);

    return pii_open(r->d, aad, sealed, len, r->arena);
}

/* ---- arrays of positional arrays
 * ------------------------------------------------------------------ */

static const char *str_of(const struct json_value *v, struct arena *arena)
{
    const char *s = json_string(v, NULL);
    return s ? arena_strdup(arena, s) : NULL;
}

static const char *str_at(const struct json_value *v, size_t i, struct arena *arena)
{
    return str_of(json_at(v, i), arena);
}

static int flag_at(const struct json_value *v, size_t i)
{
    const struct json_value *item = json_at(v, i);
    return json_type(item) == JSON_NULL ? -1 : json_bool(item);
}

static int64_t int_at(const struct json_value *v, size_t i)
{
    return json_int(json_at(v, i));
}

static int word_at(const struct json_value *v, size_t i, const struct word *words, size_t count)
{
    return word_of(words, count, json_string(json_at(v, i), NULL));
}

/* {"at_us", "ground", ...} as change_json.c wrote it. */
static void read_request(const struct json_value *v, const char *kind, struct arena *arena,
                         struct assignment_request *r)
{
    int index = word_find(request_words, REQUEST_COUNT, kind);

    if (index < 0)
        return;
    *r = (struct assignment_request){
        .kind = (enum request_kind)index,
        .at_us = json_int(json_get(v, "at_us")),
        .ground = str_of(json_get(v, "ground"), arena),
        .text = str_of(json_get(v, "text"), arena),
        .proposed_unit = str_of(json_get(v, "proposed_unit"), arena),
        .days = (int)json_int(json_get(v, "days")),
        .until_us = json_int(json_get(v, "until_us")),
    };
}

static void read_assignment(const struct json_value *v, struct arena *arena, struct assignment *a,
                            struct assignment_lease *lease)
{
    *a = (struct assignment){
        .ordinal = (int)int_at(v, 0),
        .unit = str_at(v, 1, arena),
        .role = (enum assignment_role)word_at(v, 2, assignment_role_words, ASSIGNMENT_ROLE_COUNT),
        .round = (int)int_at(v, 3),
        .state =
            (enum assignment_state)word_at(v, 4, assignment_state_words, ASSIGNMENT_STATE_COUNT),
        .created_us = int_at(v, 5),
        .signed_us = int_at(v, 6),
        .contacted_us = int_at(v, 7),
        .reported_us = int_at(v, 8),
        .ended_us = int_at(v, 9),
        .signed_by = str_at(v, 10, arena),
        .solved = flag_at(v, 11),
        .internal = str_at(v, 12, arena),
        .public_reply = str_at(v, 13, arena),
    };
    *lease = (struct assignment_lease){
        .lease = str_at(v, 14, arena),
        .until_us = int_at(v, 15),
        .leased_by = str_at(v, 16, arena),
        .deliveries = (int)int_at(v, 17),
    };
    a->parent = (int)int_at(v, 18);
    read_request(json_at(v, 20), json_string(json_at(v, 19), NULL), arena, &a->request);
    a->extensions = (int)int_at(v, 21);
    a->suspended_until_us = int_at(v, 22);
}

static const struct clock_adjustment *read_adjustments(const struct json_value *v,
                                                       struct arena *arena, size_t *count_r)
{
    size_t count = json_array_length(v);
    struct clock_adjustment *list = count ? arena_alloc(arena, count * sizeof(*list)) : NULL;

    for (size_t i = 0; i < count; i++) {
        const struct json_value *item = json_at(v, i);
        list[i] = (struct clock_adjustment){.kind = CLOCK_ADJUST_PAUSE};
        if (int_at(item, 0) == CLOCK_ADJUST_PAUSE) {
            list[i].from_us = int_at(item, 1);
            list[i].until_us = int_at(item, 2);
        } else {
            list[i].kind = CLOCK_ADJUST_EXTEND;
            list[i].limit = (struct limit){int_at(item, 1), LIMIT_WORKING_DAYS};
        }
    }
    *count_r = count;
    return list;
}

const struct clock_adjustment *ticket_record_adjustments(const char *json, size_t len,
                                                         struct arena *arena, size_t *count_r)
{
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(json, len, &faults);
    INVARIANT(doc != NULL); /* PostgreSQL wrote it */
    const struct clock_adjustment *list = read_adjustments(json_root(doc), arena, count_r);
    json_doc_free(&doc);
    return list;
}

static void read_clock(const struct json_value *v, struct arena *arena, struct ticket_clock *c)
{
    *c = (struct ticket_clock){
        .ordinal = (int)int_at(v, 0),
        .assignment = (int)int_at(v, 1),
        .clock = (enum clock_kind)word_at(v, 2, clock_words, CLOCK_COUNT),
        .round = (int)int_at(v, 3),
        .state = (enum clock_state)word_at(v, 4, clock_state_words, CLOCK_STATE_COUNT),
        .stop = (enum sla_event)word_at(v, 5, sla_event_words, SLA_EVENT_COUNT),
        .limit = {int_at(v, 16),
                  (enum limit_unit)word_at(v, 6, limit_unit_words, LIMIT_UNIT_COUNT)},
        .warn_percent = (int)int_at(v, 17),
        .sla_set = int_at(v, 18),
        .calendar_set = int_at(v, 19),
        .pausable = json_bool(json_at(v, 7)),
        .provisional = json_bool(json_at(v, 8)),
        .started_us = int_at(v, 9),
        .due_us = int_at(v, 10),
        .warn_us = int_at(v, 11),
        .warned_us = int_at(v, 12),
        .breached_us = int_at(v, 13),
        .met_us = int_at(v, 14),
        .paused_us = int_at(v, 15),
        .original_due_us = int_at(v, 20) ? int_at(v, 20) : int_at(v, 10),
        .paused_at_us = int_at(v, 21),
        .step = (int)int_at(v, 22),
        .step_us = int_at(v, 23),
    };
    c->adjustments = read_adjustments(json_at(v, 24), arena, &c->adjustment_count);
}

struct ticket_clock *ticket_record_clocks(const char *json, size_t len, struct arena *arena,
                                          size_t *count_r)
{
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(json, len, &faults);
    INVARIANT(doc != NULL); /* PostgreSQL made it */
    size_t count = json_array_length(json_root(doc));
    struct ticket_clock *clocks = count ? arena_alloc(arena, count * sizeof(*clocks)) : NULL;
    for (size_t i = 0; i < count; i++)
        read_clock(json_at(json_root(doc), i), arena, &clocks[i]);
    json_doc_free(&doc);
    *count_r = count;
    return clocks;
}

static struct json_doc *parse_column(const struct reader *r, enum column col)
{
    struct faults faults;

    if (pg_result_null(r->res, r->row, (int)col))
        return NULL;
    faults_init(&faults, r->arena);
    struct json_doc *doc = json_parse(pg_result_text(r->res, r->row, (int)col),
                                      pg_result_length(r->res, r->row, (int)col), &faults);
    INVARIANT(doc != NULL); /* PostgreSQL made it */
    return doc;
}

static void read_children(const struct reader *r, struct ticket_record *record)
{
    struct ticket_view *v = &record->view;
    struct json_doc *doc = parse_column(r, COL_ASSIGNMENTS);

    if (doc) {
        v->assignment_count = json_array_length(json_root(doc));
        v->assignments = arena_alloc(r->arena, v->assignment_count * sizeof(*v->assignments));
        record->leases = arena_alloc(r->arena, v->assignment_count * sizeof(*record->leases));
        for (size_t i = 0; i < v->assignment_count; i++)
            read_assignment(json_at(json_root(doc), i), r->arena, &v->assignments[i],
                            &record->leases[i]);
        json_doc_free(&doc);
    }
    if (!pg_result_null(r->res, r->row, COL_CLOCKS))
        v->clocks = ticket_record_clocks(pg_result_text(r->res, r->row, COL_CLOCKS),
                                         pg_result_length(r->res, r->row, COL_CLOCKS), r->arena,
                                         &v->clock_count);
}

void ticket_record_params(struct pg_params *params, struct arena *arena, const int64_t *numbers,
                          size_t count, int64_t into)
{
    struct pg_array list;

    pg_params_init(params, arena);
    pg_array_init(&list, arena);
    for (size_t i = 0; i < count; i++)
        pg_array_int(&list, numbers[i]);
    pg_param_array(params, &list);
    if (into)
        pg_param_int(params, into);
    else
        pg_param_null(params);
}

/* ---- the row
 * ------------------------------------------------------------------------------------------ */

static void read_closing(const struct reader *r, struct ticket_view *v)
{
    if (pg_result_null(r->res, r->row, COL_CLOSED))
        return;
    v->closed_us = pg_result_instant(r->res, r->row, COL_CLOSED);
    v->closed_tier = (enum tier)WORD_COLUMN(r, COL_CLOSED_TIER, tier_words, TIER_COUNT);
    v->closed_unit = text_of(r, COL_CLOSED_UNIT);
    v->closed_on_time = pg_result_bool(r->res, r->row, COL_CLOSED_ON_TIME);
}

static void read_view(const struct reader *r, struct ticket_view *v)
{
    const char *tier = text_of(r, COL_DEEPEST_TIER);
    size_t hash_len;

    v->number = pg_result_int(r->res, r->row, COL_NUMBER);
    v->version = int_of(r, COL_VERSION);
    v->state = (enum ticket_state)WORD_COLUMN(r, COL_STATE, ticket_state_words, TICKET_STATE_COUNT);
    v->kind = (enum ticket_kind)WORD_COLUMN(r, COL_KIND, kind_words, KIND_COUNT);
    v->urgency = (enum ticket_urgency)WORD_COLUMN(r, COL_URGENCY, urgency_words, URGENCY_COUNT);
    v->channel = (enum ticket_channel)WORD_COLUMN(r, COL_CHANNEL, channel_words, CHANNEL_COUNT);
    v->category = text_of(r, COL_CATEGORY);
    v->region = text_of(r, COL_REGION);
    v->round = int_of(r, COL_ROUND);
    v->is_problem = pg_result_bool(r->res, r->row, COL_IS_PROBLEM);
    v->is_overdue = pg_result_bool(r->res, r->row, COL_IS_OVERDUE);
    v->was_late = pg_result_bool(r->res, r->row, COL_WAS_LATE);
    v->callback_attempts = int_of(r, COL_CALLBACK_ATTEMPTS);
    v->lead_unit = text_of(r, COL_LEAD_UNIT);
    v->policy = text_of(r, COL_POLICY);
    v->received_us = pg_result_instant(r->res, r->row, COL_RECEIVED);
    v->dispatched_us = pg_result_instant(r->res, r->row, COL_DISPATCHED);
    v->deepest_tier = tier ? (enum tier)word_of(tier_words, TIER_COUNT, tier) : TIER_DESK;
    v->event_count = int_of(r, COL_EVENT_COUNT);
    const uint8_t *hash = pg_result_bytea(r->res, r->row, COL_EVENT_HASH, r->arena, &hash_len);
    INVARIANT(hash && hash_len == sizeof(v->event_hash));
    memcpy(v->event_hash, hash, sizeof(v->event_hash));
    v->last_actor = text_of(r, COL_LAST_ACTOR);
    v->last_at_us = pg_result_instant(r->res, r->row, COL_LAST_AT);
    v->sla_set = pg_result_int(r->res, r->row, COL_SLA_SET);
    v->transfers = int_of(r, COL_TRANSFERS);
    v->merged_into = pg_result_int(r->res, r->row, COL_MERGED_INTO);
    v->is_master = pg_result_bool(r->res, r->row, COL_IS_MASTER);
    /* Unknown, of a ticket that has no master: a state that allows nothing. */
    v->master_state = pg_result_null(r->res, r->row, COL_MASTER_STATE)
                          ? TICKET_MERGED
                          : (enum ticket_state)WORD_COLUMN(r, COL_MASTER_STATE, ticket_state_words,
                                                           TICKET_STATE_COUNT);
    read_closing(r, v);
}

static void read_wide(const struct reader *r, struct ticket_record *record)
{
    record->query_code = text_of(r, COL_QUERY_CODE);
    record->address = text_of(r, COL_ADDRESS);
    record->title = text_of(r, COL_TITLE);
    record->text = text_of(r, COL_TEXT);
    record->call_id = text_of(r, COL_CALL_ID);
    record->call = text_of(r, COL_CALL);
    record->external_number = text_of(r, COL_EXTERNAL_NUMBER);
    record->is_confidential = pg_result_bool(r->res, r->row, COL_IS_CONFIDENTIAL);
    record->rule_set = pg_result_int(r->res, r->row, COL_RULE_SET);
    record->rule = text_of(r, COL_RULE);
    record->route_reason = text_of(r, COL_ROUTE_REASON);
    record->calendar_set = pg_result_int(r->res, r->row, COL_CALENDAR_SET);
    record->public_reply = text_of(r, COL_PUBLIC_REPLY);
    record->ground = text_of(r, COL_GROUND);
    record->referred_to = text_of(r, COL_REFERRED_TO);
    record->name = open_column(r, COL_NAME, "requester.name");
    record->phone = open_column(r, COL_PHONE, "requester.phone");
    record->is_anonymous = pg_result_bool(r->res, r->row, COL_IS_ANONYMOUS);
}

void ticket_record_read(const struct daemon *d, const struct pg_result *res, int row,
                        struct arena *arena, struct ticket_record *record_r)
{
    struct reader r = {d, res, row, arena};

    memset(record_r, 0, sizeof(*record_r));
    read_view(&r, &record_r->view);
    read_wide(&r, record_r);
    read_children(&r, record_r);
}
