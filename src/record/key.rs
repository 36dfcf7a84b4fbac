//! Keys and identities: which segment a result is about, and which result of it this is.

use super::{Fingerprint, Record, SCHEMA, SegmentKind, Text};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Which segment a result is about: which part of which channel, cut and measured how. All revisions of a segment have the same
/// key, whoever scores them; segments that were cut or measured otherwise have others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SegmentKey {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Index of the channel; `None` for the mean of all channels.
    pub channel: Option<usize>,
    /// Audio track of a file with several.
    pub track: Option<usize>,
    /// Kind of segment.
    pub segment: SegmentKind,
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// End in stream time, ns; `None` for utterances, which grow from revision to revision.
    pub end_ns: Option<u64>,
    /// Name of the feature set.
    pub feature_set: Text,
    /// Version of the feature set.
    pub feature_set_version: Text,
    /// Fingerprint of the configuration.
    pub configuration: Fingerprint,
}

impl SegmentKey {
    pub(super) fn of(r: &Record) -> Self {
        Self {
            stream: r.stream.clone(),
            channel: r.channel.index,
            track: r.channel.track,
            segment: r.segment,
            start_ns: r.start_ns,
            end_ns: (r.segment != SegmentKind::Utterance).then_some(r.end_ns),
            feature_set: r.feature_set.clone(),
            feature_set_version: r.feature_set_version.clone(),
            configuration: r.configuration,
        }
    }

    fn parts(&self) -> Parts {
        // Whoever adds a field says here what it does to the identity.
        let Self { stream, channel, track, segment, start_ns, end_ns, feature_set, feature_set_version, configuration } =
            self;
        Parts::new()
            .text(SCHEMA)
            .text(stream)
            .count(channel.map(|c| c as u64))
            .count(track.map(|t| t as u64))
            .text(segment.name())
            .count(Some(*start_ns))
            .count(*end_ns)
            .text(feature_set)
            .text(feature_set_version)
            .bytes(configuration.bytes())
    }

    /// Identity of the segment: 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.parts().digest()
    }
}

/// Identity of a result: the segment, how far it reached, the revision, what it was compared with, and the model that scored it.
pub(super) fn result_id(r: &Record) -> String {
    let mut parts = SegmentKey::of(r)
        .parts()
        .text("result")
        .count(Some(r.end_ns))
        .text(r.ended.name())
        .count(Some(u64::from(r.revision)))
        .text(r.baseline.as_ref().map_or("", |b| b.memory.name()));
    if let Some(s) = &r.scored {
        parts = parts.text(&s.model.id).text(&s.model.version).text(&s.model.sha256);
    }
    parts.digest()
}

/// What an identity is made of, each part with its length so that no two lists of parts run together.
pub(crate) struct Parts(Sha256);

impl Parts {
    /// No parts yet.
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    fn bytes(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// A word or a name.
    pub fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    /// A number, or that there is none.
    pub fn count(self, part: Option<u64>) -> Self {
        match part {
            Some(n) => self.bytes(&n.to_le_bytes()),
            None => self.bytes(&[]),
        }
    }

    /// The identity.
    pub fn digest(self) -> String {
        super::fingerprint::hex(&self.0.finalize()[..16])
    }
}
