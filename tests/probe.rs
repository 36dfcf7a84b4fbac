//! Probes of networks whose content is planted: what they hold, what they use, and what is left when it is erased.

mod common;

use affect::features::catalogue::Group;
use affect::identify::pool::{Heard, Pool, Recording};
use affect::model::engine::Backend;
use affect::model::{Model, Options};
use affect::onnx::build::{int, ints, model, node, value};
use affect::onnx::graph::Dim;
use affect::onnx::proto::{AttributeProto, GraphProto};
use affect::onnx::tensor::{FLOAT, float_tensor, int_tensor};
use affect::probe::encoder::{Encoder, Utterance};
use affect::probe::error::ProbeError;
use affect::probe::findings::{Erasure, Findings, LayerFindings, SCHEMA_JSON, ScoreEffect};
use affect::probe::report;
use affect::probe::settings::Settings;
use affect::probe::study::{Material, Rerun, run};
use affect::probe::track::Track;
use affect::signal::random::Random;
use common::{root, skipped};
use serde_json::Value;
use std::f64::consts::{PI, TAU};
use std::path::Path;
use std::sync::Arc;

/// Samples of a filter, and from one frame to the next.
const KERNEL: usize = 640;
const HOP: i64 = 160;
/// Centre and width of each band, in Hz. The logarithm of the power behind a filter with a Gaussian window is a parabola of the
/// frequency of a tone: that of the first two differs by a linear function of F0, wherever the level is.
const BANDS: [(f64, f64); 22] = [
    (170.0, 30.0),
    (230.0, 30.0),
    (1000.0, 200.0),
    (4000.0, 200.0),
    (450.0, 100.0),
    (650.0, 100.0),
    (1500.0, 100.0),
    (1800.0, 100.0),
    (2100.0, 100.0),
    (2400.0, 100.0),
    (2700.0, 100.0),
    (3000.0, 100.0),
    (3300.0, 100.0),
    (4700.0, 100.0),
    (5000.0, 100.0),
    (5300.0, 100.0),
    (5600.0, 100.0),
    (5900.0, 100.0),
    (6200.0, 100.0),
    (6500.0, 100.0),
    (6800.0, 100.0),
    (7100.0, 100.0),
];

/// Solves `a x = b` by elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let p = (k..n).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs())).unwrap();
        a.swap(k, p);
        b.swap(k, p);
        for i in k + 1..n {
            let f = a[i][k] / a[k][k];
            for j in k..n {
                a[i][j] -= f * a[k][j];
            }
            b[i] -= f * b[k];
        }
    }
    for k in (0..n).rev() {
        b[k] = (b[k] - (k + 1..n).map(|j| a[k][j] * b[j]).sum::<f64>()) / a[k][k];
    }
    b
}

/// Attributes of a convolution without anything around the samples.
fn convolution(step: i64) -> Vec<AttributeProto> {
    [("strides", vec![step]), ("pads", vec![0, 0]), ("dilations", vec![1])].map(|(n, v)| ints(n, v)).to_vec()
}

