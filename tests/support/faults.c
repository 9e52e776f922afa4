/* Loaded into a process by LD_PRELOAD: the K-th change to a file below one folder fails, is torn, or ends the process.
 *
 * FAULT_ROOT   real path of the folder; changes elsewhere do not count
 * FAULT_COUNT  file of at least 8 bytes, outside the folder: the number of changes so far, shared by all processes
 * FAULT_AT     K; 0 counts alone
 * FAULT_MODE   kill (before the change) | torn (half of a write, then kill) | enospc (this change and every later one) | eio (this one)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum mode { KILL, TORN, ENOSPC_, EIO_ };
enum verdict { GO_ON, FAIL, HALF };

static char root[PATH_MAX];
static volatile long *count;
static long at;
static enum mode mode;

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("FAULT_ROOT"), *counter = getenv("FAULT_COUNT"), *k = getenv("FAULT_AT"), *how = getenv("FAULT_MODE");
    if (!where || !counter || !k || !how) return;
    snprintf(root, sizeof root, "%s", where);
    at = atol(k);
    mode = !strcmp(how, "torn") ? TORN : !strcmp(how, "enospc") ? ENOSPC_ : !strcmp(how, "eio") ? EIO_ : KILL;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, counter, O_RDWR | O_CLOEXEC, 0);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) syscall(SYS_close, fd);
    count = page == MAP_FAILED ? NULL : page;
}

static int below(const char *path) {
    size_t length = strlen(root);
    return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

/* Whether a path as a call names it, or an open file where the path is NULL, lies below the root. */
static int counts(int folder, const char *path) {
    char link[64], base[PATH_MAX], whole[2 * PATH_MAX];
    if (!count) return 0;
    if (path && path[0] == '/') return below(path);
    if (path && folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s%s%s", base, path ? "/" : "", path ? path : "");
    return below(whole);
}

static void end(void) {
    kill(getpid(), SIGKILL);
    _exit(137);
}

static enum verdict judged(int folder, const char *path, int can_tear) {
    int before = errno, inside = counts(folder, path);
    errno = before;
    if (!inside) return GO_ON;
    long number = __sync_add_and_fetch(count, 1);
    if (!at || (number != at && !(mode == ENOSPC_ && number > at))) return GO_ON;
    if (mode == KILL || (mode == TORN && !can_tear)) end();
    if (mode == TORN) return HALF;
    errno = mode == EIO_ ? EIO : ENOSPC;
    return FAIL;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define CHANGE(folder, path) if (judged(folder, path, 0) == FAIL) return -1
#define FREES(folder, path) if (mode != ENOSPC_) { CHANGE(folder, path); }

static int makes(int flags) { return flags & (O_CREAT | O_TRUNC); }
#define FLAGS_MODE mode_t bits = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); bits = va_arg(rest, mode_t); va_end(rest); }
#define OPEN(name) int name(const char *path, int flags, ...) { REAL(int, name, const char *, int, ...); FLAGS_MODE \
    if (makes(flags)) { CHANGE(AT_FDCWD, path); } return real(path, flags, bits); }
#define OPENAT(name) int name(int folder, const char *path, int flags, ...) { REAL(int, name, int, const char *, int, ...); FLAGS_MODE \
    if (makes(flags)) { CHANGE(folder, path); } return real(folder, path, flags, bits); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    enum verdict verdict = judged(fd, NULL, 1);
    if (verdict == FAIL) return -1;
    if (verdict == HALF) { real(fd, data, size / 2); end(); }
    return real(fd, data, size);
}
#define PWRITE(name, offset) ssize_t name(int fd, const void *data, size_t size, offset from) { REAL(ssize_t, name, int, const void *, size_t, offset); \
    enum verdict verdict = judged(fd, NULL, 1); if (verdict == FAIL) return -1; \
    if (verdict == HALF) { real(fd, data, size / 2, from); end(); } return real(fd, data, size, from); }
PWRITE(pwrite, off_t) PWRITE(pwrite64, off64_t)

int ftruncate(int fd, off_t size) { REAL(int, ftruncate, int, off_t); CHANGE(fd, NULL); return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(int, ftruncate64, int, off64_t); CHANGE(fd, NULL); return real(fd, size); }
int fsync(int fd) { REAL(int, fsync, int); CHANGE(fd, NULL); return real(fd); }
int fdatasync(int fd) { REAL(int, fdatasync, int); CHANGE(fd, NULL); return real(fd); }
int rename(const char *from, const char *to) { REAL(int, rename, const char *, const char *); CHANGE(AT_FDCWD, to); return real(from, to); }
int renameat(int a, const char *from, int b, const char *to) { REAL(int, renameat, int, const char *, int, const char *); CHANGE(b, to); return real(a, from, b, to); }
int link(const char *from, const char *to) { REAL(int, link, const char *, const char *); CHANGE(AT_FDCWD, to); return real(from, to); }
int mkdir(const char *path, mode_t bits) { REAL(int, mkdir, const char *, mode_t); CHANGE(AT_FDCWD, path); return real(path, bits); }
int mkdirat(int folder, const char *path, mode_t bits) { REAL(int, mkdirat, int, const char *, mode_t); CHANGE(folder, path); return real(folder, path, bits); }
/* What frees space works on a full disk. */
int unlink(const char *path) { REAL(int, unlink, const char *); FREES(AT_FDCWD, path) return real(path); }
int unlinkat(int folder, const char *path, int flags) { REAL(int, unlinkat, int, const char *, int); FREES(folder, path) return real(folder, path, flags); }
int rmdir(const char *path) { REAL(int, rmdir, const char *); FREES(AT_FDCWD, path) return real(path); }
int chmod(const char *path, mode_t bits) { REAL(int, chmod, const char *, mode_t); FREES(AT_FDCWD, path) return real(path, bits); }
int fchmod(int fd, mode_t bits) { REAL(int, fchmod, int, mode_t); FREES(fd, NULL) return real(fd, bits); }
