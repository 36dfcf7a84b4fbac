"""Sounds that are no speech, at 16 kHz: call progress, dialling, modems, notes and noise."""

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

RATE = 16000
# ITU-T E.180 and its supplement: one turn of the cadence, (frequencies in Hz, seconds).
CADENCES = {
    "US dial": [([350, 440], 9)], "US ringback": [([440, 480], 2), ([], 4)], "US busy": [([480, 620], 0.5), ([], 0.5)],
    "US congestion": [([480, 620], 0.25), ([], 0.25)],
    "US information": [([913.8], 0.274), ([1370.6], 0.274), ([1776.7], 0.38), ([], 1)],
    "UK ringback": [([400, 450], 0.4), ([], 0.2), ([400, 450], 0.4), ([], 2)], "UK busy": [([400], 0.375), ([], 0.375)],
    "UK congestion": [([400], 0.4), ([], 0.35), ([400], 0.225), ([], 0.525)], "UK unobtainable": [([400], 9)],
    "Germany dial": [([425], 9)], "Germany ringback": [([425], 1), ([], 4)], "Germany busy": [([425], 0.48), ([], 0.48)],
    "Germany congestion": [([425], 0.24), ([], 0.24)], "information": [([950], 0.33), ([1400], 0.33), ([1800], 0.33), ([], 1)],
    "France dial": [([440], 9)], "France ringback": [([440], 1.5), ([], 3.5)], "France busy": [([440], 0.5), ([], 0.5)],
    "Japan dial": [([400], 9)], "Japan ringback": [([384, 400, 416], 1), ([], 2)], "Japan busy": [([400], 0.5), ([], 0.5)],
    "Italy dial": [([425], 0.2), ([], 0.2), ([425], 0.6), ([], 1)], "Italy ringback": [([425], 1), ([], 4)],
    "Italy congestion": [([425], 0.2), ([], 0.2)], "Australia dial": [([413, 438], 9)],
    "Australia ringback": [([413, 438], 0.4), ([], 0.2), ([413, 438], 0.4), ([], 2)],
    "Australia busy": [([425], 0.375), ([], 0.375)], "Spain ringback": [([425], 1.5), ([], 3)],
    "Spain busy": [([425], 0.2), ([], 0.2)],
    "beep": [([1000], 0.2), ([], 0.8)], "call waiting": [([440], 0.3), ([], 3)], "recording": [([1400], 0.5), ([], 3)],
    "CNG": [([1100], 0.5), ([], 3)], "CED": [([2100], 9)], "V.32 AC": [([600, 3000], 0.3), ([1800], 0.3)],
}


def tone(hz, seconds):
    t = np.arange(int(seconds * RATE)) / RATE
    return sum((np.sin(2 * np.pi * f * t) for f in hz), np.zeros(len(t))) / max(1, len(hz))


def cadence(name, seconds):
    turn = np.concatenate([tone(*part) for part in CADENCES[name]])
    return np.resize(turn, int(seconds * RATE))


def dtmf(seconds, random):
    on, off = random.uniform(0.05, 0.25, 2)
    low, high = [697, 770, 852, 941], [1209, 1336, 1477, 1633]
    keys = int(seconds / (on + off)) + 1
    return np.concatenate([np.append(tone([random.choice(low), random.choice(high)], on), np.zeros(int(off * RATE))) for _ in range(keys)])


def fsk(zero, one, baud, seconds, random, flags=False):
    symbol = (np.arange(int(seconds * RATE)) * baud / RATE).astype(int)
    bits = np.resize([0, 1, 1, 1, 1, 1, 1, 0], symbol[-1] + 1) if flags else random.integers(0, 2, symbol[-1] + 1)
    return np.sin(2 * np.pi * np.cumsum(np.where(bits[symbol], one, zero)) / RATE)


def qam(carrier, baud, seconds, random):
    n, count = int(seconds * RATE), int(seconds * baud)
    impulses = np.zeros(n, complex)
    impulses[(np.arange(count) * RATE / baud).astype(int)] = random.choice([-3, -1, 1, 3], count) + 1j * random.choice([-3, -1, 1, 3], count)
    shape = butter(5, baud / 2 * 1.05, fs=RATE, output="sos")
    envelope = sosfilt(shape, impulses.real) + 1j * sosfilt(shape, impulses.imag)
    return (envelope * np.exp(2j * np.pi * carrier * np.arange(n) / RATE)).real


def modem(seconds, random):
    return [
        fsk(1650, 1850, 300, seconds, random, flags=True), fsk(1650, 1850, 300, seconds, random), fsk(980, 1180, 300, seconds, random),
        fsk(1300, 2100, 1200, seconds, random), fsk(1200, 2200, 1200, seconds, random), qam(1200, 600, seconds, random),
        qam(2400, 600, seconds, random), qam(1800, 2400, seconds, random), qam(1829, 3200, seconds, random), qam(1700, 2400, seconds, random),
    ]


