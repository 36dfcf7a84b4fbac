//! `affect attribute` for waveform models: rows are waveforms at 16 kHz.

use crate::attribute::{AttributeArgs, MethodName, RuleName};
use crate::model_args::class;
use crate::tables::Table;
use affect::explain::frames::{Frames, Mapped, occlusion};
use affect::explain::gradient::Rule;
use affect::model::Model;
use serde_json::{Value, json};

/// Samples a second.
const RATE: f64 = 16_000.0;

/// One object for each row.
pub fn explain(args: &AttributeArgs, model: &Model, input: &Table) -> Result<Vec<Value>, String> {
    let w = model.takes_waveform().ok_or("the model takes features, not a waveform")?;
    let beginning = args.speakers.waveforms()?;
    refuse_unfit(args, beginning.is_some())?;
    let rows = waveforms(&args.input, input)?;
    let baselines = match beginning {
        Some(path) => waveforms(path, &Table::read(path)?)?,
        None => Vec::new(),
    };
    if baselines.len() > 1 && baselines.len() != rows.len() {
        return Err(format!("--baseline: {} rows: expected one, or {} as --input has", baselines.len(), rows.len()));
    }
    let frames = match args.method {
        MethodName::Occlusion => None,
        _ => Some(Frames::new(model, args.layer.as_deref()).map_err(|e| e.to_string())?),
    };
    let mut out = Vec::with_capacity(rows.len());
    for (k, row) in rows.iter().enumerate() {
        let named = |e: affect::model::ModelError| format!("row {}: {e}", k + 1);
        let x = w.normalised(row);
        let scores = model.entered(&x).map_err(named)?;
        let target = match &args.target {
            Some(name) => class(model, name)?,
            None => (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0),
        };
        if target >= scores.len() {
            return Err(format!("--target {target}: expected a number below {}", scores.len()));
        }
        let silence = vec![0.0; row.len()];
        let baseline = baselines.get(k).or(baselines.first()).unwrap_or(&silence);
        let mapped = match (&frames, args.method) {
            (Some(f), MethodName::Gradient) => f.gradient(&x, target),
            (Some(f), MethodName::GradCam) => f.grad_cam(&x, target, args.signed),
            (Some(f), _) => f.integrated(&x, baseline, target, rule(args.rule), args.steps as usize),
            (None, _) => occlusion(model, &x, target, (args.segment_ms / 1000.0 * RATE).round().max(1.0) as usize),
        };
        out.push(object(args, model, k, target, &mapped.map_err(named)?));
    }
    Ok(out)
}

fn rule(name: RuleName) -> Rule {
    if name == RuleName::GaussLegendre { Rule::GaussLegendre } else { Rule::Trapezoid }
}

fn object(args: &AttributeArgs, model: &Model, row: usize, target: usize, m: &Mapped) -> Value {
    let a = &m.attribution;
    let name = model.labels().get(target).map_or_else(|| json!(target), |l| json!(l));
    let mut object = json!({
        "row": row, "method": a.method.name(), "target": name, "base": a.residual.map(|_| a.base), "output": a.output,
        "attributions": a.values, "residual": a.residual, "shape": m.shape,
    });
    if let Some(layer) = &args.layer {
        object["layer"] = json!(layer);
    }
    if let Some(layout) = m.layout {
        object["layout"] = json!(layout.name());
        object["signed"] = json!(args.signed);
    }
    if args.method == MethodName::Occlusion {
        object["segment_ms"] = json!(args.segment_ms);
    }
    object
}

/// What has no meaning for a method is refused, not ignored.
fn refuse_unfit(args: &AttributeArgs, baseline: bool) -> Result<(), String> {
    let method = args.method;
    let checks = [
        (
            args.layer.is_some() && !matches!(method, MethodName::Gradient | MethodName::GradCam),
            "--layer",
            "gradient or grad-cam",
        ),
        (
            args.layer.is_none() && method == MethodName::GradCam,
            "--method grad-cam without --layer",
            "the name of a tensor of frames and channels",
        ),
        (args.signed && method != MethodName::GradCam, "--signed", "grad-cam"),
        (baseline && method != MethodName::IntegratedGradients, "--baseline", "integrated-gradients"),
        (args.background.is_some(), "--background", "a model of features: --baseline is a waveform"),
        (args.groups.is_some(), "--groups", "a model of features"),
        (args.speakers.speaker.is_some(), "--speaker", "a model of features"),
    ];
    match checks.into_iter().find(|c| c.0) {
        Some((_, option, expected)) => Err(format!("{option}: expected {expected}")),
        None => Ok(()),
    }
}

fn waveforms(path: &std::path::Path, t: &Table) -> Result<Vec<Vec<f32>>, String> {
    let named = |e: String| format!("{}: {e}", path.display());
    let rows = t.rows(&[]).map_err(named)?;
    match rows.iter().position(|r| r.is_empty() || r.iter().any(|v| !v.is_finite())) {
        Some(k) => Err(named(format!("row {}: expected samples that are numbers", k + 1))),
        None => Ok(rows),
    }
}
