"""Archives through a queue: the same tables as by one run, whatever is killed, stopped, lost or put there. Everything printed was measured in
this run, with one NATS server on the loopback.

1. kills: 200 generated calls in 40 parts, two `affect archive work`, at least 20 random kill -9 of them and 3 of the server, the queue wiped
   midway, a decoder that hangs and one that crashes (in a build with debug assertions, whose faults are on demand): calls equal the plan, ids are
   unique, tables equal those of one `archive run` without interruption, each poisonous call is one error row.
2. leases: how long until a part of a killed worker is given to another one; a worker that is stopped loses its lease, and its late commit
   counts for nothing; SIGTERM gives the part back at once.
3. dead: parts that fail over and over become dead letters with reasons, messages of strangers too; `submit --again` heals.
4. away: no server, and a server that comes back. 5. recipes: what examples/engines/nats says, with its users.
6. overhead: CPU seconds of `submit` and `work`, the server's included, against `archive run`, alternately.

usage: archive_queue_test.py SERVER [--debug-binary FILE] [--binary FILE] [--seed N] [--only kills,leases,dead,away,recipes,overhead]
(SERVER is a nats-server; binaries with the feature queue; needs pyarrow)
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

import archives
from archives import ROOT, check, ended, generate, poisoned, run_folder, same_as_undisturbed

options = argparse.ArgumentParser()
options.add_argument("server")
options.add_argument("--debug-binary", default=ROOT / "target/debug/affect")
options.add_argument("--binary", default=ROOT / "target/release/affect")
options.add_argument("--seed", type=int, default=1)
options.add_argument("--only", default="kills,leases,dead,away,recipes,overhead")
options = options.parse_args()


def affect(*words, binary=options.debug_binary, **how):
    return archives.affect(binary, "archive", *words, **how)


class Server:
    """A NATS server with JetStream, which comes back with what it has stored."""

    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.store = folder / "jetstream"
        self.config = folder / "nats.conf"
        self.config.write_text(f'listen: 127.0.0.1:{self.port}\njetstream {{ store_dir: "{self.store}" }}\n')
        self.log = open(folder / "nats.log", "w")
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        begun = time.monotonic()
        self.process = subprocess.Popen([options.server, "-c", self.config], stdout=self.log, stderr=self.log)
        while True:
            try:
                with self.connection() as (s, _):
                    return time.monotonic() - begun
            except OSError:
                if time.monotonic() - begun > 20:
                    raise
                time.sleep(0.01)

    def connection(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)

        class Closing:
            def __enter__(self):
                return connection, connection.recv(65536)

            def __exit__(self, *_):
                connection.close()

        return Closing()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self):
        self.kill()
        shutil.rmtree(self.store)
        self.start()

    def publish(self, subject, payload):
        """As a stranger does it, in NATS's own words."""
        with self.connection() as (s, _):
            s.sendall(b'CONNECT {"verbose":false}\r\n' + f"PUB {subject} {len(payload)}\r\n".encode() + payload + b"\r\nPING\r\n")
            while b"PONG" not in s.recv(65536):
                pass

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        print(f"       {pathlib.Path(options.server).name} answers after {self.start():.2f} s", flush=True)
        return self

    def __exit__(self, *_):
        self.kill()


class Worker:
    """A process of `affect archive work` and the lines of its log, with the times at which they came."""

    def __init__(self, server, folder, *words, faults=True):
        command = [options.debug_binary, "archive", "work", "--queue", server.url, "--quiet", *map(str, words)]
        env = dict(os.environ, AFFECT_TEST_FAULTS="1") if faults else None
        self.path = folder / f"work-{time.monotonic_ns()}.jsonl"
        self.process = subprocess.Popen(command, env=env, stdout=open(self.path, "w"), stderr=subprocess.PIPE, text=True)

    def lines(self):
        return [json.loads(line) for line in open(self.path) if line.endswith("}\n")]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


def depth(out, server):
    return json.loads(affect("status", out, "--queue", server.url, "--json", codes=(0, 1, 3)).stdout)


def committed(out):
    return {f.name for f in (run_folder(out) / "calls").glob("part-*.parquet")}


