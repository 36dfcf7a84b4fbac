//! Lane: the analysis of one channel, from samples to records.

use super::Output;
use super::band::{self, Glimpse, Glimpses, is_all_voice, low_edge_hz};
use super::baseline::Speaker;
use super::config::{Config, FeatureSet, Segmentation};
use super::dual_mono::Companions;
use super::extractor::{Extractor, Keeping, SegmentValues, extractor, inside, kept_samples, max_delay};
use super::floor::{self, Hop, is_narrow, snr_db};
use super::quality::{QualityMeter, Surroundings};
use super::raw::Raw;
use super::recent::Recent;
use super::sounds::{Sound, Sounds};
use super::speech::{Speech, SpeechEvent};
use super::withhold;
use crate::error::InputError;
use crate::features::affect::dispersion::{Dispersion, loud};
use crate::record::{Channel, Contours, Ended, Feature, Fingerprint, Held, Policy, Record, SOFTWARE, SegmentKind};
use crate::segment::content::Content;
use crate::segment::edge::Edge;
use crate::segment::span::Span;
use crate::segment::utterance::Utterances;
use crate::segment::vad::{VAD_FRAME, Vad};
use crate::segment::windows::Windows;
use crate::signal::clock::{rescale, samples_to_ns};
use crate::signal::frames::{FrameSink, Frames, PitchFrame, ShortFrame};
use crate::signal::holes::{Holes, LONGEST_WAIT_MS, Settled};
use crate::signal::offset::Offset;
use crate::signal::resample::Resampler;
use crate::signal::samples::{Samples, clean, clipped, is_still};
use crate::signal::{HOP, PITCH, RATE_HZ, SHORT};
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows kept beside the longest segment: the longest pitch decision, the resampler's delay, and some room.
const SPARE_ROWS: u64 = 128;
/// Rows kept where results need no hindsight.
const FEW_ROWS: usize = 64;

/// Segmenter of a lane.
#[derive(Debug)]
enum Segmenter {
    Frames,
    File,
    Windows(Windows),
    Utterances(Utterances),
}

/// Kept frames: the part of a lane that the framing's callbacks may touch.
#[derive(Debug)]
struct KeptFrames {
    extractors: Vec<Box<dyn Extractor>>,
    sounds: Sounds,
    /// Accumulates on the fly in whole-file mode, and is replayed into otherwise.
    meter: QualityMeter,
    hops: Recent<Hop>,
    glimpses: Recent<Glimpse>,
    look: Glimpses,
    /// Whether the segment is the whole stream.
    whole: bool,
    /// Short frames so far.
    shorts: u64,
    /// Speech test of segments, where a detector runs.
    content: Option<Content>,
    /// The detector's latest probability of speech.
    heard: f32,
}

impl KeptFrames {
    /// Surroundings of a segment: signal-to-noise ratio and band by the sound from some time before it up to sample `heard`.
    fn surroundings(&self, span: &Span, heard: u64, detected: bool, half_hz: f32) -> Surroundings {
        let segment_hops = inside(span.start, span.end, SHORT);
        let hops = segment_hops.start.saturating_sub(floor::BEFORE)..inside(0, heard, SHORT).end;
        let glimpses = hops.start.div_ceil(band::STEP)..inside(0, heard, PITCH).end.div_ceil(band::STEP);
        let narrow = half_hz <= withhold::NARROW_HZ || is_narrow(&self.hops, hops.clone());
        Surroundings {
            detected,
            narrow,
            // A held vowel is as steady as noise.
            snr_db: snr_db(&self.hops, hops, &segment_hops)
                .filter(|db| *db >= 0.0 || !is_all_voice(&self.glimpses, glimpses.clone())),
            band_low_hz: low_edge_hz(&self.glimpses, glimpses, narrow),
        }
    }
}

impl FrameSink for KeptFrames {
    fn short(&mut self, frame: &ShortFrame<'_>) {
        let sound = self.sounds.at(frame.index);
        sound.bad = frame.bad;
        sound.edge_bin = frame.edge_bin;
        sound.mean_square = frame.mean_square;
        self.hops.push(Hop::of(frame));
        if self.whole {
            self.meter.push(sound);
        }
        self.shorts = frame.index + 1;
        if let Some(c) = &mut self.content {
            c.short(frame, self.heard);
        }
        for e in self.extractors.iter_mut().filter(|e| !e.set().as_recorded()) {
            e.short(frame);
        }
    }

