/* Stands between a program and the C library (LD_PRELOAD) and lets calls for files go wrong.

   Counted are the calls of the kinds below on paths in one folder. The call number FAULT_AT fails,
   is cut short, or is the program's last. The environment says how, when the library is loaded and
   again whenever fault_begin() is called, so that a child of fork() can have a plan of its own:

     FAULT_ROOT   the folder, absolute and free of links; without it nothing is counted
     FAULT_AT     which of the counted calls, from 1; 0 for none
     FAULT_ON     "1": every counted call after it as well
     FAULT_KINDS  the kinds that are counted, each between commas: ",write,fsync,"; "" for all
     FAULT_HOW    a number: the call isn't made, and gives this errno
                  "short": a write takes half of its bytes (other calls are made as they are)
                  "kill": SIGKILL; a write has written half of its bytes by then
     FAULT_LOG    a file outside of FAULT_ROOT: one line for each counted call, and what it wrote

   A line of the log: kind, errno or 0, path, second path, offset, length; then so many bytes. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))
#define LONGEST (PATH_MAX + NAME_MAX)

enum { GO = -1, SHORT = -2 }; /* how a call goes on; anything else is its errno */

static char root[PATH_MAX], kinds[256];
static size_t root_length;
static long at, count;
static int on, how, killing, log_fd = -1;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

__attribute__((constructor)) void fault_begin(void) {
    const char *way = setting("FAULT_HOW"), *log = setting("FAULT_LOG");
    snprintf(root, sizeof root, "%s", setting("FAULT_ROOT"));
    root_length = strlen(root);
    snprintf(kinds, sizeof kinds, "%s", setting("FAULT_KINDS"));
    at = atol(setting("FAULT_AT"));
    count = 0;
    on = atoi(setting("FAULT_ON"));
    killing = !strcmp(way, "kill");
    how = !strcmp(way, "short") ? SHORT : atoi(way);
    log_fd = *log ? REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
}

/* ---- which path a call is about: absolute, in `out` [LONGEST] */

static void of_fd(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    out[length < 0 ? 0 : length] = 0;
}

static void of_name(int folder, const char *name, char *out) {
    out[0] = 0;
    if (name[0] != '/') {
        if (folder != AT_FDCWD) of_fd(folder, out);
        else if (!getcwd(out, PATH_MAX)) out[0] = 0;
        strcat(out, "/");
    }
    strncat(out, name, LONGEST - strlen(out) - 1);
}

static int inside(const char *path) {
    return root_length && !strncmp(path, root, root_length) &&
           (path[root_length] == '/' || !path[root_length]);
}

/* ---- the plan */

