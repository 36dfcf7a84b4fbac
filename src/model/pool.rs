//! One copy of each model per process, shared by all that use it.

use super::{Layer, Model, ModelError, Options, folder, sha256};
use bytes::Bytes;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

/// What makes two uses the same: hashes of model and card, and how it is opened.
type Key = (String, Option<String>, Options);
/// One place per key, so that loading one model does not hold up others.
type Slot = Arc<Mutex<Weak<Model>>>;

/// A file as it was asked for, and the model that was made of what it held then.
type File = (PathBuf, Option<PathBuf>, Options);
type Opened = Arc<Mutex<(Option<Stamp>, Weak<Model>)>>;

static FILES: Mutex<Option<HashMap<File, Opened>>> = Mutex::new(None);
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
fn card_of(model: &Path, named: Option<&Path>, bytes: &Bytes) -> Result<Option<String>, ModelError> {
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
    let place = {
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.get_or_insert_with(HashMap::new);
        files.retain(|_, p| Arc::strong_count(p) > 1 || p.lock().is_ok_and(|p| p.1.strong_count() > 0));
        files.entry((model.clone(), card.map(Path::to_owned), options.clone())).or_default().clone()
    };
    // Whoever comes while a model is loaded waits here, and does not read the file again.
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    let stamp = Stamp::of(&model, card);
    if let Some(open) = place.1.upgrade().filter(|_| stamp.is_some() && place.0 == stamp) {
        return Ok(open);
    }
    let bytes = Bytes::from(folder::whole(&model)?);
    let card = card_of(&model, card, &bytes)?;
    let open = open_bytes(bytes.into(), card, options)?;
    *place = (stamp, Arc::downgrade(&open));
    Ok(open)
}

/// What tells files from other files under their names: name, length and times of all that lies beside a model, and of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(Vec<(PathBuf, u64, SystemTime, [i64; 3])>);

impl Stamp {
    /// `None` where that cannot be told.
    fn of(model: &Path, card: Option<&Path>) -> Option<Self> {
        let own = model.parent()?;
        // The files of a folder with `onnx/model.onnx` lie in both.
        let folders = [Some(own), own.parent().filter(|_| model.ends_with("onnx/model.onnx"))];
        let mut list = Vec::new();
        for folder in folders.into_iter().flatten() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            for entry in std::fs::read_dir(folder).ok()? {
                let path = entry.ok()?.path();
                if path.is_file() {
                    list.push(Self::one(path)?);
                }
            }
        }
        list.extend(card.map(|c| Self::one(c.to_owned())).into_iter().flatten());
        list.sort();
        Some(Self(list))
    }

    fn one(path: PathBuf) -> Option<(PathBuf, u64, SystemTime, [i64; 3])> {
        let about = std::fs::metadata(&path).ok()?;
        #[cfg(unix)]
        let more = {
            use std::os::unix::fs::MetadataExt;
            [about.ino() as i64, about.ctime(), about.ctime_nsec()]
        };
        #[cfg(not(unix))]
        let more = [0; 3];
        Some((path, about.len(), about.modified().ok()?, more))
    }
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
        // Whoever looks at no layer can do with a model that somebody has opened with one.
        if options.layer == Layer::Any {
            let plain =
                |k: &Key| (&k.0, &k.1) == (&key.0, &key.1) && Options { layer: Layer::Any, ..k.2.clone() } == *options;
            let open = pool.iter().filter(|(k, _)| plain(k)).find_map(|(_, s)| s.try_lock().ok()?.upgrade());
            if let Some(model) = open {
                return Ok(model);
            }
        }
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
