//! Attributions against brute force over all coalitions in float64, and the laws that define them.

use affect::explain::sampled::{Effort, estimate};
use affect::explain::trees::TreeShap;
use affect::explain::{Game, TakeRow, linear, shapley};
use affect::model::ModelError;
use affect::onnx::affine::{Affine, Link};
use affect::onnx::trees::{Ensemble, Labels, Mode, Node, Post, Tree};
use affect::signal::random::Random;
use proptest::prelude::*;

/// A function of rows in float64.
struct Function<F: Fn(&[f32]) -> Vec<f64>> {
    width: usize,
    outputs: usize,
    of: F,
}

impl<F: Fn(&[f32]) -> Vec<f64>> Game for Function<F> {
    fn outputs(&self) -> usize {
        self.outputs
    }

    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError> {
        rows.chunks_exact(self.width).for_each(|r| take(&(self.of)(r)));
        Ok(())
    }
}

/// The textbook: over all subsets, with factorials, one output at a time.
fn brute_force(f: &dyn Fn(&[f32]) -> f64, row: &[f32], background: &[Vec<f32>], players: &[Vec<usize>]) -> Vec<f64> {
    let n = players.len();
    let factorial = |k: usize| (1..=k).map(|v| v as f64).product::<f64>();
    let worth = |s: usize| {
        let mixed = background.iter().map(|b| {
            let mut x = b.clone();
            players
                .iter()
                .enumerate()
                .filter(|(p, _)| s >> p & 1 == 1)
                .flat_map(|(_, c)| c)
                .for_each(|c| x[*c] = row[*c]);
            f(&x)
        });
        mixed.sum::<f64>() / background.len() as f64
    };
    (0..n)
        .map(|p| {
            (0..1usize << n)
                .filter(|s| s >> p & 1 == 0)
                .map(|s| {
                    let k = s.count_ones() as usize;
                    factorial(k) * factorial(n - k - 1) / factorial(n) * (worth(s | 1 << p) - worth(s))
                })
                .sum()
        })
        .collect()
}

fn close(a: &[f64], b: &[f64], what: &str) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 1e-9 * scale, "{what}: off by {worst:e}\n{a:?}\n{b:?}");
}

fn unit(r: &mut Random) -> f64 {
    r.bits() as f64 / u64::MAX as f64
}

/// Coarse values, so that ties with thresholds happen; now and then a missing one.
fn value(r: &mut Random) -> f32 {
    if r.below(8) == 0 { f32::NAN } else { (r.below(9) as f32 - 4.0) / 2.0 }
}

fn rows(r: &mut Random, count: usize, d: usize, mut one: impl FnMut(&mut Random) -> f32) -> Vec<Vec<f32>> {
    (0..count).map(|_| (0..d).map(|_| one(r)).collect()).collect()
}

/// A random tree: any comparison, repeated features on a path, missing values either way, single leaves.
fn tree(r: &mut Random, d: usize, depth: usize, outputs: usize) -> Tree {
    fn grow(r: &mut Random, nodes: &mut Vec<Node>, d: usize, depth: usize, outputs: usize) -> usize {
        let at = nodes.len();
        nodes.push(Node::Leaf((0..outputs).map(|k| (k, unit(r) * 4.0 - 2.0)).collect()));
        if depth > 0 && r.below(5) > 0 {
            let modes = [Mode::Leq, Mode::Lt, Mode::Gte, Mode::Gt, Mode::Eq, Mode::Neq];
            let (feature, mode, value) = (r.below(d), modes[r.below(6)], (r.below(9) as f32 - 4.0) / 2.0);
            let missing_yes = mode == Mode::Neq || r.below(2) == 0;
            let yes = grow(r, nodes, d, depth - 1, outputs);
            let no = grow(r, nodes, d, depth - 1, outputs);
            nodes[at] = Node::Branch { feature, mode, value, yes, no, missing_yes };
        }
        at
    }
    let mut nodes = Vec::new();
    grow(r, &mut nodes, d, depth, outputs);
    Tree { nodes }
}

