//! A folder as storage.
//!
//! An object is written under a hidden temporary name in its own folder, made durable, and then given its name: by a hard link, which
//! fails where the name is taken. A name therefore never leads to a part of an object, also after a loss of power.

use super::{Object, Store, StoreError, Upload};
use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Waits before what storage refused is tried again.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A folder of a file system with hard links.
#[derive(Debug, Clone)]
pub struct Local {
    root: PathBuf,
}

/// Whether something may be different in a moment.
fn passes(e: &io::Error) -> bool {
    use io::ErrorKind::{NetworkDown, QuotaExceeded, ResourceBusy, StaleNetworkFileHandle, StorageFull, TimedOut};
    matches!(e.kind(), NetworkDown | QuotaExceeded | ResourceBusy | StaleNetworkFileHandle | StorageFull | TimedOut)
}

/// Does something, and again where storage may have recovered.
fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for wait in AGAIN {
        match act() {
            Err(e) if passes(&e) => std::thread::sleep(wait),
            other => return other,
        }
    }
    act()
}

#[allow(clippy::disallowed_methods, reason = "ages of files decide when they are swept, never what results say")]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Local {
    /// Storage in a folder, which appears with the first object.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn walk(&self, folder: &str, into: &mut Vec<Object>) -> io::Result<()> {
        let entries = match fs::read_dir(self.at(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            // Names of ours are plain; others are not ours.
            let Ok(base) = entry.file_name().into_string() else { continue };
            let name = format!("{folder}/{base}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.walk(&name, into)?;
            } else if kind.is_file() {
                // It may have been deleted since.
                let Ok(about) = entry.metadata() else { continue };
                let age = about.modified().ok().and_then(|t| now().duration_since(t).ok()).unwrap_or_default();
                let temporary = base.starts_with('.');
                into.push(Object { name, size: about.len(), age, temporary });
            }
        }
        Ok(())
    }
}

/// What prevents writing. A folder that is missing is storage that is away, and no object that is absent.
fn unwritten(name: &str, e: io::Error) -> StoreError {
    let error = if e.kind() == io::ErrorKind::NotFound { io::Error::other(e.to_string()) } else { e };
    StoreError::Storage { name: name.to_owned(), error }
}

/// Makes the names of a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file under a temporary name, which goes with this value.
#[derive(Debug)]
struct Temporary {
    file: File,
    path: PathBuf,
    place: PathBuf,
    name: String,
}