/// A network that hears logarithmic powers of bands, mixes them into one layer, and scores the difference of the bands at 4 and at 1 kHz
/// alone: the spectral tilt, whatever F0 is.
fn planted(random: &mut Random) -> Vec<u8> {
    let n = BANDS.len();
    let mut kernels = Vec::new();
    for (centre, width) in BANDS {
        for phase in [0.0, -PI / 2.0] {
            for k in 0..KERNEL {
                let t = (k as f64 - KERNEL as f64 / 2.0) / 16_000.0;
                let window = (-0.5 * (TAU * width * t).powi(2)).exp() * width / 100.0;
                kernels.push((window * (TAU * centre * t + phase).cos()) as f32);
            }
        }
    }
    let mut pairs = vec![0.0f32; 2 * n * n];
    (0..n).for_each(|b| [2 * b, 2 * b + 1].into_iter().for_each(|k| pairs[2 * n * b + k] = 1.0));
    let mix: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j)) + 0.3 * random.normal()).collect()).collect();
    // Weights of the mixed channels that give the difference of two bands back.
    let wanted: Vec<f64> = (0..n).map(|b| [0.0, 0.0, -0.2, 0.2].get(b).copied().unwrap_or(0.0)).collect();
    let head = solve((0..n).map(|i| (0..n).map(|o| mix[o][i]).collect()).collect(), wanted);
    let flat = |m: &[Vec<f64>]| m.iter().flatten().map(|v| *v as f32).collect::<Vec<_>>();
    let two: Vec<f32> = head.iter().flat_map(|v| [*v as f32, -*v as f32]).collect();
    let (b, d) = (n as i64, Dim::Named("samples".into()));
    let graph = GraphProto {
        node: vec![
            node("Unsqueeze", &["x", "one"], &["wave"], vec![]),
            node("Conv", &["wave", "kernels"], &["filtered"], convolution(HOP)),
            node("Mul", &["filtered", "filtered"], &["squares"], vec![]),
            node("Conv", &["squares", "pairs"], &["power"], convolution(1)),
            node("Abs", &["power"], &["positive"], vec![]),
            node("Add", &["positive", "small"], &["floored"], vec![]),
            node("Log", &["floored"], &["logarithm"], vec![]),
            node("Conv", &["logarithm", "mix"], &["mixed"], convolution(1)),
            node("Transpose", &["mixed"], &["layer"], vec![ints("perm", vec![0, 2, 1])]),
            node("ReduceMean", &["layer"], &["pooled"], vec![ints("axes", vec![1]), int("keepdims", 0)]),
            node("MatMul", &["pooled", "head"], &["logits"], vec![]),
        ],
        initializer: vec![
            int_tensor("one", &[1]),
            float_tensor("kernels", &[2 * b, 1, KERNEL as i64], &kernels),
            float_tensor("pairs", &[b, 2 * b, 1], &pairs),
            float_tensor("small", &[], &[1e-9]),
            float_tensor("mix", &[b, b, 1], &flat(&mix)),
            float_tensor("head", &[b, 2], &two),
        ],
        input: vec![value("x", FLOAT, Some(&[Dim::Fixed(1), d]))],
        output: vec![value("logits", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(2)]))],
        ..GraphProto::default()
    };
    model(graph, &[("", 17)], &[])
}

/// Frequencies at which tones have resonances or gaps of their own, in Hz: bands that say nothing of F0 and tilt.
const COLOURED: [f64; 18] = [
    450.0, 650.0, 1500.0, 1800.0, 2100.0, 2400.0, 2700.0, 3000.0, 3300.0, 4700.0, 5000.0, 5300.0, 5600.0, 5900.0,
    6200.0, 6500.0, 6800.0, 7100.0,
];

/// A harmonic tone of this F0 and spectral tilt in dB per octave, of random level and colour.
fn tone(f0: f64, tilt: f64, random: &mut Random) -> Vec<f32> {
    let gain = 0.1 * 10f64.powf(0.6 * (random.uniform() - 0.5));
    let colours = COLOURED.map(|f| (f, 6.0 * random.normal()));
    let colour = |f: f64| colours.iter().map(|(at, db)| db * (-((f - at) / 100.0).powi(2)).exp()).sum::<f64>();
    let harmonics: Vec<(f64, f64, f64)> = (1..)
        .map(|h| f64::from(h) * f0)
        .take_while(|f| *f < 7_800.0)
        .map(|f| (f, gain * 10f64.powf((colour(f) - tilt * (f / f0).log2()) / 20.0), TAU * random.uniform()))
        .collect();
    (0..4_800)
        .map(|k| {
            let t = f64::from(k) / 16_000.0;
            let sum: f64 = harmonics.iter().map(|(f, a, p)| a * (TAU * f * t + p).sin()).sum();
            (sum + 1e-5 * random.normal()) as f32
        })
        .collect()
}

