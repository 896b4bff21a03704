/*
 * Tickets as they come in and go out: every limit of a draft, phone numbers as people write them,
 * the orders of each action, and who sees what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sbuf.h"
#include "hotline/ticket_number.h"
#include "proto/ticket_json.h"
#include "unit/hotline/ticket_fixture.h"

struct input {
    struct arena *arena;
    struct json_doc *doc;
    struct faults faults;
};

static void input_free(struct input *in)
{
    json_doc_free(&in->doc);
    arena_free(&in->arena);
}

/* Parses a text that is JSON; the decoder's faults follow in in->faults. */
static const struct json_value *input_parse(struct input *in, const char *text)
{
    *in = (struct input){.arena = arena_new()};
    faults_init(&in->faults, in->arena);
    in->doc = json_parse(text, strlen(text), &in->faults);
    assert_non_null(in->doc);
    return json_root(in->doc);
}

static void assert_fault(const struct faults *faults, const char *field, const char *reason)
{
    assert_int_equal(faults->count, 1);
    assert_string_equal(faults->list[0].field, field);
    assert_string_equal(faults->list[0].reason, reason);
}

/* ---- drafts -------------------------------------------------------------------------------- */

#define DRAFT_HEAD "{\"channel\":\"phone\",\"kind\":\"help\",\"category\":\"0101\""
#define DRAFT_TEXTS ",\"title\":\"t\",\"text\":\"x\""

static bool decode_draft(struct input *in, const char *text, struct ticket_draft *draft)
{
    const struct json_value *body = input_parse(in, text);

    return ticket_json_decode_draft(body, in->arena, draft, &in->faults);
}

static void test_draft(void **state)
{
    struct ticket_draft d;
    struct input in;

    (void)state;
    assert_true(
        decode_draft(&in,
                     "{\"channel\":\"upstream\",\"kind\":\"praise\",\"urgency\":\"critical\","
                     "\"category\":\"0101\",\"region\":\"620201100000\",\"address\":\"路1号\","
                     "\"title\":\"标题\",\"text\":\"一\\n二\\t三\",\"call_id\":\"c-1\","
                     "\"requester\":{\"name\":\"李\",\"phone\":\"138 0013 8000\","
                     "\"anonymous\":false,\"confidential\":true}}",
                     &d));
    assert_int_equal(d.channel, CHANNEL_UPSTREAM);
    assert_int_equal(d.kind, KIND_PRAISE);
    assert_int_equal(d.urgency, URGENCY_CRITICAL);
    assert_string_equal(d.text, "一\n二\t三");
    assert_string_equal(d.address, "路1号");
    assert_string_equal(d.call_id, "c-1");
    assert_true(d.has_requester && d.confidential && !d.anonymous);
    assert_string_equal(d.name, "李");
    assert_string_equal(d.phone, "138 0013 8000");
    input_free(&in);
    assert_true(decode_draft(&in, DRAFT_HEAD DRAFT_TEXTS "}", &d));
    assert_int_equal(d.urgency, URGENCY_NORMAL);
    assert_false(d.has_requester);
    assert_null(d.region);
    assert_null(d.phone);
    input_free(&in);
}

/* The words of the wire are those of the vocabulary, in the order of the enums. */
static void test_draft_words(void **state)
{
    static const struct {
        const char *field;
        const struct word *words;
        int count;
        size_t offset;
    } lists[] = {
        {"channel", channel_words, CHANNEL_COUNT, offsetof(struct ticket_draft, channel)},
        {"kind", kind_words, KIND_COUNT, offsetof(struct ticket_draft, kind)},
        {"urgency", urgency_words, URGENCY_COUNT, offsetof(struct ticket_draft, urgency)},
    };
    (void)state;
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (int i = 0; i < lists[l].count; i++) {
            struct ticket_draft d;
            struct input in;
            char text[256];
            bool is_channel = l == 0, is_kind = l == 1;
            (void)snprintf(
                text, sizeof(text), "{%s%s\"%s\":\"%s\",\"category\":\"1\"" DRAFT_TEXTS "}",
                is_channel ? "" : "\"channel\":\"web\",", is_kind ? "" : "\"kind\":\"help\",",
                lists[l].field, lists[l].words[i].code);
            assert_true(decode_draft(&in, text, &d));
            assert_int_equal(*(const int *)((const char *)&d + lists[l].offset), i);
            input_free(&in);
        }
    }
}

