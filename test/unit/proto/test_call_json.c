/* News of calls: our own JSON, the CTI form, FreeSWITCH's records in every form, and numbers. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "proto/call_json.h"
#include "proto/freeswitch_cdr.h"
#include "proto/ticket_json.h"

#define AT "2026-02-13T10:00:00.250+08:00"
#define AT_US INT64_C(1770948000250000)

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    struct arena *arena = *state;

    arena_free(&arena);
    return 0;
}

static bool decode(struct arena *arena, const char *text, struct call_news *news,
                   struct faults *faults)
{
    faults_init(faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), faults);
    assert_non_null(doc);
    bool is_good = call_json_decode(json_root(doc), arena, news, faults);
    json_doc_free(&doc);
    return is_good;
}

static void test_call_json_whole(void **state)
{
    struct call_news n;
    struct faults faults;

    assert_true(decode(*state,
                       "{\"event_id\":\"e1\",\"type\":\"answered\",\"occurred_at\":\"" AT "\","
                       "\"gateway_id\":\"g\",\"call_id\":\"c\",\"leg_id\":\"l\",\"direction\":"
                       "\"inbound\",\"ani\":\"+86 138\",\"dnis\":\"12345\",\"queue\":\"q\","
                       "\"agent_id\":\"1001\",\"extension\":\"8001\",\"cause\":null}",
                       &n, &faults));
    assert_string_equal(n.event_id, "e1");
    assert_string_equal(n.type, "answered");
    assert_string_equal(n.gateway, "g");
    assert_string_equal(n.call_id, "c");
    assert_string_equal(n.leg_id, "l");
    assert_string_equal(n.ani, "+86 138");
    assert_string_equal(call_citizen(&n), "+86 138");
    assert_string_equal(n.agent, "1001");
    assert_string_equal(n.extension, "8001");
    assert_null(n.cause);
    assert_null(n.recording.ref);
    assert_int_equal(n.state, CALL_ANSWERED);
    assert_int_equal(n.occurred_at_us, AT_US);
    assert_int_equal(n.at_us[CALL_ANSWERED], AT_US);
    assert_int_equal(n.at_us[CALL_RINGING], 0);
    assert_int_equal(n.direction, CALL_INBOUND);
}

#define HEAD "{\"event_id\":\"e\",\"occurred_at\":\"" AT "\",\"gateway_id\":\"g\",\"call_id\":\"c\""

static void test_call_json_recording_and_direction(void **state)
{
    struct call_news n;
    struct faults faults;

    assert_true(decode(*state,
                       HEAD ",\"type\":\"recording\",\"direction\":\"out\",\"ani\":\"8001\","
                            "\"dnis\":\"139\",\"recording\":{\"ref\":\"r/1.wav\"}}",
                       &n, &faults));
    assert_int_equal(n.state, -1);
    assert_int_equal(n.direction, CALL_OUTBOUND);
    assert_string_equal(call_citizen(&n), "139");
    assert_string_equal(n.recording.ref, "r/1.wav");
    assert_int_equal(n.recording.duration_ms, -1);
}

static void test_call_json_faults(void **state)
{
    static const struct {
        const char *text, *field, *reason;
    } cases[] = {
        {"{}", "event_id", "required"},
        {HEAD "}", "type", "required"},
        {HEAD ",\"type\":\"picked\"}", "type", "not_allowed"},
        {HEAD ",\"type\":\"recording\"}", "recording", "required"},
        {HEAD ",\"type\":\"recording\",\"recording\":{}}", "recording.ref", "required"},
        {HEAD ",\"type\":\"ended\",\"more\":1}", "more", "unknown"},
        {HEAD ",\"type\":\"ended\",\"direction\":\"up\"}", "direction", "not_allowed"},
        {HEAD ",\"type\":\"ended\",\"ani\":13800138000}", "ani", "wrong_type"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call_news n;
        struct faults faults;

        assert_false(decode(*state, cases[i].text, &n, &faults));
        assert_string_equal(faults.list[0].field, cases[i].field);
        assert_string_equal(faults.list[0].reason, cases[i].reason);
    }
}

/* ---- CTI ---------------------------------------------------------------------------------------
 */

