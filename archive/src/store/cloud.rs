//! A bucket of an object store as storage: `s3://`, `gs://` and `az://`, with a folder in it.
//!
//! An object appears when it is whole, so nothing is temporary. Two writers of one name are kept apart by the store's own conditional
//! write. Where the word about such a write was lost and the request was sent again, the second answer says that the object is there
//! already, though it is this writer's: [`Cloud::create`] therefore looks whether what is there is its own.

use super::{Object, Store, StoreError, Upload};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode,
    PutOptions, PutPayload,
};
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// Bytes of each part of a long object, all of the same size but the last; stores want at least 5 MiB.
const PART: usize = 8 * 1024 * 1024;

/// A folder in a bucket.
#[derive(Clone)]
pub struct Cloud {
    bucket: Arc<dyn ObjectStore>,
    folder: Path,
    url: Arc<str>,
    runtime: Arc<Runtime>,
}

impl fmt::Debug for Cloud {
    // The client's own form may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An object that is there, with the mark of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name within the folder.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last changed, ns since 1970.
    pub modified_ns: Option<i64>,
    /// The store's mark of this content.
    pub etag: Option<String>,
}

/// Whether a text names a folder of an object store.
#[must_use]
pub fn is_cloud(text: &str) -> bool {
    ["s3", "gs", "az"].iter().any(|s| text.strip_prefix(s).is_some_and(|rest| rest.starts_with("://")))
}

/// What a store said, as an error of a name's.
fn wrong(name: &str, error: Error) -> StoreError {
    match error {
        Error::NotFound { .. } => StoreError::Absent { name: name.to_owned() },
        Error::NotSupported { .. } | Error::NotImplemented { .. } => StoreError::Unsuitable { why: error.to_string() },
        other => StoreError::Storage { name: name.to_owned(), error: io::Error::other(other) },
    }
}

fn unusable(url: &str, why: impl fmt::Display) -> StoreError {
    StoreError::Unsuitable { why: format!("{url}: {why}") }
}

