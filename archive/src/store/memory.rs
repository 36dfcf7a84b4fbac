//! Storage in memory, for tests: it can fail after a number of changes, as a machine does that is switched off.

use super::{Object, Store, StoreError, Upload};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    /// Changes that still succeed.
    left: Option<usize>,
    /// The first change that fails is made all the same: only the word about it is lost.
    made: bool,
}

/// Objects in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After so many more changes each one fails, until this is called again; `None` for never. With `made` the first of those is made
    /// all the same, and only the word about it is lost.
    pub fn fail_after(&self, changes: Option<usize>, made: bool) {
        let mut state = self.state();
        (state.left, state.made) = (changes, made);
    }

    fn change<T>(&self, name: &str, act: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> Result<T, StoreError> {
        let mut state = self.state();
        if state.left == Some(0) {
            if std::mem::take(&mut state.made) {
                act(&mut state.objects);
            }
            return Err(StoreError::Storage { name: name.to_owned(), error: io::ErrorKind::StorageFull.into() });
        }
        state.left = state.left.map(|n| n - 1);
        Ok(act(&mut state.objects))
    }
}

struct Unfinished {
    to: Memory,
    name: String,
    bytes: Vec<u8>,
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for Unfinished {
    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let Self { to, name, bytes } = *self;
        to.change(&name, |objects| drop(objects.insert(name.clone(), bytes.into())))
    }
}

impl Store for Memory {
    fn list(&self, folder: &str) -> Result<Vec<Object>, StoreError> {
        let begin = format!("{folder}/");
        let object = |(name, bytes): (&String, &Bytes)| Object {
            name: name.clone(),
            size: bytes.len() as u64,
            age: Duration::ZERO,
            temporary: false,
        };
        Ok(self.state().objects.iter().filter(|(n, _)| n.starts_with(&begin)).map(object).collect())
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let begin = format!("{folder}/");
        let state = self.state();
        let below = state.objects.keys().filter_map(|n| n.strip_prefix(&begin)?.split_once('/'));
        let mut names: Vec<String> = below.map(|(head, _)| head.to_owned()).collect();
        names.dedup();
        Ok(names)
    }

    fn size(&self, name: &str) -> Result<u64, StoreError> {
        let state = self.state();
        state.objects.get(name).map(|b| b.len() as u64).ok_or_else(|| StoreError::Absent { name: name.to_owned() })
    }

    fn range(&self, name: &str, at: u64, length: usize) -> Result<Bytes, StoreError> {
        let state = self.state();
        let bytes = state.objects.get(name).ok_or_else(|| StoreError::Absent { name: name.to_owned() })?;
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        match from.checked_add(length).filter(|to| *to <= bytes.len()) {
            Some(to) => Ok(bytes.slice(from..to)),
            None => Err(StoreError::Storage { name: name.to_owned(), error: io::ErrorKind::UnexpectedEof.into() }),
        }
    }

    fn begin(&self, name: &str, _attempt: &str) -> Result<Box<dyn Upload>, StoreError> {
        Ok(Box::new(Unfinished { to: self.clone(), name: name.to_owned(), bytes: Vec::new() }))
    }

    fn create(&self, name: &str, _attempt: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        self.change(name, |objects| {
            let absent = !objects.contains_key(name);
            if absent {
                objects.insert(name.to_owned(), Bytes::copy_from_slice(bytes));
            }
            absent
        })
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.change(name, |objects| drop(objects.remove(name)))
    }
}
