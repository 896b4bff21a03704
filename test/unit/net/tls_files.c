#include "tls_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: everything it prints goes away. */
static void run_openssl(const char *cert, const char *key, const char *subject, const char *names)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", subject,
                 "-addext", names, "-keyout", key, "-out", cert, (char *)NULL);
    _exit(127);
}

static void make(const char *dir, const char *name, const char *names, char *cert, char *key,
                 size_t size)
{
    char subject[64];
    int status = -1;
    (void)snprintf(cert, size, "%s/%s.crt", dir, name);
    (void)snprintf(key, size, "%s/%s.key", dir, name);
    (void)snprintf(subject, sizeof(subject), "/CN=%s", name);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_openssl(cert, key, subject, names);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("openssl req failed: %d", status);
}

void tls_files_make(struct tls_files *files)
{
    static const char here[] = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    size_t size = sizeof(files->cert);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(files->dir, sizeof(files->dir), "%.200s/hotline-tls-XXXXXX",
                   tmp ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(files->dir));
    make(files->dir, "first", here, files->cert, files->key, size);
    make(files->dir, "second", here, files->other_cert, files->other_key, size);
    make(files->dir, "far", "subjectAltName=DNS:far.example", files->far_cert, files->far_key,
         size);
}

void tls_files_remove(struct tls_files *files)
{
    const char *all[] = {files->cert,      files->key,      files->other_cert,
                         files->other_key, files->far_cert, files->far_key};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        (void)unlink(all[i]);
    (void)rmdir(files->dir);
}
