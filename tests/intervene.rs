//! Interventions find what a model listens to, and nothing where it listens to nothing.

mod common;
#[path = "common/planted_models.rs"]
mod planted_models;

use affect::alter::Property;
use affect::intervene::{Findings, Participant, Schedule, Settings, Subject, Trial, findings};
use affect::model::engine::Backend;
use affect::model::{Model, Options};
use planted_models::SCORES;
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

fn subject(bytes: &[u8], card: &str) -> Subject {
    let options = Options { backend: Backend::Rten, ..Options::default() };
    Subject::new(Arc::new(Model::open(bytes.to_vec(), Some(card), &options).unwrap()), None).unwrap()
}

fn clips() -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> =
        std::fs::read_dir(common::root().join("tests/data/emodb")).unwrap().map(|e| e.unwrap().path()).collect();
    list.retain(|p| p.extension().is_some_and(|e| e == "wav"));
    list.sort();
    list
}

fn samples(path: &std::path::Path) -> (Vec<f32>, u32) {
    let (audio, channels, rate) = common::wav(path);
    assert_eq!(channels, 1);
    (audio.iter().map(|v| f32::from(*v) / 32_768.0).collect(), rate)
}

/// Interventions on the vendored clips, each a unit of its own.
fn asked(subject: &Subject, schedule: &Schedule) -> Findings {
    let combinations = schedule.combinations();
    let trials: Vec<(String, Trial)> = clips()
        .par_iter()
        .map(|path| {
            let (x, rate) = samples(path);
            let trial = Trial::new(subject, x, rate, &combinations, None, &|| false).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), trial)
        })
        .collect();
    let participants: Vec<Participant<'_>> =
        trials.iter().map(|(speaker, trial)| Participant { speaker, trial }).collect();
    findings(subject, "planted", schedule, &participants, Vec::new(), Settings::default())
}

/// The property with the largest effect on a score.
fn first(f: &Findings, score: usize) -> &'static str {
    f.properties.iter().find(|p| p.effects[score].rank == 1).unwrap().property
}

fn planted(f: &Findings) {
    for p in &f.properties {
        let list = p.effects.iter().map(|e| format!("{:9.3} (q {:.3})", e.effect.map_or(f64::NAN, |i| i.value), e.q));
        println!("{:?}", p.doses.iter().map(|d| d.responses[0].mean.map(|m| m.value)).collect::<Vec<_>>());
        println!("{:<16}{}", p.property, list.collect::<Vec<_>>().join(" "));
    }
    for (k, score) in SCORES[..5].iter().enumerate() {
        assert_eq!(first(f, k), *score);
        let of = f.properties.iter().find(|p| p.property == *score).unwrap();
        assert!(of.effects[k].beyond_chance, "{score}: q {}", of.effects[k].q);
    }
    for (p, k) in f.properties.iter().flat_map(|p| [(p, 5), (p, 6)]) {
        assert!(!p.effects[k].beyond_chance, "{} moves what nothing moves: q {}", p.property, p.effects[k].q);
    }
    for p in &f.properties {
        let e = &p.effects[5];
        assert_eq!((e.effect.unwrap().value, e.p), (0.0, 1.0));
    }
}

#[test]
fn a_waveform_model_is_found_out() {
    let f =
        asked(&subject(&planted_models::waveform(), &planted_models::waveform_card()), &Schedule::of(&Property::ALL));
    planted(&f);
    // Level by construction: a dB is a dB, and nothing else moves it by a tenth of a dB for each deviation.
    let level = f.properties.iter().find(|p| p.property == "level").unwrap();
    let slope = level.effects[3].slope_per_unit.unwrap();
    assert!((slope.value - 1.0).abs() < 1e-3 && slope.low > 0.99 && slope.high < 1.01, "{slope:?}");
    let f0 = f.properties.iter().find(|p| p.property == "f0").unwrap();
    let slope = f0.effects[0].slope_per_unit.unwrap();
    assert!((slope.value - 1.0).abs() < 0.2, "semitones per semitone: {slope:?}");
}

#[test]
fn a_feature_model_is_found_out() {
    let subject = subject(&planted_models::features(), &planted_models::features_card());
    let f = asked(&subject, &Schedule::of(&Property::ALL));
    planted(&f);
    let f0 = f.properties.iter().find(|p| p.property == "f0").unwrap();
    let slope = f0.effects[0].slope_per_unit.unwrap();
    assert!((slope.value - 1.0).abs() < 0.1, "semitones per semitone: {slope:?}");
    // What came is what was asked, and the contribution of the group is all of the response.
    for d in &f0.doses {
        assert!((d.came.unwrap() - d.dose).abs() < 0.15 && d.realised == clips().len(), "{d:?}");
    }
    let by_group: f64 = f0.effects[0].by_group.iter().map(|g| g.1).sum();
    assert!((by_group - f0.effects[0].slope_per_deviation.unwrap().value).abs() < 1e-6);
}
