//! Element `affectextract`: passes audio through and gives its results a sparse stream of their own.

mod form;
mod imp;
mod state;

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// The element `affectextract`.
    pub struct AffectExtract(ObjectSubclass<imp::AffectExtract>)
        @extends gst::Element, gst::Object;
}

/// Registers the element.
///
/// # Errors
/// If GStreamer refuses.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "affectextract", gst::Rank::NONE, AffectExtract::static_type())
}
