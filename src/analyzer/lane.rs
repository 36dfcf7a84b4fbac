//! One channel's way from samples to results.

use super::Output;
use super::config::{Config, Segmentation};
use super::quality::{NoiseFloor, QualityMeter};
use super::rows::{HopInfo, Rows};
use crate::error::InputError;
use crate::features::catalogue;
use crate::features::egemaps::LLDS;
use crate::features::egemaps::plan::Plan;
use crate::features::egemaps::row::{LldRow, ShortRow, Sink, VoiceRow};
use crate::features::egemaps::statistics::{FunctionalValues, Statistics};
use crate::features::egemaps::stream::{MAX_DELAY, Stream, StreamOptions};
use crate::features::reason::Reason;
use crate::record::{Channel, Ended, Feature, Record, SegmentKind};
use crate::segment::span::Span;
use crate::segment::utterance::Utterances;
use crate::segment::vad::{VAD_FRAME, Vad};
use crate::segment::windows::Windows;
use crate::signal::clock::samples_to_ns;
use crate::signal::resample::Resampler;
use crate::signal::samples::{Samples, clean};
use crate::signal::{HOP, PITCH, SHORT};
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows kept beside the longest segment: the longest pitch decision, the resampler's delay, and some room.
const SPARE_ROWS: u64 = 128;
/// Rows kept where results need no hindsight.
const FEW_ROWS: usize = 64;

/// Low-level descriptors of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameRow {
    /// Channel; `None` for the mean of all.
    pub channel: Option<usize>,
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// End in stream time, ns: 20 ms later.
    pub end_ns: u64,
    /// The descriptors in the order of the catalogue; `None` where the input held no numbers.
    pub columns: [Option<f32>; LLDS],
    /// Reasons of the columns that are undefined or conventional.
    pub reasons: [Option<Reason>; LLDS],
}

/// How a lane makes segments.
#[derive(Debug)]
enum Segmenter {
    Frames,
    File,
    Windows(Windows),
    Utterances(Utterances),
}

/// What is kept of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// Nothing: each frame is a result.
    Nothing,
    /// The statistics of all of them.
    Statistics,
    /// The most recent ones.
    Rows,
}

/// Where the frames of the stream go: the part of a lane that the stream's callbacks may touch.
#[derive(Debug)]
struct Store {
    rows: Rows,
    /// Accumulates on the fly in whole-file mode, and is replayed into from the rows otherwise.
    statistics: Statistics,
    meter: QualityMeter,
    noise: NoiseFloor,
    keeping: Keeping,
    frames: Vec<(u64, LldRow)>,
}

impl Sink for Store {
    fn short(&mut self, index: u64, row: &ShortRow) {
        let hop = *self.rows.hop(index);
        if !row.bad && !hop.speech {
            self.noise.push(row.mean_square);
        }
        match self.keeping {
            Keeping::Nothing => {}
            Keeping::Statistics => {
                self.statistics.short(row);
                self.meter.push(row, &hop);
            }
            Keeping::Rows => self.rows.short(index, row),
        }
    }

    fn voice(&mut self, index: u64, row: &VoiceRow, counted: bool) {
        match self.keeping {
            Keeping::Rows => self.rows.voice(index, row),
            Keeping::Statistics if counted => self.statistics.voice(row),
            Keeping::Statistics | Keeping::Nothing => {}
        }
    }

    fn lld(&mut self, index: u64, row: &LldRow) {
        self.frames.push((index, *row));
    }
}

/// One channel.
#[derive(Debug)]
pub(super) struct Lane {
    config: Arc<Config>,
    channel: Channel,
    resampler: Resampler,
    stream: Stream,
    store: Store,
    vad: Option<Vad>,
    threshold: f32,
    speaking: bool,
    segmenter: Segmenter,
    pending: VecDeque<Span>,
    piece: Vec<f32>,
    /// The staged piece holds samples that are missing.
    missing: bool,
    /// The stream's time jumped before the next segment.
    discont: bool,
    /// Pieces of 10 ms so far.
    pieces: u64,
    /// Samples at 16 kHz so far.
    position: u64,
}

