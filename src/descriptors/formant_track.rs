//! Which of a frame's resonances are F1, F2 and F3: the course that stays near typical values, narrow and smooth.

use super::best_path::{BestPath, IMPOSSIBLE};
use super::linear_prediction::{RESONANCES, Resonance, Resonances};

/// Longest delay of a decision, in frames.
pub const DELAY: usize = 12;
/// Ways to choose three of five.
const CHOICES: [[usize; 3]; 10] =
    [[0, 1, 2], [0, 1, 3], [0, 1, 4], [0, 2, 3], [0, 2, 4], [0, 3, 4], [1, 2, 3], [1, 2, 4], [1, 3, 4], [2, 3, 4]];
/// Formants of a neutral vowel, in Hz.
const NEUTRAL_HZ: [f64; 3] = [550.0, 1650.0, 2750.0];
/// Cost of 1 kHz from neutral; the relative bandwidth and an octave of change cost as much.
const PER_KHZ: f64 = 1.0;
/// The next resonance above F3 is at least this far away, in Hz; without one F4 lies as far above F3 as is usual.
const ABOVE_F3_HZ: f64 = 150.0;
const USUAL_F4_F3_HZ: f64 = 800.0;
const USUAL_F4_HZ: f64 = 3500.0;

/// Formants of one voiced frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackedFormants {
    /// F1, F2, F3, and what is taken for F4, in Hz.
    pub hz: [f64; 4],
}

/// The tracker of one stream.
#[derive(Debug, Clone)]
pub struct FormantTrack {
    path: BestPath<10, DELAY>,
    waiting: [Resonances; DELAY],
    last: [[f64; 3]; 10],
    /// Whether there is a frame before the next one, in this voiced stretch or an earlier one.
    started: bool,
}

impl Default for FormantTrack {
    fn default() -> Self {
        Self {
            path: BestPath::new(None),
            waiting: [Resonances::default(); DELAY],
            last: [[0.0; 3]; 10],
            started: false,
        }
    }
}

fn choose(list: &[Resonance], choice: usize) -> Option<[Resonance; 3]> {
    let [a, b, c] = CHOICES[choice];
    (c < list.len()).then(|| [list[a], list[b], list[c]])
}

impl FormantTrack {
    /// Takes the resonances of the next voiced frame and hands on every frame that is now decided, in order; `None`
    /// where it has fewer than three.
    pub fn push(&mut self, resonances: &Resonances, mut decided: impl FnMut(Option<TrackedFormants>)) {
        let list = resonances.list();
        debug_assert!(list.len() <= RESONANCES);
        let mut local = [IMPOSSIBLE; 10];
        let mut octaves = [[0.0; 3]; 10];
        for choice in 0..10 {
            let Some(triple) = choose(list, choice) else { continue };
            local[choice] = triple
                .iter()
                .zip(NEUTRAL_HZ)
                .map(|(r, neutral)| PER_KHZ * (r.hz - neutral).abs() / 1000.0 + r.bandwidth_hz / r.hz)
                .sum();
            octaves[choice] = triple.map(|r| r.hz.log2());
        }
        if list.len() < 3 {
            // Any choice is as good; the courses go on unchanged.
            local = [0.0; 10];
            octaves = self.last;
        }
        let before = std::mem::replace(&mut self.last, octaves);
        self.waiting[self.path.undecided()] = *resonances;
        let (started, same) = (std::mem::replace(&mut self.started, true), list.len() < 3);
        let step = |to: usize, from: usize| match (started, same) {
            (false, _) => 0.0,
            (true, true) => f64::from(u8::from(to != from)) * IMPOSSIBLE,
            (true, false) => octaves[to].iter().zip(&before[from]).map(|(a, b)| (a - b).abs()).sum(),
        };
        let (waiting, mut count) = (&mut self.waiting, 0);
        self.path.push(&local, step, |choice| {
            decided(formants(&waiting[count], choice));
            count += 1;
        });
        waiting.rotate_left(count);
    }

    /// A voiced stretch has ended: decides all that waits. The next stretch begins from where this one ended.
    pub fn pause(&mut self, mut decided: impl FnMut(Option<TrackedFormants>)) {
        let (waiting, mut count, mut last) = (&self.waiting, 0, None);
        self.path.finish(|choice| {
            decided(formants(&waiting[count], choice));
            last = Some(choice);
            count += 1;
        });
        if last.is_some() {
            self.path = BestPath::new(last);
        }
    }
}

fn formants(resonances: &Resonances, choice: usize) -> Option<TrackedFormants> {
    let list = resonances.list();
    let [f1, f2, f3] = choose(list, choice)?.map(|r| r.hz);
    let above = list.iter().map(|r| r.hz).find(|hz| *hz > f3 + ABOVE_F3_HZ);
    Some(TrackedFormants { hz: [f1, f2, f3, above.unwrap_or(USUAL_F4_HZ.max(f3 + USUAL_F4_F3_HZ))] })
}