static void test_draft_faults(void **state)
{
    static const struct {
        const char *text, *field, *reason;
    } cases[] = {
        {"{\"kind\":\"help\",\"category\":\"1\"" DRAFT_TEXTS "}", "channel", "required"},
        {"{\"channel\":\"web\",\"category\":\"1\"" DRAFT_TEXTS "}", "kind", "required"},
        {"{\"channel\":\"web\",\"kind\":\"help\"" DRAFT_TEXTS "}", "category", "required"},
        {DRAFT_HEAD ",\"text\":\"x\"}", "title", "required"},
        {DRAFT_HEAD ",\"title\":\"x\"}", "text", "required"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"text2\":1}", "text2", "unknown"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"phones\":1}}", "requester.phones", "unknown"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"number\":1}", "number", "unknown"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"urgency\":2}", "urgency", "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"urgency\":\"Urgent\"}", "urgency", "not_allowed"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"region\":620200}", "region", "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"region\":\"\"}", "region", "too_short"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"address\":[]}", "address", "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":\"li\"}", "requester", "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"anonymous\":1}}", "requester.anonymous",
         "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"confidential\":\"true\"}}",
         "requester.confidential", "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"phone\":13800138000}}", "requester.phone",
         "wrong_type"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"phone\":\"call me\"}}", "requester.phone",
         "format"},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"name\":\"\"}}", "requester.name", "too_short"},
        {DRAFT_HEAD ",\"title\":\"\",\"text\":\"x\"}", "title", "too_short"},
        {DRAFT_HEAD ",\"title\":\"t\",\"text\":\"\"}", "text", "too_short"},
        {DRAFT_HEAD ",\"title\":\"a\\nb\",\"text\":\"x\"}", "title", "format"},
        {DRAFT_HEAD ",\"title\":\"t\",\"text\":\"a\\u0007b\"}", "text", "format"},
        {"[]", "", "wrong_type"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ticket_draft d;
        struct input in;
        assert_false(decode_draft(&in, cases[i].text, &d));
        assert_fault(&in.faults, cases[i].field, cases[i].reason);
        input_free(&in);
    }
}

/* A string field with so many characters of three bytes each. */
static bool draft_with(struct input *in, const char *before, size_t count, const char *after)
{
    struct ticket_draft d;
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_adds(&text, before);
    for (size_t i = 0; i < count; i++)
        sbuf_adds(&text, "字");
    sbuf_adds(&text, after);
    bool is_good = decode_draft(in, text.data, &d);
    sbuf_free(&text);
    return is_good;
}

static void test_draft_limits(void **state)
{
    static const struct {
        const char *before, *after, *field;
        size_t max;
    } cases[] = {
        {DRAFT_HEAD ",\"title\":\"t\",\"text\":\"", "\"}", "text", TICKET_TEXT_MAX},
        {DRAFT_HEAD ",\"text\":\"t\",\"title\":\"", "\"}", "title", TICKET_TITLE_MAX},
        {DRAFT_HEAD DRAFT_TEXTS ",\"address\":\"", "\"}", "address", TICKET_ADDRESS_MAX},
        {DRAFT_HEAD DRAFT_TEXTS ",\"region\":\"", "\"}", "region", TICKET_CODE_MAX},
        {DRAFT_HEAD DRAFT_TEXTS ",\"call_id\":\"", "\"}", "call_id", 250},
        {DRAFT_HEAD DRAFT_TEXTS ",\"requester\":{\"name\":\"", "\"}}", "requester.name",
         TICKET_NAME_MAX},
        {"{\"channel\":\"web\",\"kind\":\"help\"" DRAFT_TEXTS ",\"category\":\"", "\"}", "category",
         TICKET_CODE_MAX},
    };
    struct input in;

    (void)state;
    assert_int_equal(TICKET_TEXT_MAX, 8000);
    assert_true(draft_with(&in, cases[0].before, 7000, cases[0].after));
    input_free(&in);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(draft_with(&in, cases[i].before, cases[i].max, cases[i].after));
        input_free(&in);
        assert_false(draft_with(&in, cases[i].before, cases[i].max + 1, cases[i].after));
        assert_fault(&in.faults, cases[i].field, "too_long");
        input_free(&in);
    }
}

