//! What one frame of 10 ms says.

use crate::descriptors::pulses::Periods;
use crate::signal::frames::BANDS;

/// Mel-frequency cepstral coefficients.
pub const MFCCS: usize = 12;

/// Descriptors of one frame. The voice is measured on 60 ms around the same centre as the 20 ms of the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// A sample under the frame was no number: nothing else holds.
    pub bad: bool,
    /// Mean square of the samples, relative to full scale.
    pub mean_square: f32,
    /// Loudness in the manner of perceptual linear prediction.
    pub loudness: f32,
    /// Mel band energies.
    pub energies: [f32; BANDS],
    /// Shape of the spectrum; `None` for silence.
    pub shape: Option<Shape>,
    /// Probability that the frame is voiced.
    pub voicing: f32,
    /// The voice; `None` where the frame is unvoiced.
    pub voice: Option<Voice>,
    /// The periods that begin within the frame's hop.
    pub periods: Periods,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            bad: false,
            mean_square: 0.0,
            loudness: 0.0,
            energies: [0.0; BANDS],
            shape: None,
            voicing: 0.0,
            voice: None,
            periods: Periods::default(),
        }
    }
}

/// Shape of a spectrum; a gain moves none of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Alpha ratio in dB.
    pub alpha_ratio_db: f32,
    /// Hammarberg index in dB.
    pub hammarberg_db: f32,
    /// Slope 0 to 500 Hz, dB per kHz.
    pub low_db_per_khz: f32,
    /// Slope 500 to 1500 Hz, dB per kHz.
    pub middle_db_per_khz: f32,
    /// Slope 80 to 5000 Hz, dB per octave.
    pub whole_db_per_octave: f32,
    /// Centroid in Hz.
    pub centroid_hz: f32,
    /// Level-normalised flux.
    pub change: Option<f32>,
    /// MFCC 1 to 12.
    pub mfcc: [f32; MFCCS],
}

/// The voice of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Voice {
    /// F0 in Hz.
    pub f0_hz: f32,
    /// Harmonics-to-noise ratio in dB.
    pub hnr_db: Option<f32>,
    /// Smoothed cepstral peak prominence in dB.
    pub cpps_db: f32,
    /// Level of the first harmonic less that of the second, in dB.
    pub h1_h2_db: f32,
    /// What rests on the formants; `None` where fewer than three resonances were found.
    pub tract: Option<Tract>,
}

/// The vocal tract of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tract {
    /// F1, F2, F3 in Hz.
    pub hz: [f32; 3],
    /// Bandwidths in Hz.
    pub bandwidth_hz: [f32; 3],
    /// Level of the strongest harmonic near each formant relative to the first harmonic, in dB.
    pub level_db: [f32; 3],
    /// H1-H2 with the influence of F1 and F2 taken off both.
    pub h1_h2_corrected_db: f32,
    /// Level of the first harmonic less that of the strongest harmonic near F3.
    pub h1_a3_db: f32,
    /// H1-A3 with the influence of F1 and F2 taken off both.
    pub h1_a3_corrected_db: f32,
}

/// Where the rows of a stream go, in order.
pub trait Sink {
    /// Row `index` is complete.
    fn row(&mut self, index: u64, row: &Row);
}
