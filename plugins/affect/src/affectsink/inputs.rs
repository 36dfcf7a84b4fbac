//! Which files the pipeline of an element reads, by identity and not by name: a file has many names.

use gst::prelude::*;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Properties in which elements name files that they read.
const FILE_PROPERTIES: [&str; 5] = ["location", "uri", "model", "model-card", "model-file"];

/// Identity of a regular file: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// Of a regular file; `None` for devices and pipes, which cannot be destroyed by writing.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }

    /// Of the file at a path, where there is one.
    pub fn at(path: &Path) -> Option<Self> {
        Self::of(&std::fs::metadata(path).ok()?)
    }
}

/// The element that reads this file, among all of the pipeline that `own` is in.
pub(super) fn reader_of(own: &gst::Element, file: FileId) -> Option<gst::Element> {
    let mut top = own.parent()?;
    while let Some(parent) = top.parent() {
        top = parent;
    }
    let pipeline = top.downcast::<gst::Bin>().ok()?;
    elements(&pipeline).into_iter().find(|e| e != own && files(e).iter().any(|p| FileId::at(p) == Some(file)))
}

/// All elements of a bin, those in bins of it as well.
fn elements(bin: &gst::Bin) -> Vec<gst::Element> {
    let mut iterator = bin.iterate_recurse();
    let mut found = Vec::new();
    loop {
        match iterator.next() {
            Ok(Some(element)) => found.push(element),
            Ok(None) => return found,
            // Elements were added or removed meanwhile.
            Err(gst::IteratorError::Resync) => {
                found.clear();
                iterator.resync();
            }
            Err(gst::IteratorError::Error) => return found,
        }
    }
}

/// Files that an element names in its properties; none for one that only writes.
fn files(element: &gst::Element) -> Vec<PathBuf> {
    if element.element_flags().contains(gst::ElementFlags::SINK) {
        return Vec::new();
    }
    let text = |name: &&str| {
        let spec = element.find_property(name).filter(|p| p.value_type() == String::static_type())?;
        element.property::<Option<String>>(spec.name())
    };
    let path = |text: String| match glib::filename_from_uri(&text) {
        Ok((path, _)) => path,
        Err(_) => PathBuf::from(text),
    };
    FILE_PROPERTIES.iter().filter_map(text).map(path).collect()
}
