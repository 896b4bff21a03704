/*
 * mqtt_private.h - inside the MQTT server: connections (mqtt_server.c) and how they come in
 * (mqtt_listener.c).
 */
#ifndef NET_MQTT_PRIVATE_H
#define NET_MQTT_PRIVATE_H

#include <event2/util.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "net/mqtt_server.h"

#define MQTT_LISTENERS 2

struct bufferevent;
struct event;
struct evconnlistener;

enum mqtt_state {
    MQTT_STATE_NEW,    /* TLS handshake, then waiting for CONNECT */
    MQTT_STATE_LOGIN,  /* on_connect() was called */
    MQTT_STATE_OPEN,   /* packets */
    MQTT_STATE_CLOSING /* the last bytes go out */
};

/* PUBLISH packets in the order they came. */
struct mqtt_flight {
    uint16_t id; /* 0 = QoS 0 */
    bool is_done;
};

struct mqtt_conn {
    LIST_ENTRY(mqtt_conn) link;
    TAILQ_ENTRY(mqtt_conn) strange; /* of the server's strangers, oldest first */
    struct mqtt_server *server;
    struct bufferevent *bev;
    SSL *ssl;               /* owned by bev; NULL without TLS */
    struct event *turn;     /* goes on reading, or frees */
    struct event *deadline; /* of the log-in, the keep-alive, or the peer's last word */
    enum mqtt_state state;
    void *user;
    uint16_t keep_alive_s;
    int64_t heard_us;      /* monotonic, last whole packet */
    uint64_t next, oldest; /* tokens */
    size_t linger_bytes;   /* read and thrown away after our last word */
    struct mqtt_flight flights[MQTT_IN_FLIGHT_MOST];
    bool is_strange; /* in the list of strangers: no CONNECT yet */
    bool is_known;   /* on_connect was called: on_close is due */
    bool is_clean;   /* DISCONNECT came */
    bool is_dead;    /* to be freed in the next turn */
};

struct mqtt_listener {
    struct mqtt_server *server;
    struct evconnlistener *listener;
    struct event *resume; /* accepting again after EMFILE */
    bool is_tls;
};

struct mqtt_server {
    struct event_base *base;
    struct mqtt_server_config config;
    struct mqtt_handler handler;
    struct mqtt_listener listeners[MQTT_LISTENERS];
    size_t listener_count;
    SSL_CTX *tls;
    LIST_HEAD(, mqtt_conn) conns;
    TAILQ_HEAD(, mqtt_conn) strangers;
    size_t count, stranger_count;
    struct sbuf scratch;
};

/* Takes the socket, whatever becomes of it: closed if there are too many, or TLS cannot be set up.
 * NULL then. tls: NULL = none. */
struct mqtt_conn *mqtt_conn_new(struct mqtt_server *server, evutil_socket_t fd, SSL_CTX *tls);
/* mqtt_listener.c */
void mqtt_listeners_close(struct mqtt_server *server);

#endif