    fn pitch(&mut self, frame: &PitchFrame<'_>) {
        if frame.index.is_multiple_of(band::STEP) {
            let glimpse = self.look.at(frame);
            self.glimpses.push(glimpse);
        }
        for e in self.extractors.iter_mut().filter(|e| !e.set().as_recorded()) {
            e.pitch(frame);
        }
    }
}

/// Analysis of one channel.
#[derive(Debug)]
pub(super) struct Lane {
    config: Arc<Config>,
    channel: Channel,
    holes: Holes,
    offset: Offset,
    resampler: Resampler,
    frames: Frames,
    /// Framing of the samples as they were recorded, for the sets that are defined on those.
    raw: Option<Raw>,
    store: KeptFrames,
    /// Speaker that segments are compared with; outlives cuts of the stream.
    pub speaker: Option<Speaker>,
    /// How far the speaker's low-level descriptors stray, where explanations need them; outlives cuts of the stream.
    pub dispersion: Option<Dispersion>,
    /// Frames of this part of the stream that it was learnt from: those before.
    learnt: u64,
    vad: Option<Vad>,
    threshold: f32,
    speaking: bool,
    segmenter: Segmenter,
    pending: VecDeque<Span>,
    /// Edges of speech that were not told yet.
    edges: VecDeque<Edge>,
    piece: Vec<f32>,
    /// Samples of the current piece so far, and lost ones among them.
    staged: usize,
    staged_lost: usize,
    /// The stream's time jumped before the next segment.
    discont: bool,
    /// Start of the segment after the latest jump, which every revision of it tells of.
    after_jump: Option<u64>,
    /// Pieces of 10 ms so far.
    pieces: u64,
    /// Samples at 16 kHz so far.
    position: u64,
    /// Where in the stream it begins, in samples at 16 kHz.
    from: u64,
    /// Channels that carry the same samples.
    pub companions: Companions,
    policy: Policy,
    configuration: Fingerprint,
    /// Segments may be scored.
    scores: bool,
    /// Records carry their samples, for the model.
    audio: bool,
    /// Interim results are computed.
    pub interim: bool,
    /// Interim results that were not.
    pub left_out: u64,
}

impl Lane {
    pub fn new(config: Arc<Config>, rate_hz: u32, index: Option<usize>, policy: Policy) -> Result<Self, InputError> {
        let resampler = Resampler::new(rate_hz)?;
        let (segmenter, rows) = match config.segmentation {
            Segmentation::Frames => (Segmenter::Frames, FEW_ROWS),
            Segmentation::File => (Segmenter::File, FEW_ROWS),
            Segmentation::Windows(w) => {
                let kept = w.length / HOP as u64 + SPARE_ROWS;
                (Segmenter::Windows(Windows::new(w.length, w.hop)), kept as usize)
            }
            Segmentation::Utterances(u) => {
                let kept = (u.max_length + u.min_pause) / HOP as u64 + SPARE_ROWS;
                (Segmenter::Utterances(Utterances::new(u)), kept as usize)
            }
        };
        let keeping = match segmenter {
            Segmenter::Frames => Keeping::Nothing,
            Segmenter::File => Keeping::All,
            Segmenter::Windows(_) | Segmenter::Utterances(_) => Keeping::Recent(rows),
        };
        let frames = keeping == Keeping::Nothing;
        let threshold = match config.segmentation {
            Segmentation::Utterances(u) => u.threshold,
            _ => crate::segment::utterance::UtteranceConfig::default().threshold,
        };
        let scores = policy == Policy::Allow && config.scorer.is_some();
        let detect = matches!(segmenter, Segmenter::Utterances(_)) || (config.voice_activity || scores) && !frames;
        let audio = scores && !frames && config.scorer.as_ref().is_some_and(|s| s.needs_audio());
        let heard = match keeping {
            Keeping::Recent(rows) => rows * HOP,
            Keeping::All | Keeping::Nothing => Config::LONGEST_WINDOW as usize,
        };
        let kept_hops = match keeping {
            Keeping::Nothing => Some(1),
            Keeping::All => None,
            Keeping::Recent(rows) => Some(rows + floor::BEFORE as usize),
        };
        let compares = config.baseline || scores && config.scorer.as_ref().is_some_and(|s| s.needs_baseline());
        Ok(Self {
            policy,
            configuration: config.fingerprint(),
            scores,
            audio,
            channel: Channel { index, role: config.role(index), track: None, same_as: Vec::new() },
            piece: Vec::with_capacity(rate_hz as usize / 100 + 1),
            staged: 0,
            staged_lost: 0,
            holes: Holes::new(rate_hz),
            offset: Offset::new(rate_hz),
            resampler,
            frames: Frames::new(kept(&config, false).max(if audio { heard } else { 0 })),
            raw: if config.sets.iter().any(|s| s.as_recorded()) {
                Some(Raw::new(rate_hz, kept(&config, true))?)
            } else {
                None
            },
            store: KeptFrames {
                extractors: config.sets.iter().map(|s| extractor(*s, keeping)).collect(),
                sounds: Sounds::new(rows),
                meter: QualityMeter::default(),
                hops: Recent::new(kept_hops),
                glimpses: Recent::new(kept_hops.map(|n| n / band::STEP as usize + 1)),
                look: Glimpses::new(),
                whole: keeping == Keeping::All,
                shorts: 0,
                content: detect.then(|| Content::new(rows, keeping == Keeping::All)),
                heard: 0.0,
            },
            speaker: compares.then(|| Speaker::new(config.speaker(index))),
            dispersion: (audio && config.scorer.as_ref().is_some_and(|s| s.needs_contours())).then(Dispersion::default),
            learnt: 0,
            vad: detect.then(Vad::default),
            threshold,
            speaking: false,
            segmenter,
            pending: VecDeque::with_capacity(16),
            edges: VecDeque::with_capacity(16),
            discont: false,
            after_jump: None,
            pieces: 0,
            position: 0,
            from: 0,
            companions: Companions::default(),
            interim: true,
            left_out: 0,
            config,
        })
    }

