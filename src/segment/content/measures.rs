//! Measures of a stretch for the speech test: how its voice glides, how its level and colour move, how its syllables
//! come, and whether its energy comes in clicks.

use super::clue::{Clue, SPEECH};
use super::nuclei::irregularity;

/// Number of measures.
pub(super) const COUNT: usize = 20;
/// Strength from which a clue is periodic.
const PERIODIC: f32 = 0.6;
/// Natural logarithm of power below the strongest clue under which nothing counts (35 dB).
const DEPTH: f32 = 8.0;
/// Clues that the detector must have taken for speech before there is anything to say.
const ENOUGH: usize = 4;
/// Pairs of periodic clues that a share needs, and periodic clues that a median needs.
const PAIRS: usize = 3;
const PERIODS: usize = 4;
/// Pairs of clues that a mean change needs.
const CHANGES: usize = 5;
/// Semitones in 20 ms below which a period stands still: a voice hardly ever does, a note does nothing else.
const STILL: f32 = 0.08;
/// Semitones in 20 ms by which a voice glides.
const GLIDE: std::ops::Range<f32> = 0.15..2.0;
/// Semitones in 60 ms from which a period jumps.
const JUMP: f32 = 3.0;
/// Semitones above 55 Hz from which a voice is high: 370 Hz.
const HIGH: f32 = 33.0;
/// Half lengths, in clues, of the means whose difference is the level at the rhythm of syllables, and of a slower one.
const BOXES: [usize; 3] = [1, 6, 20];

/// Work space of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    heard: Vec<bool>,
    loud: Vec<bool>,
    periodic: Vec<bool>,
    level: Vec<f32>,
    smooth: [Vec<f32>; 3],
    sums: Vec<f64>,
    sorted: Vec<f32>,
}

impl Scratch {
    /// Room for stretches of `most` clues.
    pub fn new(most: usize) -> Self {
        let room = || Vec::with_capacity(most);
        Self {
            heard: Vec::with_capacity(most),
            loud: Vec::with_capacity(most),
            periodic: Vec::with_capacity(most),
            level: room(),
            smooth: [room(), room(), room()],
            sums: Vec::with_capacity(most + 1),
            sorted: room(),
        }
    }
}

/// The measures of a stretch in the order of the weights, and how many clues the detector took for speech.
///
/// `None` where those are fewer than four. A measure without enough to go by is `None`.
pub(super) fn measures(clues: &[Clue], s: &mut Scratch) -> Option<([Option<f32>; COUNT], usize)> {
    s.heard.clear();
    s.heard.extend(clues.iter().map(|c| c.speech >= SPEECH && !c.bad));
    let count = s.heard.iter().filter(|h| **h).count();
    if count < ENOUGH {
        return None;
    }
    let top = clues.iter().zip(&s.heard).filter(|c| *c.1).fold(f32::MIN, |a, c| a.max(c.0.level));
    s.level.clear();
    s.level.extend(clues.iter().map(|c| if c.bad { top - DEPTH } else { c.level.max(top - DEPTH) }));
    s.loud.clear();
    s.loud.extend(s.level.iter().zip(&s.heard).map(|(l, h)| *h && *l > top - DEPTH));
    if s.loud.iter().filter(|l| **l).count() < ENOUGH {
        s.loud.copy_from_slice(&s.heard);
    }
    s.periodic.clear();
    s.periodic.extend(clues.iter().zip(&s.loud).map(|(c, l)| *l && c.strength > PERIODIC));
    for (out, half) in s.smooth.iter_mut().zip(BOXES) {
        smoothed(&s.level, half, &mut s.sums, out);
    }

    let steps = |k: usize| pairs(&s.periodic, k).map(|(i, j)| (clues[j].semitones - clues[i].semitones).abs());
    let share = |k: usize, which: &dyn Fn(f32) -> bool| {
        let all = steps(k).count();
        (all >= PAIRS).then(|| steps(k).filter(|d| which(*d)).count() as f32 / all as f32)
    };
    let still = share(1, &|d| d < STILL);
    let voices = s.periodic.iter().filter(|v| **v).count();
    let semitones = || clues.iter().zip(&s.periodic).filter(|c| *c.1).map(|c| c.0.semitones);
    let enough = voices >= PERIODS;
    let median = enough.then(|| order(semitones(), 0.5, &mut s.sorted));
    let high = enough.then(|| semitones().filter(|p| *p > HIGH).count() as f32 / voices as f32);
    let found = irregularity(&s.smooth[0]);

    let level = |k: usize| mean(pairs(&s.heard, k).map(|(i, j)| (s.level[j] - s.level[i]).abs()), CHANGES);
    let moved = |k: usize, of: fn(&Clue) -> f32| {
        mean(pairs(&s.loud, k).map(|(i, j)| (of(&clues[j]) - of(&clues[i])).abs()), CHANGES)
    };
    let loud = || clues.iter().zip(&s.loud).filter(|c| *c.1).map(|c| c.0);
    let tilt_spread = variance(loud().map(|c| c.tilt)).sqrt();
    let heard = || s.level.iter().zip(&s.heard).filter(|l| *l.1).map(|l| *l.0);
    let parts = [
        variance(s.level.iter().zip(&s.smooth[0]).map(|(a, b)| a - b)),
        variance(s.smooth[0].iter().zip(&s.smooth[1]).map(|(a, b)| a - b)),
        variance(s.smooth[1].iter().zip(&s.smooth[2]).map(|(a, b)| a - b)),
        variance(s.smooth[2].iter().copied()),
    ];
    let together = clues.iter().zip(&s.level).zip(&s.heard).filter(|c| *c.1).map(|((c, l), _)| (c.strength, *l));
    let sure = order(clues.iter().zip(&s.heard).filter(|c| *c.1).map(|c| c.0.speech), 0.25, &mut s.sorted);
    let values = [
        share(1, &|d| d > GLIDE.start && d < GLIDE.end),
        still,
        share(3, &|d| d < STILL * 3.0f32.sqrt()),
        share(3, &|d| d > JUMP),
        median,
        high,
        moved(1, |c| c.strength),
        Some(f32::from(u8::from(still.is_none()))),
        found,
        Some(f32::from(u8::from(found.is_none()))),
        Some(parts[1] / (parts.iter().sum::<f32>() + 0.01)),
        level(5),
        mean(heard(), 1).map(|m| top - m),
        level(1).zip(level(5)).map(|(fast, slow)| fast / (slow + 0.1)),
        moved(10, |c| c.centroid),
        moved(1, |c| c.tilt).map(|m| m / (tilt_spread + 0.05)),
        moved(5, |c| c.tilt),
        Some(correlation(together)),
        Some(sure),
        mean_burst(clues, &s.heard, top),
    ];
    Some((values, count))
}

