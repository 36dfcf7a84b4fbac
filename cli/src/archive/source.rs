//! Where the recordings of an archive are: a folder, or a folder of an object store.

use super::listing::{Listing, list, modified_ns};
use super::settings::absolute;
use super::{Stop, mismatch};
use affect_archive::calls::CallError;
use affect_archive::plan::PlannedCall;
use affect_media::files::from_name;
use std::io;
use std::path::{Path, PathBuf};

/// Why a call is not even begun.
pub enum Absent {
    /// Its row says why.
    Row(CallError, String),
    /// The archive itself is not there.
    Away(String),
}

/// A recording that is ready to be read.
#[derive(Debug)]
pub struct Taken {
    /// Where it is.
    pub path: PathBuf,
    /// A copy without a name, which goes with this value.
    #[cfg(feature = "object-store")]
    _copy: Option<std::fs::File>,
}

/// The recordings.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files below a folder.
    Folder(PathBuf),
    /// Objects of a bucket.
    #[cfg(feature = "object-store")]
    Bucket(affect_archive::store::Cloud),
}

/// Whether a place is an address of an object store; an error where this program has none.
fn is_address(place: &Path) -> Result<bool, Stop> {
    let text = place.to_str().unwrap_or_default();
    if !["s3://", "gs://", "az://"].iter().any(|s| text.starts_with(s)) {
        return Ok(false);
    }
    if cfg!(feature = "object-store") {
        return Ok(true);
    }
    Err(mismatch(format!("{text}: this program was built without object stores: cargo build --features object-store")))
}

/// Storage of results at a place.
pub fn store(place: &Path) -> Result<std::sync::Arc<dyn affect_archive::store::Store>, Stop> {
    if is_address(place)? {
        #[cfg(feature = "object-store")]
        return Ok(std::sync::Arc::new(affect_archive::store::Cloud::open(place.to_str().unwrap_or_default())?));
    }
    Ok(std::sync::Arc::new(affect_archive::store::Local::new(place)))
}

/// Name of a place that means the same from everywhere.
#[cfg(feature = "queue")]
pub fn whole_name(place: &Path) -> Result<String, Stop> {
    Ok(if is_address(place)? { place.to_string_lossy().trim_end_matches('/').to_owned() } else { absolute(place) })
}

impl Source {
    /// The recordings at a place.
    pub fn open(place: &Path) -> Result<Self, Stop> {
        if is_address(place)? {
            #[cfg(feature = "object-store")]
            return Ok(Self::Bucket(affect_archive::store::Cloud::open(place.to_str().unwrap_or_default())?));
        }
        Ok(Self::Folder(place.to_owned()))
    }

    /// The recordings that a plan names.
    pub fn planned(name: &str) -> Result<Self, Stop> {
        Self::open(Path::new(&from_name(name)))
    }

    /// Its name in a plan, which means the same from everywhere.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => absolute(folder),
            #[cfg(feature = "object-store")]
            Self::Bucket(bucket) => bucket.url().to_owned(),
        }
    }

    /// Lists the recordings, those of the pattern or those that end like recordings; `out`, where it is a folder among them, left out.
    pub fn list(&self, pattern: Option<&glob::Pattern>, out: &Path) -> Result<Listing, Stop> {
        match self {
            Self::Folder(folder) if !folder.is_dir() => {
                Err(mismatch(format!("{}: expected a folder of recordings", folder.display())))
            }
            Self::Folder(folder) => Ok(list(folder, pattern, out)),
            #[cfg(feature = "object-store")]
            Self::Bucket(bucket) => {
                let below = out.to_str().and_then(|o| o.strip_prefix(bucket.url())).map(|o| o.trim_matches('/'));
                let ours = |name: &str| {
                    below.is_some_and(|b| !b.is_empty() && name.strip_prefix(b).is_some_and(|r| r.starts_with('/')))
                };
                let mut listing = Listing::default();
                for object in bucket.listed()? {
                    let key = object.name;
                    let hidden = key.split('/').any(|part| part.starts_with('.'));
                    if hidden
                        || ours(&key)
                        || !super::listing::wanted(&key, pattern)
                        || !affect_archive::plan::is_key(&key)
                    {
                        continue;
                    }
                    let (size, modified_ns, etag) = (object.size, object.modified_ns, object.etag);
                    listing.calls.push(PlannedCall { key, size, modified_ns, etag, metadata: Vec::new() });
                }
                Ok(listing)
            }
        }
    }

    /// Makes a call ready to be read, if it is still what was planned.
    pub fn take(&self, call: &PlannedCall) -> Result<Taken, Absent> {
        match self {
            Self::Folder(folder) => {
                look(folder, call)?;
                Ok(Taken {
                    path: path(folder, call),
                    #[cfg(feature = "object-store")]
                    _copy: None,
                })
            }
            #[cfg(feature = "object-store")]
            Self::Bucket(bucket) => copy(bucket, call),
        }
    }

    /// Looks whether what was read is still what was planned. A copy is.
    pub fn still(&self, call: &PlannedCall) -> Result<(), Absent> {
        match self {
            Self::Folder(folder) => look(folder, call),
            #[cfg(feature = "object-store")]
            Self::Bucket(_) => Ok(()),
        }
    }
}

