//! From a graph's numbers to probabilities.

use super::card::OutputKind;
use crate::onnx::trees::softmax;

/// Least probability whose logarithm is taken.
const LEAST: f64 = 1e-12;

/// What a model says about one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The graph's own numbers.
    pub raw: Vec<f64>,
    /// Calibrated probabilities by label; empty for dimensions and regressions.
    pub probabilities: Vec<f64>,
}

impl Scores {
    /// Calibrated with a temperature.
    #[must_use]
    pub fn new(raw: Vec<f64>, kind: OutputKind, temperature: f64) -> Self {
        let probabilities = match kind {
            OutputKind::Logits => softmax(&raw.iter().map(|v| v / temperature).collect::<Vec<_>>()),
            OutputKind::Probabilities if temperature == 1.0 => raw.clone(),
            OutputKind::Probabilities => {
                softmax(&raw.iter().map(|p| p.max(LEAST).ln() / temperature).collect::<Vec<_>>())
            }
            _ => Vec::new(),
        };
        Self { raw, probabilities }
    }

    /// Index and probability of the top label; the first of equals.
    #[must_use]
    pub fn top(&self) -> Option<(usize, f64)> {
        self.probabilities.iter().copied().enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a })
    }

    /// Entropy of the probabilities in bits: 0 where one label has all, the logarithm of their number where all are equal.
    #[must_use]
    pub fn entropy_bits(&self) -> Option<f64> {
        if self.probabilities.is_empty() {
            return None;
        }
        Some(-self.probabilities.iter().filter(|p| **p > 0.0).map(|p| p * p.log2()).sum::<f64>() + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_softens_and_keeps_the_order() {
        let cold = Scores::new(vec![2.0, 0.0], OutputKind::Logits, 1.0);
        let warm = Scores::new(vec![2.0, 0.0], OutputKind::Logits, 2.0);
        assert!((warm.probabilities[0] - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-12);
        assert!(cold.top().unwrap().1 > warm.top().unwrap().1 && warm.top().unwrap().0 == 0);
        // Probabilities take the same way through their logarithms.
        let again = Scores::new(cold.probabilities.clone(), OutputKind::Probabilities, 2.0);
        assert!((again.probabilities[0] - warm.probabilities[0]).abs() < 1e-12);
        assert!((Scores::new(vec![1.0; 4], OutputKind::Logits, 1.0).entropy_bits().unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(Scores::new(vec![1.0, 0.0], OutputKind::Probabilities, 1.0).entropy_bits(), Some(0.0));
        assert_eq!(Scores::new(vec![0.3], OutputKind::Dimensions, 1.0).top(), None);
    }
}