static void test_call_cti_forms_agree(void **state)
{
    static const char *const bodies[] = {
        "{\"event\":\"newCall\",\"from\":\"4930600000000\",\"to\":\"12345\",\"direction\":\"in\","
        "\"callId\":\"1-2@h\",\"user\":[\"1001\",\"1002\"],\"queue\":\"q\",\"other\":{\"a\":1}}",
        " \r\n{\"event\":\"newCall\",\"from\":\"4930600000000\",\"to\":\"12345\",\"direction\":"
        "\"in\",\"call_id\":\"1-2@h\",\"user\":\"1001\",\"queue\":\"q\"}",
        "event=newCall&from=4930600000000&to=12345&direction=in&callId=1-2%40h&user%5B%5D=1001&"
        "user[]=1002&queue=q&other=%FF",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct call_news n;
        struct faults faults;

        faults_init(&faults, *state);
        assert_true(call_cti_decode(bodies[i], strlen(bodies[i]), AT_US, *state, &n, &faults));
        assert_int_equal(n.state, CALL_RINGING);
        assert_int_equal(n.at_us[CALL_RINGING], AT_US);
        assert_string_equal(n.call_id, "1-2@h");
        assert_string_equal(n.event_id, "newCall:1-2@h:1001");
        assert_string_equal(n.ani, "4930600000000");
        assert_string_equal(n.agent, "1001");
        assert_string_equal(n.queue, "q");
        assert_int_equal(n.direction, CALL_INBOUND);
        assert_null(n.gateway);
    }
}

static void test_call_cti_answer_and_hangup(void **state)
{
    const char *answer = "event=answer&callId=c&answeringNumber=8001";
    const char *hangup = "{\"event\":\"hangup\",\"callId\":4711,\"cause\":\"cancel\"}";
    struct call_news n;
    struct faults faults;

    faults_init(&faults, *state);
    assert_true(call_cti_decode(answer, strlen(answer), AT_US, *state, &n, &faults));
    assert_int_equal(n.state, CALL_ANSWERED);
    assert_string_equal(n.agent, "8001");
    assert_string_equal(n.event_id, "answer:c:8001");
    assert_null(n.ani);
    assert_int_equal(n.direction, -1);
    assert_true(call_cti_decode(hangup, strlen(hangup), AT_US, *state, &n, &faults));
    assert_int_equal(n.state, CALL_ENDED);
    assert_string_equal(n.call_id, "4711");
    assert_string_equal(n.cause, "cancel");
}

static void test_call_cti_queue_and_recording(void **state)
{
    const char *waits = "event=newCall&callId=c&queue=hotline&direction=in";
    const char *rings = "event=newCall&callId=c&queue=hotline&user=1001";
    const char *over = "event=hangup&callId=c&queue=hotline&recording=calls%2Fc.wav";
    struct call_news n;
    struct faults faults;

    faults_init(&faults, *state);
    assert_true(call_cti_decode(waits, strlen(waits), AT_US, *state, &n, &faults));
    assert_int_equal(n.state, CALL_QUEUED);
    assert_int_equal(n.at_us[CALL_QUEUED], AT_US);
    assert_int_equal(n.at_us[CALL_RINGING], 0);
    assert_string_equal(n.event_id, "newCall:c:");
    assert_true(call_cti_decode(rings, strlen(rings), AT_US, *state, &n, &faults));
    assert_int_equal(n.state, CALL_RINGING);
    assert_string_equal(n.event_id, "newCall:c:1001");
    assert_true(call_cti_decode(over, strlen(over), AT_US, *state, &n, &faults));
    assert_int_equal(n.state, CALL_ENDED);
    assert_string_equal(n.recording.ref, "calls/c.wav");
}

