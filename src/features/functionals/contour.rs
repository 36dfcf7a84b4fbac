//! Peaks of a contour and the slopes between its extremes.

/// Share of a contour's range that an extreme must rise above its surroundings.
const THRESHOLD: f64 = 0.1;
/// A maximum replaces the one before it without a valley between them if it is this much higher.
const HIGHER: f64 = 1.05;
/// Frame distance in seconds.
const PERIOD_S: f64 = 0.01;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Extreme {
    at: usize,
    value: f64,
    maximum: bool,
}

/// Work space; keeps its storage between contours.
#[derive(Debug, Clone, Default)]
pub struct ContourScratch {
    extremes: Vec<Extreme>,
}

/// Mean and deviation of the slopes of one direction, in units per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SlopeStatistics {
    /// Number of slopes, the tail included; 0 makes the other two 0.
    pub count: usize,
    /// Mean slope, the tail included.
    pub mean: f64,
    /// Deviation of the slopes without the tail, divided by the number with it.
    pub deviation: f64,
}

/// What the extremes of one contour say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ContourShape {
    /// Number of maxima left after all thresholds.
    pub peaks: usize,
    /// Rising slopes.
    pub rising: SlopeStatistics,
    /// Falling slopes, positive; the tail may be negative.
    pub falling: SlopeStatistics,
}

#[derive(Default)]
struct Slopes {
    sum: f64,
    inner_sum: f64,
    squares: f64,
    inner: usize,
    count: usize,
}

impl Slopes {
    fn inner(&mut self, slope: f64) {
        self.sum += slope;
        self.inner_sum += slope;
        self.squares += slope * slope;
        self.inner += 1;
        self.count += 1;
    }

    fn tail(&mut self, slope: f64) {
        self.sum += slope;
        self.count += 1;
    }

    fn finish(&self) -> SlopeStatistics {
        if self.count == 0 {
            return SlopeStatistics::default();
        }
        let mean = self.sum / self.count as f64;
        let spread = self.squares - 2.0 * mean * self.inner_sum + mean * mean * self.inner as f64;
        SlopeStatistics { count: self.count, mean, deviation: (spread.max(0.0) / self.count as f64).sqrt() }
    }
}

/// Peaks and slopes of a contour with one value every 10 ms. Definition: eGeMAPSv02, its reference program's rules.
///
/// NaN marks a hole: the pieces between holes share the range that extremes are measured against, and no slope crosses a
/// hole. An empty contour gives all zeros with counts of 0.
#[must_use]
pub fn shape(contour: &[f32], scratch: &mut ContourScratch) -> ContourShape {
    let pieces = || contour.split(|v| v.is_nan()).filter(|p| !p.is_empty());
    let Some(&first) = pieces().next().and_then(<[f32]>::first) else {
        return ContourShape::default();
    };
    let (mut low, mut high) = (first, first);
    for v in pieces().flatten() {
        low = low.min(*v);
        high = high.max(*v);
    }
    let threshold = THRESHOLD * (f64::from(high) - f64::from(low));
    let list = &mut scratch.extremes;
    let (mut rising, mut falling) = (Slopes::default(), Slopes::default());
    let mut peaks = 0;
    for piece in pieces() {
        let first = f64::from(piece[0]);
        candidates(piece, list);
        drop_small(first, threshold, list);
        drop_shallow_minima(first, threshold, list);
        alternate(list);
        slopes(piece, list, &mut rising, &mut falling);
        peaks += list.iter().filter(|e| e.maximum).count();
    }
    let mut shape = ContourShape { peaks, rising: rising.finish(), falling: falling.finish() };
    if rising.count + falling.count == 0
        && let Some(piece) = pieces().next().filter(|_| pieces().nth(1).is_none())
    {
        let mean = (f64::from(piece[piece.len() - 1]) - f64::from(first)) / piece.len() as f64;
        let whole = SlopeStatistics { count: 1, mean, deviation: 0.0 };
        if mean > 0.0 {
            shape.rising = whole;
        } else if mean < 0.0 {
            shape.falling = whole;
        }
    }
    shape
}

fn candidates(x: &[f32], list: &mut Vec<Extreme>) {
    list.clear();
    for i in 2..x.len().saturating_sub(2) {
        let maximum = x[i] > x[i - 1] && x[i] > x[i + 1];
        let minimum = x[i] < x[i - 1] && x[i] < x[i + 1];
        if maximum || minimum {
            list.push(Extreme { at: i, value: f64::from(x[i]), maximum });
        }
    }
}

