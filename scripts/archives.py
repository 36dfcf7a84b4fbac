"""What the tests of archives share: generated calls, tables as they are read, checks that are counted."""

import collections
import os
import pathlib
import random
import subprocess
import sys
import wave

import pyarrow
import pyarrow.compute
import pyarrow.parquet as parquet

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALL = ROOT / "tests/data/calls/call40_185s_2ch_pcm16.wav"
failures = []


def check(good, what):
    print(f"{'ok    ' if good else 'FAILED'} {what}", flush=True)
    if not good:
        failures.append(what)


def affect(binary, *words, codes=(0,), faults=False):
    """Runs a command to its end, which has to have one of these exit codes."""
    env = dict(os.environ, AFFECT_LOG_SECONDS="1000")
    if faults:
        env["AFFECT_TEST_FAULTS"] = "1"
    done = subprocess.run([binary, *map(str, words)], env=env, capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def generate(folder, count, least_s, most_s, seed):
    """Calls that are pieces of a recorded one, each another."""
    chance = random.Random(seed)
    with wave.open(str(CALL)) as w:
        rate, frames = w.getframerate(), w.readframes(w.getnframes())
    total = len(frames) // 4
    for k in range(count):
        length = int(chance.uniform(least_s, most_s) * rate)
        at = chance.randrange(max(1, total - length))
        path = folder / f"2026-{k % 12 + 1:02}" / f"call {k:04}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as w:
            w.setnchannels(2)
            w.setsampwidth(2)
            w.setframerate(rate)
            w.writeframes((frames[4 * at:] + frames)[: 4 * length])


def run_folder(out):
    (run,) = (out / "run").iterdir()
    return run


def tables(out):
    """The tables of calls and of utterances, in order, without what every attempt names anew."""
    run = run_folder(out)
    calls = pyarrow.concat_tables(parquet.read_table(f) for f in sorted((run / "calls").glob("*.parquet")))
    names = pyarrow.compute.unique(calls["utterances_file"]).to_pylist()
    utterances = pyarrow.concat_tables(parquet.read_table(run / "utterances" / n) for n in names)
    messages = calls.schema.get_field_index("error_message")
    return calls.remove_column(messages).drop(["utterances_file"]), utterances


def children(parent):
    found = []
    for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            found += [int(n) for n in task.read_text().split()]
        except OSError:
            pass
    return found


POISON = {"crash": "crashed", "hang": "timed-out", "empty": "empty", "noise": "decode"}


def poisoned(source, seed):
    """200 calls, of which four are poisonous: in a build with debug assertions one crashes its worker and one hangs."""
    generate(source, 196, 2, 4, seed)
    for k, name in enumerate(POISON):
        path = source / f"2026-{3 * k + 1:02}" / f"poison {name}.wav"
        bytes_of = {"empty": b"", "noise": bytes(range(7, 107)) * 50}
        path.write_bytes(bytes_of.get(name, (source / "2026-01/call 0000.wav").read_bytes()))


def same_as_undisturbed(out, undisturbed):
    """Checks the tables of what was killed and resumed."""
    calls, utterances = tables(out)
    expected_calls, expected_utterances = tables(undisturbed)
    plan = parquet.read_table(next((out / "plan").glob("*/plan.parquet")))
    check(calls["key"].to_pylist() == plan["key"].to_pylist() and calls.num_rows == 200, f"{calls.num_rows} calls are those of the plan")
    check(len(set(calls["part"].to_pylist())) == 40, "40 parts")
    ids = utterances["id"].to_pylist()
    check(len(set(ids)) == len(ids) and len(ids) > 100, f"{len(ids)} ids are unique")
    check(calls.equals(expected_calls) and utterances.equals(expected_utterances), "tables equal those of one run without interruption")
    errors = {k: e for k, e in zip(calls["key"].to_pylist(), calls["error"].to_pylist()) if e}
    check(collections.Counter(errors.values()) == collections.Counter(POISON.values()), f"each poisonous call is one error row: {errors}")
    left = len(list((run_folder(out) / "utterances").iterdir())) - 40
    check(left == 0, f"{left} files of dead attempts are left after the sweep")


def ended():
    """Says how it went; the exit code says it too."""
    print("everything holds" if not failures else f"{len(failures)} bars are not met: {'; '.join(failures)}")
    sys.exit(bool(failures))
