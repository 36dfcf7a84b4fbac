//! Tree ensembles: interventional TreeSHAP, exact.
//!
//! A leaf is reached by a mixture of the row and a background row exactly if every question on its path is answered
//! rightly by whichever of the two gives the feature. Players (features, or groups of them) that only the row answers
//! rightly must be in the coalition, those that only the background answers rightly must be out of it; the Shapley
//! value of such a unanimity game is known in closed form. What the background rows answer is counted beforehand.

use crate::onnx::trees::{Ensemble, Mode, Node, Tree};

/// More players on one path than this are refused.
pub const LONGEST_PATH: usize = 64;

/// Condition on one feature on the path to a leaf. Sixteen bytes: there are many, and all are looked at for every row.
#[derive(Debug, Clone, Copy)]
struct Condition {
    /// At least this.
    lo: f32,
    /// At most this.
    hi: f32,
    feature: u32,
    /// Place of its player among those of the leaf.
    slot: u8,
    /// May be missing.
    missing: bool,
    /// There are values that it must differ from.
    excludes: bool,
}

impl Condition {
    fn holds(&self, row: &[f32], excluded: &[(u32, f32)]) -> bool {
        let x = row.get(self.feature as usize).copied().unwrap_or(f32::NAN);
        if x.is_nan() {
            return self.missing;
        }
        x >= self.lo && x <= self.hi && !(self.excludes && excluded.contains(&(self.feature, x)))
    }
}

/// Masks of the conditions that background rows fulfil, by slot: one entry for each way to do so.
#[derive(Debug, Clone)]
enum Masks {
    /// Up to sixteen players, as nearly always.
    Short(Vec<u16>),
    Long(Vec<u64>),
}

#[derive(Debug, Clone)]
struct Leaf {
    conditions: Vec<Condition>,
    /// Values that features must differ from.
    excluded: Vec<(u32, f32)>,
    /// Players on the path, by slot.
    players: Vec<usize>,
    masks: Masks,
    /// Share of the background rows that answer just as the mask beside says.
    counts: Vec<f64>,
    weights: Vec<(usize, f64)>,
}

/// An ensemble prepared for a background.
#[derive(Debug, Clone)]
pub struct TreeShap {
    leaves: Vec<Leaf>,
    players: usize,
    outputs: usize,
    /// Mean over the background of what is explained, by class or target.
    base: Vec<f64>,
    /// The first class's score is the complement of the second's.
    complement: Option<f64>,
    /// For `u` players that must be in and `v` that must be out: the share of each of the former, and of each of the latter.
    shares: Vec<Vec<(f64, f64)>>,
}

/// An ensemble whose paths are too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTooLong(
    /// Players on the path.
    pub usize,
);

impl TreeShap {
    /// Prepares an ensemble for a background of rows with `width` columns; `player[feature]` says which player a feature
    /// belongs to.
    ///
    /// # Errors
    /// [`PathTooLong`] for more than [`LONGEST_PATH`] players on one path.
    pub fn new(ensemble: &Ensemble, background: &[f32], width: usize, player: &[usize]) -> Result<Self, PathTooLong> {
        let rows: Vec<&[f32]> = background.chunks_exact(width.max(1)).collect();
        let mut leaves = Vec::new();
        for tree in &ensemble.trees {
            paths(tree, &mut |path, weights| {
                let mut leaf = leaf(path, weights, player)?;
                leaf.weights.iter_mut().for_each(|w| w.1 /= ensemble.divisor);
                let mut patterns: Vec<u64> = rows.iter().map(|r| leaf.mask(r)).collect();
                patterns.sort_unstable();
                let runs: Vec<(u64, f64)> =
                    patterns.chunk_by(|a, b| a == b).map(|c| (c[0], c.len() as f64 / rows.len() as f64)).collect();
                leaf.counts = runs.iter().map(|r| r.1).collect();
                leaf.masks = if leaf.players.len() <= 16 {
                    Masks::Short(runs.iter().map(|r| r.0 as u16).collect())
                } else {
                    Masks::Long(runs.iter().map(|r| r.0).collect())
                };
                leaves.push(leaf);
                Ok(())
            })?;
        }
        let mut base = vec![0.0; ensemble.outputs];
        for row in &rows {
            ensemble.sums(row).iter().zip(&mut base).for_each(|(s, b)| *b += s / rows.len() as f64);
        }
        let longest = leaves.iter().map(|l| l.players.len()).max().unwrap_or(0);
        Ok(Self {
            leaves,
            players: player.iter().map(|p| p + 1).max().unwrap_or(0),
            outputs: ensemble.outputs,
            base: ensemble.raw(&base),
            complement: ensemble.binary(),
            shares: shares(longest),
        })
    }

