"""Measures whether what is not speech is left unscored, and speech is not lost.

Sounds: call progress of eight countries, touch tones, fax and modem signals, notes and chords, beeps, noise and hum (`sounds.py`),
and the noise clips beside the repository; clean, over a telephone line, and with noise on it, at several levels and rates, as
utterances, windows of 3 s and whole files: at most 1 in 200 segments is scored, with a confidence of at most 0.4. Speech: the three corpora, clean, over a telephone
line, and with clips or pink noise at 10 dB: at most 0.5 % of the files become `not-speech`. Exits with 1 where a bar does not hold.

usage: not_speech.py [EVERY_NTH_FILE]    (needs numpy, scipy, soundfile and the `affect` command)
"""

import collections
import glob
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
from disturb import AFFECT, ROOT, SHARED
from math import gcd
from scipy.signal import butter, resample_poly, sosfilt
from sounds import CADENCES, INSTRUMENTS, RATE, STYLES, cadence, dtmf, modem, music, noise, pink

SEGMENTS = {"utterance": [], "window": ["--segments", "window", "--window", "3", "--hop", "3"], "file": ["--segments", "file"]}
BATCH = 400


def read(path):
    x, rate = soundfile.read(path, always_2d=True)
    x = x.mean(1)
    return resample_poly(x, RATE // gcd(RATE, rate), rate // gcd(RATE, rate)) if rate != RATE else x


def mu_law(x, mu=255):
    y = np.sign(x) * np.log1p(mu * np.abs(np.clip(x, -1, 1))) / np.log1p(mu)
    q = np.round((y + 1) / 2 * 255) / 255 * 2 - 1
    return np.sign(q) * ((1 + mu) ** np.abs(q) - 1) / mu


def line(x, random, snr=None):
    """A telephone line: 300 to 3400 Hz, 24 dB an octave, noise, 8 kHz, G.711."""
    y = sosfilt(butter(4, [300, 3400], "bandpass", fs=RATE, output="sos"), x)
    if snr is not None:
        n = sosfilt(butter(2, [300, 3400], "bandpass", fs=RATE, output="sos"), pink(len(y), random))
        y = y + n / n.std() * y.std() * 10 ** (-snr / 20)
    y = resample_poly(y, 1, 2)
    return mu_law(y / max(1e-9, np.abs(y).max()) * 0.7)


def mixed(x, n, snr):
    n = np.resize(n, len(x))
    return x + n * np.sqrt(np.mean(x**2) / max(1e-12, np.mean(n**2))) * 10 ** (-snr / 20)


def levelled(x, peak_db):
    return x / max(1e-9, np.abs(x).max()) * 10 ** (peak_db / 20)


def not_speech(random, clips):
    """Kind and sound, 16 kHz."""
    for name in CADENCES:
        yield "tones", cadence(name, random.uniform(5, 12))
    for _ in range(12):
        yield "touch tones", dtmf(random.uniform(2, 6), random)
    for x in modem(4, random):
        yield "modems", x
    for style in STYLES:
        for instrument in INSTRUMENTS:
            yield "music", music(style, instrument, random.uniform(6, 12), random)
    for _ in range(3):
        for x in noise(random.uniform(3, 8), random):
            yield "noise", x
    for x in clips:
        yield "clips", x


def conditions_of_sounds(x, random):
    yield "clean", levelled(x, random.uniform(-35, -3)), RATE
    yield "48 kHz", resample_poly(levelled(x, random.uniform(-20, -3)), 3, 1), 3 * RATE
    yield "line", line(x, random) * 10 ** (random.uniform(-25, 0) / 20), RATE // 2
    yield "line, noise", line(x, random, random.uniform(15, 30)) * 10 ** (random.uniform(-20, 0) / 20), RATE // 2


def conditions_of_speech(x, random, clips):
    yield "clean", x, RATE
    yield "line", line(x, random), RATE // 2
    yield "clip 10 dB", mixed(x, clips[random.integers(len(clips))], 10), RATE
    yield "pink 10 dB", mixed(x, pink(len(x), random), 10), RATE


def analysed(sounds, options):
    """Final records of a list of (name, sound, rate), by name."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for at in range(0, len(sounds), BATCH):
            paths = []
            for i, (name, x, rate) in enumerate(sounds[at : at + BATCH]):
                paths.append(os.path.join(folder, f"{at + i}.wav"))
                soundfile.write(paths[-1], np.clip(x, -1, 1), rate, subtype="PCM_16")
            text = subprocess.run([AFFECT, "analyze", "--json", "--quiet", "--attribution", "none", *options, *paths], capture_output=True, text=True, check=True).stdout
            for record in map(json.loads, text.splitlines()):
                if record["ended"] != "open":
                    index = int(os.path.basename(record["stream"])[:-4])
                    found.setdefault(sounds[index][0], []).append(record)
            for p in paths:
                os.remove(p)
    return found


def main():
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    random = np.random.default_rng(20)
    clips = [read(p) for p in sorted(glob.glob(os.path.join(SHARED, "noise", "audio", "*.ogg")))]
    failed = False
    print("what is not speech: segments scored, of all")
    sounds = [((kind, condition), y, rate) for kind, x in not_speech(random, clips[::every]) for condition, y, rate in conditions_of_sounds(x, random)]
    for how, options in SEGMENTS.items():
        counts, sure = collections.defaultdict(lambda: [0, 0]), []
        for (kind, _), records in analysed(sounds, options).items():
            counts[kind][1] += len(records)
            slipped = [r["emotion"] for r in records if r["emotion"]["label"] is not None]
            counts[kind][0] += len(slipped)
            sure += [e["confidence"] for e in slipped]
        total = np.sum(list(counts.values()), axis=0)
        over = sum(c > 0.4 for c in sure)
        bad = total[0] * 200 > total[1] or over > 0
        failed |= bad
        confidence = f"confidence over 0.4: {over}, most {max(sure, default=0):.2f}   "
        print(f"{'FAILS' if bad else 'ok   '} {how:10s} {total[0]}/{total[1]}   {confidence}" + "  ".join(f"{k} {a}/{n}" for k, (a, n) in sorted(counts.items())), flush=True)
    print("speech: files that become not-speech, %")
    for corpus in ["emodb", "ravdess", "nemo"]:
        paths = sorted(glob.glob(os.path.join(SHARED, "corpora", corpus, "audio", "*")))[::every]
        sounds = [(condition, y, rate) for p in paths for condition, y, rate in conditions_of_speech(read(p), random, clips)]
        for how in ["file", "utterance"]:
            for condition, records in analysed(sounds, SEGMENTS[how]).items():
                lost = sum(r["quality"].get("reason") == "not-speech" for r in records)
                bad = lost > 0.005 * len(records)
                failed |= bad
                print(f"{'FAILS' if bad else 'ok   '} {corpus:8s} {how:10s} {condition:12s} {100 * lost / len(records):5.2f} %  ({lost}/{len(records)})", flush=True)
    fixtures = sorted(glob.glob(os.path.join(SHARED, "fixtures", "*", "*")))
    for name, wanted in {"thorsten": True, "crema_d": True, "calls/call40_185s_2ch_pcm16": True, "emogator": False}.items():
        paths = [p for p in fixtures if f"fixtures/{name}" in p]
        text = subprocess.run([AFFECT, "analyze", "--json", "--quiet", "--attribution", "none", *paths], capture_output=True, text=True, check=True).stdout
        # What lies 45 dB below the call's voices is the line, not somebody.
        records = [r for r in map(json.loads, text.splitlines()) if r["ended"] != "open" and r["quality"]["level_dbfs"] > -60]
        lost = [r["stream"] for r in records if r["quality"].get("reason") == "not-speech"]
        failed |= wanted and bool(lost)
        print(f"{'FAILS' if wanted and lost else 'ok   '} {name}: {len(lost)} of {len(records)} utterances are not-speech {sorted(set(map(os.path.basename, lost)))}")
    sys.exit(failed)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
