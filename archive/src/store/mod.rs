//! Storage: a flat space of named objects, which the archive's plans and results are written to and read from.
//!
//! Names are texts with `/` between their parts. The commit rests on [`Store::create`]: of several writers of one name exactly one
//! wins, and whoever sees the object sees all of it. [`Local`] is a folder, [`Memory`] is for tests; an object store with conditional
//! writes fits the same trait.

mod blob;
mod local;
mod memory;

pub use blob::Blob;
pub use local::Local;
pub use memory::Memory;

use bytes::Bytes;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

/// An object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its whole name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Time since it was last written to, by the storage's clock; 0 where that lies in the future.
    pub age: Duration,
    /// It is being written, or was when its writer died: readers leave it alone.
    pub temporary: bool,
}

impl Object {
    /// The name after its last `/`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// Why storage does not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no object of this name.
    Absent {
        /// The name.
        name: String,
    },
    /// Storage refuses or is away: full, read-only, disconnected. Trying again later may do.
    Storage {
        /// What was asked for.
        name: String,
        /// What it said.
        error: io::Error,
    },
    /// This storage cannot create an object only if it is absent, which the commit rests on.
    Unsuitable {
        /// What is missing.
        why: String,
    },
}

impl StoreError {
    pub(crate) fn storage(name: &str, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            return Self::Absent { name: name.to_owned() };
        }
        Self::Storage { name: name.to_owned(), error }
    }

    /// Whether there is just no object of that name.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { name } => write!(f, "{name}: is not there"),
            Self::Storage { name, error } => write!(f, "{name}: {error}"),
            Self::Unsuitable { why } => write!(f, "this storage cannot hold results: {why}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// An object that is being written. Nobody sees it before it is finished; dropped, it never was.
pub trait Upload: Write + Send {
    /// Makes the object visible and durable, as a whole.
    ///
    /// # Errors
    /// [`StoreError`] where that fails; then there is no object.
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// Storage for plans and results.
pub trait Store: Send + Sync + fmt::Debug {
    /// All objects whose names begin with `folder` and a `/`, temporary ones included, in the order of their names. No such folder is an
    /// empty one.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    fn list(&self, folder: &str) -> Result<Vec<Object>, StoreError>;

    /// Names of the folders directly below a folder, without the path, in order.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Length of an object in bytes.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Storage`].
    fn size(&self, name: &str) -> Result<u64, StoreError>;

    /// A range of an object's bytes; an error where it ends earlier.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Storage`].
    fn range(&self, name: &str, at: u64, length: usize) -> Result<Bytes, StoreError>;

    /// Begins an object. `attempt` tells writers of one name apart.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    fn begin(&self, name: &str, attempt: &str) -> Result<Box<dyn Upload>, StoreError>;

    /// Creates an object unless there is one of that name. Returns whether this call created it: of several calls one does.
    ///
    /// # Errors
    /// [`StoreError::Storage`]. The object may be there all the same where only the word about it was lost.
    fn create(&self, name: &str, attempt: &str, bytes: &[u8]) -> Result<bool, StoreError>;

    /// Deletes an object; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// All bytes of an object.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Storage`].
    fn get(&self, name: &str) -> Result<Bytes, StoreError> {
        let size = usize::try_from(self.size(name)?).map_err(|_| StoreError::Storage {
            name: name.to_owned(),
            error: io::Error::other("too long for this machine's memory"),
        })?;
        self.range(name, 0, size)
    }
}

/// Checks that storage lets one writer of a name win, and only one.
///
/// # Errors
/// [`StoreError::Unsuitable`] where it does not; those of writing.
pub fn probe(store: &dyn Store, attempt: &str) -> Result<(), StoreError> {
    let name = format!("probe-{attempt}");
    let outcome = store.create(&name, attempt, b"first").and_then(|first| {
        let second = store.create(&name, attempt, b"second")?;
        Ok((first, second, store.get(&name)?))
    });
    store.delete(&name)?;
    match outcome? {
        (true, false, bytes) if &bytes[..] == b"first" => Ok(()),
        _ => Err(StoreError::Unsuitable { why: "it lets a second writer replace an object".to_owned() }),
    }
}
