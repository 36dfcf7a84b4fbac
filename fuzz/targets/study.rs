//! Any text is the configuration of a study or refused; what is accepted can be carried out as far as its words go.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

// The command has no library: its module is taken as it is.
#[allow(dead_code, reason = "the command uses the rest")]
#[path = "../../cli/src/identify/config.rs"]
mod config;

use affect::identify::condition::Condition;
use config::Study;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let base = Path::new("/base");
    let Ok(study) = Study::parse(text, base) else { return };
    assert!(study.corpus.is_empty() != study.planted.is_none());
    study.learners().expect("the learners have been checked");
    for condition in &study.conditions {
        Condition::parse(condition).expect("the conditions have been checked");
    }
    for model in &study.model {
        model.learners().expect("the learners have been checked");
        assert!((0.0..1.0).contains(&model.silent));
    }
    for corpus in &study.corpus {
        let tables = corpus.manifest.list().into_iter().chain(&corpus.folds);
        assert!(tables.into_iter().all(|t| t.is_absolute()), "a table that does not lie in the corpus's folder");
    }
});