/* ---- phones -------------------------------------------------------------------------------- */

static void test_phone_forms(void **state)
{
    static const struct {
        const char *given, *canonical;
    } cases[] = {
        {"13800138000", "13800138000"},
        {"138 0013 8000", "13800138000"},
        {"138-0013-8000", "13800138000"},
        {"(138)0013.8000", "13800138000"},
        {"+86 138 0013 8000", "13800138000"},
        {"+8613800138000", "13800138000"},
        {"(+86)13800138000", "13800138000"},
        {"+86-138-0013-8000", "13800138000"},
        {"0086 13800138000", "13800138000"},
        {"008613800138000", "13800138000"},
        {"8613800138000", "13800138000"},
        {"013800138000", "13800138000"},
        {"+86 013800138000", "13800138000"},
        {"１３８００１３８０００", "13800138000"},
        {"＋８６　１３８－００１３－８０００", "13800138000"},
        {"138\xc2\xa0"
         "0013\xc2\xa0"
         "8000",
         "13800138000"},
        {"0510-86861234", "051086861234"},
        {"（0510）86861234", "051086861234"},
        {"+86 510 8686 1234", "051086861234"},
        {"+86 0510 8686 1234", "051086861234"},
        {"0086-510-86861234", "051086861234"},
        {"86-0510-86861234", "051086861234"},
        {"86 510 86861234", "051086861234"},
        {"0937-6226100", "09376226100"},
        {"+86 937 6226100", "09376226100"},
        {"010-65529988", "01065529988"},
        {"+86 10 6552 9988", "01065529988"},
        {"86 10 6552 9988", "01065529988"},
        {"0086 021 5555 5555", "02155555555"},
        /* local numbers that begin like the country's code, with and without an extension */
        {"86861234", "86861234"},
        {"86861234-8001", "868612348001"},
        {"0510-86861234-801", "051086861234801"},
        {"010-65529988-1", "010655299881"}, /* as long as a mobile with a 0 in front */
        {"4001234567", "4001234567"},
        {"400-123-4567", "4001234567"},
        {"+86 400 123 4567", "4001234567"},
        {"+86 800 820 1234", "8008201234"},
        {"95588", "95588"},
        {"+86 95588", "95588"},
        {"0086 95588", "95588"},
        {"12345", "12345"},
        {"+86 12345", "12345"},
        {"110", "110"},
        {"119", "119"},
        /* elsewhere */
        {"+852 2345 6789", "85223456789"},
        {"00852 2345 6789", "85223456789"},
        {"+1 202 555 0123", "12025550123"},
        {"12345678901234567890", "12345678901234567890"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[PHONE_SIZE], again[PHONE_SIZE];
        if (!phone_normalise(cases[i].given, out))
            fail_msg("'%s' was refused", cases[i].given);
        if (strcmp(out, cases[i].canonical) != 0)
            fail_msg("'%s' became %s", cases[i].given, out);
        assert_true(phone_normalise(out, again));
        assert_string_equal(again, out); /* what is canonical stays as it is */
    }
}

static void test_phone_garbage(void **state)
{
    static const char *const cases[] = {
        "",     "1",          "12",          "1-2",          "+",
        "++",   "abc",        "1380013800x", "138+00138000", "++8613800138000",
        "138#", "tel:138001", "١٢٣٤٥٦٧٨٩",   "转8001",       "123456789012345678901",
        "（）", "--- ---",    "138\t0013",   "１２",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[PHONE_SIZE];
        if (phone_normalise(cases[i], out))
            fail_msg("'%s' became %s", cases[i], out);
    }
}

static void test_phone_mask(void **state)
{
    static const struct {
        const char *phone, *masked;
    } cases[] = {
        {"13812341234", "138****1234"},
        {"051086861234", "051*****1234"},
        {"86861234", "****1234"},
        {"4001234567", "******4567"},
        {"12345", "***45"},
        {"110", "*10"},
        {"1", "1"},
        {"", ""},
        {"12345678901234567890", "123*************7890"},
        /* longer than any canonical number: cut, never written past the end */
        {"123456789012345678901234567890", "123****************0123"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[PHONE_SIZE];
        phone_mask(cases[i].phone, out);
        assert_string_equal(out, cases[i].masked);
    }
}

/* ---- orders -------------------------------------------------------------------------------- */

static bool decode_order(struct input *in, enum ticket_action action, const char *text,
                         struct ticket_order *order)
{
    const struct json_value *body = input_parse(in, text);

    return ticket_json_decode_order(action, body, in->arena, order, &in->faults);
}

static void test_order_faults(void **state)
{
    static const struct {
        enum ticket_action action;
        const char *text, *field, *reason;
    } cases[] = {
        {ACTION_ANSWER, "{}", "reply", "required"},
        {ACTION_ANSWER, "{\"reply\":\"\"}", "reply", "too_short"},
        {ACTION_ANSWER, "{\"reply\":\"r\",\"text\":\"t\"}", "text", "unknown"},
        {ACTION_DISPATCH, "{}", "lead_unit", "required"},
        {ACTION_DISPATCH, "{\"lead_unit\":\"TA\",\"co_units\":\"TB\"}", "co_units", "wrong_type"},
        {ACTION_DISPATCH, "{\"lead_unit\":\"TA\",\"co_units\":[1]}", "co_units[0]", "wrong_type"},
        {ACTION_REJECT, "{}", "ground", "required"},
        {ACTION_REFER, "{}", "to", "required"},
        {ACTION_WITHDRAW, "{\"to\":\"110\"}", "to", "unknown"},
        {ACTION_REVIEW, "{}", "pass", "required"},
        {ACTION_REVIEW, "{\"pass\":\"yes\"}", "pass", "wrong_type"},
        {ACTION_NOTE, "{}", "text", "required"},
        {ACTION_URGE, "{}", "text", "required"},
        {ACTION_SUPERVISE, "{}", "text", "required"},
        {ACTION_SIGN, "{\"lease\":1}", "lease", "wrong_type"},
        {ACTION_SIGN, "{\"text\":\"t\"}", "text", "unknown"},
        {ACTION_REPORT, "{\"solved\":true}", "public_reply", "required"},
        {ACTION_REPORT, "{\"public_reply\":\"r\"}", "solved", "required"},
        {ACTION_REPORT, "{\"public_reply\":\"r\",\"solved\":1}", "solved", "wrong_type"},
        {ACTION_CALLBACK, "{}", "reached", "required"},
        {ACTION_CALLBACK, "{\"reached\":true}", "solved", "required"},
        {ACTION_CALLBACK, "{\"reached\":false,\"satisfied\":5}", "satisfied", "not_allowed"},
        {ACTION_CALLBACK, "{\"reached\":false,\"solved\":true}", "solved", "not_allowed"},
        {ACTION_CALLBACK, "{\"reached\":false,\"contacted\":true}", "contacted", "not_allowed"},
        {ACTION_CALLBACK, "{\"reached\":true,\"solved\":true,\"satisfied\":6}", "satisfied",
         "range"},
        {ACTION_CALLBACK, "{\"reached\":true,\"solved\":true,\"satisfied\":0}", "satisfied",
         "range"},
        {ACTION_CALLBACK, "{\"reached\":true,\"solved\":true,\"satisfied\":4.5}", "satisfied",
         "wrong_type"},
        {ACTION_RECEIVE, "{\"text\":\"t\"}", "text", "unknown"},
        {ACTION_ARCHIVE, "[]", "", "wrong_type"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ticket_order order;
        struct input in;
        assert_false(decode_order(&in, cases[i].action, cases[i].text, &order));
        assert_fault(&in.faults, cases[i].field, cases[i].reason);
        input_free(&in);
    }
}

static void test_orders(void **state)
{
    struct ticket_order o;
    struct input in;

    (void)state;
    assert_true(decode_order(&in, ACTION_DISPATCH,
                             "{\"lead_unit\":\"TA\",\"co_units\":[\"TB\",\"WATER\"]}", &o));
    assert_string_equal(o.lead_unit, "TA");
    assert_int_equal(o.co_units.count, 2);
    assert_string_equal(o.co_units.list[1], "WATER");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_REPORT,
                             "{\"solved\":false,\"internal\":\"i\",\"public_reply\":\"p\\nq\"}",
                             &o));
    assert_int_equal(o.solved, 0);
    assert_string_equal(o.internal, "i");
    assert_string_equal(o.public_reply, "p\nq");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_REFER, "{\"to\":\"120\",\"text\":\"t\"}", &o));
    assert_string_equal(o.to, "120");
    assert_string_equal(o.text, "t");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_ANSWER, "{\"reply\":\"r\"}", &o));
    assert_string_equal(o.text, "r");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_REJECT, "{\"ground\":\"g\"}", &o));
    assert_string_equal(o.text, "g");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_SIGN, "{\"lease\":\"abcd\"}", &o));
    assert_string_equal(o.lease, "abcd");
    input_free(&in);
    assert_true(decode_order(&in, ACTION_REVIEW, "{\"pass\":true}", &o));
    assert_true(o.pass);
    input_free(&in);
}

