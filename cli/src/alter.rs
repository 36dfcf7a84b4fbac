//! `affect alter`: a voice with one property changed, as sound, and what the analyzer says of it before and after.

mod doses;
mod told;

use crate::identify::sound::{self, Sound};
use crate::interrupt;
use crate::progress::Progress;
use affect::alter::{Altered, Measured, Property, Voice};
use affect::analyzer::{Analyzer, Config, Output, Segmentation};
use affect::record::Record;
use affect::signal::samples::Samples;
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, replaceable};
use clap::{Args, ValueEnum};
use doses::{DoseArgs, Version};
use std::io::Cursor;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SampleFormat {
    /// Integers of 16 bits; sound beyond full scale is refused.
    S16,
    /// Floating-point numbers of 32 bits, beyond full scale too.
    F32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToldFormat {
    /// Tables for people.
    Text,
    /// One object a line for every channel of every version.
    Jsonl,
}

#[derive(Debug, Args)]
pub struct AlterArgs {
    /// An audio file with one track.
    file: PathBuf,
    /// The WAV file to write; with a list of doses the folder, one file a dose. What is there is not replaced.
    #[arg(long, short, value_name = "OUT.wav")]
    out: PathBuf,
    /// Only this channel, the first being 0; the others stay as they are. Without it all are altered, each as a voice of its own.
    #[arg(long, value_name = "N")]
    channel: Option<usize>,
    #[command(flatten)]
    doses: DoseArgs,
    /// Form of the samples.
    #[arg(long, value_enum, default_value = "f32")]
    sample_format: SampleFormat,
    /// What is said about it.
    #[arg(long, value_enum, default_value = "text")]
    format: ToldFormat,
    /// Say nothing about progress.
    #[arg(long, short)]
    quiet: bool,
}

/// A channel that is altered, with its features.
struct Original {
    channel: usize,
    voice: Voice,
    record: Record,
}

/// Alters, writes and tells.
pub fn run(args: &AlterArgs) -> Result<(), String> {
    let versions = args.doses.versions()?;
    let places = places(args, &versions)?;
    refuse_outputs_among_inputs([args.file.as_path()], places.iter().map(PathBuf::as_path))
        .map_err(|e| e.to_string())?;
    for place in &places {
        replaceable(place, Kind::Recording).map_err(|e| format!("{}: {e}", place.display()))?;
    }
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let named = |e: String| format!("{}: {e}", args.file.display());
    let channels = sound::read_channels(&args.file, interrupt::flag()).map_err(named)?;
    let picked = picked(args, &versions, channels.len()).map_err(named)?;
    let of_channel = |k: usize, e: String| named(if channels.len() > 1 { format!("channel {k}: {e}") } else { e });
    let mut originals = Vec::new();
    for channel in picked {
        let samples = channels[channel].single();
        let record = features(&samples, channels[channel].rate_hz).map_err(|e| of_channel(channel, e))?;
        let voice = Voice::new(samples, channels[channel].rate_hz).map_err(|e| of_channel(channel, e.to_string()))?;
        for version in &versions {
            voice.check(&version.doses).map_err(|e| of_channel(channel, e.to_string()))?;
        }
        originals.push(Original { channel, voice, record });
    }
    if versions.len() > 1 {
        std::fs::create_dir_all(&args.out).map_err(|e| format!("{}: {e}", args.out.display()))?;
    }
    let progress = Progress::count(args.quiet || versions.len() == 1, "versions");
    progress.set_total(versions.len() as u64);
    for (version, place) in versions.iter().zip(&places) {
        let mut altered: Vec<Altered> = Vec::new();
        for o in &originals {
            if interrupt::asked() {
                return Err("interrupted: the versions that are there are complete".to_owned());
            }
            altered.push(o.voice.alter(&version.doses).map_err(|e| of_channel(o.channel, e.to_string()))?);
        }
        write(place, &channels, &originals, &altered, args.sample_format)?;
        for (o, a) in originals.iter().zip(&altered) {
            let after = features(&a.samples, o.voice.rate_hz())?;
            let measured = Measured::between(&o.voice, a, &version.doses, &o.record, &after);
            let about = told::About { file: &args.file, out: place, channel: o.channel, channels: channels.len() };
            crate::say(&match args.format {
                ToldFormat::Text => told::text(&about, a, &measured),
                ToldFormat::Jsonl => told::json(&about, a, &measured),
            })?;
        }
        progress.step();
    }
    Ok(())
}

/// Where every version goes.
fn places(args: &AlterArgs, versions: &[Version]) -> Result<Vec<PathBuf>, String> {
    if let [_] = versions {
        let folder = args.out.parent().filter(|f| !f.as_os_str().is_empty());
        if let Some(f) = folder.filter(|f| !f.is_dir()) {
            return Err(format!("--out {}: expected a folder {} that is there", args.out.display(), f.display()));
        }
        if args.out.exists() && !args.out.is_file() {
            return Err(format!("--out {}: expected a file or a new name", args.out.display()));
        }
        let wav = args.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"));
        return if wav {
            Ok(vec![args.out.clone()])
        } else {
            Err(format!("--out {}: expected a name that ends in .wav", args.out.display()))
        };
    }
    if args.out.exists() && !args.out.is_dir() {
        return Err(format!("--out {}: expected a folder for {} versions", args.out.display(), versions.len()));
    }
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(versions.iter().map(|v| args.out.join(format!("{stem}.{}.wav", v.name()))).collect())
}

/// Channels that are altered.
fn picked(args: &AlterArgs, versions: &[Version], count: usize) -> Result<Vec<usize>, String> {
    let Some(channel) = args.channel else { return Ok((0..count).collect()) };
    if channel >= count {
        return Err(format!("--channel {channel}: expected 0 to {}", count.saturating_sub(1)));
    }
    let paced = versions.iter().any(|v| v.doses.asked().any(|(p, d)| p == Property::Rate && d != 1.0));
    if paced && count > 1 {
        return Err("--rate changes the length: expected all channels, without --channel".to_owned());
    }
    Ok(vec![channel])
}

/// Features of a whole channel.
fn features(samples: &[f32], rate_hz: u32) -> Result<Record, String> {
    let config = Config { segmentation: Segmentation::File, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate_hz, 1).map_err(|e| e.to_string())?;
    let mut record = None;
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            record = Some(*r);
        }
    };
    let samples = Samples::f32(samples, 1).map_err(|e| e.to_string())?;
    analyzer.push(&samples, &mut take).map_err(|e| e.to_string())?;
    analyzer.finish(&mut take);
    record.ok_or_else(|| "nothing to analyse: expected audio".to_owned())
}

