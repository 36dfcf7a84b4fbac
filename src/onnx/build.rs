//! Construction of graphs: nodes, attributes, inputs and outputs.

use super::graph::Dim;
use super::proto::{
    AttributeProto, AttributeType, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetId,
    ShapeProto, StringEntry, TensorProto, TensorType, TypeProto, TypeValue, ValueInfo,
};
use bytes::Bytes;
use prost::Message;

/// A node of the standard domain.
#[must_use]
pub fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        name: outputs.first().map(|o| format!("{op}/{o}")).unwrap_or_default(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        attribute: attributes,
        domain: String::new(),
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind as i32, ..AttributeProto::default() }
}

/// An integer attribute.
#[must_use]
pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

/// A float attribute.
#[must_use]
pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attribute(name, AttributeType::Float) }
}

/// A text attribute.
#[must_use]
pub fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto { s: Bytes::copy_from_slice(s.as_bytes()), ..attribute(name, AttributeType::String) }
}

/// An attribute with several integers.
#[must_use]
pub fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

/// An attribute with several floats.
#[must_use]
pub fn floats(name: &str, floats: Vec<f32>) -> AttributeProto {
    AttributeProto { floats, ..attribute(name, AttributeType::Floats) }
}

/// An attribute with several texts.
#[must_use]
pub fn texts<S: AsRef<str>>(name: &str, list: impl IntoIterator<Item = S>) -> AttributeProto {
    let strings = list.into_iter().map(|s| Bytes::copy_from_slice(s.as_ref().as_bytes())).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

/// An attribute that is a constant.
#[must_use]
pub fn constant(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto { t: Some(t), ..attribute(name, AttributeType::Tensor) }
}

/// An input or output that is a tensor; without a shape its rank stays open.
#[must_use]
pub fn value(name: &str, elem_type: i32, shape: Option<&[Dim]>) -> ValueInfo {
    let dim = |d: &Dim| Dimension {
        value: match d {
            Dim::Fixed(n) => Some(DimensionValue::Value(*n)),
            Dim::Named(s) => Some(DimensionValue::Param(s.clone())),
            Dim::Any => None,
        },
    };
    let shape = shape.map(|s| ShapeProto { dim: s.iter().map(dim).collect() });
    ValueInfo {
        name: name.to_owned(),
        r#type: Some(TypeProto { value: Some(TypeValue::Tensor(TensorType { elem_type, shape })) }),
    }
}

/// A whole model. `opsets` names the operator sets and their versions, `metadata` holds keys and values.
#[must_use]
pub fn model(graph: GraphProto, opsets: &[(&str, i64)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let proto = ModelProto {
        ir_version: 8,
        producer_name: "affect".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: opsets
            .iter()
            .map(|(domain, version)| OperatorSetId { domain: (*domain).to_owned(), version: *version })
            .collect(),
        metadata_props: metadata
            .iter()
            .map(|(key, value)| StringEntry { key: (*key).to_owned(), value: (*value).to_owned() })
            .collect(),
        ..ModelProto::default()
    };
    proto.encode_to_vec()
}
