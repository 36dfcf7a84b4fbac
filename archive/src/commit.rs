//! Commit of a part: exactly one attempt at it counts, whoever tries how often and dies when.
//!
//! 1. [`Attempt::begin`]: the utterances are written under a hidden name of this attempt's own.
//! 2. [`Attempt::finish`]: they become visible as `utterances/part-N-<attempt>.parquet`, whole.
//! 3. [`Ready::commit`]: `calls/part-N.parquet`, which names that file and its SHA-256, is created unless it is there. That is the commit.
//! 4. Who comes second deletes its own utterances. Who dies before that leaves them to [`crate::sweep()`].
//!
//! Where storage fails at the commit itself, the part may be committed or not: its utterances stay, and a look at the ledger tells.

use crate::calls::{About, CallRow, Means, Moved, table};
use crate::columns::Columns;
use crate::error::{ArchiveError, TableError};
use crate::names;
use crate::plan::Plan;
use crate::run::Run;
use crate::store::{Store, Upload};
use crate::write::TableWriter;
use affect::record::Record;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

/// What all parts of a run have in common.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// The run.
    pub run: Run,
    /// Columns of the utterances.
    pub columns: Columns,
    /// Names of further numbers of calls, in order.
    pub numbers: Vec<String>,
    /// Provenance as JSON: software and what it stands on. The same for equal results.
    pub provenance: String,
}

/// An upload with the digest of what went into it.
struct Digested {
    upload: Box<dyn Upload>,
    digest: Sha256,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.upload.write(bytes)?;
        self.digest.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}

/// What prevented a file from being written, with its name.
fn of_file(name: &str, e: TableError) -> ArchiveError {
    match e {
        TableError::Io(e) => ArchiveError::write(name, e),
        other => other.into(),
    }
}

/// An attempt at a part.
pub struct Attempt<'a> {
    ledger: &'a Ledger,
    part: u32,
    attempt: String,
    /// Whole name of the utterances.
    name: String,
    about: About,
    table: TableWriter<Digested>,
    rows: Vec<CallRow>,
    ids: HashSet<String>,
}

impl std::fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt").field("part", &self.part).field("calls", &self.rows.len()).finish_non_exhaustive()
    }
}

/// An attempt whose utterances are visible.
#[derive(Debug)]
pub struct Ready<'a> {
    ledger: &'a Ledger,
    part: u32,
    attempt: String,
    about: About,
    rows: Vec<CallRow>,
    /// Whole name of the utterances.
    name: String,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the part's.
    Committed,
    /// Another one was first.
    Lost,
}

impl<'a> Attempt<'a> {
    /// Begins an attempt at a part of a plan. `attempt` is a word of letters and digits that no other attempt has.
    ///
    /// # Errors
    /// Those of storage.
    pub fn begin(ledger: &'a Ledger, plan: &Plan, part: u32, attempt: &str) -> Result<Self, ArchiveError> {
        let metadata = vec![
            ("plan".to_owned(), plan.id.clone()),
            ("run".to_owned(), ledger.run.id.clone()),
            ("part".to_owned(), part.to_string()),
            ("provenance".to_owned(), ledger.provenance.clone()),
        ];
        let about = About {
            columns: crate::calls::CallColumns {
                probabilities: ledger.columns.probabilities.clone(),
                dimensions: ledger.columns.dimensions.clone(),
                explained: ledger.columns.explained.clone(),
                groups: ledger.columns.groups.clone(),
                numbers: ledger.numbers.clone(),
                metadata: plan.metadata.clone(),
            },
            metadata,
        };
        let name = format!("{}/{}", names::utterances_folder(&ledger.run.id), names::utterances(part, attempt));
        let to = Digested { upload: ledger.store.begin(&name, attempt)?, digest: Sha256::new() };
        let keys: Vec<(&str, String)> = about.metadata.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        let table = TableWriter::new(to, &ledger.columns, &keys)?;
        Ok(Self {
            ledger,
            part,
            attempt: attempt.to_owned(),
            name,
            about,
            table,
            rows: Vec::new(),
            ids: HashSet::new(),
        })
    }

