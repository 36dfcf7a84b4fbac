//! Models in which each score rests on one property of a voice alone: graphs of waveforms out of standard operators, and maps of features.
#![allow(dead_code, reason = "each test takes a part")]

use affect::onnx::build::{self, float, int, ints, model};
use affect::onnx::graph::Dim;
use affect::onnx::proto::{GraphProto, NodeProto, TensorProto};
use affect::onnx::tensor::{FLOAT, float_tensor, int_tensor};
use serde_json::json;
use std::f64::consts::{PI, TAU};

/// Scores, each named after the property that it rests on; of the last two one never moves, and one moves without a pattern.
pub const SCORES: [&str; 7] = ["f0", "tilt", "envelope-depth", "level", "rate", "inert", "chaos"];

const RATE: f64 = 16_000.0;
/// Window and step of the spectrum.
const WINDOW: usize = 1024;
const STEP: i64 = 160;
/// Bins of the spectrum that count, up to 4 kHz.
const BINS: usize = 256;
/// Candidates of F0: from 70 to 640 Hz, 36 an octave.
const LOWEST_HZ: f64 = 70.0;
const CANDIDATES: usize = 115;

fn bin_hz(k: usize) -> f64 {
    k as f64 * RATE / WINDOW as f64
}

fn candidate_hz(c: usize) -> f64 {
    LOWEST_HZ * (c as f64 / 36.0).exp2()
}

/// Cosines and sines under a window of Hann: `[2 BINS, 1, WINDOW]`.
fn kernels() -> Vec<f32> {
    let part = |k: usize, sine: bool| {
        (0..WINDOW).map(move |n| {
            let hann = 0.5 - 0.5 * (TAU * n as f64 / WINDOW as f64).cos();
            let phase = TAU * (k * n) as f64 / WINDOW as f64;
            (hann * if sine { phase.sin() } else { phase.cos() } / WINDOW as f64) as f32
        })
    };
    [false, true].into_iter().flat_map(|s| (0..BINS).flat_map(move |k| part(k, s))).collect()
}

/// Weights of bins for every candidate of F0: its harmonics up to 2 kHz, less what lies halfway between them: `[CANDIDATES, BINS]`.
fn comb() -> Vec<f32> {
    let row = |c: usize| {
        let f0 = candidate_hz(c);
        let mut row = vec![0.0f64; BINS];
        for (k, w) in row.iter_mut().enumerate().skip(2) {
            let hz = bin_hz(k);
            if hz > 2000.0 {
                break;
            }
            let order = hz / f0;
            if order > 0.25 {
                *w = (TAU * order).cos() / order.max(1.0).sqrt();
            }
        }
        row.into_iter().map(|w| (w / 64.0) as f32)
    };
    (0..CANDIDATES).flat_map(row).collect()
}

/// A band-pass from 2 to 16 Hz for an envelope with 100 values a second.
fn modulation() -> Vec<f32> {
    const LENGTH: usize = 101;
    let low_pass = |hz: f64, n: f64| if n == 0.0 { 2.0 * hz / 100.0 } else { (TAU * hz * n / 100.0).sin() / (PI * n) };
    (0..LENGTH)
        .map(|i| {
            let n = i as f64 - (LENGTH / 2) as f64;
            let hann = 0.5 + 0.5 * (TAU * n / (LENGTH + 1) as f64).cos();
            (hann * (low_pass(16.0, n) - low_pass(2.0, n))) as f32
        })
        .collect()
}

struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    fn op(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<affect::onnx::proto::AttributeProto>) {
        self.nodes.push(build::node(op, inputs, &[output], attributes));
    }

    fn number(&mut self, name: &str, v: f64) {
        self.constants.push(float_tensor(name, &[1], &[v as f32]));
    }

    fn mean(&mut self, input: &str, output: &str, axes: &str, keep: i64) {
        self.op("ReduceMean", &[input, axes], output, vec![int("keepdims", keep)]);
    }
}

