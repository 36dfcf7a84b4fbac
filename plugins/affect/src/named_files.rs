//! Files that the elements of a pipeline name in their properties, by identity and not by name: what is written must be none of them.

use affect_media::files::Identity;
use gst::prelude::*;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Properties in which elements name files that they read, or, as sinks, write.
const FILE_PROPERTIES: [&str; 6] = ["location", "uri", "model", "model-card", "model-file", "runtime-library"];

/// Property in which an element names the file of its audit records, which several elements may share.
const AUDIT_PROPERTY: &str = "audit";

/// Identity of a regular file: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

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

/// The element that reads this file or keeps its audit records in it, among all others of the pipeline that `own` is in.
pub(crate) fn reader_of(own: &gst::Element, file: FileId) -> Option<gst::Element> {
    let readers = elements_around(own).into_iter().filter(|e| e != own && !is_sink(e));
    let mut readers = readers.map(|e| (files(&e, FILE_PROPERTIES.iter().chain([&AUDIT_PROPERTY])), e));
    readers.find(|(files, _)| files.iter().any(|path| FileId::at(path) == Some(file))).map(|(_, element)| element)
}

/// The element that reads or writes the file at `path`, other than for audit records, among all of the pipeline that `own` is in,
/// itself included. Devices and pipes may be shared.
pub(crate) fn user_of(own: &gst::Element, path: &Path) -> Option<gst::Element> {
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return None;
    }
    let file = Identity::of(path);
    elements_around(own).into_iter().find(|e| files(e, &FILE_PROPERTIES).iter().any(|path| Identity::of(path) == file))
}

fn is_sink(element: &gst::Element) -> bool {
    element.element_flags().contains(gst::ElementFlags::SINK)
}

/// All elements of the pipeline that an element is in; itself alone where it is in none.
fn elements_around(own: &gst::Element) -> Vec<gst::Element> {
    let mut top: gst::Object = own.clone().upcast();
    while let Some(parent) = top.parent() {
        top = parent;
    }
    top.downcast::<gst::Bin>().map_or_else(|_| vec![own.clone()], |bin| elements(&bin))
}

/// All elements of a bin, those in bins of it as well.
fn elements(bin: &gst::Bin) -> Vec<gst::Element> {
    let mut iterator = bin.iterate_recurse();
    let mut elements = Vec::new();
    loop {
        match iterator.next() {
            Ok(Some(element)) => elements.push(element),
            Ok(None) => return elements,
            // Elements were added or removed meanwhile.
            Err(gst::IteratorError::Resync) => {
                elements.clear();
                iterator.resync();
            }
            Err(gst::IteratorError::Error) => return elements,
        }
    }
}

/// Files that an element names in these properties, with the card that may lie beside a model.
fn files<'a>(element: &gst::Element, properties: impl IntoIterator<Item = &'a &'a str>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in properties {
        let spec = element.find_property(name).filter(|p| p.value_type() == String::static_type());
        let Some(text) = spec.and_then(|p| element.property::<Option<String>>(p.name())) else { continue };
        let path = glib::filename_from_uri(&text).map_or_else(|_| PathBuf::from(&text), |(path, _)| path);
        if path.as_os_str().is_empty() {
            continue;
        }
        files.extend((*name == "model").then(|| affect::model::pool::sidecar(&path)).flatten());
        files.push(path);
    }
    files
}
