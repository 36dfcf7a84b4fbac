//! The law of the commit: whatever is started, written, committed, killed, swept and repaired in whatever order, in the end there are the
//! rows of one run.

mod common;

use affect_archive::calls::{CallRow, CallsTable};
use affect_archive::plan::{Plan, PlanTable, PlannedCall};
use affect_archive::store::{Memory, Store};
use affect_archive::{Attempt, Columns, Ledger, Outcome, Ready, Wanted, sweep, verify};
use common::{ledger, memory, part, plan, results, row, rows};
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const KEYS: [&str; 6] = ["a/1.wav", "a/22.wav", "b/poison.wav", "b/333.wav", "c\nd \"e\".wav", "c\\xff.wav"];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// A worker begins a part.
    Start(usize, u32),
    /// It writes a call, finishes the utterances, or commits: whatever is next.
    Go(usize),
    /// It is killed.
    Kill(usize),
    Sweep,
    /// Storage fails after so many changes, and may or may not have made the last one.
    Fail(usize, bool),
    /// Storage works again.
    Mend,
    /// A committed file of utterances is damaged, and this is repaired.
    Damage(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3usize, 0..3u32).prop_map(|(w, p)| Step::Start(w, p)),
        12 => (0..3usize).prop_map(Step::Go),
        1 => (0..3usize).prop_map(Step::Kill),
        1 => Just(Step::Sweep),
        1 => (0..3usize, any::<bool>()).prop_map(|(n, made)| Step::Fail(n, made)),
        1 => Just(Step::Mend),
        1 => (0..3u32).prop_map(Step::Damage),
    ];
    prop::collection::vec(step, 0..80)
}

/// A worker.
enum Worker<'a> {
    Idle,
    Writing(Box<Attempt<'a>>, std::vec::IntoIter<PlannedCall>),
    Ready(Box<Ready<'a>>),
}

impl<'a> Worker<'a> {
    /// Does what is next. What fails is given up, as if the worker had died.
    fn go(&mut self) {
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Idle => Self::Idle,
            Self::Writing(mut attempt, mut calls) => match calls.next() {
                Some(call) => match attempt.push(row(&call), &results(&call.key)) {
                    Ok(()) => Self::Writing(attempt, calls),
                    Err(_) => Self::Idle,
                },
                None => attempt.finish().map_or(Self::Idle, |ready| Self::Ready(Box::new(ready))),
            },
            Self::Ready(ready) => {
                let _ = ready.commit();
                Self::Idle
            }
        };
    }
}

fn damage(ledger: &Ledger, plan: &Plan, number: u32) {
    let folder = format!("run/{}/utterances", ledger.run.id);
    let Some(object) =
        ledger.store.list(&folder).unwrap().into_iter().find(|o| o.name.contains(&format!("part-{number:05}")))
    else {
        return;
    };
    // It fails where storage does.
    let _ = ledger.store.delete(&object.name);
    let _ = ledger.store.create(&object.name, "damage", b"PAR1 not any more");
    let _ = verify(ledger, std::slice::from_ref(plan), Wanted { repair: true, again: &[] }, &mut || {});
}

fn happens(steps: &[Step], memory: &Memory, ledger: &Ledger, plan: &Plan) {
    let table = PlanTable::open(&ledger.store, plan).unwrap();
    let mut workers = [Worker::Idle, Worker::Idle, Worker::Idle];
    for (k, step) in steps.iter().enumerate() {
        match step {
            Step::Start(w, p) => {
                let calls = table.part(*p).unwrap().into_iter();
                workers[*w] = Attempt::begin(ledger, plan, *p, &format!("{k}"))
                    .map_or(Worker::Idle, |attempt| Worker::Writing(Box::new(attempt), calls));
            }
            Step::Go(w) => workers[*w].go(),
            Step::Kill(w) => workers[*w] = Worker::Idle,
            Step::Sweep => drop(sweep(ledger, Duration::ZERO)),
            Step::Fail(n, made) => memory.fail_after(Some(*n), *made),
            Step::Mend => memory.fail_after(None, false),
            Step::Damage(p) => damage(ledger, plan, *p),
        }
    }
    memory.fail_after(None, false);
}

