//! The backward graph that gradient rules write their nodes and constants into.

use super::shapes::Known;
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{Dim, node_name, op_name};
use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use crate::onnx::tensor::{DOUBLE, FLOAT, float_tensor, int_tensor};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// The backward part while it grows.
pub struct Emit<'a> {
    /// Nodes and constants so far.
    pub graph: GraphProto,
    /// Constants of the forward graph.
    pub constants: HashMap<&'a str, &'a TensorProto>,
    /// Shapes of the forward graph, as far as known.
    pub shapes: HashMap<String, Vec<Dim>>,
    /// Lists of whole numbers that the forward graph computes out of shapes, as far as known.
    pub values: HashMap<String, Vec<Dim>>,
    /// Element types of the forward graph, as far as known.
    pub types: HashMap<String, i32>,
    /// Version of the standard operators.
    pub opset: i64,
    /// Tensors that depend on what is differentiated by.
    pub varying: HashSet<String>,
    /// Products and what is made of them without a mask: nothing in them is minus infinity.
    pub unmasked: HashSet<String>,
    /// What has arrived at each tensor from those who use it; their sum is its gradient.
    pub arrived: HashMap<String, Vec<String>>,
    /// FLOAT or DOUBLE: what the graph computes in.
    pub element: i32,
    prefix: String,
    count: usize,
}

impl<'a> Emit<'a> {
    pub fn new(
        constants: HashMap<&'a str, &'a TensorProto>,
        known: Known,
        opset: i64,
        element: i32,
        prefix: String,
    ) -> Self {
        Self {
            graph: GraphProto::default(),
            constants,
            shapes: known.shapes,
            values: known.values,
            types: known.types,
            opset,
            varying: HashSet::new(),
            unmasked: HashSet::new(),
            arrived: HashMap::new(),
            element,
            prefix,
            count: 0,
        }
    }

