/*
 * tls_files.h - self-signed certificates made for one run of a test, in a folder of their own.
 */
#ifndef TEST_TLS_FILES_H
#define TEST_TLS_FILES_H

struct tls_files {
    char dir[64];
    char cert[96], key[96];             /* name "first", for localhost and 127.0.0.1 */
    char other_cert[96], other_key[96]; /* "second", the same names */
    char far_cert[96], far_key[96];     /* "far", for far.example only */
};

/* Runs the openssl command; fails the test if that fails. */
void tls_files_make(struct tls_files *files);
void tls_files_remove(struct tls_files *files);

#endif