/// Pairs of places `k` apart that are both marked.
fn pairs(marked: &[bool], k: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    (k..marked.len()).filter(move |j| marked[*j] && marked[*j - k]).map(move |j| (j - k, j))
}

/// The share of bursts: the mean over what the detector took for speech, weighted by power up to that of `top`.
fn mean_burst(clues: &[Clue], heard: &[bool], top: f32) -> Option<f32> {
    let (mut sum, mut weights) = (0.0f64, 0.0f64);
    let mut before = f32::MIN;
    for (c, heard) in clues.iter().zip(heard) {
        // The 38 ms end in the middle of the clue: what is loud in them may be that of the one before.
        let weight = f64::from((c.level.max(before) - top).min(0.0).exp());
        before = c.level;
        if *heard {
            sum += weight * f64::from(c.burst);
            weights += weight;
        }
    }
    (weights > 0.0).then(|| (sum / weights) as f32)
}

/// The mean of at least `least` values.
fn mean(values: impl Iterator<Item = f32>, least: usize) -> Option<f32> {
    let (n, sum) = values.fold((0usize, 0.0f64), |(n, s), v| (n + 1, s + f64::from(v)));
    (n >= least).then(|| (sum / n as f64) as f32)
}

fn variance(values: impl Iterator<Item = f32>) -> f32 {
    let (n, sum, squares) = values.fold((0usize, 0.0f64, 0.0f64), |(n, s, q), v| {
        let v = f64::from(v);
        (n + 1, s + v, q + v * v)
    });
    let n = n.max(1) as f64;
    (squares / n - (sum / n).powi(2)).max(0.0) as f32
}

/// Pearson's; 0 where one of the two does not vary.
fn correlation(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut s = [0.0f64; 6];
    for (a, b) in pairs {
        let (a, b) = (f64::from(a), f64::from(b));
        for (s, v) in s.iter_mut().zip([1.0, a, b, a * a, b * b, a * b]) {
            *s += v;
        }
    }
    let n = s[0].max(1.0);
    let (va, vb) = (s[3] / n - (s[1] / n).powi(2), s[4] / n - (s[2] / n).powi(2));
    if va < 1e-6 || vb < 1e-6 {
        return 0.0;
    }
    ((s[5] / n - s[1] * s[2] / (n * n)) / (va * vb).sqrt()) as f32
}

/// The value that a share of all lies below, without interpolation.
fn order(values: impl Iterator<Item = f32>, share: f64, sorted: &mut Vec<f32>) -> f32 {
    sorted.clear();
    sorted.extend(values);
    if sorted.is_empty() {
        return 0.0;
    }
    let place = ((share * sorted.len() as f64) as usize).min(sorted.len() - 1);
    *sorted.select_nth_unstable_by(place, f32::total_cmp).1
}

