/* GeoReport v2: its documents word for word in both formats, its form, its lists. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "proto/open311.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"

/* Compares and clears. */
static void expect(struct sbuf *out, const char *text)
{
    assert_string_equal(out->data, text);
    sbuf_clear(out);
}

static void test_discovery(void **state)
{
    const struct open311_discovery d = {.changeset = "2026-01-01T00:00:00+08:00",
                                        .contact = "a & b",
                                        .key_service = "ask",
                                        .url = "http://h/open311/v2",
                                        .is_test = true};
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_write_discovery(&out, OPEN311_XML, &d);
    expect(&out,
           HEAD "<discovery><changeset>2026-01-01T00:00:00+08:00</changeset>"
                "<contact>a &amp; b</contact><key_service>ask</key_service><endpoints><endpoint>"
                "<specification>http://wiki.open311.org/GeoReport_v2</specification>"
                "<url>http://h/open311/v2</url><changeset>2026-01-01T00:00:00+08:00</changeset>"
                "<type>test</type><formats><format>text/xml</format>"
                "<format>application/json</format></formats></endpoint></endpoints></discovery>");
    open311_write_discovery(&out, OPEN311_JSON, &d);
    expect(&out, "{\"changeset\":\"2026-01-01T00:00:00+08:00\",\"contact\":\"a & b\","
                 "\"key_service\":\"ask\",\"endpoints\":[{"
                 "\"specification\":\"http://wiki.open311.org/GeoReport_v2\","
                 "\"url\":\"http://h/open311/v2\",\"changeset\":\"2026-01-01T00:00:00+08:00\","
                 "\"type\":\"test\",\"formats\":[\"text/xml\",\"application/json\"]}]}");
    sbuf_free(&out);
}

static void test_services(void **state)
{
    const struct open311_service service = {"0102", "路灯", NULL, "城市, 路灯", "城市"};
    struct open311_list list;
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_services_begin(&list, OPEN311_JSON, &out);
    open311_list_end(&list);
    expect(&out, "[]");
    open311_services_begin(&list, OPEN311_JSON, &out);
    open311_services_add(&list, &service);
    open311_services_add(&list, &service);
    open311_list_end(&list);
#define SERVICE                                                                                      \
    "{\"service_code\":\"0102\",\"service_name\":\"路灯\",\"description\":null,\"metadata\":true," \
    "\"type\":\"realtime\",\"keywords\":\"城市, 路灯\",\"group\":\"城市\"}"
    expect(&out, "[" SERVICE "," SERVICE "]");
    open311_services_begin(&list, OPEN311_XML, &out);
    open311_services_add(&list, &service);
    open311_list_end(&list);
    expect(&out, HEAD "<services><service><service_code>0102</service_code>"
                      "<service_name>路灯</service_name><description/><metadata>true</metadata>"
                      "<type>realtime</type><keywords>城市, 路灯</keywords><group>城市</group>"
                      "</service></services>");
    sbuf_free(&out);
}

static void test_definition(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_write_definition(&out, OPEN311_XML, "0102");
    assert_non_null(strstr(out.data, "<service_definition><service_code>0102</service_code>"
                                     "<attributes><attribute><variable>true</variable>"
                                     "<code>kind</code><datatype>singlevaluelist</datatype>"
                                     "<required>false</required><datatype_description/>"
                                     "<order>1</order>"));
    assert_non_null(strstr(out.data, "<values><value><key>consult</key><name>咨询</name></value>"));
    sbuf_clear(&out);
    open311_write_definition(&out, OPEN311_JSON, "0102");
    assert_non_null(strstr(out.data, "{\"service_code\":\"0102\",\"attributes\":[{"
                                     "\"variable\":true,\"code\":\"kind\","
                                     "\"datatype\":\"singlevaluelist\",\"required\":false,"
                                     "\"datatype_description\":null,\"order\":1,"));
    assert_non_null(strstr(out.data, "\"values\":[{\"key\":\"no\",\"name\":\"否\"},"
                                     "{\"key\":\"yes\",\"name\":\"是\"}]}]}"));
    sbuf_free(&out);
}

static const struct open311_request full = {
    .id = "123",
    .is_open = false,
    .status_notes = "done",
    .service_name = "路灯",
    .service_code = "0102",
    .description = "a<b>&\x01\r\xef\xbf\xbf]]>",
    .agency = "unit",
    .requested_us = INT64_C(1770947101123456),
    .address = "addr",
    .address_id = "320281",
    .has_place = true,
    .lat = 31.912345,
    .lon = -120.5,
    .media_url = "http://x/1.jpg",
};

