/*
 * Whatever json_parse() accepts, json_write_value() writes so that it parses to the same again,
 * and json_decode() takes or refuses it without harm.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
    const char *text;
    int64_t number;
    bool flag;
    int word;
    int64_t at_us;
    struct json_strings list;
    const struct json_value *any;
};

static const char *const words[] = {"a", "b", NULL};

static const struct field inner[] = {
    {.name = "s", .type = FIELD_STRING, .offset = offsetof(struct item, text), .max = 8},
    {.name = "i", .type = FIELD_INT, .offset = offsetof(struct item, number), .max = 100},
};

struct outer {
    struct item item;
    struct item child;
};

static const struct field fields[] = {
    {.name = "s", .type = FIELD_STRING, .max = 8, .flags = FIELD_MULTILINE},
    {.name = "i", .type = FIELD_INT, .offset = offsetof(struct item, number), .max = 100},
    {.name = "b", .type = FIELD_BOOL, .offset = offsetof(struct item, flag)},
    {.name = "e", .type = FIELD_ENUM, .offset = offsetof(struct item, word), .names = words},
    {.name = "t", .type = FIELD_INSTANT, .offset = offsetof(struct item, at_us)},
    {.name = "l", .type = FIELD_STRINGS, .offset = offsetof(struct item, list), .item_max = 4},
    {.name = "v", .type = FIELD_VALUE, .offset = offsetof(struct item, any)},
    {.name = "o",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct outer, child),
     .child = inner,
     .child_count = ARRAY_LEN(inner)},
};

static void check_faults(const struct faults *faults)
{
    INVARIANT(faults->count > 0 && faults->count <= JSON_MAX_FAULTS);
    for (size_t i = 0; i < faults->count; i++) {
        const char *field = faults->list[i].field;
        INVARIANT(utf8_valid(field, strlen(field)));
    }
}

static void check_decoding(const struct json_value *v, struct arena *arena)
{
    struct outer out = {0};
    struct faults faults;
    faults_init(&faults, arena);
    if (!json_decode(v, fields, ARRAY_LEN(fields), &out, arena, &faults)) {
        check_faults(&faults);
        return;
    }
    INVARIANT(out.item.text == NULL || utf8_valid(out.item.text, strlen(out.item.text)));
    INVARIANT(out.item.number >= 0 && out.item.number <= 100);
    for (size_t i = 0; i < out.item.list.count; i++)
        INVARIANT(out.item.list.list[i] != NULL);
}

static void check_round_trip(const struct json_value *v, struct faults *faults)
{
    struct sbuf first, second;
    sbuf_init(&first, 0);
    sbuf_init(&second, 0);
    json_write_value(&first, v);
    INVARIANT(!first.overflow && utf8_valid(first.data, first.len));
    struct json_doc *again = json_parse(first.data, first.len, faults);
    INVARIANT(again != NULL);
    INVARIANT(json_type(json_root(again)) == json_type(v));
    json_write_value(&second, json_root(again));
    INVARIANT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    json_doc_free(&again);
    sbuf_free(&first);
    sbuf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct faults faults;
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse((const char *)data, size, &faults);
    if (doc == NULL) {
        check_faults(&faults);
    } else {
        INVARIANT(faults.count == 0);
        check_round_trip(json_root(doc), &faults);
        check_decoding(json_root(doc), arena);
    }
    json_doc_free(&doc);
    arena_free(&arena);
    return 0;
}