/// Writes all channels, the altered ones in place of theirs.
fn write(
    place: &Path,
    channels: &[Sound],
    originals: &[Original],
    altered: &[Altered],
    format: SampleFormat,
) -> Result<(), String> {
    let failed = |e: String| format!("{}: {e}", place.display());
    let single: Vec<Vec<f32>> = channels.iter().map(Sound::single).collect();
    let of = |c: usize| {
        let found = originals.iter().position(|o| o.channel == c).map(|k| altered[k].samples.as_slice());
        found.unwrap_or(&single[c])
    };
    let every: Vec<&[f32]> = (0..channels.len()).map(of).collect();
    let beyond: usize = every.iter().map(|c| c.iter().filter(|v| as_integer(**v).is_none()).count()).sum();
    let integers = format == SampleFormat::S16;
    if integers && beyond > 0 {
        return Err(failed(format!(
            "{beyond} samples lie beyond full scale: lower it with --level, or leave --sample-format out"
        )));
    }
    let spec = hound::WavSpec {
        channels: u16::try_from(every.len()).map_err(|_| failed("too many channels for a WAV file".to_owned()))?,
        sample_rate: channels[0].rate_hz,
        bits_per_sample: if integers { 16 } else { 32 },
        sample_format: if integers { hound::SampleFormat::Int } else { hound::SampleFormat::Float },
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut fill = || -> Result<(), hound::Error> {
        let mut wav = hound::WavWriter::new(&mut bytes, spec)?;
        for n in 0..every[0].len() {
            for c in &every {
                if integers { wav.write_sample(as_integer(c[n]).unwrap_or(0))? } else { wav.write_sample(c[n])? }
            }
        }
        wav.finalize()
    };
    fill().map_err(|e| failed(e.to_string()))?;
    Complete::write(place, Kind::Recording, &bytes.into_inner()).map_err(|e| failed(e.to_string()))
}

/// A sample as 16 bits; `None` beyond full scale.
fn as_integer(v: f32) -> Option<i16> {
    let scaled = (v * 32_768.0).round();
    // Full scale itself is one step beyond the highest integer.
    (-32_768.0..=32_768.0).contains(&scaled).then(|| scaled.min(32_767.0) as i16)
}
