//! Functions of one number.

use super::{Case, case};
use affect::onnx::build::{self, float, text};
use affect::onnx::proto::AttributeProto;

fn function(op: &'static str, attributes: Vec<AttributeProto>, f: fn(f64) -> f64) -> Case {
    case(op, &[2, 4], vec![build::node(op, &["t"], &["y"], attributes)], vec![], move |x| {
        x.iter().map(|v| f(*v)).collect()
    })
}

fn logistic(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

pub fn cases() -> Vec<Case> {
    let tanh_gelu =
        |v: f64| 0.5 * v * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v.powi(3))).tanh());
    vec![
        Case { name: "Gelu by tanh", opset: 20, ..function("Gelu", vec![text("approximate", "tanh")], tanh_gelu) },
        function("Sin", vec![], f64::sin),
        function("Cos", vec![], f64::cos),
        function("Tan", vec![], f64::tan),
        function("Sinh", vec![], f64::sinh),
        function("Cosh", vec![], f64::cosh),
        function("Asin", vec![], f64::asin),
        function("Acos", vec![], f64::acos),
        function("Atan", vec![], f64::atan),
        function("Asinh", vec![], f64::asinh),
        function("Atanh", vec![], f64::atanh),
        function("Softsign", vec![], |v| v / (1.0 + v.abs())),
        function("HardSigmoid", vec![float("alpha", 0.6)], |v| (f64::from(0.6f32) * v + 0.5).clamp(0.0, 1.0)),
        Case { opset: 14, ..function("HardSwish", vec![], |v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)) },
        Case {
            without_rten: "ThresholdedRelu",
            ..function("ThresholdedRelu", vec![float("alpha", 0.5)], |v| if v > 0.5 { v } else { 0.0 })
        },
        Case {
            without_rten: "Celu",
            ..function("Celu", vec![float("alpha", 0.5)], |v| if v > 0.0 { v } else { 0.5 * ((v / 0.5).exp() - 1.0) })
        },
        Case {
            without_rten: "Selu",
            ..function("Selu", vec![], |v| {
                let (alpha, gamma) = (f64::from(1.673_263_2f32), f64::from(1.050_701f32));
                if v > 0.0 { gamma * v } else { gamma * alpha * (v.exp() - 1.0) }
            })
        },
        Case { without_rten: "Mish", ..function("Mish", vec![], |v| v * (1.0 + v.exp()).ln().tanh()) },
        Case { opset: 24, ..function("Swish", vec![float("alpha", 1.5)], |v| v * logistic(1.5 * v)) },
    ]
}
