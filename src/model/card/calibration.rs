//! Calibration: what turns scores into probabilities that can be believed, and a trained dimension into an amount.

use serde::{Deserialize, Serialize};

/// Calibration: what turns scores into probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Logits are divided by it before the softmax.
    pub temperature: f64,
    /// The same once a voice is compared with itself, for models that compare with training speakers first and then with the
    /// speaker; between the two the logarithm follows the speaker's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_speaker: Option<f64>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { temperature: 1.0, temperature_speaker: None }
    }
}

impl Calibration {
    /// The temperature where the reference is the speaker to a share of 0 to 1.
    #[must_use]
    pub fn at(&self, share: f64) -> f64 {
        match self.temperature_speaker {
            Some(own) => self.temperature * (own / self.temperature).powf(share),
            None => self.temperature,
        }
    }

    /// Whether its numbers can be divided by.
    pub(super) fn is_sound(&self) -> bool {
        [Some(self.temperature), self.temperature_speaker].into_iter().flatten().all(|t| t.is_finite() && t > 0.0)
    }
}

/// How far an interval reaches from an amount.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Below it.
    pub below: f64,
    /// Above it.
    pub above: f64,
}

/// A dimension that was learnt by itself, from -1 to 1: `tanh` of half the graph's number divided by the temperature, so that
/// 0.5 times one plus it is the probability of the upper half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// Its temperature.
    pub calibration: Calibration,
    /// Share of the truths that lie in the interval, measured on corpora that the weights have not heard.
    pub coverage: f64,
    /// How far the interval reaches.
    #[serde(flatten)]
    pub reach: Reach,
    /// The same once a voice is compared with itself; between the two it follows the speaker's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_speaker: Option<Reach>,
}

impl Amount {
    /// The amount for a number of the graph, under a temperature.
    #[must_use]
    pub fn of(number: f64, temperature: f64) -> f64 {
        (0.5 * number / temperature).tanh()
    }

    /// The interval around an amount, within -1 to 1, where the reference is the speaker to a share of 0 to 1.
    #[must_use]
    pub fn interval(&self, amount: f64, share: f64) -> (f64, f64) {
        let own = self.reach_speaker.unwrap_or(self.reach);
        let at = |training: f64, speaker: f64| training + share * (speaker - training);
        let (below, above) = (at(self.reach.below, own.below), at(self.reach.above, own.above));
        ((amount - below).max(-1.0), (amount + above).min(1.0))
    }

    pub(super) fn is_sound(&self) -> bool {
        let within = |r: Reach| [r.below, r.above].iter().all(|v| (0.0..=2.0).contains(v));
        let reaches = [Some(self.reach), self.reach_speaker].into_iter().flatten().all(within);
        self.calibration.is_sound() && (0.0..=1.0).contains(&self.coverage) && reaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_one_temperature_to_the_other() {
        let c = Calibration { temperature: 4.0, temperature_speaker: Some(1.0) };
        assert_eq!((c.at(0.0), c.at(1.0)), (4.0, 1.0));
        assert!((c.at(0.5) - 2.0).abs() < 1e-12);
        assert_eq!(Calibration { temperature: 3.0, temperature_speaker: None }.at(0.7), 3.0);
        assert!(!Calibration { temperature: 1.0, temperature_speaker: Some(0.0) }.is_sound());
    }

    /// The upper half's probability is the logistic function of the number.
    #[test]
    fn an_amount_is_a_probability_on_another_scale() {
        for (number, t) in [(-3.0f64, 1.0), (0.0, 2.0), (1.5, 0.5)] {
            let p = 1.0 / (1.0 + (-number / t).exp());
            assert!((Amount::of(number, t) - (2.0 * p - 1.0)).abs() < 1e-12);
        }
        let reach = Reach { below: 0.5, above: 0.25 };
        let one = Amount { calibration: Calibration::default(), coverage: 0.8, reach, reach_speaker: None };
        let at = |share| [0.0, 0.9, -0.9].map(|a| one.interval(a, share));
        assert_eq!(at(0.0), [(-0.5, 0.25), (0.4, 1.0), (-1.0, -0.65)]);
        assert_eq!(at(1.0), at(0.0));
        let both = Amount { reach_speaker: Some(Reach { below: 0.25, above: 0.75 }), ..one };
        assert_eq!(both.interval(0.0, 1.0), (-0.25, 0.75));
        assert_eq!(both.interval(0.0, 0.5), (-0.375, 0.5));
        // On cards the reach stands beside the coverage.
        let json = serde_json::to_value(both).unwrap();
        assert_eq!(
            (&json["below"], &json["reach_speaker"]["above"]),
            (&serde_json::json!(0.5), &serde_json::json!(0.75))
        );
        assert_eq!(serde_json::from_value::<Amount>(json).unwrap(), both);
    }
}
