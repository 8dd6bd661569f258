/* Makes every operation on files below $SLOW_DIRECTORY take 20 ms, and counts those of the main thread:
   loaded before the C library. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int operations;

int slow_operations_of_the_main_thread(void) { return operations; }

static void wait_for_the_disk(void) {
    usleep(20000);
    if (getpid() == syscall(SYS_gettid)) __sync_fetch_and_add(&operations, 1);
}

static int is_slow_path(const char *path) {
    const char *directory = getenv("SLOW_DIRECTORY");
    return directory && path && strncmp(path, directory, strlen(directory)) == 0;
}

static int is_slow_file(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_slow_path(path);
}

#define NEXT(name, type) ((type)dlsym(RTLD_NEXT, name))

#define ON_A_FILE(result, name, parameters, arguments)                    \
    result name parameters {                                              \
        if (is_slow_file(file)) wait_for_the_disk();                      \
        return NEXT(#name, result (*) parameters) arguments;              \
    }

ON_A_FILE(ssize_t, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at))
ON_A_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
ON_A_FILE(ssize_t, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at))
ON_A_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
ON_A_FILE(ssize_t, read, (int file, void *data, size_t size), (file, data, size))
ON_A_FILE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
ON_A_FILE(int, fsync, (int file), (file))
ON_A_FILE(int, fdatasync, (int file), (file))

#define ON_A_PATH(result, name, parameters, arguments)                    \
    result name parameters {                                              \
        if (is_slow_path(path)) wait_for_the_disk();                      \
        return NEXT(#name, result (*) parameters) arguments;              \
    }

ON_A_PATH(int, stat, (const char *path, struct stat *found), (path, found))
ON_A_PATH(int, stat64, (const char *path, struct stat64 *found), (path, found))
ON_A_PATH(int, lstat, (const char *path, struct stat *found), (path, found))
ON_A_PATH(int, lstat64, (const char *path, struct stat64 *found), (path, found))
ON_A_PATH(int, unlink, (const char *path), (path))
ON_A_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode))

#define OPENS(name)                                                       \
    int name(const char *path, int flags, ...) {                          \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                                     \
        if (is_slow_path(path)) wait_for_the_disk();                      \
        return NEXT(#name, int (*)(const char *, int, ...))(path, flags, mode); \
    }

OPENS(open)
OPENS(open64)