    pub fn channel(&self) -> Option<usize> {
        self.channel.index
    }

    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// What is staged of the current piece.
    pub fn staged(&self) -> &[f32] {
        self.holes.latest(self.staged)
    }

    /// The staged piece is not analysed: another lane stands for this one.
    pub fn skip(&mut self) {
        self.holes.reset();
        (self.staged, self.staged_lost) = (0, 0);
    }

    /// Another lane stands for this one from now on. Where somebody speaks, that has ended as far as this channel tells of it.
    pub fn rest(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        if let Segmenter::Utterances(u) = &self.segmenter
            && u.last_edge(self.position).is_some()
        {
            let ended = Edge::Ended { at: self.position, utterance: false };
            sink(Output::Speech(&self.speech(ended, origin_ns + samples_to_ns(self.from))));
        }
        self.reset(false);
    }

    /// It is analysed again, afresh, from sample `at` of the stream on.
    pub fn wake(&mut self, at: u64) {
        self.from = at;
    }

    /// Whether something that may become a result began before sample `at` of the stream, or has interim results.
    pub fn has_begun_before(&self, at: u64) -> bool {
        let at = at.saturating_sub(self.from);
        let open = match &self.segmenter {
            Segmenter::Frames => true,
            Segmenter::File => at > 0,
            Segmenter::Windows(w) => w.earliest() < at,
            Segmenter::Utterances(u) => u.has_begun_before(at),
        };
        open || self.pending.iter().any(|s| s.start < at)
    }

    pub fn latency_ns(&self) -> u64 {
        let longest = self.config.sets.iter().map(|s| max_delay(*s)).max().unwrap_or(0);
        let decision = longest + (PITCH - SHORT + 2 * HOP) as u64;
        let pause = match self.config.segmentation {
            Segmentation::Utterances(u) => u.min_pause + VAD_FRAME as u64,
            _ => 0,
        };
        let concealment = LONGEST_WAIT_MS as u64 * u64::from(RATE_HZ) / 1000;
        samples_to_ns(concealment + self.resampler.latency() as u64 + decision.max(pause))
    }

    /// Stages `count` frames of a block, from frame `start` on.
    pub fn stage(&mut self, samples: &Samples<'_>, start: usize, count: usize) {
        self.piece.resize(count, 0.0);
        match self.channel.index {
            Some(c) => samples.read_channel(c, start, &mut self.piece),
            None => mix(samples, start, &mut self.piece),
        }
        self.holes.sound(&self.piece);
        self.staged += count;
    }

    /// Stages `count` missing frames.
    pub fn stage_missing(&mut self, count: usize) {
        self.holes.lost(count);
        self.staged += count;
        self.staged_lost += count;
    }

