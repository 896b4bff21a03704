/*
 * admin.h - configuration and accounts over HTTP (role admin).
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "daemon/request.h"

#define ADMIN_ACCOUNTS_MAX 1000 /* made by one request */

void admin_import_post(struct request *r);   /* POST /v1/admin/import */
void admin_validate_post(struct request *r); /* POST /v1/admin/validate */
void admin_export_get(struct request *r);    /* GET /v1/admin/export */

void admin_scores_get(struct request *r);  /* GET /v1/admin/scores */
void admin_scores_post(struct request *r); /* POST /v1/admin/scores */

void admin_accounts_get(struct request *r);         /* GET /v1/admin/accounts */
void admin_accounts_post(struct request *r);        /* POST /v1/admin/accounts */
void admin_accounts_units_post(struct request *r);  /* POST /v1/admin/accounts/units */
void admin_account_rotate_post(struct request *r);  /* POST /v1/admin/accounts/{}/rotate */
void admin_account_agent_post(struct request *r);   /* POST /v1/admin/accounts/{}/agent */
void admin_account_disable_post(struct request *r); /* POST /v1/admin/accounts/{}/disable */

#endif
