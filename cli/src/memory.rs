//! Remembered work: values in files of a cache, complete or not there.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What lies at a place; `None` where nothing does. Something half written or of another kind is made anew.
pub fn remembered<T: DeserializeOwned>(place: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(place).ok()?).ok()
}

/// Keeps a value.
pub fn remember<T: Serialize>(place: &Path, known: &T) -> Result<(), String> {
    remember_bytes(place, &serde_json::to_vec(known).map_err(|e| format!("{}: {e}", place.display()))?)
}

/// Writes beside the place first, so that an interruption leaves nothing half done.
pub fn remember_bytes(place: &Path, bytes: &[u8]) -> Result<(), String> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", place.display());
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(|e| named(&e))?;
    }
    let beside = place.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes).map_err(|e| named(&e))?;
    std::fs::rename(&beside, place).map_err(|e| named(&e))
}
