//! Studies from end to end: findings, leaks, exports of every learner.

#[path = "../page/tests/rules/mod.rs"]
mod rules;

use affect::features::catalogue::Group;
use affect::identify::audit;
use affect::identify::contexts;
use affect::identify::error::TrainError;
use affect::identify::export;
use affect::identify::learners::{Learner, fit, rows_of};
use affect::identify::measure::tempered;
use affect::identify::models::{self, Plan};
use affect::identify::planted::{Carrier, pool};
use affect::identify::pool::Pool;
use affect::identify::report;
use affect::identify::settings::StudySettings;
use affect::identify::study;
use affect::identify::train::{Background, Reference, TrainSettings};
use affect::model::engine::Backend;
use affect::model::{Model, Options, vector};
use affect::signal::random::Random;
use ndarray::Array2;
use std::sync::LazyLock;

fn labels(n: usize) -> Vec<String> {
    (0..n).map(|k| format!("label {k}")).collect()
}

fn quick() -> StudySettings {
    StudySettings {
        learners: vec![Learner::Logistic, Learner::Boosting, Learner::Perceptron],
        candidates: vec![(Learner::Logistic, 0.02), (Learner::Logistic, 0.1)],
        draws: 50,
        permutations: 199,
        pairs: 8,
        sizes: vec![5, 20],
        ..StudySettings::default()
    }
}

static TILT: LazyLock<Pool> = LazyLock::new(|| pool(Carrier::Tilt, 6, 12, 3));

/// Rows of three classes: two features carry them, one of those twice, others are noise.
fn made(n: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut r = Random(seed);
    let mut unit = || r.uniform() * 2.0 - 1.0;
    let classes: Vec<usize> = (0..n).map(|i| if i % 7 == 0 { 2 } else { i % 2 }).collect();
    let lists: Vec<Vec<f32>> = classes
        .iter()
        .map(|c| {
            let (a, b) = ((*c as f64 - 1.0) * 1.5 + unit(), f64::from(u8::from(*c == 1)) * 2.0 - 1.0 + unit());
            vec![a as f32, b as f32, (a + 0.1 * unit()) as f32, unit() as f32, unit() as f32, unit() as f32]
        })
        .collect();
    (rows_of(&lists), classes)
}

/// Every learner finds what there is, gives the same model for the same seed, and copes with a class that never came.
#[test]
fn every_learner_learns() {
    let (x, y) = made(240, 1);
    let (z, truth) = made(240, 2);
    for learner in Learner::ALL {
        let one = || fit(learner, learner.strength(), &x, &y, &labels(4), 5).unwrap();
        let scores = one().scores(&z);
        assert_eq!(scores, one().scores(&z), "{}", learner.name());
        assert!(scores.iter().all(|v| v.is_finite()));
        let answers: Vec<usize> =
            scores.rows().into_iter().map(|r| affect::identify::measure::top(&r.to_vec())).collect();
        let uar = affect::identify::measure::uar(&truth, &answers, 3);
        assert!(uar > 0.8, "{}: {uar}", learner.name());
        let none = fit(learner, learner.strength(), &x, &vec![1; 240], &labels(4), 5);
        assert!(matches!(none, Err(TrainError::Learner(_))), "{}", learner.name());
    }
}