/// Recordings, their features, and what the networks make of them.
struct World {
    pool: Pool,
    samples: Vec<Vec<f32>>,
    tracks: Vec<Track>,
    times: Vec<Vec<usize>>,
    encoder: Encoder,
    learnt: Vec<Utterance>,
    random: Vec<Utterance>,
}

const NAMES: [(&str, Group); 3] =
    [("f0", Group::Frequency), ("tilt", Group::SpectralBalance), ("nothing", Group::Temporal)];

fn world(seed: u64, speakers: usize, each: usize) -> World {
    let mut r = Random(seed.wrapping_mul(7919) + 1);
    let options = Options { backend: Backend::Rten, ..Options::default() };
    let model = Arc::new(Model::open(planted(&mut r), None, &options).unwrap());
    let encoder = Encoder::new(model).unwrap();
    let other = encoder.redrawn(seed).unwrap();
    let mut pool = Pool {
        feature_set: ("planted".into(), "1".into()),
        names: NAMES.iter().map(|n| n.0.to_owned()).collect(),
        groups: NAMES.iter().map(|n| n.1).collect(),
        level_dependent: vec![false; NAMES.len()],
        ..Pool::default()
    };
    let mut heard = Heard { condition: "clean".into(), ..Heard::default() };
    let (mut samples, mut tracks, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for speaker in 0..speakers {
        for k in 0..each {
            let (f0, tilt) = (180.0 + 40.0 * r.uniform(), 3.0 + 6.0 * r.uniform());
            let steep = tilt + 0.5 * r.normal() > 6.0;
            samples.push(tone(f0, tilt, &mut r));
            let row = [f0, tilt, r.normal()].map(|v| Some(v as f32)).to_vec();
            tracks.push(Track { first: 240, frames: vec![row.clone(); 28] });
            times.push(vec![800, 2_400, 4_000]);
            heard.values.push(row);
            heard.speech_s.push(0.3);
            pool.recordings.push(Recording {
                file: format!("{speaker}-{k}"),
                corpus: "planted".into(),
                speaker: format!("s{speaker}"),
                label: if steep { "steep" } else { "flat" }.into(),
                audio: format!("{speaker}-{k}"),
                ..Recording::default()
            });
        }
    }
    pool.heard.push(heard);
    let all = |e: &Encoder| samples.iter().zip(&times).map(|(s, t)| e.utterance(s, t).unwrap()).collect::<Vec<_>>();
    let (learnt, random) = (all(&encoder), all(&other));
    World { pool, samples, tracks, times, encoder, learnt, random }
}

impl World {
    fn probe(&self, settings: &Settings) -> Result<Findings, ProbeError> {
        let descriptors = NAMES.map(|n| (n.0.to_owned(), n.1.name().to_owned()));
        let samples = |i: usize| Ok(self.samples[i].clone());
        let material = Material {
            pool: &self.pool,
            learnt: &self.learnt,
            random: &self.random,
            times: &self.times,
            tracks: &self.tracks,
            descriptors: &descriptors,
            rerun: Rerun { encoder: &self.encoder, samples: &samples },
        };
        run(&material, settings, &|_, _, _| true)
    }
}

fn last(f: &Findings) -> &LayerFindings {
    f.layers.iter().rfind(|l| l.name == "hidden-0").unwrap()
}

fn erased<'a>(l: &'a LayerFindings, name: &str) -> &'a Erasure {
    l.erased.iter().find(|e| e.name == name).unwrap()
}

fn settings() -> Settings {
    // In so few channels a random direction may happen to be the one that is used: many are drawn.
    Settings { draws: 200, shuffles: 1, score_recordings: 20, score_erasures: 99, ..Settings::default() }
}

/// What one run says of the layer that holds F0 and tilt: whether each is held, and used by the score.
#[derive(Debug, Default)]
struct Said {
    held: [bool; 3],
    used: [bool; 3],
    r2: [f64; 3],
    loss: [f64; 3],
    left: f64,
}

