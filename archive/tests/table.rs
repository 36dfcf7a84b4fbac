//! Tables: what was written comes back, to the last byte.

use affect::analyzer::{Analyzer, Config, FeatureSet, Output, Scorer, ScoringConfig, Segmentation, two_pass};
use affect::model::{DEFAULT, Options, pool};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use affect_archive::{Columns, TableError, TableWriter, read};
use std::path::Path;
use std::sync::Arc;

/// Samples, channels and rate of a WAV file of 16-bit samples.
fn wav(name: &str) -> (Vec<i16>, usize, u32) {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let data = bytes.windows(4).position(|w| w == b"data").unwrap() + 8;
    let samples = bytes[data..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    (samples, usize::from(bytes[22]), number(24))
}

fn records(name: &str, config: &Config) -> Vec<Record> {
    let (samples, channels, rate) = wav(name);
    let config = Config { stream: format!("{name} ü \"quoted\"").into(), ..config.clone() };
    let mut out = Vec::new();
    let mut take = |o: Output<'_>| match o {
        Output::Segment(r) => out.push(*r),
        Output::Frame(f) if out.len() < 40 => out.push(f.to_record(&config)),
        _ => {}
    };
    let mut analyzer = Analyzer::new(config.clone(), rate, channels).unwrap();
    analyzer.push(&Samples::s16(&samples, channels).unwrap(), &mut take).unwrap();
    analyzer.finish(&mut take);
    out
}

fn scorer() -> Arc<Scorer> {
    let model = pool::open_bytes(DEFAULT.to_vec(), None, &Options::default()).unwrap();
    Arc::new(Scorer::new(model, ScoringConfig { target: "all".to_owned(), ..ScoringConfig::default() }).unwrap())
}

fn utterances() -> Segmentation {
    Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() })
}

/// The table of records, and the records of the table.
fn there_and_back(list: &[Record], columns: &Columns) -> (Vec<u8>, Vec<Record>) {
    let mut table = TableWriter::new(Vec::new(), columns, &[("run", "a run".to_owned())]).unwrap();
    list.iter().for_each(|r| table.push(r).unwrap());
    let bytes = table.finish().unwrap();
    let path = std::env::temp_dir().join(format!("affect-table-{}-{}.parquet", std::process::id(), bytes.len()));
    std::fs::write(&path, &bytes).unwrap();
    let back = read(std::fs::File::open(&path).unwrap()).unwrap().collect::<Result<_, _>>().unwrap();
    std::fs::remove_file(path).unwrap();
    (bytes, back)
}

#[test]
fn records_come_back_to_the_last_byte() {
    let scorer = scorer();
    let plain = Config { sets: vec![FeatureSet::AffectV1], ..Config::default() };
    let call = "calls/call40_185s_2ch_pcm16.wav";
    let roles: Vec<Arc<str>> = vec!["agent".into(), "caller".into()];
    let scored = Config { roles, scorer: Some(scorer.clone()), segmentation: utterances(), ..plain.clone() };
    let mut compared = records(call, &Config { segmentation: utterances(), ..plain.clone() });
    two_pass(&mut compared);
    let columns = Columns::of(FeatureSet::AffectV1.functionals(), Some(&scorer));
    let frames = Columns::of(FeatureSet::AffectV1.llds(), None);
    for (what, list, columns) in [
        ("scored", records(call, &scored), &columns),
        ("compared", compared, &Columns::of(FeatureSet::AffectV1.functionals(), None)),
        ("clip", records("emodb/03a01Nc.wav", &plain), &columns),
        (
            "frames",
            records("emodb/03a01Nc.wav", &Config { segmentation: Segmentation::Frames, ..plain.clone() }),
            &frames,
        ),
        // What has no column is kept all the same.
        ("without columns", records(call, &scored), &Columns::default()),
    ] {
        assert!(!list.is_empty(), "{what}");
        let (_, back) = there_and_back(&list, columns);
        assert_eq!(list.len(), back.len(), "{what}");
        for (a, b) in list.iter().zip(&back) {
            assert_eq!(a.to_json(), b.to_json(), "{what}");
        }
    }
}

/// Rows beyond one batch keep their order, and an empty table is one.
#[test]
fn many_rows_and_none() {
    let clip = records("emodb/03a01Nc.wav", &Config::default());
    let mut list: Vec<Record> = (0..1000).map(|_| clip[0].clone()).collect();
    list.iter_mut().enumerate().for_each(|(k, r)| r.start_ns = k as u64);
    let columns = Columns::of(FeatureSet::AffectV1.functionals(), None);
    let (bytes, back) = there_and_back(&list, &columns);
    assert!(back.iter().map(|r| r.start_ns).eq(0..1000));
    assert!(bytes.len() < 1000 * 700, "{} bytes", bytes.len());
    assert_eq!(there_and_back(&[], &columns).1, []);
}

#[test]
fn what_is_no_table_is_refused() {
    let path = std::env::temp_dir().join(format!("affect-no-table-{}", std::process::id()));
    for bytes in [&b""[..], b"PAR1", b"file,channel\n"] {
        std::fs::write(&path, bytes).unwrap();
        let e = read(std::fs::File::open(&path).unwrap()).unwrap_err();
        assert!(matches!(e, TableError::Format(_)) && e.to_string().contains("expected a Parquet table"), "{e}");
    }
    std::fs::remove_file(path).unwrap();
}

/// A table that was cut off or damaged is an error, or says what it can: it never brings the program down.
#[test]
fn damaged_tables_are_errors() {
    let clip = records("emodb/03a01Nc.wav", &Config { scorer: Some(scorer()), ..Config::default() });
    let columns = Columns::of(FeatureSet::AffectV1.functionals(), Some(&scorer()));
    let (bytes, _) = there_and_back(&vec![clip[0].clone(); 20], &columns);
    let path = std::env::temp_dir().join(format!("affect-damaged-{}", std::process::id()));
    let mut seed = 7u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut errors = 0;
    for k in 0..400 {
        let mut damaged = bytes.clone();
        if k % 4 == 0 {
            damaged.truncate(next(bytes.len()));
        } else {
            // Half of the damage at the end, where the table says what it is.
            for _ in 0..1 + k % 3 {
                let from = if k % 2 == 0 { bytes.len() * 9 / 10 } else { 0 };
                let at = from + next(bytes.len() - from);
                damaged[at] ^= 1 << next(8);
            }
        }
        std::fs::write(&path, &damaged).unwrap();
        let outcome = read(std::fs::File::open(&path).unwrap()).and_then(|t| t.collect::<Result<Vec<_>, _>>());
        errors += usize::from(outcome.is_err());
    }
    std::fs::remove_file(path).unwrap();
    assert!(errors > 100, "{errors}");
}
