// Stands between a process under test and the C library, for the files whose path contains a word: makes calls fail,
// kills the process at a call, and notes what was synced, so that the harness can take the rest away as a power loss
// does.
//
// Two files name what to do, in the environment: FAULTS_CONTROL is a `struct control` that the harness may change at
// any moment; FAULTS_JOURNAL gets a line for each call that changes something; files that lose their name are linked
// into the folder FAULTS_GRAVES under the number of their inode first. Used by tests only.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, SYNC, SYNC_DIR, RENAME, REMOVE, TRUNCATE, ALLOCATE, MAKE_DIR, OPS };

// The harness writes it as numbers of four bytes, in this order.
struct control {
  uint32_t op;       // what fails
  uint32_t after;    // calls of it that pass first
  uint32_t times;    // calls of it that fail then
  uint32_t error;    // with this errno
  uint32_t kill_at;  // the process dies when it has made so many calls that change something; 0: never
  uint32_t hits;     // calls that failed so far
  uint32_t changes;  // calls so far that change something
  uint32_t calls[OPS];
  char word[32];     // paths that contain this are watched
};

#define FDS 65536
static struct control *control;
static int journal = -1;
static const char *graves;
static char *paths[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("FAULTS_CONTROL");
  if (!name) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED) return;
  const char *log = getenv("FAULTS_JOURNAL");
  if (log) journal = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  graves = getenv("FAULTS_GRAVES");
  control = map;
}

static int watched(const char *path) { return control && path && control->word[0] && strstr(path, control->word); }

// The C library closes some descriptors past `close` below, so one of another kind may have come to have the number.
static int watched_fd(int fd) {
  struct stat found;
  if (!control || fd < 0 || fd >= FDS || !paths[fd] || !watched(paths[fd]) || fstat(fd, &found) != 0) return 0;
  return S_ISREG(found.st_mode) || S_ISDIR(found.st_mode);
}

// Counts a call; 1 if it must fail, with errno set.
static int fails(int op) {
  __atomic_add_fetch(&control->calls[op], 1, __ATOMIC_SEQ_CST);
  if (control->op != (uint32_t)op || control->times == 0) return 0;
  pthread_mutex_lock(&lock);
  int hit = 0;
  if (control->op == (uint32_t)op && control->times > 0) {
    if (control->after > 0) {
      control->after--;
    } else {
      if (control->times != UINT32_MAX) control->times--;
      control->hits++;
      hit = 1;
    }
  }
  int error = (int)control->error;
  pthread_mutex_unlock(&lock);
  if (hit) errno = error;
  return hit;
}

static void note(const char *format, ...) {
  if (journal < 0) return;
  char line[2 * PATH_MAX + 64];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (len > 0 && syscall(SYS_write, journal, line, (size_t)len) < 0) abort();
}

// Counts a change that is about to happen; the process may die here. Changes are made and noted one at a time.
static void change_begins(void) {
  pthread_mutex_lock(&lock);
  control->changes++;
  if (control->kill_at && control->changes >= control->kill_at) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
  }
}

static void change_ends(void) {
  int kept = errno;
  pthread_mutex_unlock(&lock);
  errno = kept;
}

static unsigned long inode(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? (unsigned long)found.st_ino : 0;
}

// Keeps the content of a file that is about to lose its name.
static void bury(const char *path) {
  struct stat found;
  if (!graves || stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return;
  char grave[PATH_MAX];
  snprintf(grave, sizeof grave, "%s/%lu", graves, (unsigned long)found.st_ino);
  syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, grave, 0);
}

static int opened(int at, const char *path, int flags, mode_t mode) {
  char whole[PATH_MAX];
  if (at != AT_FDCWD && path[0] != '/' && at >= 0 && at < FDS && paths[at]) {
    snprintf(whole, sizeof whole, "%s/%s", paths[at], path);
  } else {
    snprintf(whole, sizeof whole, "%s", path);
  }
  if (!watched(whole)) {
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    // The word may change while the file is open.
    if (fd >= 0 && fd < FDS) paths[fd] = control ? strdup(whole) : NULL;
    return fd;
  }
  if (fails(OPEN)) return -1;
  int makes = flags & O_CREAT;
  if (makes) change_begins();
  int there = makes && syscall(SYS_faccessat, AT_FDCWD, whole, F_OK) == 0;
  int fd = (int)syscall(SYS_openat, at, path, flags, mode);
  if (fd >= 0 && fd < FDS) {
    paths[fd] = strdup(whole);
    if (makes && !there) note("create %lu %s\n", inode(fd), whole);
    if (makes && there && (flags & O_TRUNC)) note("length %lu 0\n", inode(fd));
  }
  if (makes) change_ends();
  return fd;
}

