/*
 * version_part.c - what versions, drafts and plans of the three parts share.
 */
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/config.h"
#include "daemon/version.h"
#include "sql_catalogue.h"

#define ID_MAX_DIGITS 18

bool version_part_read(struct request *r, enum city_part *part_r)
{
    int part = word_find(city_part_words, CITY_PART_COUNT, r->param[0]);

    if (part < 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return false;
    }
    *part_r = (enum city_part)part;
    return true;
}

bool version_id_read(struct request *r, size_t param, int64_t *id_r)
{
    const char *text = r->param[param];
    size_t len = strlen(text);

    if (len > ID_MAX_DIGITS || strspn(text, "0123456789") != len || text[0] == '0') {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return false;
    }
    *id_r = strtoll(text, NULL, 10);
    return true;
}

int64_t version_in_force(const struct daemon *d, enum city_part part)
{
    const int64_t versions[CITY_PART_COUNT] = {
        [CITY_PART_RULES] = d->rule_set,
        [CITY_PART_POLICIES] = d->sla_set,
        [CITY_PART_CALENDARS] = d->calendar_set,
    };
    return versions[part];
}

int version_offset_min(const struct daemon *d)
{
    return d->city ? city_offset_min(d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
}

/* ---- checking ----------------------------------------------------------------------------------
 */

void version_check_body(struct request *r, enum city_part part, const struct json_value *body,
                        struct version_check *check_r)
{
    check_r->faults = arena_alloc(r->arena, sizeof(*check_r->faults));
    check_r->city =
        config_build_draft(r->d, part, body, r->arena, &check_r->head, &r->faults, check_r->faults);
    /* All warnings are about rules: those of the rules in force are not news to who changes
     * policies or calendars. */
    check_r->warnings.form = NULL;
    check_r->warnings.city = part == CITY_PART_RULES ? check_r->faults : NULL;
}

void version_reply_errors(struct request *r, const struct version_check *check)
{
    const struct import_report report = {&r->faults, check->faults};
    struct request_problem_writer p;

    request_problem_begin(r, &p, PROBLEM_INVALID, NULL);
    import_report_write_errors(&p.w, &report);
    request_problem_end(r, &p);
}

static void on_draft(struct request *r, const struct pg_result *res)
{
    struct version_draft *draft = r->state;
    struct version_check check;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    struct json_doc *doc =
        json_parse(pg_result_text(res, 0, 1), pg_result_length(res, 0, 1), &r->faults);
    INVARIANT(doc != NULL); /* PostgreSQL wrote it */
    version_check_body(r, draft->part, json_root(doc), &check);
    json_doc_free(&doc);
    draft->city = check.city;
    if (check.city)
        draft->go(r, draft);
    else
        version_reply_errors(r, &check);
}

void version_draft_load(struct request *r, struct version_draft *draft)
{
    struct pg_params params;

    r->state = draft;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[draft->part].code);
    pg_param_int(&params, draft->id);
    request_submit(r, r->d->work_pool, &SQL_DRAFT_GET, &params, DAEMON_READ_TIMEOUT_US, on_draft);
}
