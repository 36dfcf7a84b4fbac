//! A run: plans analysed with certain settings by certain software. Its identity is made of everything that decides a number, so that
//! results of different settings never stand in one folder.

use crate::calls::Summary;
use crate::error::ArchiveError;
use crate::names;
use crate::store::{Blob, Object, Store};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name and version of the form of `run.json`.
pub const RUN_SCHEMA: &str = "affect.run/1";

/// Everything that decides a number of a result, beside the recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name and version of the software.
    pub software: String,
    /// Feature set.
    pub feature_set: String,
    /// Its version.
    pub feature_set_version: String,
    /// SHA-256 of the model's file, where there is a model.
    pub model_sha256: Option<String>,
    /// SHA-256 of its card, as it was understood.
    pub card_sha256: Option<String>,
    /// What runs the model.
    pub engine: Option<String>,
    /// Roles of the channels in order.
    pub roles: Vec<String>,
    /// Policies of the channels in order.
    pub policy: Vec<String>,
    /// All other settings by name.
    pub settings: BTreeMap<String, String>,
}

impl Identity {
    /// Identity of the run: 32 hexadecimal digits, the first 128 bits of the SHA-256 of this value's JSON.
    #[must_use]
    pub fn id(&self) -> String {
        // Texts, lists and maps of texts: there is always a JSON of them, with the fields in the order above.
        let text = serde_json::to_string(&(RUN_SCHEMA, self)).unwrap_or_default();
        names::hex(&Sha256::digest(text)[..16])
    }

    /// What is different in another one, in words; empty where they are equal.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let flat = |i: &Self| -> BTreeMap<String, String> {
            let value = serde_json::to_value(i).unwrap_or_default();
            let mut flattened = BTreeMap::new();
            for (name, v) in value.as_object().into_iter().flatten() {
                match v.as_object() {
                    Some(inner) => flattened.extend(inner.iter().map(|(k, v)| (k.clone(), v.to_string()))),
                    None => drop(flattened.insert(name.clone(), v.to_string())),
                }
            }
            flattened
        };
        let (a, b) = (flat(self), flat(other));
        let names = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
        let said = |m: &BTreeMap<String, String>, k: &String| m.get(k).cloned().unwrap_or_else(|| "nothing".to_owned());
        names
            .filter(|k| a.get(*k) != b.get(*k))
            .map(|k| format!("{k}: {} there, {} here", said(&a, k), said(&b, k)))
            .collect()
    }
}

/// What `run.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// [`Identity::id`].
    pub id: String,
    /// Everything that decides a number.
    pub identity: Identity,
    /// File of the model, as it was named; none for the built-in one.
    pub model: Option<String>,
    /// File of its card, where it was named.
    pub model_card: Option<String>,
}

impl Run {
    /// A run with this identity.
    #[must_use]
    pub fn new(identity: Identity, model: Option<String>, model_card: Option<String>) -> Self {
        Self { schema: RUN_SCHEMA.to_owned(), id: identity.id(), identity, model, model_card }
    }

    /// Writes down that there is to be this run. Returns false where it was there already.
    ///
    /// # Errors
    /// Those of storage.
    pub fn save(&self, store: &dyn Store, attempt: &str) -> Result<bool, ArchiveError> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| ArchiveError::Run(e.to_string()))?;
        Ok(store.create(&names::run_json(&self.id), attempt, &text)?)
    }

    /// All runs of an archive, by their identities.
    ///
    /// # Errors
    /// [`ArchiveError::Run`] where one cannot be read; those of storage.
    pub fn all(store: &dyn Store) -> Result<Vec<Self>, ArchiveError> {
        let mut runs = Vec::new();
        for id in store.folders(names::RUNS)? {
            let name = names::run_json(&id);
            let bytes = match store.get(&name) {
                Err(e) if e.is_absent() => continue,
                other => other?,
            };
            let run: Self = serde_json::from_slice(&bytes).map_err(|e| ArchiveError::Run(format!("{name}: {e}")))?;
            if run.schema != RUN_SCHEMA || run.id != id || run.identity.id() != id {
                return Err(ArchiveError::Run(format!("{name}: was changed, or is of another version")));
            }
            runs.push(run);
        }
        Ok(runs)
    }

    /// The committed parts: the objects that commit them, by number. This listing is the ledger.
    ///
    /// # Errors
    /// Those of storage.
    pub fn committed(&self, store: &dyn Store) -> Result<BTreeMap<u32, Object>, ArchiveError> {
        let objects = store.list(&names::calls_folder(&self.id))?;
        Ok(objects
            .into_iter()
            .filter(|o| !o.temporary)
            .filter_map(|o| Some((names::committed(o.base())?, o)))
            .collect())
    }

    /// What a committed part came to.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Absent`] where it is not committed; those of reading.
    pub fn summary(&self, store: &Arc<dyn Store>, part: u32) -> Result<Summary, ArchiveError> {
        Summary::read(&Blob::open(store, &names::calls(&self.id, part))?)
    }

    /// Whether a part is committed by now.
    ///
    /// # Errors
    /// Those of storage.
    pub fn is_committed(&self, store: &dyn Store, part: u32) -> Result<bool, ArchiveError> {
        match store.size(&names::calls(&self.id, part)) {
            Ok(_) => Ok(true),
            Err(e) if e.is_absent() => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    fn identity() -> Identity {
        Identity {
            software: "affect 1".into(),
            feature_set: "affect-v1".into(),
            feature_set_version: "1".into(),
            model_sha256: Some("ab".into()),
            card_sha256: None,
            engine: Some("builtin".into()),
            roles: vec!["agent".into(), "caller".into()],
            policy: Vec::new(),
            settings: BTreeMap::from([("window".to_owned(), "3".to_owned())]),
        }
    }

    /// Each thing that decides a number makes another run.
    #[test]
    fn everything_that_decides_a_number_is_in_the_identity() {
        let changes: [fn(&mut Identity); 9] = [
            |i| i.software = "affect 2".into(),
            |i| i.feature_set = "egemaps-v02".into(),
            |i| i.feature_set_version = "2".into(),
            |i| i.model_sha256 = None,
            |i| i.card_sha256 = Some("cd".into()),
            |i| i.engine = Some("rten".into()),
            |i| i.roles = vec!["agent,caller".into()],
            |i| i.policy = vec!["deny".into()],
            |i| drop(i.settings.insert("window".into(), "4".into())),
        ];
        let mut ids = vec![identity().id()];
        for change in changes {
            let mut other = identity();
            change(&mut other);
            assert_eq!(identity().differences(&other).len(), 1, "{other:?}");
            ids.push(other.id());
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(identity().differences(&identity()).is_empty());
    }

    #[test]
    fn runs_are_kept_and_changed_ones_refused() {
        let store = Memory::default();
        let run = Run::new(identity(), None, None);
        assert!(run.save(&store, "a").unwrap() && !run.save(&store, "b").unwrap());
        assert_eq!(Run::all(&store).unwrap(), std::slice::from_ref(&run));
        let name = names::run_json(&run.id);
        let text = String::from_utf8(store.get(&name).unwrap().to_vec()).unwrap().replace("builtin", "rten");
        store.delete(&name).unwrap();
        store.create(&name, "a", text.as_bytes()).unwrap();
        assert!(matches!(Run::all(&store), Err(ArchiveError::Run(_))));
    }
}
