// Records what a process asks of the disk below one folder, in order, for the rebuilding of what a
// power cut could leave.
//
// Preloaded. COURSECAT_WATCH is the folder, COURSECAT_TRACE the file for the records. What is
// written to the file COURSECAT_MARKS is recorded as marks. COURSECAT_FORGET names a kind of sync,
// "fdatasync" or "folders", that is left out, as if the program had not asked for it.
//
// A record is: kind, one byte; the length of the path and of the data, four bytes each; a number,
// eight bytes; the path; the data. A call that cannot be recorded ends the process: no record may
// be missing.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define PATH 4096

// One call at a time, so that the order of the records is the order of what happened.
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static const char *watch, *marks, *forget;

static void give_up(const char *why, const char *path) {
    dprintf(2, "recorder: cannot record %s on %s\n", why, path);
    abort();
}

static void take_turn(void) {
    pthread_mutex_lock(&turn);
    if (trace != -1) return;
    watch = getenv("COURSECAT_WATCH");
    marks = getenv("COURSECAT_MARKS");
    forget = getenv("COURSECAT_FORGET");
    const char *path = getenv("COURSECAT_TRACE");
    if (!watch || !marks || !path) give_up("without its variables", "anything");
    trace = REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) give_up("a trace", path);
}

static void end_turn(void) {
    int saved = errno;
    pthread_mutex_unlock(&turn);
    errno = saved;
}

static void record(char kind, const char *path, uint64_t number, const void *data, size_t size) {
    int saved = errno;
    uint32_t lengths[2] = {(uint32_t)strlen(path), (uint32_t)size};
    struct iovec parts[5] = {
        {&kind, 1}, {lengths, 8}, {&number, 8}, {(void *)path, lengths[0]}, {(void *)data, size}};
    ssize_t whole = 17 + (ssize_t)lengths[0] + (ssize_t)size;
    if (REAL(writev)(trace, parts, 5) != whole) give_up("a record", path);
    errno = saved;
}

static int is_watched(const char *path) {
    size_t n = strlen(watch);
    return strncmp(path, watch, n) == 0 && (path[n] == '/' || path[n] == 0);
}

// The path of a descriptor; empty if it has none that counts.
static void path_of(int fd, char *path) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH - 1);
    path[n < 0 ? 0 : n] = 0;
    if (n > 10 && strcmp(path + n - 10, " (deleted)") == 0) path[0] = 0;
    errno = saved;
}

// The path that a name stands for in a folder.
static void path_at(int dir, const char *name, char *path) {
    if (name[0] == '/') {
        snprintf(path, PATH, "%s", name);
        return;
    }
    char base[PATH];
    if (dir == AT_FDCWD) {
        if (!getcwd(base, PATH)) base[0] = 0;
    } else {
        path_of(dir, base);
    }
    if (snprintf(path, PATH, "%s/%s", base, name) >= PATH) give_up("a long path", name);
}

static int exists(const char *path) {
    struct stat64 found;
    int saved = errno;
    int there = REAL(lstat64)(path, &found) == 0;
    errno = saved;
    return there;
}

// Opening and creating.

static int recorded_open(int dir, const char *name, int flags, mode_t mode) {
    char path[PATH];
    take_turn();
    path_at(dir, name, path);
    int watched = is_watched(path), was_there = watched && exists(path);
    int fd = REAL(openat64)(dir, name, flags, mode);
    if (fd >= 0 && watched && (flags & O_CREAT) && !was_there) record('C', path, 0, "", 0);
    if (fd >= 0 && watched && (flags & O_TRUNC) && was_there) record('T', path, 0, "", 0);
    end_turn();
    return fd;
}

#define MODE                                                  \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
    va_end(rest)