    /// Base value and one value for each player, for a class or target.
    #[must_use]
    pub fn attribute(&self, row: &[f32], target: usize) -> (f64, Vec<f64>) {
        let output = if self.outputs == 1 { 0 } else { target };
        // The first class of two is what the second is not.
        let sign = if self.complement.is_some() && target == 0 { -1.0 } else { 1.0 };
        let mut values = vec![0.0; self.players];
        self.each(row, &mut |player, share, weights| {
            // Weights are listed by output as a rule: looked up there first.
            let listed = weights.get(output).filter(|w| w.0 == output);
            let weight = listed.or_else(|| weights.iter().find(|w| w.0 == output)).map_or(0.0, |w| w.1);
            values[player] += sign * share * weight;
        });
        (self.base.get(target).copied().unwrap_or(0.0), values)
    }

    /// The same for all sums at once, player by player: `players * outputs` values. In the binary form there is one.
    #[must_use]
    pub fn attribute_all(&self, row: &[f32]) -> Vec<f64> {
        let mut values = vec![0.0; self.players * self.outputs];
        self.each(row, &mut |player, share, weights| {
            let of_player = &mut values[player * self.outputs..][..self.outputs];
            weights.iter().for_each(|(output, weight)| of_player[*output] += share * weight);
        });
        values
    }

    /// Every player's share in every leaf, with the leaf's weights.
    fn each(&self, row: &[f32], take: &mut impl FnMut(usize, f64, &[(usize, f64)])) {
        let mut gains = [0.0; LONGEST_PATH];
        for leaf in &self.leaves {
            let full = full(leaf.players.len());
            let ours = leaf.mask(row);
            let unmet = full & !ours;
            let v = unmet.count_ones() as usize;
            let (mut lost, mut touched) = (0.0, 0u64);
            let mut hit = |theirs: u64, count: f64| {
                let mut needed = full & !theirs;
                let (gain, loss) = self.shares[needed.count_ones() as usize][v];
                lost += count * loss;
                touched |= needed;
                while needed != 0 {
                    gains[needed.trailing_zeros() as usize] += count * gain;
                    needed &= needed - 1;
                }
            };
            match &leaf.masks {
                Masks::Short(masks) => {
                    let unmet = unmet as u16;
                    for (k, theirs) in masks.iter().enumerate() {
                        // What the row answers wrongly the background must answer rightly.
                        if unmet & !theirs == 0 {
                            hit(u64::from(*theirs), leaf.counts[k]);
                        }
                    }
                }
                Masks::Long(masks) => {
                    for (k, theirs) in masks.iter().enumerate() {
                        if unmet & !theirs == 0 {
                            hit(*theirs, leaf.counts[k]);
                        }
                    }
                }
            }
            while touched != 0 {
                let slot = touched.trailing_zeros() as usize;
                take(leaf.players[slot], std::mem::take(&mut gains[slot]), &leaf.weights);
                touched &= touched - 1;
            }
            let mut rest = if lost == 0.0 { 0 } else { unmet };
            while rest != 0 {
                take(leaf.players[rest.trailing_zeros() as usize], -lost, &leaf.weights);
                rest &= rest - 1;
            }
        }
    }
}

impl Leaf {
    /// Which slots a row answers rightly.
    fn mask(&self, row: &[f32]) -> u64 {
        let wrong = |c: &Condition| u64::from(!c.holds(row, &self.excluded)) << c.slot;
        full(self.players.len()) & !self.conditions.iter().fold(0, |m, c| m | wrong(c))
    }
}

