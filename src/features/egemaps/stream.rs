//! Spectra to smoothed frames, with bounded memory and delay.

use super::frame::{Pending, VoiceFrame, Workbench};
use super::plan::Plan;
use super::row::{LldRow, ShortRow, Sink, VoiceRow};
use super::smoothing::{columns, sma3, sma3nz};
use super::{LLDS, SHORT_COLUMNS, VOICE_COLUMNS};
use crate::descriptors::pitch_path::{MAX_UNDECIDED, PitchPath};
use crate::signal::frames::{PitchFrame, ShortFrame};
use crate::signal::history::History;
use crate::signal::{HOP, PITCH};
use std::sync::Arc;

/// Frames between the arrival of a short frame and the decision on its F0, at most, with a little room.
const WAITING: usize = 48;
/// Samples that must stay in reach: from the oldest frame that waits for its F0, and the lag of the jitter pointer before it.
pub const KEPT: usize = (MAX_UNDECIDED + 1) * HOP + 3 * PITCH;
/// Longest delay of a voice frame behind its last sample, in samples: the decision, and one frame of smoothing.
pub const MAX_DELAY: u64 = (MAX_UNDECIDED * HOP) as u64;

/// What a stream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// Rows of low-level descriptors, for which formants of unvoiced frames are computed too.
    pub lld: bool,
    /// The set's rules for the end of the input (whole-file mode); otherwise the last frame is simply repeated.
    pub end_rules: bool,
}

/// The frames of one channel.
#[derive(Debug)]
pub struct Stream {
    plan: Arc<Plan>,
    options: StreamOptions,
    bench: Workbench,
    path: PitchPath,
    waiting: Vec<Pending>,
    shorts: u64,
    voices: u64,
    /// The last three voice frames, the newest last.
    recent: [VoiceFrame; 3],
    /// Badness of the two frames before those that a row is smoothed over, newest in bit 0.
    recent_bad: u64,
    /// Frames decided when the input ended.
    decided: Option<u64>,
}

impl Stream {
    /// A stream at its beginning.
    #[must_use]
    pub fn new(plan: Arc<Plan>, options: StreamOptions) -> Self {
        Self {
            bench: Workbench::new(&plan),
            waiting: (0..WAITING).map(|_| Pending::new(&plan)).collect(),
            plan,
            options,
            path: PitchPath::default(),
            shorts: 0,
            voices: 0,
            recent: [VoiceFrame::default(); 3],
            recent_bad: 0,
            decided: None,
        }
    }

    /// Takes the next short frame.
    pub fn short(&mut self, frame: &ShortFrame<'_>, sink: &mut impl Sink) {
        let k = frame.index;
        let slot = &mut self.waiting[slot(k)];
        self.bench.short(&self.plan, frame, slot);
        self.recent_bad = self.recent_bad << 1 | u64::from(frame.bad);
        // The flux looks back one frame.
        slot.short_bad = self.recent_bad & 0b11 != 0;
        self.shorts = k + 1;
        if k >= 1 {
            self.smooth_short(k - 1, k, sink);
        }
    }

    /// Short row `k`, whose right neighbour is frame `next` (itself at the end of the stream).
    fn smooth_short(&mut self, k: u64, next: u64, sink: &mut impl Sink) {
        let before = self.waiting[slot(k.saturating_sub(1))].short;
        let after = self.waiting[slot(next)].short;
        let p = &mut self.waiting[slot(k)];
        p.smooth = columns(sma3, &before, &p.short, &after);
        let row = ShortRow {
            columns: p.smooth,
            mean_square: p.mean_square,
            // The newest of the frames in the register is `next`; the flux looks one frame further back.
            bad: self.recent_bad & 0b1111 != 0,
        };
        sink.short(k, &row);
    }

    /// Takes the next pitch frame.
    pub fn pitch(&mut self, frame: &PitchFrame<'_>, sink: &mut impl Sink) {
        let slot = &mut self.waiting[slot(frame.index)];
        let candidates = self.bench.pitch(&self.plan, frame, slot);
        slot.pitch_bad = frame.bad;
        let mut decided = [0.0f64; MAX_UNDECIDED + 1];
        let mut count = 0;
        self.path.push(&candidates, |hz| {
            decided[count] = hz;
            count += 1;
        });
        for hz in &decided[..count] {
            self.voice(*hz, frame.history, sink);
        }
    }