/// The graph of waveforms: input `[1, n]` at 16 kHz, output `[1, 7]` in the order of [`SCORES`].
pub fn waveform() -> Vec<u8> {
    let mut g = Graph { nodes: Vec::new(), constants: Vec::new() };
    for (name, list) in [("channel", &[1i64][..]), ("last", &[2]), ("all", &[1, 2]), ("one", &[1])] {
        g.constants.push(int_tensor(name, list));
    }
    g.constants.push(float_tensor("kernels", &[2 * BINS as i64, 1, WINDOW as i64], &kernels()));
    g.constants.push(float_tensor("comb", &[CANDIDATES as i64, BINS as i64], &comb()));
    let semitones: Vec<f32> = (0..CANDIDATES).map(|c| (12.0 * candidate_hz(c).log2()) as f32).collect();
    g.constants.push(float_tensor("semitones", &[1, CANDIDATES as i64, 1], &semitones));
    let filter = modulation();
    g.constants.push(float_tensor("modulation", &[1, 1, filter.len() as i64], &filter));
    let band = |from: f64, to: f64| -> Vec<f32> {
        (0..BINS).map(|k| f32::from(u8::from((from..to).contains(&bin_hz(k))))).collect()
    };
    g.constants.push(float_tensor("low_band", &[1, BINS as i64, 1], &band(200.0, 1000.0)));
    g.constants.push(float_tensor("high_band", &[1, BINS as i64, 1], &band(1500.0, 4000.0)));
    for (name, v) in [
        ("tiny", 1e-9),
        ("floor", 1e-3),
        ("sharp", 300.0),
        ("decibels", 10.0 / std::f64::consts::LN_10),
        ("nothing", 0.0),
        ("wild", 1e4),
        ("half", 0.5),
    ] {
        g.number(name, v);
    }
    g.op("Unsqueeze", &["wave", "channel"], "x", vec![]);
    g.op("Mul", &["x", "x"], "squares", vec![]);
    g.mean("squares", "power", "last", 1);
    // Level.
    g.op("Add", &["power", "tiny"], "power_above", vec![]);
    g.op("Log", &["power_above"], "log_power", vec![]);
    g.op("Mul", &["log_power", "decibels"], "level", vec![]);
    // Spectrum: two halves of a convolution, squared and added.
    let sliding = |step: i64| {
        vec![ints("strides", vec![step]), ints("pads", vec![0, 0]), ints("dilations", vec![1]), int("group", 1)]
    };
    g.op("Conv", &["x", "kernels"], "parts", sliding(STEP));
    g.op("Mul", &["parts", "parts"], "part_squares", vec![]);
    g.nodes.push(build::node(
        "Split",
        &["part_squares"],
        &["even", "odd"],
        vec![int("axis", 1), int("num_outputs", 2)],
    ));
    g.op("Add", &["even", "odd"], "spectrum", vec![]);
    // Tilt: energy of a high band over that of a low one.
    for (band, sum) in [("low_band", "low"), ("high_band", "high")] {
        g.op("Mul", &["spectrum", band], &format!("{sum}_bins"), vec![]);
        g.mean(&format!("{sum}_bins"), &format!("{sum}_mean"), "all", 1);
        g.op("Add", &[&format!("{sum}_mean"), "tiny_energy"], &format!("{sum}_energy"), vec![]);
        g.op("Log", &[&format!("{sum}_energy")], &format!("{sum}_log"), vec![]);
    }
    g.number("tiny_energy", 1e-14);
    g.op("Sub", &["high_log", "low_log"], "tilt_ln", vec![]);
    g.op("Mul", &["tilt_ln", "decibels"], "tilt", vec![]);
    // F0: which comb fits the amplitudes best, weighed by how loud the frame is.
    g.op("Sqrt", &["spectrum"], "amplitudes", vec![]);
    g.mean("amplitudes", "loudness", "one", 1);
    g.op("Add", &["loudness", "tiny"], "loudness_above", vec![]);
    g.op("Div", &["amplitudes", "loudness_above"], "shares", vec![]);
    // A formant is not all there is.
    g.op("Sqrt", &["shares"], "shape", vec![]);
    g.op("MatMul", &["comb", "shape"], "fit", vec![]);
    g.op("Mul", &["fit", "sharp"], "sharper", vec![]);
    g.op("Softmax", &["sharper"], "share", vec![int("axis", 1)]);
    g.op("Mul", &["share", "semitones"], "share_semitones", vec![]);
    g.op("ReduceSum", &["share_semitones", "one"], "pitch", vec![int("keepdims", 1)]);
    g.op("Mul", &["loudness_above", "loudness_above"], "counts", vec![]);
    g.op("Mul", &["pitch", "counts"], "pitch_loud", vec![]);
    g.mean("pitch_loud", "pitch_mean", "last", 1);
    g.mean("counts", "counts_mean", "last", 1);
    g.op("Div", &["pitch_mean", "counts_mean"], "f0", vec![]);
    // Envelope: relative to the mean power, on a logarithmic axis, between 2 and 16 Hz.
    g.op(
        "AveragePool",
        &["squares"],
        "energy",
        vec![ints("kernel_shape", vec![320]), ints("strides", vec![STEP]), ints("pads", vec![0, 0])],
    );
    g.op("Div", &["energy", "power_above"], "relative", vec![]);
    g.op("Add", &["relative", "floor"], "relative_above", vec![]);
    g.op("Log", &["relative_above"], "envelope", vec![]);
    g.op("Conv", &["envelope", "modulation"], "modulated", sliding(1));
    g.op("Mul", &["modulated", "modulated"], "modulated_squares", vec![]);
    g.mean("modulated_squares", "depth_power", "last", 1);
    g.op("Add", &["depth_power", "tiny"], "depth_above", vec![]);
    g.op("Log", &["depth_above"], "depth_ln", vec![]);
    g.op("Mul", &["depth_ln", "decibels"], "envelope-depth", vec![]);
    // Rate: how fast the envelope goes from side to side of its mean, whatever its depth.
    g.constants.push(int_tensor("begin", &[0]));
    g.constants.push(int_tensor("second", &[1]));
    g.constants.push(int_tensor("end", &[i64::MAX]));
    g.constants.push(int_tensor("but_last", &[-1]));
    g.op("Sqrt", &["depth_above"], "depth", vec![]);
    g.op("Div", &["modulated", "depth"], "modulated_evenly", vec![]);
    g.op("Tanh", &["modulated_evenly"], "side", vec![]);
    g.op("Slice", &["side", "second", "end", "last"], "next_side", vec![]);
    g.op("Slice", &["side", "begin", "but_last", "last"], "this_side", vec![]);
    g.op("Sub", &["next_side", "this_side"], "turn", vec![]);
    g.op("Abs", &["turn"], "crossing", vec![]);
    g.op("Mul", &["crossing", "half"], "crossings", vec![]);
    g.mean("crossings", "crossing_share", "last", 1);
    g.number("frames_a_second", 100.0);
    g.op("Mul", &["crossing_share", "frames_a_second"], "rate", vec![]);
    // Nothing, and anything.
    g.op("Mul", &["level", "nothing"], "inert", vec![]);
    g.op("Mul", &["log_power", "wild"], "wildly", vec![]);
    g.op("Sin", &["wildly"], "chaos", vec![]);
    g.op("Concat", &SCORES, "together", vec![int("axis", 1)]);
    g.op("Squeeze", &["together", "last"], "scores", vec![]);
    let graph = GraphProto {
        name: "planted".to_owned(),
        node: g.nodes,
        initializer: g.constants,
        input: vec![build::value("wave", FLOAT, Some(&[Dim::Fixed(1), Dim::Named("time".to_owned())]))],
        output: vec![build::value("scores", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(SCORES.len() as i64)]))],
        ..GraphProto::default()
    };
    model(graph, &[("", 18)], &[])
}

