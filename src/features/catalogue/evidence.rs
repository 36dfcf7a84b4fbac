//! Which part of the spectrum a feature needs to mean what its name says.
//!
//! Decided by measurement: what moved by more than half a standard deviation between recordings when EmoDB, RAVDESS and
//! nEMO were cut to 8 kHz (`to_hz`) or went over a line from 300 Hz (`from_hz`, the first harmonic) is listed; F3 and what
//! is made of it, because at 8 kHz it is another one (correlation 0.64). The cepstral coefficients are not: they describe the
//! spectrum that is there, and two bandwidths do not compare.

use super::Entry;
use serde::Serialize;

/// The part of the spectrum that a feature needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// The low edge of the band may not lie above this, in Hz; `None` where it does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_hz: Option<f32>,
    /// The high edge of the band may not lie below this, in Hz; `None` where it does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_hz: Option<f32>,
    /// The first harmonic, at the voice's F0, has to be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub first_harmonic: bool,
}

impl Evidence {
    /// Whether a band holds it. `low_hz` and `high_hz`: the band's edges; `f0_hz`: the voice's middle F0, where known.
    #[must_use]
    pub fn is_inside(&self, low_hz: f32, high_hz: f32, f0_hz: Option<f32>) -> bool {
        self.from_hz.is_none_or(|hz| low_hz <= hz)
            && self.to_hz.is_none_or(|hz| high_hz >= hz)
            && !(self.first_harmonic && f0_hz.is_some_and(|hz| hz < low_hz))
    }

    /// As words for the tables: `from 200 Hz, to 4500 Hz, the first harmonic`.
    #[must_use]
    pub fn words(&self) -> String {
        let hz = |word: &str, v: Option<f32>| v.map(|v| format!("{word} {v} Hz"));
        let first = self.first_harmonic.then(|| "the first harmonic".to_owned());
        [hz("from", self.from_hz), hz("to", self.to_hz), first].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

const FIRST: Evidence = Evidence { from_hz: None, to_hz: None, first_harmonic: true };
const LOWEST: Evidence = Evidence { from_hz: Some(100.0), to_hz: None, first_harmonic: false };
const LOW: Evidence = Evidence { from_hz: Some(200.0), to_hz: None, first_harmonic: false };
const HIGH: Evidence = Evidence { from_hz: None, to_hz: Some(4500.0), first_harmonic: false };
const WIDE: Evidence = Evidence { from_hz: Some(200.0), to_hz: Some(4500.0), first_harmonic: false };

/// Names and what they need, in the order of the catalogue.
const TABLE: [(&str, Evidence); 33] = [
    ("alphaRatio_dB_voicedMedian", LOW),
    ("alphaRatio_dB_voicedIqr", LOW),
    ("hammarbergIndex_dB_voicedMedian", LOW),
    ("hammarbergIndex_dB_voicedIqr", LOW),
    ("slope0-500_dBPerkHz_voicedMedian", LOWEST),
    ("slope0-500_dBPerkHz_voicedIqr", LOWEST),
    ("slope0-500_dBPerkHz_unvoicedMedian", LOWEST),
    ("slope80-5000_dBPerOct_voicedMedian", WIDE),
    ("slope80-5000_dBPerOct_voicedIqr", WIDE),
    ("slope80-5000_dBPerOct_unvoicedMedian", WIDE),
    ("spectralCentroid_Hz_voicedMedian", LOW),
    ("spectralCentroid_Hz_unvoicedMedian", HIGH),
    ("ltasSlope_dBPerOct", WIDE),
    ("H1-H2_dB_median", FIRST),
    ("H1-H2_dB_iqr", FIRST),
    ("H1-H2corrected_dB_median", FIRST),
    ("H1-H2corrected_dB_iqr", FIRST),
    ("H1-A3_dB_median", FIRST),
    ("H1-A3_dB_iqr", FIRST),
    ("H1-A3corrected_dB_median", FIRST),
    ("H1-A3corrected_dB_iqr", Evidence { to_hz: Some(4500.0), ..FIRST }),
    ("F1bandwidth_Hz_median", LOW),
    ("F1level_dB_median", FIRST),
    ("F2frequency_Hz_iqr", HIGH),
    ("F2level_dB_median", FIRST),
    ("F3frequency_Hz_median", HIGH),
    ("F3frequency_Hz_iqr", HIGH),
    ("F3bandwidth_Hz_median", HIGH),
    ("F3level_dB_median", FIRST),
    ("formantDispersion_Hz_median", HIGH),
    ("vowelSpaceSpread_st", WIDE),
    ("F1rate_stPerS_median", LOW),
    ("F2rate_stPerS_median", HIGH),
];

pub(super) fn add(mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        entry.evidence = TABLE.iter().find(|t| t.0 == entry.name).map(|t| t.1);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::affect_functionals;
    use super::*;

    #[test]
    fn every_name_is_in_the_catalogue() {
        let list = affect_functionals();
        for (name, evidence) in TABLE {
            assert_eq!(list.iter().find(|e| e.name == name).map(|e| e.evidence), Some(Some(evidence)), "{name}");
        }
        assert_eq!(list.iter().filter(|e| e.evidence.is_some()).count(), TABLE.len());
    }

    #[test]
    fn a_band_holds_what_lies_in_it() {
        assert!(WIDE.is_inside(0.0, 8000.0, None) && WIDE.is_inside(200.0, 4500.0, None));
        assert!(!WIDE.is_inside(210.0, 8000.0, None) && !WIDE.is_inside(0.0, 4000.0, None));
        // A voice that begins above the edge keeps its first harmonic.
        assert!(FIRST.is_inside(300.0, 4000.0, Some(320.0)) && !FIRST.is_inside(300.0, 4000.0, Some(210.0)));
        assert_eq!(WIDE.words(), "from 200 Hz, to 4500 Hz");
        assert_eq!(FIRST.words(), "the first harmonic");
    }
}
