//! Waveform models in the analyzer: scores and Grad-CAM out of one run, spans, cues, reliability, and that maps depend on the weights
//! (`scripts/waveform-models`).

mod common;

use affect::analyzer::{
    Analyzer, Attribution, Config, FeatureSet, Output, Scorer, ScoringConfig, Segmentation, WindowConfig,
};
use affect::explain::frames::{Frames, occlusion};
use affect::explain::layout::Layout;
use affect::explain::relevance::Opened;
use affect::model::engine::Backend;
use affect::model::{Layer, Model, Options, library, pool};
use affect::onnx::proto::ModelProto;
use affect::record::{Ended, Record, SCHEMA_JSON};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::random::Random;
use affect::signal::samples::Samples;
use common::{root, wav};
use prost::Message;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

const MODELS: [&str; 8] = [
    "wav2vec2-torchscript-17",
    "wav2vec2-dynamo-23",
    "wav2vec2-prenorm-dynamo-18",
    "hubert-torchscript-16",
    "hubert-dynamo-20",
    "wavlm-torchscript-17",
    "wavlm-dynamo-20",
    "dimensions-torchscript-14",
];

fn engines() -> Vec<Backend> {
    let mut list = vec![Backend::Rten];
    if library::find(None).is_some() {
        list.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    list
}

fn folder(name: &str) -> PathBuf {
    root().join("tests/data/waveform").join(name)
}

fn open(name: &str, backend: Backend, layer: Layer) -> Arc<Model> {
    let options = Options { backend, layer, ..Options::default() };
    pool::open(&folder(name), None, &options).unwrap_or_else(|e| panic!("{name} on {backend}: {e}"))
}

/// Seconds of speech at 16 kHz from somewhere inside a clip.
fn speech(from: usize, count: usize) -> Vec<f32> {
    let (clip, channels, rate) = wav(&root().join("tests/data/emodb/03a01Nc.wav"));
    assert_eq!((channels, rate), (1, 16_000));
    clip.iter().cycle().skip(from).take(count).map(|v| f32::from(*v) / 32_768.0).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(largest > 0.0 && worst <= tolerance * largest, "{what}: off by {:.1e} of {largest:.1e}", worst / largest);
}

/// What enters each block, and the last convolution, found without names: those that whoever made the models named.
#[test]
fn layers_are_found_by_the_ways() {
    for name in MODELS {
        let model = open(name, Backend::Rten, Layer::None);
        let layers = model.layers();
        let text = std::fs::read_to_string(folder(name).join("vectors.json")).unwrap();
        let about: Value = serde_json::from_str(&text).unwrap();
        let named = |of: &str| about["tensors"][of].as_str().map(str::to_owned);
        assert_eq!((layers.step, layers.hidden.len()), (320, 4), "{name}: {layers:?}");
        assert_eq!(layers.convolution, named("conv_last"), "{name}: {layers:?}");
        assert_eq!(Some(&layers.hidden[2]), named("block_mid").as_ref(), "{name}: {layers:?}");
        // What leaves the last block, or its norm where models have one behind all blocks.
        let pre_norm = name.contains("prenorm") || name.contains("dimensions");
        assert_eq!(Some(&layers.hidden[3]) == named("block_last").as_ref(), !pre_norm, "{name}: {layers:?}");
        for hidden in &layers.hidden {
            assert_eq!(
                Opened::new(&model, Some(hidden)).unwrap().layout(),
                Layout::FramesByChannels,
                "{name}: {hidden}"
            );
        }
    }
}

/// A model that is opened with a layer gives the plain model's scores, and the relevance of its own top score, which is Grad-CAM.
#[test]
fn one_engine_gives_scores_and_relevance() {
    for name in MODELS {
        for backend in engines() {
            for layer in ["auto", "hidden-1"] {
                let what = format!("{name} on {backend}, {layer}");
                let model = open(name, backend, Layer::named(layer));
                let bytes = pool::bytes(&folder(name)).unwrap();
                let card = model.card().unwrap().to_json();
                let options = Options { backend, ..Options::default() };
                let plain = Model::open(bytes, Some(&card), &options).unwrap();
                assert!(plain.open_layer().is_none() && model.open_layer().is_some(), "{what}");
                let x = model.takes_waveform().unwrap().normalised(&speech(3000, 12_345)).into_owned();
                let expected = plain.entered(&x).unwrap();
                close(&model.entered(&x).unwrap(), &expected, 1e-5, &what);
                let opened = Opened::new(&model, Some(layer).filter(|l| *l != "auto")).unwrap();
                assert_eq!(Some(opened.layer()), model.open_layer());
                let found = opened.relevance(&model, &x, None).unwrap();
                close(&found.scores, &expected, 1e-5, &what);
                let top = (0..expected.len()).max_by(|a, b| expected[*a].total_cmp(&expected[*b])).unwrap();
                assert_eq!(found.target, top, "{what}");
                let frames = Frames::new(&plain, Some(opened.layer())).unwrap();
                for target in 0..expected.len() {
                    let cam = frames.grad_cam(&x, target, true).unwrap().attribution.values;
                    let own =
                        if target == top { found.clone() } else { opened.relevance(&model, &x, Some(target)).unwrap() };
                    assert_eq!((own.target, own.step), (target, 320));
                    close(&own.curve[..cam.len()], &cam, 2e-5, &format!("{what}, target {target}"));
                    assert!(own.curve[cam.len()..].iter().all(|v| *v == 0.0) && own.curve.len() <= cam.len() + 1);
                }
            }
        }
    }
}

/// The relevance of an utterance that does not go in at once is the mean over its windows, each at its place.
#[test]
fn relevance_of_long_utterances() {
    for backend in engines() {
        let model = open("fixed-torchscript-17", backend, Layer::Auto);
        let x = model.takes_waveform().unwrap().normalised(&speech(0, 21_000)).into_owned();
        let opened = Opened::new(&model, None).unwrap();
        let found = opened.relevance(&model, &x, None).unwrap();
        close(&found.scores, &model.entered(&x).unwrap(), 1e-6, "scores");
        let mut expected = vec![0.0; 21_000usize.div_ceil(320)];
        for from in [0usize, 4000, 8000, 12_000] {
            let one = opened.relevance(&model, &x[from..from + 9000], Some(found.target)).unwrap().curve;
            let first = (from as f64 / 320.0).round() as usize;
            expected.iter_mut().skip(first).zip(&one).for_each(|(e, v)| *e += v / 4.0);
        }
        close(&found.curve, &expected, 1e-6, "curve");
    }
}

fn scorer(name: &str, backend: Backend, config: ScoringConfig) -> Result<Arc<Scorer>, String> {
    let model = open(name, backend, Layer::named(&config.layer));
    Scorer::new(model, config).map(Arc::new).map_err(|e| e.to_string())
}

fn analysed(config: &Config, audio: &[f32], block: usize) -> Vec<Record> {
    let mut a = Analyzer::new(config.clone(), 16_000, 1).unwrap();
    let mut found = Vec::new();
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            found.push(*r);
        }
    };
    audio.chunks(block).for_each(|part| a.push(&Samples::f32(part, 1).unwrap(), &mut take).unwrap());
    a.finish(&mut take);
    found
}

