//! The custom meta `AffectResults`: field `results`, an array of structures `affect-result`.
//!
//! It has no tags, so every element copies it, and copying merges: a destination that already carries results gets the
//! ones it lacks. A buffer therefore never has more than one such meta, and readers find all results in it. Elements
//! that cut or join buffers may deliver a result more than once; its `id` tells.

use crate::result::results_of;
use std::sync::Once;

/// Name of the meta.
pub const NAME: &str = "AffectResults";

/// Registers the meta with GStreamer, once per process. GStreamer must be initialised.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if gst::meta::CustomMeta::is_registered(NAME) {
            return;
        }
        let copy = glib::Quark::from_str("gst-copy");
        gst::meta::CustomMeta::register_with_transform(NAME, &[], move |destination, meta, _source, kind| {
            // Anything but a copy would be a transformation of the samples: the results say nothing about it.
            kind == copy && append(destination, results_of(meta.structure())).is_ok()
        });
    });
}

/// Adds results to a buffer, except those it already has.
///
/// # Errors
/// If the meta cannot be added.
pub fn append(buffer: &mut gst::BufferRef, results: Vec<gst::Structure>) -> Result<(), glib::BoolError> {
    if results.is_empty() {
        return Ok(());
    }
    let mut merged = read(buffer);
    for new in results {
        let id = new.get::<&str>("id").ok();
        if id.is_none() || !merged.iter().any(|old| old.get::<&str>("id").ok() == id) {
            merged.push(new);
        }
    }
    replace(buffer, merged)
}

/// Replaces the results that a buffer carries.
///
/// # Errors
/// If the meta cannot be added.
pub fn replace(buffer: &mut gst::BufferRef, results: Vec<gst::Structure>) -> Result<(), glib::BoolError> {
    let array = gst::Array::new(results);
    if let Ok(mut meta) = gst::meta::CustomMeta::from_mut_buffer(buffer, NAME) {
        meta.mut_structure().set("results", array);
        return Ok(());
    }
    let mut meta = gst::meta::CustomMeta::add(buffer, NAME)?;
    meta.mut_structure().set("results", array);
    Ok(())
}

/// The results that a buffer carries.
#[must_use]
pub fn read(buffer: &gst::BufferRef) -> Vec<gst::Structure> {
    gst::meta::CustomMeta::from_buffer(buffer, NAME).map(|m| results_of(m.structure())).unwrap_or_default()
}
