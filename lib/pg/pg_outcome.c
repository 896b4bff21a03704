/*
 * pg_outcome.c - from what the server said to what is true about the operation.
 *
 * An ERROR rolls the implicit transaction back, so every answered ERROR is certain; the table
 * only decides whether trying again makes sense. FATAL and PANIC end the session and can follow
 * a local commit (a commit wait broken off by a shutdown), so they leave the operation in doubt.
 */
#include <string.h>

#include "pg/pg_private.h"

struct sqlstate_rule {
    const char *prefix; /* a class or a whole SQLSTATE; the first match counts */
    enum pg_outcome outcome;
    bool drop; /* the connection cannot be used further */
};

static const struct sqlstate_rule sqlstate_rules[] = {
    {"08", PG_UNCERTAIN, true},    /* connection exceptions */
    {"22", PG_REJECTED, false},    /* the data do not fit */
    {"23", PG_REJECTED, false},    /* a constraint says no */
    {"25006", PG_RETRYABLE, true}, /* read-only: we talk to a standby, look for the primary again */
    {"25", PG_RETRYABLE, true},    /* not the transaction state we left */
    {"26000", PG_RETRYABLE, true}, /* prepared statement is gone (pooler, DISCARD) */
    {"40003", PG_UNCERTAIN, true}, /* completion unknown, says the server itself */
    {"40", PG_RETRYABLE, false},   /* serialisation failure, deadlock */
    {"53", PG_RETRYABLE, false},   /* no disk, no memory, no connection left */
    {"55006", PG_RETRYABLE, false}, /* object in use */
    {"55P03", PG_RETRYABLE, false}, /* lock not available */
    {"57014", PG_RETRYABLE, false}, /* cancelled, statement_timeout */
    {"57P", PG_UNCERTAIN, true},    /* the server goes down */
    {"58", PG_RETRYABLE, false},    /* its operating system failed it */
    {"XX", PG_RETRYABLE, false},    /* internal error */
    {"", PG_REJECTED, false},       /* 0A, 21, 42, P0, ...: the same again gives the same */
};

const char *pg_outcome_name(enum pg_outcome outcome)
{
    static const char *const names[] = {
        [PG_OK] = "ok",
        [PG_ROWS] = "rows",
        [PG_REJECTED] = "rejected",
        [PG_RETRYABLE] = "retryable",
        [PG_UNCERTAIN] = "uncertain",
    };

    return names[outcome];
}

static const struct sqlstate_rule *rule_of(const char *sqlstate)
{
    const struct sqlstate_rule *rule = sqlstate_rules;

    while (strncmp(sqlstate, rule->prefix, strlen(rule->prefix)) != 0)
        rule++;
    return rule;
}

enum pg_outcome pg_outcome_of_sqlstate(const char *sqlstate)
{
    return rule_of(sqlstate)->outcome;
}

static bool field_is(const PGresult *res, int field, const char *text)
{
    const char *value = PQresultErrorField(res, field);

    return value != NULL && strcmp(value, text) == 0;
}

/* A table changed under a prepared statement: a fresh connection prepares and verifies it anew. */
static bool is_stale_plan(const PGresult *error)
{
    return field_is(error, PG_DIAG_SQLSTATE, "0A000") &&
           field_is(error, PG_DIAG_SOURCE_FUNCTION, "RevalidateCachedQuery");
}

enum pg_outcome pg_outcome_of_error(const PGresult *error, bool *drop_r)
{
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    const struct sqlstate_rule *rule;

    *drop_r = true;
    /* No SQLSTATE: libpq made the error up itself (connection gone, out of memory for a result). */
    if (sqlstate == NULL || !field_is(error, PG_DIAG_SEVERITY_NONLOCALIZED, "ERROR"))
        return PG_UNCERTAIN;
    if (is_stale_plan(error))
        return PG_RETRYABLE;
    rule = rule_of(sqlstate);
    *drop_r = rule->drop;
    return rule->outcome;
}

bool pg_notice_is_unreplicated(const PGresult *notice)
{
    const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

    /* The function's name does not depend on lc_messages; the text serves servers that hide it. */
    return field_is(notice, PG_DIAG_SOURCE_FUNCTION, "SyncRepWaitForLSN") ||
           (field_is(notice, PG_DIAG_SQLSTATE, "01000") && text != NULL &&
            strstr(text, "canceling wait for synchronous replication") != NULL);
}

static bool is_sqlstate(const char *s)
{
    for (int i = 0; i < PG_SQLSTATE_SIZE - 1; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        bool letter = s[i] >= 'A' && s[i] <= 'Z';

        if (!digit && !letter)
            return false;
    }
    return true;
}

/* libpq 15 gives no SQLSTATE of a failed connect, but writes "FATAL:  28P01: ..." when verbose. */
void pg_connect_sqlstate(const char *message, char sqlstate_r[PG_SQLSTATE_SIZE])
{
    const char *at = message;

    sqlstate_r[0] = '\0';
    while ((at = strstr(at, ":  ")) != NULL) {
        at += 3;
        if (is_sqlstate(at) && at[PG_SQLSTATE_SIZE - 1] == ':') {
            memcpy(sqlstate_r, at, PG_SQLSTATE_SIZE - 1);
            sqlstate_r[PG_SQLSTATE_SIZE - 1] = '\0';
            return;
        }
    }
}