impl Lane {
    pub fn new(config: Arc<Config>, rate_hz: u32, index: Option<usize>) -> Result<Self, InputError> {
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
            Segmenter::File => Keeping::Statistics,
            Segmenter::Windows(_) | Segmenter::Utterances(_) => Keeping::Rows,
        };
        let frames = keeping == Keeping::Nothing;
        let detect = matches!(segmenter, Segmenter::Utterances(_)) || config.voice_activity && !frames;
        let threshold = match config.segmentation {
            Segmentation::Utterances(u) => u.threshold,
            _ => crate::segment::utterance::UtteranceConfig::default().threshold,
        };
        let mut statistics = Statistics::default();
        if keeping == Keeping::Rows {
            statistics.reserve(rows);
        }
        Ok(Self {
            channel: Channel { index, role: config.role(index) },
            piece: Vec::with_capacity(rate_hz as usize / 100 + 1),
            resampler,
            stream: Stream::new(Plan::shared(), StreamOptions { lld: frames, end_rules: keeping != Keeping::Rows }),
            store: Store {
                rows: Rows::new(rows),
                statistics,
                meter: QualityMeter::default(),
                noise: NoiseFloor::default(),
                keeping,
                frames: Vec::with_capacity(if frames { FEW_ROWS } else { 0 }),
            },
            vad: detect.then(Vad::default),
            threshold,
            speaking: false,
            segmenter,
            pending: VecDeque::with_capacity(16),
            missing: false,
            discont: false,
            pieces: 0,
            position: 0,
            config,
        })
    }

    pub fn latency_ns(&self) -> u64 {
        let own = MAX_DELAY + (PITCH - SHORT + 2 * HOP) as u64;
        let pause = match self.config.segmentation {
            Segmentation::Utterances(u) => u.min_pause + VAD_FRAME as u64,
            _ => 0,
        };
        samples_to_ns(self.resampler.latency() as u64 + own.max(pause))
    }

    /// Stages `count` frames of a block, from frame `start` on.
    pub fn stage(&mut self, samples: &Samples<'_>, start: usize, count: usize) {
        let from = self.piece.len();
        self.piece.resize(from + count, 0.0);
        let out = &mut self.piece[from..];
        match self.channel.index {
            Some(c) => samples.read_channel(c, start, out),
            None => mix(samples, start, out),
        }
    }

    /// Stages `count` missing frames.
    pub fn stage_missing(&mut self, count: usize) {
        self.piece.resize(self.piece.len() + count, 0.0);
        self.missing |= count > 0;
    }

    /// The staged piece of (at most) 10 ms is complete.
    pub fn piece(&mut self, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let mut bad = std::mem::take(&mut self.missing);
        let clipped = clean(&mut self.piece, |_| bad = true);
        if bad {
            let reach = self.resampler.reach().div_ceil(HOP) as u64;
            for hop in self.pieces.saturating_sub(reach)..=self.pieces + reach {
                self.stream.mark_bad(hop);
            }
        }
        *self.store.rows.hop(self.pieces) = HopInfo {
            samples: u16::try_from(self.piece.len()).unwrap_or(u16::MAX),
            clipped: u16::try_from(clipped).unwrap_or(u16::MAX),
            speech: self.speaking,
        };
        self.pieces += 1;
        let piece = std::mem::take(&mut self.piece);
        let (resampler, mut part) = self.parts();
        resampler.push(&piece, |x| part.samples(x));
        self.piece = piece;
        self.piece.clear();
        self.emit(origin_ns, false, sink);
    }

    /// The resampler, and what takes its output.
    fn parts(&mut self) -> (&mut Resampler, Part<'_>) {
        let part = Part {
            stream: &mut self.stream,
            store: &mut self.store,
            vad: &mut self.vad,
            threshold: self.threshold,
            speaking: &mut self.speaking,
            segmenter: &mut self.segmenter,
            pending: &mut self.pending,
            position: &mut self.position,
        };
        (&mut self.resampler, part)
    }

    /// The stream ends here.
    pub fn finish(&mut self, ended: Ended, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let (resampler, mut part) = self.parts();
        resampler.finish(|x| part.samples(x));
        self.stream.finish(&mut self.store);
        let last = match &mut self.segmenter {
            Segmenter::Frames => None,
            Segmenter::File => {
                Some(Span { start: 0, end: self.position, revision: 0, partial: false, ended }).filter(|s| s.end > 0)
            }
            Segmenter::Windows(w) => w.finish(self.position, ended),
            Segmenter::Utterances(u) => u.finish(self.position, ended),
        };
        self.pending.extend(last);
        self.emit(origin_ns, true, sink);
    }

    /// Starts again, as new; `discont` marks the next segment.
    pub fn reset(&mut self, discont: bool) {
        self.discont = discont;
        self.resampler.reset();
        self.stream.reset();
        self.store.rows.reset();
        self.store.statistics.clear();
        self.store.meter = QualityMeter::default();
        self.store.noise = NoiseFloor::default();
        self.store.frames.clear();
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
        self.piece.clear();
        self.missing = false;
        self.pieces = 0;
        self.position = 0;
    }

    fn emit(&mut self, origin_ns: u64, all: bool, sink: &mut dyn FnMut(Output<'_>)) {
        for (index, row) in &self.store.frames {
            sink(Output::Frame(&frame_row(self.channel.index, origin_ns, *index, row)));
        }
        self.store.frames.clear();
        while let Some(&span) = self.pending.front() {
            if !all && !self.store.rows.complete(span.start, span.end) {
                break;
            }
            self.pending.pop_front();
            let record = self.record(&span, origin_ns);
            sink(Output::Segment(Box::new(record)));
        }
    }

    fn record(&mut self, span: &Span, origin_ns: u64) -> Record {
        let store = &mut self.store;
        if store.keeping == Keeping::Rows {
            store.statistics.clear();
            store.meter = QualityMeter::default();
            let meter = &mut store.meter;
            store.rows.replay(span.start, span.end, &mut store.statistics, |row, hop| meter.push(row, hop));
        }
        let values = store.statistics.finish();
        let noise = self.vad.as_ref().map(|_| &store.noise);
        let quality = store.meter.finish(
            noise,
            store.statistics.voiced_frames(),
            store.statistics.bad_frames(),
            self.resampler.rate_hz(),
        );
        Record {
            stream: self.config.stream.clone(),
            channel: self.channel.clone(),
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
            discont: std::mem::take(&mut self.discont),
            ended: span.ended,
            source: self.config.source.clone(),
            feature_set: self.config.set.name(),
            feature_set_version: self.config.set.version(),
            quality: Some(quality),
            features: features(&values),
        }
    }
}

