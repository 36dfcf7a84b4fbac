#!/usr/bin/python3
"""Many live call legs in one process: how long results take, and what a leg costs.

    scripts/legs.py [--legs 200,400,500] [--seconds 40] [--element "affectscore inference-mode=async"] [--audio DIR]

Sixteen live sources play a telephone channel in mu-law packets of 20 ms, each from another place; every leg takes one of them
through a queue and a decoder of its own to the element. Generator and decoders count in all figures. Delay is the pipeline's running
time when the message comes, less the result's end. Held or not: final results within 1.5 s (99 of 100), 0.8 MB a leg, on two cores.
Needs Debian's python3-gi, and GST_PLUGIN_PATH where the plugin is (`make legs` sets it).
"""
import argparse
import array
import collections
import glob
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
CALL = os.path.join(HERE, "../tests/data/calls/call40_185s_2ch_pcm16.wav")
SOURCES = 16
WARM_UP_S = 3
BAR_DELAY_S, BAR_MB = 1.5, 0.8


def channels(path):
    """The channels of a 16-bit wav file at 8 kHz."""
    with wave.open(path) as w:
        if (w.getframerate(), w.getsampwidth()) != (8000, 2):
            return []
        samples, width = array.array("h", w.readframes(w.getnframes())), w.getnchannels()
    return [samples[c::width].tobytes() for c in range(width)]


def write_sources(folder, audio, seconds):
    """One file per source, long enough, each from another place."""
    files = sorted(glob.glob(os.path.join(audio, "*.wav"))) if audio else [CALL]
    speech = [c for f in files for c in channels(f)]
    if not audio:
        speech = speech[1:]  # the caller
    if not speech:
        sys.exit(f"{audio}: no 16-bit wav file at 8 kHz")
    need = 2 * 8000 * (seconds + WARM_UP_S + 5)
    for k in range(SOURCES):
        x = speech[k % len(speech)]
        turn = 2 * (len(x) // 2 * k // SOURCES)
        x = (x[turn:] + x[:turn]) * (need // len(x) + 1)
        with wave.open(os.path.join(folder, f"{k}.wav"), "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(x[:need])


def measure(legs, seconds, element, folder):
    """One count of legs, in this process."""
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    parts = [
        f"filesrc location={folder}/{k}.wav ! wavparse ! rawaudioparse use-sink-caps=true"
        " ! audiobuffersplit output-buffer-duration=1/50 ! mulawenc ! identity sync=true"
        f" ! tee name=t{k}"
        for k in range(SOURCES)
    ]
    parts += [
        f"t{i % SOURCES}. ! queue name=q{i} max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! mulawdec"
        f" ! {element} name=e{i} ! fakesink sync=false async=false"
        for i in range(legs)
    ]
    # identity sync=true makes a file a live source, for whoever asks as well.
    p = Gst.parse_launch(" ".join(parts))
    bus, delays, counts = p.get_bus(), {True: [], False: []}, collections.Counter()
    p.set_state(Gst.State.PLAYING)
    begun, usage = time.monotonic(), None
    while time.monotonic() - begun < seconds + WARM_UP_S:
        if usage is None and time.monotonic() - begun > WARM_UP_S:
            usage, since = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        m = bus.timed_pop(50 * Gst.MSECOND)
        if not m:
            continue
        if m.type == Gst.MessageType.ELEMENT and m.get_structure().get_name() == "affect-result":
            s = m.get_structure()
            now = p.get_clock().get_time() - p.get_base_time()
            delays[s.get_boolean("partial")[1]].append((now - s.get_uint64("running-end-time")[1]) / 1e9)
        elif m.type == Gst.MessageType.WARNING:
            counts["warnings"] += 1
        elif m.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
            sys.exit(f"{m.type}: {m.parse_error() if m.type == Gst.MessageType.ERROR else 'too short'}")
    now, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - since
    cpu = now.ru_utime + now.ru_stime - usage.ru_utime - usage.ru_stime
    waits = max(p.get_by_name(f"q{i}").get_property("current-level-time") for i in range(legs)) / 1e9
    stats = [p.get_by_name(f"e{i}").get_property("stats") for i in range(legs)]

    def total(field):
        return sum(s.get_uint64(field)[1] for s in stats if s and s.has_field(field))

    threads = len(os.listdir("/proc/self/task"))
    line = {
        "legs": legs,
        "cpu_per_stream_s": cpu / (legs * wall),
        "cores": cpu / wall,
        "rss_mb": now.ru_maxrss / 1024,
        "threads": threads,
        "audio_waits_s": waits,
        "warnings": counts["warnings"],
        "left_out_interim": total("left-out-interim"),
        "left_out_audio_s": total("left-out-audio") / 1e9,
        "interim": quantiles(delays[True]),
        "final": quantiles(delays[False]),
    }
    print(json.dumps(line))
    sys.stdout.flush()
    p.set_state(Gst.State.NULL)


def quantiles(list_):
    d = sorted(list_)
    at = lambda q: round(d[min(int(len(d) * q), len(d) - 1)], 3) if d else None
    return {"n": len(d), "p50": at(0.5), "p99": at(0.99), "max": d[-1] if d else None}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--legs", default="200,400,500")
    a.add_argument("--seconds", type=int, default=40)
    a.add_argument("--element", default="affectscore inference-mode=async")
    a.add_argument("--audio", help="folder of 16-bit wav files at 8 kHz; the caller of the shipped call if left out")
    a.add_argument("--one", type=int, help=argparse.SUPPRESS)
    a.add_argument("--folder", help=argparse.SUPPRESS)
    args = a.parse_args()
    if args.one:
        return measure(args.one, args.seconds, args.element, args.folder)
    print("legs  cores  CPU s/stream-s  MB/leg  threads  audio waits  interim p50/p99  final p50/p99   left out (interim, s)  held")
    held = True
    with tempfile.TemporaryDirectory() as folder:
        write_sources(folder, args.audio, args.seconds)
        for legs in map(int, args.legs.split(",")):
            run = [sys.executable, __file__, "--one", str(legs), "--folder", folder]
            run += ["--seconds", str(args.seconds), "--element", args.element]
            done = subprocess.run(run, stdout=subprocess.PIPE, text=True)
            if done.returncode or not done.stdout:
                sys.exit(f"{legs} legs: no figures")
            r = json.loads(done.stdout)
            mb, i, f = r["rss_mb"] / legs, r["interim"], r["final"]
            ok = f["p99"] is not None and f["p99"] <= BAR_DELAY_S and mb <= BAR_MB
            held &= ok
            span = lambda q: f"{q['p50']} / {q['p99']}"
            print(
                f"{legs:4}  {r['cores']:5.2f}  {r['cpu_per_stream_s']:14.5f}  {mb:6.2f}  {r['threads']:7}"
                f"  {r['audio_waits_s']:9.2f} s  {span(i):>15}  {span(f):>13}"
                f"   {r['left_out_interim']}, {r['left_out_audio_s']:.1f}{'':14}  {'yes' if ok else 'no'}"
            )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