#define MODE                                   \
  mode_t mode = 0;                             \
  if (flags & (O_CREAT | O_TMPFILE)) {         \
    va_list arguments;                         \
    va_start(arguments, flags);                \
    mode = va_arg(arguments, mode_t);          \
    va_end(arguments);                         \
  }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE return opened(at, path, flags, mode); }

int close(int fd) {
  if (control && fd >= 0 && fd < FDS) paths[fd] = NULL;
  return (int)syscall(SYS_close, fd);
}

static ssize_t written(int fd, ssize_t done, off_t end) {
  if (done > 0) note("write %lu %lld\n", inode(fd), (long long)end);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t len) {
  if (!watched_fd(fd)) return syscall(SYS_write, fd, bytes, len);
  if (fails(WRITE)) return -1;
  change_begins();
  ssize_t done = syscall(SYS_write, fd, bytes, len);
  written(fd, done, (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR));
  change_ends();
  return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) {
  if (!watched_fd(fd)) return syscall(SYS_pwrite64, fd, bytes, len, offset);
  if (fails(WRITE)) return -1;
  change_begins();
  ssize_t done = written(fd, syscall(SYS_pwrite64, fd, bytes, len, offset), offset + (off64_t)len);
  change_ends();
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) { return pwrite64(fd, bytes, len, offset); }

ssize_t read(int fd, void *bytes, size_t len) {
  if (watched_fd(fd) && fails(READ)) return -1;
  return syscall(SYS_read, fd, bytes, len);
}
ssize_t pread64(int fd, void *bytes, size_t len, off64_t offset) {
  if (watched_fd(fd) && fails(READ)) return -1;
  return syscall(SYS_pread64, fd, bytes, len, offset);
}
ssize_t pread(int fd, void *bytes, size_t len, off_t offset) { return pread64(fd, bytes, len, offset); }

static int synced(int fd, long call) {
  if (!watched_fd(fd)) return (int)syscall(call, fd);
  struct stat found;
  int folder = fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
  if (fails(folder ? SYNC_DIR : SYNC)) return -1;
  change_begins();
  int result = (int)syscall(call, fd);
  if (result == 0 && folder) note("names %s\n", paths[fd]);
  if (result == 0 && !folder) note("sync %lu\n", inode(fd));
  change_ends();
  return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

// Starts writing and waits for nothing: promises nothing.
int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags) {
  if (watched_fd(fd) && fails(SYNC)) return -1;
  return (int)syscall(SYS_sync_file_range, fd, offset, len, flags);
}

int ftruncate64(int fd, off64_t len) {
  if (!watched_fd(fd)) return (int)syscall(SYS_ftruncate, fd, len);
  if (fails(TRUNCATE)) return -1;
  change_begins();
  int result = (int)syscall(SYS_ftruncate, fd, len);
  if (result == 0) note("length %lu %lld\n", inode(fd), (long long)len);
  change_ends();
  return result;
}
int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }

int fallocate64(int fd, int mode, off64_t offset, off64_t len) {
  if (watched_fd(fd) && fails(ALLOCATE)) return -1;
  return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}
int fallocate(int fd, int mode, off_t offset, off_t len) { return fallocate64(fd, mode, offset, len); }

int rename(const char *from, const char *to) {
  if (!watched(from)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (fails(RENAME)) return -1;
  change_begins();
  bury(to);
  int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0) note("rename %s\t%s\n", from, to);
  change_ends();
  return result;
}

int unlink(const char *path) {
  if (!watched(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (fails(REMOVE)) return -1;
  change_begins();
  bury(path);
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0) note("remove %s\n", path);
  change_ends();
  return result;
}

int mkdir(const char *path, mode_t mode) {
  if (watched(path) && fails(MAKE_DIR)) return -1;
  return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}
