"""The tables of scripts/bench-savings, in Markdown, with what is to be reached and whether it is met."""
import datetime, os

from baselines import BASELINES

# Stored / original, all versions and the first included: after plain PUTs, after `optimize`.
SIZE_TARGETS = {
    "wheel-numpy": (0.30, 0.16),
    "wheel-ruff": (1.00, 0.40),
    "elf-ruff": (0.24, 0.17),
    "crate-awsec2": (0.35, 0.09),
    "tgz-next": (0.35, 0.14),
    "targz-next": (0.35, 0.14),
    "tar-next": (0.045, 0.030),
    "sqldump": (0.070, 0.058),
}
# By whether the input is compressed. MB/s a core; MB/s of other versions than the newest, which may have to be
# re-deflated.
PUT_TARGET = {False: 100, True: 40}
GET_TARGET = {False: 100, True: 15}
# Of the speed with deltas off.
NEWEST_TARGET = 0.5
RANGE_TARGET_MS = 200
# Segments hold little more than what is counted as stored: headers, and garbage that is not worth a collection yet.
UNCOUNTED = 0.02
COMPRESSED = (b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
NONE = "–"


def markdown(corpora, others, results):
    """`others`: corpus → baseline → {"bytes", "cpu_seconds"}; `results`: corpus → what Bench.run returns, may be empty."""
    packed = {corpus: is_compressed(files[0]) for corpus, files in corpora.items()}
    tables = [sizes(corpora, others, results)]
    if any(others.values()):
        tables.append(baseline_speeds(corpora, others))
    if results:
        tables.append(put_speeds(results, packed))
        tables.append(get_speeds("GET after plain PUTs, cold", results, "plain", packed))
    if any(result["optimized"] for result in results.values()):
        tables.append(get_speeds("GET after `optimize`, cold", results, "optimized", packed))
        tables.append(optimizer(corpora, results))
    if any(result["left"] for result in results.values()):
        tables.append(left(results))
    if results:
        tables.append(ranges(results))
    tables.append(f"Measured {datetime.date.today()}, {os.cpu_count()} cores, client and server on one machine.")
    return "\n\n".join(tables)


def sizes(corpora, others, results):
    lines = table("### Stored bytes", ["corpus", "releases", "original", *[baseline.title for baseline in BASELINES],
                                       "after PUTs", "target", "", "after optimize", "target", ""])
    total = {corpus: sum(path.stat().st_size for path in files) for corpus, files in corpora.items()}
    for corpus, files in corpora.items():
        phases = [results.get(corpus, {}).get(phase) for phase in ("plain", "optimized")]
        lines.append(size_row(corpus, len(files), total[corpus], others[corpus], phases,
                              SIZE_TARGETS.get(corpus, (None, None))))
    if len(corpora) > 1:
        whole = sum(total.values())
        complete = {baseline.name: {"bytes": sum(found[baseline.name]["bytes"] for found in others.values())}
                    for baseline in BASELINES if all(baseline.name in found for found in others.values())}
        phases = [[results.get(corpus, {}).get(phase) for corpus in corpora] for phase in ("plain", "optimized")]
        phases = [{"stored": sum(phase["stored"] for phase in found)} if all(found) else None for found in phases]
        lines.append(size_row("all", sum(map(len, corpora.values())), whole, complete, phases, (None, None)))
    methods = "\n".join(f"- {baseline.title}: {baseline.method}." for baseline in BASELINES)
    tools = sorted({found["tool"] for corpus in others.values() for found in corpus.values()})
    lines += uncounted(results)
    return "\n".join(lines) + (
        "\n\nEvery figure beside a size is stored / original. Each corpus is alone in its store. Stored: every record, references included "
        f"(`deltastore stats DIR --json`); of a repository: all files of its folder.\n{methods}\n- Versions: {', '.join(tools) or NONE}.")


def size_row(corpus, count, original, others, phases, targets):
    cells = [corpus, count, f"{original / 1e6:.2f} MB"]
    cells += [f"{others[baseline.name]['bytes'] / original:.3f}" if baseline.name in others else NONE for baseline in BASELINES]
    for phase, target in zip(phases, targets):
        ratio = phase and phase["stored"] / original
        cells.append(f"{phase['stored'] / 1e6:.2f} MB, {ratio:.3f}" if phase else NONE)
        cells.append(f"{target:.3f}" if target else NONE)
        cells.append(mark(round(ratio, 3) <= target) if phase and target else "")
    return row(cells)


def uncounted(results):
    """Says where the statistics leave out much of what is on disk, so that nobody takes such a figure for savings."""
    lines = []
    for corpus, result in results.items():
        for name, phase in (("PUTs", result["plain"]), ("optimize", result["optimized"])):
            if phase and phase["segments"] > phase["stored"] * (1 + UNCOUNTED) + 4096:
                lines += ["", f"**{corpus} after {name}: segments take {phase['segments'] / 1e6:.2f} MB, "
                              f"{phase['segments'] / phase['original']:.3f} of the original; the statistics count less.**"]
    return lines


def baseline_speeds(corpora, others):
    lines = table("### The other tools' own rate, MB/s a core", ["corpus", *[baseline.title for baseline in BASELINES]])
    for corpus, files in corpora.items():
        size = sum(path.stat().st_size for path in files) / 1e6
        lines.append(row([corpus, *[f"{size / max(others[corpus][baseline.name]['cpu_seconds'], 0.01):.1f}"
                                    if baseline.name in others[corpus] else NONE for baseline in BASELINES]]))
    return "\n".join(lines)


def put_speeds(results, packed):
    lines = table("### PUT, MB/s", ["corpus", "version", "deltas off", "deltas on", "of off", "a core, off", "a core, on", "target", ""])
    for corpus, result in results.items():
        target = PUT_TARGET[packed[corpus]]
        for version, speeds in result["put"].items():
            if version == "peak_mb":
                continue
            off, on = speeds["off"], speeds["plain"]
            lines.append(row([corpus, version, f"{off['mb_s']:.0f}", f"{on['mb_s']:.0f}", f"{on['mb_s'] / off['mb_s']:.2f}",
                              a_core(off), a_core(on), f">= {target} a core", mark(rate(on) >= target)]))
    peak = max(result["put"]["peak_mb"] for result in results.values())
    return "\n".join(lines) + (
        "\n\nOne PUT each, one client, in turn to two servers. *A core*: bytes by the CPU seconds that the server process took. Peak memory of "
        f"a server with deltas: {peak:.0f} MB.")


def get_speeds(title, results, phase, packed):
    lines = table(f"### {title}, MB/s", ["corpus", "version", "deltas off", "deltas on", "of off", "a core, off", "a core, on", "target", ""])
    for corpus, result in results.items():
        for version, speeds in (result[phase]["get"] if result[phase] else {}).items():
            off, on = speeds["off"], speeds["plain"]
            share = round(on["mb_s"] / off["mb_s"], 2)
            if version == "newest":
                target, met = f">= {NEWEST_TARGET} of off", share >= NEWEST_TARGET
            else:
                target, met = f">= {GET_TARGET[packed[corpus]]}", on["mb_s"] >= GET_TARGET[packed[corpus]]
            lines.append(row([corpus, version, f"{off['mb_s']:.0f}", f"{on['mb_s']:.0f}", f"{share:.2f}", a_core(off), a_core(on),
                              target, mark(met)]))
    return "\n".join(lines) + (
        "\n\nOne GET each, one client, from a server started for it, whose cache on disk is empty; for the newest version it holds what uploads or the "
        "optimizer left there. The system's page cache is warm. The fastest of the rounds, stores in turn; CPU time over all rounds.")


def optimizer(corpora, results):
    lines = table("### `deltastore optimize`", ["corpus", "seconds", "MB/s of original", "MB/s a core"])
    for corpus, files in corpora.items():
        taken = results[corpus]["optimizer"]
        size = sum(path.stat().st_size for path in files) / 1e6
        lines.append(row([corpus, f"{taken['seconds']:.1f}", f"{size / taken['seconds']:.1f}", f"{size / max(taken['cpu'], 0.01):.1f}"]))
    return "\n".join(lines)


def left(results):
    lines = table("### After older versions were removed", ["corpus", "original of the newest two", "collected", "optimized and collected",
                                                             "stored without the older ones ever", "seconds"])
    for corpus, result in results.items():
        if found := result["left"]:
            shares = [f"{found[name] / 1e6:.2f} MB, {found[name] / found['original']:.3f}" for name in ("collected", "optimized", "alone")]
            lines.append(row([corpus, f"{found['original'] / 1e6:.2f} MB", *shares, f"{found['seconds']:.1f}"]))
    return "\n".join(lines) + (
        "\n\nAll but the newest two versions are removed from the optimized store. *Collected*: after `gc`; what removed versions are still needed "
        "for is there. *Optimized*: after another `optimize` and `gc`; its seconds.")


def ranges(results):
    lines = table("### 64 KiB ranges, ms", ["corpus", "off p50", "off p99", "after PUTs p50", "p99", "", "after optimize p50", "p99", ""])
    for corpus, result in results.items():
        off, plain = (result["plain"]["ranges"][which] for which in ("off", "plain"))
        cells = [corpus, f"{off['p50']:.1f}", f"{off['p99']:.1f}"]
        for found in plain, result["optimized"] and result["optimized"]["ranges"]["plain"]:
            cells += [f"{found['p50']:.1f}", f"{found['p99']:.1f}", mark(found["p99"] <= RANGE_TARGET_MS)] if found else [NONE, NONE, ""]
        lines.append(row(cells))
    return "\n".join(lines) + (
        f"\n\nTarget: p99 <= {RANGE_TARGET_MS} ms. 200 random places over all versions, one after the other, from a server started for them: its "
        "caches are empty at the first and fill from then on; the system's page cache is warm. Client time is included.")


def is_compressed(path):
    with open(path, "rb") as file:
        return file.read(4).startswith(COMPRESSED)


def rate(speed):
    return speed["bytes"] / 1e6 / max(speed["cpu"], 0.01)


def a_core(speed):
    return f"{rate(speed):.0f}"


def mark(met):
    return "met" if met else "**short**"


def table(title, columns):
    """Text on the left, figures on the right."""
    words = ("corpus", "version", "target", "")
    return [title, "", row(columns), "".join("|---" if column in words else "|--:" for column in columns) + "|"]


def row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"
