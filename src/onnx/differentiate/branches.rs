//! Branches whose condition is constant: the nodes of the branch that is taken, in the place of the `If`.

use crate::onnx::graph::attribute;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use crate::onnx::tensor::BOOL;
use std::collections::{HashMap, HashSet};

/// How deep branches inside branches are followed.
const DEEPEST: usize = 16;

/// A graph's nodes as the walk sees them.
#[derive(Debug, Default)]
pub struct Walk {
    /// All nodes in order; the output of an `If` with a constant condition is an `Identity` of its branch's.
    pub nodes: Vec<NodeProto>,
    /// Nodes of branches under new names, which have to be added to the graph so that gradients can use what they make.
    pub added: Vec<NodeProto>,
    /// Constants of branches under new names.
    pub constants: Vec<TensorProto>,
}

/// Puts the branch that is taken in the place of every `If` whose condition is constant.
pub fn inline(graph: &GraphProto, constants: &HashMap<&str, &TensorProto>, prefix: &str) -> Walk {
    let mut walk = Walk::default();
    for (k, node) in graph.node.iter().enumerate() {
        put(&mut walk, node, constants, &format!("{prefix}_branch{k}_"), DEEPEST);
    }
    walk
}

fn put(walk: &mut Walk, node: &NodeProto, constants: &HashMap<&str, &TensorProto>, prefix: &str, depth: usize) {
    let own = |name: &str| walk.constants.iter().find(|t| t.name == name);
    let Some(branch) = taken(node, constants, &own).filter(|b| depth > 0 && b.output.len() >= node.output.len()) else {
        walk.nodes.push(node.clone());
        if depth < DEEPEST {
            walk.added.push(node.clone());
        }
        return;
    };
    // Names inside are the branch's own: they get the prefix, and what is taken from outside keeps its name.
    let mut own: HashSet<&str> = branch.initializer.iter().map(|t| t.name.as_str()).collect();
    own.extend(branch.node.iter().flat_map(|n| n.output.iter().map(String::as_str)));
    let renamed = |name: &String| if own.contains(name.as_str()) { format!("{prefix}{name}") } else { name.clone() };
    for t in &branch.initializer {
        walk.constants.push(TensorProto { name: renamed(&t.name), ..t.clone() });
    }
    for (k, n) in branch.node.iter().enumerate() {
        let mut n = n.clone();
        n.name = format!("{prefix}{}", n.name);
        n.output.iter_mut().filter(|o| !o.is_empty()).for_each(|o| *o = renamed(o));
        rename(&mut n, &renamed);
        put(walk, &n, constants, &format!("{prefix}{k}_"), depth - 1);
    }
    for (outer, inner) in node.output.iter().zip(&branch.output).filter(|(o, _)| !o.is_empty()) {
        let alias = crate::onnx::build::node("Identity", &[&renamed(&inner.name)], &[outer], vec![]);
        if depth < DEEPEST {
            walk.added.push(alias.clone());
        }
        walk.nodes.push(alias);
    }
}

/// New names for what a node reads, its bodies included.
fn rename(node: &mut NodeProto, renamed: &dyn Fn(&String) -> String) {
    node.input.iter_mut().for_each(|i| *i = renamed(i));
    for body in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
        body.node.iter_mut().for_each(|n| rename(n, renamed));
        body.output.iter_mut().for_each(|o| o.name = renamed(&o.name));
    }
}

/// The branch that an `If` takes, where that is known.
fn taken<'a, 't>(
    node: &'a NodeProto,
    constants: &HashMap<&str, &'t TensorProto>,
    own: &dyn Fn(&str) -> Option<&'t TensorProto>,
) -> Option<&'a GraphProto> {
    if node.op_type != "If" || !(node.domain.is_empty() || node.domain == "ai.onnx") {
        return None;
    }
    let name = node.input.first()?;
    let t = constants.get(name.as_str()).copied().or_else(|| own(name))?;
    if t.data_type != BOOL {
        return None;
    }
    let yes = match (t.raw_data.first(), t.int32_data.first()) {
        (Some(b), _) => *b != 0,
        (None, Some(v)) => *v != 0,
        (None, None) => return None,
    };
    attribute(node, if yes { "then_branch" } else { "else_branch" })?.g.as_ref()
}
