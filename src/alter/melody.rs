//! Melody: how far F0 moves at each moment, and where that would leave the range of voices.

use super::error::AlterError;
use super::heard::{centre_s, f0_hz, median, semitones};
use super::property::{Doses, Property};
use super::voice::Voice;

/// F0 that a voice may have after it, in Hz: what the tracker looks for.
const F0_HZ: (f64, f64) = (60.0, 600.0);

/// The course of F0 that is asked for, relative to the one there is.
#[derive(Debug)]
pub(super) struct Melody<'a> {
    voice: &'a Voice,
    doses: &'a Doses,
    median_st: f64,
    middle_s: f64,
}

impl<'a> Melody<'a> {
    /// `None` without voice.
    pub fn new(voice: &'a Voice, doses: &'a Doses) -> Option<Self> {
        let voiced = || voice.rows().iter().enumerate().filter_map(|(i, r)| Some((centre_s(i), f64::from(r.f0_hz?))));
        let median_st = median(voiced().map(|(_, hz)| semitones(hz)).collect())?;
        let middle_s = voiced().map(|(s, _)| s).sum::<f64>() / voice.voiced() as f64;
        Some(Self { voice, doses, median_st, middle_s })
    }

    /// Factor of F0 at a time of the input within a stretch.
    pub fn ratio(&self, stretch: usize, time_s: f64) -> f64 {
        let present = f0_hz(self.voice.rows(), &self.voice.stretches()[stretch], time_s);
        let wanted = self.wanted_hz(present, time_s);
        // Where nothing is to move, nothing does: not by a rounding either.
        if wanted == present { 1.0 } else { wanted.clamp(F0_HZ.0.min(present), F0_HZ.1.max(present)) / present }
    }

    /// F0 that is asked for where it is `present` Hz.
    fn wanted_hz(&self, present: f64, time_s: f64) -> f64 {
        let range =
            self.doses.change(Property::F0Range).map_or(0.0, |k| (k - 1.0) * (semitones(present) - self.median_st));
        let drift = self.doses.of(Property::F0Declination) * (time_s - self.middle_s);
        let shift = self.doses.of(Property::F0) + range + drift;
        if shift == 0.0 { present } else { present * (shift / 12.0).exp2() }
    }

    /// Share of the voiced frames whose F0 can move as far as was asked.
    ///
    /// # Errors
    /// [`AlterError::NoSuchVoice`] if it is none.
    pub fn share_in_range(&self) -> Result<f64, AlterError> {
        let rows = self.voice.rows().iter().enumerate();
        let asked = rows.filter_map(|(i, r)| Some((f64::from(r.f0_hz?), centre_s(i))));
        let asked: Vec<(f64, f64)> = asked.map(|(present, s)| (present, self.wanted_hz(present, s))).collect();
        let as_far = |(present, wanted): &&(f64, f64)| wanted == present || (F0_HZ.0..=F0_HZ.1).contains(wanted);
        let inside = asked.iter().filter(as_far).count();
        let count = asked.len();
        let wanted = asked.into_iter().map(|(_, wanted)| wanted).collect();
        match median(wanted) {
            Some(found_hz) if inside == 0 => Err(AlterError::NoSuchVoice { found_hz }),
            _ => Ok(inside as f64 / count.max(1) as f64),
        }
    }
}
