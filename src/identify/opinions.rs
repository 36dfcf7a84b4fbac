//! Opinions: rankings with the circumstances under which they were made, and what their disagreement goes with.

/// One ranking with the levels of the factors it was made under, for [`shares`].
#[derive(Debug, Clone)]
pub struct Opinion {
    /// Levels of the factors, in their order.
    pub levels: Vec<usize>,
    /// Standing of every feature.
    pub standing: Vec<f64>,
}

/// Share of the variance between rankings that each factor accounts for by itself, and what is left to their interaction: sums of
/// squares of a balanced design around each feature's mean. `None` where nothing varies.
#[must_use]
pub fn shares(opinions: &[Opinion], factors: usize) -> Option<Vec<f64>> {
    let width = opinions.first()?.standing.len();
    let n = opinions.len() as f64;
    let mut total = 0.0;
    let mut explained = vec![0.0; factors];
    for f in 0..width {
        let mean = opinions.iter().map(|o| o.standing[f]).sum::<f64>() / n;
        total += opinions.iter().map(|o| (o.standing[f] - mean).powi(2)).sum::<f64>();
        for (k, place) in explained.iter_mut().enumerate() {
            let levels = opinions.iter().map(|o| o.levels[k]).max().unwrap_or(0) + 1;
            for level in 0..levels {
                let part: Vec<f64> = opinions.iter().filter(|o| o.levels[k] == level).map(|o| o.standing[f]).collect();
                if !part.is_empty() {
                    let m = part.iter().sum::<f64>() / part.len() as f64;
                    *place += part.len() as f64 * (m - mean).powi(2);
                }
            }
        }
    }
    if total <= 0.0 {
        return None;
    }
    let mut out: Vec<f64> = explained.iter().map(|s| s / total).collect();
    out.push((1.0 - out.iter().sum::<f64>()).max(0.0));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_known_design() {
        // Two corpora that order features the other way round, two learners that agree.
        let o = |c: usize, l: usize| Opinion {
            levels: vec![c, l],
            standing: if c == 0 { vec![1.0, 0.0] } else { vec![0.0, 1.0] },
        };
        let s = shares(&[o(0, 0), o(0, 1), o(1, 0), o(1, 1)], 2).unwrap();
        assert!((s[0] - 1.0).abs() < 1e-12 && s[1].abs() < 1e-12 && s[2].abs() < 1e-12, "{s:?}");
        assert_eq!(shares(&[o(0, 0), o(0, 1)], 2), None);
    }
}
