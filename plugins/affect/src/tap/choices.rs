//! Enumerations among the properties of the analysis.

use gst::glib;

/// Segmentation: what becomes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAffectSegmentation")]
#[repr(i32)]
pub enum AffectSegmentation {
    /// Every 10 ms: low-level descriptors.
    #[enum_value(name = "Every frame of 10 ms: low-level descriptors", nick = "frame")]
    Frame,
    /// Sliding windows.
    #[enum_value(name = "Sliding windows", nick = "window")]
    Window,
    /// Utterances by voice activity detection.
    #[default]
    #[enum_value(name = "Utterances by voice activity detection", nick = "utterance")]
    Utterance,
    /// The whole stream, at its end.
    #[enum_value(name = "The whole stream, at its end", nick = "file")]
    File,
}

/// Threads on which the analysis is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAffectAnalysis")]
#[repr(i32)]
pub enum AffectAnalysis {
    /// By workers in live pipelines, in the stream elsewhere.
    #[default]
    #[enum_value(name = "By workers in live pipelines, in the stream elsewhere", nick = "auto")]
    Auto,
    /// In the stream.
    #[enum_value(name = "In the stream: audio goes on once it has been analysed", nick = "inline")]
    Inline,
    /// By workers.
    #[enum_value(name = "By workers beside the stream: audio goes on at once", nick = "worker")]
    Worker,
}

/// Selection of results by whether they are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAffectSelect")]
#[repr(i32)]
pub enum AffectSelect {
    /// No results.
    #[enum_value(name = "No results", nick = "none")]
    None,
    /// Final results only.
    #[enum_value(name = "Final results only", nick = "final")]
    Final,
    /// Interim and final results.
    #[default]
    #[enum_value(name = "Interim and final results", nick = "all")]
    All,
}

impl AffectSelect {
    /// Whether the selection includes interim results (`interim`), or final ones.
    #[must_use]
    pub fn takes(self, interim: bool) -> bool {
        match self {
            Self::None => false,
            Self::Final => !interim,
            Self::All => true,
        }
    }
}
