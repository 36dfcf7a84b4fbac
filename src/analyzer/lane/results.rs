//! Results of a channel: spans that are complete become records, rows of frames and edges of speech go out.

use super::Lane;
use super::segmenter::Segmenter;
use crate::analyzer::Output;
use crate::analyzer::config::{FeatureSet, Segmentation};
use crate::analyzer::extractor::SegmentValues;
use crate::analyzer::quality::QualityMeter;
use crate::analyzer::speech::{Speech, SpeechEvent};
use crate::analyzer::withhold;
use crate::features::affect::dispersion::loud;
use crate::record::{Channel, Contours, Ended, Feature, Held, Policy, Record, SOFTWARE};
use crate::segment::edge::Edge;
use crate::segment::span::Span;
use crate::signal::clock::samples_to_ns;
use crate::signal::{HOP, SHORT};
use std::sync::Arc;

impl Lane {
    /// Hands out what is complete, or all there is.
    pub(super) fn emit(&mut self, origin_ns: u64, all: bool, sink: &mut dyn FnMut(Output<'_>)) {
        if matches!(self.segmenter, Segmenter::Frames) {
            let (channel, policy, configuration) = (self.channel.index, self.policy, self.configuration);
            for e in &mut self.store.extractors {
                e.rows(&mut |mut row| {
                    row.channel = channel;
                    row.policy = policy;
                    row.configuration = configuration;
                    row.start_ns += origin_ns;
                    row.end_ns += origin_ns;
                    sink(Output::Frame(&row));
                });
            }
        }
        while let Some(edge) = self.edges.pop_front() {
            let speech = self.speech(edge, origin_ns);
            if speech.policy != Policy::Deny {
                sink(Output::Speech(&speech));
            }
        }
        while let Some(&span) = self.pending.front() {
            if !all && !self.store.extractors.iter().all(|e| e.complete(span.start, span.end)) {
                break;
            }
            self.pending.pop_front();
            if std::mem::take(&mut self.discont) {
                self.after_jump = Some(span.start);
            }
            let discont = self.after_jump == Some(span.start);
            if span.ended == Ended::Open && !self.interim {
                self.left_out += 1;
                continue;
            }
            let contours = self.contours(&span);
            for set in 0..self.store.extractors.len() {
                let mut record = self.record(set, &span, discont, origin_ns);
                if record.policy == Policy::Deny {
                    continue;
                }
                if let Some(s) = self.speaker.as_mut().filter(|_| record.feature_set == FeatureSet::AffectV1.name()) {
                    s.apply(&mut record);
                }
                self.score(&span, &mut record, contours.as_ref());
                sink(Output::Segment(Box::new(record)));
            }
        }
        let later = self.segmenter.earliest();
        let needed = self.pending.iter().map(|s| s.start).min().map_or(later, |p| p.min(later));
        for e in &mut self.store.extractors {
            e.let_go(needed);
        }
    }

    /// The channel that samples `start .. end` are of, with those that carry the same, and the strictest of their policies.
    fn meant(&self, start: u64, end: u64) -> (Channel, Policy) {
        self.companions.of(&self.channel, self.policy, self.from + start, self.from + end)
    }

    /// A start or an end of speech, as it is told.
    pub(super) fn speech(&self, edge: Edge, origin_ns: u64) -> Speech {
        let (event, at) = match edge {
            Edge::Started { at } => (SpeechEvent::Started, at),
            Edge::Ended { at, utterance } => (SpeechEvent::Ended { utterance }, at),
        };
        let (channel, policy) = self.meant(at, at);
        Speech {
            event,
            stream: self.config.stream.clone(),
            channel,
            policy,
            at_ns: origin_ns + samples_to_ns(at),
            running_ns: None,
        }
    }

    /// Scores a record, or gets it ready for whoever scores it later.
    fn score(&self, span: &Span, record: &mut Record, contours: Option<&Arc<Contours>>) {
        let Some(scorer) =
            self.config.scorer.as_ref().filter(|s| self.scores && record.policy == Policy::Allow && s.takes(record))
        else {
            return;
        };
        if self.audio {
            let length = usize::try_from(span.end - span.start).unwrap_or(usize::MAX);
            record.held = Held::samples(self.frames.history().get(span.start, length), contours.cloned());
        }
        if !self.config.deferred {
            scorer.score(record);
            record.release();
        }
    }

    /// The low-level descriptors of a segment, where explanations need them: how far they stray is learnt from it, once, unless it goes
    /// on.
    fn contours(&mut self, span: &Span) -> Option<Arc<Contours>> {
        let known = self.dispersion.as_ref()?;
        let (first, frames) = self.store.extractors.iter().find_map(|e| e.contours(span.start, span.end))?;
        let mut now = known.clone();
        let new = usize::try_from(self.learnt.saturating_sub(first)).unwrap_or(usize::MAX);
        loud(&frames).into_iter().zip(&frames).skip(new).filter(|f| f.0).for_each(|f| now.push(f.1));
        let spread = now.deviations();
        if span.ended != Ended::Open {
            self.learnt = self.learnt.max(first + frames.len() as u64);
            self.dispersion = Some(now);
        }
        // The middle of the 20 ms that a row is about.
        let middle = (first as usize * HOP + SHORT / 2) as i64;
        Some(Arc::new(Contours { frames, first: middle - span.start as i64, spread }))
    }

    /// The sample up to which the stream had been heard when a segment was decided on. It does not depend on how long its
    /// features take.
    fn heard(&self, span: &Span) -> u64 {
        match (span.ended, self.config.segmentation) {
            (Ended::Pause, Segmentation::Utterances(u)) => span.end + u.min_pause - u.hangover,
            (Ended::Open | Ended::MaxLength | Ended::Scheduled | Ended::Pause, _) => span.end,
            _ => self.position,
        }
    }

    fn record(&mut self, set: usize, span: &Span, discont: bool, origin_ns: u64) -> Record {
        let heard = self.heard(span);
        let store = &mut self.store;
        if !store.whole {
            store.meter = QualityMeter::default();
            store.sounds.inside(span.start, span.end, store.shorts).for_each(|s| store.meter.push(s));
        }
        let extractor = &mut store.extractors[set];
        let set = extractor.set();
        let SegmentValues { mut values, voiced, bad } = extractor.values(span.start, span.end);
        let half = self.resampler.rate_hz() as f32 / 2.0;
        let around = store.surroundings(span, heard, self.detects, half);
        let mut quality = store.meter.finish(around, voiced, bad, self.resampler.rate_hz());
        if let Some(v) = store.content.as_mut().map(|c| c.verdict(span.start, span.end)) {
            quality.speech_s = quality.speech_s.map(|s| s * v.share);
            quality.not_speech = !v.speech;
        }
        withhold::outside_band(
            set,
            &mut values,
            &quality,
            if around.narrow { half.min(withhold::NARROW_HZ) } else { half },
        );
        let mut features: Vec<Feature> = set
            .functionals()
            .iter()
            .zip(&values.values)
            .map(|(entry, value)| Feature {
                name: entry.name.as_str().into(),
                value: value.map(|v| v as f32),
                reason: None,
            })
            .collect();
        for (index, reason) in &values.reasons {
            features[*index].reason = Some(reason.name().into());
        }
        let (channel, policy) = self.meant(span.start, span.end);
        Record {
            stream: self.config.stream.clone(),
            channel,
            policy,
            segment: self.segmenter.kind(),
            start_ns: origin_ns + samples_to_ns(span.start),
            end_ns: origin_ns + samples_to_ns(span.end),
            running_ns: None,
            reference: None,
            revision: span.revision,
            partial: span.partial,
            discont,
            ended: span.ended,
            source: self.config.source.clone(),
            software: SOFTWARE.into(),
            feature_set: set.name().into(),
            feature_set_version: set.version().into(),
            configuration: self.configuration,
            quality: Some(quality),
            features,
            baseline: None,
            scored: None,
            held: Held::default(),
        }
    }
}
