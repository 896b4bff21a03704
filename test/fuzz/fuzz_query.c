/*
 * Whatever query_parse() accepts, query_append() writes so that it parses to the same again.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_texts(const struct query *q)
{
    INVARIANT(q->count <= QUERY_MAX_PARAMS);
    for (size_t i = 0; i < q->count; i++) {
        INVARIANT(q->list[i].name[0] != '\0');
        INVARIANT(utf8_valid(q->list[i].name, strlen(q->list[i].name)));
        INVARIANT(utf8_valid(q->list[i].value, strlen(q->list[i].value)));
    }
}

static void check_round_trip(struct query *q, struct arena *arena, struct faults *faults)
{
    struct query again;
    struct sbuf text;
    sbuf_init(&text, 0);
    for (size_t i = 0; i < q->count; i++)
        query_append(&text, q->list[i].name, q->list[i].value);
    INVARIANT(query_parse(text.data, text.len, &again, arena, faults));
    INVARIANT(again.count == q->count);
    for (size_t i = 0; i < q->count; i++) {
        INVARIANT(strcmp(again.list[i].name, q->list[i].name) == 0);
        INVARIANT(strcmp(query_get(q, again.list[i].name), again.list[i].value) == 0);
    }
    query_reject_unused(q, faults);
    INVARIANT(faults->count == 0);
    sbuf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct faults faults;
    struct query q;
    faults_init(&faults, arena);
    bool ok = query_parse((const char *)data, size, &q, arena, &faults);
    INVARIANT(ok == (faults.count == 0));
    check_texts(&q);
    if (ok)
        check_round_trip(&q, arena, &faults);
    arena_free(&arena);
    return 0;
}
