//! The result: one record, `affect.result/2`, the same in buffer metas, messages, JSON lines and files.
//!
//! The JSON Schema is [`SCHEMA_JSON`]. Readers ignore names they do not know and leave records of a version that they do not
//! know alone; within a version the meaning of a name never changes. Numbers that are undefined are `null` and have a reason;
//! only `egemaps-v02` keeps its standard's conventional numbers, with the reasons listed beside them.

mod error;
mod fingerprint;
mod frames;
mod held;
mod json;
mod key;
mod memory;
mod number;
mod policy;
mod quality;
mod scored;
pub mod table;

pub use error::RecordError;
pub use fingerprint::{Fingerprint, NoFingerprint};
pub use frames::{Cue, CueGroup, Curve, FrameExplanation, RelevantSpan, SpanReliability};
pub(crate) use held::{Contours, Held};
pub(crate) use key::Parts;
pub use key::SegmentKey;
pub use memory::Memory;
pub(crate) use number::Ordered;
pub use policy::Policy;
pub use quality::{NOT_SPEECH, Quality};
pub use scored::{
    Emotion, Explanation, FeatureShare, GroupShare, ModelInfo, Named, NamedInterval, NearCopy, Scored, UNLIKE,
};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Name and version of the schema, the value of `schema` in every record.
pub const SCHEMA: &str = "affect.result/2";
/// The JSON Schema of a record (draft 2020-12).
pub const SCHEMA_JSON: &str = include_str!("../../docs/affect-result-2.schema.json");
/// Name and version of this software, the value of `provenance.software`.
pub const SOFTWARE: &str = concat!("affect ", env!("CARGO_PKG_VERSION"));

/// Kind of segment: which part of the stream a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SegmentKind {
    /// The stream from its start (or last cut) to its end.
    File,
    /// A window of fixed length.
    Window,
    /// Speech between two pauses.
    Utterance,
    /// One frame of 10 ms.
    Frame,
}

impl SegmentKind {
    /// Every kind, in the order of the schema.
    pub const ALL: [Self; 4] = [Self::File, Self::Window, Self::Utterance, Self::Frame];

    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Window => "window",
            Self::Utterance => "utterance",
            Self::Frame => "frame",
        }
    }
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reason for the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ended {
    /// It has not ended: an interim result.
    Open,
    /// A pause followed.
    Pause,
    /// It reached the longest allowed length; speech goes on in the next segment.
    MaxLength,
    /// A window or frame of fixed length.
    Scheduled,
    /// The stream ended.
    EndOfStream,
    /// Another stream followed on the same way: a playlist's next file, or another input that was switched to.
    NewStream,
    /// The analysis was stopped, or its element removed, while the stream went on.
    Stopped,
    /// A jump in the stream's time.
    Discont,
    /// A gap without audio.
    Gap,
    /// Someone reset the analysis, or the audio's format changed.
    Reset,
    /// Audio was left out, because the analysis could not keep up with it.
    Overload,
}

impl Ended {
    /// Every value, in the order of the schema.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Pause,
        Self::MaxLength,
        Self::Scheduled,
        Self::EndOfStream,
        Self::NewStream,
        Self::Stopped,
        Self::Discont,
        Self::Gap,
        Self::Reset,
        Self::Overload,
    ];

    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pause => "pause",
            Self::MaxLength => "max-length",
            Self::Scheduled => "scheduled",
            Self::EndOfStream => "end-of-stream",
            Self::NewStream => "new-stream",
            Self::Stopped => "stopped",
            Self::Discont => "discont",
            Self::Gap => "gap",
            Self::Reset => "reset",
            Self::Overload => "overload",
        }
    }
}

/// Which channel of the stream a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Index of the channel, the first being 0; `None` for the mean of all channels.
    pub index: Option<usize>,
    /// Role of whoever speaks on it (`agent`, `caller`, ...), where known.
    pub role: Option<Arc<str>>,
    /// Which audio track of a file with several the channel belongs to, the first being 0. The index counts the channels of all
    /// tracks through.
    pub track: Option<usize>,
    /// Other channels that carry the same samples throughout the segment and have no result of their own: this one stands for them.
    pub same_as: Vec<usize>,
}

