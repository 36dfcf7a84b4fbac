//! Waveform models as exporters leave them, and the attributions of each: by folder, with every engine, against what PyTorch
//! computes in float64 (`scripts/waveform-models`).

mod common;

use affect::explain::frames::{Frames, occlusion};
use affect::explain::gradient::Rule;
use affect::explain::layout::{Layout, layout};
use affect::model::card::{Input, OutputKind, WaveformNormalisation};
use affect::model::engine::Backend;
use affect::model::{Model, Options, library, pool};
use common::{root, shared};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of the largest value.
const GRADIENTS: f64 = 2e-5;
const OCCLUSION: f64 = 2e-4;

fn engines() -> Vec<Backend> {
    let mut list = vec![Backend::Rten];
    if library::find(None).is_some() {
        list.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    list
}

fn open(path: &Path, backend: Backend) -> Result<Arc<Model>, String> {
    pool::open(path, None, &Options { backend, ..Options::default() }).map_err(|e| e.to_string())
}

fn folder(name: &str) -> PathBuf {
    root().join("tests/data/waveform").join(name)
}

/// Numbers of a file of NumPy's, one row.
fn npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[..header]).contains("<f4"), "{}", path.display());
    bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn wide(list: &[f32]) -> Vec<f64> {
    list.iter().map(|v| f64::from(*v)).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare with");
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance * largest, "{what}: off by {:.1e} of the largest value", worst / largest);
}

const WITH_VECTORS: [&str; 8] = [
    "wav2vec2-torchscript-17",
    "wav2vec2-dynamo-23",
    "wav2vec2-prenorm-dynamo-18",
    "hubert-torchscript-16",
    "hubert-dynamo-20",
    "wavlm-torchscript-17",
    "wavlm-dynamo-20",
    "dimensions-torchscript-14",
];

/// One model's vectors, by name.
struct Vectors {
    folder: PathBuf,
    about: Value,
}

impl Vectors {
    fn open(name: &str) -> Self {
        let folder = folder(name);
        let text = std::fs::read_to_string(folder.join("vectors.json")).unwrap();
        Self { folder, about: serde_json::from_str(&text).unwrap() }
    }

    fn array(&self, name: &str) -> Vec<f32> {
        npy(&self.folder.join(format!("{name}.npy")))
    }

    fn target(&self) -> usize {
        self.about["target"].as_u64().unwrap() as usize
    }

    fn layers(&self) -> Vec<(String, String)> {
        let list = self.about["tensors"].as_object().unwrap();
        list.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect()
    }
}

fn attributions(name: &str, backend: Backend) {
    let v = Vectors::open(name);
    let model = open(&v.folder, backend).unwrap_or_else(|e| panic!("{name} on {backend}: {e}"));
    let (x, target) = (v.array("x"), v.target());
    let what = |of: &str| format!("{name} on {backend}: {of}");
    close(&model.entered(&x).unwrap(), &wide(&v.array("output")), 1e-5, &what("output"));
    let frames = Frames::new(&model, None).unwrap_or_else(|e| panic!("{}", what(&e.to_string())));
    let found = frames.gradient(&x, target).unwrap();
    assert_eq!(found.shape, [1, x.len()]);
    close(&found.attribution.values, &wide(&v.array("gradient_waveform")), GRADIENTS, &what("gradient"));
    let found = frames.integrated(&x, &v.array("baseline"), target, Rule::GaussLegendre, 32).unwrap();
    close(&found.attribution.values, &wide(&v.array("integrated_gradients")), GRADIENTS, &what("integrated gradients"));
    let a = &found.attribution;
    let sum: f64 = a.values.iter().sum();
    assert!((a.base + sum + a.residual.unwrap() - a.output).abs() < 1e-9, "{}", what("residual"));
    let layers = v.layers();
    assert!(layers.len() >= 3, "{}", what("layers"));
    for (layer, tensor) in layers {
        let frames = Frames::new(&model, Some(&tensor)).unwrap_or_else(|e| panic!("{}", what(&e.to_string())));
        let found = frames.gradient(&x, target).unwrap();
        let gradient = wide(&v.array(&format!("gradient_{layer}")));
        close(&found.attribution.values, &gradient, GRADIENTS, &what(&format!("gradient at {layer}")));
        let signed = frames.grad_cam(&x, target, true).unwrap();
        let expected = wide(&v.array(&format!("grad_cam_{layer}")));
        close(&signed.attribution.values, &expected, GRADIENTS, &what(&format!("Grad-CAM at {layer}")));
        let cut = frames.grad_cam(&x, target, false).unwrap().attribution.values;
        assert!(cut.iter().zip(&signed.attribution.values).all(|(c, s)| *c == s.max(0.0)));
        let arranged = if layer == "conv_last" { Layout::ChannelsByFrames } else { Layout::FramesByChannels };
        assert_eq!(signed.layout, Some(arranged), "{}", what(&layer));
    }
    let segment = (v.about["segment_ms"].as_f64().unwrap() * 16.0) as usize;
    let found = occlusion(&model, &x, target, segment).unwrap();
    close(&found.attribution.values, &wide(&v.array("occlusion")), OCCLUSION, &what("occlusion"));
}