/// Three utterances with pauses between them.
fn three() -> Vec<f32> {
    let one = speech(0, 30_000);
    let pause = vec![0.0; 16_000];
    [&one[..], &pause, &one, &pause, &one, &pause].concat()
}

fn utterances(scorer: Arc<Scorer>) -> Config {
    Config {
        segmentation: Segmentation::Utterances(UtteranceConfig { interim: 16_000, ..UtteranceConfig::default() }),
        scorer: Some(scorer),
        ..Config::default()
    }
}

/// What a record says over time: spans inside the segment, every descriptor that is measured with its group, the reliability of final
/// results, the curve where all is asked for; valid under the schema, read back as written, the same however the audio is cut and
/// whoever scores it.
#[test]
fn records_say_where_and_what() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA_JSON).unwrap()).unwrap();
    for backend in engines() {
        let mut compared = 0;
        for (name, top_k) in [("wav2vec2-torchscript-17", 0), ("hubert-dynamo-20", 2), ("dimensions-torchscript-14", 0)]
        {
            let scoring = ScoringConfig { top_k, reliability: 9, ..ScoringConfig::default() };
            let config = utterances(scorer(name, backend, scoring).unwrap());
            let records = analysed(&config, &three(), 1600);
            assert!(records.iter().filter(|r| r.ended != Ended::Open).count() == 3, "{}", records.len());
            assert!(records.iter().any(|r| r.ended == Ended::Open));
            for r in &records {
                let text = r.to_json();
                let value: Value = serde_json::from_str(&text).unwrap();
                if let Err(e) = schema.validate(&value) {
                    panic!("{e} in {text}");
                }
                assert_eq!(Record::from_json(&text).unwrap().to_json(), text);
                let explanations = &r.scored.as_ref().unwrap().explanations;
                assert_eq!(explanations.len(), 1, "{text}");
                let x = &explanations[0];
                assert_eq!((&*x.method, x.base, x.groups.len()), ("grad-cam", None, 0));
                let f = x.frames.as_ref().unwrap();
                assert!(
                    f.spans.iter().all(|s| s.start_ns >= r.start_ns && s.end_ns <= r.end_ns && s.start_ns < s.end_ns)
                );
                assert!(f.spans.windows(2).all(|p| p[0].share >= p[1].share));
                let frames = (r.end_ns - r.start_ns).div_ceil(20_000_000) as usize;
                assert_eq!(f.relevance.as_ref().map(|c| c.values.len()), (top_k == 0).then_some(frames));
                assert!(top_k == 0 || f.spans.len() <= top_k);
                if f.spans.is_empty() {
                    assert!(f.cues.is_empty() && f.sentence.starts_with("Nothing"), "{}", f.sentence);
                    continue;
                }
                assert!(f.sentence.starts_with("It leaned on "), "{}", f.sentence);
                for cue in &f.cues {
                    let entry = FeatureSet::AffectV1.llds().iter().find(|e| e.name == cue.name).unwrap();
                    assert_eq!((&*cue.group, &*cue.unit), (entry.group.name(), entry.unit.as_str()));
                    assert!(cue.p > 0.0 && cue.p <= 1.0 && cue.q >= cue.p && cue.z.is_some(), "{cue:?}");
                    assert!(
                        (cue.inside - cue.rest - cue.difference).abs() <= 1e-4 * cue.inside.abs().max(1.0),
                        "{cue:?}"
                    );
                }
                // A second of speech may hold too few frames of a descriptor, and spans may lie where nobody speaks.
                let short = r.ended == Ended::Open || f.cues.is_empty();
                assert!(!f.cues.is_empty() || f.sentence.contains("too little speech"), "{}", f.sentence);
                compared += usize::from(!short);
                let has = |name: &str| f.cues.iter().any(|c| c.name == name);
                assert!(
                    short || has("level_dBFS") && has("F0semitoneFrom27.5Hz") && has("CPPS_dB"),
                    "{} cues",
                    f.cues.len()
                );
                assert!(f.cue_groups.len() >= 5 || short, "{:?}", f.cue_groups);
                let length: u64 = f.spans[0].end_ns - f.spans[0].start_ns;
                let testable = r.ended != Ended::Open && 2 * length <= r.end_ns - r.start_ns;
                assert_eq!(f.reliability.as_ref().map(|t| t.random_spans), testable.then_some(9), "{:?}", r.ended);
            }
            let texts = |list: &[Record]| list.iter().map(Record::to_json).collect::<Vec<_>>();
            assert!(texts(&records) == texts(&analysed(&config, &three(), 77)), "cut otherwise");
            let deferred = Config { deferred: true, ..config.clone() };
            let mut later = analysed(&deferred, &three(), 500);
            for r in &mut later {
                assert!(r.holds_samples() && Analyzer::score(&deferred, 1, r) && !r.holds_samples());
            }
            assert!(texts(&records) == texts(&later), "scored later");
        }
        assert!(compared >= 3, "{compared} final results with cues");
    }
}