    /// The staged piece of (at most) 10 ms is complete.
    pub fn piece(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let origin_ns = origin_ns + samples_to_ns(self.from);
        self.holes.piece(std::mem::take(&mut self.staged), std::mem::take(&mut self.staged_lost));
        self.settle(origin_ns, sink);
    }

    /// Analyses the pieces in which no hole waits for what follows it.
    fn settle(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let rate_hz = self.resampler.rate_hz();
        while let Some(stretch) = self.holes.take_concealed() {
            let place = |at: u64| rescale(at, u64::from(rate_hz), u64::from(RATE_HZ));
            self.frames.mark_concealed(place(stretch.start)..place(stretch.end) + 1);
        }
        let mut piece = std::mem::take(&mut self.piece);
        while let Some(settled) = self.holes.next(&mut piece) {
            self.take(&mut piece, settled);
            self.emit(origin_ns, false, sink);
        }
        self.piece = piece;
    }

    /// Analyses a piece.
    fn take(&mut self, piece: &mut [f32], settled: Settled) {
        let clipped = clipped(piece);
        if is_still(piece) {
            self.frames.mark_still(self.pieces);
        }
        if let Some(raw) = &mut self.raw {
            raw.take(piece);
        }
        self.offset.remove(piece);
        if clean(piece) {
            let reach = self.resampler.reach().div_ceil(HOP) as u64;
            for hop in self.pieces.saturating_sub(reach)..=self.pieces + reach {
                self.frames.mark_bad(hop);
                if let Some(raw) = &mut self.raw {
                    raw.mark_bad(hop);
                }
            }
        }
        let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        *self.store.sounds.at(self.pieces) = Sound {
            samples: count(piece.len()),
            clipped: count(clipped as usize),
            lost: count(settled.lost as usize),
            concealed: count(settled.concealed as usize),
            speech: self.speaking,
            ..Sound::default()
        };
        self.pieces += 1;
        let (resampler, mut part) = self.parts();
        resampler.push(piece, |x| part.samples(x));
        if let Some(raw) = &mut self.raw {
            raw.push(&mut self.store.extractors);
        }
    }

    /// The resampler, and what takes its output.
    fn parts(&mut self) -> (&mut Resampler, Part<'_>) {
        let part = Part {
            frames: &mut self.frames,
            store: &mut self.store,
            vad: &mut self.vad,
            threshold: self.threshold,
            speaking: &mut self.speaking,
            segmenter: &mut self.segmenter,
            pending: &mut self.pending,
            edges: &mut self.edges,
            position: &mut self.position,
        };
        (&mut self.resampler, part)
    }

    /// The stream ends here.
    pub fn finish(&mut self, ended: Ended, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let origin_ns = origin_ns + samples_to_ns(self.from);
        self.holes.finish();
        self.settle(origin_ns, sink);
        let (resampler, mut part) = self.parts();
        resampler.finish(|x| part.samples(x));
        for e in self.store.extractors.iter_mut().filter(|e| !e.set().as_recorded()) {
            e.finish(self.frames.history());
        }
        if let Some(raw) = &mut self.raw {
            raw.finish(&mut self.store.extractors);
        }
        let last = match &mut self.segmenter {
            Segmenter::Frames => None,
            Segmenter::File => {
                Some(Span { start: 0, end: self.position, revision: 0, partial: false, ended }).filter(|s| s.end > 0)
            }
            Segmenter::Windows(w) => w.finish(self.position, ended),
            Segmenter::Utterances(u) => {
                self.edges.extend(u.last_edge(self.position));
                u.finish(self.position, ended)
            }
        };
        self.pending.extend(last);
        self.emit(origin_ns, true, sink);
    }

    /// Starts again, as new; `discont` marks the next segment.
    pub fn reset(&mut self, discont: bool) {
        self.discont = discont;
        self.after_jump = None;
        self.holes.reset();
        (self.staged, self.staged_lost) = (0, 0);
        self.offset.reset();
        self.resampler.reset();
        self.frames.reset();
        if let Some(raw) = &mut self.raw {
            raw.reset();
        }
        for e in &mut self.store.extractors {
            e.reset();
        }
        self.store.meter = QualityMeter::default();
        self.store.hops.reset();
        self.store.glimpses.reset();
        self.store.shorts = 0;
        if let Some(c) = &mut self.store.content {
            c.reset();
        }
        self.store.heard = 0.0;
        if let Some(v) = &mut self.vad {
            v.reset();
        }
        self.speaking = false;
        match &mut self.segmenter {
            Segmenter::Windows(w) => w.reset(),
            Segmenter::Utterances(u) => u.reset(),
            Segmenter::Frames | Segmenter::File => {}
        }
        self.pending.clear();
        self.edges.clear();
        self.piece.clear();
        self.pieces = 0;
        self.position = 0;
        self.learnt = 0;
        self.from = 0;
        self.companions.clear();
    }

