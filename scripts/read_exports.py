"""Reads what the command exports with the programs that people read it with, and compares it with the JSON lines of the same run: every cell of
Parquet tables (pyarrow, pandas, polars, DuckDB), tiers of TextGrids (praatio, and Praat itself), cues of WebVTT (webvtt-py), tables of calls of an
archive.

usage: read_exports.py    (needs these packages, praat-parselmouth, and the `affect` command in target/release)
"""

import glob
import json
import math
import os
import subprocess
import sys
import tempfile

import duckdb
import parselmouth
import numpy as np
import pandas
import polars
import pyarrow.parquet as parquet
import webvtt
from praatio import textgrid

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
AFFECT = os.path.join(ROOT, "target", "release", "affect")
FILES = ["tests/data/calls", "tests/data/emodb"]
RUNS = {
    "features": ["features", "--segments", "utterance", "--roles", "agent,caller"],
    "compared": ["features", "--segments", "window", "--baseline", "two-pass"],
    "frames": ["features", "--level", "lld"],
    "scores": ["analyze", "--target", "all", "--roles", "agent,caller"],
}
PLACES = {
    "id": ("id",), "stream": ("stream",), "channel": ("channel", "index"), "role": ("channel", "role"), "start_ns": ("start_ns",),
    "end_ns": ("end_ns",), "ended": ("ended",), "discont": ("discont",), "configuration": ("provenance", "configuration"),
    "quality_snr_db": ("quality", "snr_db"), "quality_speech_s": ("quality", "speech_s"), "model": ("provenance", "model", "id"),
    "label": ("emotion", "label"), "confidence": ("emotion", "confidence"), "novelty": ("emotion", "novelty"),
    "dimension_arousal": ("emotion", "dimensions", "arousal"), "probability_anger": ("emotion", "probabilities", "anger"),
}


def at(record, path):
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def same(a, b, single):
    """Whether a cell holds what the JSON says; undefined is null, or NaN where a reader knows nothing else."""
    missing = lambda v: v is None or (isinstance(v, float) and math.isnan(v))
    if missing(a) or missing(b):
        return missing(a) and missing(b)
    if single:
        return np.float32(a) == np.float32(b)
    return a == b


def compare(name, reader, rows, records, features):
    assert len(rows) == len(records), f"{name}, {reader}: {len(rows)} rows of {len(records)} records"
    cells = 0
    for row, record in zip(rows, records):
        for column, path in PLACES.items():
            if column in row:
                assert same(row[column], at(record, path), column.startswith("quality_")), (name, reader, column, row[column], at(record, path))
                cells += 1
        for feature in features:
            assert same(row[feature], record["features"].get(feature), True), (name, reader, feature)
            cells += 1
        said = row.get("explanations")
        said = [] if said is None else list(said)
        wanted = record.get("explanations", [])
        assert [e["target"] for e in said] == [e["target"] for e in wanted], (name, reader)
        for e, w in zip(said, wanted):
            assert [(f["name"], f["contribution"], f["sentence"]) for f in e["features"]] == [(f["name"], f["contribution"], f["sentence"]) for f in w["features"]]
            cells += 3 * len(w["features"])
    return cells


def captions(folder):
    call = "tests/data/calls/call40_185s_2ch_pcm16.wav"
    words = [AFFECT, "analyze", call, "--roles", "agent,caller", "--quiet"]
    run = lambda form: subprocess.run([*words, "--format", form], check=True, capture_output=True, text=True).stdout
    records = [json.loads(line) for line in run("jsonl").splitlines()]
    grid, cues = (os.path.join(folder, "call." + end) for end in ("TextGrid", "vtt"))
    for path, form in ((grid, "textgrid"), (cues, "vtt")):
        with open(path, "w", encoding="utf-8") as f:
            f.write(run(form))
    read = textgrid.openTextgrid(grid, includeEmptyIntervals=False)
    for role in ("agent", "caller"):
        spans = [(i.start, i.end) for i in read.getTier(role).entries]
        wanted = sorted((r["start_ns"] / 1e9, r["end_ns"] / 1e9) for r in records if r["channel"]["role"] == role)
        assert len(spans) == len(wanted) and all(abs(a[1] - b[1]) < 1e-6 and a[0] >= b[0] - 1e-6 for a, b in zip(spans, wanted)), role
    praat = parselmouth.read(grid)
    assert parselmouth.praat.call(praat, "Get number of tiers") == 3 and abs(praat.xmax - 40) < 1e-9
    found = webvtt.read(cues)
    ids = [c.identifier for c in found]
    assert sorted(ids) == sorted(r["id"] for r in records)
    assert {c.voice for c in found} == {"agent", "caller"}
    print(f"TextGrid: {len(read.tierNames)} tiers with praatio and Praat; WebVTT: {len(ids)} cues with webvtt-py")