/// The difference of a cue is what the rows of the stream say, taken anew from its frames.
#[test]
fn cues_are_those_of_the_frames() {
    let model = open("wav2vec2-torchscript-17", Backend::Rten, Layer::Auto);
    let scorer = Arc::new(Scorer::new(model, ScoringConfig { top_k: 0, ..ScoringConfig::default() }).unwrap());
    let audio = speech(0, 30_000);
    let window = Segmentation::Windows(WindowConfig { length: 29_600, hop: 29_600 });
    let config = Config { segmentation: window, scorer: Some(scorer), ..Config::default() };
    let record = analysed(&config, &audio, 800).remove(0);
    let f = record.scored.as_ref().unwrap().explanations[0].frames.clone().unwrap();
    let mut rows: Vec<(f64, Vec<Option<f32>>)> = Vec::new();
    let frames = Config { segmentation: Segmentation::Frames, ..Config::default() };
    let mut a = Analyzer::new(frames, 16_000, 1).unwrap();
    let mut take = |o: Output<'_>| {
        if let Output::Frame(row) = o {
            rows.push(((row.start_ns + row.end_ns) as f64 / 2.0, row.columns().to_vec()));
        }
    };
    a.push(&Samples::f32(&audio, 1).unwrap(), &mut take).unwrap();
    a.finish(&mut take);
    // Those whose 60 ms lie wholly inside the window.
    rows.retain(|(middle, _)| *middle >= 30e6 && *middle <= record.end_ns as f64 - 30e6);
    let column = |name: &str| FeatureSet::AffectV1.llds().iter().position(|e| e.name == name).unwrap();
    let level = column("level_dBFS");
    let mut levels: Vec<f32> = rows.iter().filter_map(|r| r.1[level]).collect();
    levels.sort_by(f32::total_cmp);
    let at = 0.95 * (levels.len() - 1) as f64;
    let (low, high) = (levels[at as usize], levels[(at as usize + 1).min(levels.len() - 1)]);
    let bar = f64::from(low) + f64::from(high - low) * at.fract() - 25.0;
    rows.retain(|r| r.1[level].is_some_and(|v| f64::from(v) >= bar));
    for name in ["F0semitoneFrom27.5Hz", "level_dBFS", "CPPS_dB", "mfcc3", "spectralCentroid_Hz"] {
        let cue = f.cues.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("{name}"));
        let k = column(name);
        let inside = |t: f64| f.spans.iter().any(|s| t >= s.start_ns as f64 && t < s.end_ns as f64);
        let mean = |wanted: bool| {
            let list: Vec<f64> =
                rows.iter().filter(|r| inside(r.0) == wanted).filter_map(|r| r.1[k].map(f64::from)).collect();
            list.iter().sum::<f64>() / list.len() as f64
        };
        for (found, expected) in [(cue.inside, mean(true)), (cue.rest, mean(false))] {
            assert!(
                (f64::from(found) - expected).abs() <= 1e-4 * expected.abs().max(1.0),
                "{name}: {found} {expected}"
            );
        }
        let all: Vec<f64> = rows.iter().filter_map(|r| r.1[k].map(f64::from)).collect();
        let m = all.iter().sum::<f64>() / all.len() as f64;
        let sd = (all.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (all.len() - 1) as f64).sqrt();
        let z = f64::from(cue.z.unwrap());
        assert!((z - f64::from(cue.difference) / sd).abs() < 1e-3 * z.abs().max(1.0), "{name}: {z}");
    }
}