def edges(n, attack, release):
    e = np.ones(n)
    a, r = min(int(attack * RATE), n // 2), min(int(release * RATE), n // 2)
    e[:a] = np.linspace(0, 1, a)
    e[n - r :] *= np.linspace(1, 0, r)
    return e


def plucked(f, seconds, random):
    n, period = int(seconds * RATE), max(2, int(RATE / f))
    start = np.zeros(n)
    start[: min(period, n)] = random.uniform(-1, 1, period)[:n]
    feedback = np.zeros(period + 2)
    feedback[0], feedback[period], feedback[period + 1] = 1, -0.498, -0.498
    return lfilter([1], feedback, start)


def partials(f, seconds, random, amplitude, attack, release, vibrato=0.0, stretch=0.0):
    t = np.arange(int(seconds * RATE)) / RATE
    rate = random.uniform(4.5, 6.5)
    phase = 2 * np.pi * f * (t - vibrato / (2 * np.pi * rate) * np.cos(2 * np.pi * rate * t))
    count = max(1, min(20, int(7000 / f)))
    y = sum(amplitude(k, t) * np.sin(k * np.sqrt(1 + stretch * k * k) * phase + random.random() * 6.28) for k in range(1, count + 1))
    return y * edges(len(t), attack, release)


INSTRUMENTS = {
    "plucked": plucked,
    "organ": lambda f, s, r: partials(f, s, r, lambda k, t: [1, 0.8, 0.6, 0.5, 0.3, 0.2, 0.15, 0.1, *[0] * 12][k - 1], 0.01, 0.02),
    "bowed": lambda f, s, r: partials(f, s, r, lambda k, t: 1 / k, 0.08, 0.1, vibrato=r.uniform(0.004, 0.018)),
    "piano": lambda f, s, r: partials(f, s, r, lambda k, t: np.exp(-t * (1 + 0.6 * k)) / k**1.2, 0.003, 0.05, stretch=4e-4),
    "flute": lambda f, s, r: partials(2 * f, s, r, lambda k, t: [1, 0.3, 0.1, *[0] * 17][k - 1], 0.05, 0.06, vibrato=0.006),
    "brass": lambda f, s, r: partials(f, s, r, lambda k, t: np.minimum(1, t / 0.08) ** (1 + 0.3 * k) / k**0.8, 0.02, 0.05),
    "bells": lambda f, s, r: sum(a * tone([2 * f * q], s) * np.exp(-np.arange(int(s * RATE)) / RATE * d) for q, a, d in [(1, 1, 2), (2.76, 0.6, 4), (5.4, 0.3, 7)]),
    "sawtooth": lambda f, s, r: partials(f, s, r, lambda k, t: 1 / k, 0.01, 0.03),
}
STYLES = ["melody", "chords", "arpeggio", "melody, drums", "chords, drums", "melody, chords"]


def music(style, instrument, seconds, random):
    n, beat = int(seconds * RATE), 60 / random.uniform(60, 170)
    scale = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10], [0, 2, 4, 7, 9]][random.integers(3)]
    root, play = random.integers(45, 60), INSTRUMENTS[instrument]
    y = np.zeros(n + 9 * RATE)

    def put(at, sound, gain):
        i = int(at * RATE)
        y[i : i + len(sound)] += gain * sound[: len(y) - i]

    def hz(degree):
        return 440 * 2 ** ((root + 12 * (degree // len(scale)) + scale[degree % len(scale)] - 69) / 12)

    t, degree = 0.0, 5
    while "melody" in style and t < seconds:
        length = beat * random.choice([0.25, 0.5, 0.5, 1, 1, 2])
        degree = int(np.clip(degree + random.integers(-3, 4), 0, 16))
        put(t, play(hz(degree), length * random.uniform(0.6, 1.2), random), 1)
        t += length
    t = 0.0
    while "chords" in style and t < seconds:
        length, base = beat * random.choice([1, 2, 4]), int(random.integers(0, 6))
        for k in (0, 2, 4):
            put(t, play(hz(base + k), length, random), 0.4)
        t += length
    t, length = 0.0, beat * random.choice([0.25, 0.5])
    while "arpeggio" in style and t < seconds:
        base = int(random.integers(0, 6))
        for k in [0, 2, 4, 7, 4, 2]:
            put(t, play(hz(base + k), 1.5 * length, random), 0.7)
            t += length
    t, k, d = 0.0, 0, np.arange(int(0.15 * RATE)) / RATE
    while "drums" in style and t < seconds:
        if k % 4 == 0:
            put(t, np.sin(2 * np.pi * (50 + 80 * np.exp(-40 * d)) * d) * np.exp(-20 * d), 0.9)
        elif k % 4 == 2:
            put(t, random.standard_normal(len(d)) * np.exp(-25 * d), 0.3)
        put(t, np.diff(random.standard_normal(len(d) + 1)) * np.exp(-80 * d), 0.1)
        t, k = t + beat / 2, k + 1
    return y[:n]


def pink(n, random):
    spectrum = np.fft.rfft(random.standard_normal(n))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), n)


def noise(seconds, random):
    n = int(seconds * RATE)
    t, white = np.arange(n) / RATE, random.standard_normal(n)
    hum = lambda f: sum(np.sin(2 * np.pi * f * k * t + random.random() * 6.28) / k for k in range(1, 15)) + 0.02 * white  # noqa: E731
    band = butter(1, [300, 3400], "bandpass", fs=RATE, output="sos")
    clicks = sosfilt(band, (random.random(n) < random.uniform(1e-4, 3e-3)) * white * 30) + 0.01 * white
    level = np.interp(t, np.arange(0, seconds + 0.3, 0.2), 10 ** random.normal(0, 0.08, len(np.arange(0, seconds + 0.3, 0.2))))
    return [white, pink(n, random), sosfilt(butter(1, 100, fs=RATE, output="sos"), white), hum(50), hum(60), clicks, sosfilt(band, white) * level]
