"""An archive on Ray and on Spark, by the recipes in examples/engines, with kills. Everything printed was measured in this run.

In a network namespace of its own, which has only the loopback: two nodes of one core each; a worker and a node of Ray, a worker and an
executor of Spark are killed (-9) while they do a part, and two parts end with 75 and with 3 at first. Tables equal those of one
`affect archive run` without interruption. Where the command says 2, no part is tried again.

usage: engines_test.py [--binary FILE] [--only ray,spark]     (needs ray, pyspark and Java; unshare, ip and setpriv)
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave

import pyarrow
import pyarrow.compute
import pyarrow.parquet as parquet

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALL = ROOT / "tests/data/calls/call40_185s_2ch_pcm16.wav"
PARTS, CALLS = 20, 4
TOOLS = pathlib.Path(sys.executable).parent
options = argparse.ArgumentParser()
options.add_argument("--binary", default=ROOT / "target/release/affect", type=pathlib.Path)
options.add_argument("--only", default="ray,spark")
options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
options = options.parse_args()
failures = []


def check(good, what):
    print(f"{'ok    ' if good else 'FAILED'} {what}", flush=True)
    if not good:
        failures.append(what)


def affect(*words, codes=(0,)):
    done = subprocess.run([options.binary, "archive", *map(str, words)], capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def alone():
    """Starts this again in namespaces of its own; what it starts ends with it."""
    for tool in ("unshare", "ip", "setpriv", "java"):
        if not shutil.which(tool):
            sys.exit(f"engines_test: {tool} is not installed")
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", *mapped]
    sys.exit(subprocess.run([*unshare, sys.executable, __file__, "--inside", *sys.argv[1:]]).returncode)


def generate(folder):
    chance = random.Random(7)
    with wave.open(str(CALL)) as call:
        form, frames = call.getparams(), call.readframes(call.getnframes())
    size = form.nchannels * form.sampwidth
    for k in range(PARTS * CALLS - 2):
        at, length = chance.randrange(form.nframes), int(chance.uniform(15, 40) * form.framerate)
        with wave.open(str(folder / f"call {k:03}.wav"), "wb") as out:
            out.setparams(form)
            out.writeframes((frames[at * size :] + frames)[: length * size])
    (folder / "call 030 empty.wav").write_bytes(b"")
    (folder / "call 050 noise.wav").write_bytes(bytes(range(7, 107)) * 50)


def plan(source, out):
    affect("plan", source, "--out", out, "--roles", "agent,caller", "--part-calls", CALLS, "--part-bytes", 10**12)


def committed(out):
    return {int(f.stem[5:]) for f in out.glob("run/*/calls/part-*.parquet")}


def tables(out):
    """The tables of calls and of utterances, in order, without what every attempt names anew."""
    (run,) = (out / "run").iterdir()
    calls = pyarrow.concat_tables(parquet.read_table(f) for f in sorted((run / "calls").glob("*.parquet")))
    names = pyarrow.compute.unique(calls["utterances_file"]).to_pylist()
    utterances = pyarrow.concat_tables(parquet.read_table(run / "utterances" / n) for n in names)
    return calls.drop(["utterances_file", "error_message"]), utterances


class Command:
    """The command as the recipes start it: it keeps a list of the parts that were begun, and ends otherwise where `cases` say so."""

    def __init__(self, folder, cases):
        self.begun = folder / "begun"
        self.begun.touch()
        # archive run OUT --part N
        begin = f'echo "$5 $$" >>"{self.begun}"\nfirst() {{ mkdir "{folder}/first-$1" 2>/dev/null; }}\ncase $5 in\n{cases}\nesac'
        self.path = folder / "affect"
        self.path.write_text(f'#!/bin/sh\nif [ "$2" = run ]; then\n{begin}\nfi\nexec "{options.binary}" "$@"\n')
        self.path.chmod(0o755)

    def attempts(self):
        """Part and process of each."""
        return [tuple(map(int, line.split())) for line in self.begun.read_text().splitlines()]


def processes():
    """Parent and words of each process that lives."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (path / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                found[int(path.name)] = int(parent), (path / "cmdline").read_text().replace("\0", " ")
        except OSError:
            pass
    return found


def resident():
    """MiB of all processes here but this one."""
    total = 0
    for pid in processes():
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(status.split("VmRSS:")[1].split()[0]) if pid != os.getpid() and "VmRSS:" in status else 0
        except OSError:
            pass
    return total / 1024