impl Channel {
    /// The name in tables: the index, or `mix`.
    #[must_use]
    pub fn label(&self) -> String {
        self.index.map_or_else(|| "mix".to_owned(), |i| i.to_string())
    }
}

/// A word of a record: a constant where this software wrote it, a text of its own where it was read.
pub type Text = Cow<'static, str>;

/// One feature of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Name in the catalogue.
    pub name: Text,
    /// Value in the catalogue's unit; `None` is undefined.
    pub value: Option<f32>,
    /// Why it is undefined or stands at its standard's conventional number.
    pub reason: Option<Text>,
}

/// A result record: features, audio quality and scores of one segment of one channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Channel it is about.
    pub channel: Channel,
    /// Policy that it was made under, the strictest of all that it has passed: whoever handles it keeps to it.
    pub policy: Policy,
    /// Kind of segment.
    pub segment: SegmentKind,
    /// Start of the segment in stream time, ns.
    pub start_ns: u64,
    /// End of the segment in stream time, ns.
    pub end_ns: u64,
    /// Start and end in the running time of a pipeline, ns, where there is one.
    pub running_ns: Option<(u64, u64)>,
    /// Wall-clock time of the start, ns, where upstream gave one, and the name of the clock.
    pub reference: Option<(Arc<str>, u64)>,
    /// Number of the revision: interim results of one segment count up to the final one.
    pub revision: u32,
    /// The segment goes on after this result, or is shorter than asked for.
    pub partial: bool,
    /// The stream's time jumped just before the segment.
    pub discont: bool,
    /// Why it ends where it does.
    pub ended: Ended,
    /// Name of the element or command that made the record.
    pub source: Arc<str>,
    /// Name and version of the software that measured the features.
    pub software: Text,
    /// Name of the feature set.
    pub feature_set: Text,
    /// Version of the feature set.
    pub feature_set_version: Text,
    /// Fingerprint of the configuration that cut the segment and measured its features.
    pub configuration: Fingerprint,
    /// Audio quality of the segment; absent for single frames.
    pub quality: Option<Quality>,
    /// The features in the order of the catalogue.
    pub features: Vec<Feature>,
    /// Deviations of the features from the speaker baseline, where that was asked for.
    pub baseline: Option<BaselineResult>,
    /// Scores of a model and their explanations, where a model was asked.
    pub scored: Option<Box<Scored>>,
    /// What the analyzer still holds of the segment.
    pub(crate) held: Held,
}

/// Deviations of the features from what is usual for the speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineResult {
    /// Seconds of speech that "usual" rests on, each counted once.
    pub speech_s: f32,
    /// Segments that the usual values are taken from.
    pub memory: Memory,
    /// For each feature of the record the distance from the usual value in the speaker's own scales; `None` where
    /// the feature is undefined or nothing is known of it.
    pub z: Vec<Option<f32>>,
    /// The usual values themselves, in the features' units; empty where they are not at hand.
    pub usual: Vec<Option<f32>>,
}

impl Record {
    /// The segment that it is about.
    #[must_use]
    pub fn key(&self) -> SegmentKey {
        SegmentKey::of(self)
    }

    /// Identity of the record, 32 hexadecimal digits: equal for equal segments, ends, revisions, baselines and models.
    #[must_use]
    pub fn id(&self) -> String {
        key::result_id(self)
    }

    /// Identity of the segment, 32 hexadecimal digits: equal for all its revisions, whoever scores them.
    #[must_use]
    pub fn segment_id(&self) -> String {
        self.key().id()
    }

    /// The record as one line of JSON without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// Reads a record from its JSON, with everything that [`Self::to_json`] writes. Names that are not known are left out; the
    /// identities are not read but follow from the rest.
    ///
    /// # Errors
    /// [`RecordError`]: another schema or version of it, no JSON, or something missing or out of place.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        json::read(text)
    }

    /// Whether samples of the segment are held with the record, for a model of waveforms that has not been asked yet.
    #[must_use]
    pub fn holds_samples(&self) -> bool {
        self.held.is_something()
    }

    /// Lets go of what is held with the record and never written.
    pub fn release(&mut self) {
        self.held.release();
    }

    /// Value of a feature by name: `None` where the record lacks it or it is undefined.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f32> {
        self.features.iter().find(|f| f.name == name)?.value
    }
}
