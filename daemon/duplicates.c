/*
 * duplicates.c - candidates from the database, scores from the domain, the best ones first.
 */
#include "daemon/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/audit.h"
#include "daemon/pii.h"
#include "daemon/places.h"
#include "daemon/ticket_read.h"
#include "hotline/similar.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

#define OFFERED_DEFAULT 10
#define OFFERED_MAX 50
/* Tickets before it in which the pairs of a draft are counted, to know the rare ones. */
#define SAMPLE_TICKETS 150
#define DAY_US (86400 * US_PER_SECOND)

enum {
    COL_NUMBER,
    COL_TITLE,
    COL_TEXT,
    COL_REGION,
    COL_CATEGORY,
    COL_STATE,
    COL_RECEIVED,
    COL_SAME_CALLER,
    COL_SEEN,
    COL_SAMPLED
};

struct inquiry {
    int64_t limit;
    int64_t self;                  /* 0 = a draft */
    int64_t since_us, until_us;    /* until 0 = no end */
    const char *region, *category; /* codes; region NULL = not known */
    const uint8_t *phone_index;    /* NULL = none */
    struct similar_matter matter;
};

struct offer {
    int64_t number;
    int score;
    struct similar_reasons reasons;
    int row;
};

/* ---- scoring -----------------------------------------------------------------------------------
 */

/* "3,0,17": how often each pair of the title was seen. */
static struct similar_rarity read_rarity(const struct pg_result *res,
                                         const struct bigram_set *title, struct arena *arena)
{
    struct similar_rarity rarity = {NULL, pg_result_int(res, 0, COL_SAMPLED)};
    const char *at = pg_result_text(res, 0, COL_SEEN);

    if (title->count == 0 || !*at)
        return rarity;
    int64_t *seen = arena_alloc(arena, title->count * sizeof(*seen));
    for (size_t i = 0; i < title->count && *at; i++) {
        char *end;
        seen[i] = strtoll(at, &end, 10);
        at = end + (*end == ',');
    }
    rarity.seen = seen;
    return rarity;
}

static int find_code(const struct city *city, const struct pg_result *res, int row, int col,
                     int (*find)(const struct city *city, const char *code))
{
    return pg_result_null(res, row, col) ? -1 : find(city, pg_result_text(res, row, col));
}

static struct offer score_row(const struct request *r, const struct inquiry *q,
                              const struct similar_rarity *rarity, const struct pg_result *res,
                              int row)
{
    const struct city *city = r->d->city;
    struct offer offer = {.number = pg_result_int(res, row, COL_NUMBER), .row = row};
    struct arena *arena = arena_new(); /* of this row: there are hundreds */
    struct similar_matter other;

    similar_matter_read(pg_result_text(res, row, COL_TITLE), pg_result_text(res, row, COL_TEXT),
                        arena, &other);
    other.region = find_code(city, res, row, COL_REGION, city_find_region);
    other.category = find_code(city, res, row, COL_CATEGORY, city_find_category);
    other.received_us = pg_result_instant(res, row, COL_RECEIVED);
    offer.score =
        similar_score(city, &q->matter, rarity, &other, pg_result_bool(res, row, COL_SAME_CALLER),
                      r->d->settings.duplicate_days, &offer.reasons);
    arena_free(&arena);
    return offer;
}

/* The likeliest first, of equals the newest. */
static int compare_offers(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->number < y->number) - (x->number > y->number);
}

