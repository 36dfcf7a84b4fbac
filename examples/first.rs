//! A first program: the utterances of a recording, with their labels and the reasons for them.
//!
//! ```sh
//! cargo run --release --example first
//! ```

use affect::session::{Session, Utterances};
use affect::signal::samples::Samples;
use std::error::Error;

/// Prints every utterance.
pub fn main() -> Result<(), Box<dyn Error>> {
    // 16 kHz, one channel, 16 bits, behind a header of 44 bytes.
    let wav = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/emodb/16a01Wb.wav"))?;
    let samples: Vec<i16> = wav[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();

    let mut session = Session::builder(16_000, 1)
        .roles(["caller"])
        .segments(Utterances::default().final_only())
        .default_model()
        .build()?;
    let mut results = session.push(&Samples::s16(&samples, 1)?)?;
    results.extend(session.finish());
    for result in &results {
        let (span, label, pitch_hz) = (result.span(), result.label(), result.value("F0_Hz_median"));
        println!("{:?} to {:?}: {label:?}, pitch {pitch_hz:?} Hz", span.start, span.end);
        result.reasons().for_each(|reason| println!("  {reason}"));
    }
    Ok(())
}