    fn emit(&mut self, origin_ns: u64, all: bool, sink: &mut dyn FnMut(Output<'_>)) {
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
        let later = match &self.segmenter {
            Segmenter::Windows(w) => w.earliest(),
            Segmenter::Utterances(u) => u.earliest(),
            Segmenter::Frames | Segmenter::File => 0,
        };
        let needed = self.pending.iter().map(|s| s.start).min().map_or(later, |p| p.min(later));
        for e in &mut self.store.extractors {
            e.let_go(needed);
        }
    }

    /// The channel that samples `start .. end` are of, with those that carry the same, and the strictest of their policies.
    fn meant(&self, start: u64, end: u64) -> (Channel, Policy) {
        self.companions.of(&self.channel, self.policy, self.from + start, self.from + end)
    }

    fn speech(&self, edge: Edge, origin_ns: u64) -> Speech {
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
        let around = store.surroundings(span, heard, self.vad.is_some(), half);
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
            segment: match self.segmenter {
                Segmenter::Frames => SegmentKind::Frame,
                Segmenter::File => SegmentKind::File,
                Segmenter::Windows(_) => SegmentKind::Window,
                Segmenter::Utterances(_) => SegmentKind::Utterance,
            },
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

/// Samples that the sets must have in reach, those defined on the samples as recorded or the others.
fn kept(config: &Config, as_recorded: bool) -> usize {
    config.sets.iter().filter(|s| s.as_recorded() == as_recorded).map(|s| kept_samples(*s)).max().unwrap_or(PITCH)
}

/// The parts of a lane that take samples at 16 kHz.
struct Part<'a> {
    frames: &'a mut Frames,
    store: &'a mut KeptFrames,
    vad: &'a mut Option<Vad>,
    threshold: f32,
    speaking: &'a mut bool,
    segmenter: &'a mut Segmenter,
    pending: &'a mut VecDeque<Span>,
    edges: &'a mut VecDeque<Edge>,
    position: &'a mut u64,
}

impl Part<'_> {
    fn samples(&mut self, mut x: &[f32]) {
        while !x.is_empty() {
            let (now, later) = x.split_at(self.frames.room().min(x.len()));
            x = later;
            self.detect(now);
            self.frames.push(now, self.store);
            *self.position += now.len() as u64;
            if let Segmenter::Windows(w) = self.segmenter {
                while let Some(span) = w.poll(*self.position) {
                    self.pending.push_back(span);
                }
            }
        }
    }

    fn detect(&mut self, x: &[f32]) {
        let Some(vad) = self.vad else { return };
        let (threshold, speaking) = (self.threshold, &mut *self.speaking);
        let (sounds, heard) = (&mut self.store.sounds, &mut self.store.heard);
        let (segmenter, pending, edges) = (&mut *self.segmenter, &mut *self.pending, &mut *self.edges);
        let hop = self.frames.position() / HOP as u64;
        vad.push(x, |p| {
            *speaking = p >= threshold;
            *heard = p;
            if let Segmenter::Utterances(u) = segmenter {
                edges.extend(u.push(p, |span| pending.push_back(span)));
            }
        });
        // The latest probability stands for the hop that these samples belong to.
        sounds.at(hop).speech = *speaking;
    }
}

fn mix(samples: &Samples<'_>, start: usize, out: &mut [f32]) {
    // Channel after channel through a small buffer; the sum in f64 keeps the order of channels out of the result's
    // last bits for any practical number of them.
    let mut part = [0.0f32; 128];
    let mut sum = [0.0f64; 128];
    for (block, out) in out.chunks_mut(128).enumerate() {
        sum[..out.len()].fill(0.0);
        for c in 0..samples.channels() {
            let part = &mut part[..out.len()];
            samples.read_channel(c, start + block * 128, part);
            sum.iter_mut().zip(part.iter()).for_each(|(s, p)| *s += f64::from(*p));
        }
        let n = samples.channels() as f64;
        out.iter_mut().zip(&sum).for_each(|(o, s)| *o = (s / n) as f32);
    }
}
