//! One copy of each model per process, shared by all that use it.

use super::{Model, ModelError, Options, folder, sha256};
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

/// The bytes of a model file, or of the model of a folder, with weights that lie in files beside it put inside.
///
/// # Errors
/// [`ModelError`] for files that cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, ModelError> {
    folder::whole(&folder::model_in(path)?)
}

/// The card of a model: one that is named, else one beside it, else what follows from the configuration files of its folder.
fn card_of(model: &Path, named: Option<&Path>, bytes: &[u8]) -> Result<Option<String>, ModelError> {
    match named.map(Path::to_owned).or_else(|| sidecar(model)) {
        Some(p) => {
            let text = folder::read(&p, super::card::LARGEST)?;
            let text = String::from_utf8(text);
            text.map(Some).map_err(|e| ModelError::File { path: p.display().to_string(), why: e.to_string() })
        }
        None => folder::understood(model, bytes),
    }
}

/// Opens a model file, or the model of a folder as exporters leave it, or shares what is open. Whatever happens to the file later
/// does not matter to those who have it.
///
/// # Errors
/// [`ModelError`], with the path where the file cannot be read.
pub fn open(path: &Path, card: Option<&Path>, options: &Options) -> Result<Arc<Model>, ModelError> {
    let model = folder::model_in(path)?;
    let bytes = folder::whole(&model)?;
    let card = card_of(&model, card, &bytes)?;
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