static void test_requests_xml(void **state)
{
    struct open311_list list;
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_requests_begin(&list, OPEN311_XML, &out);
    open311_requests_add(&list, &full, 480);
    open311_list_end(&list);
    expect(&out,
           HEAD "<service_requests><request><service_request_id>123</service_request_id>"
                "<status>closed</status><status_notes>done</status_notes>"
                "<service_name>路灯</service_name><service_code>0102</service_code>"
                "<description>a&lt;b&gt;&amp;\xef\xbf\xbd&#13;\xef\xbf\xbd]]&gt;</description>"
                "<agency_responsible>unit</agency_responsible><service_notice/>"
                "<requested_datetime>2026-02-13T09:45:01+08:00</requested_datetime>"
                "<updated_datetime/><expected_datetime/><address>addr</address>"
                "<address_id>320281</address_id><zipcode/><lat>31.912345</lat><long>-120.5</long>"
                "<media_url>http://x/1.jpg</media_url></request></service_requests>");
    sbuf_free(&out);
}

static void test_requests_json(void **state)
{
    static const struct open311_request bare = {.id = "9", .is_open = true};
    struct open311_list list;
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_requests_begin(&list, OPEN311_JSON, &out);
    open311_requests_add(&list, &bare, 480);
    open311_list_end(&list);
    expect(&out, "[{\"service_request_id\":\"9\",\"status\":\"open\",\"status_notes\":null,"
                 "\"service_name\":null,\"service_code\":null,\"description\":null,"
                 "\"agency_responsible\":null,\"service_notice\":null,"
                 "\"requested_datetime\":null,\"updated_datetime\":null,"
                 "\"expected_datetime\":null,\"address\":null,\"address_id\":null,"
                 "\"zipcode\":null,\"lat\":null,\"long\":null,\"media_url\":null}]");
    open311_requests_begin(&list, OPEN311_JSON, &out);
    open311_requests_add(&list, &full, 480);
    open311_list_end(&list);
    assert_non_null(strstr(out.data, "\"lat\":31.912345,\"long\":-120.5,"));
    assert_non_null(strstr(out.data, "\"requested_datetime\":\"2026-02-13T09:45:01+08:00\""));
    sbuf_free(&out);
}

static void test_receipt_token_error(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    open311_write_receipt(&out, OPEN311_JSON, "1", "n", NULL);
    expect(&out, "[{\"service_request_id\":\"1\",\"service_notice\":\"n\",\"account_id\":null}]");
    open311_write_receipt(&out, OPEN311_XML, "1", "n", "7");
    expect(&out, HEAD "<service_requests><request><service_request_id>1</service_request_id>"
                      "<service_notice>n</service_notice><account_id>7</account_id></request>"
                      "</service_requests>");
    open311_write_token(&out, OPEN311_JSON, "1", "t");
    expect(&out, "[{\"service_request_id\":\"1\",\"token\":\"t\"}]");
    open311_write_error(&out, OPEN311_XML, 403, "no <key>");
    expect(&out, HEAD "<errors><error><code>403</code><description>no &lt;key&gt;</description>"
                      "</error></errors>");
    open311_write_error(&out, OPEN311_JSON, 404, "x");
    expect(&out, "[{\"code\":404,\"description\":\"x\"}]");
    sbuf_free(&out);
}

static void test_format(void **state)
{
    static const struct {
        const char *name, *accept, *left;
        int format; /* -1: refused */
    } cases[] = {
        {"services.xml", "application/json", "services", OPEN311_XML},
        {"services.json", NULL, "services", OPEN311_JSON},
        {"services", NULL, "services", OPEN311_XML},
        {"services", "application/json", "services", OPEN311_JSON},
        {"services", "text/xml, application/json", "services", OPEN311_XML},
        {"services", "application/json, */xml", "services", OPEN311_JSON},
        {"services.html", NULL, NULL, -1},
        {"services.", NULL, NULL, -1},
        {"a.b.json", NULL, "a.b", OPEN311_JSON},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[32];
        enum open311_format format = OPEN311_XML;
        memcpy(name, cases[i].name, strlen(cases[i].name) + 1);
        bool ok = open311_take_suffix(name, cases[i].accept, &format);
        assert_int_equal(ok, cases[i].format >= 0);
        if (!ok)
            continue;
        assert_int_equal(format, cases[i].format);
        assert_string_equal(name, cases[i].left);
    }
    assert_int_equal(open311_format_of("/open311/v2/x.json", NULL), OPEN311_JSON);
    assert_int_equal(open311_format_of("/open311/v2/x.html", NULL), OPEN311_XML);
}

static bool post(const char *body, struct open311_post *p, struct faults *faults,
                 struct arena *arena)
{
    faults_init(faults, arena);
    return open311_read_post(body, strlen(body), arena, p, faults);
}