static void test_order_of_callback(void **state)
{
    struct ticket_order o;
    struct input in;

    (void)state;
    assert_true(
        decode_order(&in, ACTION_CALLBACK,
                     "{\"reached\":true,\"contacted\":true,\"solved\":false,\"satisfied\":2}", &o));
    assert_true(o.reached);
    assert_int_equal(o.contacted, 1);
    assert_int_equal(o.solved, 0);
    assert_int_equal(o.satisfied, 2);
    input_free(&in);
    assert_true(decode_order(&in, ACTION_CALLBACK, "{\"reached\":true,\"solved\":true}", &o));
    assert_int_equal(o.contacted, -1);
    assert_int_equal(o.satisfied, 0);
    input_free(&in);
    /* who was not reached has said nothing, not "no" */
    assert_true(decode_order(&in, ACTION_CALLBACK,
                             "{\"reached\":false,\"contacted\":false,\"solved\":false}", &o));
    assert_int_equal(o.contacted, -1);
    assert_int_equal(o.solved, -1);
    input_free(&in);
}

/* No body is the same as an empty one. */
static void test_order_without_body(void **state)
{
    (void)state;
    for (int action = 0; action < ACTION_COUNT; action++) {
        struct ticket_order none, empty;
        struct input in, other;
        bool is_good = decode_order(&in, (enum ticket_action)action, "{}", &empty);
        (void)input_parse(&other, "{}");
        assert_int_equal(ticket_json_decode_order((enum ticket_action)action, NULL, other.arena,
                                                  &none, &other.faults),
                         is_good);
        assert_int_equal(other.faults.count, in.faults.count);
        for (size_t i = 0; i < in.faults.count; i++)
            assert_string_equal(other.faults.list[i].field, in.faults.list[i].field);
        input_free(&in);
        input_free(&other);
    }
}