    /// Adds a call and its results; counts them, their means and what moved their scores. Results without a final form
    /// ([`affect::record::Ended::Open`]) are not for archives.
    ///
    /// # Errors
    /// [`ArchiveError::Run`] where a result is none of this call, or is there already; those of storage.
    pub fn push(&mut self, mut row: CallRow, records: &[Record]) -> Result<(), ArchiveError> {
        let columns = &self.ledger.columns;
        row.means = Means::of(records, &columns.probabilities, &columns.dimensions);
        row.moved = Moved::of(records);
        let json = records.iter().map(|r| serde_json::from_str(&r.to_json()));
        let json = json.collect::<Result<_, _>>().map_err(|e| ArchiveError::Run(e.to_string()))?;
        self.push_json(row, json)
    }

    /// Adds a call whose means and contributions are known ([`Means::of`], [`Moved::of`]), and its results as they are read from their
    /// JSON; counts them.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_json(&mut self, mut row: CallRow, records: Vec<Value>) -> Result<(), ArchiveError> {
        row.part = self.part;
        row.utterances = records.len() as u64;
        for record in records {
            let text = |key: &str| record.get(key).and_then(Value::as_str);
            let id = text("id").unwrap_or_default().to_owned();
            let stream = text("stream").unwrap_or_default();
            if stream != row.call.key {
                return Err(ArchiveError::Run(format!("result {id} is of {stream:?}, not of {:?}", row.call.key)));
            }
            if id.is_empty() || self.ids.contains(&id) {
                return Err(ArchiveError::Run(format!(
                    "two results of {:?} have the id {id:?}, or none",
                    row.call.key
                )));
            }
            self.ids.insert(id);
            self.table.push_json(record).map_err(|e| of_file(&self.name, e))?;
        }
        // Identities begin with the stream, which no other call of the part has.
        self.ids.clear();
        self.rows.push(row);
        Ok(())
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.rows.len()
    }

    /// Makes the utterances visible.
    ///
    /// # Errors
    /// Those of storage; then there is nothing of this attempt.
    pub fn finish(self) -> Result<Ready<'a>, ArchiveError> {
        let Self { ledger, part, attempt, name, about, table, mut rows, ids: _ } = self;
        let base = names::utterances(part, &attempt);
        let mut done = table.finish().map_err(|e| of_file(&name, e))?;
        done.flush().map_err(|e| ArchiveError::write(&name, e))?;
        let sha256 = names::hex(&done.digest.finalize());
        done.upload.finish()?;
        for row in &mut rows {
            row.utterances_file.clone_from(&base);
            row.utterances_sha256.clone_from(&sha256);
        }
        Ok(Ready { ledger, part, attempt, about, rows, name })
    }
}

impl Ready<'_> {
    /// Commits the part, unless it is committed. Who comes second deletes its own utterances.
    ///
    /// # Errors
    /// Those of storage; the part may be committed all the same.
    pub fn commit(self) -> Result<Outcome, ArchiveError> {
        let store = &*self.ledger.store;
        let bytes = table(&self.rows, &self.about)?;
        // An attempt that slept for long may have been swept.
        store.size(&self.name).map_err(|e| match e {
            e if e.is_absent() => ArchiveError::write(
                &self.name,
                io::Error::other("was deleted before it was committed: the part is done again"),
            ),
            e => e.into(),
        })?;
        if store.create(&names::calls(&self.ledger.run.id, self.part), &self.attempt, &bytes)? {
            return Ok(Outcome::Committed);
        }
        store.delete(&self.name)?;
        Ok(Outcome::Lost)
    }

    /// The rows as they would be committed.
    #[must_use]
    pub fn rows(&self) -> &[CallRow] {
        &self.rows
    }
}
