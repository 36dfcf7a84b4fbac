//! What the tests of the library share.
#![allow(dead_code, reason = "each test takes a part")]
#![allow(clippy::large_enum_variant, reason = "short lists in tests")]

use affect::analyzer::{Analyzer, Config, FeatureSet, Output, Segmentation, WindowConfig};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reference material beside the repository; says so where it is not there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("../shared/{what} is not there"));
    None
}

/// Says that a test does not run, past the test runner's capture of output.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

/// A 16-bit PCM wav file: samples interleaved, channels, rate.
pub fn wav(path: &Path) -> (Vec<i16>, usize, u32) {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[..4], b"RIFF");
    assert_eq!((word(20), word(34)), (1, 16), "{} is not 16-bit PCM", path.display());
    let mut at = 12;
    while &bytes[at..at + 4] != b"data" {
        at += 8 + long(at + 4) as usize;
    }
    let end = (at + 8 + long(at + 4) as usize).min(bytes.len());
    let samples = bytes[at + 8..end].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    (samples, usize::from(word(22)), long(24))
}

/// Every wav clip in `tests/data`, sorted.
pub fn clips() -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = ["emodb", "thorsten", "calls"]
        .iter()
        .flat_map(|d| std::fs::read_dir(root().join("tests/data").join(d)).unwrap())
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "wav"))
        .collect();
    list.sort();
    assert!(list.len() >= 12, "clips are missing");
    list
}

/// One thing or another that an analyzer handed out, kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    Frame(affect::analyzer::FrameRow),
    Segment(Box<Record>),
}

pub fn keep(list: &mut Vec<Kept>) -> impl FnMut(Output<'_>) + '_ {
    |o| {
        list.push(match o {
            Output::Frame(f) => Kept::Frame(f.clone()),
            Output::Segment(r) => Kept::Segment(r),
            Output::Speech(_) | Output::Conversation(_) => return,
        });
    }
}

/// Runs the analyzer over 16-bit audio cut into blocks of the given numbers of frames (cycled).
pub fn run(config: &Config, rate: u32, channels: usize, audio: &[i16], cuts: &[usize]) -> Vec<Kept> {
    let mut analyzer = Analyzer::new(config.clone(), rate, channels).unwrap();
    let mut out = Vec::new();
    feed(&mut analyzer, channels, audio, cuts, &mut out);
    analyzer.finish(&mut keep(&mut out));
    out
}

/// Feeds without finishing.
pub fn feed(analyzer: &mut Analyzer, channels: usize, audio: &[i16], cuts: &[usize], out: &mut Vec<Kept>) {
    let mut rest = audio;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let take = (*cuts.next().unwrap()).saturating_mul(channels).min(rest.len());
        let (now, later) = rest.split_at(take);
        analyzer.push(&Samples::s16(now, channels).unwrap(), &mut keep(out)).unwrap();
        rest = later;
    }
}

/// The records among the kept.
pub fn records(kept: &[Kept]) -> Vec<&Record> {
    kept.iter()
        .filter_map(|k| match k {
            Kept::Segment(r) => Some(&**r),
            Kept::Frame(_) => None,
        })
        .collect()
}

/// Every way of segmenting.
pub fn segmentations() -> Vec<Segmentation> {
    vec![
        Segmentation::Frames,
        Segmentation::File,
        Segmentation::Windows(WindowConfig { length: 16_000, hop: 5_000 }),
        Segmentation::Utterances(UtteranceConfig {
            min_pause: 3_200,
            hangover: 800,
            max_length: 24_000,
            interim: 8_000,
            ..UtteranceConfig::default()
        }),
    ]
}

/// Whole-file functionals of a set of mono 16 kHz samples in f32.
pub fn functionals_of(set: FeatureSet, x: &[f32]) -> Record {
    let mut analyzer = Analyzer::new(Config { sets: vec![set], ..Config::default() }, 16_000, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    records(&out)[0].clone()
}

/// Rows of low-level descriptors of a set of mono 16 kHz samples in f32.
pub fn rows_of(set: FeatureSet, x: &[f32]) -> Vec<affect::analyzer::FrameRow> {
    let config = Config { sets: vec![set], segmentation: Segmentation::Frames, ..Config::default() };
    let mut analyzer = Analyzer::new(config, 16_000, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    out.into_iter()
        .map(|k| match k {
            Kept::Frame(f) => f,
            Kept::Segment(_) => panic!("frames only"),
        })
        .collect()
}

/// Functionals of `affect-v1`.
pub fn functionals(x: &[f32]) -> Record {
    functionals_of(FeatureSet::AffectV1, x)
}

/// Functionals of `egemaps-v02`.
pub fn egemaps(x: &[f32]) -> Record {
    functionals_of(FeatureSet::EgemapsV02, x)
}

/// Rows of `egemaps-v02`.
pub fn egemaps_rows(x: &[f32]) -> Vec<affect::analyzer::FrameRow> {
    rows_of(FeatureSet::EgemapsV02, x)
}
