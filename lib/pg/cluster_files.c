/*
 * cluster_files.c - the private cluster on disk: folders, versions, settings, access rules.
 *
 * DIR may belong to root; everything from DIR/pg down belongs to the owner and is written by
 * children that run as he does, so that nothing he could plant there is followed with our rights.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/crypto.h"
#include "base/sbuf.h"
#include "pg/cluster_private.h"

#define VERSION_MIN 15
#define DEBIAN_ROOT "/usr/lib/postgresql"
#define FREE_BYTES_MIN ((uint64_t)512 << 20) /* a fresh cluster and its first WAL */
#define INITDB_TIMEOUT_US (120 * US_PER_SECOND)
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define LOG_ROTATE_BYTES (16 << 20)
#define LOG_TAIL_BYTES 700

static bool fail(char **error_r, char *text)
{
    *error_r = text;
    return false;
}

/* ---- folders
 * --------------------------------------------------------------------------------------- */

/* Made by us or already there: in both cases it has to be a folder of the owner's. */
static bool own_folder(const struct cluster_owner *owner, const char *path, char **error_r)
{
    struct stat st;

    if (mkdir(path, 0700) == 0) {
        if (owner->drop && lchown(path, owner->uid, owner->gid) != 0)
            return fail(error_r,
                        xasprintf("cannot give %s to %s: %s", path, owner->name, strerror(errno)));
    } else if (errno != EEXIST) {
        return fail(error_r, xasprintf("cannot make %s: %s", path, strerror(errno)));
    }
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(error_r, xasprintf("%s is not a folder", path));
    if (st.st_uid != owner->uid)
        return fail(error_r, xasprintf("%s belongs to user %u, it has to belong to %s (%u)", path,
                                       (unsigned)st.st_uid, owner->name, (unsigned)owner->uid));
    if ((st.st_mode & 077) != 0)
        return fail(error_r,
                    xasprintf("%s is open to other users, it has to have mode 0700", path));
    return true;
}

/* The path of a unix socket holds 107 bytes; a long DIR gets a short folder named after its hash.
 */
static char *socket_folder(const struct pg_cluster *cluster)
{
    char *path = xasprintf("%s/socket", cluster->dir);
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char hash[17];
    char *file = xasprintf("%s/.s.PGSQL.%d", path, cluster->port);
    bool fits = strlen(file) <= SOCKET_PATH_MAX;

    free(file);
    if (fits)
        return path;
    free(path);
    crypto_sha256(cluster->dir, strlen(cluster->dir), digest);
    crypto_hex(digest, sizeof(hash) / 2, hash);
    return xasprintf("%s/hotlined-%s", cluster->owner.drop ? "/run" : "/tmp", hash);
}

