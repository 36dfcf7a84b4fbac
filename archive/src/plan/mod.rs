//! A plan: one listing of the calls of an archive, frozen, in parts.
//!
//! A part is the unit of work: a fixed set of calls, of about the same number of bytes as the others. A later plan of the same archive holds
//! only what is new or has changed since, in parts whose numbers go on.

mod parts;
mod table;

pub use parts::{Limits, divide};
pub(crate) use table::META;
pub use table::PlanTable;

use crate::error::ArchiveError;
use crate::names;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// Name and version of the form of `plan.json`.
pub const PLAN_SCHEMA: &str = "affect.plan/1";

/// A call as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlannedCall {
    /// Name relative to the archive's root, with `/` between its parts; the stream's name in results.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was last changed, ns since 1970, where the storage says that.
    pub modified_ns: Option<i64>,
    /// The storage's name for this version of the content, where it has one.
    pub etag: Option<String>,
    /// What is known of the call, in the order of the plan's metadata columns.
    pub metadata: Vec<Option<String>>,
}

impl PlannedCall {
    fn version(&self) -> Version {
        Version { size: self.size, modified_ns: self.modified_ns, etag: self.etag.clone() }
    }
}

/// Whether a text is a key: a relative name without empty, `.` and `..` parts, so that it leads to nothing outside the archive.
#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.contains('\0') && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Which version of a call a plan is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    size: u64,
    modified_ns: Option<i64>,
    etag: Option<String>,
}

/// What `plan.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// Identity: digest of the rows.
    pub id: String,
    /// Root of the archive as it was named, from which keys are relative.
    pub source: String,
    /// Pattern that keys matched, if one was given.
    pub pattern: Option<String>,
    /// Names of the metadata columns.
    pub metadata: Vec<String>,
    /// Number of the first part.
    pub first_part: u32,
    /// Calls and bytes of each part.
    pub parts: Vec<(u64, u64)>,
}

/// Digest of the rows of a plan: 32 hexadecimal digits, the first 128 bits of SHA-256.
fn id(first_part: u32, parts: &[Vec<PlannedCall>], metadata: &[String]) -> String {
    let mut digest = Sha256::new();
    let mut text = |t: Option<&str>| {
        digest.update(t.map_or(u64::MAX, |t| t.len() as u64).to_le_bytes());
        digest.update(t.unwrap_or_default());
    };
    text(Some(PLAN_SCHEMA));
    metadata.iter().for_each(|m| text(Some(m)));
    for (number, part) in (first_part..).zip(parts) {
        for call in part {
            text(Some(&number.to_string()));
            text(Some(&call.key));
            text(Some(&call.size.to_string()));
            text(call.modified_ns.map(|m| m.to_string()).as_deref());
            text(call.etag.as_deref());
            call.metadata.iter().for_each(|m| text(m.as_deref()));
        }
    }
    names::hex(&digest.finalize()[..16])
}

/// What a plan is made with.
#[derive(Debug, Clone, Default)]
pub struct Making {
    /// Root of the archive.
    pub source: String,
    /// Pattern of keys.
    pub pattern: Option<String>,
    /// Names of the metadata columns.
    pub metadata: Vec<String>,
    /// How large parts are.
    pub limits: Limits,
    /// Tells writers apart.
    pub attempt: String,
}

/// A plan that was made, and what it left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The plan; none where no call is new.
    pub plan: Option<Plan>,
    /// Calls that earlier plans hold.
    pub known: u64,
    /// Calls that an earlier plan holds in another version.
    pub changed: u64,
}

