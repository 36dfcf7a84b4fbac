//! Workloads that the benchmark and the ratio program share.
#![allow(dead_code, reason = "each user takes a part")]

use affect::analyzer::{Analyzer, Config, FeatureSet, Output, Segmentation, WindowConfig};
use affect::descriptors::formants::FormantPlan;
use affect::descriptors::harmonics::Harmonics;
use affect::descriptors::hnr::HnrPlan;
use affect::descriptors::perturbation::Perturbation;
use affect::descriptors::pitch_candidates::CandidatePlan;
use affect::descriptors::pitch_path::PitchPath;
use affect::segment::utterance::UtteranceConfig;
use affect::segment::vad::Vad;
use affect::signal::history::History;
use affect::signal::mel::MelBank;
use affect::signal::samples::Samples;
use affect::signal::spectrum::SpectrumPlan;
use affect::signal::window::{gauss, hamming};
use rustfft::num_complex::Complex32;
use std::hint::black_box;
use std::path::Path;

/// 16-bit speech of the given length: the EmoDB clips of `tests/data` in a loop, 16 kHz.
pub fn speech(seconds: f64) -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/emodb");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("tests/data").map(|e| e.expect("entry").path()).collect();
    files.sort();
    let mut clip = Vec::new();
    for f in files {
        let bytes = std::fs::read(f).expect("clip");
        clip.extend(bytes[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])));
    }
    clip.iter().copied().cycle().take((seconds * 16_000.0) as usize).collect()
}

/// What the analyzer is asked for.
#[derive(Clone, Copy)]
pub enum Workload {
    /// The set that peers compute, and ours, alone and together.
    FileEgemaps,
    FileAffect,
    FileBoth,
    FileWithDetection,
    Windows,
    Utterances,
    Frames,
}

impl Workload {
    pub const ALL: [Self; 7] = [
        Self::FileEgemaps,
        Self::FileAffect,
        Self::FileBoth,
        Self::FileWithDetection,
        Self::Windows,
        Self::Utterances,
        Self::Frames,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::FileEgemaps => "egemaps-v02",
            Self::FileAffect => "affect-v1",
            Self::FileBoth => "both sets",
            Self::FileWithDetection => "whole-file-vad",
            Self::Windows => "windows",
            Self::Utterances => "utterances",
            Self::Frames => "lld-rows",
        }
    }

    pub fn config(self) -> Config {
        Config {
            segmentation: match self {
                Self::FileEgemaps | Self::FileAffect | Self::FileBoth | Self::FileWithDetection => Segmentation::File,
                Self::Windows => Segmentation::Windows(WindowConfig::default()),
                Self::Utterances => Segmentation::Utterances(UtteranceConfig::default()),
                Self::Frames => Segmentation::Frames,
            },
            sets: match self {
                Self::FileEgemaps => vec![FeatureSet::EgemapsV02],
                Self::FileBoth => FeatureSet::ALL.to_vec(),
                _ => vec![FeatureSet::AffectV1],
            },
            voice_activity: !matches!(self, Self::FileEgemaps | Self::FileAffect | Self::FileBoth),
            ..Config::default()
        }
    }
}

/// Runs the analyzer over 16 kHz mono audio in blocks of 20 ms; returns the number of outputs.
pub fn functionals(workload: Workload, audio: &[i16]) -> usize {
    let mut analyzer = Analyzer::new(workload.config(), 16_000, 1).expect("settings");
    let mut count = 0;
    let mut take = |o: Output<'_>| {
        black_box(&o);
        count += 1;
    };
    for block in audio.chunks(320) {
        analyzer.push(&Samples::s16(block, 1).expect("mono"), &mut take).expect("open");
    }
    analyzer.finish(&mut take);
    count
}

/// One stage, run on one frame per call.
pub struct Stage {
    pub name: &'static str,
    /// Runs for voiced frames only.
    pub voiced_only: bool,
    /// The bound: transforms that nothing can avoid.
    pub bound: bool,
    pub run: Box<dyn FnMut()>,
}

