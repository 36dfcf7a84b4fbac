//! Element `affectscore`: passes audio through and attaches emotion scores of the speech in it, with reasons.

mod attached;
mod audit;
mod audited_policies;
mod flow;
mod handling;
mod imp;
mod loading;
mod outcome;
mod results;
mod settings;
mod state;
mod stopping;

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    /// The element `affectscore`.
    pub struct AffectScore(ObjectSubclass<imp::AffectScore>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Registers the element.
///
/// # Errors
/// If GStreamer refuses.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "affectscore", gst::Rank::NONE, AffectScore::static_type())
}