static bool dispatch_to(size_t units, struct faults *faults_r)
{
    struct ticket_order o;
    struct sbuf text;
    struct input in;

    sbuf_init(&text, 0);
    sbuf_adds(&text, "{\"lead_unit\":\"L\",\"co_units\":[");
    for (size_t i = 0; i < units; i++)
        sbuf_addf(&text, "%s\"U%zu\"", i ? "," : "", i);
    sbuf_adds(&text, "]}");
    bool is_good = decode_order(&in, ACTION_DISPATCH, text.data, &o);
    *faults_r = in.faults;
    if (!is_good)
        assert_fault(&in.faults, "co_units", "too_long");
    sbuf_free(&text);
    input_free(&in);
    return is_good;
}

static void test_order_has_bounded_units(void **state)
{
    struct faults faults;

    (void)state;
    assert_true(dispatch_to(ROUTE_MAX_CO_UNITS, &faults));
    assert_false(dispatch_to(ROUTE_MAX_CO_UNITS + 1, &faults));
}

/* ---- ids ----------------------------------------------------------------------------------- */

static bool reserve(void *ctx, int64_t tick)
{
    (void)ctx;
    return tick > 0;
}

static int64_t a_number(void)
{
    struct ticket_numbers numbers;
    int64_t number;

    ticket_numbers_init(&numbers, 0, 480, 0, reserve, NULL);
    assert_true(ticket_numbers_next(&numbers, at("2026-02-13 10:00"), &number));
    return number;
}

