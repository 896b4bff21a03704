/*
 * routes.c - every resource, who may use it, how large its body may be, who handles it.
 *
 * The first row whose path and method fit is taken: fixed words stand before {}.
 */
#include "daemon/admin.h"
#include "daemon/batches.h"
#include "daemon/calls.h"
#include "daemon/cloud.h"
#include "daemon/devices.h"
#include "daemon/duplicates.h"
#include "daemon/events.h"
#include "daemon/health.h"
#include "daemon/intake.h"
#include "daemon/open311.h"
#include "daemon/places.h"
#include "daemon/queue.h"
#include "daemon/recalendar.h"
#include "daemon/reports.h"
#include "daemon/request.h"
#include "daemon/test_clock.h"
#include "daemon/ticket_action.h"
#include "daemon/ticket_read.h"
#include "daemon/version.h"
#include "daemon/webhook.h"
#include "daemon/wechat.h"

#define ADMIN ROLE_BIT(ADMIN)
#define DESK (ROLE_BIT(DESK) | ROLE_BIT(SUPERVISOR))
#define UNIT ROLE_BIT(UNIT)
#define INTAKE (DESK | ROLE_BIT(ADMIN) | ROLE_BIT(GATEWAY) | ROLE_BIT(WEB))
#define FIGURES (DESK | ADMIN | UNIT)

#define KIB(n) ((size_t)(n) << 10)
#define BODY_TICKET KIB(64)
#define BODY_ACTION KIB(64)
#define BODY_SMALL KIB(4)
#define BODY_CALL KIB(16)
#define BODY_CDR KIB(256)
#define BODY_BATCH KIB(512)
#define BODY_ACCOUNTS KIB(256)
#define BODY_DEVICES KIB(2 << 10)
#define BODY_MAPPINGS KIB(512)
#define BODY_CITY KIB(8 << 10)

