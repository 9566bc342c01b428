"""Archives of the files in one folder, made with what CPython and PyPI offer, into another: made/SOURCE/TOOL/VARIANT."""

import gzip
import importlib.metadata
import io
import pathlib
import platform
import sys
import tarfile
import zipfile
import zlib
from datetime import datetime

import cramjam
import deflate
import pgzip
import png
import pyzipper
import zipstream
import zopfli.gzip
import zopfli.zlib
import zopfli.zopfli
from isal import igzip, isal_zlib
from PIL import Image
from sozipfile import sozipfile
from stream_zip import NO_COMPRESSION_64, ZIP_32, ZIP_64, stream_zip
from zlib_ng import gzip_ng, zlib_ng

CONTENT, MADE = map(pathlib.Path, sys.argv[1:])
NAMES = ["words", "records", "noise", "runs", "tiny", "empty"]
FILES = [(name, (CONTENT / name).read_bytes()) for name in NAMES]
WORDS = FILES[0][1]
LARGE = (CONTENT / "large").read_bytes()
WHEN = (2020, 2, 2, 3, 4, 6)
LEVELS = range(1, 10)
STRATEGIES = {"filtered": 1, "huffman": 2, "rle": 3, "fixed": 4}


def save(tool, variant, made):
    if tool in ("zlib", "gzip", "zipfile", "tarfile"):
        folder = MADE / "CPython" / f"{tool} {platform.python_version()} (zlib {zlib.ZLIB_RUNTIME_VERSION})"
    else:
        folder = MADE / "PyPI" / f"{tool} {importlib.metadata.version(tool)}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / variant).write_bytes(made)


def members(compress, files=FILES):
    """One member for each file, one after another."""
    return b"".join(bytes(compress(data)) for _, data in files)


def cpython():
    for level in LEVELS:
        save("gzip", f"gzip -{level}", members(lambda data: gzip.compress(data, level, mtime=1)))
        save("zlib", f"zlib -{level}", members(lambda data: zlib.compress(data, level)))
        memory, bits = 1 + level * 4 % 9, 9 + level % 7

        def unusual(data):
            stream = zlib.compressobj(level, zlib.DEFLATED, 16 + bits, memory)
            return stream.compress(data) + stream.flush()

        save("zlib", f"gzip -{level} memLevel {memory} wbits {bits}", members(unusual))
    for name, strategy in STRATEGIES.items():
        stream = zlib.compressobj(6, strategy=strategy)
        save("zlib", f"zlib {name}", stream.compress(WORDS) + stream.flush())
    save("gzip", "gzip large", gzip.compress(LARGE, mtime=1))
    save("gzip", "gzip file in pieces", in_pieces(lambda file: gzip.GzipFile("name", "wb", 9, file, mtime=1)))
    flushed = zlib.compressobj(6, wbits=31)
    pieces = [flushed.compress(WORDS[at : at + 700]) + flushed.flush(2 + at // 700 % 2) for at in range(0, 70000, 700)]
    save("zlib", "gzip flushed", b"".join(pieces) + flushed.flush())


def in_pieces(opened):
    file = io.BytesIO()
    with opened(file) as stream:
        for at in range(0, len(WORDS), 1000):
            stream.write(WORDS[at : at + 1000])
    return file.getvalue()


class Unseekable(io.RawIOBase):
    """What zipfile writes data descriptors to."""

    def __init__(self):
        self.made = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.made += data
        return len(data)


def zips(tool, module):
    for level in LEVELS:
        file = io.BytesIO() if level % 2 else Unseekable()
        with module.ZipFile(file, "w", module.ZIP_DEFLATED, compresslevel=level) as archive:
            for name, data in FILES:
                entry = module.ZipInfo(name, WHEN)
                entry.compress_type = module.ZIP_DEFLATED
                archive.writestr(entry, data, compresslevel=level)
        streamed = "" if level % 2 else " streamed"
        save(tool, f"zip -{level}{streamed}", file.getvalue() if level % 2 else bytes(file.made))
    file = io.BytesIO()
    with module.ZipFile(file, "w") as archive:
        with archive.open(module.ZipInfo("stored", WHEN), "w", force_zip64=True) as member:
            member.write(WORDS)
        entry = module.ZipInfo("deflated", WHEN)
        entry.compress_type = module.ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as member:
            member.write(WORDS)
    save(tool, "zip64 and stored", file.getvalue())


def tars():
    for level in LEVELS:
        file = io.BytesIO()
        format = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT][level % 3]
        with tarfile.open("x.tar", "w:gz", file, compresslevel=level, format=format) as archive:
            add(archive, FILES)
        save("tarfile", f"tgz -{level}", file.getvalue())
    file = io.BytesIO()
    with tarfile.open("x.tar", "w|gz", file) as archive:
        add(archive, FILES)
    save("tarfile", "tgz streamed", file.getvalue())


def add(archive, files):
    for name, data in files:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))