def calls(folder):
    """The table of calls of a small archive: its measures are those of the records of conversations, and what moved its scores follows from
    the explanations of its utterances."""
    out = os.path.join(folder, "archive")
    run = lambda *words: subprocess.run([AFFECT, *words], check=True, capture_output=True, text=True).stdout
    run("archive", "plan", "tests/data/calls", "--out", out, "--roles", "agent,caller")
    run("archive", "run", out, "--quiet")
    tables, utterances = (os.path.join(out, "run", "*", kind, "*.parquet") for kind in ("calls", "utterances"))
    duck = duckdb.sql(f"select * from '{tables}' order by key")
    rows = [dict(zip(duck.columns, row)) for row in duck.fetchall()]
    (path,) = glob.glob(tables)
    for reader, others in {
        "pyarrow": parquet.read_table(path).to_pylist(),
        "pandas": pandas.read_parquet(path).to_dict("records"),
        "polars": polars.read_parquet(path).to_dicts(),
    }.items():
        assert len(others) == len(rows)
        for a, b in zip(sorted(others, key=lambda r: r["key"]), rows):
            assert a.keys() == b.keys() and all(same(a[k], b[k], False) for k in a), reader
    results = duckdb.sql(f"select stream, label, abstained, explanations from '{utterances}'").fetchall()
    cells = 0
    for row in rows:
        words = ["analyze", os.path.join("tests/data/calls", row["key"]), "--roles", "agent,caller", "--quiet", "--json", "--conversation"]
        (conversation,) = [r for r in map(json.loads, run(*words).splitlines()) if r["schema"].startswith("affect.conversation/")]
        for name, value in conversation["measures"].items():
            assert same(row[name], value, False), (row["key"], name, row[name], value)
            cells += 1
        own = [e for stream, _, abstained, list in results if stream == row["key"] and abstained is None for e in list or []]
        for column in (c for c in row if c.startswith("moved_") and c.endswith("_explained")):
            target = column[len("moved_"):-len("_explained")]
            about = [e for e in own if e["target"] == target]
            assert row[column] == len(about), (row["key"], column)
            for k in range(len(about[0]["groups"]) if about else 0):
                name = about[0]["groups"][k]["name"]
                mean = sum(abs(e["groups"][k]["contribution"]) for e in about) / len(about)
                assert abs(row[f"moved_{target}_by_{name.replace(' ', '_')}"] - mean) < 1e-12, (row["key"], target, name)
                cells += 1
    print(f"calls: {len(rows)} rows, {len(rows[0])} columns equal with pyarrow, pandas, polars, duckdb; {cells} cells equal to what the records say")


def call_document():
    call = "tests/data/calls/call40_185s_2ch_pcm16.wav"
    words = [AFFECT, "analyze", call, "--roles", "agent,caller", "--quiet", "--format", "call-json"]
    document = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    talk = document["ConversationCharacteristics"]["TalkTime"]
    flat = pandas.json_normalize(document["Expressions"])
    print(f"call-json: AGENT {talk['DetailsByParticipant']['AGENT']['TotalTimeMillis']:.0f} ms, {len(flat)} expressions, {flat['Label'].notna().sum()} with a label (pandas)")


def main():
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        captions(folder)
        call_document()
        calls(folder)
        for name, words in RUNS.items():
            table = os.path.join(folder, name + ".parquet")
            run = lambda *more: subprocess.run([AFFECT, *words, *FILES, "--quiet", *more], check=True, capture_output=True, text=True).stdout
            run("--format", "parquet", "--out", table)
            records = [json.loads(line) for line in run("--format", "jsonl").splitlines()]
            features = list(records[0]["features"])
            duck = duckdb.sql(f"select * from '{table}'")
            readers = {
                "pyarrow": parquet.read_table(table).to_pylist(),
                "pandas": pandas.read_parquet(table).to_dict("records"),
                "polars": polars.read_parquet(table).to_dicts(),
                "duckdb": [dict(zip(duck.columns, row)) for row in duck.fetchall()],
            }
            cells = {reader: compare(name, reader, rows, records, features) for reader, rows in readers.items()}
            assert len(set(cells.values())) == 1, cells
            size = os.path.getsize(table)
            print(f"{name}: {len(records)} records, {size} bytes, {next(iter(cells.values()))} cells equal with {', '.join(cells)}", flush=True)
        counted = duckdb.sql(f"select count(*), count(label) from '{os.path.join(folder, 'scores.parquet')}' where role = 'caller'").fetchall()[0]
        print(f"SQL: {counted[0]} utterances of callers, {counted[1]} with a label")


if __name__ == "__main__":
    sys.exit(main())
