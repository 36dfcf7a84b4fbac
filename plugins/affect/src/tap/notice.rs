//! Warnings about an overload, and about audio that a stop leaves unanalysed.

use gst::prelude::*;

/// Warning about audio that is analysed late or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The analysis is behind by this much audio.
    Behind(gst::ClockTime),
    /// This much audio was left out.
    LeftOut(gst::ClockTime),
    /// The element stopped before this much audio was analysed.
    Stopped(gst::ClockTime),
}

impl Notice {
    /// The text of the warning.
    pub fn text(self) -> String {
        let seconds = |t: gst::ClockTime| t.nseconds() as f64 * 1e-9;
        match self {
            Self::Behind(lag) => format!(
                "The analysis is {:.1} s behind the audio: interim results are left out until it has caught up",
                seconds(lag)
            ),
            Self::LeftOut(hole) => {
                format!("The analysis cannot keep up with the audio: {:.1} s of it were not analysed", seconds(hole))
            }
            Self::Stopped(rest) => {
                format!("The element stopped before all audio was analysed: the last {:.1} s were not", seconds(rest))
            }
        }
    }

    /// What the user can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Behind(_) | Self::LeftOut(_) => Self::FEWER,
            Self::Stopped(_) => Self::END_FIRST,
        }
    }

    /// The warning as a bus message.
    pub fn message(self, source: &impl IsA<gst::Object>) -> gst::Message {
        gst::message::Warning::builder(gst::StreamError::Failed, &self.text()).debug(self.advice()).src(source).build()
    }

    const FEWER: &str = "The audio itself is not delayed. Run fewer streams on this machine, or ask for less: a longer hop or \
                              interval, attribution=groups, one feature set, a smaller model.";

    const END_FIRST: &str = "A stop spends half a second on what waits. Send EOS and wait for it before the stop: the end of a live stream waits \
                             for 5 s, and that of any other for all of it.";
}