/// What does not suit a model is refused when it is opened, and what has no gradient is scored all the same, or explained by occlusion.
#[test]
fn attributions_suit_the_model() {
    for backend in engines() {
        let with = |name: &str, attribution: Attribution, layer: &str| {
            let scoring = ScoringConfig { attribution, layer: layer.to_owned(), ..ScoringConfig::default() };
            let options = Options { backend, ..Options::default() };
            let model = pool::open(&folder(name), None, &options).unwrap();
            Scorer::new(model, scoring).map(Arc::new).map_err(|e| e.to_string())
        };
        let e = with("wav2vec2-dynamo-23", Attribution::Features, "auto").unwrap_err();
        assert!(e.contains("frames") && e.contains("features"), "{e}");
        let e = with("wav2vec2-dynamo-23", Attribution::Frames, "nowhere").unwrap_err();
        assert!(e.contains("nowhere"), "{e}");
        let e = with("int8-torchscript-17", Attribution::Frames, "auto").unwrap_err();
        assert!(e.contains("occlusion"), "{e}");
        for (name, attribution, explained) in [
            ("int8-torchscript-17", Attribution::Auto, 0),
            ("int8-torchscript-17", Attribution::Occlusion, 1),
            ("wav2vec2-dynamo-23", Attribution::None, 0),
            ("encoder-dynamo-18", Attribution::Auto, 0),
        ] {
            let config = utterances(with(name, attribution, "auto").unwrap());
            let last = analysed(&config, &three(), 1600).pop().unwrap();
            let s = last.scored.unwrap();
            assert_eq!(s.explanations.len(), explained, "{name} {attribution:?}");
            assert!(s.explanations.iter().all(|x| x.method == "occlusion" && x.frames.is_some()));
        }
    }
    let builtin = pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &Options::default()).unwrap();
    let scoring = ScoringConfig { attribution: Attribution::Frames, ..ScoringConfig::default() };
    let e = Scorer::new(builtin, scoring).unwrap_err().to_string();
    assert!(e.contains("features") && e.contains("frames"), "{e}");
}

