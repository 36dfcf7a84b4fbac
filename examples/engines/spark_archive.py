"""An archive on Spark: each part that is not committed is a task. Plan first, once:

    affect archive plan /data/calls --out /data/results --roles agent,caller

then, with results on storage that all nodes share (or in a bucket), and the command on every node:

    spark-submit --master spark://... examples/engines/spark_archive.py /data/results

Spark gives the part of an executor that dies to another one. Nothing is lost or doubled by that, or by speculation: the first commit of a
part counts. Where the driver dies, start the same again: it does what is not committed.
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


def on_spark(options):
    """`execute` on the cluster that spark-submit names. Not by Spark Connect, which has no tasks of this kind."""
    from pyspark.sql import SparkSession

    # An executor that dies costs each of its tasks one of so many attempts. Exit codes are no failures of the task.
    session = SparkSession.builder.appName("affect archive").config("spark.task.maxFailures", 20).getOrCreate()
    affect, out = options.affect, options.out

    def execute(parts):
        tasks = session.sparkContext.parallelize(parts, len(parts) or 1)
        return tasks.map(lambda part: (part, run_part(affect, out, part))).collect()

    return execute


def main():
    options = argparse.ArgumentParser(description="Does the open parts of an archive on Spark.")
    options.add_argument("out", metavar="OUT", help="folder or address of plans and results")
    options.add_argument("--affect", default="affect", metavar="COMMAND", help="the command, on every node")
    options.add_argument("--rounds", type=int, default=10, help="how often parts that were not committed are tried")
    options.add_argument("--wait", type=float, default=60, metavar="SECONDS", help="time between rounds")
    options.add_argument("--verify", action="store_true", help="read all results back at the end")
    options = options.parse_args()
    sys.exit(drive(options, on_spark(options)))


if __name__ == "__main__":
    main()
