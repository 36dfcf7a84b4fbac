//! Features whose evidence a line has removed are undefined, with a reason of their own.

use super::FeatureSet;
use crate::features::reason::Reason;
use crate::features::values::FunctionalValues;
use crate::record::Quality;

/// Highest frequency in a telephone's sound, in Hz.
pub(super) const NARROW_HZ: f32 = 4000.0;

/// Takes back the features of `affect-v1` whose evidence lies outside the band from the low edge of `quality` up to
/// `high_hz`. `egemaps-v02` keeps the numbers of its standard.
pub(super) fn outside_band(set: FeatureSet, values: &mut FunctionalValues, quality: &Quality, high_hz: f32) {
    if set != FeatureSet::AffectV1 {
        return;
    }
    let low_hz = quality.band_low_hz.unwrap_or(0.0);
    let f0_hz = values.values.first().copied().flatten().map(|hz| hz as f32);
    debug_assert_eq!(set.functionals()[0].name, "F0_Hz_median");
    for (index, entry) in set.functionals().iter().enumerate() {
        let inside = entry.evidence.is_none_or(|e| e.is_inside(low_hz, high_hz, f0_hz));
        if !inside && values.values[index].take().is_some() {
            values.reasons.push((index, Reason::OutsideBand));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::affect::FUNCTIONALS;

    #[test]
    fn a_line_takes_the_first_harmonic_of_a_low_voice_only() {
        let under = |set, f0: f64, low: Option<f32>, high: f32| {
            let mut values = FunctionalValues { values: vec![Some(f0); FUNCTIONALS], reasons: Vec::new() };
            let quality = Quality { band_low_hz: low, ..Quality::default() };
            outside_band(set, &mut values, &quality, high);
            assert!(values.reasons.iter().all(|r| r.1 == Reason::OutsideBand && values.values[r.0].is_none()));
            let name = |i: usize| FeatureSet::AffectV1.functionals()[i].name.clone();
            values.reasons.iter().map(|r| name(r.0)).collect::<Vec<_>>()
        };
        let v1 = FeatureSet::AffectV1;
        assert!(under(v1, 120.0, None, 8000.0).is_empty() && under(v1, 120.0, Some(0.0), 8000.0).is_empty());
        let low = under(v1, 120.0, Some(300.0), 8000.0);
        let high = under(v1, 330.0, Some(300.0), 8000.0);
        assert!(low.contains(&"H1-H2_dB_median".to_owned()) && !high.contains(&"H1-H2_dB_median".to_owned()));
        assert!(low.contains(&"slope0-500_dBPerkHz_voicedMedian".to_owned()));
        assert!(!low.contains(&"F3frequency_Hz_median".to_owned()) && !low.contains(&"F0_Hz_median".to_owned()));
        assert!(under(v1, 120.0, Some(0.0), NARROW_HZ).contains(&"F3frequency_Hz_median".to_owned()));
        assert!(under(FeatureSet::EgemapsV02, 120.0, Some(300.0), NARROW_HZ).is_empty());
    }
}
