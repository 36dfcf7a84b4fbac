//! Applicability of the attribution methods to a model.

use super::Method;
use crate::model::Model;
use crate::model::builtin::Structure;
use crate::model::card::OutputKind;
use crate::onnx::differentiate::without_rule;
use std::fmt;

/// Whether a method applies, and how or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applies {
    /// It does; with what limits or needs.
    Yes(&'static str),
    /// It does not, because.
    No(String),
}

impl fmt::Display for Applies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes("") => f.write_str("yes"),
            Self::Yes(how) => write!(f, "yes, {how}"),
            Self::No(why) => write!(f, "no: {why}"),
        }
    }
}

/// Whether a method applies to a model.
#[must_use]
pub fn applies(method: Method, model: &Model) -> Applies {
    let no = |why: &str| Applies::No(why.to_owned());
    if model.takes_waveform().is_some() {
        return of_waveform(method, model);
    }
    if model.width() == 0 {
        return no("how many columns it takes is not known: give it a card");
    }
    let bare = model.card().is_none_or(|c| c.background.is_empty());
    match (method, model.structure()) {
        (Method::Linear, Structure::Linear(_)) | (Method::Tree, Structure::Trees(_)) if bare => {
            Applies::Yes("exact, with background rows of yours")
        }
        (Method::Linear, Structure::Linear(_)) | (Method::Tree, Structure::Trees(_)) => Applies::Yes("exact"),
        (Method::Linear, Structure::Graph(obstacle)) => Applies::No(format!("the model is not linear: {obstacle}")),
        (Method::Linear, _) => no("the model is not linear"),
        (Method::Tree, Structure::Graph(obstacle)) => Applies::No(format!("the model is no tree ensemble: {obstacle}")),
        (Method::Tree, _) => no("the model is no tree ensemble"),
        (Method::ShapleyGroups, _) if model.card().is_none() => {
            Applies::Yes("exact over up to 16 groups, with groups and background rows of yours")
        }
        (Method::ShapleyGroups, _) => Applies::Yes("exact over groups"),
        (Method::Shapley, _) => Applies::Yes("exact up to 12 features, sampled with standard errors for more"),
        (Method::IntegratedGradients | Method::Gradient, _) => {
            let missing = without_rule(model.graph(), model.output());
            if missing.is_empty() {
                Applies::Yes("")
            } else {
                Applies::No(format!("no rule for {}", missing.join(", ")))
            }
        }
        (Method::GradCam | Method::Occlusion, _) => no("it takes features, not a waveform"),
    }
}

fn of_waveform(method: Method, model: &Model) -> Applies {
    if model.kind() == OutputKind::HiddenStates {
        return Applies::No("it gives hidden states and no scores".to_owned());
    }
    let missing = without_rule(model.graph(), model.output());
    let rules = |how: &'static str| {
        if missing.is_empty() {
            Applies::Yes(how)
        } else {
            Applies::No(format!("no rule for {}: use occlusion", missing.join(", ")))
        }
    };
    match method {
        Method::Gradient => rules("of samples and layers"),
        Method::GradCam => {
            rules("over the frames of a layer: in the stream with attribution=frames, in the run that scores")
        }
        Method::IntegratedGradients => rules("of samples"),
        Method::Occlusion => {
            Applies::Yes("of segments: in the stream with attribution=occlusion, a run for every 100 ms")
        }
        _ => Applies::No("it takes a waveform, not features".to_owned()),
    }
}
