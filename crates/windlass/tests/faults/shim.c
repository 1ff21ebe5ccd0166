/* Faults for the file calls of a program, by LD_PRELOAD: the program runs unchanged, and the N-th
 * call that changes something below a directory is made to fail, or is the program's last.
 *
 *   FAULT_ROOT    the directory; calls elsewhere pass
 *   FAULT_KIND    what happens (see `kinds`)
 *   FAULT_AT      to which call, counted from 1
 *   FAULT_BUDGET  bytes that the disk takes (kind "budget")
 *   FAULT_READ    a file, anywhere, whose FAULT_AT-th read fails with EIO
 *   FAULT_SWITCH  a file: the disk is full as long as it is there (kind "full-while")
 *   FAULT_LOG     receives a line for each call, fault and sync
 *   FAULT_SHADOW  receives a hard link, named by inode, to each file that was synced
 *
 * An fsync is not carried out but written down: what a loss of power would leave is then worked out
 * from the log. Calls go to the kernel by syscall(), so that nothing here calls itself. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    NONE,            /* only the log */
    KILL_BEFORE,     /* SIGKILL in place of the call */
    KILL_AFTER,      /* SIGKILL after it */
    STOP,            /* SIGSTOP before it */
    SHORT,           /* a write takes half of its bytes; all is well after */
    SHORT_THEN_FULL, /* a write takes half of its bytes; then the disk is full */
    FULL,            /* the disk is full from here on */
    BUDGET,          /* the disk is full after FAULT_BUDGET bytes */
    FULL_WHILE,      /* the disk is full while the file FAULT_SWITCH is there */
    EIO_ONCE,        /* the call fails with EIO */
    EIO_EVER,        /* it, and all of its sort, fail with EIO */
    EINTR_ONCE,      /* the call is interrupted */
};

static const char *const kinds[] = {
    "none", "kill-before", "kill-after", "stop",     "short",     "short-then-full",
    "full", "budget",      "full-while", "eio-once",  "eio-ever",  "eintr-once"};

enum sort { OPEN, CREATE, MKDIR, WRITE, TRUNCATE, SYNC, RENAME, UNLINK };

static const char *const sorts[] = {"open",     "create", "mkdir",  "write",
                                    "truncate", "sync",   "rename", "unlink"};

static const char *root, *log_path, *shadow, *switch_path, *read_path;
static enum kind kind = NONE;
static long long at, budget, calls, written, reads;
static int is_full, is_broken;
static enum sort broken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("FAULT_KIND");
    const char *number = getenv("FAULT_AT");
    const char *bytes = getenv("FAULT_BUDGET");
    root = getenv("FAULT_ROOT");
    log_path = getenv("FAULT_LOG");
    shadow = getenv("FAULT_SHADOW");
    switch_path = getenv("FAULT_SWITCH");
    read_path = getenv("FAULT_READ");
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(name, kinds[i])) kind = (enum kind)i;
    at = number ? atoll(number) : 0;
    budget = bytes ? atoll(bytes) : 0;
}

static void note(const char *format, ...) {
    char line[PATH_MAX + 200];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!log_path || length <= 0) return;
    long fd = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return;
    syscall(SYS_write, fd, line, (size_t)length);
    syscall(SYS_close, fd);
}

static int is_below(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return length && !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

/* The path behind a descriptor; empty where there is none. */
static void path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
}

static int fd_is_below(int fd, char path[PATH_MAX]) {
    path_of(fd, path);
    return is_below(path);
}

static int path_is_below(int directory, const char *given, char path[PATH_MAX]) {
    char base[PATH_MAX] = "";
    if (given[0] != '/') {
        if (directory == AT_FDCWD) {
            ssize_t length =
                syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/cwd", base, sizeof base - 1);
            base[length > 0 ? length : 0] = 0;
        } else {
            path_of(directory, base);
        }
        strncat(base, "/", sizeof base - strlen(base) - 1);
    }
    snprintf(path, PATH_MAX, "%.*s%s", PATH_MAX / 2, base, given);
    return is_below(path);
}