/// One copy of a model however many open it at once, with a layer or without.
#[test]
fn one_copy_however_many_open_it() {
    for backend in engines() {
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(move || open("wavlm-dynamo-20", backend, Layer::named("hidden-2"))))
            .collect();
        let models: Vec<Arc<Model>> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(models.iter().all(|m| Arc::ptr_eq(m, &models[0])));
        let any = open("wavlm-dynamo-20", backend, Layer::Any);
        assert!(Arc::ptr_eq(&any, &models[0]), "who looks at no layer shares it too");
        // It has let go of its weights, and says so to whoever asks for another layer.
        let e = models[0].inside(Some("hidden-0")).unwrap_err().to_string();
        assert!(e.contains("hidden") || e.contains("opened with"), "{e}");
        assert!(models[0].graph().bytes().is_empty());
        let plain = open("wavlm-dynamo-20", backend, Layer::None);
        assert!(!Arc::ptr_eq(&plain, &models[0]) && plain.inside(Some("hidden-0")).is_ok());
    }
}

/// Ranks, ties sharing their mean.
fn ranks(list: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|a, b| list[*a].total_cmp(&list[*b]));
    let mut out = vec![0.0; list.len()];
    for (rank, k) in order.into_iter().enumerate() {
        out[k] = rank as f64;
    }
    out
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |l: &[f64]| l.iter().sum::<f64>() / l.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product =
        |x: &[f64], mx: f64, y: &[f64], my: f64| x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>();
    product(a, ma, b, mb) / (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt()
}

/// Rank correlation (Spearman).
fn similarity(a: &[f64], b: &[f64]) -> f64 {
    correlation(&ranks(a), &ranks(b))
}