fn full(slots: usize) -> u64 {
    if slots >= 64 { u64::MAX } else { (1 << slots) - 1 }
}

/// `(u-1)! v! / (u+v)!` and `u! (v-1)! / (u+v)!`, zero where there is nobody to share.
fn shares(longest: usize) -> Vec<Vec<(f64, f64)>> {
    let choose = |n: usize, k: usize| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    let share = |u: usize, v: usize| if u == 0 { 0.0 } else { 1.0 / (u as f64 * choose(u + v, v)) };
    (0..=longest).map(|u| (0..=longest).map(|v| (share(u, v), share(v, u))).collect()).collect()
}

/// A step on a path: the node's question, and whether the way was yes.
type Step<'a> = (&'a Node, bool);
type Visit<'a> = &'a mut dyn FnMut(&[Step<'_>], &[(usize, f64)]) -> Result<(), PathTooLong>;

fn paths(tree: &Tree, visit: Visit<'_>) -> Result<(), PathTooLong> {
    // Depth first, with the path kept beside: (node, its depth, the step that led to it).
    let mut path: Vec<Step<'_>> = Vec::new();
    let mut open: Vec<(usize, usize, Option<Step<'_>>)> = vec![(0, 0, None)];
    while let Some((at, depth, step)) = open.pop() {
        path.truncate(depth.saturating_sub(1));
        path.extend(step);
        match tree.nodes.get(at) {
            Some(node @ Node::Branch { yes, no, .. }) => {
                open.push((*no, depth + 1, Some((node, false))));
                open.push((*yes, depth + 1, Some((node, true))));
            }
            Some(Node::Leaf(weights)) => visit(&path, weights)?,
            None => {}
        }
    }
    Ok(())
}

fn leaf(path: &[Step<'_>], weights: &[(usize, f64)], player: &[usize]) -> Result<Leaf, PathTooLong> {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut players: Vec<usize> = Vec::new();
    let mut excluded: Vec<(u32, f32)> = Vec::new();
    for (node, up) in path {
        let Node::Branch { feature, mode, value, missing_yes, .. } = node else { continue };
        let known = conditions.iter().position(|c| c.feature as usize == *feature);
        let k = match known {
            Some(k) => k,
            None => {
                let who = player.get(*feature).copied().unwrap_or(0);
                let slot = players.iter().position(|p| *p == who).unwrap_or_else(|| {
                    players.push(who);
                    players.len() - 1
                });
                if slot >= LONGEST_PATH {
                    return Err(PathTooLong(slot + 1));
                }
                let (lo, hi) = (f32::NEG_INFINITY, f32::INFINITY);
                conditions.push(Condition {
                    lo,
                    hi,
                    feature: *feature as u32,
                    slot: slot as u8,
                    missing: true,
                    excludes: false,
                });
                conditions.len() - 1
            }
        };
        let c = &mut conditions[k];
        c.missing &= *missing_yes == *up;
        match (mode, up) {
            (Mode::Leq, true) | (Mode::Gt, false) => c.hi = c.hi.min(*value),
            (Mode::Leq, false) | (Mode::Gt, true) => c.lo = c.lo.max(value.next_up()),
            (Mode::Lt, true) | (Mode::Gte, false) => c.hi = c.hi.min(value.next_down()),
            (Mode::Lt, false) | (Mode::Gte, true) => c.lo = c.lo.max(*value),
            (Mode::Eq, true) | (Mode::Neq, false) => {
                c.hi = c.hi.min(*value);
                c.lo = c.lo.max(*value);
            }
            (Mode::Eq, false) | (Mode::Neq, true) => {
                c.excludes = true;
                excluded.push((c.feature, *value));
            }
        }
    }
    // Weights for one output may be listed more than once.
    let mut merged: Vec<(usize, f64)> = Vec::new();
    for &(output, w) in weights {
        match merged.iter_mut().find(|m| m.0 == output) {
            Some(m) => m.1 += w,
            None => merged.push((output, w)),
        }
    }
    Ok(Leaf { conditions, excluded, players, masks: Masks::Short(Vec::new()), counts: Vec::new(), weights: merged })
}
