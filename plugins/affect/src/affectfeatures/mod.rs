//! Element `affectfeatures`: passes audio through and attaches acoustic features of the speech in it.

mod flow;
mod imp;
mod state;

pub use crate::tap::choices::{AffectAnalysis, AffectSegmentation, AffectSelect};

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// The element `affectfeatures`.
    pub struct AffectFeatures(ObjectSubclass<imp::AffectFeatures>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Registers the element.
///
/// # Errors
/// If GStreamer refuses.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    AffectAnalysis::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    AffectSegmentation::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    AffectSelect::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "affectfeatures", gst::Rank::NONE, AffectFeatures::static_type())
}
