/*
 * tcp_proxy.h - a TCP proxy on loopback that breaks connections in chosen ways.
 *
 * Faults hold for the connections that exist and for those to come, until tcp_proxy_clear(). A cut
 * counts the bytes forwarded from the moment it is set, over all connections, and happens once.
 * One thread, on the caller's event base.
 */
#ifndef TEST_TCP_PROXY_H
#define TEST_TCP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct tcp_proxy;

enum tcp_proxy_way { PROXY_TO_SERVER, PROXY_TO_CLIENT };
enum tcp_proxy_end { PROXY_FIN, PROXY_RST };

/* Listens on 127.0.0.1, port 0 = any free one. NULL if that does not work (errno). */
struct tcp_proxy *tcp_proxy_new(struct event_base *base, int listen_port, int target_port);
void tcp_proxy_free(struct tcp_proxy **proxy);
int tcp_proxy_port(const struct tcp_proxy *proxy);

/* Exactly `bytes` more are forwarded that way, then the connection that carried them is closed on
 * both sides. */
void tcp_proxy_cut_after(struct tcp_proxy *proxy, enum tcp_proxy_way way, uint64_t bytes,
                         enum tcp_proxy_end end);
/* Every byte is held that long. */
void tcp_proxy_delay(struct tcp_proxy *proxy, enum tcp_proxy_way way, int64_t delay_us);
/* Forwarded in pieces of at most that many bytes, one per turn of the loop; 0 = as they come. */
void tcp_proxy_split(struct tcp_proxy *proxy, enum tcp_proxy_way way, size_t piece_bytes);
/* Nothing is read or forwarded that way; the connection stays open. */
void tcp_proxy_freeze(struct tcp_proxy *proxy, enum tcp_proxy_way way, bool frozen);
/* New connections are accepted and closed at once. */
void tcp_proxy_refuse(struct tcp_proxy *proxy, bool refuse);
/* All connections get a RST now. */
void tcp_proxy_reset(struct tcp_proxy *proxy);
/* No faults any more. */
void tcp_proxy_clear(struct tcp_proxy *proxy);

/* Forwarded since the proxy was made. */
uint64_t tcp_proxy_bytes(const struct tcp_proxy *proxy, enum tcp_proxy_way way);
int tcp_proxy_connections(const struct tcp_proxy *proxy);

/*
 * One line of the control protocol:
 *   cut to-server|to-client BYTES [reset]    delay WAY MICROSECONDS    split WAY BYTES
 *   freeze WAY on|off    refuse on|off    reset    clear    status
 * WAY may be `both` except for cut. The reply is "ok", "ok to-server=N to-client=N connections=N"
 * or "error REASON", without a line end.
 */
void tcp_proxy_command(struct tcp_proxy *proxy, const char *line, char *reply, size_t reply_size);

struct tcp_proxy_control;
/* Serves that protocol on a unix socket, line by line. NULL if it cannot listen there (errno). */
struct tcp_proxy_control *tcp_proxy_control_new(struct event_base *base, struct tcp_proxy *proxy,
                                                const char *path);
void tcp_proxy_control_free(struct tcp_proxy_control **control);

#endif
