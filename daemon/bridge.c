/*
 * bridge.c - see bridge.h.
 */
#include "daemon/bridge.h"

#include <string.h>

#include "base/crypto.h"
#include "daemon/push.h"

#define CLAIM_MAX 100
#define ID_MAX_DIGITS 18

const char *const bridge_result_names[] = {"sent", "retry", "failed", NULL};
const char *const bridge_result_states[] = {"sent", "queued", "failed"};

bool bridge_claim_read(struct request *r, struct bridge_claim *claim_r)
{
    static const struct field fields[] = {
        {.name = "limit",
         .type = FIELD_INT,
         .offset = offsetof(struct bridge_claim, limit),
         .min = 1,
         .max = CLAIM_MAX},
        {.name = "lease_seconds",
         .type = FIELD_INT,
         .offset = offsetof(struct bridge_claim, lease_seconds),
         .min = 5,
         .max = 3600},
    };

    *claim_r = (struct bridge_claim){.limit = 20, .lease_seconds = 60};
    if (!request_query_ok(r) || !request_parse_body(r))
        return false;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), claim_r, r->arena,
                     &r->faults)) {
        request_reply_faults(r);
        return false;
    }
    pg_array_init(&claim_r->leases, r->arena);
    for (int64_t i = 0; i < claim_r->limit; i++) {
        uint8_t lease[BRIDGE_LEASE_BYTES];
        crypto_random(lease, sizeof(lease));
        pg_array_bytea(&claim_r->leases, lease, sizeof(lease));
    }
    return true;
}

void bridge_report_check(struct request *r, const struct bridge_report *report,
                         uint8_t lease[BRIDGE_LEASE_BYTES])
{
    if (!crypto_unhex(report->lease, strlen(report->lease), lease))
        faults_add(&r->faults, "lease", "format");
}

bool bridge_id_read(const char *text, int64_t *id_r)
{
    size_t digits = strspn(text, "0123456789");

    *id_r = 0;
    for (size_t i = 0; i < digits && digits <= ID_MAX_DIGITS; i++)
        *id_r = *id_r * 10 + (text[i] - '0');
    return digits > 0 && digits <= ID_MAX_DIGITS && !text[digits];
}

void bridge_result_reply(struct request *r, const struct pg_result *res, const char *id)
{
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!pg_result_bool(res, 0, 1)) {
        request_problem(r, PROBLEM_CONFLICT, "租约已失效 / the lease is not the present one");
        return;
    }
    push_hint(r->d->push); /* the desks hear of some results */
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "id", id);
    jw_string(&w, "state", pg_result_text(res, 0, 0));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}