/// The parts of a lane that take samples at 16 kHz.
struct Part<'a> {
    stream: &'a mut Stream,
    store: &'a mut Store,
    vad: &'a mut Option<Vad>,
    threshold: f32,
    speaking: &'a mut bool,
    segmenter: &'a mut Segmenter,
    pending: &'a mut VecDeque<Span>,
    position: &'a mut u64,
}

impl Part<'_> {
    fn samples(&mut self, mut x: &[f32]) {
        while !x.is_empty() {
            let (now, later) = x.split_at(self.stream.room().min(x.len()));
            x = later;
            self.detect(now);
            self.stream.push(now, self.store);
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
        let (threshold, rows, speaking) = (self.threshold, &mut self.store.rows, &mut *self.speaking);
        let (segmenter, pending) = (&mut *self.segmenter, &mut *self.pending);
        let hop = self.stream.position() / HOP as u64;
        vad.push(x, |p| {
            *speaking = p >= threshold;
            if let Segmenter::Utterances(u) = segmenter {
                u.push(p, |span| pending.push_back(span));
            }
        });
        // The detector's latest word stands for the hop that these samples belong to.
        rows.hop(hop).speech = *speaking;
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

fn features(values: &FunctionalValues) -> Vec<Feature> {
    let mut list: Vec<Feature> = catalogue::egemaps_functionals()
        .iter()
        .zip(&values.values)
        .map(|(entry, value)| Feature { name: &entry.name, value: value.map(|v| v as f32), reason: None })
        .collect();
    for (index, reason) in &values.reasons {
        list[*index].reason = Some(reason.name());
    }
    list
}

fn frame_row(channel: Option<usize>, origin_ns: u64, index: u64, row: &LldRow) -> FrameRow {
    let start_ns = origin_ns + samples_to_ns(index * HOP as u64);
    let mut out = FrameRow {
        channel,
        start_ns,
        end_ns: start_ns + samples_to_ns(SHORT as u64),
        columns: [None; LLDS],
        reasons: [None; LLDS],
    };
    if row.bad {
        out.reasons = [Some(Reason::BadInput); LLDS];
        return out;
    }
    out.columns = row.columns.map(Some);
    // Voice columns of unvoiced frames hold conventional numbers; formants are computed for every frame.
    let unvoiced = row.columns[10] == 0.0;
    for (i, reason) in out.reasons.iter_mut().enumerate().skip(10) {
        let formant = matches!(i, 16 | 17 | 19 | 20 | 22 | 23);
        if unvoiced && !formant {
            *reason = Some(Reason::Unvoiced);
        }
    }
    out
}

impl FrameRow {
    /// The frame as a record.
    #[must_use]
    pub fn to_record(&self, config: &Config) -> Record {
        let features = catalogue::egemaps_llds()
            .iter()
            .zip(self.columns.iter().zip(&self.reasons))
            .map(|(entry, (value, reason))| Feature {
                name: &entry.name,
                value: *value,
                reason: reason.map(Reason::name),
            })
            .collect();
        Record {
            stream: config.stream.clone(),
            channel: Channel { index: self.channel, role: config.role(self.channel) },
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
            feature_set: config.set.name(),
            feature_set_version: config.set.version(),
            quality: None,
            features,
        }
    }
}
