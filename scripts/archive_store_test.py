"""Archives in an object store: the same tables as on disk, with two runs at once and kills. Everything printed was measured in this run.

A store is started on the loopback (moto's, from PyPI). The recordings and the results lie in its buckets; two `affect archive run` work on the
same parts at the same time and are killed at random; one recording is replaced and one deleted after the plan.

usage: archive_store_test.py BINARY [SEED]     (a binary with the feature object-store; needs pyarrow and moto[s3,server])
"""

import http.client
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave

import pyarrow
import pyarrow.parquet as parquet

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALL = ROOT / "tests/data/calls/call40_185s_2ch_pcm16.wav"
CALLS = 40
KILLS = 8


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# The store of this test asks who somebody is, and believes it.
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"}


class Bucket:
    """Requests to the store, beside the archive's own."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, SIGNED)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {data[:200]}")
        return data

    def names(self, bucket, prefix):
        text = self.ask("GET", f"/{bucket}?list-type=2&prefix={prefix}&max-keys=1000").decode()
        return [part.split("</Key>")[0] for part in text.split("<Key>")[1:]]


def generate(folder):
    with wave.open(str(CALL)) as call:
        form, frames = call.getparams(), call.readframes(call.getnframes())
    chance = random.Random(5)
    size = form.nchannels * form.sampwidth
    for k in range(CALLS):
        length = int(chance.uniform(3, 9) * form.framerate)
        at = chance.randrange(form.nframes - length)
        name = folder / f"day {k % 3}" / f"call {k:03}.wav"
        name.parent.mkdir(exist_ok=True)
        with wave.open(str(name), "wb") as out:
            out.setparams(form)
            out.writeframes(frames[at * size : (at + length) * size])


def rows(files):
    """All rows without what differs between attempts and kinds of storage, in order."""
    apart = {"utterances_file", "utterances_sha256", "modified_ns", "etag"}
    tables = [parquet.read_table(pyarrow.BufferReader(f)) for f in files]
    table = pyarrow.concat_tables(tables)
    table = table.select([c for c in table.column_names if c not in apart])
    key = "key" if "key" in table.column_names else "id"
    return sorted(table.to_pylist(), key=lambda r: r[key])


def main():
    binary = sys.argv[1]
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    port = free_port()
    store = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    env = dict(
        os.environ,
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ALLOW_HTTP="true",
        AWS_ACCESS_KEY_ID="none",
        AWS_SECRET_ACCESS_KEY="none",
        AWS_REGION="us-east-1",
    )
    try:
        work(binary, chance, Bucket(port), env)
    finally:
        store.kill()


def work(binary, chance, bucket, env):
    def affect(*words, codes=(0,)):
        done = subprocess.run([binary, "archive", *words], env=env, capture_output=True, text=True)
        if done.returncode not in codes:
            sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    for _ in range(100):
        try:
            bucket.ask("PUT", "/recordings")
            break
        except OSError:
            time.sleep(0.2)
    bucket.ask("PUT", "/results")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "calls").mkdir()
        generate(folder / "calls")
        files = sorted((folder / "calls").rglob("*.wav"))
        for f in files:
            name = f.relative_to(folder / "calls").as_posix().replace(" ", "%20")
            bucket.ask("PUT", f"/recordings/here/{name}", f.read_bytes())
        options = ["--roles", "agent,caller", "--part-calls", "4"]
        affect("plan", str(folder / "calls"), "--out", str(folder / "results"), *options)
        affect("run", str(folder / "results"), "--quiet")
        place = "s3://results/deep/here"
        affect("plan", "s3://recordings/here", "--out", place, *options)

        kills = 0
        runs = []
        while True:
            while len(runs) < 2:
                command = [binary, "archive", "run", place, "--quiet", "--jobs", "1"]
                runs.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(chance.uniform(0.3, 1.5))
            ended = [r for r in runs if r.poll() is not None]
            if ended and kills >= KILLS:
                break
            if kills < KILLS:
                victim = chance.choice(runs)
                if victim.poll() is None:
                    victim.send_signal(signal.SIGKILL)
                    kills += 1
                victim.wait()
            runs = [r for r in runs if r.poll() is None]
        codes = [r.wait() for r in runs]
        affect("run", place, "--quiet", "--grace", "1ms")
        affect("verify", place)

        def of_bucket(kind):
            names = [n for n in bucket.names("results", "deep/here/run/") if f"/{kind}/" in n]
            return [bucket.ask("GET", f"/results/{n}") for n in names]

        failed = False
        for kind in ["calls", "utterances"]:
            on_disk = [f.read_bytes() for f in sorted((folder / "results/run").glob(f"*/{kind}/*.parquet"))]
            here = of_bucket(kind)
            same = rows(here) == rows(on_disk)
            print(f"{'ok    ' if same else 'FAILED'} {kind}: {len(rows(here))} rows, equal to those on disk; {len(here)} objects, {len(on_disk)} files")
            failed |= not same or len(here) != len(on_disk)
        print(f"       {kills} kills, exit codes at the end {codes}")

        # What is replaced or deleted after the plan costs its row.
        second = "s3://results/second"
        affect("plan", "s3://recordings/here", "--out", second, *options)
        bucket.ask("PUT", "/recordings/here/day%200/call%20000.wav", files[1].read_bytes())
        bucket.ask("DELETE", "/recordings/here/day%201/call%20001.wav")
        affect("run", second, "--quiet", codes=(1,))
        names = [n for n in bucket.names("results", "second/run/") if "/calls/" in n]
        errors = {r["key"]: r["error"] for r in rows([bucket.ask("GET", f"/results/{n}") for n in names]) if r["error"]}
        expected = {"day 0/call 000.wav": "changed-since-plan", "day 1/call 001.wav": "vanished"}
        print(f"{'ok    ' if errors == expected else 'FAILED'} replaced and deleted after the plan: {errors}")
        sys.exit(1 if failed or errors != expected else 0)


main()
