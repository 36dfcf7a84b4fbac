"""Runs every pipeline of docs/live-line.md that is marked with ```sh live NAME, with real elements and servers, and says what came.

Every pipeline runs under the leaks tracer, which has to be silent.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import wave

from live_janus import Janus

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALL = ROOT / "tests/data/calls/call40_185s_2ch_pcm16.wav"
CLIPS = sorted((ROOT / "tests/data/emodb").glob("*.wav"))
ENV = dict(
    os.environ,
    GST_PLUGIN_PATH=str(ROOT / "target/release"),
    PATH="/usr/bin:" + os.environ["PATH"],
    GST_TRACERS="leaks",
    GST_DEBUG="GST_TRACER:7",
    GST_DEBUG_NO_COLOR="1",
)
BLOCKS = dict(re.findall(r"^```sh live (\S+)\n(.*?)^```$", (ROOT / "docs/live-line.md").read_text(), re.S | re.M))
used = set()
failures = []


def verdict(name, holds, what):
    print(f"{'holds' if holds else 'FAILS'}  {name}: {what}", flush=True)
    if not holds:
        failures.append(name)


class Run:
    """A command of the page, running."""

    def __init__(self, name, folder, text=None):
        used.add(name)
        self.name, self.folder = name, folder
        self.log = open(pathlib.Path(folder, f"{name}.log"), "w+")
        # The shell is replaced, so that a signal reaches the pipeline.
        self.process = subprocess.Popen(
            ["bash", "-c", "exec " + (text or BLOCKS[name])], cwd=folder, env=ENV, stdout=self.log, stderr=self.log
        )

    def end(self, patience, interrupt=False):
        """Waits for its end; one that would go on for ever is interrupted."""
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            verdict(self.name, False, f"no end after {patience} s")
            return
        self.log.seek(0)
        said = self.log.read()
        lines = [l for l in said.splitlines() if "object-alive, type-name=(string)" in l and "new format string" not in l]
        # The dtls plugin keeps one for the process.
        alive = [l for l in lines if "type-name=(string)GstDtlsAgent" not in l]
        verdict(f"{self.name}, its end", code == 0 and not alive, f"exit code {code}, {len(alive)} objects left behind")
        if code != 0 or alive:
            print(*(alive or said.splitlines())[-5:], sep="\n")


def records(path):
    with contextlib.suppress(FileNotFoundError):
        return [json.loads(line) for line in path.read_text().splitlines()]
    return []


def offline(folder, file, properties):
    """The records of a file by the same element."""
    out = pathlib.Path(folder, "offline.jsonl")
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={file}", "!", "wavparse", "!", "affectscore", *properties]
    subprocess.run([*command, "!", "affectsink", f"location={out}"], check=True, env=ENV, capture_output=True, timeout=60)
    return records(out)


def ids(list_):
    return sorted(r["id"] for r in list_)


def final(list_):
    return [r for r in list_ if r["ended"] != "open"]


def rtp(folder):
    receive = Run("rtp-receive", folder)
    time.sleep(1)
    Run("rtp-send", folder).end(60)
    time.sleep(1)
    receive.end(10, interrupt=True)
    came, due = records(folder / "rtp.jsonl"), offline(folder, folder / "call.wav", ["stream=line-1"])
    verdict("results over RTP", ids(came) == ids(due), f"{len(came)} of {len(due)} results")


def funnel(folder):
    Run("funnel", folder).end(60)
    came = records(folder / "funnel.jsonl")
    due = offline(folder, folder / "call.wav", ["stream=first"]) + offline(folder, folder / "mono.wav", ["stream=second"])
    verdict("several streams", ids(came) == ids(due), f"{len(came)} of {len(due)} results")


def opus(folder):
    receive = Run("opus-receive", folder)
    time.sleep(1)
    Run("opus-send", folder).end(60)
    time.sleep(1)
    receive.end(10, interrupt=True)
    came = final(records(folder / "opus.jsonl"))
    once = [r for r in came if r["channel"].get("same_as") == [1]]
    second = [r for r in came if r["channel"]["index"] == 1]
    verdict("mono Opus", len(once) >= 3 and len(second) <= 1, f"{len(once)} results for both channels, {len(second)} of the second")


def webrtc(folder):
    Run("webrtc", folder).end(90)
    came = final(records(folder / "webrtc.jsonl"))
    whole = [r for r in came if "emotion" in r and not r["discont"]]
    heard = sum(r["end_ns"] - r["start_ns"] for r in whole) / 1e9
    verdict("WebRTC", len(whole) >= 3 and len(came) - len(whole) <= 1, f"{len(whole)} of {len(came)} results without a cut, {heard:.0f} s")


def rtsp(folder):
    server = subprocess.Popen(
        ["/usr/bin/python3", ROOT / "examples/rtsp_server.py", folder / "call.wav", "8554"],
        env=dict(ENV, GST_TRACERS=""),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        verdict("RTSP server", server.stdout.readline().startswith("serving"), "it serves")
        Run("rtsp-receive", folder).end(90)
    finally:
        server.terminate()
    said = [line for line in server.stdout if line.startswith("result call")]
    came, due = records(folder / "rtsp.jsonl"), offline(folder, folder / "call.wav", ["stream=call"])
    verdict("results as a second RTSP stream", ids(came) == ids(due), f"{len(came)} of {len(due)} results")
    verdict("messages of what is served", len(said) == len(final(due)), f"{len(said)} of {len(final(due))}")


def janus(folder):
    parties = {"agent": (5112, 5202), "caller": (5110, 5204)}
    with Janus(folder, 18088, 21000) as server:
        receivers = [Run(f"janus-{group}", folder) for group in parties]
        for group, (port, _) in parties.items():
            server.forward(group, port)
        senders = []
        for k, (group, (_, own)) in enumerate(parties.items()):
            heard = server.join(group, own)
            senders.append(
                subprocess.Popen(
                    ["bash", "-c", "exec gst-launch-1.0 -q filesrc location=call.wav ! wavparse "
                     f"! audioconvert mix-matrix='<<(float){1 - k}, (float){k}>>' ! audio/x-raw,channels=1 ! audioresample "
                     "! audio/x-raw,rate=48000 ! audiobuffersplit output-buffer-duration=1/50 ! opusenc ! rtpopuspay pt=100 "
                     f"! udpsink host=127.0.0.1 port={heard} bind-address=127.0.0.1 bind-port={own}"],
                    cwd=folder, env=dict(ENV, GST_TRACERS=""),
                )
            )
        for sender in senders:
            sender.wait(90)
        time.sleep(3)
        for receiver in receivers:
            receiver.end(10, interrupt=True)
    for group, expected in (("agent", False), ("caller", True)):
        came = final(records(folder / f"{group}.jsonl"))
        scored = [r for r in came if "emotion" in r]
        both = [r for r in came if r["channel"].get("same_as") == [1]]
        roles = {r["channel"].get("role") for r in came}
        holds = len(came) >= 2 and roles == {group} and bool(scored) == expected and bool(both)
        verdict(f"Janus, {group}", holds, f"{len(came)} results, {len(scored)} with scores, {len(both)} for both channels")


def mono(path):
    """Sentences with a second of silence between them."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        for clip in CLIPS:
            with wave.open(str(clip)) as sentence:
                out.writeframes(sentence.readframes(sentence.getnframes()) + bytes(32_000))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "call.wav").symlink_to(CALL)
        (folder / "webrtc_session.py").symlink_to(ROOT / "examples/webrtc_session.py")
        mono(folder / "mono.wav")
        for scenario in (rtp, funnel, opus, webrtc, rtsp, janus):
            scenario(folder)
    unknown = set(BLOCKS) - used
    verdict("the page", not unknown, f"{len(used)} pipelines run" + (f", not {', '.join(unknown)}" if unknown else ""))
    if failures:
        sys.exit(f"{len(failures)} do not hold: {', '.join(failures)}")


if __name__ == "__main__":
    main()