#[test]
fn attributions_agree_with_pytorch() {
    for name in WITH_VECTORS {
        for backend in engines() {
            attributions(name, backend);
        }
    }
}

/// The reference models without a card: whatever goes in is a waveform as it enters the graph.
#[test]
fn reference_vectors_of_bare_graphs() {
    let Some(reference) = shared("reference/attribution") else { return };
    for name in ["w2v_postnorm", "w2v_prenorm", "w2v_hubert"] {
        let text = std::fs::read_to_string(reference.join(name).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let bytes = |file: String| std::fs::read(reference.join(name).join(file)).unwrap();
        let narrow = |file: String| -> Vec<f32> {
            bytes(file).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let double = |file: String| -> Vec<f64> {
            bytes(file).chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let tensors = manifest["meta"]["tensor_names"]["model.onnx"].as_object().unwrap();
        for backend in engines() {
            let model = open(&reference.join(name).join("model.onnx"), backend).unwrap();
            let input = Frames::new(&model, None).unwrap();
            for case in 0..2 {
                let of = |what: &str| format!("case{case}_{what}");
                let what = |of: &str| format!("{name} on {backend}, case {case}: {of}");
                let x = narrow(of("x.f32"));
                let target = manifest["meta"][of("target")].as_u64().unwrap() as usize;
                close(&model.entered(&x).unwrap(), &double(of("logits.f64")), 1e-5, &what("logits"));
                let found = input.gradient(&x, target).unwrap().attribution.values;
                close(&found, &double(of("grad_waveform.f64")), GRADIENTS, &what("gradient"));
                for layer in ["conv_last", "projection", "block_mid", "block_last", "encoder_out"] {
                    let frames = Frames::new(&model, tensors[layer].as_str()).unwrap();
                    let found = frames.gradient(&x, target).unwrap().attribution.values;
                    close(&found, &double(of(&format!("grad_{layer}.f64"))), GRADIENTS, &what(layer));
                    for (signed, file) in [(true, "gradcam_raw"), (false, "gradcam")] {
                        let expected = double(of(&format!("{file}_{layer}.f64")));
                        let found = frames.grad_cam(&x, target, signed).unwrap().attribution.values;
                        if expected.iter().any(|v| *v != 0.0) {
                            close(&found, &expected, GRADIENTS, &what(&format!("{file} at {layer}")));
                        } else {
                            assert!(found.iter().all(|v| v.abs() < 1e-9), "{}", what("nothing is left"));
                        }
                    }
                }
                let baseline = narrow(of("ig_noise_baseline.f32"));
                let found = input.integrated(&x, &baseline, target, Rule::GaussLegendre, 32).unwrap();
                close(&found.attribution.values, &double(of("ig_noise.f64")), GRADIENTS, &what("integrated gradients"));
                let found = occlusion(&model, &x, target, 1600).unwrap().attribution.values;
                close(&found, &double(of("occlusion_100ms.f64")), OCCLUSION, &what("occlusion"));
            }
        }
    }
}

/// What `config.json` and `preprocessor_config.json` say becomes the card; weights outside, halves, masks and fixed lengths are no
/// hindrance, and all variants of one model give its scores.
#[test]
fn folders_are_understood_without_a_card() {
    let labels = ["anger", "happiness", "neutral", "sadness", "surprise"];
    for backend in engines() {
        let plain = open(&folder("wav2vec2-torchscript-17"), backend).unwrap();
        let x: Vec<f32> = (0..9000).map(|k| 0.1 * (k as f32 * 0.11).sin() + 0.02 * (k as f32 * 1.7).cos()).collect();
        let expected = plain.waveform(&x).unwrap();
        let card = plain.card().unwrap();
        assert_eq!(card.id, "wav2vec2-torchscript-17");
        assert_eq!((plain.kind(), plain.labels()), (OutputKind::Logits, &labels.map(str::to_owned)[..]));
        let Input::Waveform { normalisation, min_s, longest_s, .. } = &card.input else { panic!("a waveform") };
        // 400 samples are one frame of the seven convolutions.
        assert_eq!((*normalisation, *min_s), (WaveformNormalisation::ZeroMeanUnitVariance, 400.0 / 16_000.0));
        assert_eq!(*longest_s, Some(20.0));
        for (name, tolerance) in [
            ("external-torchscript-17", 1e-6),
            ("fixed-torchscript-17", 1e-5),
            ("float16-weights-torchscript-17", 2e-3),
            ("float16-torchscript-17", 2e-3),
            ("int8-torchscript-17", 0.1),
            ("wav2vec2-dynamo-23", 1e-5),
        ] {
            let model = open(&folder(name), backend).unwrap_or_else(|e| panic!("{name} on {backend}: {e}"));
            assert_eq!(model.labels(), plain.labels(), "{name}");
            close(&model.waveform(&x).unwrap(), &expected, tolerance, &format!("{name} on {backend}"));
        }
        let masked = open(&folder("wav2vec2-prenorm-torchscript-14-mask"), backend).unwrap();
        assert_eq!(masked.waveform(&x).unwrap().len(), 5);
    }
}

/// Two of the three contracts beside the classifiers: dimensions from `signal`, and encoders without a head.
#[test]
fn dimensions_and_encoders() {
    use affect::analyzer::{Analyzer, Config, Output, Scorer, ScoringConfig, Segmentation};
    use affect::signal::samples::Samples;
    for backend in engines() {
        let model = open(&folder("dimensions-torchscript-14"), backend).unwrap();
        let names = ["arousal", "dominance", "valence"].map(str::to_owned);
        assert_eq!((model.kind(), model.labels(), model.input()), (OutputKind::Dimensions, &names[..], "signal"));
        let encoder = open(&folder("encoder-dynamo-18"), backend).unwrap();
        assert_eq!((encoder.kind(), encoder.labels().len()), (OutputKind::HiddenStates, 0));
        let x: Vec<f32> = (0..16_000).map(|k| 0.1 * (k as f32 * 0.11).sin() + 0.02 * (k as f32 * 1.7).cos()).collect();
        // 49 frames of 24 states a second.
        assert_eq!(encoder.waveform(&x).unwrap().len(), 49 * 24);
        for (model, scored) in [(model, true), (encoder, false)] {
            let scorer = Scorer::new(model, ScoringConfig::default()).unwrap();
            let config =
                Config { segmentation: Segmentation::File, scorer: Some(Arc::new(scorer)), ..Config::default() };
            let mut a = Analyzer::new(config, 16_000, 1).unwrap();
            let mut found = Vec::new();
            let mut take = |o: Output<'_>| {
                if let Output::Segment(r) = o {
                    found.push(r.scored.unwrap().emotion);
                }
            };
            // Speech, so that the model is asked.
            let (speech, _, rate) = common::wav(&root().join("tests/data/emodb/03a01Nc.wav"));
            assert_eq!(rate, 16_000);
            let speech: Vec<f32> = speech.iter().map(|v| f32::from(*v) / 32_768.0).collect();
            a.push(&Samples::f32(&speech, 1).unwrap(), &mut take).unwrap();
            a.finish(&mut take);
            assert_eq!(found.len(), 1);
            if scored {
                assert_eq!((found[0].dimensions.len(), &found[0].abstained), (3, &None));
            } else {
                assert!(found[0].dimensions.is_empty() && found[0].probabilities.is_empty());
                assert!(found[0].abstained.as_ref().unwrap().contains("hidden states"), "{:?}", found[0].abstained);
                assert!(!found[0].failed);
            }
        }
    }
}

/// An utterance longer than what goes in is the mean over windows, half over one another or more; a shorter one is filled up with
/// zeros where the graph takes one length.
#[test]
fn windows_of_long_utterances() {
    let x: Vec<f32> =
        (0..21_000).map(|k| 0.1 * (k as f32 * 0.11).sin() + 0.05 * (k as f32 * 1.7 + k as f32 / 900.0).cos()).collect();
    for backend in engines() {
        let free = open(&folder("wav2vec2-torchscript-17"), backend).unwrap();
        let fixed = open(&folder("fixed-torchscript-17"), backend).unwrap();
        let way = free.takes_waveform().unwrap();
        assert_eq!(fixed.takes_waveform().unwrap().exactly(), Some(9000));
        let normal = way.normalised(&x);
        // 12 000 samples more than one window, steps of at most 4 500: four windows.
        let starts = [0usize, 4000, 8000, 12_000];
        let mut mean = vec![0.0; 5];
        for from in starts {
            let scores = free.entered(&normal[from..from + 9000]).unwrap();
            mean.iter_mut().zip(scores).for_each(|(m, s)| *m += s / starts.len() as f64);
        }
        close(&fixed.waveform(&x).unwrap(), &mean, 1e-5, "mean over windows");
        let short = way.normalised(&x[..5000]);
        let filled: Vec<f32> = short.iter().copied().chain(std::iter::repeat_n(0.0, 4000)).collect();
        close(&fixed.waveform(&x[..5000]).unwrap(), &free.entered(&filled).unwrap(), 1e-5, "filled up");
    }
}

/// The layout is found for fixed lengths too.
#[test]
fn layouts_of_fixed_graphs() {
    let v = Vectors::open("wav2vec2-torchscript-17");
    let x: Vec<f32> = v.array("x").iter().copied().cycle().take(9000).collect();
    for backend in engines() {
        let model = open(&folder("fixed-torchscript-17"), backend).unwrap();
        for (layer, tensor) in v.layers() {
            let inside = model.inside(Some(&tensor)).unwrap_or_else(|e| panic!("{layer}: {e}"));
            let ran = model.look_inside(&inside, &x, 0).unwrap();
            let expected = if layer == "conv_last" { Layout::ChannelsByFrames } else { Layout::FramesByChannels };
            assert_eq!(layout(&model, &inside, &x, &ran.shape).unwrap(), expected, "{layer}");
        }
    }
}

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let k = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("affect-waveform-{}-{k}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A copy of a folder, with a change to one of its files.
fn changed(name: &str, file: &str, change: impl Fn(&mut Value)) -> Scratch {
    let dir = Scratch::new();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.0.join(path.file_name().unwrap())).unwrap();
    }
    let path = dir.0.join(file);
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
    dir
}

/// What is not supported is refused at load, with what was expected and what came.
#[test]
fn unsupported_folders_are_refused() {
    use serde_json::json;
    type Change = fn(&mut Value);
    let wrong: [(&str, Change, [&str; 2]); 7] = [
        ("preprocessor_config.json", |v| v["sampling_rate"] = json!(8000), ["16000", "8000"]),
        (
            "preprocessor_config.json",
            |v| drop(v.as_object_mut().unwrap().remove("do_normalize")),
            ["do_normalize", "true or false"],
        ),
        ("preprocessor_config.json", |v| v["feature_size"] = json!(80), ["a waveform", "80"]),
        ("config.json", |v| drop(v.as_object_mut().unwrap().remove("id2label")), ["id2label", "--model-card"]),
        ("config.json", |v| drop(v["id2label"].as_object_mut().unwrap().remove("4")), ["5", "4"]),
        ("config.json", |v| v["problem_type"] = json!("multi_label_classification"), ["regression", "multi_label"]),
        ("config.json", |v| v["id2label"]["7"] = json!("calm"), ["names for 0 to 5", "calm"]),
    ];
    for (file, change, words) in wrong {
        let dir = changed("wav2vec2-dynamo-23", file, change);
        let e = open(&dir.0, Backend::Rten).expect_err(words[0]);
        assert!(words.iter().all(|w| e.contains(w)), "{e}");
    }
    let dir = changed("external-torchscript-17", "config.json", |_| {});
    std::fs::remove_file(dir.0.join("model.onnx_data")).unwrap();
    let e = open(&dir.0, Backend::Rten).unwrap_err();
    assert!(e.contains("model.onnx_data"), "{e}");
    std::fs::write(dir.0.join("model.onnx_data"), [0; 100]).unwrap();
    let e = open(&dir.0, Backend::Rten).unwrap_err();
    assert!(e.contains("model.onnx_data") && e.contains("100"), "{e}");
    // From bytes alone the weights cannot be found, and that is said.
    let bytes = std::fs::read(folder("external-torchscript-17").join("model.onnx")).unwrap();
    let e = Model::open(bytes, None, &Options::default()).unwrap_err().to_string();
    assert!(e.contains("another file"), "{e}");
    let dir = Scratch::new();
    assert!(open(&dir.0, Backend::Rten).unwrap_err().contains("model.onnx"));
}

/// Dynamic int8 has scores and no gradient: the operators are named, and occlusion works.
#[test]
fn int8_is_scored_and_explained_by_occlusion() {
    for backend in engines() {
        let model = open(&folder("int8-torchscript-17"), backend).unwrap();
        let e = Frames::new(&model, None).unwrap_err().to_string();
        assert!(e.contains("DynamicQuantizeLinear") || e.contains("MatMulInteger"), "{e}");
        let x = Vectors::open("wav2vec2-torchscript-17").array("x");
        assert_eq!(occlusion(&model, &x, 0, 1600).unwrap().attribution.values.len(), 4);
    }
}
