//! Interventions find what a model listens to, and nothing where it listens to nothing.

mod common;
#[path = "common/planted_models.rs"]
mod planted_models;
#[path = "../page/tests/rules/mod.rs"]
mod rules;

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
        trials.iter().map(|(clip, trial)| Participant { speaker: Some(clip), trial }).collect();
    findings(subject, "planted", schedule, &participants, Vec::new(), Settings::default())
}

/// The property with the largest effect on a score.
fn first(f: &Findings, score: usize) -> &'static str {
    f.properties.iter().find(|p| p.effects[score].rank == 1).unwrap().property
}

fn planted(f: &Findings) {
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

/// What is written keeps its schema, and the page the rules of pages.
#[test]
fn findings_keep_their_schema() {
    let subject = subject(&planted_models::features(), &planted_models::features_card());
    let mut schedule = Schedule::of(&[Property::Level, Property::Hnr]);
    schedule.pairs.push((Property::Level, Property::Hnr));
    let f = asked(&subject, &schedule);
    let json = serde_json::to_value(&f).unwrap();
    let schema = include_str!("../docs/affect-interventions-1.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let html = affect::intervene::report::page(&f).unwrap();
    let page = rules::keeps_the_rules(&html, 1 << 20);
    assert!(page.root.all("svg").len() == 5 && html.contains("Beside the model"), "{}", page.root.all("svg").len());
    // The table beside the ranking holds what is drawn.
    let ranking = page.table("Properties by their effect on all scores");
    for (row, p) in ranking.rows.iter().zip(&f.properties) {
        let e = p.effect.unwrap();
        assert_eq!(
            row[..],
            [p.property.to_owned(), format!("{:.3}", e.value), format!("{:.3}", e.low), format!("{:.3}", e.high)]
        );
    }
}

/// The chunking law of interventions: what is known from before changes nothing, and what is not known is added.
#[test]
fn a_trial_goes_on_from_what_is_known() {
    let subject = subject(&planted_models::features(), &planted_models::features_card());
    let (x, rate) = samples(&clips()[0]);
    let all = Schedule::of(&[Property::Level, Property::Rate, Property::Hnr]).combinations();
    let trial = |combinations: &[Vec<(Property, f64)>], known| {
        Trial::new(&subject, x.clone(), rate, combinations, known, &|| false).unwrap()
    };
    let whole = trial(&all, None);
    let part = trial(&all[..5], None);
    assert!(!part.has(&all) && whole.has(&all));
    let again: Trial = serde_json::from_value(serde_json::to_value(&part).unwrap()).unwrap();
    assert_eq!(again, part);
    assert_eq!(trial(&all, Some(again)), whole);
    let stopped = Trial::new(&subject, x.clone(), rate, &all, None, &|| true);
    let nothing_yet = Trial { original: whole.original.clone(), versions: Vec::new() };
    assert_eq!(stopped, Err(affect::intervene::TrialError::Stopped(Box::new(nothing_yet))));
    // Silence has no voice: what a property of the voice would have done is a reason, and the level is still altered.
    assert!(Trial::new(&subject, vec![0.0; 32_000], 16_000, &all, None, &|| false).is_err(), "features are undefined");
}
