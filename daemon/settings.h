/*
 * settings.h - what can be set: file, command line, defaults, in one table (settings.c).
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"

struct settings {
    char *data;   /* folder of the private cluster, keys and the number reservation */
    char *listen; /* address literal */
    int64_t port;
    char *database; /* libpq conninfo; "" = private cluster under data */
    char *tls_cert, *tls_key;
    char *log_level;
    char *area_code;            /* of the city's telephones, with its 0; "" = none */
    int64_t instance;           /* digit in ticket numbers */
    int64_t intake_connections; /* of the pool that stores new tickets */
    int64_t work_connections, report_connections;
    int64_t bulk_connections; /* of the pool that changes many tickets at once */
    int64_t intake_batch;     /* tickets per transaction at most */
    int64_t intake_queued;    /* tickets waiting at most, then 503 */
    int64_t max_connections, max_connections_per_address;
    int64_t max_waiting; /* long polls and streams at most */
    int64_t max_rounds, max_callback_attempts, satisfied_from, dissatisfied_to;
    int64_t max_transfers, max_extensions, max_extension_days, max_suspension_days;
    int64_t duplicate_days, duplicate_score;
    int64_t device_connections; /* of the pool that stores presses of one-key devices */
    int64_t device_coalesce_seconds, device_cancel_seconds, device_confirm_seconds;
    int64_t device_escalate_seconds, device_heartbeat_seconds, device_low_battery_percent;
    char *mqtt_listen; /* "" = as listen */
    int64_t mqtt_port, mqtt_tls_port, mqtt_max_connections, mqtt_max_strangers;
    char *mqtt_tls_cert, *mqtt_tls_key; /* "" = as HTTP */
    char *device_category, *device_maintenance_category;
    int64_t drain_seconds;
    char *public_url; /* "https://12345.example.cn"; "" = as the client calls us */
    char *trusted_proxies;
    int64_t public_misses_per_hour, web_tickets_per_hour; /* of one address, see throttle.h */
    char *open311_contact, *open311_categories;
    bool webhook_private; /* also to addresses that are not public, also without TLS */
    int64_t webhook_tries, webhook_timeout_seconds, webhook_keep_days;
    char *webhook_ca, *webhook_nameserver;
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

#endif
