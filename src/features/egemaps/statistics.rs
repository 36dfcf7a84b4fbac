//! The 88 functionals over any run of frames.

use super::FUNCTIONALS;
use super::row::{ShortRow, VoiceRow};
use crate::features::functionals::contour::{ContourScratch, ContourShape, SlopeStatistics, shape};
use crate::features::functionals::moments::Moments;
use crate::features::functionals::percentile::percentile;
use crate::features::functionals::runs::{Runs, runs};
use crate::features::reason::Reason;
use crate::features::values::FunctionalValues;
use crate::signal::level::power_to_db;

/// Frame distance in seconds.
const PERIOD_S: f64 = 0.01;

/// Accumulates frames; constant memory but for the contours of loudness and F0 (800 bytes per second).
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    shorts: u64,
    mean_square: f64,
    spectral: [Moments; 5],
    /// Contours; NaN marks a hole.
    loudness: Vec<f32>,
    f0: Vec<f32>,
    voice: [Moments; 14],
    voiced: [Moments; 9],
    unvoiced: [Moments; 5],
    bad: u64,
    nonzero: Vec<f32>,
    scratch: ContourScratch,
}

impl Statistics {
    /// Forgets all frames and keeps the storage.
    pub fn clear(&mut self) {
        let mut old = std::mem::take(self);
        old.loudness.clear();
        old.f0.clear();
        self.loudness = old.loudness;
        self.f0 = old.f0;
        self.nonzero = old.nonzero;
        self.scratch = old.scratch;
    }

    /// Makes room for so many frames, so that taking them allocates nothing.
    pub fn reserve(&mut self, frames: usize) {
        self.loudness.reserve(frames);
        self.f0.reserve(frames);
        self.nonzero.reserve(frames);
    }

    /// Takes the next short frame. Frames over bad input are holes.
    pub fn short(&mut self, row: &ShortRow) {
        if row.bad {
            self.bad += 1;
            self.loudness.push(f32::NAN);
            return;
        }
        self.shorts += 1;
        self.mean_square += f64::from(row.mean_square);
        self.loudness.push(row.columns[0]);
        for (m, v) in self.spectral.iter_mut().zip(&row.columns[5..]) {
            m.push(*v);
        }
    }

    /// Takes the next voice frame. Frames over bad input are holes.
    pub fn voice(&mut self, row: &VoiceRow) {
        if row.bad {
            self.bad += 1;
            self.f0.push(f32::NAN);
            return;
        }
        self.f0.push(row.f0);
        let sets = [
            (&mut self.voice[..], &row.voice[..]),
            (&mut self.voiced[..], &row.voiced[..]),
            (&mut self.unvoiced[..], &row.unvoiced[..]),
        ];
        for (moments, values) in sets {
            for (m, v) in moments.iter_mut().zip(values) {
                m.push_non_zero(*v);
            }
        }
    }

    /// Number of voice frames, and of voiced ones among them.
    #[must_use]
    pub fn voiced_frames(&self) -> (usize, usize) {
        let known = self.f0.iter().filter(|f| !f.is_nan());
        (known.clone().count(), known.filter(|f| **f != 0.0).count())
    }

    /// Number of frames left out because of bad input.
    #[must_use]
    pub fn bad_frames(&self) -> u64 {
        self.bad
    }

    /// The functionals of the frames taken so far. Without any complete frame all are undefined.
    #[must_use]
    pub fn finish(&mut self) -> FunctionalValues {
        if self.voiced_frames().0 == 0 || self.shorts == 0 {
            let reason = if self.bad > 0 { Reason::BadInput } else { Reason::TooShort };
            return FunctionalValues::undefined(FUNCTIONALS, reason);
        }
        let mut out = Writer::default();
        self.nonzero.clear();
        self.nonzero.extend(self.f0.iter().filter(|f| **f != 0.0));
        let pitch = shape(&self.nonzero, &mut self.scratch);
        self.nonzero.retain(|f| !f.is_nan());
        contour(&mut out, &mut self.nonzero, pitch, Some(Reason::NoVoicedFrames));
        let loudness = shape(&self.loudness, &mut self.scratch);
        self.nonzero.clear();
        self.nonzero.extend(self.loudness.iter().filter(|l| !l.is_nan()));
        contour(&mut out, &mut self.nonzero, loudness, None);
        for m in &self.spectral {
            out.mean_and_variation(m, Reason::TooShort);
        }
        for m in self.voice.iter().chain(&self.voiced) {
            out.mean_and_variation(m, Reason::NoVoicedFrames);
        }
        for m in &self.unvoiced {
            out.number(m.mean(), Reason::NoUnvoicedFrames);
        }
        out.number(Some(loudness.peaks as f64 / (self.shorts as f64 * PERIOD_S)), Reason::TooShort);
        self.run_statistics(&mut out);
        out.number(Some(power_to_db(self.mean_square / self.shorts as f64)), Reason::TooShort);
        debug_assert_eq!(out.values.len(), FUNCTIONALS);
        FunctionalValues { values: out.values, reasons: out.reasons }
    }

