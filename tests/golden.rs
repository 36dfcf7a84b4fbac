//! Our own golden values on the shipped clips, made by `make bless` once the bars on the reference vectors held.

mod common;

use affect::analyzer::{Config, FeatureSet, Segmentation};
use affect::segment::utterance::UtteranceConfig;
use common::{clips, records, root, run, wav};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Values that rest on the formant chain: rounding decides some of its frames, so another processor's transform may
/// differ by more there.
fn tolerance(name: &str) -> f64 {
    if ["F1", "F2", "F3", "H1-A3"].iter().any(|f| name.contains(f)) { 0.05 } else { 2e-3 }
}

fn golden() -> BTreeMap<String, Vec<(String, String)>> {
    let mut all = BTreeMap::new();
    for clip in clips() {
        let (audio, channels, rate) = wav(&clip);
        let name = clip.strip_prefix(root().join("tests/data")).unwrap().display().to_string();
        for segmentation in [Segmentation::File, Segmentation::Utterances(UtteranceConfig::default())] {
            let config = Config {
                sets: FeatureSet::ALL.to_vec(),
                segmentation,
                stream: name.as_str().into(),
                ..Config::default()
            };
            let kept = run(&config, rate, channels, &audio, &[1024]);
            for r in records(&kept) {
                let key = format!(
                    "{name} {} {} {} {} {} {}",
                    r.feature_set,
                    r.channel.label(),
                    r.segment,
                    r.start_ns,
                    r.end_ns,
                    r.ended.name()
                );
                let values = r
                    .features
                    .iter()
                    .map(|f| (f.name.clone().into_owned(), f.value.map_or("null".to_owned(), |v| v.to_string())))
                    .collect();
                all.insert(key, values);
            }
        }
    }
    all
}

#[test]
fn values_are_the_blessed_ones() {
    let path = root().join("tests/data/golden.csv");
    let now = golden();
    if std::env::var_os("AFFECT_BLESS").is_some() {
        let mut text = String::from("segment,feature,value\n");
        for (key, values) in &now {
            for (name, value) in values {
                writeln!(text, "{key},{name},{value}").unwrap();
            }
        }
        std::fs::write(&path, text).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&path).expect("tests/data/golden.csv: run `make bless`");
    let mut seen = 0;
    for line in text.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (key, name, value) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        let values = now.get(key).unwrap_or_else(|| panic!("no segment {key}"));
        let (_, got) = values.iter().find(|(n, _)| n == name).unwrap();
        seen += 1;
        if let (Ok(a), Ok(b)) = (got.parse::<f64>(), value.parse::<f64>()) {
            let bar = tolerance(name) * b.abs().max(1e-2);
            assert!((a - b).abs() <= bar, "{key} {name}: {a}, blessed {b}");
        } else {
            assert_eq!(got, value, "{key} {name}");
        }
    }
    assert_eq!(seen, now.values().map(Vec::len).sum::<usize>());
    assert!(now.len() >= 30);
}
