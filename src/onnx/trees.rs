//! Tree ensembles (`TreeEnsembleClassifier` and `TreeEnsembleRegressor` of `ai.onnx.ml` 1 to 4): parsing and evaluation.
//!
//! Thresholds and inputs are compared in float32, as the standard says; leaf weights are added up in float64.

use super::error::OnnxError;
use super::graph::{attribute, node_name, op_name};
use super::proto::NodeProto;
use std::collections::HashMap;

/// How a branch compares the feature with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `x <= value`
    Leq,
    /// `x < value`
    Lt,
    /// `x >= value`
    Gte,
    /// `x > value`
    Gt,
    /// `x == value`
    Eq,
    /// `x != value`
    Neq,
}

impl Mode {
    /// The comparison. Missing values (NaN) are the caller's business.
    #[must_use]
    pub fn holds(self, x: f32, value: f32) -> bool {
        match self {
            Self::Leq => x <= value,
            Self::Lt => x < value,
            Self::Gte => x >= value,
            Self::Gt => x > value,
            Self::Eq => x == value,
            Self::Neq => x != value,
        }
    }
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A question about one feature.
    Branch {
        /// Index of the feature.
        feature: usize,
        /// The comparison.
        mode: Mode,
        /// The threshold.
        value: f32,
        /// Node for yes.
        yes: usize,
        /// Node for no.
        no: usize,
        /// Whether a missing value goes the way of yes.
        missing_yes: bool,
    },
    /// Weights by output.
    Leaf(Vec<(usize, f64)>),
}

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// Nothing.
    None,
    /// The softmax over the outputs.
    Softmax,
    /// The logistic function of each output.
    Logistic,
}

/// One tree; node 0 is its root.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// Class labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labels {
    /// None: a regression.
    None,
    /// Numbers.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Labels {
    /// The labels as texts.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Integers(list) => list.iter().map(ToString::to_string).collect(),
            Self::Texts(list) => list.clone(),
        }
    }
}

/// An ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// The trees.
    pub trees: Vec<Tree>,
    /// Added to the sums, by output.
    pub base: Vec<f64>,
    /// Number of sums: one in the binary form, whose score belongs to the second class.
    pub outputs: usize,
    /// Number of features that the trees look at: the highest index and one.
    pub features: usize,
    /// Divides the sums: the number of trees for averages, otherwise 1.
    pub divisor: f64,
    /// What becomes of the sums.
    pub post: Post,
    /// Labels of a classifier.
    pub labels: Labels,
    /// No leaf weighs less than nothing: the binary form then gives probabilities.
    pub positive: bool,
}