/// Does what is left, as a last run would.
fn complete(ledger: &Ledger, plan: &Plan) {
    let faults = verify(ledger, std::slice::from_ref(plan), Wanted { repair: true, again: &[] }, &mut || {}).unwrap();
    assert!(faults.len() <= 3);
    let committed = ledger.run.committed(&*ledger.store).unwrap();
    for number in plan.numbers().filter(|n| !committed.contains_key(n)) {
        assert_eq!(part(ledger, plan, number, &format!("last{number}")), Outcome::Committed);
    }
    sweep(ledger, Duration::ZERO).unwrap();
}

/// Names of the files of utterances that there are, and that commits name.
fn files(ledger: &Ledger) -> (Vec<String>, Vec<String>) {
    let there = ledger.store.list(&format!("run/{}/utterances", ledger.run.id)).unwrap();
    let mut named = Vec::new();
    for n in ledger.run.committed(&*ledger.store).unwrap().into_keys() {
        let table = CallsTable::of_part(&ledger.store, &ledger.run.id, n).unwrap();
        named.extend(table.map(|r| r.unwrap().utterances_file));
    }
    named.dedup();
    (there.iter().map(|o| o.base().to_owned()).collect(), named)
}

fn setting() -> (Memory, Ledger, Plan) {
    let (memory, store): (Memory, Arc<dyn Store>) = memory();
    let plan = plan(&store, &KEYS, 2);
    assert_eq!(plan.parts, [(2, 2); 3]);
    (memory, ledger(store, Columns::default()), plan)
}

/// The rows of one run without interruption.
fn undisturbed() -> &'static [CallRow] {
    static ROWS: OnceLock<Vec<CallRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let (_, ledger, plan) = setting();
        complete(&ledger, &plan);
        rows(&ledger)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_order_of_events_ends_in_the_rows_of_one_run(steps in steps()) {
        let (memory, ledger, plan) = setting();
        happens(&steps, &memory, &ledger, &plan);
        complete(&ledger, &plan);
        prop_assert_eq!(rows(&ledger), undisturbed());
        let (there, named) = files(&ledger);
        prop_assert_eq!(there, named);
        let faults = verify(&ledger, std::slice::from_ref(&plan), Wanted::default(), &mut || {}).unwrap();
        prop_assert_eq!(faults, vec![]);
    }
}

/// The law is not empty: attempts do meet, and sweeping has something to sweep.
#[test]
fn attempts_meet() {
    let (_, ledger, plan) = setting();
    let table = PlanTable::open(&ledger.store, &plan).unwrap();
    let ready = |attempt: &str| {
        let mut a = Attempt::begin(&ledger, &plan, 0, attempt).unwrap();
        table.part(0).unwrap().iter().for_each(|c| a.push(row(c), &results(&c.key)).unwrap());
        assert_eq!(a.calls(), 2);
        a.finish().unwrap()
    };
    let (first, second, dead) = (ready("first"), ready("second"), ready("dead"));
    assert_eq!(dead.rows().len(), 2);
    drop(dead);
    assert_eq!(sweep(&ledger, Duration::ZERO).unwrap(), Vec::<String>::new(), "their writers may commit them yet");
    assert_eq!((second.commit().unwrap(), first.commit().unwrap()), (Outcome::Committed, Outcome::Lost));
    assert_eq!(files(&ledger).0, ["part-00000-dead.parquet", "part-00000-second.parquet"]);
    assert_eq!(sweep(&ledger, Duration::from_secs(60)).unwrap(), Vec::<String>::new(), "it is too young");
    assert_eq!(sweep(&ledger, Duration::ZERO).unwrap().len(), 1);
    assert_eq!(files(&ledger).0, ["part-00000-second.parquet"]);
}
