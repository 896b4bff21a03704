/*
 * open311.c - the documents of GeoReport v2.
 */
#include "proto/open311.h"

#include <string.h>

#include "base/civil.h"

static const char *const content_types[] = {
    [OPEN311_XML] = "text/xml; charset=utf-8",
    [OPEN311_JSON] = "application/json; charset=utf-8",
};

const char *open311_content_type(enum open311_format format)
{
    return content_types[format];
}

/* ---- which format ------------------------------------------------------------------------------
 */

static bool read_suffix(const char *suffix, enum open311_format *format_r)
{
    if (strcmp(suffix, "xml") != 0 && strcmp(suffix, "json") != 0)
        return false;
    *format_r = *suffix == 'x' ? OPEN311_XML : OPEN311_JSON;
    return true;
}

/* The type that is named first; weights are for those who cannot put their wishes in order. */
static enum open311_format read_accept(const char *accept)
{
    const char *json = accept ? strstr(accept, "application/json") : NULL;
    const char *xml = accept ? strstr(accept, "/xml") : NULL;

    return json && (!xml || json < xml) ? OPEN311_JSON : OPEN311_XML;
}

bool open311_take_suffix(char *name, const char *accept, enum open311_format *format_r)
{
    char *dot = strrchr(name, '.');

    if (!dot) {
        *format_r = read_accept(accept);
        return true;
    }
    if (!read_suffix(dot + 1, format_r))
        return false;
    *dot = '\0';
    return true;
}

enum open311_format open311_format_of(const char *path, const char *accept)
{
    const char *dot = strrchr(path, '.');
    enum open311_format format;

    return dot && read_suffix(dot + 1, &format) ? format : read_accept(accept);
}

/* ---- one description, two formats --------------------------------------------------------------
 */

/* What XML 1.0 cannot hold is replaced, as a reader would refuse the whole document. */
static void add_escaped(struct sbuf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            sbuf_adds(out, "&amp;");
        else if (c == '<')
            sbuf_adds(out, "&lt;");
        else if (c == '>')
            sbuf_adds(out, "&gt;");
        else if (c == '\r')
            sbuf_adds(out, "&#13;");
        else if (c < 0x20 && c != '\n' && c != '\t')
            sbuf_adds(out, "\xef\xbf\xbd");
        else if (c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe) {
            sbuf_adds(out, "\xef\xbf\xbd");
            text += 2;
        } else
            sbuf_addc(out, *text);
    }
}

static void begin(struct open311_list *w, enum open311_format format, struct sbuf *out)
{
    *w = (struct open311_list){.format = format, .out = out};
    if (format == OPEN311_XML)
        sbuf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    else
        jw_init(&w->json, out);
}

static void open_element(struct open311_list *w, const char *name)
{
    if (w->format == OPEN311_XML)
        sbuf_addf(w->out, "<%s>", name);
}

static void close_element(struct open311_list *w, const char *name)
{
    if (w->format == OPEN311_XML)
        sbuf_addf(w->out, "</%s>", name);
}

/* key: of the member in JSON, NULL in an array and at the top. */
static void array_begin(struct open311_list *w, const char *name, const char *key)
{
    open_element(w, name);
    if (w->format == OPEN311_JSON)
        jw_array(&w->json, key);
}

static void array_end(struct open311_list *w, const char *name)
{
    close_element(w, name);
    if (w->format == OPEN311_JSON)
        jw_array_end(&w->json);
}

static void object_begin(struct open311_list *w, const char *name)
{
    open_element(w, name);
    if (w->format == OPEN311_JSON)
        jw_object(&w->json, NULL);
}

static void object_end(struct open311_list *w, const char *name)
{
    close_element(w, name);
    if (w->format == OPEN311_JSON)
        jw_object_end(&w->json);
}

static void xml_text(struct open311_list *w, const char *name, const char *text)
{
    if (!text || !*text) {
        sbuf_addf(w->out, "<%s/>", name);
        return;
    }
    open_element(w, name);
    add_escaped(w->out, text);
    close_element(w, name);
}

