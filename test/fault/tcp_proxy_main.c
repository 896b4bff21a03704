/*
 * tcp_proxy LISTEN_PORT TARGET_PORT CONTROL_SOCKET - the fault proxy as a program, for tests in
 * shell and Python. Prints the port it listens on, runs until SIGTERM or SIGINT.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "fault/tcp_proxy.h"

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    (void)signal;
    (void)what;
    event_base_loopbreak(arg);
}

static bool parse_port(const char *text, long min, int *port_r)
{
    char *end;
    long port = strtol(text, &end, 10);

    *port_r = (int)port;
    return end != text && *end == '\0' && port >= min && port <= 65535;
}

static int run(struct event_base *base, int listen_port, int target_port, const char *control_path)
{
    struct tcp_proxy *proxy = tcp_proxy_new(base, listen_port, target_port);
    struct tcp_proxy_control *control = NULL;
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);

    if (proxy != NULL)
        control = tcp_proxy_control_new(base, proxy, control_path);
    if (control != NULL) {
        printf("%d\n", tcp_proxy_port(proxy));
        fflush(stdout);
        event_add(term, NULL);
        event_add(interrupt, NULL);
        event_base_loop(base, 0);
    } else {
        fprintf(stderr, "tcp_proxy: cannot listen: %s\n", strerror(errno));
    }
    event_free(term);
    event_free(interrupt);
    int rc = control == NULL ? 1 : 0;
    tcp_proxy_control_free(&control);
    tcp_proxy_free(&proxy);
    return rc;
}

int main(int argc, char **argv)
{
    struct event_base *base;
    int listen_port, target_port, rc;

    if (argc != 4 || !parse_port(argv[1], 0, &listen_port) ||
        !parse_port(argv[2], 1, &target_port)) {
        fprintf(stderr, "usage: tcp_proxy LISTEN_PORT TARGET_PORT CONTROL_SOCKET\n");
        return 2;
    }
    base = event_base_new();
    if (base == NULL)
        return 1;
    rc = run(base, listen_port, target_port, argv[3]);
    event_base_free(base);
    return rc;
}