def kill_at_work(name, out, command, driver, least, is_victim, whole):
    """Kills a process of the engine, or the `whole` of what it started too, while it does a part that it has just begun and at least so many
    parts are committed; `is_victim` tells by the words of a process. Returns the part and the time."""
    while driver.poll() is None and len(committed(out)) < least:
        time.sleep(0.02)
    known = {pid for _, pid in command.attempts()}
    while driver.poll() is None:
        time.sleep(0.02)
        for part, pid in command.attempts():
            if pid in known:
                continue
            known.add(pid)
            lives, victim = processes(), pid
            while victim in lives and (victim == pid or not is_victim(lives[victim][1])):
                victim = lives[victim][0]
            if victim not in lives or victim == os.getpid():
                continue
            victims = [victim]
            for one in victims if whole else []:
                victims += [child for child, (parent, _) in lives.items() if parent == one]
            before = len(committed(out))
            killed, begun = time.time(), time.monotonic()
            for one in victims:
                try:
                    os.kill(one, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            while pid in processes() and time.monotonic() - begun < 30:
                time.sleep(0.01)
            ended, lost = time.monotonic() - begun, part not in committed(out)
            what = f"kill -9 of {name} at part {part}, {before} of {PARTS} committed"
            check(ended < 30 and lost, f"{what}: the command there ended {ended:.2f} s later, {'un' if lost else ''}committed")
            return part, killed
    check(False, f"{name} was to be killed, and the recipe ended before")
    return None


def start(log, *words, env=None):
    return subprocess.Popen(list(map(str, words)), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)


def ended(driver, log, patience=900):
    """The exit code of a recipe. Where it is none of 0 and 2, what it said is shown."""
    try:
        code = driver.wait(patience)
    except subprocess.TimeoutExpired:
        driver.kill()
        code = f"nothing: it hung for {patience} s"
    if code not in (0, 2):
        print(pathlib.Path(log.name).read_text()[-6000:])
    return code


def prove(folder, engine, source, expected, victims, submit):
    """A recipe with kills, and with a command that says 2."""
    out = folder / "out"
    plan(source, out)
    command = Command(folder, "3) first 3 && exit 75 ;;\n12) first 12 && exit 3 ;;")
    log = open(folder / "recipe.log", "w+")
    begun = time.monotonic()
    words = [out, "--affect", command.path, "--wait", "1", "--verify"]
    driver = start(log, *submit, ROOT / f"examples/engines/{engine}_archive.py", *words)
    kills = [kill_at_work(name, out, command, driver, 3 + 3 * k, *how) for k, (name, *how) in enumerate(victims)]
    memory = resident()
    code = ended(driver, log)
    taken = time.monotonic() - begun
    check(code == 0, f"the recipe ends with {code}, verify included, after {taken:.1f} s; load {os.getloadavg()[0]:.1f}")
    check(affect("verify", out, "--quiet", codes=(0, 1, 3)).returncode == 1, "verify: everything holds, two calls have an error")
    for part, killed in filter(None, kills):
        for commit in out.glob(f"run/*/calls/part-{part:05}.parquet"):
            print(f"       part {part} was committed {commit.stat().st_mtime - killed:.1f} s after its kill", flush=True)
    counts = collections.Counter(part for part, _ in command.attempts())
    again = {part: n for part, n in sorted(counts.items()) if n > 1}
    check(sorted(counts) == list(range(PARTS)), f"{PARTS} parts were begun {sum(counts.values())} times; more than once: {again}")
    check(again.get(3, 0) >= 2 and again.get(12, 0) >= 2, "what ended with 75 and with 3 was done again")
    calls, utterances = tables(out)
    ids = utterances["id"].to_pylist()
    check(calls.num_rows == PARTS * CALLS and len(set(calls["key"].to_pylist())) == PARTS * CALLS, f"{calls.num_rows} calls, each once")
    check(len(set(ids)) == len(ids) and len(ids) > 200, f"{len(ids)} ids are unique")
    check(calls.equals(expected[0]) and utterances.equals(expected[1]), "tables equal those of one run without interruption, row for row")
    print(f"       the engine and what it ran took {memory:.0f} MiB, resident sizes added up", flush=True)

    never = folder / "never"
    never.mkdir()
    plan(source, never / "out")
    refusing = Command(never, "*) exit 2 ;;")
    words = [never / "out", "--affect", refusing.path]
    code = ended(start(log, *submit, ROOT / f"examples/engines/{engine}_archive.py", *words), log)
    counts = collections.Counter(part for part, _ in refusing.attempts())
    twice = sum(n > 1 for n in counts.values())
    said = f"the recipe ends with {code}; {len(counts)} parts were begun, {twice} of them twice"
    check(code == 2 and counts and not twice, f"a command that says 2: {said}")


def on_ray(folder, source, expected):
    import ray

    print(f"== Ray {ray.__version__}: a head and a node of one core each", flush=True)
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ADDRESS="127.0.0.1:6379")
    log = open(folder / "engine.log", "w")
    common = ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--disable-usage-stats", f"--object-store-memory={80 << 20}"]
    # Sockets have short names; this folder goes with its namespace's processes.
    with tempfile.TemporaryDirectory(prefix="ray-") as short:
        begun = time.monotonic()
        head = ["--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={short}"]
        env = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
        for place in (head, ["--address=127.0.0.1:6379"]):
            if start(log, TOOLS / "ray", "start", *place, *common, env=env).wait(120):
                sys.exit((folder / "engine.log").read_text())
        print(f"       both are up after {time.monotonic() - begun:.1f} s", flush=True)
        raylets = sorted(pid for pid, (_, words) in processes().items() if "/raylet/raylet " in words)
        second = processes()[raylets[-1]][1]
        victims = [
            ("a worker of Ray", lambda words: words.startswith("ray::"), False),
            ("a node of Ray (its raylet and all below)", lambda words: words == second, True),
        ]
        prove(folder, "ray", source, expected, victims, [sys.executable])
        start(log, TOOLS / "ray", "stop", "--force").wait(60)


