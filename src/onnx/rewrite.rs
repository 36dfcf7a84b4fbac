//! Changes to graphs that leave what they compute as it is: a mask that is all ones made inside, operators by others.

use super::build;
use super::error::OnnxError;
use super::graph::{Model, ValueType, int};
use super::proto::{NodeProto, TensorProto};
use super::tensor::{BOOL, FLOAT, INT32, INT64, float_tensor, int_tensor};
use bytes::Bytes;
use prost::Message;

/// The model with an input replaced by ones of the shape of another input: a mask that lets everything through.
///
/// # Errors
/// [`OnnxError::Graph`] for an input that is no tensor of whole numbers, truth values or float32.
pub fn filled(model: &Model, mask: &str, like: &str) -> Result<Model, OnnxError> {
    let kind = model.inputs().into_iter().find(|v| v.name == mask).map(|v| v.kind);
    let one = match kind {
        Some(ValueType::Tensor(INT64, _)) => int_tensor("", &[1]),
        Some(ValueType::Tensor(INT32, _)) => TensorProto {
            data_type: INT32,
            raw_data: Bytes::copy_from_slice(&1i32.to_le_bytes()),
            ..int_tensor("", &[1])
        },
        Some(ValueType::Tensor(BOOL, _)) => {
            TensorProto { data_type: BOOL, raw_data: Bytes::from_static(&[1]), ..int_tensor("", &[1]) }
        }
        Some(ValueType::Tensor(FLOAT, _)) => float_tensor("", &[1], &[1.0]),
        _ => {
            return Err(OnnxError::Graph(format!(
                "input \"{mask}\": expected a tensor of ones, whole numbers or truth values"
            )));
        }
    };
    let mut proto = model.proto().clone();
    if let Some(graph) = proto.graph.as_mut() {
        let shape = format!("{mask}/shape of {like}");
        let made = [
            build::node("Shape", &[like], &[&shape], vec![]),
            build::node("ConstantOfShape", &[&shape], &[mask], vec![build::constant("value", one)]),
        ];
        graph.input.retain(|v| v.name != mask);
        graph.node.splice(0..0, made);
    }
    Model::parse(proto.encode_to_vec())
}

/// The model with every `GroupNormalization` (21 and newer) as a normalisation of rows and a scale and shift of channels, for
/// engines that do not have it; `None` where there is none.
///
/// # Errors
/// [`OnnxError`] where what comes out contradicts itself.
pub fn without_group_normalisation(model: &Model) -> Result<Option<Vec<u8>>, OnnxError> {
    let is_one = |n: &NodeProto| n.op_type == "GroupNormalization" && n.domain.is_empty() && n.input.len() == 3;
    if model.opset("").unwrap_or(0) < 21 || !model.graph().node.iter().any(is_one) {
        return Ok(None);
    }
    let mut proto = model.proto().clone();
    if let Some(graph) = proto.graph.as_mut() {
        let mut nodes = Vec::with_capacity(graph.node.len() + 16);
        for n in std::mem::take(&mut graph.node) {
            if is_one(&n) { rows(&n, &mut nodes, &mut graph.initializer) } else { nodes.push(n) }
        }
        graph.node = nodes;
    }
    Ok(Some(proto.encode_to_vec()))
}

/// `[N, C, ...]` as `[N, groups, everything else]`, each row to mean 0 and variance 1; then channels are scaled and shifted.
fn rows(n: &NodeProto, nodes: &mut Vec<NodeProto>, constants: &mut Vec<TensorProto>) {
    let (x, groups) = (n.input[0].as_str(), int(n, "num_groups", 1).clamp(1, 1 << 20));
    let name = |what: &str| format!("{}/{what}", n.output[0]);
    let mut put = |op: &str, inputs: &[&str], what: &str, attributes| {
        nodes.push(build::node(op, inputs, &[&name(what)], attributes));
        name(what)
    };
    let mut constant = |what: &str, t: TensorProto| {
        constants.push(TensorProto { name: name(what), ..t });
        name(what)
    };
    let unit = constant("unit", float_tensor("", &[groups], &vec![1.0; groups as usize]));
    let none = constant("none", float_tensor("", &[groups], &vec![0.0; groups as usize]));
    let apart = constant("apart", int_tensor("", &[0, groups, -1]));
    let (one, first, any) = (
        constant("one", int_tensor("", &[1])),
        constant("first", int_tensor("", &[0])),
        constant("any", int_tensor("", &[-1])),
    );
    let shape = put("Shape", &[x], "shape", vec![]);
    let epsilon = build::float("epsilon", super::graph::float(n, "epsilon", 1e-5));
    let split = put("Reshape", &[x, &apart], "split", vec![]);
    let normal = put("InstanceNormalization", &[&split, &unit, &none], "normal", vec![epsilon]);
    let back = put("Reshape", &[&normal, &shape], "back", vec![]);
    // [C, 1, 1, ...]: one axis less than the tensor has.
    let rank = put("Shape", &[&shape], "rank", vec![]);
    let axes = put("Sub", &[&rank, &one], "axes", vec![]);
    let ones = put("ConstantOfShape", &[&axes], "ones", vec![build::constant("value", int_tensor("", &[1]))]);
    let channels = put("ScatterElements", &[&ones, &first, &any], "channels", vec![build::int("axis", 0)]);
    let scale = put("Reshape", &[&n.input[1], &channels], "scale", vec![]);
    let shift = put("Reshape", &[&n.input[2], &channels], "shift", vec![]);
    let scaled = put("Mul", &[&back, &scale], "scaled", vec![]);
    nodes.push(build::node("Add", &[&scaled, &shift], &[&n.output[0]], vec![]));
}
