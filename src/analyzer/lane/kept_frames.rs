//! Kept frames: what the framing's callbacks see of a channel, and what of it a segment's quality is told from.

use crate::analyzer::band::{self, Glimpse, Glimpses, is_all_voice, low_edge_hz};
use crate::analyzer::config::Config;
use crate::analyzer::extractor::{Extractor, Keeping, extractor, inside};
use crate::analyzer::floor::{self, Hop, is_narrow, snr_db};
use crate::analyzer::quality::{QualityMeter, Surroundings};
use crate::analyzer::recent::Recent;
use crate::analyzer::sounds::Sounds;
use crate::analyzer::withhold;
use crate::segment::content::Content;
use crate::segment::span::Span;
use crate::signal::frames::{FrameSink, PitchFrame, ShortFrame};
use crate::signal::{PITCH, SHORT};

/// Kept frames: the part of a lane that the framing's callbacks may touch.
#[derive(Debug)]
pub(super) struct KeptFrames {
    pub extractors: Vec<Box<dyn Extractor>>,
    pub sounds: Sounds,
    /// Accumulates on the fly in whole-file mode, and is replayed into otherwise.
    pub meter: QualityMeter,
    hops: Recent<Hop>,
    glimpses: Recent<Glimpse>,
    look: Glimpses,
    /// Whether the segment is the whole stream.
    pub whole: bool,
    /// Short frames so far.
    pub shorts: u64,
    /// Speech test of segments, where a detector runs.
    pub content: Option<Content>,
    /// The detector's latest probability of speech.
    pub heard: f32,
}

impl KeptFrames {
    /// Nothing yet; `detect` tests segments for speech.
    pub fn new(config: &Config, keeping: Keeping, rows: usize, detect: bool) -> Self {
        let kept_hops = match keeping {
            Keeping::Nothing => Some(1),
            Keeping::All => None,
            Keeping::Recent(rows) => Some(rows + floor::BEFORE as usize),
        };
        Self {
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
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.extractors.iter_mut().for_each(|e| e.reset());
        self.meter = QualityMeter::default();
        self.hops.reset();
        self.glimpses.reset();
        self.shorts = 0;
        if let Some(c) = &mut self.content {
            c.reset();
        }
        self.heard = 0.0;
    }

    /// Surroundings of a segment: signal-to-noise ratio and band by the sound from some time before it up to sample `heard`.
    pub fn surroundings(&self, span: &Span, heard: u64, detected: bool, half_hz: f32) -> Surroundings {
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
