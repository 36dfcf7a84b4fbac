//! What the tests of archives share.
#![allow(dead_code, reason = "each test takes a part")]

use affect::analyzer::{Analyzer, Config, FeatureSet, Output, Scorer, ScoringConfig, Segmentation};
use affect::model::{DEFAULT, Options, pool};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use affect_archive::calls::{CallError, CallRow, CallsTable, Heard};
use affect_archive::plan::{Limits, Made, Making, Plan, PlanTable, PlannedCall, freeze};
use affect_archive::store::{Memory, Store};
use affect_archive::{Attempt, Columns, Identity, Ledger, Outcome, Ready, Run};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Scored utterances of a recorded call.
pub fn records() -> &'static [Record] {
    static RECORDS: OnceLock<Vec<Record>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let call = "../tests/data/calls/call40_185s_2ch_pcm16.wav";
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(call)).unwrap();
        let samples: Vec<i16> = bytes[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        let config = Config {
            segmentation: Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() }),
            roles: vec!["agent".into(), "caller".into()],
            scorer: Some(scorer()),
            ..Config::default()
        };
        let mut list = Vec::new();
        let mut take = |o: Output<'_>| {
            if let Output::Segment(r) = o {
                list.push(*r);
            }
        };
        let mut analyzer = Analyzer::new(config, 8000, 2).unwrap();
        analyzer.push(&Samples::s16(&samples, 2).unwrap(), &mut take).unwrap();
        analyzer.finish(&mut take);
        list
    })
}

pub fn scorer() -> Arc<Scorer> {
    static SCORER: OnceLock<Arc<Scorer>> = OnceLock::new();
    let make = || {
        let model = pool::open_bytes(DEFAULT.to_vec(), None, &Options::default()).unwrap();
        Arc::new(Scorer::new(model, ScoringConfig::default()).unwrap())
    };
    SCORER.get_or_init(make).clone()
}

/// A call of a listing.
pub fn call(key: &str, size: u64) -> PlannedCall {
    PlannedCall { key: key.to_owned(), size, modified_ns: Some(7), etag: None, metadata: Vec::new() }
}

/// Results of a call: of each a few, of a poisonous one none.
pub fn results(key: &str) -> Vec<Record> {
    let count = 1 + key.len() % 3;
    let of_call = |r: &Record| {
        let mut r = r.clone();
        r.stream = key.into();
        r
    };
    if key.contains("poison") { Vec::new() } else { records()[..count].iter().map(of_call).collect() }
}

/// The row of a call.
pub fn row(call: &PlannedCall) -> CallRow {
    let poison = call.key.contains("poison");
    CallRow {
        call: call.clone(),
        heard: (!poison).then_some(Heard { duration_ns: 1_000_000_000, channels: 2, sample_rate_hz: 8000 }),
        error: poison.then_some(CallError::Crashed),
        error_message: poison.then(|| "signal 6".to_owned()),
        numbers: vec![("agent_talk_s".to_owned(), Some(1.5)), ("overlap_s".to_owned(), None)],
        ..CallRow::default()
    }
}

pub fn ledger(store: Arc<dyn Store>, columns: Columns) -> Ledger {
    let identity = Identity {
        software: "affect test".into(),
        feature_set: FeatureSet::AffectV1.name().into(),
        feature_set_version: FeatureSet::AffectV1.version().into(),
        model_sha256: None,
        card_sha256: None,
        engine: None,
        roles: Vec::new(),
        policy: Vec::new(),
        settings: Default::default(),
    };
    let run = Run::new(identity, None, None);
    run.save(&*store, "test").unwrap();
    let numbers = ["agent_talk_s", "overlap_s"].map(str::to_owned).to_vec();
    Ledger { store, run, columns, numbers, provenance: "{}".to_owned() }
}

pub fn memory() -> (Memory, Arc<dyn Store>) {
    let memory = Memory::default();
    (memory.clone(), Arc::new(memory))
}

/// A plan of calls of equal length, so many in a part.
pub fn plan(store: &Arc<dyn Store>, keys: &[&str], in_a_part: u64) -> Plan {
    let calls = keys.iter().map(|k| call(k, 1)).collect();
    let limits = Limits { bytes: in_a_part, calls: 4096 };
    let made: Made = freeze(store, calls, &Making { limits, attempt: "p".into(), ..Making::default() }).unwrap();
    made.plan.unwrap()
}

/// Does a part from its begin to its commit.
pub fn part(ledger: &Ledger, plan: &Plan, number: u32, attempt: &str) -> Outcome {
    let mut a = Attempt::begin(ledger, plan, number, attempt).unwrap();
    for call in PlanTable::open(&ledger.store, plan).unwrap().part(number).unwrap() {
        a.push(row(&call), &results(&call.key)).unwrap();
    }
    let ready: Ready<'_> = a.finish().unwrap();
    ready.commit().unwrap()
}

/// All committed rows, without the names of attempts.
pub fn rows(ledger: &Ledger) -> Vec<CallRow> {
    let mut all = Vec::new();
    for number in ledger.run.committed(&*ledger.store).unwrap().into_keys() {
        all.extend(CallsTable::of_part(&ledger.store, &ledger.run.id, number).unwrap().map(Result::unwrap));
    }
    all.iter_mut().for_each(|r| r.utterances_file.clear());
    all
}
