//! Verification: every committed part holds what its plan says, each result once, in files that are what the commit says.

use crate::TableError;
use crate::calls::{CallError, CallsTable};
use crate::commit::Ledger;
use crate::error::ArchiveError;
use crate::names;
use crate::plan::{Plan, PlanTable};
use crate::store::{Blob, Store};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::Length;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Bytes that are digested at once.
const BLOCK: u64 = 1 << 20;

/// A committed part that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Number of the part.
    pub part: u32,
    /// What is wrong, in words.
    pub why: String,
}

/// What is to be verified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Delete the commits of parts that do not hold, and their utterances, so that they are done again.
    pub repair: bool,
    /// Parts that have calls with these errors do not hold either.
    pub again: &'a [CallError],
}

/// Verifies all committed parts; `progress` is called after each. Returns those that do not hold.
///
/// # Errors
/// Those of storage. What is wrong with a part is no error but a [`Fault`].
pub fn verify(
    ledger: &Ledger,
    plans: &[Plan],
    wanted: Wanted<'_>,
    progress: &mut dyn FnMut(),
) -> Result<Vec<Fault>, ArchiveError> {
    let mut tables: BTreeMap<u32, (PlanTable, &Plan)> = BTreeMap::new();
    for plan in plans {
        tables.insert(plan.first_part, (PlanTable::open(&ledger.store, plan)?, plan));
    }
    let mut faults = Vec::new();
    for part in ledger.run.committed(&*ledger.store)?.into_keys() {
        let plan = tables.range(..=part).next_back().map(|(_, t)| t).filter(|(_, p)| p.numbers().contains(&part));
        match one(ledger, part, plan, wanted.again) {
            Ok(()) => {}
            // Storage that is away says nothing about the part.
            Err(e) if e.is_storage() => return Err(e),
            Err(e) => {
                faults.push(Fault { part, why: e.to_string() });
                if wanted.repair {
                    undo(ledger, part)?;
                }
            }
        }
        progress();
    }
    Ok(faults)
}

/// Deletes the commit of a part, and then the utterances that it names. Those of other attempts stay: their writers may be about to commit.
fn undo(ledger: &Ledger, part: u32) -> Result<(), ArchiveError> {
    let rows = CallsTable::of_part(&ledger.store, &ledger.run.id, part);
    let named = rows.ok().and_then(|mut rows| rows.next()?.ok()).map(|r| r.utterances_file);
    ledger.store.delete(&names::calls(&ledger.run.id, part))?;
    match named.filter(|base| !base.contains('/') && names::part_of(base) == Some(part)) {
        Some(base) => Ok(ledger.store.delete(&format!("{}/{base}", names::utterances_folder(&ledger.run.id)))?),
        None => Ok(()),
    }
}

fn one(ledger: &Ledger, part: u32, plan: Option<&(PlanTable, &Plan)>, again: &[CallError]) -> Result<(), ArchiveError> {
    let fault = |why: String| Err(ArchiveError::Table(TableError::Format(why)));
    let Some((table, plan)) = plan else { return fault(format!("no plan has part {part}")) };
    let calls = CallsTable::of_part(&ledger.store, &ledger.run.id, part)?;
    for (key, expected) in [("affect.run", &ledger.run.id), ("affect.plan", &plan.id)] {
        if calls.about(key) != Some(expected) {
            return fault(format!("its {key} is {:?}, not {expected}", calls.about(key).unwrap_or_default()));
        }
    }
    let rows = calls.collect::<Result<Vec<_>, _>>()?;
    let planned = table.part(part)?;
    if !rows.iter().map(|r| &r.call).eq(&planned) {
        return fault(format!("its {} calls are not the {} of the plan", rows.len(), planned.len()));
    }
    if let Some(row) = rows.iter().find(|r| r.error.is_some_and(|e| again.contains(&e))) {
        let word = row.error.map_or("", CallError::name);
        return fault(format!("call {:?} has the error {word}, which is to be tried again", row.call.key));
    }
    let Some(first) = rows.first() else { return fault("it has no calls".to_owned()) };
    let (base, sha256) = (&first.utterances_file, &first.utterances_sha256);
    if rows.iter().any(|r| r.utterances_file != *base || r.utterances_sha256 != *sha256) {
        return fault("its calls name several files of utterances".to_owned());
    }
    if base.contains('/') || names::part_of(base) != Some(part) {
        return fault(format!("{base:?} is no file of utterances of this part"));
    }
    let name = format!("{}/{base}", names::utterances_folder(&ledger.run.id));
    let blob = Blob::open(&ledger.store, &name)?;
    let digest_now = digest(&ledger.store, &name, blob.len())?;
    if digest_now != *sha256 {
        return fault(format!("{name} has the SHA-256 {digest_now}, not {sha256}: it was changed"));
    }
    let mut expected: HashMap<&str, u64> = rows.iter().map(|r| (r.call.key.as_str(), r.utterances)).collect();
    let mut ids: HashSet<String> = HashSet::new();
    let builder = ParquetRecordBatchReaderBuilder::try_new(blob)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["id", "stream"]);
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let text = |name: &str| {
            let column = batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
            column.ok_or_else(|| ArchiveError::Table(TableError::Format(format!("{base} has no column {name}"))))
        };
        let (id, stream) = (text("id")?, text("stream")?);
        for row in 0..batch.num_rows() {
            if id.is_null(row) || !ids.insert(id.value(row).to_owned()) {
                return fault(format!("{base} has the id {:?} twice", id.value(row)));
            }
            match expected.get_mut(stream.value(row)) {
                Some(n) if *n > 0 => *n -= 1,
                _ => return fault(format!("{base} has more results of {:?} than its calls say", stream.value(row))),
            }
        }
    }
    match expected.iter().find(|(_, n)| **n > 0) {
        Some((key, n)) => fault(format!("{base} lacks {n} results of {key:?}")),
        None => Ok(()),
    }
}

/// SHA-256 of an object.
fn digest(store: &Arc<dyn Store>, name: &str, size: u64) -> Result<String, ArchiveError> {
    let mut digest = Sha256::new();
    let mut offset = 0;
    while offset < size {
        let length = BLOCK.min(size - offset);
        digest.update(store.range(name, offset, usize::try_from(length).unwrap_or(usize::MAX))?);
        offset += length;
    }
    Ok(names::hex(&digest.finalize()))
}
