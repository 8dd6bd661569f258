/* Makes operations on files below a directory fail, once or from one on: loaded before the C library. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char directory[PATH_MAX];
static int counted, fails_at, fails_until, with_error, writes_only;

/* From now on operations below `where` are counted, and those from `first` to `last` (from 1 on) fail. */
void fail_below(const char *where, int first, int last, int error, int only_writes) {
    strncpy(directory, where, sizeof directory - 1);
    fails_at = first;
    fails_until = last;
    with_error = error;
    writes_only = only_writes;
    counted = 0;
}

int operations_counted(void) { return counted; }

static int is_meant(const char *path) {
    return directory[0] && path && strncmp(path, directory, strlen(directory)) == 0;
}

static int is_meant_file(int file) {
    char link[64], path[PATH_MAX];
    if (!directory[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_meant(path);
}

static int fails(int is_write) {
    if (writes_only && !is_write) return 0;
    int number = __sync_add_and_fetch(&counted, 1);
    if (number < fails_at || number > fails_until) return 0;
    errno = with_error;
    return 1;
}

#define NEXT(name, type) ((type)dlsym(RTLD_NEXT, name))

#define ON_A_FILE(is_write, result, name, parameters, arguments)          \
    result name parameters {                                              \
        if (is_meant_file(file) && fails(is_write)) return -1;            \
        return NEXT(#name, result (*) parameters) arguments;              \
    }

ON_A_FILE(0, ssize_t, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at))
ON_A_FILE(0, ssize_t, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at))
ON_A_FILE(0, ssize_t, read, (int file, void *data, size_t size), (file, data, size))
ON_A_FILE(1, ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
ON_A_FILE(1, ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
ON_A_FILE(1, ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
ON_A_FILE(1, int, fsync, (int file), (file))
ON_A_FILE(1, int, fdatasync, (int file), (file))
ON_A_FILE(1, int, ftruncate, (int file, off_t size), (file, size))
ON_A_FILE(1, int, ftruncate64, (int file, off64_t size), (file, size))
ON_A_FILE(1, int, fchmod, (int file, mode_t mode), (file, mode))

#define ON_A_PATH(is_write, result, name, parameters, arguments)          \
    result name parameters {                                              \
        if (is_meant(path) && fails(is_write)) return -1;                 \
        return NEXT(#name, result (*) parameters) arguments;              \
    }

ON_A_PATH(0, int, stat, (const char *path, struct stat *found), (path, found))
ON_A_PATH(0, int, stat64, (const char *path, struct stat64 *found), (path, found))
ON_A_PATH(0, int, lstat, (const char *path, struct stat *found), (path, found))
ON_A_PATH(0, int, lstat64, (const char *path, struct stat64 *found), (path, found))
ON_A_PATH(1, int, unlink, (const char *path), (path))
ON_A_PATH(1, int, rmdir, (const char *path), (path))
ON_A_PATH(1, int, mkdir, (const char *path, mode_t mode), (path, mode))
ON_A_PATH(1, int, rename, (const char *path, const char *to), (path, to))
ON_A_PATH(1, int, chmod, (const char *path, mode_t mode), (path, mode))

static int writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

#define OPENS(name)                                                       \
    int name(const char *path, int flags, ...) {                          \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                                     \
        if (is_meant(path) && fails(writes(flags))) return -1;            \
        return NEXT(#name, int (*)(const char *, int, ...))(path, flags, mode); \
    }

OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                    \
    int name(int at, const char *path, int flags, ...) {                  \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                                     \
        if (is_meant(path) && fails(writes(flags))) return -1;            \
        return NEXT(#name, int (*)(int, const char *, int, ...))(at, path, flags, mode); \
    }

OPENS_AT(openat)
OPENS_AT(openat64)
