/* Fails or kills a process at the n-th call that changes what lies below a folder (LD_PRELOAD).
 *
 * The calls are those of libc through which a program can change a file system by name or descriptor. Python
 * uses no others. `fault_arm` starts the count; a log names each change outside of the folder.
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
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, KILL_BEFORE, KILL_AFTER, KILL_HALF, REFUSE_ONCE, REFUSE_FROM_NOW };

static char root[PATH_MAX];
static int mode = NOTHING, reason = 0, log_descriptor = -1;
static long left = -1, counted = 0;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void fault_arm(const char *folder, int how, int error, long steps, int log) {
    snprintf(root, sizeof root, "%s", folder);
    mode = how;
    reason = error;
    left = steps;
    log_descriptor = log;
    counted = 0;
}

long fault_count(void) { return counted; }

static int path_of(int folder, const char *name, char *path) {
    char link[64], above[PATH_MAX];
    if (name && name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return 1;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(above, sizeof above)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, above, sizeof above - 1);
        if (length < 0) return 0;
        above[length] = 0;
    }
    if (name && snprintf(path, PATH_MAX, "%s/%s", above, name) >= PATH_MAX) return 0;
    if (!name) snprintf(path, PATH_MAX, "%s", above);
    return 1;
}

/* 0: go on; 1: the call is refused; 2: killed when it is done; 3: killed when half of it is done. */
static int step(const char *call, int folder, const char *name) {
    char path[PATH_MAX];
    if (mode == NOTHING || !path_of(folder, name, path)) return 0;
    size_t length = strlen(root);
    if (strncmp(path, root, length) || (path[length] && path[length] != '/')) {
        if (log_descriptor >= 0 && path[0] == '/' && strncmp(path, "/dev/", 5))
            dprintf(log_descriptor, "%s changes outside: %s\n", call, path);
        return 0;
    }
    counted++;
    if (left-- > 0) return 0;
    if (left < -1 && mode != REFUSE_FROM_NOW) return 0;
    if (mode == KILL_BEFORE) kill(getpid(), SIGKILL);
    if (mode == KILL_AFTER) return 2;
    if (mode == KILL_HALF) return 3;
    errno = reason;
    return 1;
}

static void end(int what) {
    if (what >= 2) kill(getpid(), SIGKILL);
}

#define CHANGING(type, call, parameters, folder, path, arguments)      \
    type call parameters {                                             \
        int what = step(#call, folder, path);                          \
        if (what == 1) return (type)-1;                                \
        type done = REAL(call) arguments;                              \
        end(what);                                                     \
        return done;                                                   \
    }

#define OPENING(call, parameters, folder, arguments)                    \
    int call parameters {                                              \
        mode_t bits = 0;                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                           \
            va_list more;                                              \
            va_start(more, flags);                                     \
            bits = va_arg(more, mode_t);                               \
            va_end(more);                                              \
        }                                                              \
        int changes = flags & (O_CREAT | O_TRUNC);                     \
        int what = changes ? step(#call, folder, path) : 0;            \
        if (what == 1) return -1;                                      \
        int done = REAL(call) arguments;                               \
        end(what);                                                     \
        return done;                                                   \
    }

OPENING(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, bits))
OPENING(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, bits))
OPENING(openat, (int at, const char *path, int flags, ...), at, (at, path, flags, bits))
OPENING(openat64, (int at, const char *path, int flags, ...), at, (at, path, flags, bits))

CHANGING(int, mkdir, (const char *path, mode_t bits), AT_FDCWD, path, (path, bits))
CHANGING(int, mkdirat, (int at, const char *path, mode_t bits), at, path, (at, path, bits))
CHANGING(int, rmdir, (const char *path), AT_FDCWD, path, (path))
CHANGING(int, unlink, (const char *path), AT_FDCWD, path, (path))
CHANGING(int, unlinkat, (int at, const char *path, int flags), at, path, (at, path, flags))
CHANGING(int, rename, (const char *path, const char *to), AT_FDCWD, to, (path, to))
CHANGING(int, renameat, (int at, const char *path, int there, const char *to), there, to, (at, path, there, to))
CHANGING(int, symlinkat, (const char *target, int at, const char *path), at, path, (target, at, path))
CHANGING(int, linkat, (int at, const char *path, int there, const char *to, int flags), there, to,
         (at, path, there, to, flags))
CHANGING(int, ftruncate, (int descriptor, off_t length), descriptor, NULL, (descriptor, length))
CHANGING(int, fchmod, (int descriptor, mode_t bits), descriptor, NULL, (descriptor, bits))

ssize_t write(int descriptor, const void *content, size_t length) {
    int what = step("write", descriptor, NULL);
    if (what == 1) return -1;
    ssize_t done = REAL(write)(descriptor, content, what == 3 ? length / 2 : length);
    end(what);
    return done;
}
