//! An object of storage as what the Parquet reader reads from.

use super::{Store, StoreError};
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes that are asked for at once where it is not known how many are needed.
const BLOCK: u64 = 256 * 1024;

/// An object that can be read in ranges.
#[derive(Debug, Clone)]
pub struct Blob {
    store: Arc<dyn Store>,
    name: Arc<str>,
    size: u64,
}

impl Blob {
    /// Opens an object.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Storage`].
    pub fn open(store: &Arc<dyn Store>, name: &str) -> std::result::Result<Self, StoreError> {
        Ok(Self { size: store.size(name)?, store: store.clone(), name: name.into() })
    }

    fn range(&self, at: u64, length: usize) -> io::Result<Bytes> {
        self.store.range(&self.name, at, length).map_err(|e| match e {
            StoreError::Storage { error, .. } => error,
            other => io::Error::new(io::ErrorKind::NotFound, other.to_string()),
        })
    }
}

impl Length for Blob {
    fn len(&self) -> u64 {
        self.size
    }
}

/// An object from some place on, block by block.
#[derive(Debug)]
pub struct From {
    blob: Blob,
    at: u64,
    block: Bytes,
}

impl Read for From {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.block.is_empty() {
            let length = BLOCK.min(self.blob.size.saturating_sub(self.at));
            self.block = self.blob.range(self.at, usize::try_from(length).unwrap_or(0))?;
            self.at += length;
        }
        let n = into.len().min(self.block.len());
        into[..n].copy_from_slice(&self.block.split_to(n));
        Ok(n)
    }
}

impl ChunkReader for Blob {
    type T = From;

    fn get_read(&self, start: u64) -> Result<From> {
        Ok(From { blob: self.clone(), at: start, block: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.range(start, length).map_err(|e| ParquetError::External(Box::new(e)))
    }
}
