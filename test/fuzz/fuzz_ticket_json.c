/*
 * Whatever arrives as a draft or as an order: it is taken within the limits or refused with faults
 * that name fields, and a number taken from it is canonical. The first byte chooses the form.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/ticket_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t min, size_t max)
{
    if (!s)
        return;
    size_t len = strlen(s);
    INVARIANT(utf8_valid(s, len));
    size_t count = utf8_length(s, len);
    INVARIANT(count >= min && count <= max);
}

static void check_faults(const struct faults *faults)
{
    INVARIANT(faults->count > 0 && faults->count <= JSON_MAX_FAULTS);
    for (size_t i = 0; i < faults->count; i++)
        check_text(faults->list[i].field, 0, SIZE_MAX);
}

static void check_phone(const char *phone)
{
    char out[PHONE_SIZE], again[PHONE_SIZE], masked[PHONE_SIZE];

    if (!phone || !phone_normalise(phone, out))
        return;
    size_t len = strlen(out);
    INVARIANT(len >= 3 && len < PHONE_SIZE && strspn(out, "0123456789") == len);
    INVARIANT(phone_normalise(out, again));
    phone_mask(out, masked);
    INVARIANT(strlen(masked) == len && strchr(masked, '*'));
}

static void check_draft(const struct json_value *v, struct arena *arena)
{
    struct ticket_draft d;
    struct faults faults;

    faults_init(&faults, arena);
    if (!ticket_json_decode_draft(v, arena, &d, &faults)) {
        check_faults(&faults);
        return;
    }
    INVARIANT(d.channel >= 0 && d.channel < CHANNEL_COUNT && d.kind >= 0 && d.kind < KIND_COUNT);
    INVARIANT(d.urgency >= 0 && d.urgency < URGENCY_COUNT);
    INVARIANT(d.category && d.title && d.text);
    check_text(d.category, 1, TICKET_CODE_MAX);
    check_text(d.region, 1, TICKET_CODE_MAX);
    check_text(d.address, 0, TICKET_ADDRESS_MAX);
    check_text(d.title, 1, TICKET_TITLE_MAX);
    check_text(d.text, 1, TICKET_TEXT_MAX);
    check_text(d.name, 1, TICKET_NAME_MAX);
    check_phone(d.phone);
}

static void check_order(const struct json_value *v, enum ticket_action action, struct arena *arena)
{
    struct ticket_order o;
    struct faults faults;

    faults_init(&faults, arena);
    if (!ticket_json_decode_order(action, v, arena, &o, &faults)) {
        check_faults(&faults);
        return;
    }
    check_text(o.text, 1, TICKET_OPINION_MAX);
    check_text(o.internal, 1, TICKET_OPINION_MAX);
    check_text(o.public_reply, 1, TICKET_OPINION_MAX);
    check_text(o.lead_unit, 1, TICKET_CODE_MAX);
    INVARIANT(o.co_units.count <= ROUTE_MAX_CO_UNITS);
    INVARIANT(o.contacted >= -1 && o.contacted <= 1 && o.solved >= -1 && o.solved <= 1);
    INVARIANT(o.satisfied >= 0 && o.satisfied <= 5);
    INVARIANT(action != ACTION_CALLBACK || (o.reached ? o.solved >= 0 : o.solved == -1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults;

    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse((const char *)data + 1, size - 1, &faults);
    if (doc) {
        unsigned form = (unsigned)(data[0] - (data[0] >= 'a' ? 'a' : 0)) % (ACTION_COUNT + 1);
        if (form == 0)
            check_draft(json_root(doc), arena);
        else
            check_order(json_root(doc), (enum ticket_action)(form - 1), arena);
    }
    json_doc_free(&doc);
    arena_free(&arena);
    return 0;
}
