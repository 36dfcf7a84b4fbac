//! Generated data and documents are current.

mod common;

use affect::analyzer::{Config, FeatureSet, Segmentation};
use affect::features::catalogue::to_markdown;
use affect::features::functionals::percentile::percentile;
use affect::segment::utterance::UtteranceConfig;
use common::{Kept, clips, records, root, run, wav};
use std::collections::BTreeMap;

/// Percentiles over all clips: functionals per utterance, descriptors per frame (those of the voice where voiced).
fn ranges() -> String {
    let mut all: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut add = |name: &str, value: Option<f32>| all.entry(name.to_owned()).or_default().extend(value);
    for clip in clips() {
        let (audio, channels, rate) = wav(&clip);
        let with = |segmentation| Config { sets: FeatureSet::ALL.to_vec(), segmentation, ..Config::default() };
        for k in run(&with(Segmentation::Frames), rate, channels, &audio, &[1024]) {
            let Kept::Frame(f) = k else { continue };
            let skip = f.set == FeatureSet::EgemapsV02 && f.columns()[10] == Some(0.0);
            for (i, (e, v)) in f.set.llds().iter().zip(f.columns()).enumerate().filter(|(i, _)| *i < 10 || !skip) {
                let _ = i;
                add(&e.name, *v);
            }
        }
        let kept = run(&with(Segmentation::Utterances(UtteranceConfig::default())), rate, channels, &audio, &[1024]);
        for r in records(&kept).iter().filter(|r| !r.partial) {
            for f in &r.features {
                add(&f.name, f.value.filter(|_| f.reason.is_none()));
            }
        }
    }
    let mut text = String::from("name,p5,p95\n");
    for e in FeatureSet::ALL.iter().flat_map(|s| s.llds().iter().chain(s.functionals())) {
        let Some(values) = all.get_mut(e.name.as_str()) else { continue };
        values.sort_unstable_by(f32::total_cmp);
        if let Some((low, high)) = percentile(values, 0.05).zip(percentile(values, 0.95)) {
            let line = format!("{},{},{}\n", e.name, short(low), short(high));
            // Both sets' tables hold some names; their values are one.
            if !text.contains(&line) {
                text.push_str(&line);
            }
        }
    }
    text
}

/// Three significant digits: these are guides to the eye.
fn short(v: f64) -> f64 {
    format!("{v:.2e}").parse().unwrap()
}

#[test]
fn typical_ranges_are_current() {
    let path = root().join("src/features/catalogue/typical.csv");
    let now = ranges();
    if std::env::var_os("AFFECT_BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    let blessed = std::fs::read_to_string(&path).unwrap();
    assert!(blessed.lines().count() > 1 + 25 + 88 + 53 + 130);
    for (a, b) in now.lines().zip(blessed.lines()).skip(1) {
        let (x, y): (Vec<&str>, Vec<&str>) = (a.split(',').collect(), b.split(',').collect());
        assert_eq!(x[0], y[0]);
        for i in 1..3 {
            let (p, q): (f64, f64) = (x[i].parse().unwrap(), y[i].parse().unwrap());
            assert!((p - q).abs() <= 0.05 * q.abs().max(0.01), "{a} is not {b}: run `make bless`");
        }
    }
}

/// Near copies are what the report found.
#[test]
fn clusters_are_those_of_the_report() {
    let report = std::fs::read_to_string(root().join("docs/report/report.html")).unwrap();
    let list = report.split("Spearman 0.7 on average").nth(1).and_then(|rest| rest.split("</ul>").next()).unwrap();
    let items = list.split("<li>").skip(1).map(|item| item.split("</li>").next().unwrap());
    let plain = |item: &str| item.split('<').map(|t| t.split_once('>').map_or(t, |t| t.1)).collect::<String>();
    let now: String = items.map(|item| format!("{}\n", plain(item).replace(", ", ","))).collect();
    let path = root().join("src/features/catalogue/clusters.csv");
    if std::env::var_os("AFFECT_BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), now, "the report is another one: run `make bless`");
}

#[test]
fn the_documents_are_current() {
    for set in FeatureSet::ALL {
        let path = root().join(format!("docs/features-{set}.md"));
        let text = to_markdown(set.name(), set.llds(), set.functionals());
        if std::env::var_os("AFFECT_BLESS").is_some() {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        assert!(
            std::fs::read_to_string(&path).unwrap_or_default() == text,
            "{} is stale: run `make bless` twice",
            path.display()
        );
    }
}
