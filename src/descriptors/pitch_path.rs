//! The most plausible course of F0 through the candidates: dynamic programming with a bounded delay.

use super::pitch_candidates::{CANDIDATES, Candidate};

/// A frame is decided at the latest when this many frames are undecided.
pub const MAX_UNDECIDED: usize = 40;

/// The places for candidates, and "unvoiced" last.
const STATES: usize = CANDIDATES + 1;
const UNVOICED: usize = CANDIDATES;
const VOICED_FROM: f64 = 0.7;
const IMPOSSIBLE: f64 = 999.0;
const SWITCH: f64 = 10.0;
const STAY_UNVOICED: f64 = 1.0;
const JUMP: f64 = 10.0;
const BEND: f64 = 10.0;

/// The survivor paths of one stream.
#[derive(Debug, Clone)]
pub struct PitchPath {
    cost: [f64; STATES],
    paths: [[u8; MAX_UNDECIDED]; STATES],
    frames: [[Candidate; CANDIDATES]; MAX_UNDECIDED],
    undecided: usize,
    /// `ln` ratio of the previously evaluated pair of places.
    bend: f64,
    started: bool,
}

impl Default for PitchPath {
    fn default() -> Self {
        Self {
            cost: [0.0; STATES],
            paths: [[0; MAX_UNDECIDED]; STATES],
            frames: [[Candidate::default(); CANDIDATES]; MAX_UNDECIDED],
            undecided: 0,
            bend: 1.0,
            started: false,
        }
    }
}

fn local_costs(frame: &[Candidate; CANDIDATES]) -> [f64; STATES] {
    let mut costs = [0.0; STATES];
    for (cost, c) in costs.iter_mut().zip(frame) {
        let p = c.voicing.clamp(0.01, 1.0);
        let bias = if p < VOICED_FROM { 4.0 } else { 0.0 };
        let range = match c.hz {
            f if f <= 0.0 => 2.0,
            f if f < 100.0 => 1.0 - f / 100.0,
            f if f < 350.0 => 0.0,
            f if f < 600.0 => (f - 350.0) / 250.0,
            _ => 1.2,
        };
        *cost = 2.0 * (bias - p.ln()) + range;
    }
    costs[UNVOICED] = if frame.iter().any(|c| c.voicing >= VOICED_FROM) { 8.0 } else { 0.0 };
    costs
}

impl PitchPath {
    /// Number of frames whose F0 is not decided yet.
    #[must_use]
    pub fn undecided(&self) -> usize {
        self.undecided
    }

    /// Takes the candidates of the next frame and hands on every F0 (in Hz, 0 = unvoiced) that is now decided, in
    /// order. A frame is decided when all survivor paths agree on it, or when it is the 40th that waits.
    pub fn push(&mut self, frame: &[Candidate; CANDIDATES], mut decided: impl FnMut(f64)) {
        let local = local_costs(frame);
        if self.started {
            self.advance(frame, &local);
        } else {
            self.started = true;
            self.cost = local;
        }
        for (state, path) in self.paths.iter_mut().enumerate() {
            path[self.undecided] = state as u8;
        }
        self.frames[self.undecided] = *frame;
        self.undecided += 1;
        if self.undecided >= MAX_UNDECIDED {
            // A full queue is relieved by one frame a step even where the paths agree on more, as in the reference.
            let best = self.cheapest();
            self.release(1, best, &mut decided);
        } else {
            let first = &self.paths[0];
            let agreed = (0..self.undecided).take_while(|&i| self.paths[1..].iter().all(|p| p[i] == first[i])).count();
            self.release(agreed, 0, &mut decided);
        }
    }

    /// Decides the rest on the cheapest path. The next frame starts a new stream.
    pub fn finish(&mut self, mut decided: impl FnMut(f64)) {
        if self.undecided > 0 {
            let best = self.cheapest();
            self.release(self.undecided, best, &mut decided);
        }
        *self = Self::default();
    }

    fn cheapest(&self) -> usize {
        let mut best = 0;
        for s in 1..STATES {
            if self.cost[s] < self.cost[best] {
                best = s;
            }
        }
        best
    }

