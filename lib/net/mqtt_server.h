/*
 * mqtt_server.h - MQTT 3.1.1 listener for devices that only publish and hear their own answers; no
 * broker: nothing is passed from one client to another, no session outlives its connection
 * (CONNACK says so), QoS 0 and 1 come in, QoS 0 goes out.
 *
 * Life of a connection
 *   NEW      TLS handshake, then waiting for CONNECT, with a deadline until it is accepted
 *   LOGIN    on_connect() was called; nothing more is read until mqtt_accept()
 *   OPEN     packets; silence of more than one and a half keep-alives closes [MQTT-3.1.2-24]
 *   CLOSING  the last bytes go out; what still comes is thrown away, for a second at most
 *
 * PUBACK is sent by mqtt_done() only, in the order of the PUBLISH packets [MQTT-4.6.0-2], whatever
 * the order of the calls. So many packets under way of one connection, or so many bytes that it
 * does not read, and nothing more is read from it: a client that floods waits in its own socket
 * buffer.
 *
 * on_close runs exactly once for every on_connect, from the loop, never below a call of yours, and
 * nothing follows it. All callbacks come from the loop; strings of a packet live during the call.
 */
#ifndef NET_MQTT_SERVER_H
#define NET_MQTT_SERVER_H

#include "proto/mqtt.h"

struct event_base;
struct mqtt_server;
struct mqtt_conn;

#define MQTT_IN_FLIGHT_MOST 64 /* PUBLISH packets of a connection that are not done */

struct mqtt_server_config {
    size_t max_connections;     /* default 20000; beyond it closed unheard, counted */
    size_t max_strangers;       /* default 2000 without a CONNECT; the oldest goes, counted */
    size_t max_packet_bytes;    /* default 8192, without the fixed header */
    int64_t connect_timeout_us; /* default 10 s, to the end of the log-in */
    int64_t write_timeout_us;   /* default 30 s without progress */
    size_t max_output_bytes;    /* default 64 KiB waiting for a client that does not read */
};
void mqtt_server_config_defaults(struct mqtt_server_config *config);

struct mqtt_handler {
    void (*on_connect)(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet);
    /* token is for mqtt_done(), also of QoS 0. */
    void (*on_publish)(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet,
                       uint64_t token);
    /* May this filter be subscribed to? */
    bool (*on_subscribe)(void *ctx, struct mqtt_conn *conn, struct mqtt_text filter);
    /* is_clean: the client said DISCONNECT, so its will is not to be published. */
    void (*on_close)(void *ctx, struct mqtt_conn *conn, bool is_clean);
    void *ctx;
};

RETURNS_NONNULL struct mqtt_server *mqtt_server_new(struct event_base *base,
                                                    const struct mqtt_server_config *config,
                                                    const struct mqtt_handler *handler);
/* host is an address literal, port not 0. At most twice; with is_tls after mqtt_server_load_tls().
 * false and a text (caller frees) on failure. */
MUST_CHECK bool mqtt_server_listen(struct mqtt_server *server, const char *host, uint16_t port,
                                   bool is_tls, char **error_r);
/* Loads PEM files and uses them for connections accepted from now on; the old ones stay if they are
 * wrong. TLS 1.2 and later; whoever offers protocols by ALPN has to offer mqtt. */
MUST_CHECK bool mqtt_server_load_tls(struct mqtt_server *server, const char *cert_path,
                                     const char *key_path, char **error_r);
/* Closes everything; on_close runs inside. */
void mqtt_server_free(struct mqtt_server **server);

void mqtt_conn_set_user(struct mqtt_conn *conn, void *user);
void *mqtt_conn_user(const struct mqtt_conn *conn);
/* After on_connect, once. Another code than MQTT_ACCEPTED closes. */
void mqtt_accept(struct mqtt_conn *conn, enum mqtt_connack code);
/* What was published is durable, or needs no more: acknowledged in its turn. */
void mqtt_done(struct mqtt_conn *conn, uint64_t token);
/* To a client that subscribed to this topic; nothing if it reads too slowly. */
void mqtt_send(struct mqtt_conn *conn, const char *topic, const void *payload, size_t len);
/* Closes from the loop, with a word for the log and the metrics. */
void mqtt_cut(struct mqtt_conn *conn, const char *why);

#endif
