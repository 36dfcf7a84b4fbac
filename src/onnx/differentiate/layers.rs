//! Layers of a waveform model: the tensors of frames through which every way from the samples to the scores leads.
//!
//! Names tell nothing that can be relied on; the ways do. A tensor that all of them pass through is a layer; the one before a block's
//! attention is what enters the block, and the one before what turns it into scores is the last hidden state.

use super::{branches, downstream, shapes, stops};
use crate::onnx::graph::{self, Model, reads};
use crate::onnx::proto::NodeProto;
use std::collections::{HashMap, HashSet};

/// What a hidden state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What a convolution that takes steps gives, the first of them 1, with its activation.
    Convolution(usize),
    /// What the first dense operator behind the convolutions gives.
    Projection,
    /// What enters the block with attention of this number, from 0; the last one leaves the last block.
    Hidden(usize),
}

/// A hidden state: a tensor of frames that every way passes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What it is.
    pub kind: Kind,
    /// The tensor.
    pub tensor: String,
    /// Samples from one frame to the next.
    pub step: usize,
}

/// What is known of a model's layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// What the last convolution that takes steps gives: `[1, channels, frames]` as a rule.
    pub convolution: Option<String>,
    /// What enters each block with attention, in order, and last what leaves the last of them; one alone where there are no such
    /// blocks, the last tensor of frames.
    pub hidden: Vec<String>,
    /// Samples from one frame to the next: the product of the steps of the convolutions.
    pub step: usize,
}

/// Whether a node is a block's attention.
fn attends(n: &NodeProto) -> bool {
    matches!(n.op_type.as_str(), "Softmax" | "Attention")
}

/// The layers between an input of samples and an output of scores.
#[must_use]
pub fn layers(model: &Model, input: &str, output: &str) -> Layers {
    let constants = model.constants();
    let walk = branches::inline(model.graph(), &constants, "grad");
    let known = shapes::shapes(model, &walk.nodes, &constants);
    let path = path(&walk.nodes, input, output);
    let convolutions: Vec<(usize, usize)> = (path.iter().enumerate())
        .filter(|(_, n)| n.op_type == "Conv" && stride(n) > 1)
        .map(|(k, n)| (k, stride(n)))
        .collect();
    let step = convolutions.iter().map(|c| c.1).product();
    let Some(&(first, _)) = convolutions.last() else { return Layers { step, ..Layers::default() } };
    let axes = |name: &str| known.shapes.get(name).map(Vec::len);
    let cuts: Vec<(usize, &str)> = cuts(&path, input).into_iter().filter(|c| c.0 >= first).collect();
    let frames: Vec<(usize, &str)> = cuts.iter().copied().filter(|c| axes(c.1).is_none_or(|n| n == 3)).collect();
    let attention: Vec<usize> =
        path.iter().enumerate().filter(|(k, n)| *k > first && attends(n)).map(|(k, _)| k).collect();
    let before = |k: usize| frames.iter().rev().find(|c| c.0 < k).map(|c| c.1);
    let mut hidden: Vec<String> = Vec::new();
    for name in attention.iter().filter_map(|k| before(*k)) {
        if hidden.last().is_none_or(|h| h != name) {
            hidden.push(name.to_owned());
        }
    }
    let after = attention.last().copied().unwrap_or(first);
    // What a dense operator turns into something else than frames of the same kind, and only that, is the head.
    let is_frames = |name: &str| frames.iter().any(|c| c.1 == name);
    let dense = path.iter().enumerate().filter(|(k, n)| *k > after && matches!(n.op_type.as_str(), "MatMul" | "Gemm"));
    let into_head = dense
        .filter(|(_, n)| n.output.first().is_some_and(|o| cuts.iter().any(|c| c.1 == o)))
        .find_map(|(_, n)| n.input.iter().find(|i| is_frames(i)).cloned());
    let last =
        into_head.or_else(|| frames.last().filter(|c| c.0 > after || attention.is_empty()).map(|c| c.1.to_owned()));
    hidden.extend(last.filter(|l| !hidden.contains(l)));
    Layers { convolution: convolved(&path, &frames, first), hidden, step }
}