const struct route_entry route_table[] = {
    {HTTP_POST, "/v1/tickets", INTAKE, BODY_TICKET, ticket_create_post, "createTicket"},
    {HTTP_GET, "/v1/tickets", DESK | UNIT, 0, ticket_list_get, "listTickets"},
    {HTTP_GET, "/v1/tickets/{}", DESK | UNIT, 0, ticket_get, "getTicket"},
    {HTTP_GET, "/v1/tickets/{}/events", DESK | UNIT, 0, ticket_events_get, "getTicketEvents"},
    {HTTP_GET, "/v1/tickets/{}/explain", DESK | UNIT, 0, ticket_explain_get, "explainTicket"},
    {HTTP_POST, "/v1/tickets/{}/reveal", DESK | UNIT, BODY_ACTION, ticket_reveal_post, "reveal"},
    {HTTP_GET, "/v1/tickets/{}/attachments", DESK | UNIT, 0, ticket_media_get, "getAttachments"},
    {HTTP_GET, "/v1/tickets/{}/duplicates", DESK, 0, ticket_duplicates_get, "getTicketDuplicates"},
    {HTTP_POST, "/v1/duplicates", DESK, BODY_TICKET, duplicates_post, "findDuplicates"},
    {HTTP_POST, "/v1/tickets/{}/{}", DESK | UNIT, BODY_ACTION, ticket_action_post, "actOnTicket"},
    {HTTP_POST, "/v1/batches", DESK, BODY_BATCH, batches_post, "createBatch"},
    {HTTP_GET, "/v1/public/tickets/{}", ROLES_PUBLIC, 0, ticket_public_get, "getPublicTicket"},
    {HTTP_POST, "/v1/explain", DESK | ADMIN, BODY_TICKET, explain_post, "explain"},
    {HTTP_GET, "/v1/places", DESK | UNIT | ROLE_BIT(GATEWAY) | ROLE_BIT(WEB), 0, places_get,
     "findPlaces"},

    {HTTP_GET, "/v1/queue", DESK | UNIT, 0, queue_get, "getQueue"},
    {HTTP_POST, "/v1/queue/claim", UNIT, BODY_SMALL, queue_claim_post, "claim"},
    {HTTP_POST, "/v1/assignments/{}/release", UNIT, BODY_SMALL, assignment_release_post, "release"},
    {HTTP_POST, "/v1/assignments/{}/{}", UNIT, BODY_ACTION, assignment_action_post,
     "actOnAssignment"},
    {HTTP_GET, "/v1/events", DESK | UNIT, 0, events_get, "getEvents"},

    {HTTP_POST, "/v1/calls/events", ROLES_PUBLIC, BODY_CALL, call_events_post, "postCallEvent"},
    {HTTP_POST, "/v1/calls/freeswitch", ROLES_PUBLIC, BODY_CDR, call_freeswitch_post,
     "postFreeswitchCdr"},
    {HTTP_POST, "/v1/cti/{}", ROLES_PUBLIC, BODY_CALL, call_cti_post, "postCti"},
    {HTTP_GET, "/v1/calls", DESK, 0, call_list_get, "listCalls"},
    {HTTP_POST, "/v1/calls/returned", DESK, BODY_SMALL, call_returned_post, "returnCall"},
    {HTTP_POST, "/v1/calls/reveal", DESK, BODY_SMALL, call_reveal_post, "revealCall"},

    {HTTP_GET, "/v1/reports/tiers", FIGURES, 0, report_tiers_get, "reportTiers"},
    {HTTP_GET, "/v1/reports/measures", FIGURES, 0, report_measures_get, "reportMeasures"},
    {HTTP_GET, "/v1/reports/scores", DESK | ADMIN, 0, report_scores_get, "reportScores"},
    {HTTP_GET, "/v1/reports/bulletin", DESK | ADMIN, 0, report_bulletin_get, "reportBulletin"},

    {HTTP_POST, "/v1/admin/import", ADMIN, BODY_CITY, admin_import_post, "importCity"},
    {HTTP_POST, "/v1/admin/validate", ADMIN, BODY_CITY, admin_validate_post, "validateCity"},
    {HTTP_GET, "/v1/admin/export", ADMIN, 0, admin_export_get, "exportCity"},
    {HTTP_GET, "/v1/admin/scores", ADMIN, 0, admin_scores_get, "listScores"},
    {HTTP_POST, "/v1/admin/scores", ADMIN, BODY_SMALL * 4, admin_scores_post, "addScores"},
    {HTTP_GET, "/v1/admin/accounts", ADMIN, 0, admin_accounts_get, "listAccounts"},
    {HTTP_POST, "/v1/admin/accounts", ADMIN, BODY_ACCOUNTS, admin_accounts_post, "createAccounts"},
    {HTTP_POST, "/v1/admin/accounts/units", ADMIN, BODY_SMALL, admin_accounts_units_post,
     "createUnitAccounts"},
    {HTTP_GET, "/v1/admin/webhooks", ADMIN | UNIT, 0, webhooks_get, "listWebhooks"},
    {HTTP_POST, "/v1/admin/webhooks", ADMIN, BODY_SMALL * 2, webhooks_post, "createWebhook"},
    {HTTP_POST, "/v1/admin/webhooks/{}/rotate", ADMIN, BODY_SMALL, webhook_rotate_post,
     "rotateWebhook"},
    {HTTP_POST, "/v1/admin/webhooks/{}/disable", ADMIN, BODY_SMALL, webhook_disable_post,
     "disableWebhook"},
    {HTTP_POST, "/v1/admin/webhooks/{}/enable", ADMIN, BODY_SMALL, webhook_enable_post,
     "enableWebhook"},
    {HTTP_POST, "/v1/admin/webhooks/{}/replay", ADMIN, BODY_SMALL, webhook_replay_post,
     "replayWebhook"},
    {HTTP_POST, "/v1/admin/accounts/{}/rotate", ADMIN, BODY_SMALL, admin_account_rotate_post,
     "rotateToken"},
    {HTTP_POST, "/v1/admin/accounts/{}/disable", ADMIN, BODY_SMALL, admin_account_disable_post,
     "disableAccount"},
    {HTTP_POST, "/v1/admin/accounts/{}/agent", ADMIN, BODY_SMALL, admin_account_agent_post,
     "setAccountAgent"},
    {HTTP_POST, "/v1/admin/recount", ADMIN | ROLE_BIT(SUPERVISOR), BODY_SMALL, admin_recount_post,
     "recount"},
    {HTTP_POST, "/v1/admin/verify", ADMIN | ROLE_BIT(SUPERVISOR), BODY_SMALL, admin_verify_post,
     "verify"},

    {HTTP_GET, "/v1/admin/devices", ADMIN, 0, devices_list_get, "listDevices"},
    {HTTP_POST, "/v1/admin/devices", ADMIN, BODY_DEVICES, devices_import_post, "importDevices"},
    {HTTP_POST, "/v1/admin/devices/{}/rotate", ADMIN, BODY_SMALL, device_rotate_post,
     "rotateDeviceKey"},
    {HTTP_POST, "/v1/admin/devices/{}/retire", ADMIN, BODY_SMALL, device_retire_post,
     "retireDevice"},
    {HTTP_POST, "/v1/devices/{}/presses", ROLES_PUBLIC, BODY_SMALL, device_press_post,
     "pressDevice"},
    {HTTP_POST, "/v1/devices/{}/heartbeats", ROLES_PUBLIC, BODY_SMALL, device_heartbeat_post,
     "beatDevice"},
    {HTTP_GET, "/v1/devices/{}", DESK, 0, device_get, "getDevice"},
    {HTTP_POST, "/v1/devices/{}/reveal", DESK, BODY_SMALL, device_reveal_post, "revealDevice"},
    {HTTP_POST, "/v1/notices/claim", ROLE_BIT(GATEWAY), BODY_SMALL, notices_claim_post,
     "claimNotices"},
    {HTTP_POST, "/v1/notices/{}/result", ROLE_BIT(GATEWAY), BODY_SMALL, notice_result_post,
     "reportNotice"},

    {HTTP_GET, "/v1/clouds/onenet/{}", ROLES_PUBLIC, 0, cloud_onenet_get, "verifyOnenet"},
    {HTTP_POST, "/v1/clouds/onenet/{}", ROLES_PUBLIC, CLOUD_BODY_MAX, cloud_onenet_post,
     "pushOnenet"},
    {HTTP_POST, "/v1/clouds/ctwing/{}", ROLES_PUBLIC, CLOUD_BODY_MAX, cloud_ctwing_post,
     "pushCtwing"},
    {HTTP_GET, "/v1/admin/clouds", ADMIN, 0, admin_clouds_get, "listClouds"},
    {HTTP_POST, "/v1/admin/clouds", ADMIN, BODY_SMALL * 2, admin_clouds_post, "createCloud"},
    {HTTP_POST, "/v1/admin/clouds/{}", ADMIN, BODY_SMALL * 2, admin_cloud_change_post,
     "changeCloud"},
    {HTTP_GET, "/v1/admin/clouds/{}/mappings", ADMIN, 0, admin_cloud_mappings_get,
     "listCloudMappings"},
    {HTTP_POST, "/v1/admin/clouds/{}/mappings", ADMIN, BODY_MAPPINGS, admin_cloud_mappings_post,
     "mapCloud"},
    {HTTP_GET, "/v1/admin/clouds/{}/unmapped", ADMIN, 0, admin_cloud_unmapped_get,
     "listCloudUnmapped"},

    {HTTP_GET, "/open311/v2/discovery.{}", ROLES_PUBLIC, 0, open311_discovery_get,
     "open311Discovery"},
    {HTTP_GET, "/open311/v2/services.{}", ROLES_PUBLIC, 0, open311_services_get, "open311Services"},
    {HTTP_GET, "/open311/v2/services/{}", ROLES_PUBLIC, 0, open311_service_get, "open311Service"},
    {HTTP_GET, "/open311/v2/requests.{}", ROLES_PUBLIC, 0, open311_requests_get, "open311Requests"},
    {HTTP_POST, "/open311/v2/requests.{}", ROLES_PUBLIC, BODY_TICKET, open311_requests_post,
     "open311Post"},
    {HTTP_GET, "/open311/v2/requests/{}", ROLES_PUBLIC, 0, open311_request_get, "open311Request"},
    {HTTP_GET, "/open311/v2/tokens/{}", ROLES_PUBLIC, 0, open311_token_get, "open311Token"},

    {HTTP_GET, "/v1/wechat/{}", ROLES_PUBLIC, 0, wechat_get, "verifyWechat"},
    {HTTP_POST, "/v1/wechat/{}", ROLES_PUBLIC, KIB(64), wechat_post, "pushWechat"},
    {HTTP_POST, "/v1/wechat/{}/outbox/claim", ROLE_BIT(GATEWAY), BODY_SMALL,
     wechat_outbox_claim_post, "claimWechatOutbox"},
    {HTTP_POST, "/v1/wechat/{}/outbox/{}/result", ROLE_BIT(GATEWAY), BODY_SMALL,
     wechat_outbox_result_post, "reportWechatOutbox"},
    {HTTP_GET, "/v1/admin/wechat", ADMIN, 0, admin_wechat_get, "listWechat"},
    {HTTP_POST, "/v1/admin/wechat", ADMIN, BODY_SMALL * 4, admin_wechat_post, "createWechat"},
    {HTTP_POST, "/v1/admin/wechat/{}", ADMIN, BODY_SMALL * 4, admin_wechat_change_post,
     "changeWechat"},

    {HTTP_GET, "/v1/admin/{}", DESK | ADMIN, 0, version_list_get, "listVersions"},
    {HTTP_GET, "/v1/admin/{}/drafts", DESK | ADMIN, 0, draft_list_get, "listDrafts"},
    {HTTP_POST, "/v1/admin/{}/drafts", ADMIN, BODY_CITY, draft_post, "createDraft"},
    {HTTP_GET, "/v1/admin/{}/activations", DESK | ADMIN, 0, activation_list_get, "listActivations"},
    {HTTP_GET, "/v1/admin/calendars/recompute", DESK | ADMIN, 0, recalendar_get, "getRecompute"},
    {HTTP_GET, "/v1/admin/{}/{}", DESK | ADMIN, 0, version_get, "getVersion"},
    {HTTP_GET, "/v1/admin/{}/drafts/{}", DESK | ADMIN, 0, draft_get, "getDraft"},
    {HTTP_POST, "/v1/admin/{}/drafts/{}/replay", DESK | ADMIN, BODY_SMALL, draft_replay_post,
     "replayDraft"},
    {HTTP_POST, "/v1/admin/{}/drafts/{}/preview", DESK | ADMIN, BODY_SMALL, draft_preview_post,
     "previewDraft"},
    {HTTP_POST, "/v1/admin/{}/drafts/{}/activate", ADMIN, BODY_SMALL, draft_activate_post,
     "activateDraft"},
    {HTTP_POST, "/v1/admin/{}/activations/{}/cancel", ADMIN, BODY_SMALL, activation_cancel_post,
     "cancelActivation"},

    {HTTP_POST, "/v1/test/clock", ROLES_PUBLIC, BODY_SMALL, test_clock_post, "moveTestClock"},
    {HTTP_GET, "/healthz", ROLES_PUBLIC, 0, health_get, "getHealth"},
    {HTTP_GET, "/readyz", ROLES_PUBLIC, 0, ready_get, "getReady"},
    {HTTP_GET, "/metrics", ROLES_PUBLIC, 0, metrics_get, "getMetrics"},
};
const size_t route_table_count = ARRAY_LEN(route_table);

const struct request_dialect *const request_dialects[] = {
    &call_cti_dialect, &call_freeswitch_dialect, &open311_dialect, &wechat_dialect, &cloud_dialect};
const size_t request_dialect_count = ARRAY_LEN(request_dialects);
