//! Explanations find what was planted, and lose it where there is nothing to find.

mod common;
#[path = "common/voice.rs"]
mod voice;

use affect::explain::sampled::Effort;
use affect::explain::{Explainer, Unit};
use affect::features::catalogue::{Group, affect_functionals};
use affect::identify::data::{Dataset, Sample, View};
use affect::identify::learners::Learner;
use affect::identify::train::{Background, Reference, TrainSettings, train};
use affect::model::{Model, Options};
use affect::signal::random::Random;
use std::sync::Arc;
use voice::{Normal, Recipe, VOWELS, make};

const EACH: usize = 48;

/// One voice; what differs between the classes is one thing only.
fn sound(kind: &str, class: usize, n: usize) -> Vec<f32> {
    let seed = (n as u64) * 7 + class as u64 * 100_003 + kind.len() as u64 + 1;
    let mut noise = Normal(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..8).for_each(|_| {
        noise.next();
    });
    let on = class == 1;
    let mut recipe = Recipe::steady(150.0 * (1.0 + 0.06 * noise.next()), VOWELS[n % 3]);
    recipe.seconds = 0.7;
    recipe.hnr_db = Some(24.0 + noise.next());
    recipe.jitter = 0.005 * (1.0 + 0.2 * noise.uniform());
    recipe.seed = (n * 2 + class) as u64 + 1;
    match kind {
        "F0" if on => recipe.f0_hz *= 1.35,
        "jitter" if on => recipe.jitter = 0.015,
        _ => {}
    }
    let mut x = make(&recipe).samples;
    if kind == "tilt" {
        // A first-order shelf, so that the balance between low and high changes and nothing else.
        let a = if on { 0.55 } else { 0.0 };
        let mut last = 0.0;
        x.iter_mut().for_each(|v| {
            let y = *v - a * last;
            last = *v;
            *v = y;
        });
    }
    let rms = (x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32).sqrt();
    let gain = 0.05 / rms * if kind == "level" && on { 3.0 } else { 1.0 } * (1.0 + 0.05 * noise.next() as f32);
    x.iter().map(|v| v * gain).collect()
}

fn corpus(kind: &str) -> Vec<(usize, Vec<Option<f32>>)> {
    (0..2 * EACH)
        .map(|k| {
            let record = common::functionals(&sound(kind, k % 2, k / 2));
            (k % 2, record.features.iter().map(|f| f.value).collect())
        })
        .collect()
}

fn settings(learner: Learner) -> TrainSettings {
    TrainSettings {
        id: "planted".to_owned(),
        version: "1".to_owned(),
        description: String::new(),
        learners: vec![(learner, if learner == Learner::Logistic { 0.05 } else { learner.strength() })],
        selection: String::new(),
        reference: Reference::Training,
        folds: 4,
        seed: 1,
        silent_share: 0.0,
        background: Background::Rows(16),
        licence: String::new(),
        corpora: vec![],
        limits: vec![],
        derived: vec![],
        metrics: vec![],
    }
}

/// A draw from a corpus, its speakers dealt out; labels as they are or shuffled.
fn draw(corpus: &[(usize, Vec<Option<f32>>)], r: &mut Random, shuffled: bool) -> (Dataset, Vec<usize>) {
    let mut order: Vec<usize> = (0..corpus.len()).collect();
    r.shuffle(&mut order);
    let (inside, outside) = order.split_at(corpus.len() * 2 / 3);
    let mut labels: Vec<usize> = inside.iter().map(|k| corpus[*k].0).collect();
    if shuffled {
        r.shuffle(&mut labels);
    }
    let sample = |(k, class): (&usize, &usize)| Sample {
        values: corpus[*k].1.clone(),
        speech_s: 1.0,
        label: ["off", "on"][*class].to_owned(),
        file: k.to_string(),
        speaker: (k % 8).to_string(),
        session: None,
        audio: String::new(),
        fold: None,
        corpus: "planted".to_owned(),
        condition: "clean".to_owned(),
        view: View::default(),
    };
    let names = affect_functionals().iter().map(|e| e.name.clone()).collect();
    let data = Dataset {
        feature_set: ("affect-v1".to_owned(), affect::features::affect::VERSION.to_owned()),
        names,
        samples: inside.iter().zip(&labels).map(sample).collect(),
        against: Vec::new(),
    };
    (data, outside.to_vec())
}

