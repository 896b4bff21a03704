/*
 * device_mqtt.h - one-key devices over MQTT 3.1.1 (INTERFACES 3.2): the listener, who may connect,
 * what may be published, PUBACK after COMMIT.
 */
#ifndef DAEMON_DEVICE_MQTT_H
#define DAEMON_DEVICE_MQTT_H

#include "daemon/daemon.h"

struct device_mqtt;
RETURNS_NONNULL struct device_mqtt *device_mqtt_new(struct daemon *d);
/* Listens on settings.mqtt_port and mqtt_tls_port. false and a text (caller frees) on failure. */
MUST_CHECK bool device_mqtt_listen(struct device_mqtt *mqtt, char **error_r);
/* The certificate of the settings, if there is a port that needs it; the old one stays if it is
 * wrong: false and a text (caller frees). */
MUST_CHECK bool device_mqtt_load_tls(struct device_mqtt *mqtt, char **error_r);
void device_mqtt_free(struct device_mqtt **mqtt);

#endif
