//! Sweeping: what dead attempts left behind is deleted.

use crate::calls::CallsTable;
use crate::commit::Ledger;
use crate::error::ArchiveError;
use crate::names;
use crate::store::Object;
use std::collections::BTreeMap;
use std::time::Duration;

/// Deletes what was last written to at least `grace` ago and counts for nothing: temporary objects, and utterances of committed parts that
/// the commit does not name. Utterances of parts that are not committed stay: their writer may be about to commit them. Returns what was
/// deleted.
///
/// # Errors
/// Those of storage.
pub fn sweep(ledger: &Ledger, grace: Duration) -> Result<Vec<String>, ArchiveError> {
    let (store, run) = (&*ledger.store, &ledger.run);
    let committed = run.committed(store)?;
    let mut dead: Vec<String> = Vec::new();
    let mut by_part: BTreeMap<u32, Vec<Object>> = BTreeMap::new();
    for folder in [names::calls_folder(&run.id), names::utterances_folder(&run.id)] {
        for object in store.list(&folder)? {
            if object.temporary {
                dead.extend((object.age >= grace).then_some(object.name));
            } else if let Some(part) = names::part_of(object.base()).filter(|p| committed.contains_key(p))
                && names::committed(object.base()).is_none()
            {
                by_part.entry(part).or_default().push(object);
            }
        }
    }
    for (part, objects) in by_part {
        // The only one is what the commit names.
        if objects.len() < 2 {
            continue;
        }
        let Some(named) =
            CallsTable::of_part(&ledger.store, &run.id, part)?.next().transpose()?.map(|r| r.utterances_file)
        else {
            continue;
        };
        dead.extend(objects.into_iter().filter(|o| o.base() != named && o.age >= grace).map(|o| o.name));
    }
    for name in &dead {
        store.delete(name)?;
    }
    Ok(dead)
}
