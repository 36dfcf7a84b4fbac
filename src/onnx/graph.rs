//! Model files: the graph, parsed and validated.

use super::error::OnnxError;
use super::proto::{
    AttributeProto, DimensionValue, GraphProto, ModelProto, NodeProto, TensorProto, TypeValue, ValueInfo,
};
use super::tensor;
use bytes::Bytes;
use prost::Message;
use std::collections::{HashMap, HashSet};

/// Models larger than this are refused (protobuf's own limit).
pub const LARGEST: usize = i32::MAX as usize;

/// One dimension of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Fixed(i64),
    /// A name: any number, the same wherever the name stands.
    Named(String),
    /// Not known.
    Any,
}

impl std::fmt::Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(n) => write!(f, "{n}"),
            Self::Named(s) => f.write_str(s),
            Self::Any => f.write_str("?"),
        }
    }
}

/// Type of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueType {
    /// A tensor: element type by number, and the shape where it is declared.
    Tensor(i32, Option<Vec<Dim>>),
    /// A sequence of maps, as scikit-learn's converter writes probabilities.
    SequenceOfMaps,
    /// Anything else.
    Other,
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ValueType,
}

impl Value {
    fn new(info: &ValueInfo) -> Self {
        let kind = match info.r#type.as_ref().and_then(|t| t.value.as_ref()) {
            Some(TypeValue::Tensor(t)) => {
                let dim = |d: &super::proto::Dimension| match &d.value {
                    Some(DimensionValue::Value(v)) if *v >= 0 => Dim::Fixed(*v),
                    Some(DimensionValue::Param(p)) if !p.is_empty() => Dim::Named(p.clone()),
                    _ => Dim::Any,
                };
                ValueType::Tensor(t.elem_type, t.shape.as_ref().map(|s| s.dim.iter().map(dim).collect()))
            }
            Some(TypeValue::Sequence(s)) => {
                let inner = s.elem_type.as_ref().and_then(|t| t.value.as_ref());
                if matches!(inner, Some(TypeValue::Map(_))) { ValueType::SequenceOfMaps } else { ValueType::Other }
            }
            _ => ValueType::Other,
        };
        Self { name: info.name.clone(), kind }
    }

    /// The declared shape of a tensor.
    #[must_use]
    pub fn shape(&self) -> Option<&[Dim]> {
        match &self.kind {
            ValueType::Tensor(_, shape) => shape.as_deref(),
            _ => None,
        }
    }

    /// Whether it is a float32 tensor.
    #[must_use]
    pub fn is_float(&self) -> bool {
        matches!(self.kind, ValueType::Tensor(tensor::FLOAT, _))
    }

    /// Type and shape in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            ValueType::Tensor(e, None) => tensor::element_name(*e).to_owned(),
            ValueType::Tensor(e, Some(shape)) => {
                let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
                format!("{} [{}]", tensor::element_name(*e), dims.join(", "))
            }
            ValueType::SequenceOfMaps => "sequence of maps".to_owned(),
            ValueType::Other => "another type".to_owned(),
        }
    }
}

/// Attributes by name.
#[must_use]
pub fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

/// An integer attribute, or its default.
#[must_use]
pub fn int(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |a| a.i)
}

/// A float attribute, or its default.
#[must_use]
pub fn float(node: &NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |a| a.f)
}

/// Name of a node for messages: its own, or its first output's.
#[must_use]
pub fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// Name of an operator, with its domain where that is not the standard one.
#[must_use]
pub fn op_name(node: &NodeProto) -> String {
    if node.domain.is_empty() || node.domain == "ai.onnx" {
        node.op_type.clone()
    } else {
        format!("{}.{}", node.domain, node.op_type)
    }
}

/// Names of the tensors that a node reads: its inputs, and what the bodies inside it (of `If`, `Loop` and `Scan`) take from
/// the graph around them.
#[must_use]
pub fn reads(node: &NodeProto) -> Vec<&str> {
    let given = node.input.iter().map(String::as_str).filter(|i| !i.is_empty());
    given.chain(node.attribute.iter().filter_map(|a| a.g.as_ref()).flat_map(captured)).collect()
}

/// What a body takes from the graph around it.
fn captured(body: &GraphProto) -> Vec<&str> {
    let mut defined: HashSet<&str> = body.initializer.iter().map(|t| t.name.as_str()).collect();
    defined.extend(body.input.iter().map(|i| i.name.as_str()));
    defined.extend(body.node.iter().flat_map(|n| n.output.iter().map(String::as_str)));
    let used = body.node.iter().flat_map(reads).chain(body.output.iter().map(|o| o.name.as_str()));
    used.filter(|name| !defined.contains(name)).collect()
}

/// Whether a node divides rows by the sum of their absolute values (`Normalizer`, whose default is the largest value): what
/// is positive and adds up to one already goes through unchanged.
#[must_use]
pub fn divides_by_sum(node: &NodeProto) -> bool {
    node.op_type == "Normalizer" && attribute(node, "norm").is_some_and(|a| &a.s[..] == b"L1")
}

/// A model file's content.
#[derive(Debug, Clone)]
pub struct Model {
    bytes: Bytes,
    proto: ModelProto,
}

