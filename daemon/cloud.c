/*
 * cloud.c - accounts of operators' clouds, in memory.
 */
#include "daemon/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pii.h"
#include "proto/onenet.h"

const char *const cloud_kind_names[] = {"onenet", "ctwing", NULL};

struct clouds {
    struct daemon *d;
    struct arena *arena; /* NULL: nothing loaded yet */
    const struct cloud_account **list;
    size_t count;
    uint64_t asked, taken;
    struct push_in *pushes; /* that have not ended */
};

enum { NAME, KIND, TOKEN, KEY = 4, SECRET = 6, ADDRESSES = 8, DISABLED };

static const char *opened(const struct clouds *c, const struct pg_result *res, int row, int col,
                          const char *aad, struct arena *arena)
{
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);

    return pii_open(c->d, aad, sealed, len, arena);
}

static const struct cloud_account *read_account(const struct clouds *c, const struct pg_result *res,
                                                int row, struct arena *arena)
{
    struct cloud_account *a = arena_alloc(arena, sizeof(*a));

    a->name = arena_strdup(arena, pg_result_text(res, row, NAME));
    a->kind = strcmp(pg_result_text(res, row, KIND), "ctwing") == 0 ? CLOUD_CTWING : CLOUD_ONENET;
    a->addresses = arena_strdup(arena, pg_result_text(res, row, ADDRESSES));
    a->is_disabled = pg_result_bool(res, row, DISABLED);
    for (int i = 0; i < CLOUD_LIVE; i++) {
        const char *token = opened(c, res, row, TOKEN + i, CLOUD_TOKEN_AAD, arena);
        const char *key = opened(c, res, row, KEY + i, CLOUD_KEY_AAD, arena);
        size_t len = 0;
        const uint8_t *hash = pg_result_bytea(res, row, SECRET + i, arena, &len);
        if (token)
            a->token[a->token_count++] = token;
        if (key && onenet_key_valid(key))
            a->key[a->key_count++] = key;
        if (hash && len == CRYPTO_SHA256_SIZE)
            memcpy(a->secret[a->secret_count++], hash, len);
    }
    return a;
}

uint64_t clouds_ask(struct clouds *c)
{
    return ++c->asked;
}

void clouds_take(struct clouds *c, uint64_t asked, const struct pg_result *res)
{
    size_t count = (size_t)pg_result_rows(res);

    if (asked < c->taken)
        return;
    c->taken = asked;
    arena_free(&c->arena);
    c->arena = arena_new();
    c->list = arena_alloc(c->arena, (count + 1) * sizeof(struct cloud_account *));
    for (c->count = 0; c->count < count; c->count++)
        c->list[c->count] = read_account(c, res, (int)c->count, c->arena);
}

const struct cloud_account *cloud_by_name(const struct clouds *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct cloud_account *a = c->list[i];
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

const struct cloud_account *cloud_by_secret(const struct clouds *c, const char *secret)
{
    const struct cloud_account *found = NULL;
    uint8_t hash[CRYPTO_SHA256_SIZE];

    crypto_sha256(secret, strlen(secret), hash);
    for (size_t i = 0; i < c->count; i++) {
        const struct cloud_account *a = c->list[i];
        for (size_t j = 0; j < a->secret_count; j++) {
            if (crypto_equal(hash, a->secret[j], sizeof(hash)) && !a->is_disabled)
                found = a;
        }
    }
    return found;
}

struct push_in **clouds_pushes(struct clouds *c)
{
    return &c->pushes;
}

struct clouds *clouds_new(struct daemon *d)
{
    struct clouds *c = xcalloc(1, sizeof(*c));

    c->d = d;
    return c;
}

void clouds_free(struct clouds **clouds)
{
    struct clouds *c = *clouds;

    if (!c)
        return;
    cloud_pushes_free(&c->pushes);
    arena_free(&c->arena);
    free(c);
    *clouds = NULL;
}