def on_spark(folder, source, expected):
    import pyspark

    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
    print(f"== Spark {pyspark.__version__}, {java}: a master and two workers of one core each", flush=True)
    home = pathlib.Path(pyspark.__file__).parent
    os.environ.update(
        SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1", SPARK_LOCAL_DIRS=str(folder), PYSPARK_PYTHON=sys.executable, SPARK_NO_DAEMONIZE="1"
    )
    log = open(folder / "engine.log", "w")
    place = "spark://127.0.0.1:7077"
    deploy = "org.apache.spark.deploy"
    begun = time.monotonic()
    daemons = [start(log, home / "bin/spark-class", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", 7077, "--webui-port", 0)]
    for k in range(2):
        words = ["--host", "127.0.0.1", "--webui-port", 0, "--cores", 1, "--memory", "1g", "--work-dir", folder / f"worker-{k}", place]
        daemons.append(start(log, home / "bin/spark-class", f"{deploy}.worker.Worker", *words))
    while (folder / "engine.log").read_text().count("Successfully registered with master") < 2:
        time.sleep(0.1)
        if any(d.poll() is not None for d in daemons) or time.monotonic() - begun > 120:
            sys.exit((folder / "engine.log").read_text())
    print(f"       all are up after {time.monotonic() - begun:.1f} s", flush=True)
    memory = ["--driver-memory", "512m", "--executor-memory", "512m"]
    submit = [home / "bin/spark-submit", "--master", place, *memory, "--conf", "spark.ui.enabled=false"]
    victims = [
        ("a Python worker of Spark", lambda words: "pyspark.daemon" in words, False),
        ("an executor of Spark", lambda words: "CoarseGrainedExecutorBackend" in words, False),
    ]
    prove(folder, "spark", source, expected, victims, submit)
    for d in daemons:
        d.kill()
        d.wait()


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=5)
        reached = True
    except OSError:
        reached = False
    interfaces = [name for _, name in socket.if_nameindex()]
    check(interfaces == ["lo"] and not reached, f"interfaces of this network namespace: {', '.join(interfaces)}; nothing outside it can be reached")
    with tempfile.TemporaryDirectory(prefix="affect-engines-") as folder:
        folder = pathlib.Path(folder)
        source, undisturbed = folder / "calls", folder / "undisturbed"
        source.mkdir()
        generate(source)
        plan(source, undisturbed)
        begun = time.monotonic()
        affect("run", undisturbed, "--quiet", codes=(1,))
        print(f"       affect archive run alone: {PARTS} parts of {CALLS} calls in {time.monotonic() - begun:.1f} s", flush=True)
        expected = tables(undisturbed)
        for engine, prove_it in {"ray": on_ray, "spark": on_spark}.items():
            if engine in options.only.split(","):
                (folder / engine).mkdir()
                prove_it(folder / engine, source, expected)
    print("everything holds" if not failures else f"{len(failures)} do not hold: {'; '.join(failures)}")
    sys.exit(bool(failures))


if options.inside:
    main()
else:
    alone()