static int counted(const char *kind, const char *path) {
    char key[32];
    snprintf(key, sizeof key, ",%s,", kind);
    return inside(path) && (!*kinds || strstr(kinds, key));
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call, and says how it goes on. With `torn` the caller dies itself, half-way. */
static int next(int torn) {
    long mine = ++count;
    if (!at || !(mine == at || (on && mine > at))) return GO;
    if (killing && !torn) die();
    return killing ? SHORT : how;
}

static void note(const char *kind, int error, const char *path, const char *other, long offset,
                 const void *data, size_t length) {
    char head[2 * LONGEST + 128];
    if (log_fd < 0) return;
    int size = snprintf(head, sizeof head, "%s\t%d\t%s\t%s\t%ld\t%zu\n", kind, error, path, other,
                        offset, length);
    if (REAL(write)(log_fd, head, size) != size) abort();
    if (length && REAL(write)(log_fd, data, length) != (ssize_t)length) abort();
}

/* A call without data: counted, made or not, noted. `make` is the call itself. */
#define SIMPLE(kind, path, other, make)                   \
    do {                                                  \
        if (!counted(kind, path)) return make;            \
        pthread_mutex_lock(&one);                         \
        int way = next(0), result = -1, error = way;      \
        if (way == GO || way == SHORT) {                  \
            result = make;                                \
            error = result < 0 ? errno : 0;               \
        }                                                 \
        note(kind, error, path, other, 0, "", 0);         \
        pthread_mutex_unlock(&one);                       \
        errno = error;                                    \
        return result;                                    \
    } while (0)

/* ---- open */

static int opened(const char *symbol, int folder, const char *name, int flags, mode_t mode) {
    int (*call)(int, const char *, int, ...) = real(symbol);
    char path[LONGEST];
    of_name(folder, name, path);
    int makes = (flags & O_CREAT) && access(path, F_OK);
    const char *kind = flags & O_TRUNC && !makes ? "empty" : makes ? "create" : "open";
    SIMPLE(kind, path, "", call(folder, name, flags, mode));
}

#define MODE                                      \
    mode_t mode = 0;                              \
    if (flags & (O_CREAT | __O_TMPFILE)) {        \
        va_list more;                             \
        va_start(more, flags);                    \
        mode = va_arg(more, mode_t);              \
        va_end(more);                             \
    }

int open(const char *name, int flags, ...) {
    MODE return opened("openat", AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE return opened("openat64", AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char *name, int flags, ...) {
    MODE return opened("openat", folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
    MODE return opened("openat64", folder, name, flags, mode);
}
int __open_2(const char *name, int flags) { return open(name, flags); }
int __open64_2(const char *name, int flags) { return open64(name, flags); }

/* ---- write */

static ssize_t written(int fd, const void *data, size_t length, off64_t offset, int placed) {
    char path[LONGEST];
    of_fd(fd, path);
    if (!counted("write", path))
        return placed ? REAL(pwrite64)(fd, data, length, offset) : REAL(write)(fd, data, length);
    pthread_mutex_lock(&one);
    int way = next(1), error = way;
    ssize_t result = -1;
    if (way == GO || way == SHORT) {
        struct stat64 info;
        if (way == SHORT && length > 1) length /= 2;
        if (!placed && fstat64(fd, &info)) abort();
        if (!placed) offset = fcntl(fd, F_GETFL) & O_APPEND ? info.st_size : lseek64(fd, 0, SEEK_CUR);
        result = placed ? REAL(pwrite64)(fd, data, length, offset) : REAL(write)(fd, data, length);
        error = result < 0 ? errno : 0;
        if (way == SHORT && killing) die();
    }
    note("write", error, path, "", offset, data, result > 0 ? result : 0);
    pthread_mutex_unlock(&one);
    errno = error;
    return result;
}

ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return written(fd, data, length, offset, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    return written(fd, data, length, offset, 1);
}

/* Copies inside the system become ordinary writes: these two are refused, and Python has a plan. */
ssize_t sendfile64(int to, int from, off64_t *offset, size_t length) {
    char path[LONGEST];
    of_fd(to, path);
    if (!inside(path)) return REAL(sendfile64)(to, from, offset, length);
    errno = ENOTSOCK;
    return -1;
}
ssize_t sendfile(int to, int from, off_t *offset, size_t length) {
    return sendfile64(to, from, offset, length);
}
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags) {
    char path[LONGEST];
    of_fd(to, path);
    if (!inside(path)) return REAL(copy_file_range)(from, a, to, b, length, flags);
    errno = EXDEV;
    return -1;
}

/* ---- the rest */

#define OF_FD(kind, make)         \
    do {                          \
        char path[LONGEST];       \
        of_fd(fd, path);          \
        SIMPLE(kind, path, "", make); \
    } while (0)
#define OF_NAME(kind, folder, make)   \
    do {                              \
        char path[LONGEST];           \
        of_name(folder, name, path);  \
        SIMPLE(kind, path, "", make); \
    } while (0)

static int moved(int folder, const char *name, int target, const char *to) {
    char path[LONGEST], other[LONGEST];
    of_name(folder, name, path);
    of_name(target, to, other);
    SIMPLE("rename", path, other, REAL(renameat)(folder, name, target, to));
}

static int cut(int fd, off64_t size) {
    char path[LONGEST], text[32];
    of_fd(fd, path);
    snprintf(text, sizeof text, "%lld", (long long)size);
    SIMPLE("truncate", path, text, REAL(ftruncate64)(fd, size));
}

static int cut_name(const char *name, off64_t size) {
    char path[LONGEST], text[32];
    of_name(AT_FDCWD, name, path);
    snprintf(text, sizeof text, "%lld", (long long)size);
    SIMPLE("truncate", path, text, REAL(truncate64)(name, size));
}

int fsync(int fd) { OF_FD("fsync", REAL(fsync)(fd)); }
int fdatasync(int fd) { OF_FD("fsync", REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }
int truncate(const char *name, off_t size) { return cut_name(name, size); }
int truncate64(const char *name, off64_t size) { return cut_name(name, size); }

/* Of files that are written: that one which was only read can't be closed is no fault of a disk. */
int close(int fd) {
    int flags = root_length ? fcntl(fd, F_GETFL) : -1;
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return REAL(close)(fd);
    char path[LONGEST];
    of_fd(fd, path);
    if (!counted("close", path)) return REAL(close)(fd);
    pthread_mutex_lock(&one);
    int way = next(0), result = REAL(close)(fd), error = result < 0 ? errno : 0;
    if (way > 0) result = -1, error = way; /* closed it is, as Linux does it */
    note("close", error, path, "", 0, "", 0);
    pthread_mutex_unlock(&one);
    errno = error;
    return result;
}

int rename(const char *name, const char *to) { return moved(AT_FDCWD, name, AT_FDCWD, to); }
int renameat(int folder, const char *name, int target, const char *to) {
    return moved(folder, name, target, to);
}
int link(const char *name, const char *to) {
    char path[LONGEST], other[LONGEST];
    of_name(AT_FDCWD, name, path);
    of_name(AT_FDCWD, to, other);
    SIMPLE("link", path, other, REAL(link)(name, to));
}
int mkdir(const char *name, mode_t mode) {
    OF_NAME("mkdir", AT_FDCWD, REAL(mkdir)(name, mode));
}
int mkdirat(int folder, const char *name, mode_t mode) {
    OF_NAME("mkdir", folder, REAL(mkdirat)(folder, name, mode));
}
int unlink(const char *name) { OF_NAME("unlink", AT_FDCWD, REAL(unlink)(name)); }
int rmdir(const char *name) { OF_NAME("unlink", AT_FDCWD, REAL(rmdir)(name)); }
int unlinkat(int folder, const char *name, int flags) {
    OF_NAME("unlink", folder, REAL(unlinkat)(folder, name, flags));
}
