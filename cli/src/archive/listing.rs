//! The recordings below a folder, as they are now.

use crate::inputs::{is_audio, key};
use affect_archive::plan::PlannedCall;
use affect_media::files::Identity;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use walkdir::WalkDir;

/// What was found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Calls in the order of their names.
    pub calls: Vec<PlannedCall>,
    /// What could not be looked at.
    pub problems: Vec<String>,
}

/// When a file was last changed, ns since 1970.
pub fn modified_ns(about: &Metadata) -> Option<i64> {
    about.mtime().checked_mul(1_000_000_000)?.checked_add(about.mtime_nsec())
}

/// Lists the files below `root` whose keys match the pattern, or without one those whose names end like those of recordings. Hidden
/// files and folders, and the folder `out`, are left out.
pub fn list(root: &Path, pattern: Option<&glob::Pattern>, out: &Path) -> Listing {
    let mut listing = Listing::default();
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let out = Identity::of(out);
    let how = glob::MatchOptions {
        require_literal_leading_dot: true,
        require_literal_separator: true,
        ..glob::MatchOptions::new()
    };
    let tree = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    let tree = tree.filter_entry(|e| {
        e.depth() == 0 || !(hidden(e.file_name()) || e.file_type().is_dir() && Identity::of(e.path()) == out)
    });
    for entry in tree {
        let (entry, about) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
            Ok(both) => both,
            Err(e) => {
                listing.problems.push(e.to_string());
                continue;
            }
        };
        if !about.is_file() {
            continue;
        }
        let Some(key) = key(root, entry.path()) else { continue };
        let wanted = match pattern {
            Some(p) => p.matches_with(&key, how),
            None => is_audio(entry.path()),
        };
        if wanted {
            let modified_ns = modified_ns(&about);
            listing.calls.push(PlannedCall { key, size: about.len(), modified_ns, etag: None, metadata: Vec::new() });
        }
    }
    listing
}