/// Second step: small changes do not make an extreme, and a much higher maximum replaces the one before it.
fn drop_small(first: f64, threshold: f64, list: &mut Vec<Extreme>) {
    let (mut last, mut low, mut high) = (first, first, first);
    let mut held: Option<usize> = None;
    let mut valley = false;
    let mut kept = 0;
    for i in 0..list.len() {
        let e = list[i];
        let small = (e.value - last).abs() < threshold;
        last = e.value;
        let mut keep = true;
        if !e.maximum {
            if !small {
                valley = true;
                low = e.value;
            }
        } else if !small {
            valley = false;
            high = e.value;
            held = Some(kept);
        } else if e.value - low < threshold {
            keep = false;
        } else {
            if e.value > HIGHER * high {
                if let Some(h) = held {
                    list[h..kept].rotate_left(1);
                    kept -= 1;
                }
                high = e.value;
                held = Some(kept);
            } else if valley {
                high = e.value;
                held = Some(kept);
            } else {
                keep = false;
            }
            valley = false;
        }
        if keep {
            list[kept] = e;
            kept += 1;
        }
    }
    list.truncate(kept);
}

/// Third step: minima that do not lie a threshold below the maximum before them go.
fn drop_shallow_minima(first: f64, threshold: f64, list: &mut Vec<Extreme>) {
    let mut high = first;
    list.retain(|e| {
        if e.maximum {
            high = e.value;
        }
        e.maximum || high - e.value >= threshold
    });
}

/// Fourth step: of neighbours of one kind the more extreme stays, the first of equals.
fn alternate(list: &mut Vec<Extreme>) {
    list.dedup_by(|next, kept| {
        if next.maximum != kept.maximum {
            return false;
        }
        let better = if next.maximum { next.value > kept.value } else { next.value < kept.value };
        if better {
            *kept = *next;
        }
        true
    });
}

/// Adds the slopes between the extremes of one piece; none where it has no extreme.
fn slopes(x: &[f32], list: &[Extreme], rising: &mut Slopes, falling: &mut Slopes) {
    let end = x.len() - 1;
    let mut from = (0usize, f64::from(x[0]));
    for e in list {
        let seconds = (e.at - from.0) as f64 * PERIOD_S;
        if e.maximum {
            rising.inner((e.value - from.1) / seconds);
        } else {
            falling.inner((from.1 - e.value) / seconds);
        }
        from = (e.at, e.value);
    }
    if let Some(e) = list.last().filter(|e| end > e.at) {
        let slope = (f64::from(x[end]) - e.value) / ((end - e.at) as f64 * PERIOD_S);
        if e.maximum { falling.tail(slope) } else { rising.tail(slope) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_wave_has_known_slopes_and_peaks() {
        // Period 20 frames, height 10: 10 per 100 ms both ways.
        let x: Vec<f32> = (0..101).map(|i: i32| (10 - (i % 20 - 10).abs()) as f32).collect();
        let s = shape(&x, &mut ContourScratch::default());
        assert_eq!(s.peaks, 5);
        assert_eq!(s.rising.count, 5);
        assert!((s.rising.mean - 100.0).abs() < 1e-9 && s.rising.deviation < 1e-6);
        // four falls, and the tail counted with its sign
        assert_eq!(s.falling.count, 5);
        assert!((s.falling.mean - (4.0 * 100.0 - 100.0) / 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_monotone_contour_has_one_slope_over_n() {
        let x: Vec<f32> = (0..50).map(|i| i as f32).collect();
        let s = shape(&x, &mut ContourScratch::default());
        assert_eq!((s.peaks, s.falling.count, s.rising.count), (0, 0, 1));
        assert!((s.rising.mean - 49.0 / 50.0).abs() < 1e-12);
        let flat = shape(&[2.0; 30], &mut ContourScratch::default());
        assert_eq!((flat.rising.count, flat.falling.count), (0, 0));
        assert_eq!(shape(&[], &mut ContourScratch::default()), ContourShape::default());
    }

    /// Two pieces with a hole between them have the slopes of each, and none between them.
    #[test]
    fn no_slope_crosses_a_hole() {
        let rise = |from: i32| (0..21).map(move |i| (from + 10 - (i - 10i32).abs()) as f32);
        let mut x: Vec<f32> = rise(0).collect();
        x.extend([f32::NAN; 3]);
        x.extend(rise(100));
        // Against the range of both (110) neither triangle is an extreme; against its own, each is one.
        assert_eq!(shape(&x, &mut ContourScratch::default()), ContourShape::default());
        let mut y: Vec<f32> = rise(0).collect();
        y.push(f32::NAN);
        y.extend(rise(3));
        let s = shape(&y, &mut ContourScratch::default());
        // Each rises by 100 per second and ends in a falling tail, which is counted with its sign.
        assert_eq!((s.peaks, s.rising.count, s.falling.count), (2, 2, 2));
        assert!((s.rising.mean - 100.0).abs() < 1e-9 && (s.falling.mean + 100.0).abs() < 1e-9);
        assert_eq!(shape(&[f32::NAN; 4], &mut ContourScratch::default()), ContourShape::default());
    }

    #[test]
    fn ripple_below_a_tenth_of_the_range_makes_no_peak() {
        let x: Vec<f32> = (0..200).map(|i| 10.0 * (i as f32 * 0.0314).sin() + 0.3 * ((i % 4) as f32)).collect();
        assert_eq!(shape(&x, &mut ContourScratch::default()).peaks, 1);
    }
}