fn path(folder: &Path, call: &PlannedCall) -> PathBuf {
    folder.join(from_name(&call.key))
}

/// Copies a call to a file without a name, which nobody has to clean up. The worker opens it by the number of this process's.
#[cfg(feature = "object-store")]
fn copy(bucket: &affect_archive::store::Cloud, call: &PlannedCall) -> Result<Taken, Absent> {
    use affect_archive::store::StoreError;
    use std::os::fd::AsRawFd;
    let away = |e: &dyn std::fmt::Display| Absent::Away(format!("{}: {e}", call.key));
    let mut copy = tempfile::tempfile().map_err(|e| away(&e))?;
    match bucket.copy_to(&call.key, call.etag.as_deref(), &mut copy) {
        Ok(true) => {}
        Ok(false) => return Err(Absent::Row(CallError::ChangedSincePlan, "it was written to since".to_owned())),
        Err(e @ StoreError::Absent { .. }) => return Err(Absent::Row(CallError::Vanished, e.to_string())),
        Err(e) => return Err(away(&e)),
    }
    let size = copy.metadata().map_err(|e| away(&e))?.len();
    if size != call.size {
        let why = format!("it has {size} bytes, and had {}", call.size);
        return Err(Absent::Row(CallError::ChangedSincePlan, why));
    }
    let path = format!("/proc/{}/fd/{}", std::process::id(), copy.as_raw_fd()).into();
    Ok(Taken { path, _copy: Some(copy) })
}

/// Looks whether a file is still what was planned.
fn look(folder: &Path, call: &PlannedCall) -> Result<(), Absent> {
    let about = match std::fs::metadata(path(folder, call)) {
        Ok(about) => about,
        Err(e) => {
            let row = match e.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CallError::Vanished,
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidFilename => CallError::Unreadable,
                // Links in a circle.
                _ if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => CallError::Unreadable,
                _ => return Err(Absent::Away(format!("{}: {e}", path(folder, call).display()))),
            };
            there(folder)?;
            return Err(Absent::Row(row, e.to_string()));
        }
    };
    let (size, modified) = (about.len(), modified_ns(&about));
    if about.is_file() && size == call.size && (call.modified_ns.is_none() || modified == call.modified_ns) {
        return Ok(());
    }
    let why = if size == call.size {
        "it was written to since".to_owned()
    } else {
        format!("it has {size} bytes, and had {}", call.size)
    };
    Err(Absent::Row(CallError::ChangedSincePlan, why))
}

/// Looks whether the archive itself is there: a folder that is empty is one whose disk is not mounted.
fn there(folder: &Path) -> Result<(), Absent> {
    let first = std::fs::read_dir(folder).and_then(|mut entries| entries.next().transpose());
    match first {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Absent::Away(format!("{}: is empty: is it mounted?", folder.display()))),
        Err(e) => Err(Absent::Away(format!("{}: {e}", folder.display()))),
    }
}
