//! Features of every utterance of a 16-bit wav file with the library alone: no GStreamer, no decoder.
//!
//! ```sh
//! cargo run --release --example features -- tests/data/emodb/03a01Nc.wav
//! ```

use affect::analyzer::{Analyzer, Config, Output, Segmentation};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: features FILE.wav")?;
    let bytes = std::fs::read(&path)?;
    let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let rate = bytes.get(24..28).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (Some(channels), Some(rate), Some(16)) = (word(22), rate, word(34)) else {
        return Err("expected a 16-bit PCM wav file with a plain header".into());
    };
    let samples: Vec<i16> = bytes[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();

    let config = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig::default()),
        stream: path.as_str().into(),
        ..Config::default()
    };
    let mut analyzer = Analyzer::new(config, rate, usize::from(channels))?;
    let mut show = |output: Output<'_>| {
        if let Output::Segment(record) = output
            && !record.partial
        {
            println!("{}", record.to_json());
        }
    };
    // Blocks of any size give the same results; 20 ms is what a live stream would bring.
    for block in samples.chunks(rate as usize / 50 * usize::from(channels)) {
        analyzer.push(&Samples::s16(block, usize::from(channels))?, &mut show)?;
    }
    analyzer.finish(&mut show);
    Ok(())
}
