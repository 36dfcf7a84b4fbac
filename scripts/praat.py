"""Compares affect-v1 with Praat on real and synthetic speech and writes docs/accuracy.md.

A development tool: praat-parselmouth is under the GPL and is never a dependency of the project. Needs the corpora and
noise clips beside the repository, praat-parselmouth, numpy, scipy and soundfile, and the programs gst-launch-1.0 (with
the GSM and Opus plugins) and affect (built in release mode).
"""

import os
import sys
import tempfile

import numpy as np
import parselmouth
import soundfile
import telephone
from disturb import RATE, ROOT, column, disturbed, emodb, noises, table
from parselmouth.praat import call
from scipy.signal import lfilter, resample_poly

FILES = 110
CODECS = ["G.711 A-law, 8 kHz", "GSM 06.10", "Opus 16 kbit/s"]
CONDITIONS = ["clean", "noise 20 dB", "noise 10 dB", "noise 5 dB", "noise 0 dB", *CODECS]


def cropped(x, window_s, rate):
    """The sound cut so that Praat's frames have our frames' centres, and the time cut off its start."""
    start = int(round(((0.01 - window_s / 2) % 0.01) * rate))
    length = int(window_s * rate) + (len(x) - start - int(window_s * rate)) // (rate // 100) * (rate // 100) + 1
    return parselmouth.Sound(x[start : start + length], float(rate)), start / rate


def on_grid(centres, first, values):
    """Values at the frames nearest to the centres; NaN where there is none within 5 ms."""
    at = np.round((centres - first) / 0.01).astype(int)
    out = np.full(len(centres), np.nan)
    held = (at >= 0) & (at < len(values))
    out[held] = values[at[held]]
    return out


def praat_f0(x, rate, centres):
    sound, cut = cropped(x, 0.04, rate)
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)
    return np.nan_to_num(on_grid(centres, pitch.x1 + cut, pitch.selected_array["frequency"]))


def praat_voice(x, centres):
    """F1 to F3 by Praat's tracker, and its harmonicity."""
    sound, cut = cropped(x, 0.05, RATE)
    formants = call(sound, "To Formant (burg)", 0.01, 5, 5500, 0.025, 50)
    formants = call(formants, "Track", 3, 550, 1650, 2750, 3850, 4950, 1, 1, 1)
    out = {}
    for i in (1, 2, 3):
        values = [formants.get_value_at_time(i, formants.x1 + 0.01 * k) for k in range(formants.n_frames)]
        out[f"F{i}frequency_Hz"] = on_grid(centres, formants.x1 + cut, np.array(values))
    sound, cut = cropped(x, 0.06, RATE)
    hnr = call(sound, "To Harmonicity (ac)", 0.01, 75, 0.1, 4.5)
    out["HNR_dB"] = on_grid(centres, hnr.x1 + cut, np.where(hnr.values[0] > -199, hnr.values[0], np.nan))
    return out


