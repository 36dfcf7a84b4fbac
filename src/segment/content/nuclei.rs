//! Regularity of syllable nuclei: maxima of the level that stand out on both sides.

/// How far a nucleus stands out, in natural logarithms of power (3 dB).
const PROMINENCE: f32 = 0.7;
/// Gaps between nuclei that their regularity needs.
const GAPS: usize = 3;

/// Irregularity of the nuclei of a contour: the coefficient of variation of the gaps between neighbours, 0 for a
/// metronome; `None` for fewer than three gaps.
pub(super) fn irregularity(level: &[f32]) -> Option<f32> {
    let (mut gaps, mut sum, mut squares) = (0usize, 0.0f32, 0.0f32);
    let mut last: Option<usize> = None;
    let mut candidate: Option<usize> = None;
    let mut low = f32::INFINITY;
    for (t, l) in level.iter().enumerate() {
        match candidate {
            None => {
                low = low.min(*l);
                candidate = (*l > low + PROMINENCE).then_some(t);
            }
            Some(c) if *l > level[c] => candidate = Some(t),
            Some(c) if *l < level[c] - PROMINENCE => {
                if let Some(before) = last.replace(c) {
                    let gap = (c - before) as f32;
                    gaps += 1;
                    sum += gap;
                    squares += gap * gap;
                }
                candidate = None;
                low = *l;
            }
            Some(_) => {}
        }
    }
    let mean = sum / gaps as f32;
    (gaps >= GAPS).then(|| (squares / gaps as f32 - mean * mean).max(0.0).sqrt() / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bumps(at: &[usize], height: f32) -> Vec<f32> {
        (0..200usize).map(|t| if at.iter().any(|a| t.abs_diff(*a) < 4) { height } else { 0.0 }).collect()
    }

    #[test]
    fn even_and_odd_gaps() {
        assert!(irregularity(&bumps(&[20, 50, 80, 110, 140], 2.0)).unwrap() < 1e-3);
        // Gaps of 20, 40, 10 and 50 clues: mean 30, deviation sqrt(250).
        let odd = irregularity(&bumps(&[20, 40, 80, 90, 140], 2.0)).unwrap();
        assert!((odd - 250.0f32.sqrt() / 30.0).abs() < 1e-3, "{odd}");
    }

    #[test]
    fn too_few_and_too_flat() {
        assert_eq!(irregularity(&bumps(&[20, 50, 80], 2.0)), None);
        assert_eq!(irregularity(&bumps(&[20, 50, 80, 110], 0.6)), None);
        assert_eq!(irregularity(&[]), None);
    }
}