    fn voice(&mut self, path_hz: f64, history: &History, sink: &mut impl Sink) {
        let k = self.voices;
        let pending = &self.waiting[slot(k)];
        let frame = self.bench.voice(&self.plan, history, k, path_hz, pending, self.options.lld);
        self.recent.rotate_left(1);
        self.recent[2] = frame;
        if k == 0 {
            self.recent[0] = frame;
            self.recent[1] = frame;
        }
        self.voices = k + 1;
        if k >= 1 {
            self.smooth_voice(k - 1, sink);
        }
    }

    /// Voice row `k` from the three frames in `recent`, the middle one being `k`.
    fn smooth_voice(&mut self, k: u64, sink: &mut impl Sink) {
        let [mut a, b, c] = self.recent;
        if k == 0 {
            a = b;
        }
        let mut row = smooth_row(&a, &b, &c);
        let mut lld = [0.0; VOICE_COLUMNS];
        if self.options.lld {
            lld = columns(sma3nz, &a.lld, &b.lld, &c.lld);
        }
        if self.options.end_rules
            && let Some(d) = self.decided
        {
            if k + 1 == d {
                lld = columns(sma3nz, &a.lld, &b.lld, &b.lld);
            } else if k == d && d > 0 {
                lld = columns(sma3nz, &a.lld, &a.lld, &a.lld);
            }
            if k + 1 == d.max(1) {
                row.voice = columns(sma3nz, &a.row.voice, &b.row.voice, &b.row.voice);
            }
        }
        row.bad = a.bad || b.bad || c.bad;
        let counted = !self.options.end_rules || self.decided.is_none_or(|d| k < d.max(1));
        sink.voice(k, &row, counted);
        if self.options.lld {
            self.row(k, &lld, row.bad, sink);
        }
    }

    fn row(&self, k: u64, voice: &[f32; VOICE_COLUMNS], bad: bool, sink: &mut impl Sink) {
        let mut row = LldRow { columns: [0.0; LLDS], bad };
        row.columns[..SHORT_COLUMNS].copy_from_slice(&self.waiting[slot(k)].smooth);
        row.columns[SHORT_COLUMNS..].copy_from_slice(voice);
        sink.lld(k, &row);
    }

    /// The input has ended: decides and hands on everything that waits. Reset before pushing again.
    pub fn finish(&mut self, history: &History, sink: &mut impl Sink) {
        self.decided = Some(self.voices);
        if self.shorts > 0 {
            self.recent_bad = self.recent_bad << 1 | self.recent_bad & 1;
            self.smooth_short(self.shorts - 1, self.shorts - 1, sink);
        }
        let mut decided = [0.0f64; MAX_UNDECIDED + 1];
        let mut count = 0;
        self.path.finish(|hz| {
            decided[count] = hz;
            count += 1;
        });
        for hz in &decided[..count] {
            self.voice(*hz, history, sink);
        }
        if self.voices > 0 {
            let last = self.recent[2];
            self.recent = [self.recent[1], last, last];
            self.smooth_voice(self.voices - 1, sink);
            if self.options.lld {
                let lld = columns(sma3nz, &last.lld, &last.lld, &last.lld);
                self.row(self.voices, &lld, last.bad, sink);
            }
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.bench.reset();
        self.path = PitchPath::default();
        self.shorts = 0;
        self.voices = 0;
        self.recent = [VoiceFrame::default(); 3];
        self.recent_bad = 0;
        self.decided = None;
    }
}

fn slot(index: u64) -> usize {
    (index % WAITING as u64) as usize
}

fn smooth_row(a: &VoiceFrame, b: &VoiceFrame, c: &VoiceFrame) -> VoiceRow {
    VoiceRow {
        f0: sma3nz(a.row.f0, b.row.f0, c.row.f0),
        voice: columns(sma3nz, &a.row.voice, &b.row.voice, &c.row.voice),
        voiced: columns(sma3nz, &a.row.voiced, &b.row.voiced, &c.row.voiced),
        unvoiced: columns(sma3nz, &a.row.unvoiced, &b.row.unvoiced, &c.row.unvoiced),
        bad: false,
    }
}
