/*
 * auth.c - tokens in memory, one authorisation function.
 */
#include "daemon/auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/crypto.h"
#include "base/map.h"

struct auth {
    struct map *tokens;   /* SHA-256 -> struct account */
    struct map *accounts; /* name -> struct account: handed-out pointers outlive a reload */
    struct arena *arena;
    uint64_t asked, taken; /* numbers of the last question, and of the answer in force */
};

struct auth *auth_new(void)
{
    struct auth *auth = xcalloc(1, sizeof(*auth));

    auth->tokens = map_new();
    auth->accounts = map_new();
    auth->arena = arena_new();
    return auth;
}

void auth_free(struct auth **auth)
{
    if (!*auth)
        return;
    map_free(&(*auth)->tokens);
    map_free(&(*auth)->accounts);
    arena_free(&(*auth)->arena);
    free(*auth);
    *auth = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* An account that changed its role, unit or agent becomes a new object: requests under way keep the
 * old one. */
static struct account *intern_account(struct auth *auth, const char *name, enum actor_role role,
                                      const char *unit, const char *agent)
{
    struct account *a = map_gets(auth->accounts, name);

    if (a && a->role == role && same_text(a->unit, unit) && same_text(a->agent, agent))
        return a;
    a = arena_alloc(auth->arena, sizeof(*a));
    a->name = arena_strdup(auth->arena, name);
    a->role = role;
    a->unit = unit ? arena_strdup(auth->arena, unit) : NULL;
    a->agent = agent ? arena_strdup(auth->arena, agent) : NULL;
    map_puts(auth->accounts, name, a);
    return a;
}

uint64_t auth_ask(struct auth *auth)
{
    return ++auth->asked;
}

void auth_take(struct auth *auth, uint64_t asked, const struct pg_result *rows)
{
    if (asked < auth->taken)
        return;
    auth->taken = asked;
    struct arena *scratch = arena_new();
    map_free(&auth->tokens);
    auth->tokens = map_new();
    for (int i = 0; i < pg_result_rows(rows); i++) {
        size_t len;
        const uint8_t *hash = pg_result_bytea(rows, i, 3, scratch, &len);
        int role = word_find(role_words, ROLE_COUNT, pg_result_text(rows, i, 1));
        const char *unit = pg_result_null(rows, i, 2) ? NULL : pg_result_text(rows, i, 2);
        const char *agent = pg_result_null(rows, i, 4) ? NULL : pg_result_text(rows, i, 4);
        if (role < 0 || len != CRYPTO_SHA256_SIZE)
            continue;
        map_put(
            auth->tokens, hash, len,
            intern_account(auth, pg_result_text(rows, i, 0), (enum actor_role)role, unit, agent));
    }
    arena_free(&scratch);
}

const struct account *auth_find(const struct auth *auth, const char *header)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];

    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    const char *token = header + 7;
    crypto_sha256(token, strlen(token), hash);
    return map_get(auth->tokens, hash, sizeof(hash));
}

struct signer {
    enum actor_role role;
    bool (*is_it)(void *ctx, const uint8_t *token_hash);
    void *ctx;
    const struct account *found;
};

static void ask_signer(void *ctx, const char *key, size_t key_len, void *value)
{
    struct signer *signer = ctx;
    const struct account *account = value;

    (void)key_len;
    if (account->role == signer->role && signer->is_it(signer->ctx, (const uint8_t *)key))
        signer->found = account;
}

const struct account *auth_find_signer(const struct auth *auth, enum actor_role role,
                                       bool (*is_it)(void *ctx, const uint8_t *token_hash),
                                       void *ctx)
{
    struct signer signer = {role, is_it, ctx, NULL};

    map_each(auth->tokens, ask_signer, &signer);
    return signer.found;
}

static bool unit_has(const struct ticket_view *ticket, const char *unit)
{
    for (size_t i = 0; unit && i < ticket->assignment_count; i++) {
        if (strcmp(ticket->assignments[i].unit, unit) == 0)
            return true;
    }
    return false;
}

enum authz authorise(const struct account *account, unsigned roles,
                     const struct ticket_view *ticket)
{
    const unsigned everywhere = ROLE_BIT(DESK) | ROLE_BIT(SUPERVISOR);

    if (roles == ROLES_PUBLIC)
        return AUTHZ_ALLOW;
    if (!account)
        return AUTHZ_UNKNOWN;
    if (!(roles & (1u << account->role)))
        return AUTHZ_FORBIDDEN;
    if (!ticket || (everywhere & (1u << account->role)))
        return AUTHZ_ALLOW;
    bool is_own = account->role == ROLE_UNIT && unit_has(ticket, account->unit);
    return is_own ? AUTHZ_ALLOW : AUTHZ_HIDDEN;
}

struct ticket_sight auth_sight(const struct account *account, const struct ticket_record *record)
{
    bool is_unit = account->role == ROLE_UNIT;

    return (struct ticket_sight){
        .unit = is_unit ? account->unit : NULL,
        .sees_identity = !is_unit || !record->is_confidential,
        .sees_query_code = !is_unit,
    };
}
