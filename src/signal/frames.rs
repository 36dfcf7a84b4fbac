//! Samples to frames and their spectra: one transform per window shape, shared by everything that looks at them.

use super::history::History;
use super::level::mean_square;
use super::mel::MelBank;
use super::spectrum::{SpectrumPlan, SpectrumState};
use super::sums::max;
use super::window::{gauss, hamming};
use super::{HOP, PITCH, SHORT};
use std::sync::{Arc, OnceLock};

/// Distance of the bins of the short spectrum, in Hz.
pub const SHORT_DF_HZ: f64 = 31.25;
/// Distance of the bins of the pitch spectrum, in Hz.
pub const PITCH_DF_HZ: f64 = 15.625;
/// Number of mel bands.
pub const BANDS: usize = 26;
/// Deviation of the Gaussian window of the pitch frame, relative to half its length.
pub const SIGMA: f64 = 0.4;

/// Power of a bin relative to the strongest that still counts for the band edge: -40 dB, just above the window's leakage.
const EDGE: f32 = 1e-4;
/// Bins up to 5 kHz.
const SPEECH_BINS: usize = 161;

/// The windows, transforms and mel bank, computed once and shared by all streams.
#[derive(Debug)]
pub struct FramePlan {
    /// 20 ms under a Hamming window.
    pub short: SpectrumPlan,
    /// 60 ms under a Gaussian window.
    pub pitch: SpectrumPlan,
    /// 26 bands from 20 to 8000 Hz over the short spectrum.
    pub mel: MelBank,
}

impl FramePlan {
    /// The one plan of this process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<FramePlan>> = OnceLock::new();
        PLAN.get_or_init(|| {
            Arc::new(Self {
                short: SpectrumPlan::new(hamming(SHORT)),
                pitch: SpectrumPlan::new(gauss(PITCH, SIGMA)),
                mel: MelBank::new(BANDS, 20.0, 8000.0, SHORT_DF_HZ),
            })
        })
        .clone()
    }
}

/// A short frame (20 ms) with its spectrum.
#[derive(Debug, Clone, Copy)]
pub struct ShortFrame<'a> {
    /// Number of the frame; it starts at sample `160 index`.
    pub index: u64,
    /// Its 320 samples.
    pub samples: &'a [f32],
    /// Spectrum under the Hamming window.
    pub spectrum: &'a SpectrumState,
    /// Mel band energies.
    pub energies: &'a [f32; BANDS],
    /// Natural logarithms of the mel band energies, minus infinity for 0.
    pub log_energies: &'a [f32; BANDS],
    /// Mean square of the samples.
    pub mean_square: f32,
    /// Highest frequency that stands less than 40 dB below the strongest bin up to 5 kHz, as a bin of the spectrum.
    pub edge_bin: u16,
    /// A sample under it was no number.
    pub bad: bool,
}

/// A pitch frame (60 ms) with its spectrum.
#[derive(Debug, Clone, Copy)]
pub struct PitchFrame<'a> {
    /// Number of the frame; it starts at sample `160 index`.
    pub index: u64,
    /// Spectrum under the Gaussian window.
    pub spectrum: &'a SpectrumState,
    /// Sum of squares of the windowed frame.
    pub energy: f64,
    /// The samples up to the end of the frame and some time back.
    pub history: &'a History,
    /// A sample under it was no number.
    pub bad: bool,
    /// All of it is the last bits of a coded line ([`super::samples::is_still`]).
    pub still: bool,
}