static void test_form(void **state)
{
    struct arena *arena = arena_new();
    struct open311_post p;
    struct faults faults;

    (void)state;
    assert_true(post("api_key=k&service_code=0102&lat=31.5&long=-120&description=a%0Ab&email=&"
                     "attribute%5Bkind%5D=praise&attribute[confidential][]=yes&extensions=true",
                     &p, &faults, arena));
    assert_string_equal(p.api_key, "k");
    assert_true(p.has_place && p.lat == 31.5 && p.lon == -120);
    assert_string_equal(p.description, "a\nb");
    assert_null(p.email);
    assert_int_equal(p.kind, KIND_PRAISE);
    assert_true(p.is_confidential);
    assert_true(post("service_code=1&address_string=x", &p, &faults, arena));
    assert_int_equal(p.kind, KIND_HELP);
    assert_false(p.is_confidential || p.has_place);
    assert_true(post("service_code=1&address_id=320281", &p, &faults, arena));
    arena_free(&arena);
}

static void test_form_faults(void **state)
{
    static const struct {
        const char *body, *field, *reason;
    } cases[] = {
        {"address_string=x", "service_code", "required"},
        {"service_code=1", "lat, address_string or address_id", "required"},
        {"service_code=1&lat=1", "long", "required"},
        {"service_code=1&long=1", "lat", "required"},
        {"service_code=1&lat=90.1&long=1", "lat", "range"},
        {"service_code=1&lat=1&long=1e2", "long", "range"},
        {"service_code=1&lat=nan&long=1", "lat", "range"},
        {"service_code=1&lat=1.&long=1", "lat", "range"},
        {"service_code=1&address_string=a%0Ab", "address_string", "format"},
        {"service_code=1&address_string=a&media_url=ftp://x", "media_url", "format"},
        {"service_code=1&address_string=a&media_url=http://%E5%B8%82", "media_url", "format"},
        {"service_code=1&address_string=a&phone=abc", "phone", "format"},
        {"service_code=1&address_string=a&attribute[kind]=nice", "attribute[kind]", "not_allowed"},
        {"service_code=1&address_string=a&attribute[confidential]=1", "attribute[confidential]",
         "not_allowed"},
        {"service_code=1&address_string=a&attribute[x]=1", "attribute[x]", "unknown"},
        {"service_code=1&service_code=2&address_string=a", "service_code", "duplicate"},
        {"service_code=%zz&address_string=a", "service_code", "format"},
        {"service_code=%ff&address_string=a", "service_code", "utf8"},
        {"service_code=1%00&address_string=a", "service_code", "nul"},
    };
    struct arena *arena = arena_new();
    struct open311_post p;
    struct faults faults;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(post(cases[i].body, &p, &faults, arena));
        assert_string_equal(faults.list[0].field, cases[i].field);
        assert_string_equal(faults.list[0].reason, cases[i].reason);
    }
    arena_free(&arena);
}

static void test_lists_and_instants(void **state)
{
    const char *items[OPEN311_LIST_MAX];
    struct arena *arena = arena_new();
    int64_t plus, blank;
    struct sbuf many;
    size_t count;

    (void)state;
    assert_true(open311_read_list(" a,b , ,,c d", arena, items, &count));
    assert_int_equal(count, 3);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b");
    assert_string_equal(items[2], "c d");
    assert_true(open311_read_list("", arena, items, &count) && count == 0);
    sbuf_init(&many, 0);
    for (int i = 0; i < OPEN311_LIST_MAX; i++)
        sbuf_adds(&many, "x,");
    assert_true(open311_read_list(many.data, arena, items, &count));
    assert_int_equal(count, OPEN311_LIST_MAX);
    sbuf_adds(&many, "x");
    assert_false(open311_read_list(many.data, arena, items, &count));
    sbuf_free(&many);
    assert_true(open311_read_instant("2026-02-13T10:00:00+08:00", &plus));
    assert_true(open311_read_instant("2026-02-13T10:00:00 08:00", &blank));
    assert_true(plus == blank);
    assert_false(open311_read_instant("2026-02-13T10:00:00", &plus));
    assert_false(open311_read_instant("2026-02-13", &plus));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discovery),     cmocka_unit_test(test_services),
        cmocka_unit_test(test_definition),    cmocka_unit_test(test_requests_xml),
        cmocka_unit_test(test_requests_json), cmocka_unit_test(test_receipt_token_error),
        cmocka_unit_test(test_format),        cmocka_unit_test(test_form),
        cmocka_unit_test(test_form_faults),   cmocka_unit_test(test_lists_and_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
