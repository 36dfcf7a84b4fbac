//! Element `affectsink`: writes results as JSON lines or a table.

mod imp;
mod output;
mod writing;

pub use output::AffectFormat;

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// The element `affectsink`.
    pub struct AffectSink(ObjectSubclass<imp::AffectSink>)
        @extends gst_base::BaseSink, gst::Element, gst::Object;
}

/// Registers the element.
///
/// # Errors
/// If GStreamer refuses.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    AffectFormat::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "affectsink", gst::Rank::NONE, AffectSink::static_type())
}