static void end(int number) {
    syscall(SYS_kill, getpid(), number);
    while (number == SIGKILL) pause();
}

static int takes_space(enum sort sort) { return sort == CREATE || sort == MKDIR || sort == WRITE; }

/* Counts a call, and decides on it: 0 to let it pass, with at most *bytes of a write, or an errno.
 * Every enter() has its leave(). */
static int enter(enum sort sort, const char *path, size_t *bytes) {
    pthread_mutex_lock(&mutex);
    calls++;
    note("call %lld %s %s\n", calls, sorts[sort], path);
    if (kind == BUDGET && takes_space(sort)) {
        long long left = budget - written;
        if (left <= 0 && !is_full) note("fault %lld\n", calls);
        is_full |= left <= 0;
        if (sort == WRITE && (long long)*bytes > left) *bytes = (size_t)(left < 0 ? 0 : left);
    }
    if (kind == FULL_WHILE)
        is_full = switch_path && !syscall(SYS_faccessat, AT_FDCWD, switch_path, F_OK);
    if (calls == at) {
        note("fault %lld\n", calls);
        switch (kind) {
        case KILL_BEFORE: end(SIGKILL); break;
        case STOP: end(SIGSTOP); break;
        case SHORT_THEN_FULL: is_full = 1; /* fall through */
        case SHORT:
            if (sort == WRITE && *bytes > 1) {
                *bytes /= 2;
                return 0;
            }
            break;
        case FULL: is_full = 1; break;
        case EIO_EVER:
            is_broken = 1;
            broken = sort;
            break;
        case EIO_ONCE: return EIO;
        case EINTR_ONCE: return EINTR;
        default: break;
        }
    }
    if (is_broken && sort == broken) return EIO;
    if (is_full && takes_space(sort)) return ENOSPC;
    return 0;
}

static long leave(long result, int error) {
    int saved = error ? error : errno;
    if (kind == KILL_AFTER && calls == at) end(SIGKILL);
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return error ? -1 : result;
}

static void note_directory(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    note("directory %s\n", path);
    while (directory && (entry = readdir(directory))) {
        struct stat found;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (!fstatat(dirfd(directory), entry->d_name, &found, AT_SYMLINK_NOFOLLOW))
            note("entry %llu %s\n", (unsigned long long)found.st_ino, entry->d_name);
    }
    if (directory) closedir(directory);
}

static void note_synced(int fd, const char *path) {
    struct stat found;
    char from[64], to[PATH_MAX];
    if (fstat(fd, &found)) return;
    if (S_ISDIR(found.st_mode)) {
        note_directory(path);
    } else if (shadow) {
        snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
        snprintf(to, sizeof to, "%s/%llu", shadow, (unsigned long long)found.st_ino);
        syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
        note("synced %llu %lld\n", (unsigned long long)found.st_ino, (long long)found.st_size);
    }
}

static int sync_call(int fd, long number) {
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!fd_is_below(fd, path)) return (int)syscall(number, fd);
    int error = enter(SYNC, path, &bytes);
    if (!error) note_synced(fd, path);
    return (int)leave(0, error);
}