/// Lists that describe the nodes must agree in length.
fn same(node: &NodeProto, name: &str, found: usize, expected: usize) -> Result<(), OnnxError> {
    if found == expected {
        return Ok(());
    }
    let node = node_name(node);
    Err(OnnxError::Graph(format!("node \"{node}\": {name} has {found} entries: expected {expected}")))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Ensemble {
    /// Reads a node.
    ///
    /// # Errors
    /// [`OnnxError::Graph`] for lists that disagree, loops, or references to nowhere; [`OnnxError::Operator`] for forms
    /// that are not handled (minimum and maximum over trees, set membership, probit).
    pub fn read(node: &NodeProto) -> Result<Self, OnnxError> {
        let ints = |name: &str| attribute(node, name).map_or(&[][..], |a| &a.ints);
        let floats = |name: &str| -> Vec<f64> {
            let tensor = attribute(node, &format!("{name}_as_tensor")).and_then(|a| a.t.as_ref());
            match tensor.map(super::tensor::floats) {
                Some(Ok(list)) => list,
                _ => attribute(node, name).map_or_else(Vec::new, |a| a.floats.iter().map(|v| f64::from(*v)).collect()),
            }
        };
        let refuse = |why: &str| OnnxError::Operator {
            op: op_name(node),
            node: node_name(node).to_owned(),
            why: why.to_owned(),
        };
        let broken = |why: String| OnnxError::Graph(format!("node \"{}\": {why}", node_name(node)));
        let classifier = node.op_type == "TreeEnsembleClassifier";
        let leaf = if classifier { "class" } else { "target" };

        let (trees, ids) = (ints("nodes_treeids"), ints("nodes_nodeids"));
        let n = ids.len();
        let features = ints("nodes_featureids");
        let (yes, no) = (ints("nodes_truenodeids"), ints("nodes_falsenodeids"));
        let missing = ints("nodes_missing_value_tracks_true");
        let values = floats("nodes_values");
        let modes = attribute(node, "nodes_modes").map_or(&[][..], |a| &a.strings);
        for (name, found) in [
            ("nodes_treeids", trees.len()),
            ("nodes_featureids", features.len()),
            ("nodes_truenodeids", yes.len()),
            ("nodes_falsenodeids", no.len()),
            ("nodes_values", values.len()),
            ("nodes_modes", modes.len()),
        ] {
            same(node, name, found, n)?;
        }
        if !missing.is_empty() {
            same(node, "nodes_missing_value_tracks_true", missing.len(), n)?;
        }
        let labels = match (attribute(node, "classlabels_strings"), attribute(node, "classlabels_int64s")) {
            (Some(a), _) if !a.strings.is_empty() => Labels::Texts(a.strings.iter().map(|s| text(s)).collect()),
            (_, Some(a)) if !a.ints.is_empty() => Labels::Integers(a.ints.clone()),
            _ if classifier => return Err(broken("a classifier without labels".to_owned())),
            _ => Labels::None,
        };
        let weights = floats(&format!("{leaf}_weights"));
        let (weight_trees, weight_nodes, weight_ids) =
            (ints(&format!("{leaf}_treeids")), ints(&format!("{leaf}_nodeids")), ints(&format!("{leaf}_ids")));
        same(node, &format!("{leaf}_treeids"), weight_trees.len(), weights.len())?;
        same(node, &format!("{leaf}_nodeids"), weight_nodes.len(), weights.len())?;
        same(node, &format!("{leaf}_ids"), weight_ids.len(), weights.len())?;

        let classes = labels.names().len();
        let binary = classes == 2 && weight_ids.windows(2).all(|w| w[0] == w[1]);
        let outputs = match (&labels, binary) {
            (Labels::None, _) => usize::try_from(attribute(node, "n_targets").map_or(1, |a| a.i)).unwrap_or(0),
            (_, true) => 1,
            (_, false) => classes,
        };
        if outputs == 0 || outputs > 1 << 16 {
            return Err(broken(format!("{outputs} outputs")));
        }

        // Places of the nodes: tree by tree in order of appearance.
        let mut order: Vec<i64> = Vec::new();
        let mut places: HashMap<(i64, i64), usize> = HashMap::new();
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for (&t, &i) in trees.iter().zip(ids) {
            let count = counts.entry(t).or_insert_with(|| {
                order.push(t);
                0
            });
            if places.insert((t, i), *count).is_some() {
                return Err(broken(format!("tree {t} has two nodes {i}")));
            }
            *count += 1;
        }
        let index: HashMap<i64, usize> = order.iter().enumerate().map(|(k, t)| (*t, k)).collect();
        let mut built: Vec<Tree> = order.iter().map(|t| Tree { nodes: Vec::with_capacity(counts[t]) }).collect();
        let mut highest = 0;
        for k in 0..n {
            let t = trees[k];
            let mode = match modes[k].as_ref() {
                b"BRANCH_LEQ" => Some(Mode::Leq),
                b"BRANCH_LT" => Some(Mode::Lt),
                b"BRANCH_GTE" => Some(Mode::Gte),
                b"BRANCH_GT" => Some(Mode::Gt),
                b"BRANCH_EQ" => Some(Mode::Eq),
                b"BRANCH_NEQ" => Some(Mode::Neq),
                b"LEAF" => None,
                other => return Err(refuse(&format!("mode {} is not handled", text(other)))),
            };
            let place = |id: i64| {
                places.get(&(t, id)).copied().ok_or_else(|| broken(format!("tree {t} has no node {id} to go to")))
            };
            built[index[&t]].nodes.push(match mode {
                None => Node::Leaf(Vec::new()),
                Some(_) if values[k].is_nan() => return Err(broken(format!("threshold {k} is not a number"))),
                Some(mode) => {
                    let feature = usize::try_from(features[k])
                        .ok()
                        .filter(|f| *f < 1 << 20)
                        .ok_or_else(|| broken(format!("feature {}", features[k])))?;
                    highest = highest.max(feature + 1);
                    Node::Branch {
                        feature,
                        mode,
                        value: values[k] as f32,
                        yes: place(yes[k])?,
                        no: place(no[k])?,
                        // A missing value differs from every threshold.
                        missing_yes: mode == Mode::Neq || missing.get(k).is_some_and(|m| *m != 0),
                    }
                }
            });
        }
        for k in 0..weights.len() {
            let (t, i) = (weight_trees[k], weight_nodes[k]);
            let output = if binary { 0 } else { usize::try_from(weight_ids[k]).unwrap_or(usize::MAX) };
            let place = places.get(&(t, i)).ok_or_else(|| broken(format!("a weight for node {i} of tree {t}")))?;
            match &mut built[index[&t]].nodes[*place] {
                Node::Leaf(list) if output < outputs && weights[k].is_finite() => list.push((output, weights[k])),
                _ => return Err(broken(format!("weight {k} belongs to no leaf and output there is"))),
            }
        }
        built.iter().enumerate().try_for_each(|(k, t)| {
            if t.is_tree() { Ok(()) } else { Err(broken(format!("tree {} is no tree", order[k]))) }
        })?;
        let base = floats("base_values");
        let base = match base.len() {
            0 => vec![0.0; outputs],
            b if b == outputs => base,
            // The binary form may name both classes; the score is the second one's.
            2 if binary => vec![base[1]],
            b => return Err(broken(format!("{b} base values for {outputs} outputs"))),
        };
        let post = match attribute(node, "post_transform").map_or(&b"NONE"[..], |a| &a.s) {
            b"NONE" | b"" => Post::None,
            b"SOFTMAX" => Post::Softmax,
            b"LOGISTIC" => Post::Logistic,
            other => return Err(refuse(&format!("post-transform {} is not handled", text(other)))),
        };
        let divisor = match attribute(node, "aggregate_function").map_or(&b"SUM"[..], |a| &a.s) {
            b"SUM" | b"" => 1.0,
            b"AVERAGE" => built.len().max(1) as f64,
            other => return Err(refuse(&format!("{} over trees is not handled", text(other)))),
        };
        let positive = weights.iter().all(|w| *w >= 0.0);
        Ok(Self { trees: built, base, outputs, features: highest, divisor, post, labels, positive })
    }

    /// The sums for a row, before the post-transform; missing values are NaN, missing columns too.
    #[must_use]
    pub fn sums(&self, row: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.outputs];
        for t in &self.trees {
            for &(output, weight) in t.leaf(row) {
                sums[output] += weight;
            }
        }
        sums.iter().zip(&self.base).map(|(s, b)| s / self.divisor + b).collect()
    }

    /// What is explained for each class (or target): the sums, and in the binary form both classes.
    #[must_use]
    pub fn raw(&self, sums: &[f64]) -> Vec<f64> {
        match self.binary() {
            None => sums.to_vec(),
            Some(offset) => vec![offset - sums[0], sums[0]],
        }
    }

    /// In the binary form, what the first class is the complement to: 1 for probabilities, 0 for margins.
    #[must_use]
    pub fn binary(&self) -> Option<f64> {
        let two = self.labels != Labels::None && self.outputs == 1 && self.labels.names().len() == 2;
        two.then_some(if self.post == Post::None && self.positive { 1.0 } else { 0.0 })
    }

    /// The scores as the standard defines them: after the post-transform, one for each class or target.
    #[must_use]
    pub fn scores(&self, sums: &[f64]) -> Vec<f64> {
        let raw = self.raw(sums);
        match self.post {
            Post::None => raw,
            Post::Softmax => softmax(&raw),
            Post::Logistic => raw.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
        }
    }
}

