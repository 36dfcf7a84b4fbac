//! The cheapest path through a lattice, decided with a bounded delay (Viterbi).

/// Survivor paths through frames of `STATES` states each, of which at most `DELAY` are undecided.
#[derive(Debug, Clone)]
pub struct BestPath<const STATES: usize, const DELAY: usize> {
    cost: [f64; STATES],
    paths: [[u8; DELAY]; STATES],
    undecided: usize,
}

/// A cost that no sum of real ones reaches.
pub const IMPOSSIBLE: f64 = 1e9;

impl<const STATES: usize, const DELAY: usize> BestPath<STATES, DELAY> {
    /// A lattice at its beginning, where only `state` is possible, or any state if there is none.
    #[must_use]
    pub fn new(state: Option<usize>) -> Self {
        Self {
            cost: std::array::from_fn(|s| if state.is_none_or(|only| only == s) { 0.0 } else { IMPOSSIBLE }),
            paths: [[0; DELAY]; STATES],
            undecided: 0,
        }
    }

    /// Number of frames that wait for a decision.
    #[must_use]
    pub fn undecided(&self) -> usize {
        self.undecided
    }

    /// Takes the next frame: the cost of each state there, and of each step to it (`step(to, from)`). Hands on the
    /// states of all frames that are now decided, in order: those on which the survivors of all possible states
    /// agree, and the oldest one on the cheapest path when `DELAY` of them wait. Ties go to the lower state.
    pub fn push(&mut self, local: &[f64; STATES], step: impl Fn(usize, usize) -> f64, mut decided: impl FnMut(usize)) {
        let mut cost = [0.0; STATES];
        let mut from = [0usize; STATES];
        for to in 0..STATES {
            let (mut best, mut at) = (f64::INFINITY, 0);
            for (source, c) in self.cost.iter().enumerate() {
                let sum = c + step(to, source);
                if sum < best {
                    (best, at) = (sum, source);
                }
            }
            cost[to] = (best + local[to]).min(IMPOSSIBLE);
            from[to] = at;
        }
        let lowest = cost.iter().fold(f64::INFINITY, |a, b| a.min(*b));
        let old = self.paths;
        for to in 0..STATES {
            self.paths[to] = old[from[to]];
            self.paths[to][self.undecided] = to as u8;
            // What is out of reach stays so; everything else is counted from the cheapest.
            self.cost[to] = if cost[to] >= IMPOSSIBLE { IMPOSSIBLE } else { cost[to] - lowest };
        }
        self.undecided += 1;
        let best = self.cheapest();
        let possible = |s: usize| self.cost[s] < IMPOSSIBLE;
        let mut agreed = (0..self.undecided)
            .take_while(|&i| (0..STATES).all(|s| !possible(s) || self.paths[s][i] == self.paths[best][i]))
            .count();
        if agreed == 0 && self.undecided == DELAY {
            agreed = 1;
        }
        self.release(agreed, best, &mut decided);
    }

    /// Decides the rest on the cheapest path.
    pub fn finish(&mut self, mut decided: impl FnMut(usize)) {
        let best = self.cheapest();
        self.release(self.undecided, best, &mut decided);
    }

    fn cheapest(&self) -> usize {
        (1..STATES).fold(0, |best, s| if self.cost[s] < self.cost[best] { s } else { best })
    }

    fn release(&mut self, count: usize, path: usize, decided: &mut impl FnMut(usize)) {
        if count == 0 {
            return;
        }
        for state in &self.paths[path][..count] {
            decided(usize::from(*state));
        }
        // A survivor that left the decided path is out.
        let kept = self.paths[path];
        for s in 0..STATES {
            if self.paths[s][..count] != kept[..count] {
                self.cost[s] = IMPOSSIBLE;
            }
            self.paths[s].copy_within(count..self.undecided, 0);
        }
        self.undecided -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const N: usize = 3;

    /// The cheapest of all paths by trying each.
    fn brute(locals: &[[f64; N]], step: &impl Fn(usize, usize) -> f64) -> (Vec<usize>, f64) {
        let mut best = (Vec::new(), f64::INFINITY);
        for code in 0..N.pow(locals.len() as u32) {
            let path: Vec<usize> = (0..locals.len()).map(|t| code / N.pow(t as u32) % N).collect();
            let mut sum = 0.0;
            for (t, &s) in path.iter().enumerate() {
                sum += locals[t][s] + if t == 0 { 0.0 } else { step(s, path[t - 1]) };
            }
            if sum < best.1 {
                best = (path, sum);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn finds_the_cheapest_path(locals in prop::collection::vec(prop::array::uniform3(0.0f64..4.0), 1..7)) {
            let step = |to: usize, from: usize| (to as f64 - from as f64).abs() * 1.3;
            let mut path = BestPath::<N, 16>::new(None);
            let mut found = Vec::new();
            for (t, l) in locals.iter().enumerate() {
                path.push(l, |a, b| if t == 0 { 0.0 } else { step(a, b) }, |s| found.push(s));
            }
            path.finish(|s| found.push(s));
            let (_, lowest) = brute(&locals, &step);
            let mut sum = 0.0;
            for (t, &s) in found.iter().enumerate() {
                sum += locals[t][s] + if t == 0 { 0.0 } else { step(s, found[t - 1]) };
            }
            prop_assert!((sum - lowest).abs() < 1e-9);
        }
    }

    #[test]
    fn a_decision_waits_no_longer_than_allowed() {
        let mut path = BestPath::<2, 4>::new(None);
        let mut count = 0;
        for _ in 0..20 {
            // Two worlds that never meet.
            path.push(
                &[0.0, 0.1],
                |a, b| if a == b { 0.0 } else { 50.0 },
                |s| {
                    assert_eq!(s, 0);
                    count += 1;
                },
            );
            assert!(path.undecided() < 4);
        }
        path.finish(|_| count += 1);
        assert_eq!(count, 20);
    }
}