def praat_perturbation(x):
    sound = parselmouth.Sound(x, float(RATE))
    points = call([sound, sound.to_pitch_ac(pitch_floor=75, pitch_ceiling=600)], "To PointProcess (cc)")
    jitter = 100 * call(points, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    return jitter, call([sound, points], "Get shimmer (local_dB)", 0, 0, 0.0001, 0.02, 1.3, 1.6)


def centres_of(rows):
    return np.array([int(r["start_ns"]) * 1e-9 + 0.01 for r in rows])


def glide(seed):
    """A voice whose F0 wanders between 80 and 400 Hz, with its F0 every 10 ms."""
    random = np.random.default_rng(seed)
    fast, seconds = 6 * RATE, 2.5
    knots = np.exp(random.uniform(np.log(80), np.log(400)) + np.cumsum(random.normal(0, 0.12, 8)))
    knots = np.clip(knots, 70, 450)
    f0 = lambda t: np.exp(np.interp(t, np.linspace(0.3, seconds - 0.3, len(knots)), np.log(knots)))
    x, t = np.zeros(int(seconds * fast)), 0.3
    while t < seconds - 0.3:
        i = int(t * fast)
        x[i] += 1 - (t * fast - i)
        x[i + 1] += t * fast - i
        t += 1 / f0(t)
    pole = np.exp(-2 * np.pi * 60 / fast)
    x = np.diff(lfilter([1], [1, -2 * pole, pole * pole], x), prepend=0)
    vowels = [[700, 1220, 2600], [270, 2290, 3010], [330, 800, 2350], [480, 1900, 2550]]
    for hz, width in zip(vowels[seed % 4] + [3500, 4500, 5500, 6500, 7500], [60, 80, 120, 150, 200, 250, 300, 350]):
        r = np.exp(-np.pi * width / fast)
        x = lfilter([1], [1, -2 * r * np.cos(2 * np.pi * hz / fast), r * r], x)
    x = resample_poly(x, 1, 6)
    x = 0.3 * x / np.abs(x).max() + 1e-4 * random.standard_normal(len(x))
    k = np.arange(int(seconds * 100))
    inside = (k * 0.01 + 0.01 > 0.34) & (k * 0.01 + 0.01 < seconds - 0.34)
    outside = (k * 0.01 + 0.01 < 0.26) | (k * 0.01 + 0.01 > seconds - 0.24)
    return x, np.where(inside, f0(k * 0.01 + 0.01), np.where(outside, 0.0, np.nan))


def counts(estimate, reference):
    """Gross errors, frames voiced for both, voicing errors, frames: of one clip."""
    n = min(len(estimate), len(reference))
    e, r = estimate[:n], reference[:n]
    known = ~np.isnan(r)
    both = known & (r > 0) & (e > 0)
    gross = both & (np.abs(e / np.where(r > 0, r, 1) - 1) > 0.2)
    voicing = known & ((r > 0) != (e > 0))
    return np.array([gross.sum(), both.sum(), voicing.sum(), known.sum()])


def rate_of(c, which):
    s = c.sum(0)
    return 100 * s[2 * which] / max(1, s[2 * which + 1])


def verdict(ours, others, which, random):
    """Better, tied or worse than the better of the others, by a bootstrap over clips."""
    best = min(others, key=lambda c: rate_of(c, which))
    if rate_of(ours, which) <= rate_of(best, which):
        return "better" if rate_of(ours, which) < rate_of(best, which) else "equal"
    picks = random.integers(0, len(ours), (2000, len(ours)))
    differences = np.array([rate_of(ours[p], which) - rate_of(best[p], which) for p in picks])
    low = np.percentile(differences, 2.5)
    return "tied" if low <= 0 else "**worse**"


def main():
    manifest, read = emodb()
    picked = [manifest[i * len(manifest) // FILES] for i in range(FILES)]
    real = [read(row) for row in picked]
    made = [glide(seed) for seed in range(24)]
    noise = list(noises())
    out = [
        "<!-- Written by scripts/praat.py (`make praat`). Do not edit. -->\n",
        "# Against Praat\n",
        f"praat-parselmouth {parselmouth.__version__} (Praat {parselmouth.PRAAT_VERSION}). {FILES} files of EmoDB (CC0),"
        f" {len(set(r['speaker'] for r in picked))} speakers, evenly picked from the manifest.\n",
        "## Clean speech\n",
        "Frames with the same centre, voiced for both. Pitch: `To Pitch (ac)`, 75 to 600 Hz. Formants: `To Formant (burg)`,"
        " 5 formants, 5500 Hz, 25 ms, then `Track` with its usual costs. Harmonicity: `To Harmonicity (ac)`, 4.5 periods."
        " Jitter and shimmer: local, per file, from `To PointProcess (cc)`.\n",
        "| feature | r | n | median of ours over Praat's | off by more than 20 % |\n|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, x in enumerate(real):
            paths.append(os.path.join(folder, f"real{i:03}.wav"))
            soundfile.write(paths[-1], x, RATE, subtype="PCM_16")
        rows = table(paths, "--level", "lld")
        pairs, clean = {}, []
        for path, x in zip(paths, real):
            t = centres_of(rows[path])
            ours, theirs = np.nan_to_num(column(rows[path], "F0_Hz")), praat_f0(x, RATE, t)
            clean.append((ours, theirs))
            voiced = (ours > 0) & (theirs > 0)
            pairs.setdefault("F0_Hz", []).append((ours[voiced], theirs[voiced]))
            for name, values in praat_voice(x, t).items():
                mine = column(rows[path], name)
                held = voiced & np.isfinite(mine) & np.isfinite(values)
                pairs.setdefault(name, []).append((mine[held], values[held]))
        whole = table(paths)
        for name, k in (("jitterLocal_percent", 0), ("shimmerLocal_dB", 1)):
            mine = np.array([column(whole[p], name + "_mean")[0] for p in paths])
            theirs = np.array([praat_perturbation(x)[k] for x in real])
            held = np.isfinite(mine) & np.isfinite(theirs)
            pairs[name] = [(mine[held], theirs[held])]
        for name, list_ in pairs.items():
            a, b = (np.concatenate([p[k] for p in list_]) for k in (0, 1))
            off = f"{100 * np.mean(np.abs(a / b - 1) > 0.2):.2f} %" if name.endswith("_Hz") else ""
            out.append(f"| `{name}` | {np.corrcoef(a, b)[0, 1]:.3f} | {len(a)} | {np.median(a / b):.3f} | {off} |")

        out += [
            "\n## F0 under noise and codecs\n",
            f"Each clip with one of {len(noise)} CC0 noise clips (ESC-10) at the stated ratio of powers over the whole clip, or through a codec."
            " *Gross*: off by more than 20 %, of the frames voiced for both. *Voicing*: voiced instead of unvoiced or the reverse, of all frames."
            " *compat*: the tracker of `egemaps-v02`. The verdict compares ours with the better of the other two; *tied* if a bootstrap over clips (95 %) does not tell them apart.",
        ]
        random = np.random.default_rng(1)
        agreed = []
        for ours, theirs in clean:
            same = (ours > 0) & (theirs > 0) & (np.abs(ours / np.where(theirs > 0, theirs, 1) - 1) < 0.05)
            agreed.append(np.where(same, theirs, np.where((ours == 0) & (theirs == 0), 0.0, np.nan)))
        for title, sounds, references in (
            ("Real speech: frames on which clean Praat and clean ours agree within 5 %, or both say unvoiced", real, agreed),
            ("Synthetic voices with wandering F0 (80 to 400 Hz): the F0 that was put in", [m[0] for m in made], [m[1] for m in made]),
        ):
            out += [
                f"\n### {title}\n",
                "| condition | gross: ours | compat | Praat | verdict | voicing: ours | compat | Praat | verdict |\n|---|---|---|---|---|---|---|---|---|",
            ]
            for condition in CONDITIONS:
                done, rates = [], []
                for i, x in enumerate(sounds):
                    y, rate = disturbed(x, condition, noise[(7 * i) % len(noise)], 997 * i, folder)
                    done.append(os.path.join(folder, f"c{i:03}.wav"))
                    soundfile.write(done[-1], y, rate, subtype="PCM_16")
                    rates.append((y, rate))
                ours = table(done, "--level", "lld")
                compat = table(done, "--level", "lld", "--set", "egemaps-v02")
                sums = ([], [], [])
                for path, (y, rate), reference in zip(done, rates, references):
                    t = centres_of(ours[path])
                    semitones = column(compat[path], "F0semitoneFrom27.5Hz_sma3nz")
                    # The compatibility tracker's frame k lies around 10 k + 30 ms.
                    hz = np.where(semitones > 0, 27.5 * 2 ** (semitones / 12), 0.0)
                    shifted = np.concatenate([[0.0, 0.0], hz])[: len(t)]
                    for s, e in zip(sums, (np.nan_to_num(column(ours[path], "F0_Hz")), shifted, praat_f0(y, rate, t))):
                        s.append(counts(e, reference))
                a, b, c = (np.array(s) for s in sums)
                cells = [condition]
                for which in (0, 1):
                    cells += [f"{rate_of(s, which):.2f} %" for s in (a, b, c)] + [verdict(a, (b, c), which, random)]
                out.append("| " + " | ".join(cells) + " |")
                print(out[-1], file=sys.stderr)
    out += telephone.section()[0]
    with open(os.path.join(ROOT, "docs", "accuracy.md"), "w") as f:
        f.write("\n".join(out) + "\n")


main()
