/*
 * queue_rows.c - columns by name of position; the list is that of queue_list.sql and
 * queue_claim.sql.
 */
#include "daemon/pii.h"
#include "daemon/queue.h"

enum column {
    COL_FREE,
    COL_NUMBER,
    COL_ORDINAL,
    COL_STATE,
    COL_ROLE,
    COL_ROUND,
    COL_DUE,
    COL_DELIVERIES,
    COL_LEASE,
    COL_LEASE_UNTIL,
    COL_TITLE,
    COL_TEXT,
    COL_KIND,
    COL_URGENCY,
    COL_CATEGORY,
    COL_REGION,
    COL_ADDRESS,
    COL_RECEIVED,
    COL_TICKET_STATE,
    COL_VERSION,
    COL_IS_CONFIDENTIAL,
    COL_IS_ANONYMOUS,
    COL_NAME,
    COL_PHONE
};

int queue_rows_count(const struct pg_result *res)
{
    return pg_result_null(res, 0, COL_NUMBER) ? 0 : pg_result_rows(res);
}

int64_t queue_rows_free_us(const struct pg_result *res)
{
    return pg_result_instant(res, 0, COL_FREE);
}

static const char *text_or_null(const struct pg_result *res, int row, enum column col)
{
    return pg_result_null(res, row, (int)col) ? NULL : pg_result_text(res, row, (int)col);
}

static const char *open_column(const struct request *r, const struct pg_result *res, int row,
                               enum column col, const char *aad)
{
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, (int)col, r->arena, &len);

    return pii_open(r->d, aad, sealed, len, r->arena);
}

/* Who may see a requester is decided in one place; identities that nobody will see stay sealed. */
static void read_requester(const struct request *r, const struct pg_result *res, int row,
                           struct queue_entry *e)
{
    const struct ticket_record record = {.is_confidential =
                                             pg_result_bool(res, row, COL_IS_CONFIDENTIAL)};

    e->is_confidential = record.is_confidential;
    e->is_anonymous = pg_result_bool(res, row, COL_IS_ANONYMOUS);
    e->sees_identity = auth_sight(r->account, &record).sees_identity;
    if (!e->sees_identity)
        return;
    e->name = open_column(r, res, row, COL_NAME, "requester.name");
    e->phone = open_column(r, res, row, COL_PHONE, "requester.phone");
}

struct queue_entry queue_rows_read(const struct request *r, const struct pg_result *res, int row)
{
    struct queue_entry e = {
        .number = pg_result_int(res, row, COL_NUMBER),
        .ordinal = (int)pg_result_int(res, row, COL_ORDINAL),
        .state = pg_result_text(res, row, COL_STATE),
        .role = pg_result_text(res, row, COL_ROLE),
        .round = (int)pg_result_int(res, row, COL_ROUND),
        .due_us = pg_result_instant(res, row, COL_DUE),
        .deliveries = (int)pg_result_int(res, row, COL_DELIVERIES),
        .lease = text_or_null(res, row, COL_LEASE),
        .lease_until_us = pg_result_instant(res, row, COL_LEASE_UNTIL),
        .title = pg_result_text(res, row, COL_TITLE),
        .text = pg_result_text(res, row, COL_TEXT),
        .kind = pg_result_text(res, row, COL_KIND),
        .urgency = pg_result_text(res, row, COL_URGENCY),
        .category = pg_result_text(res, row, COL_CATEGORY),
        .region = text_or_null(res, row, COL_REGION),
        .address = text_or_null(res, row, COL_ADDRESS),
        .received_us = pg_result_instant(res, row, COL_RECEIVED),
        .ticket_state = pg_result_text(res, row, COL_TICKET_STATE),
        .version = (int)pg_result_int(res, row, COL_VERSION),
    };

    read_requester(r, res, row, &e);
    return e;
}
