//! Status of a run: what is planned, done, failed and under way, from listings and the ends of committed files.

use crate::calls::Summary;
use crate::error::ArchiveError;
use crate::names;
use crate::plan::Plan;
use crate::run::Run;
use crate::store::{Blob, Object, Store};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Parts that were committed longer ago tell nothing of the rate.
const RECENT: Duration = Duration::from_secs(3600);
/// A file that was not written to for so long is not under way any more.
const ALIVE: Duration = Duration::from_secs(600);

/// Amount of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Amount {
    /// Parts.
    pub parts: u64,
    /// Calls.
    pub calls: u64,
    /// Bytes of recordings.
    pub bytes: u64,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Identity of the run.
    pub run: String,
    /// What the plans hold.
    pub planned: Amount,
    /// What is committed.
    pub committed: Amount,
    /// Parts that are planned and not committed, in order: what an engine starts tasks for.
    pub open_parts: Vec<u32>,
    /// Parts that somebody is writing now, as far as temporary objects tell.
    pub parts_under_way: u64,
    /// Calls with an error, by its word.
    pub errors: BTreeMap<String, u64>,
    /// Calls with an error.
    pub failed_calls: u64,
    /// Hours of audio that were analysed.
    pub audio_hours: f64,
    /// Results.
    pub utterances: u64,
    /// Bytes a second, by the parts of the last hour; `None` where fewer than two were committed.
    pub bytes_per_second: Option<f64>,
    /// Seconds that the rest takes at this rate.
    pub remaining_s: Option<f64>,
    /// Whether every part is committed.
    pub complete: bool,
    /// Committed parts whose files cannot be read: `verify` says why.
    pub unreadable_parts: Vec<u32>,
}

/// Finds out how far a run is. Takes one listing, and from each committed file its end.
///
/// # Errors
/// Those of storage.
pub fn status(store: &Arc<dyn Store>, run: &Run, plans: &[Plan]) -> Result<Status, ArchiveError> {
    let objects = store.list(&names::calls_folder(&run.id))?;
    let committed: BTreeMap<u32, &Object> =
        objects.iter().filter(|o| !o.temporary).filter_map(|o| Some((names::committed(o.base())?, o))).collect();
    let sizes: BTreeMap<u32, (u64, u64)> =
        plans.iter().flat_map(|p| p.numbers().zip(p.parts.iter().copied())).collect();
    let amount = |numbers: &mut dyn Iterator<Item = (u64, u64)>| {
        numbers.fold(Amount::default(), |a, (calls, bytes)| Amount {
            parts: a.parts + 1,
            calls: a.calls + calls,
            bytes: a.bytes + bytes,
        })
    };
    let planned = amount(&mut sizes.values().copied());
    let done = amount(&mut committed.keys().filter_map(|n| sizes.get(n).copied()));
    let (summary, unreadable_parts) = summaries(store, &committed)?;
    let under_way: BTreeSet<u32> = store
        .list(&names::utterances_folder(&run.id))?
        .iter()
        .filter(|o| o.temporary && o.age < ALIVE)
        .filter_map(|o| names::part_of(o.base()))
        .filter(|n| !committed.contains_key(n))
        .collect();
    let mut recent: Vec<(Duration, u64)> =
        committed.iter().filter(|(_, o)| o.age < RECENT).filter_map(|(n, o)| Some((o.age, sizes.get(n)?.1))).collect();
    recent.sort_unstable();
    // Since the oldest of them was committed, the others were done.
    let rate = match recent.split_last() {
        Some(((age, _), rest)) if !rest.is_empty() && !age.is_zero() => {
            Some(rest.iter().map(|r| r.1).sum::<u64>() as f64 / age.as_secs_f64())
        }
        _ => None,
    };
    let left = planned.bytes - done.bytes.min(planned.bytes);
    Ok(Status {
        run: run.id.clone(),
        planned,
        committed: done,
        open_parts: sizes.keys().filter(|n| !committed.contains_key(n)).copied().collect(),
        parts_under_way: under_way.len() as u64,
        failed_calls: summary.failed(),
        errors: summary.errors,
        audio_hours: summary.audio_ns as f64 / 3.6e12,
        utterances: summary.utterances,
        bytes_per_second: rate,
        remaining_s: rate.filter(|r| *r > 0.0).map(|r| left as f64 / r),
        complete: done.parts == planned.parts,
        unreadable_parts,
    })
}

/// The summaries of all committed parts together, and which parts have none.
fn summaries(store: &Arc<dyn Store>, committed: &BTreeMap<u32, &Object>) -> Result<(Summary, Vec<u32>), ArchiveError> {
    let tables: Vec<(u32, &str)> = committed.iter().map(|(n, o)| (*n, o.name.as_str())).collect();
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let (mut all, mut unreadable) = (Summary::default(), Vec::new());
        while let Some((part, name)) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
            match Blob::open(store, name).map_err(ArchiveError::from).and_then(|b| Summary::read(&b)) {
                Ok(s) => all.add(&s),
                Err(e) if e.is_storage() => return Err(e),
                Err(_) => unreadable.push(*part),
            }
        }
        Ok((all, unreadable))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores.min(tables.len())).map(|_| scope.spawn(work)).collect();
        let (mut all, mut unreadable) = (Summary::default(), Vec::new());
        for worker in workers {
            let (summary, parts) = worker
                .join()
                .map_err(|_| ArchiveError::Run("reading the committed parts failed inside".to_owned()))??;
            all.add(&summary);
            unreadable.extend(parts);
        }
        unreadable.sort_unstable();
        Ok((all, unreadable))
    })
}
