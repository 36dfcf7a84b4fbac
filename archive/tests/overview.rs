//! The overview of an archive against brute force over generated calls.

use affect_archive::overview::{LEAST, NotGrouped, Overview};
use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call of the generated archive.
#[derive(Debug, Clone)]
struct Call {
    key: String,
    error: Option<&'static str>,
    duration_s: Option<u32>,
    snr_db: Option<f64>,
    overlap_share: Option<f64>,
    arousal: Option<f64>,
    site: Option<&'static str>,
    date: String,
    agent: String,
}

fn call() -> impl Strategy<Value = Call> {
    let error = prop_oneof![4 => Just(None), 1 => Just(Some("decode")), 1 => Just(Some("incomplete"))];
    let site =
        prop_oneof![1 => Just(None), 5 => Just(Some("north")), 5 => Just(Some("south")), 1 => Just(Some("tiny"))];
    let number = |low: f64, high: f64| prop_oneof![1 => Just(None), 6 => (low..high).prop_map(Some)];
    let numbers = (number(-5.0, 60.0), number(0.0, 0.4), number(-1.0, 1.0));
    (error, 0u32..4000, numbers, site, 1u32..29, 0u32..1_000_000).prop_map(|(error, length, n, site, day, who)| Call {
        key: format!("2026/{who:06}.wav"),
        error,
        // Nothing was heard of what cannot be decoded.
        duration_s: (error != Some("decode")).then_some(length),
        snr_db: n.0.filter(|_| error != Some("decode")),
        overlap_share: n.1.filter(|_| error != Some("decode")),
        arousal: n.2.filter(|_| error != Some("decode")),
        site,
        date: format!("2026-11-{day:02}T09:00:00"),
        agent: format!("agent {}", who % 3),
    })
}