/// Every hidden state between an input of samples and an output of scores, in the order of the graph: convolutions, projection, blocks.
/// Tensors that may have another number of axes than frames and channels of one utterance are among them where the graph does not say.
#[must_use]
pub fn states(model: &Model, input: &str, output: &str) -> Vec<State> {
    let found = layers(model, input, output);
    let constants = model.constants();
    let walk = branches::inline(model.graph(), &constants, "grad");
    let known = shapes::shapes(model, &walk.nodes, &constants);
    let path = path(&walk.nodes, input, output);
    let axes = |name: &str| known.shapes.get(name).map(Vec::len);
    // A tensor inside a branch is none that the graph could give.
    let cuts: Vec<(usize, &str)> = cuts(&path, input)
        .into_iter()
        .filter(|c| axes(c.1).is_none_or(|n| n == 3) && c.1 != output && model.producer(c.1).is_some())
        .collect();
    let last_between = |from: usize, to: usize| cuts.iter().rev().find(|c| c.0 >= from && c.0 < to).map(|c| c.1);
    let place =
        |from: usize, is: &dyn Fn(&NodeProto) -> bool| (from..path.len()).find(|k| is(path[*k])).unwrap_or(path.len());
    let dense = |n: &NodeProto| matches!(n.op_type.as_str(), "MatMul" | "Gemm");
    let strided: Vec<usize> = (0..path.len()).filter(|k| path[*k].op_type == "Conv" && stride(path[*k]) > 1).collect();
    let mut states: Vec<State> = Vec::new();
    let mut add = |kind: Kind, tensor: Option<&str>, step: usize| {
        if let Some(t) = tensor.filter(|t| !states.iter().any(|s| s.tensor == *t)) {
            states.push(State { kind, tensor: t.to_owned(), step });
        }
    };
    let mut step = 1;
    for (k, from) in strided.iter().enumerate() {
        step *= stride(path[*from]);
        let tensor = match strided.get(k + 1) {
            Some(next) => last_between(*from, *next),
            None => found.convolution.as_deref().filter(|c| model.producer(c).is_some()),
        };
        add(Kind::Convolution(k + 1), tensor, step);
    }
    let behind = place(strided.last().map_or(0, |k| k + 1), &dense);
    let end = place(behind, &|n| n.op_type == "Conv" || attends(n));
    // What enters the first block is a hidden state; what lies before positions are added is the projection.
    let projection = last_between(behind, end).filter(|t| !found.hidden.iter().any(|h| h == t));
    add(Kind::Projection, projection.filter(|_| !strided.is_empty()), step);
    for (k, hidden) in found.hidden.iter().enumerate() {
        add(Kind::Hidden(k), Some(hidden.as_str()).filter(|h| *h != output && model.producer(h).is_some()), step);
    }
    states
}

/// Samples that a convolution goes on from one frame to the next.
fn stride(n: &NodeProto) -> usize {
    let first = graph::attribute(n, "strides").and_then(|a| a.ints.first().copied());
    usize::try_from(first.unwrap_or(1)).unwrap_or(1).max(1)
}

/// The last layer whose channels still stand before its frames, as convolutions have them, before the first dense operator.
fn convolved(path: &[&NodeProto], frames: &[(usize, &str)], first: usize) -> Option<String> {
    let dense = |n: &NodeProto| matches!(n.op_type.as_str(), "MatMul" | "Gemm");
    let end = path.iter().enumerate().find(|(k, n)| *k > first && dense(n)).map_or(path.len(), |e| e.0);
    let turns = |to: usize| path[first..=to].iter().filter(|n| n.op_type == "Transpose").count();
    frames.iter().rev().find(|c| c.0 < end && turns(c.0).is_multiple_of(2)).map(|c| c.1.to_owned())
}

/// The nodes on the differentiable ways from an input to an output, in order.
fn path<'a>(nodes: &'a [NodeProto], input: &str, output: &str) -> Vec<&'a NodeProto> {
    let reached = downstream(nodes, &[input.to_owned()]);
    let mut needed: HashSet<&str> = HashSet::from([output]);
    let mut list: Vec<&NodeProto> = Vec::new();
    for n in nodes.iter().rev() {
        let on = n.output.iter().any(|o| needed.contains(o.as_str()));
        if on && !stops(n) && reads(n).into_iter().any(|i| reached.contains(i)) {
            needed.extend(reads(n).into_iter().filter(|i| reached.contains(*i)));
            list.push(n);
        }
    }
    list.reverse();
    list
}

/// The tensors that every way passes through, with the place of the node that makes each.
fn cuts<'a>(path: &[&'a NodeProto], input: &str) -> Vec<(usize, &'a str)> {
    // A tensor is passed by all where none that was made before it is used after it.
    let mut last_use: HashMap<&str, usize> = HashMap::new();
    for (k, n) in path.iter().enumerate() {
        last_use.extend(reads(n).into_iter().map(|i| (i, k)));
    }
    let mut open = last_use.get(input).copied().unwrap_or(0);
    let mut found = Vec::new();
    for (k, n) in path.iter().enumerate() {
        let outputs = n.output.iter().filter(|o| last_use.contains_key(o.as_str()));
        if open <= k
            && let [one] = outputs.clone().collect::<Vec<_>>()[..]
        {
            found.push((k, one.as_str()));
        }
        open = outputs.map(|o| last_use[o.as_str()]).max().map_or(open, |u| open.max(u));
    }
    found
}