int fsync(int fd) { return sync_call(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_call(fd, SYS_fdatasync); }

ssize_t read(int fd, void *data, size_t bytes) {
    char path[PATH_MAX] = "";
    if (read_path) path_of(fd, path);
    if (!read_path || strcmp(path, read_path)) return syscall(SYS_read, fd, data, bytes);
    pthread_mutex_lock(&mutex);
    int fails = ++reads == at;
    pthread_mutex_unlock(&mutex);
    if (!fails) return syscall(SYS_read, fd, data, bytes);
    errno = EIO;
    return -1;
}

ssize_t write(int fd, const void *data, size_t bytes) {
    char path[PATH_MAX];
    if (!fd_is_below(fd, path)) return syscall(SYS_write, fd, data, bytes);
    int error = enter(WRITE, path, &bytes);
    long result = error ? -1 : syscall(SYS_write, fd, data, bytes);
    if (result > 0) written += result;
    return leave(result, error);
}

static ssize_t pwrite_call(int fd, const void *data, size_t bytes, off_t offset) {
    char path[PATH_MAX];
    if (!fd_is_below(fd, path)) return syscall(SYS_pwrite64, fd, data, bytes, offset);
    int error = enter(WRITE, path, &bytes);
    long result = error ? -1 : syscall(SYS_pwrite64, fd, data, bytes, offset);
    if (result > 0) written += result;
    return leave(result, error);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    return pwrite_call(fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset) {
    return pwrite_call(fd, data, bytes, offset);
}

/* Below the root, only the first part is written: a write may always take less than it is given. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (!fd_is_below(fd, path)) return syscall(SYS_writev, fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

static int truncate_call(int fd, off_t length) {
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!fd_is_below(fd, path)) return (int)syscall(SYS_ftruncate, fd, length);
    int error = enter(TRUNCATE, path, &bytes);
    return (int)leave(error ? -1 : syscall(SYS_ftruncate, fd, length), error);
}

int ftruncate(int fd, off_t length) { return truncate_call(fd, length); }
int ftruncate64(int fd, off_t length) { return truncate_call(fd, length); }

static int open_call(int directory, const char *given, int flags, mode_t mode) {
    char path[PATH_MAX];
    size_t bytes = 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (!writes || !path_is_below(directory, given, path))
        return (int)syscall(SYS_openat, directory, given, flags, mode);
    int is_new = (flags & O_CREAT) && syscall(SYS_faccessat, directory, given, F_OK);
    int error = enter(is_new ? CREATE : OPEN, path, &bytes);
    return (int)leave(error ? -1 : syscall(SYS_openat, directory, given, flags, mode), error);
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define OPENS(name, parameters, directory)            \
    int name parameters {                             \
        va_list arguments;                            \
        va_start(arguments, flags);                   \
        mode_t mode = mode_of(flags, arguments);      \
        va_end(arguments);                            \
        return open_call(directory, path, flags, mode); \
    }

OPENS(open, (const char *path, int flags, ...), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), AT_FDCWD)
OPENS(openat, (int fd, const char *path, int flags, ...), fd)
OPENS(openat64, (int fd, const char *path, int flags, ...), fd)

int mkdirat(int directory, const char *given, mode_t mode) {
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!path_is_below(directory, given, path))
        return (int)syscall(SYS_mkdirat, directory, given, mode);
    int error = enter(MKDIR, path, &bytes);
    return (int)leave(error ? -1 : syscall(SYS_mkdirat, directory, given, mode), error);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int renameat2(int from_directory, const char *from, int to_directory, const char *to,
              unsigned flags) {
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!path_is_below(to_directory, to, path))
        return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    int error = enter(RENAME, path, &bytes);
    long result =
        error ? -1 : syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    return (int)leave(result, error);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return renameat2(from_directory, from, to_directory, to, 0);
}

int rename(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int directory, const char *given, int flags) {
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!path_is_below(directory, given, path))
        return (int)syscall(SYS_unlinkat, directory, given, flags);
    int error = enter(UNLINK, path, &bytes);
    return (int)leave(error ? -1 : syscall(SYS_unlinkat, directory, given, flags), error);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

/* Ways of writing that the program does not use today: refused, so that it falls back on the calls
 * above, or a test sees it fail. */
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t bytes,
                        unsigned flags) {
    char path[PATH_MAX];
    if (!fd_is_below(out, path))
        return syscall(SYS_copy_file_range, in, in_offset, out, out_offset, bytes, flags);
    errno = ENOSYS;
    return -1;
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    char path[PATH_MAX];
    if (!fd_is_below(fd, path)) return (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
    errno = EOPNOTSUPP;
    return -1;
}
int fallocate64(int fd, int mode, off_t offset, off_t bytes) {
    return fallocate(fd, mode, offset, bytes);
}
