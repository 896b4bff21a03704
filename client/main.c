/*
 * main.c - the executable: gathers the environment and hands over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/client.h"

static size_t terminal_columns(FILE *file)
{
    struct winsize size;

    if (!isatty(fileno(file)))
        return 0;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

int main(int argc, char **argv)
{
    struct client_environment environment = {
        .url = getenv("HOTLINE_URL"),
        .token = getenv("HOTLINE_TOKEN"),
        .credentials = getenv("HOTLINE_CREDENTIALS"),
        .lc_all = getenv("LC_ALL"),
        .lc_messages = getenv("LC_MESSAGES"),
        .lang = getenv("LANG"),
        .no_color = getenv("NO_COLOR") != NULL,
        .out_columns = terminal_columns(stdout),
        .err_is_terminal = isatty(fileno(stderr)) != 0,
        .out = stdout,
        .err = stderr,
    };

    /* A peer that closes must be an error we report, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    return (int)client_main(argc, argv, &environment);
}
