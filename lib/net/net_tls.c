/*
 * net_tls.c - the server's side of TLS: 1.2 and later, one protocol by ALPN, no renegotiation.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/net_private.h"

char *tls_error_text(const char *what)
{
    char text[160] = "no details";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return xasprintf("%s: %s", what, text);
}

/* A client that offers protocols but not ours is told so (RFC 7301), not answered in ours. */
static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *ctx)
{
    const char *ours = ctx;
    unsigned char *chosen;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)ours, (unsigned)strlen(ours),
                              in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* An encrypted key would ask for a pass phrase on the terminal: refuse instead. */
static int no_passphrase(char *buf, int size, int for_writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)for_writing;
    (void)ctx;
    return -1;
}

static bool load_files(SSL_CTX *ctx, const char *cert_path, const char *key_path, char **error_r)
{
    char *what = NULL;
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        what = xasprintf("certificate %s", cert_path);
    else if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        what = xasprintf("key %s", key_path);
    else if (SSL_CTX_check_private_key(ctx) != 1)
        what = xasprintf("key %s does not fit certificate %s", key_path, cert_path);
    if (!what)
        return true;
    *error_r = tls_error_text(what);
    free(what);
    return false;
}

SSL_CTX *tls_server_ctx(const char *cert_path, const char *key_path, const char *alpn,
                        char **error_r)
{
    union { /* OpenSSL hands it back as it is */
        const char *in;
        void *out;
    } protocol = {.in = alpn};

    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        *error_r = tls_error_text("TLS");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* idle connections hold no 34 kB */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets resume, stateless */
    SSL_CTX_set_alpn_select_cb(ctx, alpn_select, protocol.out);
    if (!load_files(ctx, cert_path, key_path, error_r)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

void tls_close_notify(SSL *ssl)
{
    if (!SSL_is_init_finished(ssl) || (SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
}

void net_ignore_sigpipe(void)
{
    struct sigaction old;
    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}
