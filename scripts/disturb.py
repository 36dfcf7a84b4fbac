"""What the development scripts share: corpora, disturbances, and features by the `affect` command."""

import csv
import io
import os
import subprocess
import tempfile
from math import gcd

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt, sosfiltfilt

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(ROOT, "..", "shared")
AFFECT = os.path.join(ROOT, "target", "release", "affect")
RATE = 16000
OPUS = "audio/x-raw,rate=16000,format=S16LE ! opusenc bitrate={} ! opusdec ! audioresample ! audio/x-raw,rate=16000"
CODECS = {
    "G.711 A-law, 8 kHz": ("audio/x-raw,rate=8000,format=S16LE ! alawenc ! alawdec", 8000),
    "GSM 06.10": ("audio/x-raw,rate=8000,format=S16LE ! gsmenc ! gsmdec", 8000),
    "Opus 16 kbit/s": (OPUS.format(16000), 16000),
    "Opus 8 kbit/s": (OPUS.format(8000), 16000),
    "MP3 32 kbit/s": ("audio/x-raw,rate=16000,channels=1 ! lamemp3enc target=bitrate cbr=true bitrate=32 ! mpegaudioparse ! mpg123audiodec ! audioconvert ! audioresample ! audio/x-raw,rate=16000", 16000),
}


def emodb():
    """Rows of the manifest, and a reader."""
    folder = os.path.join(SHARED, "corpora", "emodb")
    rows = list(csv.DictReader(open(os.path.join(folder, "manifest.csv"))))

    def read(row):
        path = os.path.join(folder, row["file"])
        return soundfile.read(path if os.path.exists(path) else os.path.join(folder, "audio", row["file"]))[0]

    return rows, read