fn batch(calls: &[Call]) -> RecordBatch {
    let doubles =
        |of: &dyn Fn(&Call) -> Option<f64>| Arc::new(calls.iter().map(of).collect::<Float64Array>()) as ArrayRef;
    let texts =
        |of: &dyn Fn(&Call) -> Option<String>| Arc::new(calls.iter().map(of).collect::<StringArray>()) as ArrayRef;
    let wholes = |of: &dyn Fn(&Call) -> Option<i64>| Arc::new(calls.iter().map(of).collect::<Int64Array>()) as ArrayRef;
    let columns = vec![
        ("key", texts(&|c| Some(c.key.clone()))),
        ("size", wholes(&|_| Some(1000))),
        ("error", texts(&|c| c.error.map(str::to_owned))),
        ("duration_ns", wholes(&|c| c.duration_s.map(|s| i64::from(s) * 1_000_000_000))),
        ("channels", Arc::new(calls.iter().map(|c| c.duration_s.map(|_| 2)).collect::<Int32Array>()) as ArrayRef),
        ("utterances", wholes(&|_| Some(3))),
        ("scored", wholes(&|_| Some(2))),
        ("abstained_share", doubles(&|_| Some(0.5))),
        ("caller_snr_db", doubles(&|c| c.snr_db)),
        ("overlap_share", doubles(&|c| c.overlap_share)),
        ("mean_dimension_arousal", doubles(&|c| c.arousal)),
        ("meta_site", texts(&|c| c.site.map(str::to_owned))),
        ("meta_started", texts(&|c| Some(c.date.clone()))),
        ("meta_agent", texts(&|c| Some(c.agent.clone()))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn overview(calls: &[Call], cut: usize) -> Overview {
    let mut all = Overview::default();
    for part in calls.chunks(cut) {
        all.push(&batch(part)).unwrap();
    }
    all
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_overview_is_what_counting_gives(calls in prop::collection::vec(call(), 0..160), cut in 1usize..40) {
        let all = overview(&calls, cut);
        let n = calls.len() as u64;
        prop_assert_eq!((all.calls, all.bytes, all.utterances, all.scored), (n, 1000 * n, 3 * n, 2 * n));
        prop_assert_eq!(all.heard, calls.iter().filter(|c| c.duration_s.is_some()).count() as u64);
        prop_assert_eq!(all.audio_ns, calls.iter().filter_map(|c| c.duration_s).map(|s| u64::from(s) * 1_000_000_000).sum::<u64>());
        prop_assert!((all.abstained - n as f64).abs() < 1e-9);
        let mut errors: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for c in &calls {
            if let Some(e) = c.error {
                errors.entry(e).or_default().push(&c.key);
            }
        }
        prop_assert_eq!(all.failures.len(), errors.len());
        for (word, names) in &mut errors {
            names.sort_unstable();
            let f = &all.failures[*word];
            prop_assert_eq!(f.calls, names.len() as u64);
            prop_assert_eq!(&f.examples, &names.iter().take(3).copied().collect::<Vec<_>>());
        }

        // Measures.
        let shares: Vec<f64> = calls.iter().filter_map(|c| c.overlap_share).collect();
        if let Some(m) = all.measures().iter().find(|m| m.name == "overlap_share") {
            prop_assert_eq!(m.moments.n, shares.len() as u64);
            prop_assert_eq!(m.undefined, calls.iter().filter(|c| c.duration_s.is_some() && c.overlap_share.is_none()).count() as u64);
            for b in m.histogram() {
                prop_assert_eq!(b.count, shares.iter().filter(|v| **v >= b.low && **v < b.high).count() as u64, "{:?}", b);
            }
            prop_assert_eq!(m.histogram().iter().map(|b| b.count).sum::<u64>(), m.moments.n);
        }

        // Groups, and what is not told of small ones.
        let groups = all.groups();
        if let Some(site) = groups.iter().find(|g| g.name == "site") {
            prop_assert!(!site.weeks && site.not_grouped.is_none());
            prop_assert_eq!(site.missing, calls.iter().filter(|c| c.site.is_none()).count() as u64);
            for g in &site.groups {
                let own: Vec<&Call> = calls.iter().filter(|c| c.site == Some(g.name.as_str())).collect();
                prop_assert_eq!(g.calls, Some(own.len() as u64).filter(|n| *n >= LEAST));
                let arousal: Vec<f64> = own.iter().filter_map(|c| c.arousal).collect();
                let shown = g.measures.iter().find(|m| m.0 == "mean_dimension_arousal").unwrap().1;
                match shown {
                    Some(m) => {
                        prop_assert!(arousal.len() as u64 >= LEAST && own.len() as u64 >= LEAST);
                        prop_assert!((m.mean - mean(&arousal)).abs() < 1e-12 && m.n == arousal.len() as u64);
                    }
                    None => prop_assert!((arousal.len() as u64) < LEAST),
                }
                if let Some((share, low, high)) = g.failed {
                    let failed = own.iter().filter(|c| c.error.is_some()).count();
                    prop_assert!((share - failed as f64 / own.len() as f64).abs() < 1e-12 && low <= share && share <= high);
                } else {
                    prop_assert!((own.len() as u64) < LEAST);
                }
            }
            prop_assert!(site.groups.windows(2).all(|w| w[0].name < w[1].name), "in the order of names");
        }
        if let Some(weeks) = groups.iter().find(|g| g.name == "started") {
            prop_assert!(weeks.weeks);
            // November 2026 begins on a Sunday.
            let mondays = ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23"];
            prop_assert!(weeks.groups.iter().all(|g| mondays.contains(&g.name.as_str())));
        }
        if let Some(agent) = groups.iter().find(|g| g.name == "agent") {
            prop_assert_eq!((agent.not_grouped, agent.groups.len()), (Some(NotGrouped::People), 0));
        }

        // Calls worth listening to.
        let good = |c: &&Call| c.error.is_none() && c.duration_s.is_some_and(|s| s >= 30) && c.snr_db.is_none_or(|s| s >= 10.0);
        prop_assert_eq!(all.listening_quality().left_out, calls.iter().filter(|c| !good(c)).count() as u64);
        for (criterion, chosen) in all.calls_of_interest() {
            let value = |c: &Call| match criterion.measure.as_str() {
                "overlap_share" => c.overlap_share,
                _ => c.arousal,
            };
            let mut ranked: Vec<(f64, &str)> =
                calls.iter().filter(good).filter_map(|c| Some((value(c).filter(|v| *v > 0.0)?, c.key.as_str()))).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
            let want: Vec<(f64, &str)> = ranked.into_iter().take(5).collect();
            let have: Vec<(f64, &str)> = chosen.iter().map(|c| (c.value, c.key.as_str())).collect();
            prop_assert_eq!(have, want, "{:?}", criterion);
        }
    }
}

/// Values that are names of single calls are no groups, and take no memory.
#[test]
fn a_column_of_names_is_no_grouping() {
    let row = |k: usize| {
        let key = StringArray::from(vec![format!("{k}")]);
        let none = StringArray::from(vec![None::<&str>]);
        let ticket = StringArray::from(vec![format!("ticket {k}")]);
        let columns: [(&str, ArrayRef); 4] = [
            ("key", Arc::new(key)),
            ("error", Arc::new(none)),
            ("duration_ns", Arc::new(Int64Array::from(vec![1]))),
            ("meta_ticket", Arc::new(ticket)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let mut all = Overview::default();
    (0..200).for_each(|k| all.push(&row(k)).unwrap());
    let groups = all.groups();
    assert_eq!((groups[0].not_grouped, groups[0].groups.len()), (Some(NotGrouped::TooMany), 0));
}

#[test]
fn other_tables_are_refused() {
    let columns: [(&str, ArrayRef); 1] = [("key", Arc::new(Int64Array::from(vec![1])))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let error = Overview::default().push(&batch).unwrap_err().to_string();
    assert!(error.contains("key") && error.contains("Int64"), "{error}");
    let columns: [(&str, ArrayRef); 1] = [("key", Arc::new(StringArray::from(vec!["a"])))];
    let error = Overview::default().push(&RecordBatch::try_from_iter(columns).unwrap()).unwrap_err().to_string();
    assert!(error.contains("no column error"), "{error}");
}