/// Mean magnitude of each group's contribution over rows that the model has not seen; and the model's recall out of fold.
fn importance(
    data: &Dataset,
    corpus: &[(usize, Vec<Option<f32>>)],
    rows: &[usize],
    learner: Learner,
) -> (Vec<(Group, f64)>, f64) {
    let trained = train(data, &data.only(|_| false), &settings(learner), &mut |_, _| true).unwrap();
    let model = Arc::new(Model::open(trained.bytes, None, &Options::default()).unwrap());
    let groups: Vec<(Group, Vec<usize>)> = Group::ALL
        .into_iter()
        .map(|g| (g, (0..data.names.len()).filter(|k| affect_functionals()[*k].group == g).collect()))
        .collect();
    let background = trained.card.background.concat();
    let e = Explainer::new(model, background, groups.iter().map(|g| g.1.clone()).collect()).unwrap();
    let mut sums = vec![0.0; groups.len()];
    for k in rows {
        let row = affect::model::vector::row(&trained.card, &corpus[*k].1, None).unwrap();
        let a = e.by_group(&row, 1, Unit::Score).unwrap();
        let all = e.by_feature(&row, 1, Unit::Score, Effort::default()).unwrap();
        assert!(a.residual.unwrap().abs() < 1e-9 && all.residual.unwrap().abs() < 1e-9);
        sums.iter_mut().zip(&a.values).for_each(|(s, v)| *s += v.abs() / rows.len() as f64);
    }
    let mut list: Vec<(Group, f64)> = groups.iter().map(|g| g.0).zip(sums).collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1));
    (list, trained.recall[0].2)
}

#[test]
fn what_was_planted_comes_first() {
    let planted = [
        ("F0", Group::Frequency),
        ("tilt", Group::SpectralBalance),
        ("level", Group::Energy),
        ("jitter", Group::VoiceQuality),
    ];
    let mut short = Vec::new();
    for (kind, group) in planted {
        let corpus = corpus(kind);
        let mut random = Random(kind.len() as u64);
        let (mut first, mut others) = (0, Vec::new());
        for _ in 0..100 {
            let (data, rows) = draw(&corpus, &mut random, false);
            let (list, recall) = importance(&data, &corpus, &rows, Learner::Logistic);
            assert!(recall > 0.8, "{kind}: recall {recall}");
            if list[0].0 == group { first += 1 } else { others.push(list[0].0) }
        }
        eprintln!("{kind}: {group:?} first in {first} of 100 runs; otherwise {others:?}");
        if first < 99 {
            short.push(format!("{kind}: {first}"));
        }
    }
    assert!(short.is_empty(), "first in fewer than 99 of 100 runs: {short:?}");
}

/// Boosted trees take the one feature that parts the classes best, and explanations say so. That is the planted group for F0
/// and level. Jitter also is variation of F0 from frame to frame, and tilt also moves H1-H2: trees may split there, so nothing is
/// asked of them here.
#[test]
fn trees_find_what_only_one_group_holds() {
    for (kind, group) in [("F0", Group::Frequency), ("level", Group::Energy)] {
        let corpus = corpus(kind);
        let mut random = Random(23);
        for _ in 0..10 {
            let (data, rows) = draw(&corpus, &mut random, false);
            let (list, _) = importance(&data, &corpus, &rows, Learner::Boosting);
            assert_eq!(list[0].0, group, "{kind}");
        }
    }
}

/// Where labels are shuffled there is nothing to explain: recall falls to chance, and no group keeps its place.
#[test]
fn shuffled_labels_lose_the_explanation() {
    let corpus = corpus("F0");
    let mut random = Random(99);
    let (mut first, mut recall) = (0, 0.0);
    let (mut share, mut planted) = (0.0, 0.0);
    for _ in 0..20 {
        let of = |list: &[(Group, f64)]| {
            let total: f64 = list.iter().map(|g| g.1).sum();
            list.iter().find(|g| g.0 == Group::Frequency).map_or(0.0, |g| g.1 / total)
        };
        let (data, rows) = draw(&corpus, &mut random, true);
        let (list, r) = importance(&data, &corpus, &rows, Learner::Logistic);
        first += usize::from(list[0].0 == Group::Frequency);
        recall += r / 20.0;
        share += of(&list) / 20.0;
        let (data, rows) = draw(&corpus, &mut random, false);
        planted += of(&importance(&data, &corpus, &rows, Learner::Logistic).0) / 20.0;
    }
    assert!((0.35..0.65).contains(&recall), "recall {recall}");
    assert!(first < 15 && share < 0.7 * planted, "first in {first} of 20, share {share} against {planted}");
}

/// A model whose weights are drawn anew explains something else.
#[test]
fn randomised_weights_lose_the_explanation() {
    let corpus = corpus("F0");
    let (data, rows) = draw(&corpus, &mut Random(5), false);
    let trained = train(&data, &data.only(|_| false), &settings(Learner::Logistic), &mut |_, _| true).unwrap();
    let d = data.names.len();
    let of = |weights: &[f64]| -> Vec<f64> {
        rows.iter()
            .flat_map(|k| {
                let row = affect::model::vector::row(&trained.card, &corpus[*k].1, None).unwrap();
                (0..d).map(|c| weights[c] * f64::from(row[c])).collect::<Vec<_>>()
            })
            .collect()
    };
    let model = Model::open(trained.bytes.clone(), None, &Options::default()).unwrap();
    let affect::model::builtin::Structure::Linear(map) = model.structure() else { panic!("not linear") };
    let own = of(&map.weights[d..]);
    let mut random = Random(17);
    let correlation = |a: &[f64], b: &[f64]| {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    for _ in 0..20 {
        let drawn: Vec<f64> = (0..d).map(|_| random.uniform() - 0.5).collect();
        let c = correlation(&own, &of(&drawn));
        assert!(c.abs() < 0.6, "{c}");
    }
}