fn ensemble(r: &mut Random, d: usize, outputs: usize) -> Ensemble {
    let trees = (0..1 + r.below(6))
        .map(|_| {
            let depth = r.below(6);
            tree(r, d, depth, outputs)
        })
        .collect();
    let base = (0..outputs).map(|_| unit(r)).collect();
    Ensemble {
        trees,
        base,
        outputs,
        features: d,
        divisor: 1.0 + r.below(3) as f64,
        post: Post::None,
        labels: Labels::None,
        positive: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn trees_equal_brute_force(seed in any::<u64>(), d in 1usize..9) {
        let r = &mut Random(seed);
        let e = ensemble(r, d, 2);
        let count = 1 + r.below(6);
        let background = rows(r, count, d, value);
        let row = &rows(r, 1, d, value)[0];
        let flat = background.concat();
        let single: Vec<usize> = (0..d).collect();
        let paired: Vec<usize> = (0..d).map(|c| c / 2).collect();
        for player in [single, paired] {
            let groups: Vec<Vec<usize>> = (0..=player[d - 1]).map(|p| (0..d).filter(|c| player[*c] == p).collect()).collect();
            let shap = TreeShap::new(&e, &flat, d, &player).unwrap();
            for target in 0..2 {
                let (base, values) = shap.attribute(row, target);
                let expected = brute_force(&|x| e.sums(x)[target], row, &background, &groups);
                close(&values, &expected, "trees");
                let output = e.sums(row)[target];
                prop_assert!((output - base - values.iter().sum::<f64>()).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn linear_maps_equal_brute_force(seed in any::<u64>(), d in 1usize..11) {
        let r = &mut Random(seed);
        let number = |r: &mut Random| unit(r) as f32 * 4.0 - 2.0;
        let map = Affine {
            weights: (0..2 * d).map(|_| unit(r) - 0.5).collect(),
            bias: vec![0.3, -1.0],
            inputs: d,
            link: Link::Softmax,
            labels: vec![],
        };
        let background = rows(r, 5, d, number);
        let row = &rows(r, 1, d, number)[0];
        let mean: Vec<f64> = (0..d).map(|c| background.iter().map(|b| f64::from(b[c])).sum::<f64>() / 5.0).collect();
        let single: Vec<Vec<usize>> = (0..d).map(|c| vec![c]).collect();
        for target in 0..2 {
            let (base, values) = linear::attribute(&map, row, &mean, target);
            let f = |x: &[f32]| affect::model::builtin::linear_scores(&map, x)[target];
            close(&values, &brute_force(&f, row, &background, &single), "linear");
            prop_assert!((f(row) - base - values.iter().sum::<f64>()).abs() < 1e-9);
        }
    }

    /// A network with two hidden layers in float64, up to twelve players, blocks and Gray code and all.
    #[test]
    fn groups_of_a_network_equal_brute_force(seed in any::<u64>(), d in 2usize..13, count in 1usize..4, size in 1usize..40) {
        let r = &mut Random(seed);
        let w: Vec<f64> = (0..d * 6 + 6 * 3).map(|_| unit(r) * 2.0 - 1.0).collect();
        let network = |x: &[f32]| -> Vec<f64> {
            let hidden: Vec<f64> = (0..6).map(|h| (0..d).map(|c| w[h * d + c] * f64::from(x[c])).sum::<f64>().tanh()).collect();
            (0..3).map(|k| (0..6).map(|h| w[d * 6 + k * 6 + h] * hidden[h]).sum::<f64>().exp()).collect()
        };
        let number = |r: &mut Random| unit(r) as f32 * 4.0 - 2.0;
        // More rows than fit into one block for many players, and fewer for few.
        let background = rows(r, if d > 9 { count } else { size }, d, number);
        let row = &rows(r, 1, d, number)[0];
        let groups: Vec<Vec<usize>> = (0..d).map(|c| vec![c]).collect();
        let game = Function { width: d, outputs: 3, of: network };
        let worth = shapley::worths(&game, row, &background.concat(), &groups).unwrap();
        let values = shapley::from_worths(d, 3, &worth);
        for k in 0..3 {
            let found: Vec<f64> = values.iter().skip(k).step_by(3).copied().collect();
            close(&found, &brute_force(&|x| network(x)[k], row, &background, &groups), "network");
        }
    }

    /// Dummy: who never matters gets nothing. Symmetry: who matters alike gets alike. Linearity: values of a sum are sums
    /// of values. Completeness: they add up.
    #[test]
    fn the_axioms_hold(seed in any::<u64>(), d in 3usize..8) {
        let r = &mut Random(seed);
        let number = |r: &mut Random| (unit(r) * 4.0 - 2.0) as f32;
        let (a, b) = (unit(r), unit(r));
        let mut background = rows(r, 6, d, number);
        let mut row = rows(r, 1, d, number).remove(0);
        // The first two play the same part everywhere; the last plays none.
        background.iter_mut().for_each(|x| x[1] = x[0]);
        row[1] = row[0];
        let f = move |x: &[f32]| f64::from(x[0]) * f64::from(x[1]) * a + f64::from(x[2]).sin();
        let g = move |x: &[f32]| (f64::from(x[0]) + f64::from(x[1])).powi(2) * b;
        let game = Function { width: d, outputs: 3, of: |x: &[f32]| vec![f(x), g(x), 2.0 * f(x) - 3.0 * g(x)] };
        let groups: Vec<Vec<usize>> = (0..d).map(|c| vec![c]).collect();
        let flat = background.concat();
        let exact = shapley::from_worths(d, 3, &shapley::worths(&game, &row, &flat, &groups).unwrap());
        let sampled = estimate(&game, &row, &flat, &groups, Effort { relative_error: 0.05, most_rows: 20_000 }).unwrap().values;
        for (values, tolerance) in [(&exact, 1e-10), (&sampled, 1e-9)] {
            for k in 0..3 {
                let at = |c: usize| values[c * 3 + k];
                prop_assert!((3..d).all(|c| at(c).abs() < 1e-12), "dummies");
                let total: f64 = (0..d).map(at).sum();
                let ends = |x: &[f32]| [f(x), g(x), 2.0 * f(x) - 3.0 * g(x)][k];
                let base = background.iter().map(|x| ends(x)).sum::<f64>() / 6.0;
                prop_assert!((total - (ends(&row) - base)).abs() < 1e-9, "completeness");
            }
            for c in 0..d {
                let [p, q, both] = [values[c * 3], values[c * 3 + 1], values[c * 3 + 2]];
                prop_assert!((2.0 * p - 3.0 * q - both).abs() < tolerance, "linearity");
            }
        }
        for k in 0..3 {
            prop_assert!((exact[k] - exact[3 + k]).abs() < 1e-10, "symmetry");
        }
    }
}

/// Sampled values lie around the exact ones as their standard errors say.
#[test]
fn standard_errors_are_honest() {
    let r = &mut Random(7);
    let number = |r: &mut Random| (unit(r) * 4.0 - 2.0) as f32;
    let d = 10;
    let background = rows(r, 8, d, number);
    let groups: Vec<Vec<usize>> = (0..d).map(|c| vec![c]).collect();
    let (mut inside, mut all) = (0, 0);
    for _ in 0..40 {
        let row = rows(r, 1, d, number).remove(0);
        let shift = unit(r);
        let of = move |x: &[f32]| {
            vec![x.windows(2).map(|w| f64::from(w[0] * w[1])).sum::<f64>().sin() + shift * f64::from(x[0])]
        };
        let game = Function { width: d, outputs: 1, of };
        let exact = shapley::from_worths(d, 1, &shapley::worths(&game, &row, &background.concat(), &groups).unwrap());
        let e = estimate(&game, &row, &background.concat(), &groups, Effort { relative_error: 0.05, most_rows: 8_000 })
            .unwrap();
        for c in 0..d {
            all += 1;
            inside += usize::from((e.values[c] - exact[c]).abs() <= 2.0 * e.stderr[c] + 1e-12);
        }
    }
    // About 95 % of normal deviates; background rows are stratified, so rather more.
    assert!(inside as f64 >= 0.92 * all as f64, "{inside} of {all} within two standard errors");
}

/// Members walked together add up to what their group has.
#[test]
fn members_of_groups_are_walked_together() {
    let r = &mut Random(11);
    let number = |r: &mut Random| (unit(r) * 2.0 - 1.0) as f32;
    let background = rows(r, 4, 6, number);
    let row = rows(r, 1, 6, number).remove(0);
    let of = |x: &[f32]| vec![f64::from(x[0] * x[3] + x[1] * x[4] * x[5] - x[2])];
    let game = Function { width: 6, outputs: 1, of };
    let groups = vec![vec![0, 1, 2], vec![3, 4, 5]];
    let e =
        estimate(&game, &row, &background.concat(), &groups, Effort { relative_error: 0.002, most_rows: 4_000_000 })
            .unwrap();
    let exact = shapley::from_worths(2, 1, &shapley::worths(&game, &row, &background.concat(), &groups).unwrap());
    for (g, members) in groups.iter().enumerate() {
        let sum: f64 = members.iter().map(|c| e.values[*c]).sum();
        assert!((sum - exact[g]).abs() < 0.01, "{sum} {}", exact[g]);
    }
}
