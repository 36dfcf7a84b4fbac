//! Extractor of `egemaps-v02`.

use super::{Extractor, Keeping, SegmentValues, inside};
use crate::analyzer::config::FeatureSet;
use crate::analyzer::row::FrameRow;
use crate::features::egemaps::LLDS;
use crate::features::egemaps::plan::Plan;
use crate::features::egemaps::row::{LldRow, ShortRow, Sink, VoiceRow};
use crate::features::egemaps::statistics::Statistics;
use crate::features::egemaps::stream::{Stream, StreamOptions};
use crate::features::reason::Reason;
use crate::signal::frames::{PitchFrame, ShortFrame};
use crate::signal::history::History;
use crate::signal::{PITCH, SHORT};

/// Column of F0, and the first column of the voice.
const F0: usize = 10;
/// Columns of formants, which are computed for unvoiced frames too.
const FORMANTS: [usize; 6] = [16, 17, 19, 20, 22, 23];

#[derive(Debug)]
pub(super) struct EgemapsExtractor {
    stream: Stream,
    store: KeptStatistics,
}

/// Kept rows: the part of an extractor that the stream's callbacks may touch.
#[derive(Debug)]
struct KeptStatistics {
    keeping: Keeping,
    /// Accumulates on the fly where all is kept, and is replayed into from the rings otherwise.
    statistics: Statistics,
    shorts: Vec<ShortRow>,
    voices: Vec<VoiceRow>,
    short_count: u64,
    voice_count: u64,
    frames: Vec<(u64, LldRow)>,
}

impl Sink for KeptStatistics {
    fn short(&mut self, index: u64, row: &ShortRow) {
        match self.keeping {
            Keeping::Nothing => {}
            Keeping::All => self.statistics.short(row),
            Keeping::Recent(capacity) => {
                self.shorts[(index % capacity as u64) as usize] = *row;
                self.short_count = index + 1;
            }
        }
    }

    fn voice(&mut self, index: u64, row: &VoiceRow, counted: bool) {
        match self.keeping {
            Keeping::Recent(capacity) => {
                self.voices[(index % capacity as u64) as usize] = *row;
                self.voice_count = index + 1;
            }
            Keeping::All if counted => self.statistics.voice(row),
            Keeping::All | Keeping::Nothing => {}
        }
    }

    fn lld(&mut self, index: u64, row: &LldRow) {
        self.frames.push((index, *row));
    }
}

impl EgemapsExtractor {
    pub fn new(keeping: Keeping) -> Self {
        let mut statistics = Statistics::default();
        let capacity = if let Keeping::Recent(n) = keeping { n } else { 0 };
        statistics.reserve(capacity);
        let lld = keeping == Keeping::Nothing;
        let end_rules = !matches!(keeping, Keeping::Recent(_));
        Self {
            stream: Stream::new(Plan::shared(), StreamOptions { lld, end_rules }),
            store: KeptStatistics {
                keeping,
                statistics,
                shorts: vec![ShortRow::default(); capacity],
                voices: vec![VoiceRow::default(); capacity],
                short_count: 0,
                voice_count: 0,
                frames: Vec::with_capacity(if lld { 64 } else { 0 }),
            },
        }
    }
}

impl Extractor for EgemapsExtractor {
    fn set(&self) -> FeatureSet {
        FeatureSet::EgemapsV02
    }

    fn short(&mut self, frame: &ShortFrame<'_>) {
        self.stream.short(frame, &mut self.store);
    }

    fn pitch(&mut self, frame: &PitchFrame<'_>) {
        self.stream.pitch(frame, &mut self.store);
    }

    fn finish(&mut self, history: &History) {
        self.stream.finish(history, &mut self.store);
    }

    fn reset(&mut self) {
        self.stream.reset();
        self.store.statistics.clear();
        self.store.short_count = 0;
        self.store.voice_count = 0;
        self.store.frames.clear();
    }

    /// Its rows are small, and kept in a ring.
    fn let_go(&mut self, _start: u64) {}

    fn complete(&self, start: u64, end: u64) -> bool {
        let s = &self.store;
        inside(start, end, SHORT).end <= s.short_count && inside(start, end, PITCH).end <= s.voice_count
            || inside(start, end, SHORT).is_empty()
    }

    fn values(&mut self, start: u64, end: u64) -> SegmentValues {
        let s = &mut self.store;
        if let Keeping::Recent(capacity) = s.keeping {
            s.statistics.clear();
            let slot = |k: u64| (k % capacity as u64) as usize;
            let shorts = inside(start, end, SHORT);
            (shorts.start..shorts.end.min(s.short_count)).for_each(|k| s.statistics.short(&s.shorts[slot(k)]));
            let voices = inside(start, end, PITCH);
            (voices.start..voices.end.min(s.voice_count)).for_each(|k| s.statistics.voice(&s.voices[slot(k)]));
        }
        SegmentValues {
            values: s.statistics.finish(),
            voiced: s.statistics.voiced_frames(),
            bad: s.statistics.bad_frames(),
        }
    }

    fn rows(&mut self, out: &mut dyn FnMut(FrameRow)) {
        for (index, row) in self.store.frames.drain(..) {
            let mut line = FrameRow::new(FeatureSet::EgemapsV02, index);
            if row.bad {
                line.fill(LLDS, None, Some(Reason::BadInput));
                out(line);
                continue;
            }
            // Voice columns of unvoiced frames hold conventional numbers; formants are computed for every frame.
            let unvoiced = row.columns[F0] == 0.0;
            for (i, value) in row.columns.iter().enumerate() {
                let conventional = unvoiced && i >= F0 && !FORMANTS.contains(&i);
                line.put(i, Some(*value), conventional.then_some(Reason::Unvoiced));
            }
            out(line);
        }
    }
}
