/*
 * auth.h - who may come in, and what he may do there.
 *
 * Tokens are 128 random bits; only their SHA-256 is stored. All live ones are kept in memory and
 * loaded anew when an account changes, so no request waits for a look-up.
 */
#ifndef DAEMON_AUTH_H
#define DAEMON_AUTH_H

#include <stdbool.h>

#include "hotline/vocabulary.h"
#include "pg/pg.h"
#include "proto/ticket_json.h"

struct account {
    const char *name;
    enum actor_role role;
    const char *unit;  /* code; of ROLE_UNIT */
    const char *agent; /* agent id of a desk; NULL = none */
};

struct auth;
struct auth *auth_new(void);
void auth_free(struct auth **auth);
/*
 * Call it when account_load is submitted and give its number with the rows: answers may overtake
 * each other on different connections, and rows that were asked for before those we have are left.
 */
uint64_t auth_ask(struct auth *auth);
/* Takes over the rows of account_load. Accounts handed out before stay valid until auth_free(). */
void auth_take(struct auth *auth, uint64_t asked, const struct pg_result *rows);
/* header: value of Authorization, may be NULL. NULL = not known. The account stays valid until
 * auth_free(). */
const struct account *auth_find(const struct auth *auth, const char *header);

/*
 * The account of this role one of whose live tokens `is_it` says yes to, by the SHA-256 of the
 * token; NULL if none. All are asked, so that the time does not tell which.
 */
const struct account *auth_find_signer(const struct auth *auth, enum actor_role role,
                                       bool (*is_it)(void *ctx, const uint8_t *token_hash),
                                       void *ctx);

enum authz {
    AUTHZ_ALLOW,
    AUTHZ_UNKNOWN /* 401 */,
    AUTHZ_FORBIDDEN /* 403 */,
    AUTHZ_HIDDEN /* 404 */
};
#define ROLES_PUBLIC 0u
#define ROLE_BIT(role) (1u << ROLE_##role)
/*
 * The one authorisation function: may this account (NULL = nobody) use something open to `roles`,
 * and, if a ticket is given, that ticket? A unit sees the tickets it has or had an assignment of;
 * gateways and the web see none.
 */
enum authz authorise(const struct account *account, unsigned roles,
                     const struct ticket_view *ticket);
/* What he sees of a ticket that he may see (confidential identity stays at the desk). */
struct ticket_sight auth_sight(const struct account *account, const struct ticket_record *record);

#endif
