//! Doses of interventions: a list for every property, each with its size in deviations of the feature that tells of the property.

use crate::alter::{AlterError, DoseError, Doses, Property, Voice};
use crate::features::baseline::{Baseline, Population};
use crate::features::catalogue::{Group, affect_functionals};

/// The group of features that a property belongs to.
#[must_use]
pub fn group(property: Property) -> Group {
    match property {
        Property::F0 | Property::F0Range | Property::F0Declination => Group::Frequency,
        Property::Level | Property::EnvelopeDepth => Group::Energy,
        Property::Tilt => Group::SpectralBalance,
        Property::Rate => Group::Temporal,
        Property::Formants => Group::Formants,
        Property::Hnr | Property::Jitter | Property::Shimmer => Group::VoiceQuality,
    }
}

/// Doses that are given where none are asked for: those that a voice can take, on both sides of it where there are two.
#[must_use]
pub fn usual(property: Property) -> &'static [f64] {
    match property {
        Property::F0 => &[-4.0, -2.0, 2.0, 4.0],
        Property::F0Range => &[0.5, 0.75, 1.25, 1.5],
        Property::F0Declination => &[-2.0, 2.0],
        Property::Tilt => &[-4.0, -2.0, 2.0, 4.0],
        Property::EnvelopeDepth => &[0.7, 1.4],
        Property::Level => &[-6.0, -3.0, 3.0, 6.0],
        Property::Rate => &[0.8, 0.9, 1.1, 1.25],
        Property::Formants => &[0.9, 1.1],
        Property::Hnr => &[-3.0, -1.5],
        Property::Jitter => &[0.5, 1.0],
        Property::Shimmer => &[0.2, 0.4],
    }
}

/// Checks a dose of an intervention: as [`Property::check`], but of HNR a change in dB, which can only be downwards.
///
/// # Errors
/// [`DoseError::OutOfRange`].
pub fn check(property: Property, dose: f64) -> Result<f64, DoseError> {
    match property {
        Property::Hnr if (-45.0..=0.0).contains(&dose) => Ok(dose + 0.0),
        Property::Hnr => Err(DoseError::OutOfRange { property, found: dose }),
        p => p.check(dose),
    }
}

/// Place of a dose on an axis on which nothing changes at 0: the dose itself in its unit, less 1 for factors; of the depth of the
/// envelope in dB.
#[must_use]
pub fn coordinate(property: Property, dose: f64) -> f64 {
    match property {
        Property::EnvelopeDepth => 20.0 * dose.log10(),
        p => dose - p.neutral().unwrap_or(0.0),
    }
}

/// Unit of that axis.
#[must_use]
pub fn unit(property: Property) -> &'static str {
    match property {
        Property::EnvelopeDepth => "dB",
        Property::F0Range | Property::Rate | Property::Formants => "1",
        p => p.unit(),
    }
}

/// The feature of `affect-v1` that tells of a property, by which doses of different properties are compared.
#[must_use]
pub fn feature(property: Property) -> &'static str {
    match property {
        Property::F0 => "F0semitoneFrom27.5Hz_median",
        Property::F0Range => "F0semitone_range5-95",
        Property::F0Declination => "F0declination_stPerS",
        Property::Tilt => "slope80-5000_dBPerOct_voicedMedian",
        Property::EnvelopeDepth => "modulation4-8Hz_dB",
        Property::Level => "level_dBFS_equivalent",
        Property::Rate => "articulationRate_nucleiPerSec",
        Property::Formants => "F2frequency_Hz_median",
        Property::Hnr => "HNR_dB_median",
        Property::Jitter => "jitterLocal_percent_mean",
        Property::Shimmer => "shimmerLocal_dB_mean",
    }
}