int open(const char *path, int flags, ...) { MODE; return recorded_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return recorded_open(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE; return recorded_open(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE; return recorded_open(dir, path, flags, mode); }

int mkdirat(int dir, const char *name, mode_t mode) {
    char path[PATH];
    take_turn();
    path_at(dir, name, path);
    int made = REAL(mkdirat)(dir, name, mode);
    if (made == 0 && is_watched(path)) record('M', path, 0, "", 0);
    end_turn();
    return made;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

// Writing.

static void wrote(int fd, uint64_t at, const void *data, ssize_t n) {
    char path[PATH];
    path_of(fd, path);
    if (n <= 0) return;
    if (strcmp(path, marks) == 0) record('!', path, 0, data, (size_t)n);
    else if (is_watched(path)) record('W', path, at, data, (size_t)n);
}

ssize_t write(int fd, const void *data, size_t n) {
    if (fd <= 2) return REAL(write)(fd, data, n);
    take_turn();
    struct stat64 file;
    off64_t at = REAL(lseek64)(fd, 0, SEEK_CUR);
    if ((REAL(fcntl64)(fd, F_GETFL) & O_APPEND) && REAL(fstat64)(fd, &file) == 0) at = file.st_size;
    ssize_t done = REAL(write)(fd, data, n);
    wrote(fd, (uint64_t)at, data, done);
    end_turn();
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    take_turn();
    ssize_t done = REAL(pwrite64)(fd, data, n, at);
    wrote(fd, (uint64_t)at, data, done);
    end_turn();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return pwrite64(fd, data, n, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    // A short write of the first part is a write, too.
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

int ftruncate64(int fd, off64_t size) {
    char path[PATH];
    take_turn();
    path_of(fd, path);
    int done = REAL(ftruncate64)(fd, size);
    if (done == 0 && is_watched(path)) record('T', path, (uint64_t)size, "", 0);
    end_turn();
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

// Copying inside the kernel: not there, so that the program reads and writes.

ssize_t copy_file_range(int in, off64_t *at, int out, off64_t *to, size_t n, unsigned flags) {
    (void)in, (void)at, (void)out, (void)to, (void)n, (void)flags;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t n) {
    (void)in, (void)at, (void)out, (void)n;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int out, int in, off_t *at, size_t n) {
    return sendfile64(out, in, (off64_t *)at, n);
}

// Syncing.

static int recorded_sync(int fd, int data_only) {
    char path[PATH];
    struct stat64 file;
    take_turn();
    path_of(fd, path);
    int done = data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
    if (done == 0 && is_watched(path) && REAL(fstat64)(fd, &file) == 0) {
        int is_folder = S_ISDIR(file.st_mode);
        int forgotten = forget && (is_folder ? !strcmp(forget, "folders")
                                             : data_only && !strcmp(forget, "fdatasync"));
        if (!forgotten) record(is_folder ? 'D' : 'S', path, 0, "", 0);
    }
    end_turn();
    return done;
}

int fsync(int fd) { return recorded_sync(fd, 0); }
int fdatasync(int fd) { return recorded_sync(fd, 1); }

// Names.

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    char path[PATH], target[PATH];
    take_turn();
    path_at(from_dir, from, path);
    path_at(to_dir, to, target);
    int done = REAL(renameat)(from_dir, from, to_dir, to);
    if (done == 0 && is_watched(path)) record('R', path, 0, target, strlen(target));
    end_turn();
    return done;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    char path[PATH], target[PATH];
    take_turn();
    path_at(from_dir, from, path);
    path_at(to_dir, to, target);
    int done = REAL(linkat)(from_dir, from, to_dir, to, flags);
    if (done == 0 && is_watched(path)) record('L', path, 0, target, strlen(target));
    end_turn();
    return done;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dir, const char *name, int flags) {
    char path[PATH];
    take_turn();
    path_at(dir, name, path);
    int done = REAL(unlinkat)(dir, name, flags);
    if (done == 0 && is_watched(path)) record('U', path, 0, "", 0);
    end_turn();
    return done;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

// What is not expected, and could not be rebuilt.

static void refuse(const char *what, int fd) {
    char path[PATH];
    take_turn();
    path_of(fd, path);
    if (is_watched(path)) give_up(what, path);
    end_turn();
}

int fallocate64(int fd, int mode, off64_t at, off64_t n) {
    refuse("fallocate", fd);
    return REAL(fallocate64)(fd, mode, at, n);
}

int posix_fallocate64(int fd, off64_t at, off64_t n) {
    refuse("posix_fallocate", fd);
    return REAL(posix_fallocate64)(fd, at, n);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) {
    refuse("pwritev", fd);
    return REAL(pwritev)(fd, parts, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off64_t at) {
    refuse("pwritev64", fd);
    return REAL(pwritev64)(fd, parts, n, at);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset) {
    if (fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE)) refuse("a shared mapping", fd);
    return REAL(mmap64)(at, n, protection, flags, fd, offset);
}