def corpus(name, count):
    """About `count` recordings of a corpus, evenly spaced, at 16 kHz."""
    folder = os.path.join(SHARED, "corpora", name, "audio")
    files = sorted(os.listdir(folder))
    for f in files[:: max(1, len(files) // count)][:count]:
        x, rate = soundfile.read(os.path.join(folder, f), always_2d=True)
        yield resample_poly(x.mean(1), RATE // gcd(RATE, rate), rate // gcd(RATE, rate))


def table(paths, *options):
    """Rows of `affect features` by file."""
    text = subprocess.run([AFFECT, "features", "-q", *options, *paths], capture_output=True, text=True, check=True).stdout
    rows = {}
    for row in csv.DictReader(io.StringIO(text)):
        rows.setdefault(row["file"], []).append(row)
    return rows


def column(rows, name):
    return np.array([float(r[name]) if r[name] else np.nan for r in rows])


def noises():
    for row in csv.DictReader(open(os.path.join(SHARED, "noise", "manifest.csv"))):
        if "impulse" in row["kind"] or "rir" in row["file"]:
            continue
        x, rate = soundfile.read(os.path.join(SHARED, "noise", row["file"]))
        x = x.mean(1) if x.ndim > 1 else x
        x = resample_poly(x, RATE // gcd(RATE, rate), rate // gcd(RATE, rate))
        loud = np.flatnonzero(np.abs(x) > 1e-4)
        if len(loud):
            yield x[loud[0] : loud[-1] + 1]


def codec(x, chain, rate, folder):
    """The sound through an encoder and decoder, aligned with what went in."""
    source, target = os.path.join(folder, "in.wav"), os.path.join(folder, "out.wav")
    soundfile.write(source, np.clip(x, -1, 1), RATE, subtype="PCM_16")
    line = f"filesrc location={source} ! wavparse ! audioconvert ! audioresample ! {chain} ! audioconvert ! wavenc ! filesink location={target}"
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True, timeout=60)
    y, _ = soundfile.read(target)
    reference = resample_poly(x, 1, 2) if rate == 8000 else x
    size = 1 << (len(y) + len(reference)).bit_length()
    match = np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(reference, size)), size)
    y = y[int(np.argmax(match[:4000])) :]
    return np.append(y, np.zeros(max(0, len(reference) - len(y))))[: len(reference)]


def companded(x, mu=255):
    """G.711 mu-law by its formula, eight bits."""
    y = np.sign(x) * np.log1p(mu * np.abs(np.clip(x, -1, 1))) / np.log1p(mu)
    q = np.round((y + 1) / 2 * 255) / 255 * 2 - 1
    return np.sign(q) * ((1 + mu) ** np.abs(q) - 1) / mu


def telephone(x, condition, random):
    """The sound over a line that passes 300 to 3400 Hz, at 8 kHz: `line 24 dB/octave, noise 15 dB` and the like. The noise is pink and
    passes the same band; GSM where that is said, else G.711."""
    slope = int(condition.split()[1])
    y = sosfilt(butter(slope // 6, [300, 3400], "bandpass", fs=RATE, output="sos"), x)
    if "noise" in condition:
        ratio = float(condition.split("noise ")[1].split()[0])
        spectrum = np.fft.rfft(random.standard_normal(len(y)))
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), len(y))
        noise = sosfilt(butter(slope // 6, [300, 3400], "bandpass", fs=RATE, output="sos"), noise)
        y = y + noise * np.sqrt(np.mean(y**2) / max(1e-20, np.mean(noise**2))) * 10 ** (-ratio / 20)
    y *= 0.7 / max(1e-9, np.abs(y).max())
    if "GSM" in condition:
        with tempfile.TemporaryDirectory() as folder:
            return codec(y, *CODECS["GSM 06.10"], folder), RATE // 2
    return companded(resample_poly(y, 1, 2)), RATE // 2


def disturbed(x, condition, noise, shift, folder):
    """The sound under a condition, its rate, aligned with the original."""
    if condition == "clean":
        return x, RATE
    if condition.startswith("noise"):
        snr = float(condition.split()[1])
        n = np.resize(np.roll(noise, -shift), len(x))
        y = x + n * np.sqrt(np.mean(x**2) / max(1e-12, np.mean(n**2))) * 10 ** (-snr / 20)
        return y * min(1, 0.99 / np.abs(y).max()), RATE
    if condition == "gain -20 dB":
        return 0.1 * x, RATE
    if condition == "telephone band":
        band = butter(6, [300, 3400], "bandpass", fs=RATE, output="sos")
        return resample_poly(sosfiltfilt(band, x), 1, 2), RATE // 2
    if condition == "reverberation, RT60 0.8 s":
        room, rate = soundfile.read(os.path.join(SHARED, "noise", "audio", "DeepFilterNet_rir_sim_1001_w11.7_l2.6_h2.5_rt60_0.7919.wav"))
        room = resample_poly(room if room.ndim == 1 else room[:, 0], RATE // gcd(RATE, rate), rate // gcd(RATE, rate))
        room = room[int(np.argmax(np.abs(room))) :]
        y = fftconvolve(x, room)[: len(x)]
        return y * np.sqrt(np.mean(x**2) / np.mean(y**2)), RATE
    if condition == "packet loss 5 %":
        # 20 ms packets lost at random; concealed by the packet before, fading by half from loss to loss.
        y, random, fade = x.copy(), np.random.default_rng(shift), 1.0
        for start in range(320, len(y) - 319, 320):
            lost = random.random() < 0.05
            fade = fade * 0.5 if lost else 1.0
            if lost:
                y[start : start + 320] = fade * y[start - 320 : start]
        return y, RATE
    if condition.startswith("line"):
        y, rate = telephone(x, condition, np.random.default_rng(shift))
        # Back at the level that it came with, so that the lines say nothing of gain.
        return y * np.sqrt(np.mean(x**2) / max(1e-20, np.mean(y**2))), rate
    chain, rate = CODECS[condition]
    return codec(x, chain, rate, folder), rate
