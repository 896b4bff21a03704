/*
 * events_page.c - places and pages of the event table for one reader.
 */
#include "daemon/events.h"

/* Events looked at for one page of a unit, however few are its own: a bound on one statement. */
#define SCAN_MAX 2000

enum { PAGE_HORIZON, PAGE_SCANNED, PAGE_LAST_XID, PAGE_LAST_ID, PAGE_EVENT };

struct events_reader events_reader_of(struct request *r)
{
    const char *unit = r->account->role == ROLE_UNIT ? r->account->unit : NULL;

    return (struct events_reader){
        .r = r,
        .who = {.unit = unit, .agent = unit ? NULL : r->account->agent},
        .scope = unit ? arena_printf(r->arena, "events|unit|%s", unit) : "events|all",
    };
}

void events_place_format(const struct events_reader *reader, struct push_cursor place,
                         char out[CURSOR_SIZE])
{
    const int64_t fields[] = {place.xid, place.id};

    cursor_format(reader->r->d->index_key, reader->scope, fields, ARRAY_LEN(fields), out);
}

bool events_place_parse(const struct events_reader *reader, const char *text,
                        struct push_cursor *place_r)
{
    int64_t fields[2];

    if (!cursor_parse(reader->r->d->index_key, reader->scope, text, fields, ARRAY_LEN(fields)))
        return false;
    *place_r = (struct push_cursor){fields[0], fields[1]};
    return true;
}

void events_page_params(struct pg_params *params, const struct events_reader *reader,
                        struct push_cursor place, int most, struct arena *arena)
{
    pg_params_init(params, arena);
    pg_param_text(params, arena_printf(arena, "%lld", (long long)place.xid));
    pg_param_int(params, place.id);
    pg_param_text(params, reader->who.unit);
    pg_param_int(params, most);
    pg_param_int(params, reader->who.unit && most ? SCAN_MAX : most);
    pg_param_text(params, reader->who.agent);
}

void events_page_read(const struct events_reader *reader, const struct pg_result *res, int most,
                      struct events_page *page_r)
{
    int64_t scanned = pg_result_int(res, 0, PAGE_SCANNED);
    bool has_event = !pg_result_null(res, 0, PAGE_EVENT);

    *page_r = (struct events_page){
        .res = res,
        .d = reader->r->d,
        .rows = has_event ? pg_result_rows(res) : 0,
    };
    if (most && page_r->rows == most) {
        page_r->scanned = (struct push_cursor){pg_result_int(res, most - 1, PAGE_EVENT),
                                               pg_result_int(res, most - 1, PAGE_EVENT + 1)};
    } else if (most && scanned >= SCAN_MAX) {
        page_r->scanned = (struct push_cursor){pg_result_int(res, 0, PAGE_LAST_XID),
                                               pg_result_int(res, 0, PAGE_LAST_ID)};
    } else {
        page_r->scanned = (struct push_cursor){pg_result_int(res, 0, PAGE_HORIZON), 0};
        page_r->is_fresh = true;
    }
}

struct push_event *events_page_event(const struct events_page *page, int row)
{
    return push_event_read(page->d, page->res, row, PAGE_EVENT);
}