/// The mean over `half` neighbours on each side, fewer at the ends.
fn smoothed(x: &[f32], half: usize, sums: &mut Vec<f64>, out: &mut Vec<f32>) {
    sums.clear();
    sums.push(0.0);
    let mut sum = 0.0;
    for v in x {
        sum += f64::from(*v);
        sums.push(sum);
    }
    out.clear();
    out.extend((0..x.len()).map(|i| {
        let (a, b) = (i.saturating_sub(half), (i + half + 1).min(x.len()));
        ((sums[b] - sums[a]) / (b - a) as f64) as f32
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLIDING: usize = 0;
    const STILL_20: usize = 1;
    const STILL_60: usize = 2;
    const JUMPING: usize = 3;
    const MEDIAN: usize = 4;
    const VOICELESS: usize = 7;
    const IRREGULARITY: usize = 8;
    const SYLLABLES: usize = 10;
    const BURSTS: usize = 19;

    fn of(n: usize, clue: impl Fn(usize) -> Clue) -> [Option<f32>; COUNT] {
        let clues: Vec<Clue> = (0..n).map(clue).collect();
        let (values, heard) = measures(&clues, &mut Scratch::new(n)).unwrap();
        assert_eq!(heard, n);
        values
    }

    fn of_heard(n: usize, clue: impl Fn(usize) -> Clue, heard: impl Fn(usize) -> bool) -> [Option<f32>; COUNT] {
        let speech = |t| if heard(t) { 0.9 } else { 0.1 };
        let clues: Vec<Clue> = (0..n).map(|t| Clue { speech: speech(t), ..clue(t) }).collect();
        measures(&clues, &mut Scratch::new(n)).unwrap().0
    }

    fn voiced(semitones: f32, level: f32) -> Clue {
        Clue { level, strength: 0.9, semitones, speech: 0.9, ..Clue::default() }
    }

    #[test]
    fn tones_stand_still_voices_glide_and_trills_jump() {
        let tone = of(60, |_| voiced(20.0, 0.0));
        assert_eq!(
            (tone[GLIDING], tone[STILL_20], tone[STILL_60], tone[JUMPING]),
            (Some(0.0), Some(1.0), Some(1.0), Some(0.0))
        );
        assert_eq!(tone[MEDIAN], Some(20.0));
        let voice = of(60, |t| voiced(20.0 + 0.5 * t as f32 % 7.0, 0.0));
        // Every fourteenth step falls back by 6.5 semitones.
        assert!((voice[GLIDING].unwrap() - 55.0 / 59.0).abs() < 1e-6, "{voice:?}");
        assert_eq!(voice[STILL_20], Some(0.0));
        let trill = of(60, |t| voiced(if t / 3 % 2 == 0 { 20.0 } else { 24.0 }, 0.0));
        assert_eq!((trill[JUMPING], trill[STILL_60]), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn noise_has_no_voice_and_its_measures_are_undefined() {
        let noise = of(60, |_| Clue { strength: 0.2, ..voiced(20.0, 0.0) });
        assert_eq!((noise[GLIDING], noise[MEDIAN], noise[VOICELESS]), (None, None, Some(1.0)));
        assert_eq!(noise[IRREGULARITY], None);
        assert_eq!(measures(&[Clue::default(); 60], &mut Scratch::default()), None);
    }

    #[test]
    fn syllables_show_in_the_modulation() {
        // Three to five a second against one in two seconds and against none.
        let modulated = |hz: f32| of(250, |t| voiced(20.0, 2.0 * (hz * t as f32 * 0.02 * std::f32::consts::TAU).sin()));
        let [slow, four, fast] = [0.5, 4.0, 24.0].map(|hz| modulated(hz)[SYLLABLES].unwrap());
        assert!(four > 0.5 && slow < 0.1 && fast < 0.1, "{slow} {four} {fast}");
        assert!(modulated(4.0)[IRREGULARITY].unwrap() < 0.1);
    }

    #[test]
    fn bursts_count_by_their_power() {
        // Every tenth clue a click, e^5 times as strong as what is between: it shows in that clue and in the next.
        let clicks = of(60, |t| {
            let (level, burst) = if t % 10 == 0 { (0.0, 0.95) } else { (-5.0, if t % 10 == 1 { 0.85 } else { 0.2 }) };
            Clue { burst, ..voiced(20.0, level) }
        });
        let quiet = 8.0 * (-5.0f32).exp();
        let expected = (0.95 + 0.85 + 0.2 * quiet) / (2.0 + quiet);
        assert!((clicks[BURSTS].unwrap() - expected).abs() < 1e-4, "{clicks:?}");
        // Clicks that the detector did not take for speech do not count.
        let other =
            of_heard(60, |t| Clue { burst: if t % 2 == 0 { 1.0 } else { 0.3 }, ..voiced(20.0, 0.0) }, |t| t % 2 == 1);
        assert!((other[BURSTS].unwrap() - 0.3).abs() < 1e-6, "{other:?}");
    }

    #[test]
    fn statistics_are_the_textbooks() {
        let x = [1.0f32, 4.0, 2.0, 8.0];
        assert!((variance(x.into_iter()) - 7.1875).abs() < 1e-6);
        assert!((correlation(x.into_iter().zip([2.0, 8.0, 4.0, 16.0])) - 1.0).abs() < 1e-6);
        assert_eq!(correlation(x.into_iter().zip([1.0; 4])), 0.0);
        assert_eq!(order(x.into_iter(), 0.5, &mut Vec::new()), 4.0);
        let mut out = Vec::new();
        smoothed(&x, 1, &mut Vec::new(), &mut out);
        assert_eq!(out, [2.5, 7.0 / 3.0, 14.0 / 3.0, 5.0]);
    }
}