impl Temporary {
    fn create(store: &Local, name: &str, attempt: &str) -> io::Result<Self> {
        let place = store.at(name);
        let folder = place.parent().unwrap_or(&store.root);
        patiently(|| fs::create_dir_all(folder))?;
        let base = place.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!(".{base}.{attempt}.tmp"));
        let file = patiently(|| OpenOptions::new().write(true).create_new(true).open(&path))?;
        Ok(Self { file, path, place, name: name.to_owned() })
    }

    /// Gives the file its name. Returns false where that is taken.
    fn publish(&self) -> io::Result<bool> {
        patiently(|| self.file.sync_all())?;
        let taken = match patiently(|| fs::hard_link(&self.path, &self.place)) {
            Ok(()) => false,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => true,
            Err(e) => return Err(e),
        };
        if let Some(folder) = self.place.parent() {
            patiently(|| sync_folder(folder))?;
        }
        Ok(!taken)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is swept later.
        let _ = fs::remove_file(&self.path);
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { file, .. } = self;
        patiently(|| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Upload for Temporary {
    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        match self.publish() {
            Ok(true) => Ok(()),
            Ok(false) => Err(unwritten(&self.name, io::Error::new(io::ErrorKind::AlreadyExists, "is there already"))),
            Err(e) => Err(unwritten(&self.name, e)),
        }
    }
}

impl Store for Local {
    fn list(&self, folder: &str) -> Result<Vec<Object>, StoreError> {
        let mut objects = Vec::new();
        self.walk(folder, &mut objects).map_err(|e| StoreError::storage(folder, e))?;
        objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(self.at(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|e| StoreError::storage(folder, e))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| StoreError::storage(folder, e))?;
            let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
            names.extend(entry.file_name().into_string().ok().filter(|n| is_folder && !n.starts_with('.')));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn size(&self, name: &str) -> Result<u64, StoreError> {
        fs::metadata(self.at(name)).map(|m| m.len()).map_err(|e| StoreError::storage(name, e))
    }

    fn range(&self, name: &str, at: u64, length: usize) -> Result<Bytes, StoreError> {
        let read = || {
            let file = File::open(self.at(name))?;
            if at.saturating_add(length as u64) > file.metadata()?.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at)?;
            Ok(Bytes::from(bytes))
        };
        read().map_err(|e| StoreError::storage(name, e))
    }

    fn begin(&self, name: &str, attempt: &str) -> Result<Box<dyn Upload>, StoreError> {
        let temporary = Temporary::create(self, name, attempt).map_err(|e| unwritten(name, e))?;
        Ok(Box::new(temporary))
    }

    fn create(&self, name: &str, attempt: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        let write = || {
            let mut file = Temporary::create(self, name, attempt)?;
            file.write_all(bytes)?;
            file.publish()
        };
        write().map_err(|e| match e.kind() {
            io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                if self.at(name).parent().is_some_and(Path::is_dir) =>
            {
                StoreError::Unsuitable {
                    why: format!(
                        "{name}: {e} (expected a folder that can be written to, of a file system with hard links)"
                    ),
                }
            }
            _ => unwritten(name, e),
        })
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        match fs::remove_file(self.at(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|e| StoreError::storage(name, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("affect-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn one_writer_of_a_name_wins() {
        let root = folder("race");
        let store = Local::new(&root);
        probe(&store, "x").unwrap();
        for round in 0..20 {
            let name = format!("run/r/calls/part-{round:05}.parquet");
            let won: Vec<usize> = std::thread::scope(|scope| {
                let (store, name) = (&store, &name);
                let create = |k: usize| {
                    move || store.create(name, &k.to_string(), k.to_string().as_bytes()).unwrap().then_some(k)
                };
                let threads: Vec<_> = (0..4).map(|k| scope.spawn(create(k))).collect();
                threads.into_iter().filter_map(|t| t.join().unwrap()).collect()
            });
            assert_eq!(won.len(), 1);
            assert_eq!(&store.get(&name).unwrap()[..], won[0].to_string().as_bytes());
        }
        assert_eq!(store.list("run").unwrap().iter().filter(|o| o.temporary).count(), 0);
        assert_eq!(store.folders("run").unwrap(), ["r"]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn nothing_is_visible_before_it_is_whole() {
        let root = folder("whole");
        let store = Local::new(&root);
        let mut upload = store.begin("a/b", "1").unwrap();
        upload.write_all(b"half").unwrap();
        let seen = store.list("a").unwrap();
        assert!(seen.len() == 1 && seen[0].temporary && seen[0].base() == ".b.1.tmp", "{seen:?}");
        assert!(store.get("a/b").unwrap_err().is_absent());
        drop(upload);
        assert_eq!(store.list("a").unwrap(), []);
        let mut upload = store.begin("a/b", "2").unwrap();
        upload.write_all(b"whole").unwrap();
        upload.finish().unwrap();
        assert_eq!(&store.get("a/b").unwrap()[..], b"whole");
        assert_eq!(&store.range("a/b", 2, 2).unwrap()[..], b"ol");
        assert!(store.range("a/b", 2, 9).is_err());
        store.delete("a/b").unwrap();
        store.delete("a/b").unwrap();
        assert!(store.list("none").unwrap().is_empty() && store.folders("none").unwrap().is_empty());
        fs::remove_dir_all(root).unwrap();
    }
}
