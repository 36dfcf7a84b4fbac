//! Tables of earlier versions are read for good. With `AFFECT_BLESS=1` the files of the present version are written, once; they are never changed.

mod common;

use affect::analyzer::FeatureSet;
use affect_archive::calls::{CallError, CallRow, CallsTable, Summary};
use affect_archive::store::{Blob, Local, Store};
use affect_archive::{Attempt, Columns, read};
use common::{call, ledger, memory, plan, results, row, scorer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The tables of a part of two calls as this version writes them.
fn present() -> (Vec<u8>, Vec<u8>) {
    let (_, store) = memory();
    let keys = ["a b.wav", "poison.wav"];
    let plan = plan(&store, &keys, 100);
    let ledger = ledger(store.clone(), Columns::of(FeatureSet::AffectV1.functionals(), Some(&scorer())));
    let mut attempt = Attempt::begin(&ledger, &plan, 0, "kept").unwrap();
    keys.iter().for_each(|k| attempt.push(row(&call(k, 1)), &results(k)).unwrap());
    attempt.finish().unwrap().commit().unwrap();
    let get = |name: &str| store.get(&format!("run/{}/{name}", ledger.run.id)).unwrap().to_vec();
    (get("calls/part-00000.parquet"), get("utterances/part-00000-kept.parquet"))
}

#[test]
fn kept_tables_are_read() {
    if std::env::var_os("AFFECT_BLESS").is_some() && !kept().join("calls-1.parquet").exists() {
        let (calls, utterances) = present();
        std::fs::create_dir_all(kept()).unwrap();
        std::fs::write(kept().join("calls-1.parquet"), calls).unwrap();
        std::fs::write(kept().join("utterances-2.parquet"), utterances).unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(Local::new(&kept()));
    let table = CallsTable::open(Blob::open(&store, "calls-1.parquet").unwrap()).unwrap();
    assert_eq!(table.about("affect.schema"), Some("affect.calls/1"));
    assert_eq!(table.numbers(), ["agent_talk_s", "overlap_s"]);
    let rows: Vec<CallRow> = table.map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|r| r.call.key.as_str()).collect::<Vec<_>>(), ["a b.wav", "poison.wav"]);
    assert_eq!((rows[0].utterances, rows[0].error, rows[1].error), (2, None, Some(CallError::Crashed)));
    assert_eq!(rows[0].heard.unwrap().sample_rate_hz, 8000);
    assert_eq!(rows[0].numbers, [("agent_talk_s".to_owned(), Some(1.5)), ("overlap_s".to_owned(), None)]);
    let file = std::fs::File::open(kept().join("utterances-2.parquet")).unwrap();
    let records: Vec<_> = read(file).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|r| &*r.stream == "a b.wav" && r.features.len() == 136));
    assert!(records[0].value("F0_Hz_median").is_some_and(|v| (50.0..400.0).contains(&v)));
}

/// What reading a damaged table comes to: rows, or an error. Never a panic.
fn survives(bytes: Vec<u8>) {
    let (_, store) = memory();
    store.create("damaged.parquet", "test", &bytes).unwrap();
    if let Ok(table) = read(bytes::Bytes::from(bytes)) {
        table.take(10_000).for_each(drop);
    }
    if let Ok(table) = CallsTable::open(Blob::open(&store, "damaged.parquet").unwrap()) {
        table.take(10_000).for_each(drop);
    }
    drop(Summary::read(&Blob::open(&store, "damaged.parquet").unwrap()));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]
    /// Bytes that are changed anywhere, most often in the description at the end, and files that end early.
    #[test]
    fn damaged_tables_are_refused_or_read(
        which in 0usize..2,
        changes in proptest::collection::vec((proptest::prelude::any::<u32>(), proptest::prelude::any::<u8>(), proptest::bool::ANY), 1..6),
        cut in proptest::option::weighted(0.2, proptest::prelude::any::<u32>()),
    ) {
        let name = ["calls-1.parquet", "utterances-2.parquet"][which];
        let mut bytes = std::fs::read(kept().join(name)).unwrap();
        let n = bytes.len();
        for (at, value, anywhere) in changes {
            let from = if anywhere { 0 } else { n - n.min(4000) };
            bytes[from + at as usize % (n - from)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut as usize % n);
        }
        survives(bytes);
    }
}