/// Who looks at the frames. Frames of each kind come in order; a short frame comes before the pitch frame that ends
/// with the same sample.
pub trait FrameSink {
    /// A short frame is complete.
    fn short(&mut self, frame: &ShortFrame<'_>);
    /// A pitch frame is complete.
    fn pitch(&mut self, frame: &PitchFrame<'_>);
}

/// The frames of one channel.
#[derive(Debug)]
pub struct Frames {
    plan: Arc<FramePlan>,
    short: SpectrumState,
    pitch: SpectrumState,
    energies: [f32; BANDS],
    log_energies: [f32; BANDS],
    history: History,
    /// Hops that hold a bad sample, by hop index modulo 64.
    bad_hops: u64,
    /// Hops in which nothing sounds, likewise.
    still_hops: u64,
    shorts: u64,
    pitches: u64,
}

impl Frames {
    /// Frames at their beginning. At least the last `kept` samples stay in reach of those who look.
    #[must_use]
    pub fn new(kept: usize) -> Self {
        let plan = FramePlan::shared();
        Self {
            short: plan.short.state(),
            pitch: plan.pitch.state(),
            energies: [0.0; BANDS],
            log_energies: [0.0; BANDS],
            // A quarter more, so that samples move once in as many.
            history: History::with_room(kept.max(2 * PITCH), kept.max(2 * PITCH).div_ceil(4)),
            bad_hops: 0,
            still_hops: 0,
            shorts: 0,
            pitches: 0,
            plan,
        }
    }

    /// Number of samples taken.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.history.end()
    }

    /// The samples still held.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Samples missing to the next hop boundary, 1 to 160.
    #[must_use]
    pub fn room(&self) -> usize {
        HOP - (self.history.end() % HOP as u64) as usize
    }

    /// Says that samples of hop `hop` stand in for some that were no numbers: frames that touch it are bad.
    ///
    /// The hop must not be complete yet, and at most 32 hops ahead.
    pub fn mark_bad(&mut self, hop: u64) {
        self.bad_hops |= 1 << (hop % 64);
    }

    /// Says that nothing sounds in hop `hop` ([`super::samples::is_still`]). As [`Self::mark_bad`].
    pub fn mark_still(&mut self, hop: u64) {
        self.still_hops |= 1 << (hop % 64);
    }

    /// As [`History::mark_concealed`].
    pub fn mark_concealed(&mut self, stretch: std::ops::Range<u64>) {
        self.history.mark_concealed(stretch);
    }

    /// Takes samples up to the next hop boundary and returns how many. Feed in a loop. The samples are finite.
    pub fn push(&mut self, samples: &[f32], sink: &mut impl FrameSink) -> usize {
        let room = self.room();
        let take = room.min(samples.len());
        self.history.push(&samples[..take]);
        if take == room {
            self.hop(sink);
        }
        take
    }

    /// One hop is complete: at most one short and one pitch frame end here.
    fn hop(&mut self, sink: &mut impl FrameSink) {
        let end = self.history.end();
        if end >= start(self.shorts) + SHORT as u64 {
            self.short(sink);
        }
        if end >= start(self.pitches) + PITCH as u64 {
            self.pitch(sink);
        }
        // Marks are kept for 30 hops and may be set for 33 ahead; one hop a step is forgotten.
        let forgotten = !(1 << ((end / HOP as u64 + 33) % 64));
        self.bad_hops &= forgotten;
        self.still_hops &= forgotten;
    }

    fn bad_between(&self, first_hop: u64, hops: u64) -> bool {
        (first_hop..first_hop + hops).any(|h| self.bad_hops >> (h % 64) & 1 == 1)
    }

    fn short(&mut self, sink: &mut impl FrameSink) {
        let index = self.shorts;
        let bad = self.bad_between(index, (SHORT / HOP) as u64);
        let Some(samples) = self.history.get(start(index), SHORT) else { return };
        self.plan.short.process(&mut self.short, samples);
        self.plan.mel.process(&self.short.power, &mut self.energies);
        for (l, e) in self.log_energies.iter_mut().zip(&self.energies) {
            *l = e.ln();
        }
        self.shorts = index + 1;
        let power = &self.short.power;
        let threshold = EDGE * max(&power[..SPEECH_BINS]);
        sink.short(&ShortFrame {
            index,
            samples,
            spectrum: &self.short,
            energies: &self.energies,
            log_energies: &self.log_energies,
            mean_square: mean_square(samples) as f32,
            edge_bin: power.iter().rposition(|p| *p > threshold).unwrap_or(0) as u16,
            bad,
        });
    }

    fn pitch(&mut self, sink: &mut impl FrameSink) {
        let index = self.pitches;
        let bad = self.bad_between(index, (PITCH / HOP) as u64);
        let still = (index..index + (PITCH / HOP) as u64).all(|h| self.still_hops >> (h % 64) & 1 == 1);
        let Some(samples) = self.history.get(start(index), PITCH) else { return };
        let energy = self.plan.pitch.process(&mut self.pitch, samples);
        self.pitches = index + 1;
        sink.pitch(&PitchFrame { index, spectrum: &self.pitch, energy, history: &self.history, bad, still });
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.history.reset();
        self.bad_hops = 0;
        self.still_hops = 0;
        self.shorts = 0;
        self.pitches = 0;
    }
}

/// First sample of frame `index`.
#[must_use]
pub fn start(index: u64) -> u64 {
    index * HOP as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen {
        shorts: Vec<(u64, bool)>,
        pitches: Vec<(u64, bool)>,
    }

    impl FrameSink for Seen {
        fn short(&mut self, frame: &ShortFrame<'_>) {
            assert_eq!(frame.samples.len(), SHORT);
            self.shorts.push((frame.index, frame.bad));
        }

        fn pitch(&mut self, frame: &PitchFrame<'_>) {
            assert!(frame.history.get(start(frame.index), PITCH).is_some());
            self.pitches.push((frame.index, frame.bad));
        }
    }

    #[test]
    fn frames_come_in_order_and_bad_hops_touch_their_frames() {
        let (mut frames, mut seen) = (Frames::new(PITCH), Seen::default());
        let x = vec![0.1f32; 3200];
        frames.mark_bad(10);
        let mut rest = &x[..];
        while !rest.is_empty() {
            let n = frames.push(rest, &mut seen);
            rest = &rest[n..];
        }
        assert_eq!(seen.shorts.len(), 19);
        assert_eq!(seen.pitches.len(), 15);
        let bad = |l: &[(u64, bool)]| l.iter().filter(|f| f.1).map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(bad(&seen.shorts), [9, 10]);
        assert_eq!(bad(&seen.pitches), [5, 6, 7, 8, 9, 10]);
        frames.reset();
        assert_eq!(frames.position(), 0);
    }
}
