"""What the benches over real releases share: finding the corpora, a server with its client, comparing.

A corpora folder holds a folder for each corpus, with files whose sorted order is the order of release.
$DELTASTORE_BINARY is the program to run (default: target/release/deltastore, which `make build` makes).
A server that is still running when the script ends is killed, also when SIGTERM ends it.
"""
import atexit, hashlib, json, os, signal, subprocess, sys, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = Path(os.environ.get("DELTASTORE_CLIENTS") or Path.home() / ".cache/deltastore/clients")
BINARY = Path(os.environ.get("DELTASTORE_BINARY") or ROOT / "target/release/deltastore")
BUCKET = "releases"
USER, PASSWORD = "bench-corpora", "bench-corpora-secret"

try:
    import boto3, botocore.config, botocore.exceptions
except ImportError:
    python = CLIENTS / "python/bin/python"
    if Path(sys.executable) == python or not python.exists():
        sys.exit("boto3 is missing: run tests/clients/install")
    os.execv(python, [python, *sys.argv])

signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def find(folder=None):
    """Corpus name → its files in order of release."""
    folder = Path(folder or os.environ.get("DELTASTORE_CORPORA") or Path.home() / ".cache/deltastore-corpora")
    found = {}
    if folder.is_dir():
        for corpus in sorted(path for path in folder.iterdir() if path.is_dir()):
            releases = sorted(path for path in corpus.iterdir() if path.is_file())
            if releases:
                found[corpus.name] = releases
    if not found:
        sys.exit(f"no corpora in {folder}.\n"
                 "Put a folder for each corpus there, with its releases as files whose sorted order is the order of release\n"
                 "(for example wheel-numpy/00-2.3.2.whl, wheel-numpy/01-2.3.3.whl), or name another folder:\n"
                 f"{sys.argv[0]} DIR, or DELTASTORE_CORPORA=DIR.")
    if not BINARY.exists():
        sys.exit(f"{BINARY} is missing: run make build")
    return found


class Server:
    """`deltastore serve` on a free port, and a client of it. `config` is more of botocore's configuration."""

    def __init__(self, store, *arguments, config=None):
        self.log = open(store.parent / "server.log", "ab")
        environment = os.environ | {"DELTASTORE_ROOT_USER": USER, "DELTASTORE_ROOT_PASSWORD": PASSWORD, "RUST_LOG": "warn"}
        self.process = subprocess.Popen([BINARY, "serve", store, "--address", "127.0.0.1:0", *arguments], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        atexit.register(self.process.kill)
        endpoint = next((word for word in self.process.stdout.readline().split() if word.startswith("http://")), None)
        require(endpoint, f"the server did not start: {(store.parent / 'server.log').read_text()}")
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{endpoint}/health/ready", timeout=5).close()
                break
            except OSError:
                require(time.monotonic() < deadline, "the server did not get ready")
                time.sleep(0.05)
        self.s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=USER, aws_secret_access_key=PASSWORD,
                               region_name="us-east-1", config=botocore.config.Config(
                                   s3={"addressing_style": "path"}, proxies={}, retries={"total_max_attempts": 1},
                                   read_timeout=600, **(config or {})))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.process.kill()
            self.process.wait()

    def peak(self):
        """Most memory so far, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1000

    def cpu(self):
        """CPU seconds so far, in steps of the clock tick."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        atexit.unregister(self.process.kill)
        require(code == 0, f"the server ended with {code}")
        self.s3.close()
        self.process.stdout.close()
        self.log.close()


class Mismatch(Exception):
    pass


def command(name, store, *arguments, parse=False):
    """Runs a maintenance command; the store must not be in use."""
    start = time.monotonic()
    done = subprocess.run([BINARY, name, store, *arguments], stdout=subprocess.PIPE, text=True)
    require(done.returncode == 0, f"deltastore {name} ended with {done.returncode}: {done.stdout}")
    if parse:
        return json.loads(done.stdout)
    return f"$ deltastore {name} DIR    ({time.monotonic() - start:.1f} s)\n{done.stdout.rstrip()}"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(holds, message):
    if not holds:
        raise Mismatch(message)


def say(text):
    print(text, file=sys.stderr, flush=True)