static void put_text(struct open311_list *w, const char *name, const char *text)
{
    if (w->format == OPEN311_JSON)
        jw_string(&w->json, name, text);
    else
        xml_text(w, name, text);
}

static void put_bool(struct open311_list *w, const char *name, bool value)
{
    if (w->format == OPEN311_JSON)
        jw_bool(&w->json, name, value);
    else
        xml_text(w, name, value ? "true" : "false");
}

static void put_int(struct open311_list *w, const char *name, int value)
{
    if (w->format == OPEN311_JSON)
        jw_int(&w->json, name, value);
    else
        sbuf_addf(w->out, "<%s>%d</%s>", name, value, name);
}

/* The same digits in both formats: the fewest that read back the same. */
static void put_degrees(struct open311_list *w, const char *name, bool is_known, double degrees)
{
    struct json_writer number;

    if (w->format == OPEN311_JSON && is_known) {
        jw_double(&w->json, name, degrees);
    } else if (w->format == OPEN311_JSON) {
        jw_null(&w->json, name);
    } else if (!is_known) {
        xml_text(w, name, NULL);
    } else {
        open_element(w, name);
        jw_init(&number, w->out);
        jw_double(&number, NULL, degrees);
        close_element(w, name);
    }
}

static void put_instant(struct open311_list *w, const char *name, int64_t instant_us,
                        int offset_min)
{
    char text[CIVIL_INSTANT_SIZE] = "";

    /* whole seconds, as every example of the specification has them */
    if (instant_us)
        civil_format_instant(instant_us - instant_us % 1000000, offset_min, text);
    put_text(w, name, *text ? text : NULL);
}

/* ---- documents ---------------------------------------------------------------------------------
 */

static void write_endpoint(struct open311_list *w, const struct open311_discovery *d)
{
    static const char *const formats[] = {"text/xml", "application/json"};

    object_begin(w, "endpoint");
    put_text(w, "specification", "http://wiki.open311.org/GeoReport_v2");
    put_text(w, "url", d->url);
    put_text(w, "changeset", d->changeset);
    put_text(w, "type", d->is_test ? "test" : "production");
    array_begin(w, "formats", "formats");
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (w->format == OPEN311_JSON)
            jw_string(&w->json, NULL, formats[i]);
        else
            xml_text(w, "format", formats[i]);
    }
    array_end(w, "formats");
    object_end(w, "endpoint");
}

void open311_write_discovery(struct sbuf *out, enum open311_format format,
                             const struct open311_discovery *d)
{
    struct open311_list w;

    begin(&w, format, out);
    object_begin(&w, "discovery");
    put_text(&w, "changeset", d->changeset);
    put_text(&w, "contact", d->contact);
    put_text(&w, "key_service", d->key_service);
    array_begin(&w, "endpoints", "endpoints");
    write_endpoint(&w, d);
    array_end(&w, "endpoints");
    object_end(&w, "discovery");
}

static void list_begin(struct open311_list *list, enum open311_format format, struct sbuf *out,
                       const char *name)
{
    begin(list, format, out);
    list->name = name;
    array_begin(list, name, NULL);
}

void open311_list_end(struct open311_list *list)
{
    array_end(list, list->name);
}

void open311_services_begin(struct open311_list *list, enum open311_format format, struct sbuf *out)
{
    list_begin(list, format, out, "services");
}

void open311_services_add(struct open311_list *list, const struct open311_service *service)
{
    object_begin(list, "service");
    put_text(list, "service_code", service->code);
    put_text(list, "service_name", service->name);
    put_text(list, "description", service->description);
    put_bool(list, "metadata", true);
    put_text(list, "type", "realtime");
    put_text(list, "keywords", service->keywords);
    put_text(list, "group", service->group);
    object_end(list, "service");
}

/* ---- attributes of a service -------------------------------------------------------------------
 */

static const struct word yes_no[] = {{"no", "否", "no"}, {"yes", "是", "yes"}};