static void test_call_cti_faults(void **state)
{
    static const struct {
        const char *body, *field, *reason;
    } cases[] = {
        {"", "callId", "required"},
        {"{\"event\":\"newCall\"}", "callId", "required"},
        {"callId=1", "event", "required"},
        {"event=ring&callId=1", "event", "not_allowed"},
        {"event=newCall&callId=1&direction=up", "direction", "not_allowed"},
        {"event=newCall&callId=1&from=a%0Ab", "from", "format"},
        {"{\"event\":", "event", "syntax"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call_news n;
        struct faults faults;

        faults_init(&faults, *state);
        assert_false(call_cti_decode(cases[i].body, strlen(cases[i].body), 1, *state, &n, &faults));
        assert_string_equal(faults.list[0].field, cases[i].field);
        assert_string_equal(faults.list[0].reason, cases[i].reason);
    }
}

/* ---- FreeSWITCH --------------------------------------------------------------------------------
 */

static const char caller_leg[] =
    "{\"core-uuid\":\"k\",\"variables\":{\"direction\":\"inbound\",\"uuid\":\"u-1\",\"cc_queue\":"
    "\"hotline@default\",\"cc_queue_joined_epoch\":\"1770948001\",\"cc_queue_answered_epoch\":"
    "\"1770948005\",\"cc_agent\":\"1001@default\",\"hangup_cause\":\"NORMAL_CLEARING\","
    "\"start_uepoch\":\"1770948000250000\",\"answer_uepoch\":\"1770948000250000\",\"bridge_"
    "uepoch\":"
    "\"1770948005000000\",\"end_uepoch\":\"1770948060000000\",\"record_ms\":\"4000\"},"
    "\"app_log\":{\"applications\":[{\"app_name\":\"answer\",\"app_data\":\"\"},{\"app_name\":"
    "\"record_session\",\"app_data\":\"/rec/u-1 a.wav\"}]},\"callflow\":[{\"caller_profile\":"
    "{\"ani\":\"13800138000\",\"destination_number\":\"12345\",\"uuid\":\"u-1\"}}]}";
static const char desk_leg[] =
    "{\"variables\":{\"direction\":\"outbound\",\"uuid\":\"u-2\",\"cc_side\":\"agent\","
    "\"cc_member_session_uuid\":\"u-1\",\"cc_agent\":\"1001@default\",\"start_uepoch\":"
    "\"1770948002000000\",\"progress_uepoch\":\"1770948003000000\",\"answer_uepoch\":"
    "\"1770948005000000\",\"end_uepoch\":\"1770948060000000\"},\"callflow\":[{\"caller_profile\":"
    "{\"ani\":\"13800138000\",\"destination_number\":\"8001\",\"uuid\":\"u-2\"}}]}";

static void check_caller_leg(const struct call_news *n)
{
    assert_string_equal(n->call_id, "u-1");
    assert_string_equal(n->event_id, "cdr:u-1");
    assert_int_equal(n->state, CALL_ENDED);
    assert_int_equal(n->direction, CALL_INBOUND);
    assert_int_equal(n->at_us[CALL_OFFERED], AT_US);
    assert_int_equal(n->at_us[CALL_QUEUED], INT64_C(1770948001000000));
    assert_int_equal(n->at_us[CALL_ANSWERED], INT64_C(1770948005000000));
    assert_int_equal(n->at_us[CALL_ENDED], INT64_C(1770948060000000));
    assert_string_equal(n->ani, "13800138000");
    assert_string_equal(n->dnis, "12345");
    assert_string_equal(n->queue, "hotline");
    assert_string_equal(n->agent, "1001");
    assert_string_equal(n->cause, "NORMAL_CLEARING");
    assert_string_equal(n->recording.ref, "/rec/u-1 a.wav");
    assert_int_equal(n->recording.duration_ms, 4000);
}

static enum cdr_end cdr(void **state, const char *body, struct call_news *n)
{
    return freeswitch_cdr_decode(body, strlen(body), *state, n);
}

/* Every byte that is not a letter or digit, as switch_url_encode does for the most part. */
static char *percent_encode(struct arena *arena, const char *prefix, const char *text)
{
    char *out = arena_printf(arena, "%s%*s", prefix, (int)(3 * strlen(text)), "");
    char *at = out + strlen(prefix);

    for (; *text; text++) {
        bool is_plain = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z');
        (void)snprintf(at, 4, is_plain ? "%c" : "%%%02X", (unsigned char)*text);
        at += is_plain ? 1 : 3;
    }
    *at = '\0';
    return out;
}

static void test_cdr_every_form(void **state)
{
    char base64[BASE64_LENGTH(sizeof(caller_leg)) + 1];
    struct call_news n;

    assert_int_equal(cdr(state, caller_leg, &n), CDR_GOOD);
    check_caller_leg(&n);
    assert_int_equal(cdr(state, percent_encode(*state, "cdr=", caller_leg), &n), CDR_GOOD);
    check_caller_leg(&n);
    base64_encode(caller_leg, sizeof(caller_leg) - 1, base64);
    assert_int_equal(cdr(state, arena_printf(*state, "cdr=%s\r\n", base64), &n), CDR_GOOD);
    check_caller_leg(&n);
}

static void test_cdr_encoded_values_may_be_cut(void **state)
{
    struct call_news n;

    assert_int_equal(
        cdr(state,
            "{\"variables\":{\"uuid\":\"u\",\"end_uepoch\":\"1770948060000000\",\"cc_queue\":"
            "\"%E5%B8%82%E6%B0%91%E6%9D%A5%E7%94\",\"hangup_cause\":\"A%20B%ZZ\","
            "\"sip_from_user\":\"%2B8613800138000\"}}",
            &n),
        CDR_GOOD);
    assert_string_equal(n.queue, "市民来");
    assert_string_equal(n.cause, "A B%ZZ");
    assert_string_equal(n.ani, "+8613800138000");
}

static void test_cdr_leg_of_a_desk(void **state)
{
    struct call_news n;

    assert_int_equal(cdr(state, desk_leg, &n), CDR_GOOD);
    assert_string_equal(n.call_id, "u-1");
    assert_string_equal(n.leg_id, "u-2");
    assert_string_equal(n.event_id, "cdr:u-2");
    assert_int_equal(n.state, CALL_ANSWERED);
    assert_int_equal(n.at_us[CALL_RINGING], INT64_C(1770948003000000));
    assert_int_equal(n.at_us[CALL_ANSWERED], INT64_C(1770948005000000));
    assert_int_equal(n.at_us[CALL_ENDED], 0);
    assert_string_equal(n.agent, "1001");
    assert_string_equal(n.extension, "8001");
    assert_null(n.dnis);
}

static void test_cdr_refused(void **state)
{
    static const struct {
        const char *body;
        enum cdr_end end;
    } cases[] = {
        {"", CDR_NOT_JSON},
        {"cdr=", CDR_NOT_JSON},
        {"{", CDR_NOT_JSON},
        {"<xml/>", CDR_NOT_JSON},
        {"cdr=%7B%22variables%22%3A%7B%22a%22%3A%22x\"y%22%7D%7D", CDR_TWICE_ENCODED},
        {"cdr=*****", CDR_NOT_JSON},
        {"{}", CDR_NO_CALL},
        {"{\"variables\":{\"uuid\":\"u\"}}", CDR_NO_CALL},
        {"{\"variables\":[],\"callflow\":{}}", CDR_NO_CALL},
    };
    struct call_news n;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(cdr(state, cases[i].body, &n), cases[i].end);
}

static void cut_anywhere(void **state, const char *body)
{
    struct call_news n;
    size_t whole = strlen(body);

    assert_int_equal(freeswitch_cdr_decode(body, whole, *state, &n), CDR_GOOD);
    for (size_t len = 0; len < whole; len++) {
        char *cut = arena_strndup(*state, body, len); /* of its own size: reading on is seen */
        assert_int_not_equal(freeswitch_cdr_decode(cut, len, *state, &n), CDR_GOOD);
    }
}

static void test_cdr_cut_anywhere(void **state)
{
    char base64[BASE64_LENGTH(sizeof(caller_leg)) + 1];

    cut_anywhere(state, caller_leg);
    cut_anywhere(state, percent_encode(*state, "cdr=", caller_leg));
    base64_encode(caller_leg, sizeof(caller_leg) - 1, base64);
    cut_anywhere(state, arena_printf(*state, "cdr=%s", base64));
}

static void test_others_cut_anywhere(void **state)
{
    static const char own[] =
        "{\"event_id\":\"e\",\"type\":\"recording\",\"occurred_at\":\"" AT "\",\"gateway_id\":"
        "\"g\",\"call_id\":\"c\",\"recording\":{\"ref\":\"r\",\"duration_ms\":5}}";
    static const char cti[] =
        "{\"event\":\"hangup\",\"callId\":\"c\",\"cause\":\"busy\",\"user\":[\"1001\"]}";
    static const char form[] = "event=hangup&direction=in&from=%2B86138&to=12345&callId=c%2F1";
    struct call_news n;
    struct faults faults;

    for (size_t len = 0; len < sizeof(own) - 1; len++) {
        faults_init(&faults, *state);
        struct json_doc *doc = json_parse(arena_strndup(*state, own, len), len, &faults);
        assert_null(doc);
        assert_int_not_equal(faults.count, 0);
    }
    for (size_t len = 0; len < sizeof(cti) - 1; len++) {
        faults_init(&faults, *state);
        assert_false(call_cti_decode(arena_strndup(*state, cti, len), len, 1, *state, &n, &faults));
        assert_int_not_equal(faults.count, 0);
    }
    /* a form that is cut may say less: whatever is taken is what was there */
    for (size_t len = 0; len < sizeof(form) - 1; len++) {
        faults_init(&faults, *state);
        if (call_cti_decode(arena_strndup(*state, form, len), len, 1, *state, &n, &faults))
            assert_int_equal(strncmp(n.call_id, "c/1", strlen(n.call_id)), 0);
    }
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

static void test_call_number(void **state)
{
    static const struct {
        const char *raw, *area, *wanted;
    } cases[] = {
        {"13800138000", NULL, "13800138000"},
        {"013800138000", NULL, "13800138000"},
        {"8613800138000", NULL, "13800138000"},
        {"+8613800138000", NULL, "13800138000"},
        {"008613800138000", NULL, "13800138000"},
        {"+86 138-0013-8000", NULL, "13800138000"},
        {"sip:+8613800138000@10.0.0.1:5060;user=phone", NULL, "13800138000"},
        {"tel:+8613800138000;phone-context=x", NULL, "13800138000"},
        {"\"\u5f20\" <sip:013800138000@pbx>", NULL, "13800138000"},
        {"(0510)86801234", NULL, "051086801234"},
        {"8651086801234", NULL, "051086801234"},
        {"13800138000@pbx", NULL, "13800138000"},
        {"051086801234", "0510", "051086801234"},
        {"86801234", "0510", "051086801234"},
        {"6801234", "0937", "09376801234"},
        {"+86 510 86801234", NULL, "051086801234"},
        {"86801234", NULL, "86801234"},
        {"86801234", "", "86801234"},
        {"110", "0510", "110"},
        {"95588", "0510", "95588"},
        {"anonymous", "0510", NULL},
        {"anonymous@anonymous.invalid", NULL, NULL},
        {"Restricted", NULL, NULL},
        {"unknown", NULL, NULL},
        {"", "0510", NULL},
        {"sip:", NULL, NULL},
        {NULL, NULL, NULL},
    };
    char out[2 * PHONE_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool is_number = call_number_normalise(cases[i].raw, cases[i].area, out, sizeof(out));
        assert_int_equal(is_number, cases[i].wanted != NULL);
        if (is_number)
            assert_string_equal(out, cases[i].wanted);
    }
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(test_call_json_whole),
        CALL_TEST(test_call_json_recording_and_direction),
        CALL_TEST(test_call_json_faults),
        CALL_TEST(test_call_cti_forms_agree),
        CALL_TEST(test_call_cti_answer_and_hangup),
        CALL_TEST(test_call_cti_queue_and_recording),
        CALL_TEST(test_call_cti_faults),
        CALL_TEST(test_cdr_every_form),
        CALL_TEST(test_cdr_encoded_values_may_be_cut),
        CALL_TEST(test_cdr_leg_of_a_desk),
        CALL_TEST(test_cdr_refused),
        CALL_TEST(test_cdr_cut_anywhere),
        CALL_TEST(test_others_cut_anywhere),
        CALL_TEST(test_call_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
