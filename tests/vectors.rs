//! Agreement with the reference program's output on its vectors (development data beside the repository).

mod common;

use affect::analyzer::{Config, FeatureSet, Segmentation};
use affect::features::catalogue::{egemaps_functionals, egemaps_llds};
use common::{Kept, records, run, shared, wav};
use std::collections::HashMap;
use std::path::Path;

struct Table {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

fn table(path: &Path, skip: usize) -> Table {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let cells = |l: &str| l.split(',').skip(skip).map(str::to_owned).collect::<Vec<_>>();
    let names = cells(lines.next().unwrap());
    let rows = lines.map(|l| cells(l).iter().map(|c| c.parse().unwrap_or(f64::NAN)).collect()).collect();
    Table { names, rows }
}

fn names(folder: &Path) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|l| {
            let cells: Vec<&str> = l.split(',').collect();
            (cells[0].to_owned(), cells[3].parse().unwrap())
        })
        .collect()
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut sab, mut saa, mut sbb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        sab += (x - ma) * (y - mb);
        saa += (x - ma).powi(2);
        sbb += (y - mb).powi(2);
    }
    sab / (saa * sbb).sqrt()
}

/// Ranks with ties averaged.
fn ranks(v: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..v.len()).collect();
    order.sort_by(|&i, &j| v[i].total_cmp(&v[j]));
    let mut out = vec![0.0; v.len()];
    let mut i = 0;
    while i < order.len() {
        let mut j = i;
        while j + 1 < order.len() && v[order[j + 1]] == v[order[i]] {
            j += 1;
        }
        for &k in &order[i..=j] {
            out[k] = (i + j) as f64 / 2.0;
        }
        i = j + 1;
    }
    out
}

#[test]
fn low_level_descriptors_agree() {
    let Some(folder) = shared("reference/egemaps") else { return };
    let config = Config { sets: vec![FeatureSet::EgemapsV02], segmentation: Segmentation::Frames, ..Config::default() };
    let (mut ours, mut theirs) = (vec![Vec::new(); 25], vec![Vec::new(); 25]);
    for (name, count) in names(&folder) {
        let (audio, channels, rate) = wav(&folder.join("audio").join(format!("{name}.wav")));
        let kept = run(&config, rate, channels, &audio, &[1600]);
        assert_eq!(kept.len(), count, "rows of {name}");
        if count == 0 {
            continue;
        }
        let reference = table(&folder.join("opensmile").join(format!("{name}.lld.csv")), 2);
        let entries = egemaps_llds();
        assert!(reference.names.iter().eq(entries.iter().map(|e| &e.name)), "names of {name}");
        for (k, r) in kept.iter().zip(&reference.rows) {
            let Kept::Frame(f) = k else { panic!("frames only") };
            for c in 0..25 {
                ours[c].push(f64::from(f.columns()[c].unwrap()));
                theirs[c].push(r[c]);
            }
        }
    }
    assert!(ours[0].len() > 9_900);
    for (c, entry) in egemaps_llds().iter().enumerate() {
        let (a, b) = (&ours[c], &theirs[c]);
        let close = a.iter().zip(b).filter(|(x, y)| (*x - *y).abs() <= 0.01 * y.abs() + 1e-9).count();
        let share = close as f64 / a.len() as f64;
        let r = pearson(a, b);
        println!("{:32} r {r:.5}  within 1 %: {:.2} %", entry.name, 100.0 * share);
        match entry.name.as_str() {
            n if n.contains("frequency") => assert!(r >= 0.99, "{n}: r {r}"),
            n if n.contains("bandwidth") => {
                let rho = pearson(&ranks(a), &ranks(b));
                assert!(rho >= 0.99 && share >= 0.95, "{n}: rho {rho}, {share}");
            }
            n if n.contains("amplitude") || n.contains("H1-A3") => {
                assert!(r >= 0.999 && share >= 0.98, "{n}: r {r}, {share}");
            }
            n => assert!(r >= 0.999 && share >= 0.99, "{n}: r {r}, {share}"),
        }
    }
}

/// Values that rest on the formant chain, whose reference is decided by the rounding of a nearly singular system in
/// some frames (1 to 3 in 100): one such frame can move a mean or deviation by more than the bar. Their share is
/// bounded here and every other value must hold.
fn rests_on_formants(name: &str) -> bool {
    ["F1", "F2", "F3", "H1-A3"].iter().any(|f| name.starts_with(f) || name.contains(f))
}

#[test]
fn functionals_agree() {
    let Some(folder) = shared("reference/egemaps") else { return };
    let (mut checked, mut misses) = (0, HashMap::<String, usize>::new());
    for (name, _) in names(&folder) {
        let (audio, channels, rate) = wav(&folder.join("audio").join(format!("{name}.wav")));
        let kept =
            run(&Config { sets: vec![FeatureSet::EgemapsV02], ..Config::default() }, rate, channels, &audio, &[1600]);
        let record = records(&kept)[0];
        let reference = table(&folder.join("opensmile").join(format!("{name}.func.csv")), 0);
        assert!(reference.names.iter().eq(egemaps_functionals().iter().map(|e| &e.name)));
        if audio.len() < 960 {
            assert!(record.features.iter().all(|f| f.value.is_none() && f.reason.as_deref() == Some("too-short")));
            continue;
        }
        for (f, expected) in record.features.iter().zip(&reference.rows[0]) {
            let got = f64::from(f.value.unwrap());
            let deviation = f.name.ends_with("stddevNorm");
            if deviation && expected.abs() > 20.0 {
                continue; // the mean is below 5 % of the deviation
            }
            let bar = if deviation && f.name.contains("bandwidth") { 0.05 } else { 0.01 };
            checked += 1;
            if (got - expected).abs() > (bar * expected.abs()).max(1e-4) {
                assert!(rests_on_formants(&f.name), "{name}: {} is {got}, expected {expected}", f.name);
                *misses.entry(f.name.clone().into_owned()).or_default() += 1;
                println!("{name}: {} is {got}, expected {expected}", f.name);
            }
        }
    }
    let missed: usize = misses.values().sum();
    println!("{missed} of {checked} functionals outside the bar, all on formants");
    assert!(checked > 2_900 && missed * 50 < checked, "{missed} of {checked}");
}
