"""Archives at some size: what is killed is resumed, and what it costs. Everything printed was measured in this run.

1. 200 generated calls in 40 parts, two workers, at least 20 random kill -9 of them, a decoder that hangs and one that crashes (in a build with
   debug assertions, whose faults are on demand): calls equal the plan, ids are unique, tables equal those of one run without interruption, each
   poisonous call is one error row, and no kill loses more than the part at hand.
2. What parts and commits cost: `archive run` against `analyze` over the same calls. 3. Two jobs against one. 4. `status` of 25 000 parts.
5. Memory of parent and worker.

usage: archive_test.py [--debug-binary FILE] [--binary FILE] [--seed N] [--only kills,overhead,jobs,status,memory]     (needs pyarrow)
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import wave

import archives
from archives import CALL, ROOT, check, children, ended, generate, poisoned, run_folder, same_as_undisturbed

options = argparse.ArgumentParser()
options.add_argument("--debug-binary", default=ROOT / "target/debug/affect")
options.add_argument("--binary", default=ROOT / "target/release/affect")
options.add_argument("--seed", type=int, default=1)
options.add_argument("--only", default="kills,overhead,jobs,status,memory")
options = options.parse_args()


def affect(*words, binary=None, **how):
    return archives.affect(binary or options.binary, *words, **how)


def kills(folder):
    print("== kills: 200 calls in 40 parts, two workers", flush=True)
    source, out, undisturbed = folder / "calls", folder / "out", folder / "undisturbed"
    poisoned(source, options.seed)
    words = ["--roles", "agent,caller", "--part-calls", 5, "--part-bytes", 10**12]
    debug = {"binary": options.debug_binary, "faults": True}
    for place in (out, undisturbed):
        affect("archive", "plan", source, "--out", place, *words, **debug)
    limits = ["--stall", "5s", "--quiet"]
    begun = time.monotonic()
    affect("archive", "run", undisturbed, *limits, codes=(1,), **debug)
    alone = time.monotonic() - begun
    env = dict(os.environ, AFFECT_TEST_FAULTS="1")
    log = open(folder / "log.jsonl", "w")

    def start():
        return subprocess.Popen([options.debug_binary, "archive", "run", out, "--jobs", "1", *limits], env=env, stdout=log)

    chance, workers, killed, only_children = random.Random(options.seed), [start(), start()], 0, 0
    committed = lambda: {f.name for f in (run_folder(out) / "calls").glob("part-*.parquet")}
    begun = time.monotonic()
    while killed < 24 or any(w.poll() is None for w in workers):
        time.sleep(chance.uniform(0.2, 0.2 + 2.2 * alone / 24))
        if killed >= 24:
            time.sleep(0.5)
            continue
        k = chance.randrange(2)
        before = committed()
        if killed % 6 == 5 and workers[k].poll() is None and children(workers[k].pid):
            for child in children(workers[k].pid):
                try:
                    os.kill(child, 9)
                except ProcessLookupError:
                    pass
            only_children += 1
        else:
            workers[k].kill()
            workers[k].wait()
            workers[k] = start()
        killed += 1
        if not before <= committed():
            check(False, "a kill undid a committed part")
    codes = [w.wait() for w in workers]
    check(killed >= 20, f"{killed} kill -9 ({only_children} of a worker process alone) in {time.monotonic() - begun:.0f} s; alone it takes {alone:.0f} s")
    check(codes == [1, 1], f"both workers say that it is complete, with errors: {codes}")
    affect("archive", "run", out, "--quiet", "--grace", "1ms", codes=(1,), **debug)
    check(affect("archive", "verify", out, "--quiet", codes=(0, 1, 3), **debug).returncode == 1, "verify: everything holds")
    same_as_undisturbed(out, undisturbed)
    lines = [json.loads(line) for line in open(folder / "log.jsonl") if line.endswith("}\n")]
    done = sum(line["outcome"] == "committed" for line in lines)
    print(f"       {done} commits by attempts that lived to say so; work lost: at most the part at hand for each kill, by construction", flush=True)


def timed(*words, codes=(0,)):
    begun = time.monotonic()
    affect(*words, codes=codes)
    return time.monotonic() - begun


def worked(*words, codes=(0,)):
    """CPU seconds of a command and of its processes: what other work on the machine changes least."""
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    begun = used()
    affect(*words, codes=codes)
    return used() - begun


def planned(source, out, *words):
    shutil.rmtree(out, ignore_errors=True)
    affect("archive", "plan", source, "--out", out, "--roles", "agent,caller", *words)


def overhead(folder):
    print("== overhead of parts and commits: archive run --jobs 1 against analyze --jobs 1, alternately", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 24, 30, 50, options.seed)
    alone, parts = [], []
    for _ in range(5):
        words = ["analyze", source, "--roles", "agent,caller", "--format", "parquet", "--out", folder / "x.parquet", "--quiet", "--jobs", 1]
        alone.append(worked(*words))
        planned(source, out, "--part-calls", 6)
        parts.append(worked("archive", "run", out, "--quiet", "--jobs", 1))
    ratio = statistics.median(parts) / statistics.median(alone)
    print(f"       CPU seconds: analyze {', '.join(f'{t:.2f}' for t in alone)} s; in 4 parts {', '.join(f'{t:.2f}' for t in parts)} s")
    audio = sum(archives.tables(out)[0]["duration_ns"].to_pylist()) / 1e9
    print(f"       {audio / min(parts):.0f} times real time on a core: {audio:.0f} s of two-channel calls, features, scores, reasons, measures and tables")
    check(ratio <= 1.03, f"overhead {100 * (ratio - 1):.1f} % (medians; bar 3 %); load {os.getloadavg()[0]:.1f}")


def jobs(folder):
    print("== two jobs against one, alternately", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 24, 30, 50, options.seed)
    times = {1: [], 2: []}
    for _ in range(3):
        for n in times:
            planned(source, out, "--part-calls", 4)
            times[n].append(timed("archive", "run", out, "--quiet", "--jobs", n))
    ratio = min(times[1]) / min(times[2])
    print(f"       one {', '.join(f'{t:.2f}' for t in times[1])} s; two {', '.join(f'{t:.2f}' for t in times[2])} s; load {os.getloadavg()[0]:.1f}")
    check(ratio >= 1.9, f"two jobs are {ratio:.2f} times one (best of each; bar 1.9)")


def status(folder):
    print("== status of 25 000 parts", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 1, 2, 2, options.seed)
    call = next(source.glob("*/*.wav"))
    for k in range(24_999):
        (source / f"{k:05}.wav").write_bytes(b"")
    planned(source, out, "--part-calls", 1)
    affect("archive", "run", out, "--part", 24_999, "--quiet", codes=(0, 1))
    (done,) = (run_folder(out) / "calls").glob("*.parquet")
    bytes_of = done.read_bytes()
    for k in range(25_000):
        path = done.with_name(f"part-{k:05}.parquet")
        if not path.exists():
            path.write_bytes(bytes_of)
    taken = [timed("archive", "status", out, "--json", codes=(0, 1)) for _ in range(3)]
    said = json.loads(affect("archive", "status", out, "--json", codes=(0, 1)).stdout)
    check(said["committed"]["parts"] == 25_000 and said["complete"], f"25 000 parts of {call.name} and empty files are committed")
    cpu = worked("archive", "status", out, "--json", codes=(0, 1))
    check(min(taken) <= 5, f"status took {', '.join(f'{t:.2f}' for t in taken)} s (bar 5 s), {cpu:.2f} s of CPU")


def peak(process):
    try:
        for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def memory(folder):
    print("== memory of parent and worker, at calls of 1 to 30 minutes", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 4, 60, 90, options.seed)
    with wave.open(str(CALL)) as w:
        rate, frames = w.getframerate(), w.readframes(w.getnframes())
    with wave.open(str(source / "long.wav"), "wb") as w:
        w.setnchannels(2)
        w.setsampwidth(2)
        w.setframerate(rate)
        for _ in range(45):
            w.writeframes(frames)
    planned(source, out)
    process = subprocess.Popen([options.binary, "archive", "run", out, "--quiet", "--jobs", "1"], stdout=subprocess.DEVNULL)
    parent = worker = 0.0
    while process.poll() is None:
        parent = max(parent, peak(process.pid))
        worker = max([worker, *map(peak, children(process.pid))])
        time.sleep(0.02)
    check(process.returncode == 0, "the run is complete")
    check(worker <= 200, f"a worker process takes {worker:.0f} MiB at most (bar 200 MB)")
    check(parent <= 200, f"its parent takes {parent:.0f} MiB at most (bar 200 MB)")


for part in (kills, overhead, jobs, status, memory):
    if part.__name__ in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="affect-archive-") as folder:
            part(pathlib.Path(folder))
ended()
