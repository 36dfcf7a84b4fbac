//! `affect picture`: one utterance on one page: waveform, F0, relevance over time, and the spans that a waveform model leaned on.

mod draw;

use crate::identify::sound::{self, Sound};
use crate::interrupt;
use crate::model_args::ModelArgs;
use affect::analyzer::{Analyzer, Attribution, Config, Output, Scorer, ScoringConfig, Segmentation};
use affect::model::Layer;
use affect::record::{Explanation, FrameExplanation, Record};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct PictureArgs {
    /// An audio file with one track; several channels are mixed.
    file: PathBuf,
    /// The model: a folder or ONNX file of a waveform model.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The picture to write, SVG.
    #[arg(long, short, value_name = "FILE.svg")]
    out: PathBuf,
    /// Which utterance, the first being 1; the whole file is one with 0.
    #[arg(long, value_name = "N", default_value_t = 1)]
    utterance: usize,
    /// frames or occlusion.
    #[arg(long, value_name = "WHAT", default_value = "frames")]
    attribution: Attribution,
    /// Layer whose frames are shown: auto, a tensor, or hidden-K.
    #[arg(long, value_name = "LAYER", default_value = "auto")]
    layer: String,
    /// Label or dimension that is explained; the top one without it.
    #[arg(long, value_name = "TARGET", default_value = "top")]
    target: String,
    /// With how many random spans the strongest one is compared; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 19)]
    reliability: usize,
    #[command(flatten)]
    common: ModelArgs,
}

/// What is drawn of an utterance.
pub struct Picture<'a> {
    /// Name of the file.
    pub name: String,
    /// When the utterance begins, in seconds of the file.
    pub start_s: f64,
    /// Its samples, and how many a second.
    pub samples: &'a [f64],
    /// Samples a second.
    pub rate_hz: f64,
    /// Time (in seconds of the utterance) and F0 in Hz of every voiced frame.
    pub f0: Vec<(f64, f64)>,
    /// What is explained.
    pub explanation: &'a Explanation,
    /// Where it looked.
    pub frames: &'a FrameExplanation,
}

/// Analyses the file and draws.
pub fn run(args: &PictureArgs) -> Result<(), String> {
    refuse_outputs_among_inputs([args.file.as_path(), args.model.as_path()], [args.out.as_path()])
        .map_err(|e| e.to_string())?;
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let model = args.common.open_with(&args.model, None, None, Layer::named(&args.layer))?;
    let scoring = ScoringConfig {
        attribution: args.attribution,
        layer: args.layer.clone(),
        target: args.target.clone(),
        top_k: 0,
        reliability: args.reliability,
        ..ScoringConfig::default()
    };
    let scorer = Scorer::new(model, scoring).map_err(|e| format!("{}: {e}", args.model.display()))?;
    let named = |e: String| format!("{}: {e}", args.file.display());
    let sound = sound::read(&args.file, interrupt::flag()).map_err(named)?;
    let segmentation = match args.utterance {
        0 => Segmentation::File,
        _ => Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() }),
    };
    let config = Config { segmentation, scorer: Some(Arc::new(scorer)), ..Config::default() };
    let mut records: Vec<Record> = Vec::new();
    analyse(&sound, config, &mut |o| {
        if let Output::Segment(r) = o {
            records.push(*r);
        }
    })?;
    let place = args.utterance.saturating_sub(1);
    let record = records.get(place).ok_or_else(|| {
        named(format!("--utterance {}: expected at most {}, as many as were found", args.utterance, records.len()))
    })?;
    let scored = record.scored.as_ref();
    let over_time = scored.and_then(|s| s.explanations.iter().find_map(|x| Some((x, x.frames.as_deref()?))));
    let Some((explanation, frames)) = over_time else {
        let why = scored.and_then(|s| s.emotion.abstained.clone());
        return Err(named(format!(
            "nothing to draw: {}",
            why.unwrap_or_else(|| "no explanation over time".to_owned())
        )));
    };
    let seconds = |ns: u64| ns as f64 * 1e-9;
    let (start, end) = (seconds(record.start_ns), seconds(record.end_ns));
    let mut f0 = Vec::new();
    analyse(&sound, Config { segmentation: Segmentation::Frames, ..Config::default() }, &mut |o| {
        if let Output::Frame(row) = o {
            let time = seconds(row.start_ns + row.end_ns) / 2.0;
            // The first column is F0 in Hz.
            f0.extend(
                row.columns()
                    .first()
                    .copied()
                    .flatten()
                    .filter(|_| time >= start && time <= end)
                    .map(|f| (time - start, f64::from(f))),
            );
        }
    })?;
    let rate_hz = f64::from(sound.rate_hz);
    let sample = |s: f64| ((s * rate_hz) as usize).min(sound.samples.len());
    let picture = Picture {
        name: args.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        start_s: start,
        samples: &sound.samples[sample(start)..sample(end)],
        rate_hz,
        f0,
        explanation,
        frames,
    };
    let svg = draw::svg(&picture).map_err(|e| format!("the picture could not be drawn: {e}"))?;
    Complete::write(&args.out, Kind::Text, svg.as_bytes()).map_err(|e| format!("{}: {e}", args.out.display()))?;
    crate::say(&format!("{}\n{}\n", frames.sentence, frames.reliability.as_ref().map_or("", |r| r.sentence.as_str())))
}

fn analyse(sound: &Sound, config: Config, take: &mut dyn FnMut(Output<'_>)) -> Result<(), String> {
    let mut analyzer = Analyzer::new(config, sound.rate_hz, 1).map_err(|e| e.to_string())?;
    let single = sound.single();
    let samples = Samples::f32(&single, 1).map_err(|e| e.to_string())?;
    analyzer.push(&samples, take).map_err(|e| e.to_string())?;
    analyzer.finish(take);
    Ok(())
}
