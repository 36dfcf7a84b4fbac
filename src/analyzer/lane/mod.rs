//! Lane: the analysis of one channel, from samples to records.

mod decisions;
mod intake;
mod kept_frames;
mod noise_gate;
mod results;
mod segmenter;
mod staging;

use super::Output;
use super::baseline::Speaker;
use super::config::{Config, Segmentation};
use super::dual_mono::Companions;
use super::extractor::{Keeping, kept_samples, max_delay};
use super::raw::Raw;
use crate::error::InputError;
use crate::features::affect::dispersion::Dispersion;
use crate::record::{Channel, Ended, Fingerprint, Policy};
use crate::segment::edge::Edge;
use crate::segment::span::Span;
use crate::segment::vad::{VAD_FRAME, Vad};
use crate::signal::clock::samples_to_ns;
use crate::signal::frames::Frames;
use crate::signal::holes::{Holes, LONGEST_WAIT_MS};
use crate::signal::offset::Offset;
use crate::signal::resample::Resampler;
use crate::signal::{HOP, PITCH, RATE_HZ, SHORT};
pub(super) use decisions::Decision;
use decisions::Decisions;
use kept_frames::KeptFrames;
use segmenter::Segmenter;
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows kept where results need no hindsight.
const FEW_ROWS: usize = 64;

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
    /// Segments are told what the detector hears; without this it runs for the conversation alone.
    detects: bool,
    /// Voice activity of every piece, for the conversation.
    decisions: Option<Decisions>,
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
        let (segmenter, rows) = Segmenter::new(config.segmentation);
        let keeping = match segmenter {
            Segmenter::Frames => Keeping::Nothing,
            Segmenter::File => Keeping::All,
            Segmenter::Windows(_) | Segmenter::Utterances(_) => Keeping::Recent(rows),
        };
        let frames = keeping == Keeping::Nothing;
        let threshold = config.threshold();
        let scores = policy == Policy::Allow && config.scorer.is_some();
        let detect = matches!(segmenter, Segmenter::Utterances(_)) || (config.voice_activity || scores) && !frames;
        let audio = scores && !frames && config.scorer.as_ref().is_some_and(|s| s.needs_audio());
        let heard = match keeping {
            Keeping::Recent(rows) => rows * HOP,
            Keeping::All | Keeping::Nothing => Config::LONGEST_WINDOW as usize,
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
            store: KeptFrames::new(&config, keeping, rows, detect),
            speaker: compares.then(|| Speaker::new(config.speaker(index))),
            dispersion: (audio && config.scorer.as_ref().is_some_and(|s| s.needs_contours())).then(Dispersion::default),
            learnt: 0,
            vad: (detect || config.conversation.is_some()).then(Vad::default),
            detects: detect,
            decisions: config.conversation.is_some().then(Decisions::new),
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

    /// Voice activity of the next piece that is decided, where the conversation is followed.
    pub fn decision(&mut self) -> Option<Decision> {
        self.decisions.as_mut()?.next()
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
        self.segmenter.has_begun_before(at) || self.pending.iter().any(|s| s.start < at)
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

    /// The stream ends here.
    pub fn finish(&mut self, ended: Ended, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let origin_ns = origin_ns + samples_to_ns(self.from);
        self.holes.finish();
        self.settle(origin_ns, sink);
        let (resampler, mut intake) = self.parts();
        resampler.finish(|x| intake.samples(x));
        if let Some(d) = &mut self.decisions {
            d.finish();
        }
        for e in self.store.extractors.iter_mut().filter(|e| !e.set().as_recorded()) {
            e.finish(self.frames.history());
        }
        if let Some(raw) = &mut self.raw {
            raw.finish(&mut self.store.extractors);
        }
        if let Segmenter::Utterances(u) = &self.segmenter {
            self.edges.extend(u.last_edge(self.position));
        }
        self.pending.extend(self.segmenter.finish(self.position, ended));
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
        self.store.reset();
        if let Some(v) = &mut self.vad {
            v.reset();
        }
        if let Some(d) = &mut self.decisions {
            d.reset();
        }
        self.speaking = false;
        self.segmenter.reset();
        self.pending.clear();
        self.edges.clear();
        self.piece.clear();
        self.pieces = 0;
        self.position = 0;
        self.learnt = 0;
        self.from = 0;
        self.companions.clear();
    }
}

/// Samples that the sets must have in reach, those defined on the samples as recorded or the others.
fn kept(config: &Config, as_recorded: bool) -> usize {
    config.sets.iter().filter(|s| s.as_recorded() == as_recorded).map(|s| kept_samples(*s)).max().unwrap_or(PITCH)
}