def until(what, most_s=60):
    begun = time.monotonic()
    while not what():
        if time.monotonic() - begun > most_s:
            return None
        time.sleep(0.02)
    return time.monotonic() - begun


PLANNED = ["--roles", "agent,caller"]


def kills(folder):
    print("== kills: 200 calls in 40 parts, two workers and the server", flush=True)
    source, out, undisturbed = folder / "calls", folder / "out", folder / "undisturbed"
    poisoned(source, options.seed)
    for place in (out, undisturbed):
        affect("plan", source, "--out", place, *PLANNED, "--part-calls", 5, "--part-bytes", 10**12)
    begun = time.monotonic()
    affect("run", undisturbed, "--stall", "5s", "--quiet", codes=(1,), faults=True)
    alone = time.monotonic() - begun
    chance = random.Random(options.seed)
    workers_killed = servers_killed = submitted = 0
    wiped = False
    with Server(folder) as server:
        def start():
            return Worker(server, folder, "--jobs", 1, "--stall", "5s", "--lease", "8s", "--max-deliver", 10, "--until-idle", "20s")

        def submit(*words):
            affect("submit", out, "--queue", server.url, *words, codes=(0, 3))

        submit()
        workers = [start(), start()]
        everybody = list(workers)
        begun = time.monotonic()
        seen = set()
        while len(committed(out)) < 40 or workers_killed < 20 or servers_killed < 3 or not wiped:
            time.sleep(chance.uniform(0.05, 0.05 + 1.2 * alone / 24))
            now = committed(out)
            if not seen <= now:
                check(False, "a kill undid a committed part")
            seen = now
            if not wiped and len(now) >= 20:
                server.wipe()
                wiped = True
                time.sleep(chance.uniform(0, 2))
                submit()
            elif workers_killed < 24 and (servers_killed >= 4 or chance.random() < 0.85):
                k = chance.randrange(2)
                workers[k].kill()
                workers[k] = start()
                everybody.append(workers[k])
                workers_killed += 1
            elif servers_killed < 4:
                server.kill()
                time.sleep(chance.uniform(0, 1.5))
                server.start()
                servers_killed += 1
            for k in range(2):
                if workers[k].process.poll() is not None:
                    # It had nothing to do for long, or gave the queue up: what is not committed is submitted again.
                    submit("--again")
                    submitted += 1
                    workers[k] = start()
                    everybody.append(workers[k])
            if time.monotonic() - begun > 600:
                check(False, f"after 10 minutes {len(now)} parts are committed")
                break
        taken = time.monotonic() - begun
        check(workers_killed >= 20 and servers_killed >= 3 and wiped,
              f"{workers_killed} kill -9 of workers, {servers_killed} of the server, the queue wiped once, in {taken:.0f} s (alone: {alone:.0f} s); "
              f"submitted again {submitted} times beside")
        codes = [w.process.wait() for w in workers]
        check(codes == [0, 0], f"both workers leave when there is nothing to do: {codes}")
        queue = depth(out, server)["queue"]
        print(f"       left in the queue: {queue['queued']} messages of committed parts, {queue['leased']} leased, {queue['dead']} dead letters", flush=True)
        submit("--again")
        queue = depth(out, server)["queue"]
        check(queue["queued"] == queue["dead"] == 0, "submit --again leaves nothing in a queue of what is committed")
    affect("run", out, "--quiet", "--grace", "1ms", codes=(1,), faults=True)
    check(affect("verify", out, "--quiet", codes=(0, 1, 3)).returncode == 1, "verify: everything holds")
    same_as_undisturbed(out, undisturbed)
    lines = [line for w in everybody for line in w.lines()]
    again = sum(line["deliveries"] > 1 for line in lines)
    elsewhere = sum(line["outcome"] == "committed-elsewhere" for line in lines)
    print(f"       {len(lines)} ends of parts by workers that lived to say so; {again} of parts that were given out before; {elsewhere} came second", flush=True)


