//! Low-level descriptors of one frame as a result.

use super::config::{Config, FeatureSet};
use crate::features::reason::Reason;
use crate::features::{affect, egemaps};
use crate::record::{Channel, Ended, Feature, Fingerprint, Held, Policy, Record, SOFTWARE, SegmentKind};
use crate::signal::clock::samples_to_ns;
use crate::signal::{HOP, SHORT};

/// Most columns of any set.
const MOST: usize = if affect::LLDS > egemaps::LLDS { affect::LLDS } else { egemaps::LLDS };

/// Low-level descriptors of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameRow {
    /// The feature set.
    pub set: FeatureSet,
    /// Channel; `None` for the mean of all.
    pub channel: Option<usize>,
    /// Policy of the channel.
    pub policy: Policy,
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// End in stream time, ns: 20 ms later.
    pub end_ns: u64,
    /// Fingerprint of the configuration.
    pub configuration: Fingerprint,
    values: [Option<f32>; MOST],
    reasons: [Option<Reason>; MOST],
    count: usize,
}

impl FrameRow {
    /// Row `index` of a set, without values yet, on the stream's own axis.
    pub(super) fn new(set: FeatureSet, index: u64) -> Self {
        let start_ns = samples_to_ns(index * HOP as u64);
        Self {
            set,
            channel: None,
            policy: Policy::FeaturesOnly,
            configuration: Fingerprint::UNSET,
            start_ns,
            end_ns: start_ns + samples_to_ns(SHORT as u64),
            values: [None; MOST],
            reasons: [None; MOST],
            count: 0,
        }
    }

    pub(super) fn put(&mut self, column: usize, value: Option<f32>, reason: Option<Reason>) {
        self.values[column] = value;
        self.reasons[column] = reason;
        self.count = self.count.max(column + 1);
    }

    pub(super) fn fill(&mut self, count: usize, value: Option<f32>, reason: Option<Reason>) {
        (0..count).for_each(|i| self.put(i, value, reason));
    }

    /// The descriptors in the order of the catalogue; `None` where undefined.
    #[must_use]
    pub fn columns(&self) -> &[Option<f32>] {
        &self.values[..self.count]
    }

    /// Reasons of the columns that are undefined or conventional.
    #[must_use]
    pub fn reasons(&self) -> &[Option<Reason>] {
        &self.reasons[..self.count]
    }

    /// The frame as a record of an analyzer with these settings.
    #[must_use]
    pub fn to_record(&self, config: &Config) -> Record {
        let features = self
            .set
            .llds()
            .iter()
            .zip(self.columns().iter().zip(self.reasons()))
            .map(|(entry, (value, reason))| Feature {
                name: entry.name.as_str().into(),
                value: *value,
                reason: reason.map(|r| r.name().into()),
            })
            .collect();
        Record {
            stream: config.stream.clone(),
            channel: Channel { index: self.channel, role: config.role(self.channel), track: None, same_as: Vec::new() },
            policy: self.policy,
            segment: SegmentKind::Frame,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            running_ns: None,
            reference: None,
            revision: 0,
            partial: false,
            discont: false,
            ended: Ended::Scheduled,
            source: config.source.clone(),
            software: SOFTWARE.into(),
            feature_set: self.set.name().into(),
            feature_set_version: self.set.version().into(),
            configuration: self.configuration,
            quality: None,
            features,
            baseline: None,
            scored: None,
            held: Held::default(),
        }
    }
}