fn said(f: &Findings) -> Said {
    let l = last(f);
    let mut out = Said { left: f64::MIN, ..Said::default() };
    for (k, (name, group)) in NAMES.iter().enumerate() {
        let content = l.features.iter().find(|c| c.name == *name).unwrap();
        let e = erased(l, group.name());
        let effect = e.score.effect().unwrap_or_else(|| panic!("{:?}", e.score));
        (out.held[k], out.r2[k]) = (content.held, content.r2.value);
        (out.used[k], out.loss[k]) = (effect.used, effect.loss);
        if k < 2 {
            // What is not held cannot be left.
            out.left = out.left.max(e.left);
        }
    }
    out
}

/// F0 and tilt are held, tilt alone is used: in nearly all runs. `AFFECT_PROBE_RUNS=100` for the hundred of `docs/probe.md`.
#[test]
fn planted_content_is_found_and_only_what_is_used_is_used() {
    let runs: u64 = std::env::var("AFFECT_PROBE_RUNS").ok().and_then(|v| v.parse().ok()).unwrap_or(4);
    let (mut right, mut by_chance, mut least, mut most, mut left) = (0, 0, [1.0f64; 2], 0.0f64, f64::MIN);
    for seed in 0..runs {
        let found = said(&world(seed, 10, 30).probe(&Settings { seed, ..settings() }).unwrap());
        let good = found.held[0] && found.held[1] && found.used[1] && !found.used[0];
        right += u64::from(good);
        by_chance += u64::from(found.held[2] || found.used[2]);
        least = [least[0].min(found.r2[0]), least[1].min(found.r2[1])];
        most = most.max(found.loss[0]);
        left = left.max(found.left);
        if !good {
            println!("run {seed}: {found:?}");
        }
    }
    println!(
        "{right} of {runs} runs right; least R² {least:?}, largest loss by F0 {most:.4}, what is nothing held or used {by_chance} \
         times, largest R² left {left:.4}"
    );
    assert!(100 * right >= 99 * runs, "{right} of {runs}");
    assert!(left <= 0.01, "{left}");
}

#[test]
fn findings_are_valid_and_make_a_page() {
    let w = world(3, 6, 6);
    let f = w.probe(&Settings { features: vec!["tilt".into()], ..settings() }).unwrap();
    let names: Vec<&str> = f.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["convolution-1", "hidden-0"]);
    let l = last(&f);
    assert_eq!((l.channels, l.step_ms), (BANDS.len(), 10.0));
    // The single feature of a group is the group.
    let [group, single] = [Group::SpectralBalance.name(), "tilt"].map(|n| erased(l, n));
    assert!((group.readout.loss - single.readout.loss).abs() < 1e-12 && group.rank == 1, "{group:?} {single:?}");
    // Convolutions are not among the layers from which the score is asked.
    assert!(
        f.layers[0].erased.iter().all(|e| matches!(&e.score, ScoreEffect::NotRun { why } if why.contains("not among")))
    );
    // Descriptors stand still in every tone: frames tell what utterances tell.
    assert!(l.descriptors[0].r2.value > 0.9 && l.descriptors[2].r2.value < 0.1, "{:?}", l.descriptors);
    let json = serde_json::to_value(&f).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA_JSON).unwrap()).unwrap();
    if let Err(e) = validator.validate(&json) {
        panic!("{e} at {}", e.instance_path);
    }
    for (pointer, wrong) in [
        ("/schema", Value::from("affect.probe/2")),
        ("/layers", Value::Array(Vec::new())),
        ("/layers/0/name", Value::from("layer")),
        ("/layers/1/features/0/r2", Value::from(0.5)),
        ("/layers/1/erased/0/score/status", Value::from("perhaps")),
        ("/model/sha256", Value::from("x")),
    ] {
        let mut bad = json.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
    let html = report::page(&f).unwrap();
    for what in
        ["hidden-0", "random weights", "<svg", Group::SpectralBalance.name(), "no claims about what anybody feels"]
    {
        assert!(html.contains(what), "{what}");
    }
    // The same again, to the last byte; and with another seed something else.
    assert_eq!(
        serde_json::to_value(w.probe(&Settings { features: vec!["tilt".into()], ..settings() }).unwrap()).unwrap(),
        json
    );
}