def leases(folder):
    print("== leases: what becomes of a part whose worker is killed, stopped or asked to leave", flush=True)
    source = folder / "calls"
    generate(source, 6, 100, 120, options.seed)
    lease = 6
    words = ["--jobs", 1, "--stall", "5s", "--lease", f"{lease}s"]

    def planned(name):
        affect("plan", source, "--out", folder / name, *PLANNED, "--part-calls", 6)
        affect("submit", folder / name, "--queue", server.url)
        return folder / name

    def at_it(out):
        return lambda: any((run_folder(out) / "utterances").glob(".*")) if (run_folder(out) / "utterances").exists() else False

    with Server(folder) as server:
        waits = []
        for k in range(3):
            out = planned(f"killed {k}")
            first = Worker(server, folder, *words)
            until(at_it(out))
            time.sleep(1)
            second = Worker(server, folder, *words)
            time.sleep(0.5)
            first.kill()
            killed = time.monotonic()
            until(lambda: second.lines())
            (line,) = second.lines()
            waits.append(time.monotonic() - killed - line["seconds"])
            check(line["outcome"] == "committed" and line["deliveries"] == 2, f"the part of a killed worker is committed by another one: {line['outcome']}")
            second.kill()
        check(max(waits) <= lease + 5, f"given out again after {', '.join(f'{t:.1f}' for t in waits)} s (lease {lease} s; bar {lease + 5} s)")

        out = planned("stopped")
        first = Worker(server, folder, *words)
        until(at_it(out))
        time.sleep(1)
        first.process.send_signal(signal.SIGSTOP)
        second = Worker(server, folder, *words)
        until(lambda: second.lines())
        check([line["outcome"] for line in second.lines()] == ["committed"], "a worker that stands still loses its lease, and another one commits the part")
        first.process.send_signal(signal.SIGCONT)
        until(lambda: first.lines())
        check([line["outcome"] for line in first.lines()] == ["committed-elsewhere"], "its own late commit counts for nothing")
        queue = depth(out, server)["queue"]
        check(queue["queued"] == 0 and queue["leased"] == 0, "nothing of it is left in the queue")

        first.stop()
        out = planned("asked")
        first, second = second, None
        until(at_it(out))
        time.sleep(1)
        second = Worker(server, folder, *words)
        asked = time.monotonic()
        code = first.stop()
        left = time.monotonic() - asked
        until(lambda: second.lines())
        (line,) = second.lines()
        again = time.monotonic() - asked - line["seconds"]
        check(code == 3 and first.lines()[-1]["outcome"] == "interrupted", f"SIGTERM: exit code {code} after {left:.1f} s")
        check(again < left + 2, f"the part is given back: another worker has it after {again:.1f} s")
        second.stop()