/// Freezes a listing: makes a plan of those calls that no earlier plan holds in this version, and writes it.
///
/// # Errors
/// [`ArchiveError::Plan`] where two calls have one key, a key leads outside of the archive, or there are too many parts; those of storage.
pub fn freeze(store: &Arc<dyn Store>, mut calls: Vec<PlannedCall>, making: &Making) -> Result<Made, ArchiveError> {
    calls.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if let Some(pair) = calls.windows(2).find(|p| p[0].key == p[1].key) {
        return Err(ArchiveError::Plan(format!("two calls have the name {:?}", pair[0].key)));
    }
    if let Some(call) = calls.iter().find(|c| !is_key(&c.key)) {
        return Err(ArchiveError::Plan(format!("{:?}: expected a name below the archive's root", call.key)));
    }
    let earlier = plans(&**store)?;
    let (mut known, mut changed) = (0, 0);
    if !earlier.is_empty() {
        let held = held(store, &earlier)?;
        calls.retain(|c| match held.get(&c.key) {
            Some(v) if *v == c.version() => {
                known += 1;
                false
            }
            Some(_) => {
                changed += 1;
                true
            }
            None => true,
        });
    }
    if calls.is_empty() {
        return Ok(Made { plan: None, known, changed });
    }
    let first = earlier.iter().map(|p| u64::from(p.first_part) + p.parts.len() as u64).max().unwrap_or(0);
    let parts = divide(calls, making.limits);
    let too_many = || ArchiveError::Plan(format!("{} parts from {first} on are too many", parts.len()));
    let first_part = u32::try_from(first).map_err(|_| too_many())?;
    u32::try_from(first + parts.len() as u64).map_err(|_| too_many())?;
    let plan = Plan {
        schema: PLAN_SCHEMA.to_owned(),
        id: id(first_part, &parts, &making.metadata),
        source: making.source.clone(),
        pattern: making.pattern.clone(),
        metadata: making.metadata.clone(),
        first_part,
        parts: parts.iter().map(|p| (p.len() as u64, p.iter().map(|c| c.size).sum())).collect(),
    };
    let table = names::plan_table(&plan.id);
    if store.size(&table).is_err_and(|e| e.is_absent()) {
        let mut upload = store.begin(&table, &making.attempt)?;
        table::write(&mut upload, &plan, &parts)?;
        upload.flush().map_err(|e| ArchiveError::write(&table, e))?;
        upload.finish()?;
    }
    // The plan is there when its description is.
    let text = serde_json::to_vec_pretty(&plan).map_err(|e| ArchiveError::Plan(e.to_string()))?;
    store.create(&names::plan_json(&plan.id), &making.attempt, &text)?;
    check(&plans(&**store)?)?;
    Ok(Made { plan: Some(plan), known, changed })
}

/// The latest version of each call that plans hold.
fn held(store: &Arc<dyn Store>, earlier: &[Plan]) -> Result<HashMap<String, Version>, ArchiveError> {
    let mut held = HashMap::new();
    for plan in earlier {
        for batch in PlanTable::open(store, plan)?.all()? {
            held.extend(batch?.into_iter().map(|(_, c)| (c.key.clone(), c.version())));
        }
    }
    Ok(held)
}

/// All plans of an archive, in the order of their parts.
///
/// # Errors
/// [`ArchiveError::Plan`] where two plans have the same parts or one cannot be read; those of storage.
pub fn plans(store: &dyn Store) -> Result<Vec<Plan>, ArchiveError> {
    let mut plans = Vec::new();
    for id in store.folders(names::PLANS)? {
        let name = names::plan_json(&id);
        let bytes = match store.get(&name) {
            // It was never finished.
            Err(e) if e.is_absent() => continue,
            other => other?,
        };
        let plan: Plan = serde_json::from_slice(&bytes).map_err(|e| ArchiveError::Plan(format!("{name}: {e}")))?;
        if plan.schema != PLAN_SCHEMA {
            return Err(ArchiveError::Plan(format!("{name}: expected {PLAN_SCHEMA}, found {}", plan.schema)));
        }
        plans.push(plan);
    }
    plans.sort_by_key(|p| p.first_part);
    check(&plans)?;
    Ok(plans)
}

/// Checks that no part is in two plans.
fn check(all: &[Plan]) -> Result<(), ArchiveError> {
    match all.windows(2).find(|p| u64::from(p[0].first_part) + p[0].parts.len() as u64 > u64::from(p[1].first_part)) {
        None => Ok(()),
        Some(p) => Err(ArchiveError::Plan(format!(
            "plans {} and {} were made at the same time and have the same parts: delete the folder of one of them under {}/",
            p[0].id,
            p[1].id,
            names::PLANS
        ))),
    }
}

impl Plan {
    /// Numbers of its parts.
    #[must_use]
    pub fn numbers(&self) -> std::ops::Range<u32> {
        self.first_part..self.first_part.saturating_add(u32::try_from(self.parts.len()).unwrap_or(u32::MAX))
    }

    /// Number of its calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.parts.iter().map(|p| p.0).sum()
    }

    /// Bytes of its calls.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.1).sum()
    }
}
