//! One copy of each model per process, shared by all that use it.

use super::{Model, ModelError, Options, sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What makes two uses the same: hashes of model and card, and how it is opened.
type Key = (String, Option<String>, Options);
/// One place per key, so that loading one model does not hold up others.
type Slot = Arc<Mutex<Weak<Model>>>;

static POOL: Mutex<Option<HashMap<Key, Slot>>> = Mutex::new(None);

/// Where a card beside a model lies: `model.onnx.card.json`, or `model.card.json`.
#[must_use]
pub fn sidecar(model: &Path) -> Option<PathBuf> {
    let mut long = model.as_os_str().to_owned();
    long.push(".card.json");
    [PathBuf::from(long), model.with_extension("card.json")].into_iter().find(|p| p.is_file())
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ModelError> {
    let failed = |why: String| ModelError::File { path: path.display().to_string(), why };
    let length = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if length > limit as u64 {
        return Err(failed(format!("{length} bytes: expected at most {limit}")));
    }
    std::fs::read(path).map_err(|e| failed(e.to_string()))
}

/// Opens a model file, or shares what is open. Whatever happens to the file later does not matter to those who have it.
///
/// # Errors
/// [`ModelError`], with the path where the file cannot be read.
pub fn open(path: &Path, card: Option<&Path>, options: &Options) -> Result<Arc<Model>, ModelError> {
    let bytes = read(path, crate::onnx::graph::LARGEST)?;
    let beside = card.map(Path::to_owned).or_else(|| sidecar(path));
    let card = beside
        .map(|p| {
            let text = read(&p, super::card::LARGEST)?;
            String::from_utf8(text).map_err(|e| ModelError::File { path: p.display().to_string(), why: e.to_string() })
        })
        .transpose()?;
    open_bytes(bytes, card, options)
}

/// The same for bytes that are at hand.
///
/// # Errors
/// [`ModelError`].
pub fn open_bytes(bytes: Vec<u8>, card: Option<String>, options: &Options) -> Result<Arc<Model>, ModelError> {
    let key = (sha256(&bytes), card.as_ref().map(|c| sha256(c.as_bytes())), options.clone());
    let slot = {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pool.get_or_insert_with(HashMap::new);
        // Whatever nobody has any more goes.
        pool.retain(|_, s| Arc::strong_count(s) > 1 || s.lock().is_ok_and(|m| m.strong_count() > 0));
        pool.entry(key).or_default().clone()
    };
    let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = place.upgrade() {
        return Ok(model);
    }
    let model = Arc::new(Model::open(bytes, card.as_deref(), options)?);
    *place = Arc::downgrade(&model);
    Ok(model)
}
