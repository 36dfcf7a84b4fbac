//! Cuts of the analysis of a stream, with their reasons.

use std::fmt;

/// Cut: the analysis ended what was open and began anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The reason.
    pub reason: CutReason,
    /// Stream time up to which the audio before it was analysed.
    pub at: gst::ClockTime,
}

/// Reason for a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutReason {
    /// A buffer is this much later than the end of the audio before it: more than is bridged.
    Ahead(gst::ClockTime),
    /// A buffer is this much earlier than the end of the audio before it: more than is tolerated.
    Back(gst::ClockTime),
    /// Times have come this far from the number of samples, little by little.
    Apart(gst::ClockTime),
    /// Audio has been missing for this long: more than is bridged.
    Missing(gst::ClockTime),
    /// The analysis could not keep up, and audio of this length was left out.
    LeftOut(gst::ClockTime),
    /// Another segment began.
    Segment,
    /// Another form of audio came: rate, channels or format.
    Form,
    /// The settings changed.
    Settings,
    /// Another stream began.
    Stream,
    /// A flush, or a reset: what was open is forgotten.
    Flush,
}

impl Cut {
    /// Whether the line, or the load, is to blame rather than whoever steers the pipeline.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self.reason,
            CutReason::Ahead(_)
                | CutReason::Back(_)
                | CutReason::Apart(_)
                | CutReason::Missing(_)
                | CutReason::LeftOut(_)
        )
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the analysis is cut at {}: ", self.at)?;
        let ms = |t: &gst::ClockTime| t.nseconds() as f64 / 1e6;
        match &self.reason {
            CutReason::Ahead(by) => {
                write!(f, "the next buffer is {:.3} ms later than the end of the audio before it", ms(by))
            }
            CutReason::Back(by) => {
                write!(f, "the next buffer is {:.3} ms earlier than the end of the audio before it", ms(by))
            }
            CutReason::Apart(by) => write!(f, "times have come {:.3} ms away from the number of samples", ms(by)),
            CutReason::Missing(long) => write!(f, "audio has been missing for {:.3} ms", ms(long)),
            CutReason::LeftOut(long) => {
                write!(f, "the analysis could not keep up: {:.3} ms of audio were left out", ms(long))
            }
            CutReason::Segment => f.write_str("another segment begins"),
            CutReason::Form => f.write_str("another form of audio begins"),
            CutReason::Settings => f.write_str("the settings have changed"),
            CutReason::Stream => f.write_str("another stream begins"),
            CutReason::Flush => f.write_str("a flush or a reset"),
        }
    }
}