    fn release(&mut self, count: usize, path: usize, decided: &mut impl FnMut(f64)) {
        if count == 0 {
            return;
        }
        for i in 0..count {
            let state = usize::from(self.paths[path][i]);
            decided(self.frames[i].get(state).map_or(0.0, |c| c.hz));
        }
        for p in &mut self.paths {
            p.copy_within(count..self.undecided, 0);
        }
        self.frames.copy_within(count..self.undecided, 0);
        self.undecided -= count;
    }

    fn advance(&mut self, frame: &[Candidate; CANDIDATES], local: &[f64; STATES]) {
        // At least one earlier frame is still undecided, or all paths agree on the last one: its candidates stay in
        // `last` either way.
        let last = self.last();
        let mut source = [0usize; STATES];
        let mut cost = [0.0f64; STATES];
        for target in 0..STATES {
            let mut best = f64::INFINITY;
            for (from, &so_far) in self.cost.iter().enumerate() {
                let step = match (from == UNVOICED, target == UNVOICED) {
                    (true, true) => STAY_UNVOICED,
                    (true, false) | (false, true) => {
                        self.bend = 0.0;
                        SWITCH
                    }
                    (false, false) => {
                        let (f, g) = (last[from].hz, frame[target].hz);
                        if f == 0.0 || g == 0.0 {
                            IMPOSSIBLE
                        } else {
                            let r = (g / f).ln();
                            let step = JUMP * r.abs() + BEND * (r - self.bend).abs();
                            self.bend = r;
                            step
                        }
                    }
                };
                let total = so_far + step;
                if total < best {
                    best = total;
                    source[target] = from;
                }
            }
            cost[target] = best + local[target];
        }
        // Only differences matter; keeping the smallest at 0 keeps an hour of audio as exact as a second.
        let least = cost.iter().copied().fold(f64::INFINITY, f64::min);
        self.cost = cost.map(|c| c - least);
        let old = self.paths;
        for (path, &from) in self.paths.iter_mut().zip(&source) {
            path[..self.undecided].copy_from_slice(&old[from][..self.undecided]);
        }
    }

    fn last(&self) -> [Candidate; CANDIDATES] {
        // The newest frame is never decided by agreement: its state differs between the paths by construction.
        self.frames[self.undecided.saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(hz: f64, voicing: f64) -> [Candidate; CANDIDATES] {
        let mut f = [Candidate::default(); CANDIDATES];
        f[0] = Candidate { hz, voicing, score: 1.0 };
        f
    }

    fn run(frames: &[[Candidate; CANDIDATES]]) -> Vec<f64> {
        let mut path = PitchPath::default();
        let mut out = Vec::new();
        for f in frames {
            path.push(f, |hz| out.push(hz));
            assert!(path.undecided() < MAX_UNDECIDED);
        }
        path.finish(|hz| out.push(hz));
        out
    }

    #[test]
    fn every_frame_gets_one_decision() {
        for n in [0usize, 1, 2, 39, 40, 41, 200] {
            let frames: Vec<_> = (0..n).map(|i| frame(100.0 + i as f64, if i % 50 < 25 { 0.9 } else { 0.1 })).collect();
            assert_eq!(run(&frames).len(), n);
        }
    }

    #[test]
    fn a_steady_voice_is_followed_and_silence_is_unvoiced() {
        let mut frames = vec![[Candidate::default(); CANDIDATES]; 20];
        frames.extend(vec![frame(150.0, 0.9); 30]);
        frames.extend(vec![[Candidate::default(); CANDIDATES]; 20]);
        let out = run(&frames);
        assert!(out[..20].iter().chain(&out[50..]).all(|f| *f == 0.0));
        assert!(out[20..50].iter().all(|f| *f == 150.0));
    }

    /// A single octave jump of the first candidate is bridged by the second one.
    #[test]
    fn an_octave_jump_is_bridged() {
        let frames: Vec<_> = (0..31)
            .map(|i| {
                let mut f = frame(if i == 15 { 300.0 } else { 150.0 }, 0.9);
                f[1] = Candidate { hz: if i == 15 { 150.0 } else { 300.0 }, voicing: 0.8, score: 0.9 };
                f
            })
            .collect();
        assert!(run(&frames).iter().all(|f| *f == 150.0));
    }
}
