//! Plans, tables of calls, status and verification.

mod common;

use affect::analyzer::FeatureSet;
use affect_archive::calls::{CallError, CallsTable, Moved, Summary};
use affect_archive::plan::{Limits, Making, PlanTable, PlannedCall, freeze, is_key, plans};
use affect_archive::store::{Blob, Local, Store};
use affect_archive::{ArchiveError, Attempt, Columns, Outcome, Wanted, status, verify};
use common::{call, ledger, memory, part, plan, records, results, row, rows, scorer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A later plan holds what is new or has changed, in parts whose numbers go on; the same listing again holds nothing.
#[test]
fn plans_go_on() {
    let (_, store) = memory();
    let making = Making { limits: Limits { bytes: 10, calls: 4096 }, attempt: "a".into(), ..Making::default() };
    let listing: Vec<PlannedCall> = (0..100).map(|k| call(&format!("{k:03}.wav"), 2)).collect();
    let mut shuffled = listing.clone();
    shuffled.reverse();
    let first = freeze(&store, shuffled, &making).unwrap().plan.unwrap();
    assert_eq!((first.first_part, first.parts.len(), first.calls(), first.bytes()), (0, 20, 100, 200));
    let again = freeze(&store, listing.clone(), &making).unwrap();
    assert_eq!((again.plan, again.known, again.changed), (None, 100, 0));

    let mut later = listing.clone();
    later[3].modified_ns = Some(8);
    later[4].size = 3;
    later[5].etag = Some("x".into());
    later.push(call("new.wav", 5));
    let second = freeze(&store, later, &making).unwrap();
    assert_eq!((second.known, second.changed), (97, 3));
    let second = second.plan.unwrap();
    assert_eq!((second.first_part, second.calls()), (20, 4));
    assert_eq!(plans(&*store).unwrap(), [first.clone(), second.clone()]);
    let held = |p| PlanTable::open(&store, &second).unwrap().part(p).unwrap();
    let keys: Vec<String> = second.numbers().flat_map(held).map(|c| c.key).collect();
    assert_eq!(keys, ["003.wav", "004.wav", "005.wav", "new.wav"]);

    // The identity is that of the rows, wherever they were listed.
    let (_, other) = memory();
    let moved = Making { source: "/elsewhere".into(), ..making.clone() };
    assert_eq!(freeze(&other, listing.clone(), &moved).unwrap().plan.unwrap().id, first.id);
    let (_, other) = memory();
    let mut changed = listing.clone();
    changed[0].modified_ns = None;
    assert_ne!(freeze(&other, changed, &making).unwrap().plan.unwrap().id, first.id);

    let twice = vec![call("a", 1), call("a", 2)];
    assert!(matches!(freeze(&other, twice, &making), Err(ArchiveError::Plan(e)) if e.contains("\"a\"")));
    for key in ["", "/a", "a//b", "../a", "a/..", "./a", "a\0b"] {
        assert!(!is_key(key) && freeze(&other, vec![call(key, 1)], &making).is_err(), "{key:?}");
    }
    for key in ["a", "a b/c\n\"d\".wav", "..a/b..", "-", "a\\xff"] {
        assert!(is_key(key), "{key:?}");
    }
}

/// Parts are found among many row groups, with all that the listing says.
#[test]
fn parts_come_back_from_long_plans() {
    let root = std::env::temp_dir().join(format!("affect-long-plan-{}", std::process::id()));
    let store: Arc<dyn Store> = Arc::new(Local::new(&root));
    let listing: Vec<PlannedCall> = (0..150_000u64)
        .map(|k| PlannedCall {
            key: format!("{:06}/x\n.wav", k),
            size: k % 7,
            modified_ns: (k % 2 == 0).then_some(k as i64),
            etag: (k % 3 == 0).then(|| k.to_string()),
            metadata: vec![(k % 5 == 0).then(|| format!("team {k}"))],
        })
        .collect();
    let making = Making { metadata: vec!["team".into()], attempt: "a".into(), ..Making::default() };
    let plan = freeze(&store, listing.clone(), &making).unwrap().plan.unwrap();
    assert_eq!(plan.parts.len(), 37);
    let table = PlanTable::open(&store, &plan).unwrap();
    for number in [0, 15, 16, 17, 36] {
        let from = plan.parts[..number].iter().map(|p| p.0 as usize).sum::<usize>();
        let calls = table.part(number as u32).unwrap();
        assert_eq!(calls[..], listing[from..from + calls.len()], "{number}");
        assert_eq!(calls.len() as u64, plan.parts[number].0);
    }
    assert_eq!(table.part(37).unwrap(), []);
    std::fs::remove_dir_all(root).unwrap();
}

/// Rows of calls come back as they went in; means are those of the answered results, by their seconds of speech.
#[test]
fn calls_come_back() {
    let (_, store) = memory();
    let keys = ["a.wav", "b b.wav", "poison.wav"];
    let plan = plan(&store, &keys, 100);
    let ledger = ledger(store.clone(), Columns::of(FeatureSet::AffectV1.functionals(), Some(&scorer())));
    let mut attempt = Attempt::begin(&ledger, &plan, 0, "x").unwrap();
    for k in keys {
        attempt.push(row(&call(k, 1)), &results(k)).unwrap();
    }
    let ready = attempt.finish().unwrap();
    let expected = ready.rows().to_vec();
    ready.commit().unwrap();
    let table = CallsTable::of_part(&store, &ledger.run.id, 0).unwrap();
    assert_eq!(table.numbers(), ["agent_talk_s", "overlap_s"]);
    assert_eq!(table.about("affect.plan"), Some(plan.id.as_str()));
    assert_eq!(table.about("affect.schema"), Some("affect.calls/1"));
    assert_eq!(table.map(Result::unwrap).collect::<Vec<_>>(), expected);
    let b = results("b b.wav");
    assert_eq!((expected[1].utterances, expected[2].utterances), (b.len() as u64, 0));
    let asked: Vec<_> = b
        .iter()
        .filter_map(|r| Some((f64::from(r.quality.as_ref()?.speech_s?), &r.scored.as_ref()?.emotion)))
        .collect();
    assert_eq!(expected[1].means.scored, asked.len() as u64);
    let answered: Vec<_> = asked.iter().filter(|(_, e)| e.abstained.is_none()).collect();
    for (k, (name, mean)) in expected[1].means.probabilities.iter().enumerate() {
        let weight: f64 = answered.iter().map(|(w, _)| w).sum();
        let sum: f64 = answered.iter().map(|(w, e)| w * e.probabilities[k].1).sum();
        match mean {
            Some(m) => assert!((m - sum / weight).abs() < 1e-12, "{name}"),
            None => assert_eq!(weight, 0.0),
        }
    }
    let summary =
        Summary::read(&Blob::open(&store, &format!("run/{}/calls/part-00000.parquet", ledger.run.id)).unwrap())
            .unwrap();
    assert_eq!((summary.calls, summary.errors["crashed"], summary.failed()), (3, 1, 1));
    assert_eq!(summary.utterances, expected.iter().map(|r| r.utterances).sum::<u64>());
}

/// What moved a call's scores, summed up by hand from the JSON of its results.
#[test]
fn contributions_of_a_call_are_those_of_its_results() {
    let (_, store) = memory();
    let columns = Columns::of(FeatureSet::AffectV1.functionals(), Some(&scorer()));
    let plan = plan(&store, &["call.wav", "poison.wav"], 100);
    let ledger = ledger(store.clone(), columns);
    let mut attempt = Attempt::begin(&ledger, &plan, 0, "x").unwrap();
    let all: Vec<_> = records()
        .iter()
        .cloned()
        .map(|mut r| {
            r.stream = "call.wav".into();
            r
        })
        .collect();
    attempt.push(row(&call("call.wav", 1)), &all).unwrap();
    attempt.push(row(&call("poison.wav", 1)), &[]).unwrap();
    attempt.finish().unwrap().commit().unwrap();
    let rows = rows(&ledger);
    assert!(rows[1].moved.0.is_empty());
    type Sums = BTreeMap<String, f64>;
    let mut by_hand: BTreeMap<String, (u64, Sums, Sums)> = BTreeMap::new();
    for r in &all {
        let json: serde_json::Value = serde_json::from_str(&r.to_json()).unwrap();
        if json["emotion"]["label"].is_null() {
            continue;
        }
        for e in json["explanations"].as_array().unwrap() {
            let (n, groups, features) = by_hand.entry(e["target"].as_str().unwrap().to_owned()).or_default();
            *n += 1;
            for g in e["groups"].as_array().unwrap() {
                *groups.entry(g["name"].as_str().unwrap().to_owned()).or_default() +=
                    g["contribution"].as_f64().unwrap().abs();
            }
            for f in e["features"].as_array().unwrap() {
                let copies = f.get("near_copies").and_then(|c| c.as_array()).into_iter().flatten();
                let together: f64 = copies.map(|c| c["contribution"].as_f64().unwrap()).sum();
                *features.entry(f["name"].as_str().unwrap().to_owned()).or_default() +=
                    (f["contribution"].as_f64().unwrap() + together).abs();
            }
        }
    }
    assert!(by_hand.len() >= 2 && by_hand.contains_key("arousal"), "{:?}", by_hand.keys());
    assert_eq!(rows[0].moved.0.iter().map(|m| &m.target).collect::<Vec<_>>(), by_hand.keys().collect::<Vec<_>>());
    for (target, (n, groups, features)) in &by_hand {
        let m = rows[0].moved.score(target).unwrap();
        assert_eq!((m.explained, m.groups.len()), (*n, groups.len()), "{target}");
        for (group, sum) in groups {
            let (found, expected) = (m.group(group).unwrap(), sum / *n as f64);
            assert!(
                (found - expected).abs() <= 1e-12 * expected.max(1.0),
                "{target}, {group}: {found}, not {expected}"
            );
        }
        let most = features.values().copied().fold(0.0, f64::max);
        assert_eq!(features[m.strongest.as_ref().unwrap()], most, "{target}");
    }
    // The columns have these names.
    let overview = affect_archive::overview::read(&store, &ledger.run, &mut |_, _| {}).unwrap();
    let moved: Vec<_> = overview.moved().collect();
    assert_eq!(moved.iter().map(|m| &m.target).collect::<Vec<_>>(), by_hand.keys().collect::<Vec<_>>());
    for m in moved {
        let (n, groups, _) = &by_hand[&m.target];
        assert_eq!((m.calls, m.explained), (1, *n));
        let strongest = rows[0].moved.score(&m.target).unwrap().strongest.clone().unwrap();
        assert_eq!(m.strongest(), [(strongest.as_str(), 1)]);
        assert!(m.groups.iter().all(|(g, v)| v.n == 1 && (v.mean - groups[g] / *n as f64).abs() < 1e-12));
    }
    assert!(overview.measures().iter().all(|m| !m.name.starts_with("moved_")));
}

#[test]
fn contributions_that_are_no_numbers_are_left_out() {
    let mut all = records().to_vec();
    let answered = |r: &&mut affect::record::Record| r.scored.as_ref().is_some_and(|s| s.emotion.abstained.is_none());
    let one = all.iter_mut().find(answered).unwrap().scored.as_mut().unwrap();
    let (target, group) = (one.explanations[0].target.clone(), one.explanations[0].groups[0].name.clone());
    one.explanations[0].groups[0].contribution = f64::NAN;
    let (before, after) = (Moved::of(records()), Moved::of(&all));
    let groups = |m: &Moved| m.score(&target).unwrap().groups.len();
    assert_eq!((groups(&after) + 1, after.score(&target).unwrap().group(&group)), (groups(&before), None));
}

#[test]
fn results_of_other_calls_and_twice_are_refused() {
    let (_, store) = memory();
    let plan = plan(&store, &["a.wav"], 1);
    let ledger = ledger(store, Columns::default());
    let mut attempt = Attempt::begin(&ledger, &plan, 0, "x").unwrap();
    assert!(attempt.push(row(&call("a.wav", 1)), &results("other.wav")).is_err());
    let twice = [&results("a.wav")[..1], &results("a.wav")[..1]].concat();
    assert!(attempt.push(row(&call("a.wav", 1)), &twice).is_err());
}

/// Each kind of damage is found, said, and repaired by doing the part again.
#[test]
fn what_does_not_hold_is_found_and_done_again() {
    let (_, store) = memory();
    let plan = plan(&store, &["a.wav", "b.wav", "c/poison.wav", "d.wav"], 1);
    let ledger = ledger(store.clone(), Columns::default());
    let list = std::slice::from_ref(&plan);
    plan.numbers().for_each(|n| assert_eq!(part(&ledger, &plan, n, &format!("x{n}")), Outcome::Committed));
    let good = rows(&ledger);
    let check = |wanted: Wanted<'_>| verify(&ledger, list, wanted, &mut || {}).unwrap();
    assert_eq!(check(Wanted::default()), []);
    let calls = |n: u32| format!("run/{}/calls/part-{n:05}.parquet", ledger.run.id);
    let utterances = |n: u32| format!("run/{}/utterances/part-{n:05}-x{n}.parquet", ledger.run.id);
    let replace = |name: &str, bytes: &[u8]| {
        store.delete(name).unwrap();
        store.create(name, "z", bytes).unwrap();
    };
    store.delete(&utterances(0)).unwrap();
    let mut bytes = store.get(&utterances(1)).unwrap().to_vec();
    bytes[9] ^= 1;
    replace(&utterances(1), &bytes);
    let cut = store.get(&calls(3)).unwrap();
    replace(&calls(3), &cut[..cut.len() - 9]);
    replace(&calls(7), &cut);
    let found = check(Wanted::default());
    assert_eq!(found.iter().map(|f| f.part).collect::<Vec<_>>(), [0, 1, 3, 7]);
    for (fault, word) in found.iter().zip(["not there", "it was changed", "Parquet", "no plan"]) {
        assert!(fault.why.contains(word), "{fault:?}");
    }
    let before = status(&store, &ledger.run, list).unwrap();
    assert_eq!((before.unreadable_parts, before.committed.parts), (vec![3], 4));
    // What could not be decoded can be asked for again.
    let again = check(Wanted { repair: true, again: &[CallError::Crashed] });
    assert_eq!(again.iter().map(|f| f.part).collect::<Vec<_>>(), [0, 1, 2, 3, 7]);
    let now = status(&store, &ledger.run, list).unwrap();
    assert_eq!((now.committed.parts, now.planned.parts, now.complete), (0, 4, false));
    assert_eq!((before.open_parts, now.open_parts), (vec![], vec![0, 1, 2, 3]));
    plan.numbers().for_each(|n| assert_eq!(part(&ledger, &plan, n, &format!("y{n}")), Outcome::Committed));
    assert_eq!((check(Wanted::default()), rows(&ledger)), (vec![], good));
    let now = status(&store, &ledger.run, list).unwrap();
    assert!(now.complete && now.failed_calls == 1 && now.errors["crashed"] == 1 && now.committed.calls == 4);
    assert!(now.open_parts.is_empty());
}
