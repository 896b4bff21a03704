#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/crypto.h"
#include "pg/pg_private.h"

enum pg_outcome pg_result_outcome(const struct pg_result *res)
{
    return res->outcome;
}

const char *pg_result_sqlstate(const struct pg_result *res)
{
    return res->sqlstate;
}

const char *pg_result_constraint(const struct pg_result *res)
{
    return res->constraint == NULL ? "" : res->constraint;
}

const char *pg_result_message(const struct pg_result *res)
{
    return res->message == NULL ? "" : res->message;
}

int pg_result_rows(const struct pg_result *res)
{
    return res->res == NULL ? 0 : PQntuples(res->res);
}

/* A wrong row or column is a mistake of ours, not of the database: the columns were verified. */
static void check_cell(const struct pg_result *res, int row, int col)
{
    INVARIANT(res->res != NULL);
    INVARIANT(row >= 0 && row < PQntuples(res->res));
    INVARIANT(col >= 0 && col < PQnfields(res->res));
}

bool pg_result_null(const struct pg_result *res, int row, int col)
{
    check_cell(res, row, col);
    return PQgetisnull(res->res, row, col) != 0;
}

const char *pg_result_text(const struct pg_result *res, int row, int col)
{
    check_cell(res, row, col);
    return PQgetvalue(res->res, row, col);
}

size_t pg_result_length(const struct pg_result *res, int row, int col)
{
    check_cell(res, row, col);
    return (size_t)PQgetlength(res->res, row, col);
}

int64_t pg_result_int(const struct pg_result *res, int row, int col)
{
    const char *text = pg_result_text(res, row, col);
    char *end;
    long long value;

    if (pg_result_null(res, row, col))
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    INVARIANT(errno == 0 && end != text && *end == '\0');
    return value;
}

bool pg_result_bool(const struct pg_result *res, int row, int col)
{
    const char *text = pg_result_text(res, row, col);

    if (pg_result_null(res, row, col))
        return false;
    INVARIANT(strcmp(text, "t") == 0 || strcmp(text, "f") == 0);
    return text[0] == 't';
}

/* As every connection is set up to write it: "2026-02-13 02:00:00.5+00". */
static int64_t parse_timestamptz(const char *text, size_t len)
{
    static const char utc[] = "+00";
    const size_t utc_len = sizeof(utc) - 1;
    char rfc3339[40];
    int64_t us;

    INVARIANT(len > utc_len && len < sizeof(rfc3339) &&
              memcmp(text + len - utc_len, utc, utc_len) == 0);
    memcpy(rfc3339, text, len - utc_len);
    rfc3339[10] = 'T';
    rfc3339[len - utc_len] = 'Z';
    INVARIANT(civil_parse_any_instant(rfc3339, len - utc_len + 1, &us));
    return us;
}

int64_t pg_result_instant(const struct pg_result *res, int row, int col)
{
    const char *text = pg_result_text(res, row, col);
    size_t len = pg_result_length(res, row, col);

    if (len > 10 && text[10] == ' ')
        return parse_timestamptz(text, len);
    return pg_result_int(res, row, col);
}

const uint8_t *pg_result_bytea(const struct pg_result *res, int row, int col, struct arena *arena,
                               size_t *len_r)
{
    const char *text = pg_result_text(res, row, col);
    size_t digits;
    uint8_t *data;

    *len_r = 0;
    if (pg_result_null(res, row, col))
        return NULL;
    INVARIANT(text[0] == '\\' && text[1] == 'x');
    digits = pg_result_length(res, row, col) - 2;
    data = arena_alloc(arena, digits / 2 + 1);
    if (digits > 0)
        INVARIANT(crypto_unhex(text + 2, digits, data));
    *len_r = digits / 2;
    return data;
}

int pg_result_count(const struct pg_result *res)
{
    return res->count;
}

const struct pg_result *pg_result_at(const struct pg_result *res, int i)
{
    INVARIANT(i >= 0 && i < res->count);
    return &res->parts[i];
}