/// One thread serves all requests of a process; whoever asks waits.
fn runtime() -> io::Result<Arc<Runtime>> {
    static SHARED: OnceLock<Arc<Runtime>> = OnceLock::new();
    if let Some(r) = SHARED.get() {
        return Ok(r.clone());
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("object-store").enable_all().build()?;
    Ok(SHARED.get_or_init(|| Arc::new(runtime)).clone())
}

#[allow(clippy::disallowed_methods, reason = "ages of objects decide when they are swept, never what results say")]
fn age(meta: &ObjectMeta) -> Duration {
    SystemTime::now().duration_since(meta.last_modified.into()).unwrap_or_default()
}

impl Cloud {
    /// Opens a folder by its address, such as `s3://bucket/calls`. Keys, regions and endpoints come from the environment variables of the
    /// store's own tools (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`, …).
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] where the address or the environment does not do.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let parsed = Url::parse(url).map_err(|e| unusable(url, e))?;
        let (scheme, folder) = ObjectStoreScheme::parse(&parsed).map_err(|e| unusable(url, e))?;
        let bucket: Arc<dyn ObjectStore> = match scheme {
            ObjectStoreScheme::AmazonS3 => {
                Arc::new(AmazonS3Builder::from_env().with_url(url).build().map_err(|e| unusable(url, e))?)
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url).build().map_err(|e| unusable(url, e))?)
            }
            ObjectStoreScheme::MicrosoftAzure => {
                Arc::new(MicrosoftAzureBuilder::from_env().with_url(url).build().map_err(|e| unusable(url, e))?)
            }
            _ => return Err(unusable(url, "expected an address that begins with s3://, gs:// or az://")),
        };
        let runtime = runtime().map_err(|e| StoreError::Storage { name: url.to_owned(), error: e })?;
        Ok(Self { bucket, folder, url: url.trim_end_matches('/').into(), runtime })
    }

    /// The same over any store.
    #[cfg(test)]
    fn over(bucket: Arc<dyn ObjectStore>, folder: &str) -> Self {
        Self { bucket, folder: Path::from(folder), url: "memory".into(), runtime: runtime().unwrap() }
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Where a name stands in the bucket: letter for letter, as listings say it.
    fn at(&self, name: &str) -> Result<Path, StoreError> {
        let whole = format!("{}/{name}", self.folder.as_ref());
        Path::parse(whole.trim_start_matches('/')).map_err(|e| wrong(name, e.into()))
    }

    /// The name within the folder.
    fn name(&self, location: &Path) -> Option<String> {
        let parts: Vec<_> = location.prefix_match(&self.folder)?.collect();
        Some(parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/"))
    }

    /// All objects of the folder in the order of their names, with what tells one content from another.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn listed(&self) -> Result<Vec<Listed>, StoreError> {
        let metas: Vec<ObjectMeta> =
            self.wait(self.bucket.list(Some(&self.folder)).try_collect()).map_err(|e| wrong(&self.url, e))?;
        let seen = |meta: ObjectMeta| {
            Some(Listed {
                name: self.name(&meta.location)?,
                size: meta.size,
                modified_ns: meta.last_modified.timestamp_nanos_opt(),
                etag: meta.e_tag,
            })
        };
        let mut listed: Vec<Listed> = metas.into_iter().filter_map(seen).collect();
        listed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// Copies an object into a writer, if its content is still the one that `etag` marks. Returns whether it is.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Storage`]; those of writing.
    pub fn copy_to(&self, name: &str, etag: Option<&str>, into: &mut dyn Write) -> Result<bool, StoreError> {
        let location = self.at(name)?;
        let options = GetOptions { if_match: etag.map(str::to_owned), ..GetOptions::default() };
        self.wait(async {
            let got = match self.bucket.get_opts(&location, options).await {
                Err(Error::Precondition { .. }) => return Ok(false),
                other => other.map_err(|e| wrong(name, e))?,
            };
            let mut stream = got.into_stream();
            while let Some(bytes) = stream.try_next().await.map_err(|e| wrong(name, e))? {
                into.write_all(&bytes).map_err(|e| StoreError::Storage { name: name.to_owned(), error: e })?;
            }
            Ok(true)
        })
    }
}

/// An object on its way to a bucket: short ones go as a whole, long ones in parts.
struct Sending {
    to: Cloud,
    name: String,
    buffer: BytesMut,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Sending {
    fn send(&mut self, bytes: Bytes) -> io::Result<()> {
        let runtime = self.to.runtime.clone();
        runtime.block_on(async {
            if self.parts.is_none() {
                let location = self.to.at(&self.name).map_err(io::Error::other)?;
                self.parts = Some(self.to.bucket.put_multipart(&location).await.map_err(io::Error::other)?);
            }
            match &mut self.parts {
                Some(parts) => parts.put_part(PutPayload::from(bytes)).await.map_err(io::Error::other),
                None => Ok(()),
            }
        })
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(PART - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..n]);
        if self.buffer.len() == PART {
            let part = self.buffer.split().freeze();
            self.send(part)?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for Sending {
    fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let rest = self.buffer.split().freeze();
        let name = self.name.clone();
        if self.parts.is_none() {
            let location = self.to.at(&name)?;
            let put = self.to.bucket.put_opts(&location, rest.into(), PutOptions::default());
            return self.to.wait(put).map(drop).map_err(|e| wrong(&name, e));
        }
        if !rest.is_empty() {
            self.send(rest).map_err(|error| StoreError::Storage { name: name.clone(), error })?;
        }
        let Some(mut parts) = self.parts.take() else { return Ok(()) };
        let done = self.to.wait(async {
            match parts.complete().await {
                Ok(_) => Ok(()),
                Err(e) => {
                    // What was sent is to be paid for until it is given up; the error is the one that counts.
                    let _ = parts.abort().await;
                    Err(e)
                }
            }
        });
        done.map_err(|e| wrong(&name, e))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            // Nobody is left to hear of it; the store forgets it by its own rules.
            let _ = self.to.wait(async move { parts.abort().await });
        }
    }
}

impl Store for Cloud {
    fn list(&self, folder: &str) -> Result<Vec<Object>, StoreError> {
        let metas: Vec<ObjectMeta> =
            self.wait(self.bucket.list(Some(&self.at(folder)?)).try_collect()).map_err(|e| wrong(folder, e))?;
        let object = |meta: &ObjectMeta| {
            Some(Object { name: self.name(&meta.location)?, size: meta.size, age: age(meta), temporary: false })
        };
        let mut objects: Vec<Object> = metas.iter().filter_map(object).collect();
        objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let listed =
            self.wait(self.bucket.list_with_delimiter(Some(&self.at(folder)?))).map_err(|e| wrong(folder, e))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|p| self.name(p)?.rsplit('/').next().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn size(&self, name: &str) -> Result<u64, StoreError> {
        self.wait(self.bucket.head(&self.at(name)?)).map(|meta| meta.size).map_err(|e| wrong(name, e))
    }

    fn range(&self, name: &str, at: u64, length: usize) -> Result<Bytes, StoreError> {
        if length == 0 {
            // Stores refuse empty ranges; absence is still an error.
            return self.size(name).map(|_| Bytes::new());
        }
        let end = at.saturating_add(length as u64);
        let bytes = self.wait(self.bucket.get_range(&self.at(name)?, at..end)).map_err(|e| wrong(name, e))?;
        if bytes.len() == length {
            return Ok(bytes);
        }
        let why = format!("ends after {} bytes, expected {end}", at.saturating_add(bytes.len() as u64));
        Err(StoreError::Storage { name: name.to_owned(), error: io::Error::new(io::ErrorKind::UnexpectedEof, why) })
    }

    fn begin(&self, name: &str, _attempt: &str) -> Result<Box<dyn Upload>, StoreError> {
        Ok(Box::new(Sending { to: self.clone(), name: name.to_owned(), buffer: BytesMut::new(), parts: None }))
    }

    fn create(&self, name: &str, _attempt: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        let location = self.at(name)?;
        let payload = PutPayload::from(Bytes::copy_from_slice(bytes));
        let put = self.bucket.put_opts(&location, payload, PutOptions::from(PutMode::Create));
        match self.wait(put) {
            Ok(_) => Ok(true),
            // Ours, if an earlier request of this call arrived and its answer did not.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(self.get(name)? == bytes),
            Err(e) => Err(wrong(name, e)),
        }
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        match self.wait(self.bucket.delete(&self.at(name)?)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(wrong(name, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::probe;
    use object_store::memory::InMemory;

    fn cloud() -> (Arc<InMemory>, Cloud) {
        let bucket = Arc::new(InMemory::new());
        (bucket.clone(), Cloud::over(bucket, "deep/archive"))
    }

    #[test]
    fn it_does_what_a_store_must() {
        let (_, c) = cloud();
        probe(&c, "a").unwrap();
        assert!(c.list("").unwrap().is_empty(), "the probe is gone");
        assert!(c.create("run/1/calls/part-0.parquet", "a", b"first").unwrap());
        assert!(!c.create("run/1/calls/part-0.parquet", "b", b"second").unwrap());
        assert_eq!(&c.get("run/1/calls/part-0.parquet").unwrap()[..], b"first");
        assert_eq!(c.folders("run").unwrap(), ["1"]);
        assert_eq!(c.folders("").unwrap(), ["run"]);
        let names: Vec<String> = c.list("run").unwrap().into_iter().map(|o| o.name).collect();
        assert_eq!(names, ["run/1/calls/part-0.parquet"]);
        assert!(c.size("nothing").unwrap_err().is_absent());
        assert!(c.range("run/1/calls/part-0.parquet", 2, 9).is_err(), "a range beyond the end");
        assert!(c.range("run/1/calls/part-0.parquet", 5, 0).unwrap().is_empty());
        c.delete("run/1/calls/part-0.parquet").unwrap();
        c.delete("run/1/calls/part-0.parquet").unwrap();
        assert!(c.list("").unwrap().is_empty());
    }

    /// A request whose answer was lost is sent again, and then finds its own object.
    #[test]
    fn who_finds_its_own_object_has_created_it() {
        let (_, c) = cloud();
        assert!(c.create("calls", "a", b"mine").unwrap());
        assert!(c.create("calls", "a", b"mine").unwrap());
        assert!(!c.create("calls", "b", b"other").unwrap());
    }

    #[test]
    fn long_objects_come_in_parts_and_only_whole() {
        let (_, c) = cloud();
        let bytes: Vec<u8> = (0..2 * PART + 12_345).map(|i| (i % 251) as u8).collect();
        let mut upload = c.begin("long", "a").unwrap();
        upload.write_all(&bytes).unwrap();
        assert!(c.size("long").unwrap_err().is_absent());
        upload.finish().unwrap();
        assert!(c.get("long").unwrap() == bytes);
        let mut given_up = c.begin("never", "a").unwrap();
        given_up.write_all(&bytes).unwrap();
        drop(given_up);
        assert!(c.size("never").unwrap_err().is_absent());
    }

    #[test]
    fn contents_are_told_apart() {
        let (_, c) = cloud();
        let put = |bytes: &[u8]| {
            let mut upload = c.begin("a b%20c\"é.wav", "a").unwrap();
            upload.write_all(bytes).unwrap();
            upload.finish().unwrap();
        };
        put(b"before");
        let listed = c.listed().unwrap();
        assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].size), (1, "a b%20c\"é.wav", 6));
        let mut copy = Vec::new();
        assert!(c.copy_to(&listed[0].name, listed[0].etag.as_deref(), &mut copy).unwrap());
        assert_eq!(copy, b"before");
        put(b"after!");
        assert!(!c.copy_to(&listed[0].name, listed[0].etag.as_deref(), &mut copy).unwrap());
        assert!(c.copy_to("gone", None, &mut copy).unwrap_err().is_absent());
    }

    #[test]
    fn addresses_are_understood_or_refused() {
        assert!(is_cloud("s3://bucket/x") && is_cloud("gs://b") && is_cloud("az://c/d"));
        assert!(!is_cloud("s3/bucket") && !is_cloud("/s3://x") && !is_cloud("file:///x"));
        for wrong in ["s3://", "http://host/x", "s3:/bucket"] {
            assert!(matches!(Cloud::open(wrong), Err(StoreError::Unsuitable { .. })), "{wrong}");
        }
    }
}
