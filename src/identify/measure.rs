//! Figures of merit of a classifier: recall, calibration, and the threshold of abstention.

use crate::onnx::trees::softmax;
use serde::Serialize;

/// Recall of each class; `None` for one that never comes.
#[must_use]
pub fn recalls(truth: &[usize], answer: &[usize], count: usize) -> Vec<Option<f64>> {
    (0..count)
        .map(|c| {
            let occurrences = truth.iter().filter(|t| **t == c).count();
            let hit = truth.iter().zip(answer).filter(|(t, a)| **t == c && **a == c).count();
            (occurrences > 0).then(|| hit as f64 / occurrences as f64)
        })
        .collect()
}

/// Unweighted average recall.
#[must_use]
pub fn uar(truth: &[usize], answer: &[usize], count: usize) -> f64 {
    let known: Vec<f64> = recalls(truth, answer, count).into_iter().flatten().collect();
    known.iter().sum::<f64>() / known.len().max(1) as f64
}

/// Index of the largest; the first of equals.
#[must_use]
pub fn top(values: &[f64]) -> usize {
    (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a }).unwrap_or(0)
}

/// The probabilities at a temperature.
#[must_use]
pub fn tempered(logits: &[f64], temperature: f64) -> Vec<f64> {
    softmax(&logits.iter().map(|v| v / temperature).collect::<Vec<_>>())
}

/// Mean negative log-likelihood at a temperature.
fn loss(logits: &[Vec<f64>], truth: &[usize], temperature: f64) -> f64 {
    let one = |(l, t): (&Vec<f64>, &usize)| -tempered(l, temperature)[*t].max(1e-12).ln();
    logits.iter().zip(truth).map(one).sum::<f64>() / truth.len().max(1) as f64
}

/// The temperature with the least loss, between 0.05 and 20.
#[must_use]
pub fn temperature(logits: &[Vec<f64>], truth: &[usize]) -> f64 {
    temperature_over(&[(logits, truth)])
}

/// The temperature with the least mean over several groups of answers of their losses, between 0.05 and 20, by golden section
/// over its logarithm.
#[must_use]
pub fn temperature_over(groups: &[(&[Vec<f64>], &[usize])]) -> f64 {
    let golden = (5.0f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.05f64.ln(), 20.0f64.ln());
    let loss_at = |x: f64| groups.iter().map(|(logits, truth)| loss(logits, truth, x.exp())).sum::<f64>();
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut fa, mut fb) = (loss_at(a), loss_at(b));
    while high - low > 1e-6 {
        if fa < fb {
            (high, b, fb) = (b, a, fa);
            a = high - golden * (high - low);
            fa = loss_at(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + golden * (high - low);
            fb = loss_at(b);
        }
    }
    f64::midpoint(low, high).exp()
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Mean probability of the top class.
    pub confidence: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Number of answers.
    pub count: usize,
}

/// The reliability diagram over ten bins with the same number of answers each (one more in some).
#[must_use]
pub fn reliability(probabilities: &[Vec<f64>], truth: &[usize]) -> Vec<Bin> {
    let mut answers: Vec<(f64, bool)> =
        probabilities.iter().zip(truth).map(|(p, t)| (p[top(p)], top(p) == *t)).collect();
    answers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = answers.len();
    let bin = |k: usize| {
        let part = &answers[k * n / 10..(k + 1) * n / 10];
        let mean = |f: &dyn Fn(&(f64, bool)) -> f64| part.iter().map(f).sum::<f64>() / part.len().max(1) as f64;
        Bin { confidence: mean(&|a| a.0), accuracy: mean(&|a| f64::from(u8::from(a.1))), count: part.len() }
    };
    (0..10).map(bin).filter(|b| b.count > 0).collect()
}

/// Expected calibration error over ten bins with the same number of answers each.
#[must_use]
pub fn calibration_error(probabilities: &[Vec<f64>], truth: &[usize]) -> f64 {
    let gap = |b: &Bin| b.count as f64 * (b.confidence - b.accuracy).abs();
    reliability(probabilities, truth).iter().map(gap).sum::<f64>() / truth.len().max(1) as f64
}

/// The probability of the top class below which the least sure `share` of the answers lie.
#[must_use]
pub fn least_sure(probabilities: &[Vec<f64>], share: f64) -> f64 {
    let mut tops: Vec<f64> = probabilities.iter().map(|p| p[top(p)]).collect();
    tops.sort_by(f64::total_cmp);
    tops.get((tops.len() as f64 * share) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_and_its_mean() {
        assert_eq!(recalls(&[0, 0, 1], &[0, 1, 1], 3), [Some(0.5), Some(1.0), None]);
        assert_eq!(uar(&[0, 0, 1], &[0, 1, 1], 3), 0.75);
    }

    /// Logits that are three times too sure need a temperature of three; a uniform guess has no error.
    #[test]
    fn temperature_is_found() {
        let mut random = crate::signal::random::Random(1);
        let mut unit = || random.uniform();
        let (mut logits, mut truth) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let honest: Vec<f64> = (0..3).map(|_| 2.0 * unit()).collect();
            let p = softmax(&honest);
            let u = unit();
            truth.push(if u < p[0] {
                0
            } else if u < p[0] + p[1] {
                1
            } else {
                2
            });
            logits.push(honest.iter().map(|v| 3.0 * v).collect::<Vec<_>>());
        }
        let t = temperature(&logits, &truth);
        assert!((t - 3.0).abs() < 0.2, "{t}");
        let raw: Vec<Vec<f64>> = logits.iter().map(|l| softmax(l)).collect();
        let cured: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, t)).collect();
        assert!(calibration_error(&cured, &truth) < 0.02 && calibration_error(&raw, &truth) > 0.1);
        assert_eq!(least_sure(&[vec![0.9, 0.1], vec![0.4, 0.6], vec![0.5, 0.5]], 0.0), 0.5);
    }
}
