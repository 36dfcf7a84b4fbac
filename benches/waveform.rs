//! What explanations of waveform models cost, as ratios in one run: processor time, one thread, windows of 4 s, models at real size.
//!
//! `cargo bench --bench waveform -- --models FOLDER`, a folder of models as `scripts/waveform-models FOLDER --size real` makes them
//! (`make bench WAVEFORM=1` does both).

use affect::analyzer::{Analyzer, Attribution, Config, FeatureSet, Output, Scorer, ScoringConfig, Segmentation};
use affect::explain::relevance::Opened;
use affect::model::engine::Backend;
use affect::model::{Layer, Model, Options, library, pool};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Samples of a window of 4 s.
const WINDOW: usize = 64_000;
/// Rounds of which the best counts: the machine's other work can only add.
const ROUNDS: usize = 5;

/// Processor time of all threads so far, in seconds; what else runs on the machine adds nothing to it.
fn processor_s() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let one = |e: std::fs::DirEntry| {
        let text = std::fs::read_to_string(e.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some(tasks.filter_map(|e| one(e.ok()?)).sum::<f64>() * 1e-9)
}

/// Processor seconds of a run, or the clock's where they are not told.
fn seconds(run: &mut dyn FnMut()) -> f64 {
    let (begun, before) = (Instant::now(), processor_s());
    run();
    match (before, processor_s()) {
        (Some(before), Some(after)) => after - before,
        _ => begun.elapsed().as_secs_f64(),
    }
}

/// The best of several rounds of each, in turns: what the machine does meanwhile meets all of them.
fn best(runs: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; runs.len()];
    for _ in 0..ROUNDS {
        for (b, run) in best.iter_mut().zip(runs.iter_mut()) {
            *b = b.min(seconds(run));
        }
    }
    best
}

/// The recording of the tests, as often as it takes, at 16 kHz or 8 kHz.
fn speech(rate: usize, samples: usize) -> Vec<f32> {
    let (name, skip) = if rate == 8_000 { ("calls/call40_185s_2ch_pcm16.wav", 2) } else { ("emodb/03a01Nc.wav", 1) };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let bytes = std::fs::read(path).expect("test data");
    let all = bytes[44..].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0);
    let one: Vec<f32> = all.step_by(skip).collect();
    one.iter().copied().cycle().take(samples).collect()
}

fn open(path: &Path, backend: Backend, layer: Layer) -> Result<Arc<Model>, String> {
    // No sharing: a plain model shall be one.
    let bytes = pool::bytes(path).map_err(|e| e.to_string())?;
    let card = pool::open(path, None, &Options { backend, ..Options::default() }).map_err(|e| e.to_string())?;
    let text = card.card().map(affect::model::card::Card::to_json);
    drop(card);
    Model::open(bytes, text.as_deref(), &Options { backend, layer, ..Options::default() })
        .map(Arc::new)
        .map_err(|e| e.to_string())
}

fn resident_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0 / 1e6
}

fn ratios(name: &str, path: &Path, backend: Backend) -> Result<f64, String> {
    let before = resident_mb();
    let plain = open(path, backend, Layer::None)?;
    let x = plain.takes_waveform().ok_or("no waveform model")?.normalised(&speech(16_000, WINDOW)).into_owned();
    let layers = plain.layers();
    println!("{name} on {}: {:.0} MB resident more with the plain model", plain.engine(), resident_mb() - before);
    let mut base = f64::INFINITY;
    let middle = layers.hidden.len() / 2;
    let mut shown =
        vec![("last hidden layer".to_owned(), layers.hidden.len() - 1), (format!("hidden-{middle}"), middle)];
    shown.push((format!("hidden-{}", layers.hidden.len() - 3), layers.hidden.len() - 3));
    for (what, k) in shown {
        let begun = Instant::now();
        let model = open(path, backend, Layer::named(&format!("hidden-{k}")))?;
        let load = begun.elapsed().as_secs_f64();
        let opened = Opened::new(&model, Some(&format!("hidden-{k}"))).map_err(|e| e.to_string())?;
        let times =
            best(&mut [&mut || drop(plain.entered(&x)), &mut || drop(opened.relevance(&model, &x, None)), &mut || {
                drop(model.entered(&x))
            }]);
        base = base.min(times[0]);
        println!(
            "  {what:18} plain {:.3} s, with Grad-CAM {:.3} s: {:.2} times; scores alone of the same engine {:.2}; loaded in {load:.1} s",
            times[0],
            times[1],
            times[1] / times[0],
            times[2] / times[0],
        );
    }
    Ok(base)
}

/// Share of the explanation in the analysis of a call: seconds of computing for a second of audio, without and with it.
fn call(path: &Path, attribution: Attribution) -> Result<(f64, usize), String> {
    let layer = if attribution == Attribution::None { Layer::Any } else { Layer::Auto };
    let model = pool::open(path, None, &Options { layer, ..Options::default() }).map_err(|e| e.to_string())?;
    let scorer =
        Scorer::new(model, ScoringConfig { attribution, ..ScoringConfig::default() }).map_err(|e| e.to_string())?;
    let utterances = UtteranceConfig { interim: 32_000, ..UtteranceConfig::default() };
    let config = Config {
        sets: vec![FeatureSet::AffectV1],
        segmentation: Segmentation::Utterances(utterances),
        scorer: Some(Arc::new(scorer)),
        ..Config::default()
    };
    let audio = speech(8_000, 40 * 8_000);
    let mut analyzer = Analyzer::new(config, 8_000, 1).map_err(|e| e.to_string())?;
    let mut results = 0;
    let mut take = |o: Output<'_>| results += usize::from(matches!(o, Output::Segment(_)));
    let samples = Samples::f32(&audio, 1).map_err(|e| e.to_string())?;
    let mut failed = None;
    let took = seconds(&mut || {
        failed = analyzer.push(&samples, &mut take).err();
        analyzer.finish(&mut take);
    });
    failed.map_or(Ok((took / 40.0, results)), |e| Err(e.to_string()))
}

fn main() {
    let Some(folder) = std::env::args().skip_while(|a| a != "--models").nth(1).map(PathBuf::from) else {
        println!("waveform: give --models FOLDER (scripts/waveform-models FOLDER --size real)");
        return;
    };
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.join("model.onnx").is_file())
        .collect();
    names.sort();
    for path in &names {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut by_engine = Vec::new();
        let engines = [Some(Backend::OnnxRuntime).filter(|_| library::find(None).is_some()), Some(Backend::Rten)];
        for backend in engines.into_iter().flatten() {
            match ratios(&name, path, backend) {
                Ok(t) => by_engine.push(t),
                Err(e) => println!("{name} on {backend}: {e}"),
            }
        }
        if let [ort, rten] = by_engine[..] {
            println!("{name}: rten takes {:.2} times ONNX Runtime", rten / ort);
        }
        if name.contains("wav2vec2-base") {
            let both = [Attribution::None, Attribution::Auto].map(|a| call(path, a));
            if let [Ok((plain, results)), Ok((explained, _))] = both {
                println!(
                    "{name}: a call at 8 kHz, a result every 2 s ({results} in 40 s), {plain:.3} s a second, {explained:.3} s explained"
                );
                println!(
                    "  explanation and cues are {:.0} % of it; two cores carry {:.1} such channels",
                    100.0 * (1.0 - plain / explained),
                    2.0 / explained
                );
            }
        }
    }
}
