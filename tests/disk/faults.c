// Makes calls fail as a failing disk does.
//
// Preloaded. COURSECAT_FAULT is "CALL FROM TO ERRNO": the calls of this kind from number FROM to
// number TO, the first being 1, fail with this error. "short" as ERRNO lets a write write half. Only
// files below COURSECAT_WATCH count. At a clean end the number of calls is written to the file
// COURSECAT_CALLS.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

static atomic_long calls;

static int is_watched(const char *path) {
    const char *watch = getenv("COURSECAT_WATCH");
    return watch && strncmp(path, watch, strlen(watch)) == 0;
}

static int fd_is_watched(int fd) {
    char link[64], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    errno = saved;
    return is_watched(path);
}

// The error that this call is to fail with; 0 for none, -1 for a short write.
static int fault(const char *call) {
    char kind[32], error[16];
    long from, to;
    const char *text = getenv("COURSECAT_FAULT");
    if (!text || sscanf(text, "%31s %ld %ld %15s", kind, &from, &to, error) != 4) return 0;
    if (strcmp(kind, call) != 0) return 0;
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (n < from || n > to) return 0;
    return strcmp(error, "short") == 0 ? -1 : atoi(error);
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("COURSECAT_CALLS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}

#define FAIL(call, watched)               \
    int error = (watched) ? fault(call) : 0; \
    if (error > 0) {                      \
        errno = error;                    \
        return -1;                        \
    }

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    FAIL("write", fd_is_watched(fd))
    return REAL(pwrite64)(fd, bytes, error == -1 ? (n + 1) / 2 : n, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }

ssize_t write(int fd, const void *bytes, size_t n) {
    FAIL("write", fd > 2 && fd_is_watched(fd))
    return REAL(write)(fd, bytes, error == -1 ? (n + 1) / 2 : n);
}

int fsync(int fd) {
    FAIL("fsync", fd_is_watched(fd))
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    FAIL("fdatasync", fd_is_watched(fd))
    return REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t size) {
    FAIL("truncate", fd_is_watched(fd))
    return REAL(ftruncate64)(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int rename(const char *from, const char *to) {
    FAIL("rename", is_watched(from))
    return REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    FAIL("open", is_watched(path))
    return REAL(mkdir)(path, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    FAIL("open", is_watched(path))
    return REAL(open64)(path, flags, mode);
}