static bool lock_folder(struct pg_cluster *cluster, char **error_r)
{
    cluster->lock_fd = open(cluster->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (cluster->lock_fd < 0)
        return fail(error_r, xasprintf("cannot open %s: %s", cluster->dir, strerror(errno)));
    if (flock(cluster->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return fail(error_r, xasprintf("%s is in use by another process", cluster->dir));
    return true;
}

static int can_enter(const void *arg)
{
    (void)arg;
    return 0; /* becoming the owner and entering the folder was the question */
}

bool cluster_files_prepare(struct pg_cluster *cluster, const char *dir, char **error_r)
{
    char *real;

    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return fail(error_r, xasprintf("cannot make %s: %s", dir, strerror(errno)));
    real = realpath(dir, NULL);
    if (real == NULL)
        return fail(error_r, xasprintf("cannot find %s: %s", dir, strerror(errno)));
    cluster->dir = xasprintf("%s/pg", real);
    free(real);
    cluster->data = xasprintf("%s/data", cluster->dir);
    cluster->draft = xasprintf("%s/data.new", cluster->dir);
    cluster->log = xasprintf("%s/server.log", cluster->dir);
    cluster->socket_dir = socket_folder(cluster);
    return own_folder(&cluster->owner, cluster->dir, error_r) && lock_folder(cluster, error_r) &&
           cluster_call(cluster, can_enter, NULL, error_r) &&
           own_folder(&cluster->owner, cluster->socket_dir, error_r);
}

/* ---- versions
 * --------------------------------------------------------------------------------------- */

static bool read_version(const char *path, int *major_r)
{
    FILE *file = fopen(path, "re");
    char text[16] = "";
    bool ok = file != NULL && fgets(text, sizeof(text), file) != NULL;

    if (file != NULL)
        fclose(file);
    *major_r = (int)strtol(text, NULL, 10);
    return ok && *major_r > 0;
}

static bool exists_in(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

bool cluster_files_version(const struct pg_cluster *cluster, int *major_r, char **error_r)
{
    struct stat st;
    char *path;
    bool known;

    *major_r = 0;
    if (lstat(cluster->data, &st) != 0)
        return errno == ENOENT ||
               fail(error_r, xasprintf("cannot look at %s: %s", cluster->data, strerror(errno)));
    if (!S_ISDIR(st.st_mode) || st.st_uid != cluster->owner.uid)
        return fail(error_r, xasprintf("%s has to be a folder of user %s", cluster->data,
                                       cluster->owner.name));
    path = xasprintf("%s/PG_VERSION", cluster->data);
    known = read_version(path, major_r);
    free(path);
    if (!known || !exists_in(cluster->data, "global/pg_control"))
        return fail(error_r, xasprintf("%s is not a complete PostgreSQL cluster; move it away if "
                                       "nothing in it is wanted",
                                       cluster->data));
    return true;
}

static bool bin_of(int major, char **bin_r)
{
    char *path = xasprintf("%s/%d/bin/pg_ctl", DEBIAN_ROOT, major);
    bool found = access(path, X_OK) == 0;

    free(path);
    *bin_r = found ? xasprintf("%s/%d/bin", DEBIAN_ROOT, major) : NULL;
    return found;
}

static int newest_major(void)
{
    DIR *folder = opendir(DEBIAN_ROOT);
    struct dirent *entry;
    int newest = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int major = (int)strtol(entry->d_name, NULL, 10);
        char *bin = NULL;

        if (major >= VERSION_MIN && major > newest && bin_of(major, &bin))
            newest = major;
        free(bin);
    }
    if (folder != NULL)
        closedir(folder);
    return newest;
}

bool cluster_files_find_bin(struct pg_cluster *cluster, int major, char **error_r)
{
    if (major == 0)
        major = newest_major();
    if (major == 0)
        return fail(error_r, xasprintf("no PostgreSQL server of version %d or newer below %s",
                                       VERSION_MIN, DEBIAN_ROOT));
    if (major < VERSION_MIN)
        return fail(error_r, xasprintf("%s was made by PostgreSQL %d, at least %d is needed; "
                                       "upgrade it with pg_upgrade",
                                       cluster->data, major, VERSION_MIN));
    if (!bin_of(major, &cluster->bin))
        return fail(error_r, xasprintf("%s was made by PostgreSQL %d, which is not installed "
                                       "(package postgresql-%d)",
                                       cluster->data, major, major));
    return true;
}

/* ---- settings
 * ------------------------------------------------------------------------------------------ */

/* A value in postgresql.conf: quotes doubled. */
static void add_quoted(struct sbuf *out, const char *value)
{
    sbuf_addc(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            sbuf_addc(out, *value);
        sbuf_addc(out, *value);
    }
    sbuf_addc(out, '\'');
}

static void build_conf(const struct pg_cluster *cluster, struct sbuf *out)
{
    char *folder =
        xasprintf("\"%s\"", cluster->socket_dir); /* an item of a list: commas are fine */

    sbuf_adds(out, "# Written by hotlined at every start; put changes into local.conf.\n");
    sbuf_addf(out, "listen_addresses = '%s'\n", cluster->tcp_password == NULL ? "" : "127.0.0.1");
    sbuf_addf(out, "port = %d\n", cluster->port);
    sbuf_adds(out, "unix_socket_directories = ");
    add_quoted(out, folder);
    sbuf_adds(out, "\nunix_socket_permissions = 0700\n"
                   "max_connections = 100\n"
                   "shared_buffers = 256MB\n"
                   "max_wal_size = 512MB\n"
                   "fsync = on\n"
                   "full_page_writes = on\n"
                   "synchronous_commit = on\n"
                   /* Whole pages are a fifth of the log; servers below DEBIAN_ROOT all have LZ4. */
                   "wal_compression = lz4\n"
                   "password_encryption = 'scram-sha-256'\n"
                   "timezone = 'UTC'\n"
                   "log_timezone = 'UTC'\n"
                   "lc_messages = 'C'\n"
                   "cluster_name = 'hotlined'\n"
                   /* Values and statements hold what citizens said: they stay out of the log. */
                   "log_error_verbosity = terse\n"
                   "log_min_error_statement = panic\n"
                   "log_parameter_max_length = 0\n"
                   "log_parameter_max_length_on_error = 0\n"
                   "log_statement = 'none'\n"
                   "log_line_prefix = '%m [%p] %a '\n");
    free(folder);
}

static void build_hba(const struct pg_cluster *cluster, struct sbuf *out)
{
    sbuf_adds(out, "# Written by hotlined at every start.\n"
                   "local all " CLUSTER_ROLE "," CLUSTER_ADMIN " peer map=hotlined\n");
    if (cluster->tcp_password != NULL)
        sbuf_adds(out, "host " CLUSTER_DATABASE " " CLUSTER_ROLE " 127.0.0.1/32 scram-sha-256\n");
}

/* The users who may be the daemon: root, and whoever owns the cluster. */
static void build_ident(const struct pg_cluster *cluster, struct sbuf *out)
{
    const char *users[] = {"root", cluster->owner.name};

    sbuf_adds(out, "# Written by hotlined at every start.\n");
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        sbuf_addf(out, "hotlined \"%s\" " CLUSTER_ROLE "\nhotlined \"%s\" " CLUSTER_ADMIN "\n",
                  users[i], users[i]);
}

/* As the owner: the whole text under a temporary name, synced, renamed. */
static bool write_file(const char *folder, const char *name, const char *text, size_t len)
{
    char *path = xasprintf("%s/%s", folder, name), *draft = xasprintf("%s.new", path);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;

    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok || rename(draft, path) != 0) {
        dprintf(2, "cannot write %s: %s\n", path, strerror(errno));
        ok = false;
    }
    free(path);
    free(draft);
    return ok;
}

struct configure_job {
    const struct pg_cluster *cluster;
    const char *folder; /* data or draft */
};

static bool write_built(const struct configure_job *job, const char *name,
                        void (*build)(const struct pg_cluster *cluster, struct sbuf *out))
{
    struct sbuf text;
    bool ok;

    sbuf_init(&text, 0);
    build(job->cluster, &text);
    ok = !text.overflow && write_file(job->folder, name, text.data, text.len);
    sbuf_free(&text);
    return ok;
}

static void rotate_log(const char *path)
{
    char *old = xasprintf("%s.1", path);
    struct stat st;

    if (lstat(path, &st) == 0 && st.st_size > LOG_ROTATE_BYTES)
        (void)rename(path, old);
    free(old);
}

static int configure_child(const void *arg)
{
    static const char main_conf[] =
        "# The settings are in hotline.conf; local.conf overrides them.\n"
        "include 'hotline.conf'\n"
        "include_if_exists 'local.conf'\n";
    const struct configure_job *job = arg;

    rotate_log(job->cluster->log);
    return write_file(job->folder, "postgresql.conf", main_conf, sizeof(main_conf) - 1) &&
                   write_built(job, "hotline.conf", build_conf) &&
                   write_built(job, "pg_hba.conf", build_hba) &&
                   write_built(job, "pg_ident.conf", build_ident)
               ? 0
               : 1;
}

bool cluster_files_configure(const struct pg_cluster *cluster, char **error_r)
{
    struct configure_job job = {cluster, cluster->data};

    return cluster_call(cluster, configure_child, &job, error_r);
}

/* ---- making a new one
 * ---------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* What an interrupted initdb left; its name says that nobody ever used it. */
static int remove_draft_child(const void *arg)
{
    const struct pg_cluster *cluster = arg;

    if (nftw(cluster->draft, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    dprintf(2, "cannot remove %s: %s\n", cluster->draft, strerror(errno));
    return 1;
}

static int publish_child(const void *arg)
{
    const struct pg_cluster *cluster = arg;
    int fd = open(cluster->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && rename(cluster->draft, cluster->data) == 0 && fsync(fd) == 0)
        return 0;
    dprintf(2, "cannot rename %s: %s\n", cluster->draft, strerror(errno));
    return 1;
}

static bool enough_space(const struct pg_cluster *cluster, char **error_r)
{
    struct statvfs fs;
    uint64_t free_bytes;

    if (statvfs(cluster->dir, &fs) != 0)
        return fail(error_r,
                    xasprintf("cannot measure the space of %s: %s", cluster->dir, strerror(errno)));
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes >= FREE_BYTES_MIN)
        return true;
    return fail(error_r, xasprintf("%s has %llu MB free, a database needs at least %llu MB",
                                   cluster->dir, (unsigned long long)(free_bytes >> 20),
                                   (unsigned long long)(FREE_BYTES_MIN >> 20)));
}

bool cluster_files_create(const struct pg_cluster *cluster, char **error_r)
{
    struct configure_job job = {cluster, cluster->draft};
    /* Collation C is fast and the same everywhere; the character type knows Chinese letters. */
    const char *const argv[] = {
        "initdb",           "--pgdata",          cluster->draft,       "--username",
        CLUSTER_ADMIN,      "--encoding=UTF8",   "--locale=C",         "--lc-ctype=C.UTF-8",
        "--data-checksums", "--auth-local=peer", "--auth-host=reject", NULL};

    return enough_space(cluster, error_r) &&
           cluster_call(cluster, remove_draft_child, cluster, error_r) &&
           cluster_run(cluster, argv, INITDB_TIMEOUT_US, error_r) &&
           cluster_call(cluster, configure_child, &job, error_r) &&
           cluster_call(cluster, publish_child, cluster, error_r);
}

char *cluster_files_log_tail(const struct pg_cluster *cluster)
{
    int fd = open(cluster->log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char text[LOG_TAIL_BYTES];
    ssize_t len = 0;

    if (fd >= 0) {
        off_t size = lseek(fd, 0, SEEK_END);

        len = pread(fd, text, sizeof(text), size > LOG_TAIL_BYTES ? size - LOG_TAIL_BYTES : 0);
        close(fd);
    }
    return xstrndup(text, len < 0 ? 0 : (size_t)len);
}
