/*
 * open311.c - what there is to ask for: discovery, services, their attributes; and how refusals
 * look.
 */
#include "daemon/open311.h"

#include <string.h>

#include "base/civil.h"

/* When the services' meaning last changed with the program. */
#define CHANGESET "2026-01-01T00:00:00+08:00"

/* ---- refusals ----------------------------------------------------------------------------------
 */

static const char *write_error(const struct http1_request *head, int status, const char *text,
                               struct sbuf *out)
{
    enum open311_format format = open311_format_of(head->path, http1_header(head, "accept"));

    open311_write_error(out, format, status, text);
    return open311_content_type(format);
}

const struct request_dialect open311_dialect = {
    .prefix = OPEN311_PREFIX,
    .media_type = "application/x-www-form-urlencoded",
    .for_all_sites = true, /* maps in browsers; there is nothing here that is not public */
    .write_error = write_error,
};

void open311_not_found(struct request *r, const char *text)
{
    request_problem(r, PROBLEM_NOT_FOUND, text);
}

/* ---- what all have in common -------------------------------------------------------------------
 */

void open311_reply(struct request *r, enum open311_format format, struct sbuf *out)
{
    http_reply_header(r->http, "Access-Control-Allow-Origin", "*");
    request_reply_content(r, open311_content_type(format), out);
}

bool open311_jurisdiction_ok(struct request *r, const char *jurisdiction)
{
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return false;
    }
    if (!jurisdiction || !*jurisdiction || strcmp(jurisdiction, city_code(r->d->city)) == 0)
        return true;
    open311_not_found(r, "没有此辖区 / jurisdiction_id was not found");
    return false;
}

static const char *accept_of(const struct request *r)
{
    return http1_header(http_request_head(r->http), "accept");
}

bool open311_begin(struct request *r, enum open311_format *format_r)
{
    char *name = arena_strdup(r->arena, r->param[0]);

    r->param[0] = name;
    if (open311_take_suffix(name, accept_of(r), format_r))
        return open311_jurisdiction_ok(r, query_get(&r->query, "jurisdiction_id"));
    open311_not_found(r, "格式只有 xml 与 json / the formats are xml and json");
    return false;
}

bool open311_begin_list(struct request *r, enum open311_format *format_r)
{
    r->param[0] = arena_printf(r->arena, ".%s", r->param[0]);
    return open311_begin(r, format_r);
}

/* ---- discovery ---------------------------------------------------------------------------------
 */

static const char *endpoint_url(struct request *r)
{
    const char *base = r->d->settings.public_url;

    if (base[0])
        return arena_printf(r->arena, "%s/open311/v2", base);
    return arena_printf(r->arena, "%s://%s/open311/v2",
                        r->d->settings.tls_cert[0] ? "https" : "http",
                        http_request_head(r->http)->host);
}

void open311_discovery_get(struct request *r)
{
    enum open311_format format;
    struct sbuf out;

    if (!open311_begin_list(r, &format))
        return;
    const struct open311_discovery discovery = {
        .changeset = CHANGESET,
        .contact = r->d->settings.open311_contact,
        .key_service = "api_key 由市热线管理员发放 / an api_key is given out by the administrator",
        .url = endpoint_url(r),
        .is_test = r->d->clk.is_test,
    };
    sbuf_init(&out, 0);
    open311_write_discovery(&out, format, &discovery);
    open311_reply(r, format, &out);
}

/* ---- services ----------------------------------------------------------------------------------
 */

/* A category that the setting names stands for everything below it. */
static bool is_offered(const struct daemon *d, int category)
{
    const char *at = d->settings.open311_categories;
    char code[CITY_MAX_CODE_BYTES + 1];

    if (!*at)
        return true;
    while (*at) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ", ");
        if (len && len < sizeof(code)) {
            memcpy(code, at, len);
            code[len] = '\0';
            int top = city_find_category(d->city, code);
            if (top >= 0 && city_category_within(d->city, category, top))
                return true;
        }
        at += len;
    }
    return false;
}

static bool is_service(const struct daemon *d, int category)
{
    return city_category_first_child(d->city, category) < 0 && is_offered(d, category);
}

int open311_find_service(const struct daemon *d, const char *code)
{
    int category = city_find_category(d->city, code);

    return category >= 0 && is_service(d, category) ? category : -1;
}

static void add_service(struct open311_list *list, const struct city *city, int category,
                        struct sbuf *group, struct sbuf *keywords)
{
    int path[CITY_MAX_DEPTH];
    size_t depth = city_category_path(city, category, path);

    sbuf_clear(group);
    sbuf_clear(keywords);
    for (size_t i = 0; i < depth; i++) {
        const char *name = city_category(city, path[i])->name;
        sbuf_addf(keywords, "%s%s", i ? ", " : "", name);
        if (i + 1 < depth)
            sbuf_addf(group, "%s%s", i ? " / " : "", name);
    }
    const struct category *c = city_category(city, category);
    const struct open311_service service = {
        .code = c->code,
        .name = c->name,
        .description = keywords->data,
        .keywords = keywords->data,
        .group = depth > 1 ? group->data : c->name,
    };
    open311_services_add(list, &service);
}

void open311_services_get(struct request *r)
{
    const struct city *city = r->d->city;
    struct sbuf out, group, keywords;
    enum open311_format format;
    struct open311_list list;

    if (!open311_begin_list(r, &format))
        return;
    sbuf_init(&out, 0);
    sbuf_init(&group, 0);
    sbuf_init(&keywords, 0);
    open311_services_begin(&list, format, &out);
    for (size_t i = 0; i < city_category_count(city); i++) {
        if (is_service(r->d, (int)i))
            add_service(&list, city, (int)i, &group, &keywords);
    }
    open311_list_end(&list);
    sbuf_free(&group);
    sbuf_free(&keywords);
    open311_reply(r, format, &out);
}

void open311_service_get(struct request *r)
{
    enum open311_format format;
    struct sbuf out;

    if (!open311_begin(r, &format))
        return;
    if (open311_find_service(r->d, r->param[0]) < 0) {
        open311_not_found(r, "没有此服务 / service_code was not found");
        return;
    }
    sbuf_init(&out, 0);
    open311_write_definition(&out, format, r->param[0]);
    open311_reply(r, format, &out);
}