#[test]
fn what_cannot_be_probed_is_refused() {
    let options = Options { backend: Backend::Rten, ..Options::default() };
    let features = Model::open(affect::model::DEFAULT.to_vec(), None, &Options::default()).unwrap();
    let e = Encoder::new(Arc::new(features)).unwrap_err();
    assert_eq!(e, ProbeError::TakesFeatures);
    assert!(e.to_string().contains("expected a waveform model"), "{e}");
    // A convolution over all samples at once: no frames.
    let n = 2_000;
    let graph = GraphProto {
        node: vec![
            node("Unsqueeze", &["x", "one"], &["wave"], vec![]),
            node("Conv", &["wave", "k"], &["y"], convolution(1)),
            node("Flatten", &["y"], &["logits"], vec![]),
        ],
        initializer: vec![int_tensor("one", &[1]), float_tensor("k", &[2, 1, n], &vec![0.01; 2 * n as usize])],
        input: vec![value("x", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(n)]))],
        output: vec![value("logits", FLOAT, None)],
        ..GraphProto::default()
    };
    let bare = Model::open(model(graph, &[("", 17)], &[]), None, &options).unwrap();
    assert_eq!(Encoder::new(Arc::new(bare)).unwrap_err(), ProbeError::NoStates);
    let w = world(5, 6, 4);
    let e = w.probe(&Settings { features: vec!["pitch".into()], ..settings() }).unwrap_err();
    assert!(e.to_string().contains("feature \"pitch\": expected one of"), "{e}");
    let mut short = world(5, 6, 4);
    short.learnt.pop();
    assert!(matches!(short.probe(&settings()), Err(ProbeError::Unlike { expected: 24, found: 23, .. })));
    let mut few = world(5, 3, 8);
    few.pool.recordings.truncate(24);
    assert!(few.probe(&settings()).unwrap_err().to_string().contains("3 speakers: expected at least 4"));
}

fn open(name: &str) -> Option<Arc<Model>> {
    let path = root().join("tests/data/waveform").join(name);
    let options = Options { backend: Backend::Rten, ..Options::default() };
    Some(affect::model::pool::open(&path, None, &options).unwrap())
}