static void test_assignment_ids(void **state)
{
    static const char *const bad[] = {"",      "-",     "-1",       "%s",    "%s-",
                                      "%s-0",  "%s-01", "%s-12345", "%s-1x", "%s--1",
                                      "%s-+1", "%s- 1", "x%s-1",    "%s1-1"};
    char id[ASSIGNMENT_ID_SIZE], digits[TICKET_NUMBER_SIZE], text[64];
    int64_t number = a_number(), parsed;
    int ordinal;

    (void)state;
    for (int i = 1; i <= 9999; i = i * 3 + 1) {
        assignment_id_format(number, i, id);
        assert_true(assignment_id_parse(id, &parsed, &ordinal));
        assert_int_equal(parsed, number);
        assert_int_equal(ordinal, i);
    }
    ticket_number_format(number, digits);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *percent = strstr(bad[i], "%s");
        int before = percent ? (int)(percent - bad[i]) : 0;
        (void)snprintf(text, sizeof(text), "%.*s%s%s", before, bad[i], percent ? digits : "",
                       percent ? percent + 2 : bad[i]);
        if (assignment_id_parse(text, &parsed, &ordinal))
            fail_msg("'%s' was taken", text);
    }
    digits[3] = (char)('0' + (digits[3] - '0' + 1) % 10);
    (void)snprintf(text, sizeof(text), "%s-1", digits);
    assert_false(assignment_id_parse(text, &parsed, &ordinal)); /* the check digit */
}

/* ---- out ----------------------------------------------------------------------------------- */

static struct ticket_record a_record(struct ticket_rig *rig)
{
    static const char *const co[] = {"TB"};
    static struct assignment_lease leases[2];

    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", NULL, KIND_HELP, URGENCY_NORMAL);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TA", co, 1));
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_SIGN, "TB", 2));
    rig_do(rig, rig_unit(ACTION_REPORT, "TB", 2));
    rig->view.number = a_number();
    leases[0] = (struct assignment_lease){.deliveries = 1};
    leases[1] = (struct assignment_lease){.deliveries = 2};
    return (struct ticket_record){.view = rig->view,
                                  .query_code = "ABCDEFGH",
                                  .address = "路1号",
                                  .title = "标题 \"quoted\"",
                                  .text = "line\nline",
                                  .rule_set = 3,
                                  .route_reason = "manual",
                                  .name = "李女士",
                                  .phone = "13812341234",
                                  .leases = leases};
}

/* Writes the ticket and reads it back with the strict parser. */
static struct json_doc *write_ticket(struct ticket_rig *rig, const struct ticket_record *record,
                                     const struct ticket_sight *sight, struct sbuf *out)
{
    struct json_writer w;
    struct faults faults;

    faults_init(&faults, rig->context.arena);
    sbuf_init(out, 0);
    jw_init(&w, out);
    jw_object(&w, NULL);
    ticket_json_write(&w, record, rig->city, sight);
    ticket_json_write_deadlines(&w, &record->view, 480);
    jw_object_end(&w);
    struct json_doc *doc = json_parse(out->data, out->len, &faults);
    assert_non_null(doc);
    return doc;
}

