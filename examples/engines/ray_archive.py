"""An archive on Ray: each part that is not committed is a task. Plan first, once:

    affect archive plan /data/calls --out /data/results --roles agent,caller

then, with results on storage that all nodes share (or in a bucket), and the command on every node:

    ray job submit --working-dir examples/engines -- python3 ray_archive.py /data/results

Ray gives the part of a worker or of a node that dies to another one. Nothing is lost or doubled by that: the first commit of a part counts.
Where the driver or the head dies, start the same again: it does what is not committed.
"""

import argparse
import json
import subprocess
import sys
import time

DONE = (0, 1)  # Committed. With 1 some calls have an error, which their rows say.
NEVER = (2, 126, 127)  # Plan, settings or software do not fit, or a node lacks the command: trying again does not help.
AWAY = 75  # Storage is away. This, 3 (interrupted) and signals are tried again.


def run_part(affect, out, part):
    """Does a part where a task runs, and returns the exit code. It dies with the process that started it."""
    command = [affect, "archive", "run", out, "--part", str(part), "--jobs", "1", "--quiet"]
    return subprocess.run(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL).returncode


def open_parts(options):
    """The parts that are not committed, behind the exit code."""
    command = [options.affect, "archive", "status", options.out, "--json"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return said.returncode, json.loads(said.stdout)["open_parts"] if said.returncode in (*DONE, 3) else []


def drive(options, execute):
    """Has what is open done, in rounds: `execute` does parts on the engine and gives (part, exit code) of each."""
    for _ in range(options.rounds):
        code, parts = open_parts(options)
        if code in NEVER:
            return code
        again = code == AWAY
        for part, code in execute(parts):
            if code in NEVER:
                print(f"part {part} ended with {code}: trying again does not help", file=sys.stderr)
                return code
            again |= code not in DONE
        if not again:
            break
        print(f"not everything is committed: again in {options.wait:g} s", file=sys.stderr)
        time.sleep(options.wait)
    last = subprocess.run([options.affect, "archive", "verify" if options.verify else "status", options.out])
    return 0 if last.returncode in DONE else last.returncode


def on_ray(options):
    """`execute` on the cluster that RAY_ADDRESS names, or that the job runs in; without one, on this machine."""
    import ray

    ray.init()
    # A core for each part; as often as a worker or a node dies. Exit codes are no failures of the task.
    task = ray.remote(num_cpus=1, max_retries=-1)(run_part)

    def execute(parts):
        tasks = [(part, task.options(name=f"part {part}").remote(options.affect, options.out, part)) for part in parts]
        for part, running in tasks:
            yield part, ray.get(running)

    return execute


def main():
    options = argparse.ArgumentParser(description="Does the open parts of an archive on Ray.")
    options.add_argument("out", metavar="OUT", help="folder or address of plans and results")
    options.add_argument("--affect", default="affect", metavar="COMMAND", help="the command, on every node")
    options.add_argument("--rounds", type=int, default=10, help="how often parts that were not committed are tried")
    options.add_argument("--wait", type=float, default=60, metavar="SECONDS", help="time between rounds")
    options.add_argument("--verify", action="store_true", help="read all results back at the end")
    options = options.parse_args()
    sys.exit(drive(options, on_ray(options)))


if __name__ == "__main__":
    main()
