"""What other tools store a corpus in: delta tools file by file, deduplicating repositories as a whole.

Each result is kept in $XDG_CACHE_HOME/deltastore/baselines.json (default: ~/.cache/deltastore), keyed by the digests of the
corpus's files in their order, the tool's version and the command lines, so that only what changed is measured again.

No tool decompresses its input: xdelta3 gets -D, without which it unpacks gzip files silently and restores other bytes.
xdelta3's source window (-B) covers the whole source file and is never below its default of 64 MiB.
"""
import concurrent.futures, hashlib, json, os, shutil, subprocess, tempfile, threading
from pathlib import Path

from corpora import require, say

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deltastore/baselines.json"
WORKERS = 2
SOURCE_WINDOW = 64 << 20
OVERRIDES = ("BORG_", "RESTIC_", "XDELTA", "ZSTD_")


class Tool:
    """One run of a baseline over one corpus, in a folder of its own; adds up the CPU seconds of its commands."""

    def __init__(self, folder):
        self.folder = folder
        self.cpu = 0.0
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(OVERRIDES)} | {
            "HOME": str(folder), "BORG_BASE_DIR": str(folder), "RESTIC_PASSWORD": "bench-savings",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def run(self, *arguments):
        process = Running.start([str(argument) for argument in arguments], self.folder, self.environment)
        # Not process.wait(): only wait4 says what CPU time this one child took.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        Running.processes.discard(process)
        output = (self.folder / "output").read_text(errors="replace")
        require(process.returncode == 0, f"{' '.join(process.args)} ended with {process.returncode}: {output}")
        self.cpu += usage.ru_utime + usage.ru_stime

    def output_size(self, *arguments):
        """The size of the file `out`, which the command makes."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        self.run(*arguments)
        return out.stat().st_size

    def folder_size(self, name):
        return sum(path.stat().st_size for path in (self.folder / name).rglob("*") if path.is_file())

    def releases(self, files):
        """Each file in turn under the same path, `tree/release`."""
        release = self.folder / "tree/release"
        release.parent.mkdir()
        for number, path in enumerate(files):
            release.unlink(missing_ok=True)
            shutil.copyfile(path, release)
            yield number


class Running:
    """The children of all workers, so that none outlives the script."""

    processes = set()
    lock = threading.Lock()
    stopping = False

    @classmethod
    def start(cls, arguments, folder, environment):
        with cls.lock, open(folder / "output", "wb") as output:
            require(not cls.stopping, "stopped")
            process = subprocess.Popen(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT)
            cls.processes.add(process)
        return process

    @classmethod
    def kill(cls):
        with cls.lock:
            cls.stopping = True
            for process in list(cls.processes):
                process.kill()


def source_window(source):
    return max(SOURCE_WINDOW, source.stat().st_size)


def delta_glider(tool, files):
    """DeltaGlider's rule: the first file whole, the others against it if that takes under half."""
    first, *others = files
    total = first.stat().st_size
    for path in others:
        size = path.stat().st_size
        delta = tool.output_size("xdelta3", "-e", "-D", "-B", source_window(first), "-s", first, path, "out")
        total += delta if delta < size / 2 else size
    return total


def xdelta3(tool, files):
    total = tool.output_size("xdelta3", "-9", "-e", "-D", files[0], "out")
    for previous, path in zip(files, files[1:]):
        total += tool.output_size("xdelta3", "-9", "-e", "-D", "-B", source_window(previous), "-s", previous, path, "out")
    return total


def zstd(tool, files):
    level = ("zstd", "-q", "-19", "--long=31")
    total = tool.output_size(*level, files[0], "-o", "out")
    for previous, path in zip(files, files[1:]):
        total += tool.output_size(*level, f"--patch-from={previous}", path, "-o", "out")
    return total


def restic(tool, files):
    tool.run("restic", "-r", "repository", "--no-cache", "init")
    for _ in tool.releases(files):
        tool.run("restic", "-r", "repository", "--no-cache", "--compression", "max", "backup", "tree")
    return tool.folder_size("repository")


def borg(tool, files):
    tool.run("borg", "init", "-e", "none", "repository")
    for number in tool.releases(files):
        tool.run("borg", "create", "-C", "zstd", f"repository::{number}", "tree")
    return tool.folder_size("repository")


class Baseline:
    def __init__(self, name, title, measure, version, method, slow=False):
        self.name, self.title, self.measure, self.slow = name, title, measure, slow
        self.version_command, self.method = version, method

    def version(self):
        try:
            done = subprocess.run(self.version_command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError:
            raise SystemExit(f"{self.version_command[0]} is missing: run scripts/install-packages savings") from None
        return done.stdout.splitlines()[0].split(", ")[0].strip("* ")


# `method` is what is done, as people read it and as the cache tells one way of measuring from another.
BASELINES = [
    Baseline("deltaglider", "DeltaGlider's rule", delta_glider, ("xdelta3", "-V"),
             "the first file whole, each other `xdelta3 -e -D -B SIZE -s FIRST` if that is under 50 %, else whole"),
    Baseline("xdelta3", "xdelta3 -9, previous", xdelta3, ("xdelta3", "-V"),
             "the first file `xdelta3 -9 -e -D`, each other `xdelta3 -9 -e -D -B SIZE -s PREVIOUS`"),
    Baseline("zstd", "zstd -19, previous", zstd, ("zstd", "--version"),
             "the first file `zstd -19 --long=31`, each other the same with `--patch-from=PREVIOUS`", slow=True),
    Baseline("restic", "restic", restic, ("restic", "version"),
             "one repository, each file in turn under one path: `restic backup --compression max`"),
    Baseline("borg", "borg", borg, ("borg", "--version"),
             "one repository, each file in turn under one path: `borg init -e none`, `borg create -C zstd`"),
]


def measure(corpora, digests, which):
    """Corpus → baseline's name → {"bytes", "cpu_seconds", "tool"}. `which`: "all"; "fast" leaves out what is slow; "none" measures
    nothing. What is cached is in the answer always."""
    results = {corpus: {} for corpus in corpora}
    kept = cached()
    work = []
    for baseline in BASELINES:
        if which == "none" and not shutil.which(baseline.version_command[0]):
            continue
        version = baseline.version()
        for corpus, files in corpora.items():
            key = json.dumps([baseline.name, version, baseline.method, [digests[path] for path in files]])
            key = hashlib.sha256(key.encode()).hexdigest()
            if key in kept:
                results[corpus][baseline.name] = kept[key]
                say(f"{corpus}: {baseline.title}: {kept[key]['bytes']} bytes (cached in {CACHE})")
            elif which == "all" or which == "fast" and not baseline.slow:
                work.append((baseline, corpus, files, key, version))
    # The longest first, so that no worker idles at the end.
    work.sort(key=lambda item: (item[0].slow, sum(path.stat().st_size for path in item[2])), reverse=True)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        try:
            waiting = {pool.submit(run, baseline, files): (baseline, corpus, key, version)
                       for baseline, corpus, files, key, version in work}
            for done in concurrent.futures.as_completed(waiting):
                baseline, corpus, key, version = waiting[done]
                result = done.result() | {"tool": version}
                results[corpus][baseline.name] = result
                keep(key, result | {"corpus": corpus, "baseline": baseline.name})
                say(f"{corpus}: {baseline.title}: {result['bytes']} bytes, {result['cpu_seconds']} CPU seconds")
        except BaseException:
            Running.kill()
            pool.shutdown(cancel_futures=True)
            raise
    return results


def run(baseline, files):
    with tempfile.TemporaryDirectory(prefix="deltastore-baseline.") as folder:
        tool = Tool(Path(folder))
        size = baseline.measure(tool, files)
        return {"bytes": size, "cpu_seconds": round(tool.cpu, 2)}


def cached():
    try:
        return json.loads(CACHE.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def keep(key, result):
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    part = CACHE.with_name(f"{CACHE.name}.{os.getpid()}")
    part.write_text(json.dumps(cached() | {key: result}, indent=1, sort_keys=True) + "\n")
    part.replace(CACHE)