static const char *text_at(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static void check_ticket_members(const struct json_value *t)
{
    const struct json_value *route = json_get(t, "route");

    assert_string_equal(text_at(t, "state"), "handling");
    assert_string_equal(text_at(t, "kind"), "help");
    assert_string_equal(text_at(t, "category_name"), "噪声");
    assert_string_equal(text_at(t, "title"), "标题 \"quoted\"");
    assert_string_equal(text_at(t, "text"), "line\nline");
    assert_string_equal(text_at(t, "received_at"), "2026-02-13T10:00:00+08:00");
    assert_string_equal(text_at(t, "deepest_tier"), "town");
    assert_int_equal(json_type(json_get(t, "closed_at")), JSON_NULL);
    assert_int_equal(json_type(json_get(t, "closed_on_time")), JSON_NULL);
    assert_int_equal(json_int(json_get(t, "version")), 5);
    assert_string_equal(text_at(route, "rule_set"), "3");
    assert_string_equal(text_at(route, "lead_unit"), "TA");
    assert_string_equal(json_string(json_at(json_get(route, "co_units"), 0), NULL), "TB");
}

static void test_output_for_the_desk(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_record record = a_record(rig);
    struct ticket_sight sight = {.sees_identity = true, .sees_query_code = true};
    struct sbuf out;
    struct json_doc *doc = write_ticket(rig, &record, &sight, &out);
    const struct json_value *t = json_root(doc), *r = json_get(t, "requester");
    const struct json_value *co = json_at(json_get(t, "assignments"), 1);

    check_ticket_members(t);
    assert_string_equal(text_at(t, "query_code"), "ABCDEFGH");
    assert_string_equal(text_at(r, "name"), "李女士");
    assert_string_equal(text_at(r, "phone"), "138****1234");
    assert_null(strstr(out.data, "13812341234"));
    assert_string_equal(text_at(co, "unit_name"), "钢城街道");
    assert_string_equal(text_at(co, "role"), "co");
    assert_string_equal(text_at(co, "state"), "reported");
    assert_string_equal(text_at(co, "internal"), "for the desk");
    assert_int_equal(json_int(json_get(co, "deliveries")), 2);
    json_doc_free(&doc);
    sbuf_free(&out);
}

static void test_output_for_a_unit(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_record record = a_record(rig);
    struct ticket_sight sight = {.unit = "TA", .sees_identity = true};
    struct sbuf out;
    struct json_doc *doc = write_ticket(rig, &record, &sight, &out);
    const struct json_value *t = json_root(doc);
    const struct json_value *own = json_at(json_get(t, "assignments"), 0);
    const struct json_value *co = json_at(json_get(t, "assignments"), 1);

    check_ticket_members(t);
    assert_null(json_get(t, "query_code"));
    assert_string_equal(text_at(json_get(t, "requester"), "name"), "李女士");
    assert_non_null(json_get(own, "deliveries"));
    /* what others wrote for the desk is not for this unit */
    assert_null(json_get(co, "internal"));
    assert_null(json_get(co, "deliveries"));
    assert_string_equal(text_at(co, "public_reply"), "for the citizen");
    assert_null(strstr(out.data, "for the desk"));
    json_doc_free(&doc);
    sbuf_free(&out);
}

/* Below the hotline nobody learns who asked, even if the caller got the sight wrong. */
static void test_output_of_a_confidential_ticket(void **state)
{
    static const struct {
        struct ticket_sight sight;
        bool sees;
    } cases[] = {
        {{.unit = "TA", .sees_identity = true}, false},
        {{.unit = "TA", .sees_identity = false}, false},
        {{.unit = NULL, .sees_identity = false}, false},
        {{.unit = NULL, .sees_identity = true}, true},
    };
    struct ticket_rig *rig = *state;
    struct ticket_record record = a_record(rig);

    record.is_confidential = true;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sbuf out;
        struct json_doc *doc = write_ticket(rig, &record, &cases[i].sight, &out);
        const struct json_value *r = json_get(json_root(doc), "requester");
        assert_true(json_bool(json_get(r, "confidential")));
        assert_int_equal(json_get(r, "name") != NULL, cases[i].sees);
        assert_int_equal(json_get(r, "phone") != NULL, cases[i].sees);
        assert_int_equal(strstr(out.data, "李女士") != NULL, cases[i].sees);
        assert_int_equal(strstr(out.data, "1234\"") != NULL, cases[i].sees);
        json_doc_free(&doc);
        sbuf_free(&out);
    }
}