/// Means and single frames of every layer, against those of the tensors as the graph gives them one by one.
#[test]
fn states_of_transformers_are_those_of_their_graphs() {
    let hidden = |k: usize| (0..k).map(|k| format!("hidden-{k}"));
    let expected: Vec<String> =
        (1..8).map(|k| format!("convolution-{k}")).chain(["projection".to_owned()]).chain(hidden(4)).collect();
    for name in ["wav2vec2-torchscript-17", "hubert-dynamo-20", "wavlm-torchscript-17", "wav2vec2-prenorm-dynamo-18"] {
        let model = open(name).unwrap();
        let encoder = Encoder::new(model.clone()).unwrap();
        let names: Vec<String> = encoder.layers().iter().map(|l| l.name.clone()).collect();
        assert_eq!(names, expected, "{name}");
        let steps: Vec<usize> = encoder.layers().iter().map(|l| l.step).collect();
        assert_eq!(steps[..7], [5, 10, 20, 40, 80, 160, 320], "{name}");
        let text = std::fs::read_to_string(root().join("tests/data/waveform").join(name).join("vectors.json")).unwrap();
        let about: Value = serde_json::from_str(&text).unwrap();
        for (layer, of) in [(6, "conv_last"), (7, "projection"), (10, "block_mid")] {
            if let Some(tensor) = about["tensors"][of].as_str().filter(|_| of != "projection") {
                assert_eq!(encoder.layers()[layer].tensor, tensor, "{name} {of}");
            }
        }
        let mut r = Random(4);
        let samples: Vec<f32> = (0..9_000).map(|_| 0.1 * r.normal() as f32).collect();
        let found = encoder.utterance(&samples, &[100, 5_000]).unwrap();
        let entered = model.takes_waveform().unwrap().normalised(&samples).into_owned();
        assert_eq!(found.scores.len(), 5);
        for (layer, states) in encoder.layers().iter().zip(&found.layers) {
            let inside = model.inside(Some(&layer.tensor)).unwrap();
            let ran = model.look_inside(&inside, &entered, 0).unwrap();
            let first = ran.shape[1] == layer.channels;
            let frames = ran.shape[if first { 2 } else { 1 }];
            let at = |t: usize, c: usize| {
                f64::from(ran.activations[if first { c * frames + t } else { t * layer.channels + c }])
            };
            for c in 0..layer.channels {
                let mean = (0..frames).map(|t| at(t, c)).sum::<f64>() / frames as f64;
                assert!((f64::from(states.mean[c]) - mean).abs() < 1e-4 * (1.0 + mean.abs()), "{name} {}", layer.name);
                for (n, time) in [100usize, 5_000].into_iter().enumerate() {
                    let own = f64::from(states.frames[n * layer.channels + c]);
                    let there = at(time * frames / 9_000, c);
                    assert!((own - there).abs() < 1e-4 * (1.0 + there.abs()), "{name} {}", layer.name);
                }
            }
        }
        // Other weights, the same layers, other states.
        let other = encoder.redrawn(1).unwrap();
        assert_eq!(other.layers(), encoder.layers());
        assert_ne!(other.utterance(&samples, &[]).unwrap().layers[9].mean, found.layers[9].mean);
    }
}

/// The graph behind every block, given the block's own state, gives the scores of the whole; given another one it gives others.
#[test]
fn graphs_run_on_from_their_layers() {
    for name in [
        "wav2vec2-torchscript-17",
        "hubert-dynamo-20",
        "wavlm-dynamo-20",
        "wav2vec2-prenorm-torchscript-14-mask",
        "int8-torchscript-17",
        "fixed-torchscript-17",
    ] {
        let model = open(name).unwrap();
        let states = model.hidden_states();
        assert!(states.len() > 9, "{name}: {states:?}");
        let samples: Vec<f32> = (0..9_000).map(|k| ((k * 7919 % 1009) as f32 / 1009.0 - 0.5) * 2.0).collect();
        for s in &states {
            let engine = model.states(&[&s.tensor]).unwrap();
            let (scores, mut tensors) = model.look_at_states(&engine, &samples).unwrap();
            let mut state = tensors.pop().unwrap();
            let rest = model.rest(&s.tensor).unwrap();
            let again = model.run_rest(&rest, &samples, &state).unwrap();
            let off = |a: &[f64]| a.iter().zip(&scores).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off(&again) < 1e-4, "{name} {s:?}: {scores:?} {again:?}");
            state.values.iter_mut().step_by(3).for_each(|v| *v = 1.0 - *v);
            assert!(off(&model.run_rest(&rest, &samples, &state).unwrap()) > 1e-5, "{name} {s:?}");
        }
    }
}

/// Real encoders, where somebody has them: `AFFECT_PROBE_MODELS` is a folder of model folders.
#[test]
fn real_sizes_are_laid_open() {
    let Some(folder) = std::env::var_os("AFFECT_PROBE_MODELS") else {
        return skipped("AFFECT_PROBE_MODELS names no folder of models");
    };
    for entry in std::fs::read_dir(Path::new(&folder)).unwrap() {
        let path = entry.unwrap().path();
        let model = affect::model::pool::open(&path, None, &Options::default()).unwrap();
        let encoder = Encoder::new(model).unwrap();
        assert_eq!(encoder.layers().len(), 21, "{}", path.display());
    }
}