/// One deviation on the axis of a property: the standard deviation within a speaker of the feature that tells of it, in the
/// population of `affect-v1`; where doses are factors, relative to the usual value.
#[must_use]
pub fn deviation(property: Property) -> f64 {
    let place = affect_functionals().iter().position(|e| e.name == feature(property));
    let usual = place.and_then(|k| Baseline::new(Population::affect()).usual(k));
    match (property, usual) {
        (Property::F0Range | Property::Rate | Property::Formants, Some((location, scale))) => scale / location,
        (_, Some((_, scale))) => scale,
        // The population has them all: a test sees to it.
        (_, None) => 1.0,
    }
}

/// Properties with their doses, and pairs of properties that are changed at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    /// Properties with their doses in ascending order, without the one that changes nothing.
    pub properties: Vec<(Property, Vec<f64>)>,
    /// Pairs of them whose interaction is asked for.
    pub pairs: Vec<(Property, Property)>,
}

impl Schedule {
    /// The usual doses of these properties.
    #[must_use]
    pub fn of(properties: &[Property]) -> Self {
        let list = |p: &Property| (*p, usual(*p).to_vec());
        Self { properties: properties.iter().map(list).collect(), pairs: Vec::new() }
    }

    /// Every combination of doses that a recording is heard with.
    #[must_use]
    pub fn combinations(&self) -> Vec<Vec<(Property, f64)>> {
        let single = self.properties.iter().flat_map(|(p, doses)| doses.iter().map(|d| vec![(*p, *d)]));
        let pairs = self.pairs.iter().flat_map(|(a, b)| {
            let (a_doses, b_doses) = (self.ends(*a), self.ends(*b));
            a_doses.into_iter().flat_map(move |x| b_doses.clone().into_iter().map(move |y| vec![(*a, x), (*b, y)]))
        });
        single.chain(pairs).collect()
    }

    /// The lowest and the highest dose of a property.
    #[must_use]
    pub fn ends(&self, property: Property) -> Vec<f64> {
        let doses = self.properties.iter().find(|(p, _)| *p == property).map_or(&[][..], |(_, d)| d);
        match doses {
            [] => Vec::new(),
            [one] => vec![*one],
            [first, .., last] => vec![*first, *last],
        }
    }
}

/// The doses of one combination for a voice.
///
/// # Errors
/// [`AlterError`] where there is no voice whose HNR could be brought down.
pub(super) fn doses(combination: &[(Property, f64)], voice: &Voice) -> Result<Doses, String> {
    let mut out = Doses::default();
    for (property, dose) in combination {
        let given = match property {
            Property::Hnr => voice.hnr_db().ok_or_else(|| AlterError::NoVoice(*property).to_string())? + dose,
            _ => *dose,
        };
        out = out.with(*property, given).map_err(|e| e.to_string())?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_doses_that_can_be_given_and_a_deviation() {
        for p in Property::ALL {
            assert!(affect_functionals().iter().any(|e| e.name == feature(p) && e.group == group(p)), "{}", p.name());
            assert!(deviation(p) > 0.0 && deviation(p) != 1.0, "{}", p.name());
            let doses = usual(p);
            assert!(doses.is_sorted() && doses.iter().all(|d| check(p, *d) == Ok(*d) && coordinate(p, *d) != 0.0));
            // None of them leaves what speakers do.
            assert!(doses.iter().all(|d| (coordinate(p, *d) / deviation(p)).abs() < 4.0), "{}", p.name());
            assert_eq!(p.neutral().map_or(0.0, |n| coordinate(p, n)), 0.0);
        }
        assert!(check(Property::Hnr, 1.0).is_err() && check(Property::F0, 13.0).is_err());
    }

    #[test]
    fn combinations_are_all_single_doses_and_the_corners_of_pairs() {
        let mut s = Schedule::of(&[Property::F0, Property::Tilt]);
        assert_eq!(s.combinations().len(), 8);
        s.pairs.push((Property::F0, Property::Tilt));
        let all = s.combinations();
        assert_eq!(all.len(), 12);
        assert_eq!(all[8], [(Property::F0, -4.0), (Property::Tilt, -4.0)]);
        assert_eq!(all[11], [(Property::F0, 4.0), (Property::Tilt, 4.0)]);
    }
}
