"""Measures how every feature moves under gain, bands, codecs, noise, rooms, packet loss and short speech.

Writes src/features/catalogue/endurance.csv (the record that the catalogue carries), population.csv beside it (what is
usual, for speaker baselines), docs/endurance.md and docs/endurance.png. Needs the EmoDB corpus and the noise clips beside
the repository, numpy, scipy, soundfile and matplotlib, and the `affect` command (release mode).
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import soundfile
from disturb import RATE, ROOT, column, disturbed, emodb, noises, table

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

FILES = int(os.environ.get("FILES", "160"))
SETS = ["affect-v1", "egemaps-v02"]
CONDITIONS = [
    "gain -20 dB",
    "telephone band",
    "G.711 A-law, 8 kHz",
    "GSM 06.10",
    "Opus 16 kbit/s",
    "Opus 8 kbit/s",
    "MP3 32 kbit/s",
    "noise 20 dB",
    "noise 10 dB",
    "noise 5 dB",
    "reverberation, RT60 0.8 s",
    "packet loss 5 %",
    "line 24 dB/octave",
    "line 48 dB/octave",
    "line 24 dB/octave, GSM",
    "line 24 dB/octave, noise 15 dB",
    "line 24 dB/octave, noise 8 dB",
]
SHORT = {"1 s of speech": 1, "3 s of speech": 3, "10 s of speech": 10}
HEAD = ["file", "channel", "start_ns", "end_ns"]


def agreement(a, b):
    """ICC(A,1) of two measurements (McGraw and Wong 1996), bias in deviations of the first, share defined in both."""
    held = np.isfinite(a) & np.isfinite(b)
    share = held.sum() / max(1, np.isfinite(a).sum())
    a, b = a[held], b[held]
    n = len(a)
    if n < 20 or np.std(a) == 0:
        return np.nan, np.nan, share
    x = np.stack([a, b], 1)
    mean = x.mean()
    rows = 2 * ((x.mean(1) - mean) ** 2).sum() / (n - 1)
    columns = n * ((x.mean(0) - mean) ** 2).sum()
    error = ((x - x.mean(1, keepdims=True) - x.mean(0) + mean) ** 2).sum() / (n - 1)
    icc = (rows - error) / (rows + error + 2 * (columns - error) / n)
    return icc, np.mean(b - a) / np.std(a), share


def measure(paths, feature_set):
    """Features by name of one-file tables, in the order of the paths."""
    rows = table(paths, "--set", feature_set)
    first = [rows[p][0] for p in paths]
    return {name: column(first, name) for name in first[0] if name not in HEAD}


def write(folder, name, sounds):
    paths = []
    for i, (x, rate) in enumerate(sounds):
        paths.append(os.path.join(folder, f"{name.replace(' ', '-').replace('/', '-')}{i:03}.wav"))
        soundfile.write(paths[-1], np.clip(x, -1, 1), rate, subtype="PCM_16")
    return paths


def population(rows, values):
    """Location over all files, and the typical spread within a speaker."""
    speakers = np.array([r["speaker"] for r in rows])
    lines = ["name,location,scale"]
    for name, v in values.items():
        known = np.isfinite(v)
        if known.sum() < 50:
            continue
        spreads = [np.subtract(*np.percentile(v[known & (speakers == s)], [75, 25])) / 1.349 for s in set(speakers) if (known & (speakers == s)).sum() >= 8]
        if spreads and np.median(spreads) > 0:
            lines.append(f"{name},{np.median(v[known]):.6g},{np.median(spreads):.6g}")
    return "\n".join(lines) + "\n"


def picture(record, path):
    names = {s: [n for n in dict.fromkeys(k[1] for k in record if k[0] == s)] for s in SETS}
    conditions = CONDITIONS + list(SHORT)
    height = max(len(n) for n in names.values()) * 0.155 + 3
    figure, axes = plt.subplots(1, 2, figsize=(17, height), constrained_layout=True)
    for axis, s in zip(axes, SETS):
        grid = np.array([[record.get((s, n, c), (np.nan,) * 3)[0] for c in conditions] for n in names[s]])
        shade = plt.get_cmap("RdYlBu").copy()
        shade.set_bad("0.8")
        image = axis.imshow(np.ma.masked_invalid(grid), aspect="auto", cmap=shade, vmin=0, vmax=1)
        axis.set_xticks(range(len(conditions)), conditions, rotation=60, ha="right", fontsize=8)
        axis.set_yticks(range(len(names[s])), names[s], fontsize=6)
        axis.set_title(f"{s}: median ICC {np.nanmedian(grid):.2f}")
    figure.colorbar(image, ax=axes, label="intraclass correlation with the clean (or whole) recording; grey: undefined", shrink=0.5)
    figure.savefig(path, dpi=80)


def main():
    rows, read = emodb()
    noise = list(noises())
    picked = [rows[i * len(rows) // FILES] for i in range(FILES)]
    clean = [read(r) for r in picked]
    record = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = write(folder, "clean", [(x, RATE) for x in clean])
        reference = {s: measure(paths, s) for s in SETS}
        for condition in CONDITIONS:

            def one(i):
                with tempfile.TemporaryDirectory() as own:
                    return disturbed(clean[i], condition, noise[(7 * i) % len(noise)], 997 * i, own)

            with ThreadPoolExecutor() as pool:
                sounds = list(pool.map(one, range(len(clean))))
            paths = write(folder, condition, sounds)
            for s in SETS:
                for name, v in measure(paths, s).items():
                    record[s, name, condition] = agreement(reference[s][name], v)
            print(condition, *(f"{s} {np.nanmedian([v[0] for k, v in record.items() if k[0] == s and k[2] == condition]):.2f}" for s in SETS), file=sys.stderr)
        groups = {}
        for r in rows:
            groups.setdefault((r["speaker"], r["emotion"]), []).append(r)
        long = [np.concatenate([read(r) for r in g]) for g in groups.values()]
        long = [x for x in long if len(x) >= 12 * RATE]
        paths = write(folder, "long", [(x, RATE) for x in long])
        whole = {s: measure(paths, s) for s in SETS}
        for condition, seconds in SHORT.items():
            paths = write(folder, condition, [(x[: seconds * RATE], RATE) for x in long])
            for s in SETS:
                for name, v in measure(paths, s).items():
                    record[s, name, condition] = agreement(whole[s][name], v)
        everything = write(folder, "all", [(read(r), RATE) for r in rows])
        usual = population(rows, measure(everything, SETS[0]))
    catalogue = os.path.join(ROOT, "src", "features", "catalogue")
    open(os.path.join(catalogue, "population.csv"), "w").write(usual)
    number = lambda v: "" if not np.isfinite(v) else f"{v:.3f}"
    with open(os.path.join(catalogue, "endurance.csv"), "w") as f:
        f.write("set,name,condition,icc,bias,defined\n")
        for (s, name, condition), (icc, bias, share) in record.items():
            f.write(f'{s},{name},"{condition}",{number(icc)},{number(bias)},{number(share)}\n')
    picture(record, os.path.join(ROOT, "docs", "endurance.png"))
    conditions = CONDITIONS + list(SHORT)
    out = [
        "<!-- Written by scripts/endurance.py (`make endurance`). Do not edit. -->\n",
        "# What each feature endures\n",
        f"{FILES} files of EmoDB (CC0, ten speakers) under each condition, against the same file clean; short speech: the first seconds of {len(long)}"
        " recordings of one speaker and emotion (12 s and more), against the whole recording. Each number is the intraclass correlation ICC(A,1) (absolute"
        " agreement, McGraw and Wong 1996): 1 is the same value, 0 no relation. *b*: the bias is more than half a standard deviation of the clean values."
        " *-*: undefined in too many files to tell. Noise: ESC-10 (CC0), one clip per file. Packet loss: 20 ms packets, concealed by repetition. Line: band-pass from 300 to"
        " 3400 Hz of that slope, 8 kHz, G.711 mu-law or GSM 06.10, pink noise of the same band. All numbers, with bias and"
        " the share of files where the feature is still defined: `src/features/catalogue/endurance.csv`.\n",
        "![Heat map of the same numbers](endurance.png)\n",
    ]
    for s in SETS:
        names = dict.fromkeys(k[1] for k in record if k[0] == s)
        out += [f"\n## `{s}`\n", "| feature | " + " | ".join(conditions) + " |", "|---|" + "---|" * len(conditions)]
        for name in names:
            cells = []
            for c in conditions:
                icc, bias, _ = record[s, name, c]
                cells.append("-" if not np.isfinite(icc) else f"{icc:.2f}{' b' if abs(bias) > 0.5 else ''}")
            out.append(f"| `{name}` | " + " | ".join(cells) + " |")
        middle = [np.nanmedian([record[s, n, c][0] for n in names]) for c in conditions]
        out.append("| **median** | " + " | ".join(f"**{m:.2f}**" for m in middle) + " |")
    open(os.path.join(ROOT, "docs", "endurance.md"), "w").write("\n".join(out) + "\n")


main()