def dead(folder):
    print("== dead letters", flush=True)
    source, out, other = folder / "calls", folder / "out", folder / "other"
    generate(source, 8, 2, 3, options.seed)
    for place in (out, other):
        affect("plan", source, "--out", place, *PLANNED, "--part-calls", 1)
    run = run_folder(out).name
    with Server(folder) as server:
        words = ["--jobs", 1, "--max-deliver", 1, "--until-idle", "4s"]
        away = source.rename(folder / "elsewhere")
        affect("submit", out, "--queue", server.url)
        codes = []
        while len(codes) < 5 and (not codes or codes[-1] != 0):
            codes.append(Worker(server, folder, *words).process.wait())
        check(codes[:2] == [75, 75] and codes[-1] == 0, f"a worker where nothing can be done leaves after three parts: exit codes {codes}")
        queue = depth(out, server)["queue"]
        reasons = {letter["reason"] for letter in queue["dead_letters"]}
        check(queue["dead"] == 8 and not committed(out), f"8 parts whose recordings are not there are dead letters, nothing is committed: {min(reasons)!r}")
        check(affect("submit", out, "--queue", server.url, codes=(3,)).returncode == 3, "submit leaves dead letters alone, and says so (exit code 3)")
        away.rename(source)
        # What strangers send.
        def message(archive, run, part):
            key = hashlib.sha256(str(archive).encode()).hexdigest()[:16]
            text = json.dumps({"schema": "affect.part/1", "archive": str(archive), "run": run, "part": part})
            return f"affect.part.{key}.{run}.{part}", text.encode()

        strange = dict(
            [
                (f"affect.part.{run}.0", b""),
                (f"affect.part.{run}.1", b'{"schema":"affect.part/1"}'),
                (message(out, run, 2)[0], message(out, run, 3)[1]),
                ("affect.part.x", b"\xff" * 100_000),
                ("affect.part.y", b"[" * 50_000),
                message("../../etc", run, 4),
                message(out, run, 99),
                message(out, "f" * 32, 0),
                message("/nowhere", run, 5),
            ]
        )
        for subject, payload in strange.items():
            server.publish(subject, payload)
        code = Worker(server, folder, *words).process.wait()
        queue = depth(out, server)["queue"]
        check(code == 0 and queue["strays"] == 6, f"{queue['strays']} of {len(strange)} strange messages are no parts, the others are parts that are not there; the worker goes on")
        check(all(letter["reason"] for letter in queue["dead_letters"] + queue["stray_letters"]), "every dead letter has a reason")
        for letter in queue["stray_letters"]:
            print(f"         {letter['reason'][:140]!r}")
        affect("submit", out, "--queue", server.url, "--again")
        code = Worker(server, folder, *words).process.wait()
        done = depth(out, server)
        check(code == 0 and done["complete"] and done["queue"]["dead"] <= 1, f"submit --again: all parts are committed; dead letters: {[d['part'] for d in done['queue']['dead_letters']]}")
        text = affect("status", out, "--queue", server.url, codes=(0, 1)).stdout
        check("dead letters" in text and "queue nats://" in text, "status says it in words")
        # Equal settings give equal runs; archives are kept apart all the same, and workers where they may be.
        check(run_folder(other).name == run, "another archive has the same run")
        affect("submit", other, "--queue", server.url)
        code = Worker(server, folder, "--within", out, *words).process.wait()
        queue = depth(other, server)["queue"]
        check(code == 0 and not committed(other) and queue["dead"] == 8, f"a worker goes nowhere else: {queue['dead_letters'][0]['reason']!r}")
        affect("submit", other, "--queue", server.url, "--again")
        code = Worker(server, folder, "--within", folder, *words).process.wait()
        check(code == 0 and len(committed(other)) == 8 and depth(other, server)["queue"]["dead"] == 0, "and where it may be it does the parts of that archive")


def away(folder):
    print("== a queue that is away", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 2, 2, 3, options.seed)
    affect("plan", source, "--out", out, *PLANNED, "--part-calls", 1)
    with Server(folder) as server:
        server.kill()
        for verb in (["submit", out], ["work"], ["status", out]):
            begun = time.monotonic()
            done = affect(*verb, "--queue", server.url, "--away", "2s", codes=(75,))
            check(time.monotonic() - begun < 12, f"{verb[0]}: exit code 75 after {time.monotonic() - begun:.1f} s: {done.stderr.strip()[:120]}")
        worker = Worker(server, folder, "--jobs", 1, "--away", "60s", "--until-idle", "3s")
        time.sleep(1)
        server.start()
        affect("submit", out, "--queue", server.url)
        code = worker.process.wait()
        check(code == 0 and len(committed(out)) == 2, f"a worker that was there before the server waits for it: exit code {code}")
        worker = Worker(server, folder, "--jobs", 1, "--away", "3s")
        time.sleep(1)
        server.kill()
        begun = time.monotonic()
        code = worker.process.wait()
        check(code == 75, f"a worker whose queue goes away leaves: exit code {code} after {time.monotonic() - begun:.1f} s")


