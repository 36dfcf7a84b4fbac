//! Alteration of a voice: doses of all its properties, one after the other.

use super::error::AlterError;
use super::melody::Melody;
use super::property::{Doses, Property};
use super::voice::Voice;
use super::{breath, colour, depth, fade, level, overlap_add, placing, tilt};
use crate::signal::samples::is_sample;

/// A voice that was altered.
#[derive(Debug, Clone, PartialEq)]
pub struct Altered {
    /// Its samples, at the rate of the input; those beyond full scale are left so.
    pub samples: Vec<f32>,
    /// Share of the voiced frames whose F0 could move as far as was asked: the others stop at 60 or 600 Hz.
    pub f0_in_range: f64,
}

impl Voice {
    /// Whether doses can be given. Returns the share of the voiced frames whose F0 can move as far.
    ///
    /// # Errors
    /// [`AlterError`] for properties of a voice where there is none, for F0 that would be no voice's anywhere, and for an HNR above the
    /// present one.
    pub fn check(&self, doses: &Doses) -> Result<f64, AlterError> {
        if self.voiced() == 0
            && let Some(p) = Property::ALL.into_iter().find(|p| p.needs_voice() && doses.change(*p).is_some())
        {
            return Err(AlterError::NoVoice(p));
        }
        if let (Some(asked_db), Some(present_db)) = (doses.change(Property::Hnr), self.hnr_db())
            && asked_db > present_db
        {
            return Err(AlterError::ClearerThanItIs { asked_db, present_db });
        }
        Melody::new(self, doses).map_or(Ok(1.0), |m| m.share_in_range())
    }

    /// The voice with doses of some properties. Doses that change nothing give the samples as they came.
    ///
    /// # Errors
    /// Those of [`Self::check`], and [`AlterError`] for an HNR or a level that does not come.
    pub fn alter(&self, doses: &Doses) -> Result<Altered, AlterError> {
        let changes = |list: &[Property]| list.iter().any(|p| doses.change(*p).is_some());
        let f0_in_range = self.check(doses)?;
        if !changes(&Property::ALL) {
            return Ok(Altered { samples: self.samples().to_vec(), f0_in_range });
        }
        let rate = doses.of(Property::Rate);
        let mut x = match doses.change(Property::Hnr) {
            Some(hnr_db) => breath::breathe(self, hnr_db)?,
            None => self.sound().to_vec(),
        };
        let melodic = changes(&[Property::F0, Property::F0Range, Property::F0Declination, Property::Jitter]);
        if melodic || changes(&[Property::Rate, Property::Formants, Property::Shimmer]) {
            let length = (x.len() as f64 / rate).round() as usize;
            let mut y = overlap_add::overlap_add(&x, self.marks(), &placing::placing(self, doses), length);
            if rate != 1.0 || doses.change(Property::Formants).is_some() {
                level::keep_level(&x, &mut y, self.rate_hz(), rate);
            } else if melodic {
                colour::keep_colour(&x, &mut y, self.rate_hz());
            }
            if rate == 1.0 {
                let weights = fade::voiced_weight(self, x.len(), 1.0);
                y.iter_mut().zip(&x).zip(&weights).for_each(|((y, x), w)| *y = x + w * (*y - x));
            }
            x = y;
        }
        if let Some(db_per_octave) = doses.change(Property::Tilt) {
            tilt::tilt(self, &mut x, db_per_octave, rate);
        }
        if let Some(factor) = doses.change(Property::EnvelopeDepth) {
            depth::deepen(&mut x, self.rate_hz(), factor);
        }
        if let Some(db) = doses.change(Property::Level) {
            let gain = 10f64.powf(db / 20.0) as f32;
            x.iter_mut().for_each(|v| *v *= gain);
        }
        if let Some(offset) = self.offset() {
            x.iter_mut().for_each(|v| *v += offset);
        }
        match x.iter().find(|v| !is_sample(**v)) {
            Some(found) => Err(AlterError::TooLoud { found: *found }),
            None => Ok(Altered { samples: x, f0_in_range }),
        }
    }
}
