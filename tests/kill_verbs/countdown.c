// Kills its process at the n-th call that changes something on a disk, before it is made.
//
// Preloaded into the binary under test. COURSECAT_DIE_AT is n; without it, the calls are only
// counted. At a clean end, the number of calls is written to the file COURSECAT_CALLS.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static void count(void) {
    static long die_at = -1;
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (die_at == -1) {
        const char *text = getenv("COURSECAT_DIE_AT");
        die_at = text ? atol(text) : 0;
    }
    if (n == die_at) kill(getpid(), SIGKILL);
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("COURSECAT_CALLS");
    if (!path) return;
    FILE *file = fopen(path, "w");
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    count();
    return REAL(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    count();
    return REAL(pwrite64)(fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    if (fd > 2) count();
    return REAL(write)(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    if (fd > 2) count();
    return REAL(writev)(fd, parts, n);
}

int fsync(int fd) {
    count();
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    count();
    return REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t size) {
    count();
    return REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    count();
    return REAL(ftruncate64)(fd, size);
}

int rename(const char *from, const char *to) {
    count();
    return REAL(rename)(from, to);
}

int link(const char *from, const char *to) {
    count();
    return REAL(link)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    count();
    return REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path) {
    count();
    return REAL(unlink)(path);
}

int unlinkat(int dir, const char *path, int flags) {
    count();
    return REAL(unlinkat)(dir, path, flags);
}

int rmdir(const char *path) {
    count();
    return REAL(rmdir)(path);
}

int mkdir(const char *path, mode_t mode) {
    count();
    return REAL(mkdir)(path, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (flags & (O_CREAT | O_TRUNC)) count();
    return REAL(open64)(path, flags, mode);
}
