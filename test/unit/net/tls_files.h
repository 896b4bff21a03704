/*
 * tls_files.h - self-signed certificates made for one run of a test, in a folder of their own.
 */
#ifndef TEST_TLS_FILES_H
#define TEST_TLS_FILES_H

struct tls_files {
    char dir[256];
    char cert[288], key[288];             /* name "first", for localhost and 127.0.0.1 */
    char other_cert[288], other_key[288]; /* "second", the same names */
    char far_cert[288], far_key[288];     /* "far", for far.example only */
};

/* Runs the openssl command; fails the test if that fails. */
void tls_files_make(struct tls_files *files);
void tls_files_remove(struct tls_files *files);

#endif