static const struct attribute {
    const char *code, *description;
    const struct word *values;
    size_t value_count;
} attributes[] = {
    {"kind", "诉求类型 / what kind of matter it is", kind_words, KIND_COUNT},
    {"confidential", "保密: 不公开，承办单位看不到身份 / not to be published", yes_no,
     ARRAY_LEN(yes_no)},
};

static void write_attribute(struct open311_list *w, const struct attribute *a, int order)
{
    object_begin(w, "attribute");
    put_bool(w, "variable", true);
    put_text(w, "code", a->code);
    put_text(w, "datatype", "singlevaluelist");
    put_bool(w, "required", false);
    put_text(w, "datatype_description", NULL);
    put_int(w, "order", order);
    put_text(w, "description", a->description);
    array_begin(w, "values", "values");
    for (size_t i = 0; i < a->value_count; i++) {
        object_begin(w, "value");
        put_text(w, "key", a->values[i].code);
        put_text(w, "name", a->values[i].zh);
        object_end(w, "value");
    }
    array_end(w, "values");
    object_end(w, "attribute");
}

void open311_write_definition(struct sbuf *out, enum open311_format format, const char *code)
{
    struct open311_list w;

    begin(&w, format, out);
    object_begin(&w, "service_definition");
    put_text(&w, "service_code", code);
    array_begin(&w, "attributes", "attributes");
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        write_attribute(&w, &attributes[i], (int)i + 1);
    array_end(&w, "attributes");
    object_end(&w, "service_definition");
}

/* ---- requests ----------------------------------------------------------------------------------
 */

void open311_requests_begin(struct open311_list *list, enum open311_format format, struct sbuf *out)
{
    list_begin(list, format, out, "service_requests");
}

void open311_requests_add(struct open311_list *list, const struct open311_request *request,
                          int offset_min)
{
    object_begin(list, "request");
    put_text(list, "service_request_id", request->id);
    put_text(list, "status", request->is_open ? "open" : "closed");
    put_text(list, "status_notes", request->status_notes);
    put_text(list, "service_name", request->service_name);
    put_text(list, "service_code", request->service_code);
    put_text(list, "description", request->description);
    put_text(list, "agency_responsible", request->agency);
    put_text(list, "service_notice", NULL);
    put_instant(list, "requested_datetime", request->requested_us, offset_min);
    put_instant(list, "updated_datetime", request->updated_us, offset_min);
    put_instant(list, "expected_datetime", request->expected_us, offset_min);
    put_text(list, "address", request->address);
    put_text(list, "address_id", request->address_id);
    put_text(list, "zipcode", NULL);
    put_degrees(list, "lat", request->has_place, request->lat);
    put_degrees(list, "long", request->has_place, request->lon);
    put_text(list, "media_url", request->media_url);
    object_end(list, "request");
}

void open311_write_receipt(struct sbuf *out, enum open311_format format, const char *id,
                           const char *notice, const char *account_id)
{
    struct open311_list list;

    open311_requests_begin(&list, format, out);
    object_begin(&list, "request");
    put_text(&list, "service_request_id", id);
    put_text(&list, "service_notice", notice);
    put_text(&list, "account_id", account_id);
    object_end(&list, "request");
    open311_list_end(&list);
}

void open311_write_token(struct sbuf *out, enum open311_format format, const char *id,
                         const char *token)
{
    struct open311_list list;

    open311_requests_begin(&list, format, out);
    object_begin(&list, "request");
    put_text(&list, "service_request_id", id);
    put_text(&list, "token", token);
    object_end(&list, "request");
    open311_list_end(&list);
}

void open311_write_error(struct sbuf *out, enum open311_format format, int code,
                         const char *description)
{
    struct open311_list list;

    list_begin(&list, format, out, "errors");
    object_begin(&list, "error");
    put_int(&list, "code", code);
    put_text(&list, "description", description);
    object_end(&list, "error");
    open311_list_end(&list);
}