static void test_output_of_clocks(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_record record = a_record(rig);
    struct ticket_sight sight = {.sees_identity = true};
    struct sbuf out;
    struct json_doc *doc = write_ticket(rig, &record, &sight, &out);
    const struct json_value *clocks = json_get(json_root(doc), "clocks");
    const struct json_value *deadlines = json_get(json_root(doc), "deadlines");
    size_t running = 0;

    assert_int_equal(json_array_length(clocks), record.view.clock_count);
    for (size_t i = 0; i < json_array_length(clocks); i++) {
        const struct json_value *c = json_at(clocks, i);
        bool is_own = json_type(json_get(c, "unit")) == JSON_STRING;
        assert_int_equal(is_own, record.view.clocks[i].assignment != 0);
        running += strcmp(text_at(c, "state"), "running") == 0;
    }
    const struct json_value *resolve = json_at(clocks, 1);
    assert_string_equal(text_at(resolve, "clock"), "resolve");
    assert_string_equal(text_at(resolve, "due_at"), "2026-02-27T17:30:00+08:00");
    assert_string_equal(text_at(resolve, "warn_at"), "2026-02-26T14:22:30+08:00");
    assert_int_equal(json_type(json_get(resolve, "met_at")), JSON_NULL);
    assert_int_equal(json_array_length(deadlines), running);
    assert_string_equal(text_at(json_at(deadlines, 0), "clock"), "resolve");
    json_doc_free(&doc);
    sbuf_free(&out);
}

static void test_output_of_a_route(void **state)
{
    struct ticket_rig *rig = *state;
    struct route route = {.rule = -1, .lead_unit = -1, .reason = ROUTE_NO_RULE};
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    for (int i = 0; i < 2; i++) {
        sbuf_clear(&out);
        jw_init(&w, &out);
        jw_object(&w, NULL);
        ticket_json_write_route(&w, rig->city, 3, &route);
        jw_object_end(&w);
        assert_string_equal(
            out.data,
            i == 0 ? "{\"route\":{\"rule_set\":\"3\",\"rule\":null,\"lead_unit\":null,"
                     "\"co_units\":[],\"reason\":\"no_rule\"}}"
                   : "{\"route\":{\"rule_set\":\"3\",\"rule\":\"R-TOWN\",\"lead_unit\":\"TA\","
                     "\"co_units\":[\"TB\"],\"reason\":\"over_place\"}}");
        route = (struct route){.rule = city_find_rule(rig->city, "R-TOWN"),
                               .lead_unit = city_find_unit(rig->city, "TA"),
                               .co_units = {city_find_unit(rig->city, "TB")},
                               .co_unit_count = 1,
                               .reason = ROUTE_OVER_PLACE};
    }
    sbuf_free(&out);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draft),
        cmocka_unit_test(test_draft_words),
        cmocka_unit_test(test_draft_faults),
        cmocka_unit_test(test_draft_limits),
        cmocka_unit_test(test_phone_forms),
        cmocka_unit_test(test_phone_garbage),
        cmocka_unit_test(test_phone_mask),
        cmocka_unit_test(test_order_faults),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_order_of_callback),
        cmocka_unit_test(test_order_without_body),
        cmocka_unit_test(test_order_has_bounded_units),
        cmocka_unit_test(test_assignment_ids),
        RIG(test_output_for_the_desk),
        RIG(test_output_for_a_unit),
        RIG(test_output_of_a_confidential_ticket),
        RIG(test_output_of_clocks),
        RIG(test_output_of_a_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
