//! Means of the scores of a call.

use affect::record::{Ended, Record};
use serde::{Deserialize, Serialize};

/// Means of the scores of a call's results, weighted by their seconds of speech.
///
/// A result counts where a model answered: those without scores and those in which the model abstains do not. No such result, no mean.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Means {
    /// Results that a model was asked about.
    pub scored: u64,
    /// Share of those in which it abstained; `None` where there are none.
    pub abstained_share: Option<f64>,
    /// Mean of the calibrated probability of each label.
    pub probabilities: Vec<(String, Option<f64>)>,
    /// Mean of each dimension.
    pub dimensions: Vec<(String, Option<f64>)>,
}

impl Means {
    /// Of these results, for these labels and dimensions.
    #[must_use]
    pub fn of(records: &[Record], probabilities: &[String], dimensions: &[String]) -> Self {
        let asked = || records.iter().filter(|r| r.ended != Ended::Open).filter_map(|r| Some((r, r.scored.as_ref()?)));
        let (scored, abstained) =
            asked().fold((0, 0), |(n, a), (_, s)| (n + 1, a + u64::from(s.emotion.abstained.is_some())));
        let answered: Vec<_> = asked()
            .filter(|(_, s)| s.emotion.abstained.is_none())
            .map(|(r, s)| (r.quality.as_ref().and_then(|q| q.speech_s).map_or(0.0, f64::from), &s.emotion))
            .collect();
        let mean = |name: &str, of: &dyn Fn(usize) -> Option<f64>| {
            let (mut sum, mut weight) = (0.0, 0.0);
            for (k, (w, _)) in answered.iter().enumerate() {
                if let Some(v) = of(k).filter(|v| v.is_finite() && *w > 0.0) {
                    sum += v * w;
                    weight += w;
                }
            }
            (name.to_owned(), (weight > 0.0).then(|| sum / weight))
        };
        let find =
            |list: &[(std::sync::Arc<str>, f64)], name: &str| list.iter().find(|(n, _)| &**n == name).map(|(_, v)| *v);
        Self {
            scored,
            abstained_share: (scored > 0).then(|| abstained as f64 / scored as f64),
            probabilities: probabilities.iter().map(|n| mean(n, &|k| find(&answered[k].1.probabilities, n))).collect(),
            dimensions: dimensions.iter().map(|n| mean(n, &|k| find(&answered[k].1.dimensions, n))).collect(),
        }
    }
}