impl Model {
    /// Reads and checks a model. The weights are not copied.
    ///
    /// # Errors
    /// [`OnnxError::Format`] where the bytes are no model, [`OnnxError::Graph`] where the graph contradicts itself: a
    /// name used before it is made or made twice, or a constant whose size disagrees with its bytes.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, OnnxError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(OnnxError::Format("the file is empty".to_owned()));
        }
        if bytes.len() > LARGEST {
            return Err(OnnxError::Format(format!("{} bytes: expected at most {LARGEST}", bytes.len())));
        }
        let proto = ModelProto::decode(bytes.clone()).map_err(|e| OnnxError::Format(e.to_string()))?;
        let Some(graph) = &proto.graph else {
            return Err(OnnxError::Format("it has no graph".to_owned()));
        };
        check(graph)?;
        Ok(Self { bytes, proto })
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole message.
    #[must_use]
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// The graph.
    #[must_use]
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "parse has seen to it that there is a graph")]
    pub fn graph(&self) -> &GraphProto {
        self.proto.graph.as_ref().expect("checked when read")
    }

    /// The same graph without its weights, for questions about its form once an engine has them: constants of more than 4 kB are
    /// empty, and so are [`Self::bytes`]. Holds nothing of the bytes that it was read from.
    #[must_use]
    pub fn without_weights(&self) -> Self {
        let mut proto = self.proto.clone();
        if let Some(graph) = &mut proto.graph {
            let_go(graph);
        }
        Self { bytes: Bytes::new(), proto }
    }

    /// Version of an operator set; the standard one is `""`.
    #[must_use]
    pub fn opset(&self, domain: &str) -> Option<i64> {
        let same = |d: &str| d == domain || domain.is_empty() && d == "ai.onnx";
        self.proto.opset_import.iter().find(|o| same(&o.domain)).map(|o| o.version)
    }

    /// An entry of the metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.proto.metadata_props.iter().find(|e| e.key == key).map(|e| e.value.as_str())
    }

    /// The inputs that a caller must give.
    #[must_use]
    pub fn inputs(&self) -> Vec<Value> {
        let constant: HashSet<&str> = self.graph().initializer.iter().map(|t| t.name.as_str()).collect();
        self.graph().input.iter().filter(|i| !constant.contains(i.name.as_str())).map(Value::new).collect()
    }

    /// The outputs.
    #[must_use]
    pub fn outputs(&self) -> Vec<Value> {
        self.graph().output.iter().map(Value::new).collect()
    }

    /// All constants by name: initializers and the values of `Constant` nodes.
    #[must_use]
    pub fn constants(&self) -> HashMap<&str, &TensorProto> {
        let graph = self.graph();
        let nodes = graph.node.iter().filter(|n| n.op_type == "Constant").filter_map(|n| {
            let value = attribute(n, "value")?.t.as_ref()?;
            Some((n.output.first()?.as_str(), value))
        });
        graph.initializer.iter().map(|t| (t.name.as_str(), t)).chain(nodes).collect()
    }

    /// The node that makes a tensor.
    #[must_use]
    pub fn producer(&self, tensor: &str) -> Option<&NodeProto> {
        self.graph().node.iter().find(|n| n.output.iter().any(|o| o == tensor))
    }
}

/// Larger constants are weights, in bytes.
const WEIGHTS: usize = 4096;

/// Takes the weights out of a graph; what stays becomes a copy of its own.
fn let_go(graph: &mut GraphProto) {
    let own = |b: &mut Bytes| *b = if b.len() > WEIGHTS { Bytes::new() } else { Bytes::copy_from_slice(b) };
    let of_tensor = |t: &mut TensorProto| {
        own(&mut t.raw_data);
        if 4 * t.float_data.len() > WEIGHTS {
            t.float_data = Vec::new();
        }
    };
    graph.initializer.iter_mut().for_each(of_tensor);
    for a in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        a.s = Bytes::copy_from_slice(&a.s);
        a.strings.iter_mut().for_each(|s| *s = Bytes::copy_from_slice(s));
        a.t.iter_mut().for_each(of_tensor);
        a.g.iter_mut().for_each(let_go);
    }
}

fn check(graph: &GraphProto) -> Result<(), OnnxError> {
    let mut known: HashSet<&str> = HashSet::new();
    for t in &graph.initializer {
        tensor::check(t)?;
        known.insert(&t.name);
    }
    known.extend(graph.input.iter().map(|i| i.name.as_str()));
    for n in &graph.node {
        for name in n.input.iter().filter(|i| !i.is_empty()) {
            if !known.contains(name.as_str()) {
                return Err(OnnxError::Graph(format!("node \"{}\" uses \"{name}\" before it is made", node_name(n))));
            }
        }
        for a in &n.attribute {
            a.t.as_ref().map_or(Ok(()), tensor::check)?;
        }
        for name in n.output.iter().filter(|o| !o.is_empty()) {
            if !known.insert(name) {
                return Err(OnnxError::Graph(format!("\"{name}\" is made twice")));
            }
        }
    }
    if graph.output.is_empty() {
        return Err(OnnxError::Graph("it has no outputs".to_owned()));
    }
    match graph.output.iter().find(|o| !known.contains(o.name.as_str())) {
        Some(o) => Err(OnnxError::Graph(format!("output \"{}\" is never made", o.name))),
        None => Ok(()),
    }
}
