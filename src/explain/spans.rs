//! Spans of an utterance that speak for a score: the fewest frames that hold half of all that speaks for it, in stretches.

use std::ops::Range;

/// Seconds over which the curve is averaged before frames are chosen.
const SMOOTH_S: f64 = 0.1;
/// Share of all that speaks for the score, that the chosen frames hold.
const SHARE: f64 = 0.5;
/// Stretches that are shorter, in seconds, are no spans; and gaps that are shorter do not part them.
const SHORTEST_S: f64 = 0.06;

/// A span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its frames.
    pub frames: Range<usize>,
    /// Its share of all that speaks for the score, from 0 to 1.
    pub share: f64,
}

/// The spans of a signed curve with a frame every `step_s` seconds, strongest first. None where nothing speaks for the score.
#[must_use]
pub fn spans(curve: &[f64], step_s: f64) -> Vec<Span> {
    let frames = |seconds: f64| (seconds / step_s).round().max(1.0) as usize;
    let smooth = smoothed(curve, frames(SMOOTH_S));
    let total: f64 = smooth.iter().map(|v| v.max(0.0)).sum();
    if total <= 0.0 || !total.is_finite() {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..curve.len()).filter(|k| smooth[*k] > 0.0).collect();
    order.sort_by(|a, b| smooth[*b].total_cmp(&smooth[*a]).then(a.cmp(b)));
    let mut chosen = vec![false; curve.len()];
    let mut held = 0.0;
    for k in order {
        if held >= SHARE * total {
            break;
        }
        held += smooth[k];
        chosen[k] = true;
    }
    let shortest = frames(SHORTEST_S);
    let mut list: Vec<Range<usize>> = Vec::new();
    for k in (0..chosen.len()).filter(|k| chosen[*k]) {
        match list.last_mut() {
            Some(last) if k - last.end < shortest => last.end = k + 1,
            _ => list.push(k..k + 1),
        }
    }
    let all: f64 = curve.iter().map(|v| v.max(0.0)).sum();
    let share = |r: &Range<usize>| curve[r.clone()].iter().map(|v| v.max(0.0)).sum::<f64>() / all;
    let mut spans: Vec<Span> = (list.into_iter())
        .filter(|r| r.len() >= shortest.min(curve.len()))
        .map(|frames| Span { share: share(&frames), frames })
        .collect();
    spans.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.frames.start.cmp(&b.frames.start)));
    spans
}

/// Means over `width` frames around each, fewer at the ends.
fn smoothed(curve: &[f64], width: usize) -> Vec<f64> {
    let (before, after) = ((width - 1) / 2, width / 2);
    let mean = |k: usize| {
        let part = &curve[k.saturating_sub(before)..(k + after + 1).min(curve.len())];
        part.iter().sum::<f64>() / part.len() as f64
    };
    (0..curve.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bumps on a flat ground: both are found, the higher first, and what lies between belongs to neither.
    #[test]
    fn bumps_are_spans() {
        let curve: Vec<f64> = (0..200)
            .map(|k| match k {
                30..45 => 4.0,
                120..140 => 3.0,
                60..70 => -5.0,
                _ => 0.1,
            })
            .collect();
        let found = spans(&curve, 0.02);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].frames.start >= 28 && found[0].frames.end <= 47, "{found:?}");
        assert!(found[0].share > found[1].share && found[1].frames.start >= 118, "{found:?}");
        let all: f64 = curve.iter().map(|v| v.max(0.0)).sum();
        let own: f64 = curve[found[0].frames.clone()].iter().map(|v| v.max(0.0)).sum();
        assert!((found[0].share - own / all).abs() < 1e-12);
    }

    #[test]
    fn nothing_for_it_is_no_span() {
        assert_eq!(spans(&[-1.0; 100], 0.02), []);
        assert_eq!(spans(&[], 0.02), []);
        assert_eq!(spans(&[0.0; 10], 0.02), []);
        // One frame of a very short utterance is all there is.
        assert_eq!(spans(&[1.0], 0.02), [Span { frames: 0..1, share: 1.0 }]);
    }

    proptest::proptest! {
        /// Spans lie inside, do not touch, and their shares are those of what speaks for the score.
        #[test]
        fn spans_are_apart(curve in proptest::collection::vec(-3.0f64..3.0, 1..400)) {
            let found = spans(&curve, 0.02);
            let mut places: Vec<_> = found.iter().map(|s| s.frames.clone()).collect();
            places.sort_by_key(|r| r.start);
            proptest::prop_assert!(places.iter().all(|r| r.end <= curve.len()));
            proptest::prop_assert!(places.windows(2).all(|p| p[1].start >= p[0].end + 3));
            proptest::prop_assert!(found.windows(2).all(|p| p[0].share >= p[1].share));
            proptest::prop_assert!(found.iter().map(|s| s.share).sum::<f64>() <= 1.0 + 1e-9);
        }
    }
}