/// The model with the weights of all nodes from the scores down to the tensor `down_to` drawn anew, each with its own spread.
fn randomised(name: &str, down_to: Option<&str>, seed: u64) -> Arc<Model> {
    let bytes = pool::bytes(&folder(name)).unwrap();
    let mut proto = ModelProto::decode(&bytes[..]).unwrap();
    let graph = proto.graph.as_mut().unwrap();
    let first = down_to.map_or(0, |t| {
        graph.node.iter().position(|n| n.output.iter().any(|o| o == t)).map_or(graph.node.len(), |k| k + 1)
    });
    let above: Vec<String> = graph.node[first..].iter().flat_map(|n| n.input.clone()).collect();
    let below: Vec<String> = graph.node[..first].iter().flat_map(|n| n.input.clone()).collect();
    let mut random = Random(seed);
    let mut changed = 0;
    for t in &mut graph.initializer {
        if t.data_type != 1 || t.dims.len() < 2 || !above.contains(&t.name) || below.contains(&t.name) {
            continue;
        }
        let values: Vec<f32> = t.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let sd = (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
        t.raw_data = (0..values.len())
            .flat_map(|_| ((mean + sd * random.normal()) as f32).to_le_bytes())
            .collect::<Vec<u8>>()
            .into();
        changed += 1;
    }
    assert!(down_to.is_some() || changed > 10, "{name}: {changed} weights drawn anew");
    let card = open(name, Backend::Rten, Layer::None).card().unwrap().to_json();
    let options = Options { backend: Backend::Rten, ..Options::default() };
    Arc::new(Model::open(proto.encode_to_vec(), Some(&card), &options).unwrap())
}

/// The sanity check of Adebayo et al. 2018, cascading randomisation: with the weights drawn anew from the top down, the maps cease to
/// resemble the model's own, and with all of them drawn anew they resemble it no more than those of any other model do.
#[test]
fn maps_depend_on_the_weights() {
    let name = "wav2vec2-prenorm-dynamo-18";
    let own = open(name, Backend::Rten, Layer::None);
    let layers = own.layers();
    let x = own.takes_waveform().unwrap().normalised(&speech(0, 30_000)).into_owned();
    let map = |m: &Model| Opened::new(m, Some(&layers.hidden[2])).unwrap().relevance(m, &x, Some(1)).unwrap().curve;
    let reference = map(&own);
    let unchanged = randomised(name, Some("no such tensor"), 1);
    assert!(similarity(&map(&unchanged), &reference) > 0.999_999, "nothing was drawn anew");
    let mean = |down_to: Option<&str>| {
        let list: Vec<f64> =
            (0..12).map(|s| similarity(&map(&randomised(name, down_to, 10 + s)), &reference)).collect();
        let mean = list.iter().sum::<f64>() / list.len() as f64;
        let sd = (list.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (list.len() - 1) as f64).sqrt();
        (mean, sd / (list.len() as f64).sqrt())
    };
    let head = mean(Some(&layers.hidden[3]));
    let all = mean(None);
    eprintln!("similarity: head drawn anew {head:?}, all drawn anew {all:?}");
    assert!(head.0.abs() < 0.5, "the head decides which channels count: {head:?}");
    assert!(all.0.abs() < 3.0 * all.1 + 0.1, "with all weights drawn anew the map is that of another model: {all:?}");
}

/// Which layer's map predicts occlusion best, for `docs/models.md`: run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn layers_against_occlusion() {
    for name in MODELS {
        let model = open(name, Backend::Rten, Layer::None);
        let layers = model.layers();
        let names: Vec<String> = layers.convolution.iter().chain(&layers.hidden).cloned().collect();
        let mut sums = vec![Vec::new(); names.len()];
        for clip in ["03a01Nc", "16a01Wb"] {
            let (audio, _, _) = wav(&root().join(format!("tests/data/emodb/{clip}.wav")));
            let audio: Vec<f32> = audio.iter().take(48_000).map(|v| f32::from(*v) / 32_768.0).collect();
            let x = model.takes_waveform().unwrap().normalised(&audio).into_owned();
            for target in 0..model.labels().len() {
                let silenced = occlusion(&model, &x, target, 1600).unwrap().attribution.values;
                for (k, layer) in names.iter().enumerate() {
                    let curve =
                        Opened::new(&model, Some(layer)).unwrap().relevance(&model, &x, Some(target)).unwrap().curve;
                    let binned: Vec<f64> =
                        (0..silenced.len()).map(|s| curve.iter().skip(5 * s).take(5).sum::<f64>()).collect();
                    sums[k].push(similarity(&binned, &silenced));
                }
            }
        }
        let means: Vec<String> =
            sums.iter().map(|l| format!("{:.2}", l.iter().sum::<f64>() / l.len() as f64)).collect();
        println!("{name}: convolution, hidden-0..: {}", means.join(" "));
    }
}