def backends():
    for level in LEVELS:
        save("zlib-ng", f"gzip -{level}", members(lambda data: gzip_ng.compress(data, level)))
        save("zlib-ng", f"zlib -{level}", members(lambda data: zlib_ng.compress(data, level)))
        save("cramjam", f"gzip -{level}", members(lambda data: cramjam.gzip.compress(data, level)))
        save("cramjam", f"zlib -{level}", members(lambda data: cramjam.zlib.compress(data, level)))
        file = in_pieces(lambda file: pgzip.PgzipFile("x", "wb", level, file, thread=2, blocksize=20_000))
        save("pgzip", f"gzip -{level}", file)
    for name, strategy in STRATEGIES.items():
        stream = zlib_ng.compressobj(6, strategy=strategy)
        save("zlib-ng", f"zlib {name}", stream.compress(WORDS) + stream.flush())
    for level in range(0, 4):
        save("isal", f"gzip -{level}", members(lambda data: igzip.compress(data, level)))
        save("isal", f"zlib -{level}", members(lambda data: isal_zlib.compress(data, level)))
    for level in range(1, 13):
        save("deflate", f"gzip -{level}", members(lambda data: deflate.gzip_compress(data, level)))
        save("deflate", f"zlib -{level}", members(lambda data: deflate.zlib_compress(data, level)))
    save("zlib-ng", "gzip large", gzip_ng.compress(LARGE))
    for iterations in (1, 5):
        save("zopfli", f"gzip {iterations}", zopfli.gzip.compress(WORDS, numiterations=iterations))
        save("zopfli", f"zlib {iterations}", zopfli.zlib.compress(WORDS, numiterations=iterations))


def zip_writers():
    when = datetime(*WHEN)
    for level in LEVELS:
        entries = [
            (name, when, 0o600, [NO_COMPRESSION_64, ZIP_64, ZIP_32][index % 3], (data,))
            for index, (name, data) in enumerate(FILES)
        ]
        made = stream_zip(entries, get_compressobj=lambda: zlib.compressobj(wbits=-15, level=level))
        save("stream-zip", f"zip -{level}", b"".join(made))
        streamed = zipstream.ZipStream(compress_type=zipstream.ZIP_DEFLATED, compress_level=level)
        for name, data in FILES:
            streamed.add(data, name)
        save("zipstream-ng", f"zip -{level}", b"".join(streamed))
    zips("pyzipper", pyzipper)
    zips("sozipfile", sozipfile)
    file = io.BytesIO()
    with pyzipper.AESZipFile(file, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        archive.writestr("words", WORDS)
    save("pyzipper", "encrypted", file.getvalue())


def pictures():
    with Image.open(CONTENT / "picture.ppm") as picture:
        picture.load()
    rows = [picture.tobytes()[at : at + 480] for at in range(0, 480 * 120, 480)]
    for level in LEVELS:
        file = io.BytesIO()
        picture.save(file, "png", compress_level=level)
        save("pillow", f"png -{level}", file.getvalue())
        file = io.BytesIO()
        png.Writer(160, 120, greyscale=False, compression=level).write(file, rows)
        save("pypng", f"png -{level}", file.getvalue())


cpython()
zips("zipfile", zipfile)
tars()
backends()
zip_writers()
pictures()