    /// A name that nothing has yet.
    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{}{}_{what}", self.prefix, self.count)
    }

    /// A node with one output; returns the output's name.
    pub fn op(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let out = self.fresh(op);
        self.graph.node.push(build::node(op, inputs, &[&out], attributes));
        out
    }

    /// A floating-point constant without axes.
    pub fn scalar(&mut self, value: f64) -> String {
        let name = self.fresh("constant");
        let mut t = float_tensor(&name, &[], &[value as f32]);
        if self.element == DOUBLE {
            t.data_type = DOUBLE;
            t.raw_data = Bytes::copy_from_slice(&value.to_le_bytes());
        }
        debug_assert!(self.element == DOUBLE || self.element == FLOAT);
        self.graph.initializer.push(t);
        name
    }

    /// An integer constant with one axis.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let name = self.fresh("ints");
        self.graph.initializer.push(int_tensor(&name, values));
        name
    }

    /// An integer constant without axes.
    pub fn int(&mut self, value: i64) -> String {
        let name = self.fresh("int");
        self.graph.initializer.push(TensorProto { dims: vec![], ..int_tensor(&name, &[value]) });
        name
    }

    pub fn mul(&mut self, a: &str, b: &str) -> String {
        self.op("Mul", &[a, b], vec![])
    }

    pub fn sub(&mut self, a: &str, b: &str) -> String {
        self.op("Sub", &[a, b], vec![])
    }

    pub fn div(&mut self, a: &str, b: &str) -> String {
        self.op("Div", &[a, b], vec![])
    }

    pub fn neg(&mut self, a: &str) -> String {
        self.op("Neg", &[a], vec![])
    }

    /// `c * a`
    pub fn times(&mut self, c: f64, a: &str) -> String {
        let c = self.scalar(c);
        self.mul(a, &c)
    }

    pub fn shape_of(&mut self, x: &str) -> String {
        self.op("Shape", &[x], vec![])
    }

    /// One length out of a shape, as an integer tensor with one element.
    pub fn length(&mut self, x: &str, axis: i64) -> String {
        let shape = self.shape_of(x);
        let axis = self.ints(&[axis]);
        self.op("Gather", &[&shape, &axis], vec![build::int("axis", 0)])
    }

    /// `a + b`
    pub fn add(&mut self, a: &str, b: &str) -> String {
        self.op("Add", &[a, b], vec![])
    }

    /// `g` where a condition holds, otherwise 0.
    pub fn gate(&mut self, condition: &str, g: &str) -> String {
        let zero = self.scalar(0.0);
        self.op("Where", &[condition, g, &zero], vec![])
    }

    /// The graph's own floating-point type of whole numbers or truth values.
    pub fn float(&mut self, x: &str) -> String {
        let to = build::int("to", i64::from(self.element));
        self.op("Cast", &[x], vec![to])
    }

    /// Zeros of the shape of `like`.
    pub fn zeros_like(&mut self, like: &str) -> String {
        let (zero, shape) = (self.scalar(0.0), self.shape_of(like));
        self.op("Expand", &[&zero, &shape], vec![])
    }

    /// Zeros of the shape of `like`, but as long as `length` says along an axis.
    pub fn zeros(&mut self, like: &str, axis: i64, length: &str) -> String {
        let shape = self.shape_of(like);
        let place = self.ints(&[axis]);
        let changed = self.op("ScatterElements", &[&shape, &place, length], vec![build::int("axis", 0)]);
        let zero = self.scalar(0.0);
        self.op("Expand", &[&zero, &changed], vec![])
    }

    /// Number of elements, as a list of one.
    pub fn size_of(&mut self, x: &str) -> String {
        let (size, any) = (self.op("Size", &[x], vec![]), self.ints(&[-1]));
        self.op("Reshape", &[&size, &any], vec![])
    }

    /// All elements in one row.
    pub fn flat(&mut self, x: &str) -> String {
        let any = self.ints(&[-1]);
        self.op("Reshape", &[x, &any], vec![])
    }

    /// Some lengths out of a shape, from one axis to before another, as integers.
    pub fn lengths(&mut self, x: &str, from: i64, to: i64) -> String {
        let shape = self.shape_of(x);
        let (from, to, axes) = (self.ints(&[from]), self.ints(&[to]), self.ints(&[0]));
        self.op("Slice", &[&shape, &from, &to, &axes], vec![])
    }

    /// A list of integers out of several.
    pub fn join(&mut self, parts: &[&str]) -> String {
        self.op("Concat", parts, vec![build::int("axis", 0)])
    }

    /// The gradient at a tensor: the sum of what has arrived there. `None` where nobody uses it.
    pub fn gradient(&mut self, tensor: &str) -> Option<String> {
        let parts = self.arrived.get(tensor)?.clone();
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        let sum = parts.fold(first, |sum, p| self.add(&sum, &p));
        self.arrived.insert(tensor.to_owned(), vec![sum.clone()]);
        Some(sum)
    }

    /// Sum over the given axes; they stay with length 1.
    pub fn sum(&mut self, x: &str, axes: &[i64]) -> String {
        let axes = self.ints(axes);
        self.op("ReduceSum", &[x, &axes], vec![build::int("keepdims", 1)])
    }

    /// Mean over the given axes; they stay with length 1.
    pub fn mean(&mut self, x: &str, axes: &[i64]) -> String {
        if self.opset < 18 {
            return self.op("ReduceMean", &[x], vec![build::ints("axes", axes.to_vec()), build::int("keepdims", 1)]);
        }
        let axes = self.ints(axes);
        self.op("ReduceMean", &[x, &axes], vec![build::int("keepdims", 1)])
    }

    /// `a` with the shape of `like`.
    pub fn reshape_like(&mut self, a: &str, like: &str) -> String {
        let shape = self.shape_of(like);
        self.op("Reshape", &[a, &shape], vec![])
    }

    /// The gradient at a result that was broadcast from `x` to the shape of `y`: summed back to the shape of `x`.
    pub fn unbroadcast(&mut self, g: String, x: &str, y: &str) -> String {
        if let (Some(from), Some(to)) = (self.shape(x), self.shape(y)) {
            let lead = to.len().saturating_sub(from.len());
            let known = from
                .iter()
                .zip(&to[lead..])
                .all(|(a, b)| *a != Dim::Any && *b != Dim::Any && (a == b || *a == Dim::Fixed(1)));
            if known && from.len() <= to.len() {
                if from == to {
                    return g;
                }
                let spread = from.iter().zip(&to[lead..]).enumerate().filter(|(_, (a, b))| a != b);
                let axes: Vec<i64> = (0..lead).chain(spread.map(|(k, _)| k + lead)).map(|k| k as i64).collect();
                let summed = self.sum(&g, &axes);
                return self.reshape_like(&summed, x);
            }
        }
        let (sx, sg) = (self.shape_of(x), self.shape_of(&g));
        let (nx, ng) = (self.op("Size", &[&sx], vec![]), self.op("Size", &[&sg], vec![]));
        let missing = self.sub(&ng, &nx);
        let one = self.ints(&[-1]);
        let missing = self.op("Reshape", &[&missing, &one], vec![]);
        let fill = build::constant("value", int_tensor("", &[1]));
        let ones = self.op("ConstantOfShape", &[&missing], vec![fill]);
        let padded = self.op("Concat", &[&ones, &sx], vec![build::int("axis", 0)]);
        let same = self.op("Equal", &[&padded, &sg], vec![]);
        let differs = self.op("Not", &[&same], vec![]);
        let axes = self.op("NonZero", &[&differs], vec![]);
        let axes = self.op("Reshape", &[&axes, &one], vec![]);
        let attributes = vec![build::int("keepdims", 1), build::int("noop_with_empty_axes", 1)];
        let summed = self.op("ReduceSum", &[&g, &axes], attributes);
        self.op("Reshape", &[&summed, &sx], vec![])
    }

    /// The shape of a forward tensor, as far as known.
    pub fn shape(&self, name: &str) -> Option<&Vec<Dim>> {
        self.shapes.get(name)
    }

    /// The rank of a forward tensor.
    ///
    /// # Errors
    /// Where it is not known.
    pub fn rank(&self, name: &str, node: &NodeProto) -> Result<usize, OnnxError> {
        self.shape(name)
            .map(Vec::len)
            .ok_or_else(|| refuse(node, &format!("the number of axes of \"{name}\" is not known")))
    }

    /// Whether an input of a node needs a gradient.
    pub fn wants(&self, node: &NodeProto, input: usize) -> bool {
        node.input.get(input).is_some_and(|i| self.varying.contains(i))
    }

    /// The integers of an input, where they are constant or follow from the shapes.
    pub fn constant_ints(&self, name: &str) -> Option<Vec<i64>> {
        if let Some(t) = self.constants.get(name) {
            return crate::onnx::tensor::integers(t).ok();
        }
        let fixed = |d: &Dim| if let Dim::Fixed(n) = d { Some(*n) } else { None };
        self.values.get(name)?.iter().map(fixed).collect()
    }
}

/// A form of an operator without a rule.
pub fn refuse(node: &NodeProto, why: &str) -> OnnxError {
    OnnxError::Operator { op: op_name(node), node: node_name(node).to_owned(), why: why.to_owned() }
}
