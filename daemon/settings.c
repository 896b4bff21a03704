/*
 * settings.c - the table.
 */
#include "daemon/settings.h"

#include "base/attr.h"

#define FIELD(name) offsetof(struct settings, name)
#define TEXT(name_, default_, flags_, help_)                                                       \
    {                                                                                              \
        .name = #name_, .type = SETTING_STRING, .offset = FIELD(name_), .fallback = (default_),    \
        .flags = (flags_), .help = (help_)                                                         \
    }
#define NUMBER(name_, default_, min_, max_, flags_, help_)                                         \
    {                                                                                              \
        .name = #name_, .type = SETTING_INT, .offset = FIELD(name_), .fallback = (default_),       \
        .min = (min_), .max = (max_), .flags = (flags_), .help = (help_)                           \
    }

#define FLAG(name_, default_, flags_, help_)                                                       \
    {                                                                                              \
        .name = #name_, .type = SETTING_BOOL, .offset = FIELD(name_), .fallback = (default_),      \
        .flags = (flags_), .help = (help_)                                                         \
    }

const struct setting settings_table[] = {
    TEXT(data, "var", SETTING_NO_RELOAD,
         "folder of the private cluster, the keys and the reservation of ticket numbers"),
    TEXT(listen, "127.0.0.1", SETTING_NO_RELOAD, "address to listen on, a literal"),
    NUMBER(port, "12345", 0, 65535, SETTING_NO_RELOAD, "TCP port; 0 picks a free one"),
    TEXT(database, "", SETTING_NO_RELOAD | SETTING_SECRET,
         "libpq conninfo of a PostgreSQL 15 or newer; empty: a private cluster below data"),
    TEXT(tls_cert, "", 0, "PEM file of the certificate chain; empty: no TLS"),
    TEXT(tls_key, "", 0, "PEM file of the private key"),
    TEXT(log_level, "info", 0, "error, warn, info or debug"),
    NUMBER(instance, "0", 0, 9, SETTING_NO_RELOAD,
           "digit of this daemon in ticket numbers; different for daemons on one database"),
    NUMBER(intake_connections, "2", 1, 16, SETTING_NO_RELOAD,
           "database connections that store new tickets"),
    NUMBER(work_connections, "3", 1, 64, SETTING_NO_RELOAD,
           "database connections for reading and changing single tickets"),
    NUMBER(report_connections, "2", 1, 16, SETTING_NO_RELOAD,
           "database connections for lists and reports"),
    NUMBER(bulk_connections, "2", 1, 16, SETTING_NO_RELOAD,
           "database connections for changing many tickets at once: batches, deadlines, calendars"),
    NUMBER(intake_batch, "128", 1, 1000, 0, "new tickets stored in one transaction at most"),
    NUMBER(intake_queued, "4096", 1, 100000, 0, "new tickets waiting to be stored; beyond it 503"),
    NUMBER(max_connections, "4096", 1, 100000, SETTING_NO_RELOAD, "client connections at most"),
    NUMBER(max_connections_per_address, "2048", 1, 100000, SETTING_NO_RELOAD,
           "client connections of one address at most"),
    NUMBER(max_waiting, "2000", 1, 100000, 0,
           "long polls and event streams at most; beyond it 503"),
    NUMBER(max_rounds, "3", 1, 20, 0,
           "rounds of handling before a ticket becomes a problem ticket"),
    NUMBER(max_callback_attempts, "3", 1, 20, 0, "call-backs nobody answered before it is closed"),
    NUMBER(max_transfers, "3", 1, 20, 0,
           "returns granted to a lead before it is a problem ticket 问题工单"),
    NUMBER(max_extensions, "1", 0, 20, 0, "extensions 延期 an assignment may be granted"),
    NUMBER(max_extension_days, "10", 1, 366, 0, "working days of one extension"),
    NUMBER(max_suspension_days, "180", 1, 3660, 0, "days a suspension 挂起 may last"),
    NUMBER(satisfied_from, "4", 1, 5, 0, "grade (1..5) from which a citizen counts as satisfied"),
    NUMBER(dissatisfied_to, "2", 1, 5, 0, "grade (1..5) down from which a ticket is redone"),
    NUMBER(duplicate_days, "90", 1, 3650, 0,
           "days around a ticket in which likely duplicates are looked for"),
    NUMBER(duplicate_score, "45", 1, 100, 0,
           "score (1..100) from which a likely duplicate is offered"),
    NUMBER(device_connections, "2", 1, 16, SETTING_NO_RELOAD,
           "database connections for presses of one-key devices 一键通 alone"),
    NUMBER(device_coalesce_seconds, "60", 0, 3600, 0,
           "presses of one device and key within this time are one matter"),
    NUMBER(device_cancel_seconds, "600", 0, 86400, 0,
           "time in which the key cancel still belongs to a press"),
    NUMBER(device_confirm_seconds, "15", 1, 3600, 0,
           "an emergency nobody acted on: the next operator is told"),
    NUMBER(device_escalate_seconds, "60", 1, 86400, 0,
           "the same: supervisor and guardians are told"),
    NUMBER(device_heartbeat_seconds, "3600", 10, 604800, 0,
           "period of heartbeats; after three without one it is a matter of maintenance"),
    NUMBER(device_low_battery_percent, "15", 0, 100, 0,
           "battery (percent) from which down it is a matter of maintenance"),
    NUMBER(mqtt_port, "0", 0, 65535, SETTING_NO_RELOAD,
           "TCP port of the MQTT listener for one-key devices; 0: none"),
    NUMBER(mqtt_tls_port, "0", 0, 65535, SETTING_NO_RELOAD,
           "TCP port of the MQTT listener with TLS; 0: none"),
    TEXT(mqtt_tls_cert, "", 0,
         "PEM file of the certificate chain that devices see; empty: tls_cert and tls_key"),
    TEXT(mqtt_tls_key, "", 0, "PEM file of its private key"),
    TEXT(mqtt_listen, "", SETTING_NO_RELOAD,
         "address of the MQTT listeners, a literal; empty: as listen"),
    NUMBER(mqtt_max_connections, "20000", 1, 1000000, SETTING_NO_RELOAD,
           "MQTT connections at most"),
    NUMBER(mqtt_max_strangers, "2000", 1, 1000000, SETTING_NO_RELOAD,
           "MQTT connections without a CONNECT at most; beyond it the oldest is closed"),
    TEXT(device_category, "0909", 0, "category of tickets made of presses"),
    TEXT(device_maintenance_category, "060205", 0,
         "category of tickets made of silence and low batteries"),
    TEXT(public_url, "", 0,
         "URL under which clients outside reach this daemon, without a path; empty: as they call "
         "it"),
    TEXT(trusted_proxies, "", 0,
         "addresses and networks, separated by commas, of reverse proxies whose X-Forwarded-For is "
         "believed; empty: none"),
    NUMBER(public_misses_per_hour, "600", 0, 1000000, 0,
           "public look-ups that found nothing, of one address in an hour; beyond it 429; 0: no "
           "limit"),
    NUMBER(web_tickets_per_hour, "60", 0, 1000000, 0,
           "tickets of one citizen's address, as the web front tells it, in an hour; beyond it "
           "429; 0: no limit"),
    TEXT(open311_contact, "12345", 0, "whom developers may ask, in the discovery of Open311"),
    TEXT(open311_categories, "", 0,
         "categories, separated by commas, whose leaves Open311 offers as services; empty: all"),
    TEXT(area_code, "", 0,
         "area code of the city, as 0510: numbers of 7 or 8 digits that gateways tell are of it"),
    FLAG(webhook_private, "no", 0,
         "webhooks may go to addresses that are not public, and without TLS: for tests and for "
         "units on a network of the city"),
    NUMBER(webhook_tries, "20", 1, 1000, 0, "attempts before a delivery is a dead letter"),
    NUMBER(webhook_timeout_seconds, "15", 1, 60, 0, "time a receiver has to answer"),
    NUMBER(webhook_keep_days, "30", 1, 3660, 0, "days ended deliveries are kept for a replay"),
    TEXT(webhook_ca, "", SETTING_NO_RELOAD,
         "PEM file of the authorities that receivers' certificates are of; empty: the system's"),
    TEXT(webhook_nameserver, "", SETTING_NO_RELOAD,
         "address of the name server that knows the receivers of webhooks; empty: those of "
         "/etc/resolv.conf"),
    NUMBER(drain_seconds, "20", 1, 600, 0, "time running requests have to finish when stopping"),
};
const size_t settings_table_count = ARRAY_LEN(settings_table);
