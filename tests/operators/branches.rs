//! Branches whose condition is constant.

use super::{Case, case};
use affect::onnx::build::{self, int};
use affect::onnx::proto::{AttributeProto, AttributeType, GraphProto, TensorProto};
use affect::onnx::tensor::{BOOL, FLOAT, float_tensor};

fn branch(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        g: Some(g),
        r#type: AttributeType::Graph as i32,
        ..AttributeProto::default()
    }
}

fn truth(name: &str, yes: bool) -> TensorProto {
    let mut t = float_tensor(name, &[], &[]);
    t.data_type = BOOL;
    t.raw_data = vec![u8::from(yes)].into();
    t
}

fn body(nodes: Vec<affect::onnx::proto::NodeProto>, constants: Vec<TensorProto>, output: &str) -> GraphProto {
    GraphProto {
        name: "body".to_owned(),
        node: nodes,
        initializer: constants,
        output: vec![build::value(output, FLOAT, None)],
        ..GraphProto::default()
    }
}

pub fn cases() -> Vec<Case> {
    let node = build::node;
    // 3 x^2 in the one branch, and x in the other, chosen by a condition inside the first.
    let inner_yes = body(vec![node("Mul", &["square", "three"], &["tripled"], vec![])], vec![], "tripled");
    let inner_no = body(vec![node("Identity", &["square"], &["same"], vec![])], vec![], "same");
    let outer_yes = body(
        vec![
            node("Mul", &["t", "t"], &["square"], vec![]),
            node(
                "If",
                &["inside"],
                &["chosen"],
                vec![branch("then_branch", inner_yes), branch("else_branch", inner_no)],
            ),
        ],
        vec![float_tensor("three", &[], &[3.0]), truth("inside", true)],
        "chosen",
    );
    let outer_no = body(vec![node("Identity", &["t"], &["kept"], vec![])], vec![], "kept");
    let choice = |yes: bool| {
        (
            vec![
                node(
                    "If",
                    &["yes"],
                    &["b"],
                    vec![branch("then_branch", outer_yes.clone()), branch("else_branch", outer_no.clone())],
                ),
                node("Concat", &["b", "t"], &["y"], vec![int("axis", 1)]),
            ],
            vec![truth("yes", yes)],
        )
    };
    let (yes, yes_condition) = choice(true);
    let (no, no_condition) = choice(false);
    let both = |f: fn(f64) -> f64| {
        move |x: &[f64]| {
            x.chunks_exact(3)
                .flat_map(|r| r.iter().map(|v| f(*v)).chain(r.iter().copied()).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        }
    };
    vec![
        case("If that is taken", &[2, 3], yes, yes_condition, both(|v| 3.0 * v * v)),
        case("If that is not", &[2, 3], no, no_condition, both(|v| v)),
    ]
}