    fn run_statistics(&self, out: &mut Writer) {
        let f0 = &self.f0;
        let known = |i: usize| Some(f0[i]).filter(|f| !f.is_nan());
        let voiced = runs(f0.len(), |i| known(i).map(|f| f != 0.0));
        let unvoiced = runs(f0.len(), |i| known(i).map(|f| f == 0.0));
        let seconds = self.voiced_frames().0 as f64 * PERIOD_S;
        out.number(Some(voiced.count as f64 / seconds), Reason::TooShort);
        for (runs, reason) in [(voiced, Reason::NoVoicedFrames), (unvoiced, Reason::NoUnvoicedFrames)] {
            out.run_lengths(&runs, reason);
        }
    }
}

/// The ten functionals of a full contour. `values` is sorted in place.
fn contour(out: &mut Writer, values: &mut [f32], shape: ContourShape, empty: Option<Reason>) {
    let reason = empty.unwrap_or(Reason::TooShort);
    let mut moments = Moments::default();
    values.iter().for_each(|v| moments.push(*v));
    values.sort_unstable_by(f32::total_cmp);
    out.mean_and_variation(&moments, reason);
    let p = [0.2, 0.5, 0.8].map(|q| percentile(values, q));
    p.iter().for_each(|v| out.number(*v, reason));
    out.number(p[2].zip(p[0]).map(|(high, low)| (high - low).abs()), reason);
    let none = if values.is_empty() { reason } else { Reason::NoSlope };
    out.slopes(&shape.rising, none);
    out.slopes(&shape.falling, none);
}

#[derive(Default)]
struct Writer {
    values: Vec<Option<f64>>,
    reasons: Vec<(usize, Reason)>,
}

impl Writer {
    /// A value, or the standard's 0 with the reason why there is none.
    fn number(&mut self, value: Option<f64>, reason: Reason) {
        if value.is_none() {
            self.reasons.push((self.values.len(), reason));
        }
        self.values.push(Some(value.unwrap_or(0.0)));
    }

    fn mean_and_variation(&mut self, m: &Moments, empty: Reason) {
        self.number(m.mean(), empty);
        if m.count() == 1 {
            self.reasons.push((self.values.len(), Reason::NoVariation));
        }
        self.number(m.variation(), empty);
    }

    fn slopes(&mut self, s: &SlopeStatistics, none: Reason) {
        let some = |v: f64| (s.count > 0).then_some(v);
        self.number(some(s.mean), none);
        if s.count == 1 {
            self.reasons.push((self.values.len(), Reason::NoVariation));
        }
        self.number(some(s.deviation), none);
    }

    fn run_lengths(&mut self, runs: &Runs, none: Reason) {
        let some = |v: Option<f64>| v.map(|v| v * PERIOD_S);
        self.number(some(runs.lengths.mean()), none);
        if runs.lengths.count() == 1 {
            self.reasons.push((self.values.len(), Reason::TooFewRuns));
        }
        self.number(some(runs.lengths.deviation()), none);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_means_undefined_and_never_zero() {
        let v = Statistics::default().finish();
        assert_eq!(v.values, vec![None; FUNCTIONALS]);
        assert!(v.reasons.iter().all(|(_, r)| *r == Reason::TooShort));
        let mut bad = Statistics::default();
        bad.short(&ShortRow { bad: true, ..ShortRow::default() });
        bad.voice(&VoiceRow { bad: true, ..VoiceRow::default() });
        assert!(bad.finish().reasons.iter().all(|(_, r)| *r == Reason::BadInput));
    }

    #[test]
    fn an_unvoiced_stretch_has_the_standard_zeros_with_reasons() {
        let mut s = Statistics::default();
        for _ in 0..20 {
            s.short(&ShortRow { mean_square: 0.25, ..ShortRow::default() });
            s.voice(&VoiceRow::default());
        }
        let v = s.finish();
        assert_eq!(v.values.len(), FUNCTIONALS);
        assert_eq!(v.values[0], Some(0.0));
        assert!(v.reasons.contains(&(0, Reason::NoVoicedFrames)));
        // equivalent sound level of mean square 0.25
        assert!((v.values[87].unwrap() + 6.0206).abs() < 1e-4);
        // one unvoiced run of 20 frames, one frame short
        assert!((v.values[85].unwrap() - 0.19).abs() < 1e-9);
    }

    #[test]
    fn clearing_equals_new() {
        let mut used = Statistics::default();
        let row = |i: u32| ShortRow { columns: [i as f32; 10], mean_square: 0.1, bad: false };
        (0..50).for_each(|i| {
            used.short(&row(i));
            used.voice(&VoiceRow { f0: 30.0, ..VoiceRow::default() });
        });
        used.clear();
        let mut new = Statistics::default();
        for s in [&mut used, &mut new] {
            (0..9).for_each(|i| {
                s.short(&row(i * i % 5));
                s.voice(&VoiceRow { f0: 31.0 + i as f32, ..VoiceRow::default() });
            });
        }
        assert_eq!(used.finish(), new.finish());
    }
}