def recipes(folder):
    print("== examples/engines/nats", flush=True)
    source, out = folder / "calls", folder / "out"
    generate(source, 4, 2, 3, options.seed)
    (folder / "bin").mkdir()
    (folder / "bin/affect").symlink_to(pathlib.Path(options.debug_binary).resolve())
    (folder / "bin/nats-server").symlink_to(pathlib.Path(options.server).resolve())
    env = dict(os.environ, PATH=f"{folder / 'bin'}:{os.environ['PATH']}")
    done = subprocess.run([ROOT / "examples/engines/nats/try.sh", source, out], env=env, capture_output=True, text=True)
    check(done.returncode == 0 and "1 of 1 parts are committed" in done.stdout, f"try.sh: exit code {done.returncode}: {done.stdout.splitlines()[-2:]}")
    affect("plan", source, "--out", folder / "users", *PLANNED, "--part-calls", 1)
    server = Server(folder)
    text = (ROOT / "examples/engines/nats/nats-server.conf").read_text()
    at = text.index("# authorization {")
    text = text[:at] + text[at:].replace("\n# ", "\n")[2:]
    text = text.replace("127.0.0.1:4222", f"127.0.0.1:{server.port}").replace("/var/lib/nats", str(server.store)).replace('"..."', "secret")
    server.config.write_text(text)
    with server:
        def url(user):
            return server.url.replace("://", f"://{user}:secret@")

        stranger = affect("submit", folder / "users", "--queue", server.url, codes=(2,))
        check("secret" not in stranger.stderr, f"without a password: {stranger.stderr.strip()}")
        affect("submit", folder / "users", "--queue", url("submitter"))
        worker = affect("work", "--queue", url("worker"), "--jobs", 1, "--until-idle", "1s", codes=(0, 75))
        check(worker.returncode == 0 and len(committed(folder / "users")) == 4, "users with the permissions of the example submit and work")
        said = affect("status", folder / "users", "--queue", url("submitter")).stdout.splitlines()
        check("secret" not in "".join(said), f"status: {said[-2:]}")


def overhead(folder):
    print("== overhead of the queue: submit and work --jobs 1 against archive run --jobs 1, alternately", flush=True)
    out = folder / "out"

    def used():
        return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

    def measured(source, times, server):
        """CPU seconds of either, the server's included, each time alternately."""
        runs, queues = [], []
        for k in range(times):
            for kind in ("run", "queue") if k % 2 else ("queue", "run"):
                shutil.rmtree(out, ignore_errors=True)
                affect("plan", source, "--out", out, *PLANNED, "--part-calls", 6, binary=options.binary)
                begun, served = used(), server.cpu()
                if kind == "run":
                    affect("run", out, "--jobs", 1, "--quiet", binary=options.binary, codes=(0, 1))
                    runs.append(used() - begun)
                else:
                    # The same parts as a moment ago, on purpose.
                    affect("submit", out, "--queue", server.url, "--again", binary=options.binary)
                    affect("work", "--queue", server.url, "--jobs", 1, "--quiet", "--until-idle", "1ms", binary=options.binary)
                    queues.append(used() - begun + server.cpu() - served)
                if len(committed(out)) != 4:
                    check(False, f"{kind}: {len(committed(out))} of 4 parts are committed")
        return runs, queues

    calls, empty = folder / "calls", folder / "empty"
    generate(calls, 24, 30, 50, options.seed)
    for call in calls.glob("*/*.wav"):
        (empty / call.parent.name).mkdir(parents=True, exist_ok=True)
        (empty / call.parent.name / call.name).write_bytes(b"")
    with Server(folder) as server:
        runs, queues = measured(calls, 5, server)
        print(f"       24 calls of 30 to 50 s in 4 parts: run {', '.join(f'{t:.2f}' for t in runs)}; queue {', '.join(f'{t:.2f}' for t in queues)} CPU seconds")
        spread = (max(runs) - min(runs)) / statistics.median(runs)
        ratio = statistics.median(queues) / statistics.median(runs)
        print(f"       medians differ by {100 * (ratio - 1):+.1f} %; those of run alone differ by up to {100 * spread:.0f} %; load {os.getloadavg()[0]:.1f}")
        # What the queue takes does not depend on what is in the calls: without it a small difference is not lost in a large amount.
        few, more = measured(empty, 9, server)
        cost = statistics.median(more) - statistics.median(few)
        print(f"       24 empty calls in 4 parts: run {', '.join(f'{t:.2f}' for t in few)}; queue {', '.join(f'{t:.2f}' for t in more)} CPU seconds")
    share = cost / statistics.median(runs)
    check(share <= 0.01, f"the queue takes {1000 * cost:.0f} ms of CPU for 4 parts (medians, server included), {100 * share:.2f} % of {statistics.median(runs):.1f} s (bar 1 %)")


for part in (kills, leases, dead, away, recipes, overhead):
    if part.__name__ in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="affect-queue-") as folder:
            part(pathlib.Path(folder))
ended()
