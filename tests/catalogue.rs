//! Generated data and documents are current.

mod common;

use affect::analyzer::{Config, Segmentation};
use affect::features::catalogue::{egemaps_functionals, egemaps_llds, to_markdown};
use affect::features::functionals::percentile::percentile;
use affect::segment::utterance::UtteranceConfig;
use common::{Kept, clips, records, root, run, wav};
use std::fmt::Write as _;

/// Percentiles over all clips: functionals per utterance, descriptors per frame (those of the voice where voiced).
fn ranges() -> String {
    let (mut lld, mut functionals) =
        (vec![Vec::new(); egemaps_llds().len()], vec![Vec::new(); egemaps_functionals().len()]);
    for clip in clips() {
        let (audio, channels, rate) = wav(&clip);
        let with = |segmentation| Config { segmentation, ..Config::default() };
        for k in run(&with(Segmentation::Frames), rate, channels, &audio, &[1024]) {
            let Kept::Frame(f) = k else { continue };
            let voiced = f.columns[10] != Some(0.0);
            for (i, v) in f.columns.iter().enumerate().filter(|(i, _)| *i < 10 || voiced) {
                lld[i].extend(*v);
            }
        }
        let kept = run(&with(Segmentation::Utterances(UtteranceConfig::default())), rate, channels, &audio, &[1024]);
        for r in records(&kept).iter().filter(|r| !r.partial) {
            for (list, f) in functionals.iter_mut().zip(&r.features) {
                list.extend(f.value.filter(|_| f.reason.is_none()));
            }
        }
    }
    let mut text = String::from("name,p5,p95\n");
    for (entry, values) in egemaps_llds().iter().zip(&mut lld).chain(egemaps_functionals().iter().zip(&mut functionals))
    {
        values.sort_unstable_by(f32::total_cmp);
        if let Some((low, high)) = percentile(values, 0.05).zip(percentile(values, 0.95)) {
            writeln!(text, "{},{},{}", entry.name, short(low), short(high)).unwrap();
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
    assert_eq!(blessed.lines().count(), 1 + 25 + 88);
    for (a, b) in now.lines().zip(blessed.lines()).skip(1) {
        let (x, y): (Vec<&str>, Vec<&str>) = (a.split(',').collect(), b.split(',').collect());
        assert_eq!(x[0], y[0]);
        for i in 1..3 {
            let (p, q): (f64, f64) = (x[i].parse().unwrap(), y[i].parse().unwrap());
            assert!((p - q).abs() <= 0.05 * q.abs().max(0.01), "{a} is not {b}: run `make bless`");
        }
    }
}

#[test]
fn the_document_is_current() {
    let path = root().join("docs/features-egemaps-v02.md");
    if std::env::var_os("AFFECT_BLESS").is_some() {
        std::fs::write(&path, to_markdown()).unwrap();
        return;
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == to_markdown(),
        "docs are stale: run `make bless` twice"
    );
}