static size_t score_all(const struct request *r, const struct inquiry *q,
                        const struct pg_result *res, struct offer *offers)
{
    size_t count = 0;
    int rows = pg_result_rows(res);

    if (rows == 0)
        return 0;
    struct similar_rarity rarity = read_rarity(res, &q->matter.title, r->arena);
    for (int row = 0; row < rows; row++) {
        struct offer offer = score_row(r, q, &rarity, res, row);
        if (offer.score >= r->d->settings.duplicate_score)
            offers[count++] = offer;
    }
    qsort(offers, count, sizeof(*offers), compare_offers);
    return count;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static void write_offer(struct json_writer *w, const struct request *r, const struct pg_result *res,
                        const struct offer *offer)
{
    const struct similar_reasons *reasons = &offer->reasons;
    char digits[TICKET_NUMBER_SIZE];

    ticket_number_format(offer->number, digits);
    jw_object(w, NULL);
    jw_string(w, "number", digits);
    jw_int(w, "score", offer->score);
    jw_object(w, "reasons");
    jw_bool(w, "same_caller", reasons->same_caller);
    jw_string(w, "place", relation_words[reasons->place].code);
    jw_string(w, "category", relation_words[reasons->category].code);
    jw_int(w, "days", reasons->days);
    jw_int(w, "text", reasons->text);
    jw_object_end(w);
    jw_string(w, "title", pg_result_text(res, offer->row, COL_TITLE));
    jw_string(w, "state", pg_result_text(res, offer->row, COL_STATE));
    jw_instant(w, "received_at", pg_result_instant(res, offer->row, COL_RECEIVED),
               city_offset_min(r->d->city));
    jw_object_end(w);
}

static void on_candidates(struct request *r, const struct pg_result *res)
{
    const struct inquiry *q = r->state;
    size_t rows = (size_t)pg_result_rows(res);
    struct offer *offers = arena_alloc(r->arena, (rows + 1) * sizeof(*offers));
    size_t count = score_all(r, q, res, offers);
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (size_t i = 0; i < count && i < (size_t)q->limit; i++)
        write_offer(&w, r, res, &offers[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

/* ---- the question ------------------------------------------------------------------------------
 */

static void param_grams(struct pg_params *params, const struct bigram_set *set)
{
    struct pg_array grams;

    pg_array_init(&grams, params->arena);
    for (size_t i = 0; i < set->count; i++)
        pg_array_int(&grams, set->grams[i]);
    pg_param_array(params, &grams);
}

static void ask(struct request *r, struct inquiry *q)
{
    int offset = r->d->numbers.offset_min;
    struct pg_params params;

    q->matter.region = q->region ? city_find_region(r->d->city, q->region) : -1;
    q->matter.category = city_find_category(r->d->city, q->category);
    pg_params_init(&params, r->arena);
    pg_param_int(&params, ticket_number_floor(q->since_us, offset));
    pg_param_int(&params, q->until_us ? ticket_number_floor(q->until_us, offset) : INT64_MAX);
    pg_param_int(&params, q->self);
    pg_param_text(&params, q->region);
    pg_param_text(&params, q->category);
    pg_param_bytea(&params, q->phone_index, CRYPTO_SHA256_SIZE);
    param_grams(&params, &q->matter.whole);
    param_grams(&params, &q->matter.title);
    pg_param_int(&params, SAMPLE_TICKETS);
    r->state = q;
    request_submit(r, r->d->report_pool, &SQL_TICKET_SIMILAR, &params, DAEMON_READ_TIMEOUT_US,
                   on_candidates);
}

static const uint8_t *phone_index(struct request *r, const char *phone)
{
    char canonical[PHONE_SIZE];

    if (!phone || !phone_normalise(phone, canonical))
        return NULL;
    uint8_t *index = arena_alloc(r->arena, CRYPTO_SHA256_SIZE);
    pii_phone_index(r->d, canonical, index);
    return index;
}

static struct inquiry *new_inquiry(struct request *r, int64_t received_us)
{
    struct inquiry *q = arena_alloc(r->arena, sizeof(*q));

    q->limit = request_query_int(r, "limit", OFFERED_DEFAULT, 1, OFFERED_MAX);
    q->since_us = received_us - r->d->settings.duplicate_days * DAY_US;
    return q;
}

/* ---- of a draft --------------------------------------------------------------------------------
 */

static void ask_for_draft(struct request *r, struct inquiry *q, const struct ticket_draft *draft)
{
    similar_matter_read(draft->title, draft->text, r->arena, &q->matter);
    q->matter.received_us = r->now_us;
    q->region = draft->region ? draft->region : places_certain(r->d->city, draft->address);
    q->category = draft->category;
    q->phone_index = phone_index(r, draft->phone);
    if (q->phone_index) /* finds tickets by a phone: as in a list */
        audit_view(r, "ticket.search", 0, "{\"by\":\"phone\"}");
    ask(r, q);
}

static void check_codes(struct request *r, const struct ticket_draft *draft)
{
    if (city_find_category(r->d->city, draft->category) < 0)
        faults_add(&r->faults, "category", "not_found");
    if (draft->region && city_find_region(r->d->city, draft->region) < 0)
        faults_add(&r->faults, "region", "not_found");
}

void duplicates_post(struct request *r)
{
    struct inquiry *q = new_inquiry(r, r->now_us);
    struct ticket_draft draft;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    if (ticket_json_decode_draft(json_root(r->body), r->arena, &draft, &r->faults))
        check_codes(r, &draft);
    if (r->faults.count)
        request_reply_faults(r);
    else
        ask_for_draft(r, q, &draft);
}

/* ---- of a ticket -------------------------------------------------------------------------------
 */

static void ask_for_ticket(struct request *r, const struct ticket_record *record)
{
    const struct ticket_view *t = &record->view;
    struct inquiry *q = new_inquiry(r, t->received_us);

    similar_matter_read(record->title, record->text, r->arena, &q->matter);
    q->matter.received_us = t->received_us;
    q->self = t->number;
    q->until_us = t->received_us + r->d->settings.duplicate_days * DAY_US;
    q->region = t->region;
    q->category = t->category;
    q->phone_index = phone_index(r, record->phone);
    ask(r, q);
}

void ticket_duplicates_get(struct request *r)
{
    (void)request_query_int(r, "limit", OFFERED_DEFAULT, 1, OFFERED_MAX); /* its faults, early */
    ticket_view_one(r, "ticket.duplicates", ask_for_ticket);
}
