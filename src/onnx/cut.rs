//! The rest of a graph behind a tensor inside it: the tensor becomes an input.

use super::build;
use super::error::OnnxError;
use super::graph::{Dim, Model, reads};
use super::proto::{GraphProto, NodeProto};
use super::tensor::FLOAT;
use prost::Message;
use std::collections::HashSet;

/// The model's bytes with `tensor` as an input behind its other inputs, and only what it takes to make `output`. The other inputs stay:
/// masks and lengths may be made of them. `axes` is the number of the tensor's axes.
///
/// # Errors
/// [`OnnxError::Graph`] where no node makes the tensor, or the output does not depend on it.
pub fn cut(model: &Model, tensor: &str, axes: usize, output: &str) -> Result<Vec<u8>, OnnxError> {
    let Some(maker) = model.producer(tensor) else {
        return Err(OnnxError::Graph(format!("no node makes \"{tensor}\": expected a tensor inside the graph")));
    };
    let made = maker.output.clone();
    let mut proto = model.proto().clone();
    let Some(graph) = &mut proto.graph else {
        return Err(OnnxError::Graph("the model has no graph".to_owned()));
    };
    for n in graph.node.iter_mut().filter(|n| n.output == made) {
        n.output.iter_mut().filter(|o| *o == tensor).for_each(|o| *o = format!("{tensor}/before"));
    }
    keep_needed(graph, output);
    let depends = graph.node.iter().any(|n| reads(n).contains(&tensor));
    if !depends {
        return Err(OnnxError::Graph(format!("\"{output}\" does not depend on \"{tensor}\"")));
    }
    let open = vec![Dim::Any; axes];
    graph.input.push(build::value(tensor, FLOAT, Some(&open)));
    graph.output.retain(|o| o.name == output);
    if graph.output.is_empty() {
        graph.output.push(build::value(output, FLOAT, None));
    }
    Ok(proto.encode_to_vec())
}

/// Drops nodes and constants that an output does not need.
fn keep_needed(graph: &mut GraphProto, output: &str) {
    let mut needed: HashSet<String> = HashSet::from([output.to_owned()]);
    let mut kept: Vec<NodeProto> = Vec::new();
    for n in std::mem::take(&mut graph.node).into_iter().rev() {
        if n.output.iter().any(|o| needed.contains(o)) {
            needed.extend(reads(&n).into_iter().map(str::to_owned));
            kept.push(n);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|t| needed.contains(&t.name));
    graph.value_info.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::build::{model, node, value};
    use crate::onnx::tensor::float_tensor;

    /// `y = ((x · a) · b) + (x · a)`, with a constant and an output that nobody behind the cut needs.
    fn made() -> Model {
        let graph = GraphProto {
            node: vec![
                node("MatMul", &["x", "a"], &["h"], vec![]),
                node("MatMul", &["h", "b"], &["g"], vec![]),
                node("Add", &["g", "h"], &["y"], vec![]),
                node("Identity", &["x"], &["z"], vec![]),
            ],
            initializer: vec![float_tensor("a", &[2, 2], &[1.0; 4]), float_tensor("b", &[2, 2], &[2.0; 4])],
            input: vec![value("x", FLOAT, None)],
            output: vec![value("y", FLOAT, None), value("z", FLOAT, None)],
            ..GraphProto::default()
        };
        Model::parse(model(graph, &[("", 17)], &[])).unwrap()
    }

    #[test]
    fn what_lies_behind_a_tensor() {
        let rest = Model::parse(cut(&made(), "h", 2, "y").unwrap()).unwrap();
        let ops: Vec<&str> = rest.graph().node.iter().map(|n| n.op_type.as_str()).collect();
        assert_eq!(ops, ["MatMul", "Add"]);
        assert_eq!(rest.inputs().iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["x", "h"]);
        assert_eq!(rest.graph().initializer.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(rest.outputs().len(), 1);
    }

    #[test]
    fn what_is_no_cut_is_refused() {
        assert!(cut(&made(), "x", 2, "y").unwrap_err().to_string().contains("no node makes \"x\""));
        assert!(cut(&made(), "h", 2, "z").unwrap_err().to_string().contains("does not depend"));
    }
}
