//! Properties of a voice that can be changed, each with the unit and the range of its dose.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;

/// A property of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Property {
    /// F0 level: semitones up or down.
    F0,
    /// F0 range: factor of the distance from the median F0, in semitones; 0 is monotone.
    F0Range,
    /// F0 declination: slope that is added over the whole, in semitones per second.
    F0Declination,
    /// Spectral tilt of voiced sound: slope that is added above 200 Hz, in dB per octave; the short-time level stays.
    Tilt,
    /// Depth of the envelope between 2 and 16 Hz, as a factor.
    EnvelopeDepth,
    /// Level in dB.
    Level,
    /// Speaking rate as a factor; pitch stays.
    Rate,
    /// Frequencies of the formants as a factor; pitch stays.
    Formants,
    /// Breathiness: median harmonics-to-noise ratio, in dB, that added noise with the spectrum of the voice brings it down to.
    Hnr,
    /// Jitter that is added, in percent.
    Jitter,
    /// Shimmer that is added, in dB.
    Shimmer,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::F0,
        Self::F0Range,
        Self::F0Declination,
        Self::Tilt,
        Self::EnvelopeDepth,
        Self::Level,
        Self::Rate,
        Self::Formants,
        Self::Hnr,
        Self::Jitter,
        Self::Shimmer,
    ];

    /// Name, as options and JSON spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F0 => "f0",
            Self::F0Range => "f0-range",
            Self::F0Declination => "f0-declination",
            Self::Tilt => "tilt",
            Self::EnvelopeDepth => "envelope-depth",
            Self::Level => "level",
            Self::Rate => "rate",
            Self::Formants => "formants",
            Self::Hnr => "hnr",
            Self::Jitter => "jitter",
            Self::Shimmer => "shimmer",
        }
    }

    /// The property of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Unit of a dose; nothing for a factor.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::F0 => "st",
            Self::F0Declination => "st/s",
            Self::Tilt => "dB/oct",
            Self::Level | Self::Hnr | Self::Shimmer => "dB",
            Self::Jitter => "%",
            Self::F0Range | Self::EnvelopeDepth | Self::Rate | Self::Formants => "",
        }
    }

    /// Lowest and highest dose.
    #[must_use]
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::F0 => (-12.0, 12.0),
            Self::F0Range => (0.0, 4.0),
            Self::F0Declination => (-20.0, 20.0),
            Self::Tilt => (-12.0, 12.0),
            Self::EnvelopeDepth => (0.5, 2.0),
            Self::Level => (-40.0, 40.0),
            Self::Rate => (0.5, 2.0),
            Self::Formants => (0.7, 1.4),
            Self::Hnr => (0.0, 45.0),
            Self::Jitter => (0.0, 5.0),
            Self::Shimmer => (0.0, 2.0),
        }
    }

    /// Dose that changes nothing; `None` for HNR, whose dose is a target.
    #[must_use]
    pub fn neutral(self) -> Option<f64> {
        match self {
            Self::F0Range | Self::EnvelopeDepth | Self::Rate | Self::Formants => Some(1.0),
            Self::F0 | Self::F0Declination | Self::Tilt | Self::Level | Self::Jitter | Self::Shimmer => Some(0.0),
            Self::Hnr => None,
        }
    }

    /// Whether it belongs to voiced sound: without any, there is nothing to change.
    #[must_use]
    pub fn needs_voice(self) -> bool {
        !matches!(self, Self::EnvelopeDepth | Self::Level | Self::Rate)
    }

    /// Some dose, for messages.
    #[must_use]
    fn example(self) -> &'static str {
        match self {
            Self::F0 => "+2",
            Self::F0Range | Self::EnvelopeDepth => "0.5",
            Self::F0Declination => "-1",
            Self::Tilt => "-3",
            Self::Level => "-6",
            Self::Rate => "1.2",
            Self::Formants => "1.1",
            Self::Hnr => "6",
            Self::Jitter => "1",
            Self::Shimmer => "0.5",
        }
    }

    /// Reads a dose: a number with or without its unit, `x` before a factor allowed (`+2st`, `-3dB/oct`, `x1.5`).
    ///
    /// # Errors
    /// [`DoseError`] for text that is no such number, or one out of range.
    pub fn parse(self, text: &str) -> Result<f64, DoseError> {
        let trimmed = text.trim();
        let number = trimmed.strip_suffix(self.unit()).unwrap_or(trimmed).trim_end();
        let number = if self.unit().is_empty() { number.strip_prefix('x').unwrap_or(number) } else { number };
        let dose = number.parse().map_err(|_| DoseError::NotADose { property: self, found: text.to_owned() })?;
        self.check(dose)
    }

    /// A dose that is in range.
    ///
    /// # Errors
    /// [`DoseError::OutOfRange`], also for what is no number.
    pub fn check(self, dose: f64) -> Result<f64, DoseError> {
        let (low, high) = self.range();
        // There is one zero.
        if (low..=high).contains(&dose) {
            Ok(dose + 0.0)
        } else {
            Err(DoseError::OutOfRange { property: self, found: dose })
        }
    }
}

