//! `affectscore`: audio through unchanged, emotion scores and their reasons beside it.

mod attached;
mod audit;
mod flow;
mod imp;
mod listen;
mod loading;
mod outcome;
mod results;
mod rules;
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