/// Every stage that costs, on a voiced stretch of speech.
pub fn stages() -> Vec<Stage> {
    let audio: Vec<f32> = speech(2.0).iter().map(|s| f32::from(*s) / 32_767.0).collect();
    let start = 16_000;
    let short: Vec<f32> = audio[start..start + 320].to_vec();
    let long: Vec<f32> = audio[start..start + 960].to_vec();
    let f0 = 130.0;

    let short_plan = SpectrumPlan::new(hamming(320));
    let mut short_state = short_plan.state();
    short_plan.process(&mut short_state, &short);
    let power = short_state.power.clone();
    let bins: Vec<Complex32> =
        short_state.re.iter().zip(&short_state.im).map(|(re, im)| Complex32::new(*re, *im)).collect();
    let pitch_plan = SpectrumPlan::new(gauss(960, 0.4));
    let mut pitch_state = pitch_plan.state();
    pitch_plan.process(&mut pitch_state, &long);
    let pitch_power = pitch_state.power.clone();
    let magnitudes: Vec<f32> = pitch_power.iter().map(|p| p.sqrt()).collect();
    let candidates = CandidatePlan::new(513, 15.625);
    let mut candidate_state = candidates.state();
    let found = candidates.process(&mut candidate_state, &magnitudes);
    let hnr = HnrPlan::new(1024, 16_000.0);
    let mut hnr_state = hnr.state();
    let formants = FormantPlan::default();
    let mut formant_state = formants.state();
    let mut harmonics = Harmonics::default();
    let mut path = PitchPath::default();
    let mut history = History::new(audio.len());
    history.push(&audio);
    let mut perturbation = Perturbation::default();
    let mut index = 0u64;
    let mel = MelBank::new(26, 20.0, 8000.0, 31.25);
    let loudness = affect::descriptors::loudness::LoudnessPlan::new(mel.centres_hz());
    let mfcc = affect::descriptors::mfcc::MfccPlan::new(26, 4);
    let mut energies = [0.0f32; 26];
    let mut logs = [0.0f32; 26];
    let mut vad = Vad::default();
    let vad_audio = audio.clone();
    let (m1, m2) = (magnitudes.clone(), magnitudes);
    let stage = |name, voiced_only, bound, run: Box<dyn FnMut()>| Stage { name, voiced_only, bound, run };
    let mut fft_short = short_plan.state();
    let short_copy = short.clone();
    let mut fft_long = pitch_plan.state();
    vec![
        stage(
            "fft-20ms",
            false,
            true,
            Box::new(move || {
                black_box(short_plan.process(&mut fft_short, black_box(&short_copy)));
            }),
        ),
        stage(
            "fft-60ms",
            false,
            true,
            Box::new(move || {
                black_box(pitch_plan.process(&mut fft_long, black_box(&long)));
            }),
        ),
        stage(
            "mel-loudness-mfcc",
            false,
            false,
            Box::new(move || {
                mel.process(black_box(&power), &mut energies);
                energies.iter_mut().for_each(|e| *e = e.ln());
                black_box(loudness.process(&energies));
                mfcc.process(&energies, &mut logs, black_box(&mut [0.0; 4]));
            }),
        ),
        stage(
            "pitch-candidates",
            false,
            false,
            Box::new(move || {
                black_box(candidates.process(&mut candidate_state, black_box(&m1)));
            }),
        ),
        stage(
            "pitch-path",
            false,
            false,
            Box::new(move || {
                path.push(black_box(&found), |hz| {
                    black_box(hz);
                });
            }),
        ),
        stage(
            "jitter-shimmer",
            true,
            false,
            Box::new(move || {
                black_box(perturbation.process(&history, index, f0));
                index = (index + 1) % 100;
                if index == 0 {
                    perturbation.reset();
                }
            }),
        ),
        stage(
            "hnr",
            true,
            false,
            Box::new(move || {
                black_box(hnr.process(&mut hnr_state, black_box(&pitch_power), f0));
            }),
        ),
        stage(
            "harmonics",
            true,
            false,
            Box::new(move || {
                black_box(harmonics.process(black_box(&m2), 15.625, f0, [500.0, 1500.0, 2500.0]));
            }),
        ),
        stage(
            "formants",
            true,
            false,
            Box::new(move || {
                black_box(formants.process(&mut formant_state, black_box(&bins)));
            }),
        ),
        stage(
            "voice-activity-10ms",
            false,
            false,
            Box::new(move || {
                vad.push(black_box(&vad_audio[..160]), |p| {
                    black_box(p);
                });
            }),
        ),
    ]
}