/// What the stream computes from an exported model is what the framework computed, to 1e-5, with both engines.
#[test]
fn exports_score_as_the_framework_does() {
    let plan = Plan {
        corpora: TILT.corpora(),
        labels: None,
        conditions: vec!["clean".to_owned()],
        level: true,
        without: Vec::new(),
        common: Vec::new(),
    };
    for (learner, reference) in
        Learner::ALL.into_iter().zip([Reference::Training, Reference::Speaker, Reference::Both].into_iter().cycle())
    {
        let settings = TrainSettings {
            id: learner.name().to_owned(),
            version: "1".to_owned(),
            description: String::new(),
            learners: vec![(learner, learner.strength())],
            selection: String::new(),
            reference,
            folds: 3,
            seed: 2,
            silent_share: 0.1,
            background: if learner == Learner::Sparse { Background::Prototypes } else { Background::Rows(8) },
            licence: "CC0-1.0".to_owned(),
            corpora: vec!["planted".to_owned()],
            limits: vec![],
            derived: vec![],
            metrics: vec![],
        };
        let trained = models::model(&TILT, &plan, settings, &mut |_, _| true).unwrap();
        let data = plan.dataset(&TILT, reference).unwrap();
        let rows: Vec<Vec<f32>> = data
            .samples
            .iter()
            .enumerate()
            .map(|(i, s)| vector::row(&trained.card, &s.values, data.against.get(i).map(Vec::as_slice)).unwrap())
            .collect();
        let own = trained.fitted.scores(&rows_of(&rows));
        for engine in [Backend::OnnxRuntime, Backend::Rten] {
            let options = Options { backend: engine, ..Options::default() };
            // Trees have no operator in the embedded engine; the library evaluates them itself.
            let model = match Model::open(trained.bytes.clone(), None, &options) {
                Ok(m) => m,
                Err(e) if matches!(learner, Learner::Forest | Learner::Boosting) && engine == Backend::Rten => {
                    eprintln!("{}: {e}", learner.name());
                    continue;
                }
                Err(e) => panic!("{}: {e}", learner.name()),
            };
            for ((row, scores), s) in rows.iter().zip(own.rows()).zip(&data.samples) {
                let t = trained.card.calibration.at(s.view.share());
                let p = tempered(&scores.to_vec(), t);
                let found = model.scores_at(model.run(row).unwrap(), t).probabilities;
                let worst = p.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-5, "{} with {engine:?}: {worst}", learner.name());
            }
        }
        assert_eq!(export::model(&trained.fitted, trained.head.as_ref(), &trained.card), trained.bytes);
    }
}

/// A whole study finds what was planted; its page and its numbers agree with the schema; nothing depends on the threads.
#[test]
fn a_study_finds_what_was_planted() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| study::run(&TILT, &quick(), &|_, _, _| true)).unwrap()
    };
    let found = run(1);
    let tilt = [Group::SpectralBalance.name(), Group::Cepstral.name()];
    assert!(tilt.contains(&found.groups[0].name.as_str()) && tilt.contains(&found.features[0].group.as_str()));
    assert_eq!(found.features.len(), TILT.width());
    assert!(found.features[0].rank.low >= 1.0 && found.features[0].generality == found.features[0].of_contexts);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json, serde_json::to_value(run(2)).unwrap());
    let schema = include_str!("../docs/affect-ranking-2.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let html = report::page(&found).unwrap();
    let page = rules::keeps_the_rules(&html, 1 << 20);
    assert!(html.contains("Which features matter") && page.root.all("svg").len() >= 6);
    assert!(html.contains(&found.features[0].name));
    // The table beside the first figure holds the ranks that are drawn.
    let ranks = page.table("Ranks of features");
    for (row, f) in ranks.rows.iter().zip(&found.features) {
        let cells = [f.rank.value, f.rank.low, f.rank.high].map(|v| format!("{v:.1}"));
        assert_eq!((row[0].as_str(), &row[1..4]), (f.name.as_str(), &cells[..]));
    }
}

/// A study can be ended, and says so.
#[test]
fn a_study_can_be_interrupted() {
    let e = study::run(&TILT, &quick(), &|_, _, _| false).unwrap_err();
    assert!(e.to_string().contains("interrupted"), "{e}");
}

/// Given folds that share a speaker, or a recording under two names, are refused, and the offender is named.
#[test]
fn leaks_are_refused() {
    let mut p = TILT.clone();
    for (k, r) in p.recordings.iter_mut().enumerate() {
        r.fold = Some(k % 3);
    }
    let refused = |p: &Pool| {
        let (contexts, skipped) = contexts::all(p);
        assert!(contexts.is_empty() && study::run(p, &quick(), &|_, _, _| true).is_err());
        skipped[0].why.clone()
    };
    assert!(refused(&p).contains("speaker \"planted tilt/00\" is both learnt from and tested on"), "{}", refused(&p));
    for r in &mut p.recordings {
        r.fold = r.speaker.parse().ok();
    }
    assert_eq!(contexts::all(&p).0[0].fold_count(), 6);
    p.recordings[20].audio = p.recordings[0].audio.clone();
    assert_ne!(p.recordings[20].speaker, p.recordings[0].speaker);
    let (a, b) = (&p.recordings[0].file, &p.recordings[20].file);
    assert!(refused(&p).contains(a) && refused(&p).contains(b), "{}", refused(&p));
    assert_eq!(audit::twins(&p.recordings), [(20, 0)]);
}