/// Its card.
pub fn waveform_card() -> String {
    json!({
        "format": "affect.card/1", "id": "planted-waveform", "version": "1",
        "input": {"kind": "waveform", "name": "wave", "rate_hz": 16000, "min_s": 1.3},
        "outputs": [{"name": "scores", "kind": "dimensions", "labels": SCORES}],
    })
    .to_string()
}

/// Features that scores of [`features`] rest on, in the order of [`SCORES`]; the last two rest on none.
pub const FEATURES: [&str; 5] = [
    "F0semitoneFrom27.5Hz_median",
    "slope80-5000_dBPerOct_voicedMedian",
    "modulation4-8Hz_dB",
    "level_dBFS_equivalent",
    "voicedStretchesPerSec",
];

/// A map of features: every score is one feature, the last but one is nothing, and the last one a large multiple of all, folded.
pub fn features() -> Vec<u8> {
    let n = FEATURES.len() as i64;
    let weights: Vec<f32> = (0..n).flat_map(|i| (0..n + 1).map(move |k| f32::from(u8::from(i == k)))).collect();
    let nodes = vec![
        build::node("Gemm", &["row", "weights"], &["plain"], vec![float("alpha", 1.0)]),
        build::node("MatMul", &["row", "many"], &["mixed"], vec![]),
        build::node("Sin", &["mixed"], &["folded"], vec![]),
        build::node("Concat", &["plain", "folded"], &["scores"], vec![int("axis", 1)]),
    ];
    let row =
        |name: &str, width: i64| build::value(name, FLOAT, Some(&[Dim::Named("rows".to_owned()), Dim::Fixed(width)]));
    let graph = GraphProto {
        name: "planted".to_owned(),
        node: nodes,
        initializer: vec![
            float_tensor("weights", &[n, n + 1], &weights),
            float_tensor("many", &[n, 1], &[901.0, 803.0, 707.0, 601.0, 509.0]),
        ],
        input: vec![row("row", n)],
        output: vec![row("scores", n + 2)],
        ..GraphProto::default()
    };
    model(graph, &[("", 18)], &[])
}

/// Its card.
pub fn features_card() -> String {
    let background: Vec<Vec<f64>> = vec![vec![35.0, -6.0, -7.0, -20.0, 3.0], vec![30.0, -8.0, -6.0, -25.0, 3.5]];
    json!({
        "format": "affect.card/1", "id": "planted-features", "version": "1",
        "input": {"kind": "features", "name": "row", "feature_set": "affect-v1",
            "feature_set_version": affect::analyzer::FeatureSet::AffectV1.version(), "features": FEATURES},
        "outputs": [{"name": "scores", "kind": "dimensions", "labels": SCORES}],
        "normaliser": {"kind": "none"},
        "background": background,
    })
    .to_string()
}