/// The softmax, safe for large numbers.
#[must_use]
pub fn softmax(values: &[f64]) -> Vec<f64> {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = values.iter().map(|v| (v - top).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|p| p / sum).collect()
}

impl Tree {
    /// The weights of the leaf where a row ends.
    #[must_use]
    pub fn leaf(&self, row: &[f32]) -> &[(usize, f64)] {
        let mut node = 0;
        loop {
            match self.nodes.get(node) {
                Some(Node::Branch { feature, mode, value, yes, no, missing_yes }) => {
                    let x = row.get(*feature).copied().unwrap_or(f32::NAN);
                    let up = if x.is_nan() { *missing_yes } else { mode.holds(x, *value) };
                    node = if up { *yes } else { *no };
                }
                Some(Node::Leaf(weights)) => return weights,
                None => return &[],
            }
        }
    }

    /// Whether every node is reached from the first exactly once.
    fn is_tree(&self) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![0];
        let mut count = 0;
        while let Some(k) = open.pop() {
            if k >= seen.len() || std::mem::replace(&mut seen[k], true) {
                return false;
            }
            count += 1;
            if let Node::Branch { yes, no, .. } = &self.nodes[k] {
                open.extend([*yes, *no]);
            }
        }
        count == self.nodes.len()
    }
}