/// A dose that cannot be given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DoseError {
    /// Text that is no number with, at most, the unit of the property.
    NotADose {
        /// Property that it was for.
        property: Property,
        /// Text that came.
        found: String,
    },
    /// A dose outside the range of its property.
    OutOfRange {
        /// Property that it was for.
        property: Property,
        /// Dose that came.
        found: f64,
    },
}

impl fmt::Display for DoseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADose { property: p, found } => {
                write!(
                    f,
                    "\"{found}\" is no dose of {}: expected a number, such as {}{}",
                    p.name(),
                    p.example(),
                    p.unit()
                )
            }
            Self::OutOfRange { property: p, found } => {
                let (low, high) = p.range();
                write!(f, "{found} is no dose of {}: expected {low} to {high}{}", p.name(), p.unit())
            }
        }
    }
}

impl Error for DoseError {}

/// Doses of several properties, given at once. The default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Doses([Option<f64>; Property::ALL.len()]);

impl Doses {
    /// With a dose of a property.
    ///
    /// # Errors
    /// [`DoseError::OutOfRange`].
    pub fn with(mut self, property: Property, dose: f64) -> Result<Self, DoseError> {
        self.0[property as usize] = Some(property.check(dose)?);
        Ok(self)
    }

    /// What was asked, in the order of the properties.
    pub fn asked(&self) -> impl Iterator<Item = (Property, f64)> + '_ {
        Property::ALL.into_iter().filter_map(|p| Some((p, self.0[p as usize]?)))
    }

    /// Dose of a property where one was asked that changes something.
    pub(super) fn change(&self, property: Property) -> Option<f64> {
        self.0[property as usize].filter(|d| Some(*d) != property.neutral())
    }

    /// Dose of a property that has a neutral one.
    pub(super) fn of(&self, property: Property) -> f64 {
        self.0[property as usize].or(property.neutral()).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doses_are_read_with_and_without_their_unit() {
        assert_eq!(Property::F0.parse("+2st"), Ok(2.0));
        assert_eq!(Property::F0.parse("-2"), Ok(-2.0));
        assert_eq!(Property::Tilt.parse("-3 dB/oct"), Ok(-3.0));
        assert_eq!(Property::F0Range.parse("x1.5"), Ok(1.5));
        for p in Property::ALL {
            assert_eq!((Property::named(p.name()), serde_json::to_value(p).unwrap()), (Some(p), p.name().into()));
            let (low, high) = p.range();
            assert_eq!(p.parse(&format!("{low}{}", p.unit())), Ok(low));
            assert_eq!(p.parse(&format!("{high}")), Ok(high));
            assert!(p.parse(p.example()).is_ok());
            for bad in ["", "st", "two", "1,5", "NaN", "inf", "1e9", "2Hz"] {
                let error = p.parse(bad).expect_err(bad).to_string();
                assert!(error.contains(p.name()) && error.contains("expected"), "{error}");
            }
            assert!(p.neutral().is_none_or(|n| p.check(n).is_ok()));
        }
    }

    #[test]
    fn what_is_neutral_is_no_change() {
        let doses = Property::ALL
            .iter()
            .filter_map(|p| Some((*p, p.neutral()?)))
            .fold(Doses::default(), |d, (p, n)| d.with(p, n).unwrap());
        assert_eq!(doses.asked().count(), 10);
        assert!(Property::ALL.iter().all(|p| doses.change(*p).is_none()));
        let one = Doses::default().with(Property::Rate, 1.5).unwrap();
        assert_eq!((one.of(Property::Rate), one.of(Property::F0), one.change(Property::Rate)), (1.5, 0.0, Some(1.5)));
        assert!(one.with(Property::Rate, 0.1).is_err());
    }
}
