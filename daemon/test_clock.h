/*
 * test_clock.h - moving the clock of a daemon started with --test-clock (CONTRACT 7).
 */
#ifndef DAEMON_TEST_CLOCK_H
#define DAEMON_TEST_CLOCK_H

#include "daemon/request.h"

void test_clock_post(struct request *r); /* POST /v1/test/clock */

#endif
