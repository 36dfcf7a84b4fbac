//! Parts shared by `affectfeatures` and `affectscore`: pads, properties, and the threads of the analysis. The analysis itself is
//! `affect_media::tap`.

pub mod analysis;
pub mod backlog;
pub mod choices;
pub mod input;
pub mod notice;
pub mod settings;

pub use affect_media::tap::{Tap, Trouble};

/// The two pads of an element that passes any raw audio.
pub fn pad_templates() -> Vec<gst::PadTemplate> {
    let caps = gst_audio::AudioCapsBuilder::new().build();
    [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
        .into_iter()
        .filter_map(|(name, direction)| gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok())
        .collect()
}
