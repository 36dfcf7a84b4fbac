//! Low-level descriptors, one family per file.
//!
//! Every function works on one frame (or on one stream's small state) and allocates nothing after construction.

pub mod autocorrelation;
pub mod balance;
pub mod best_path;
pub mod cepstral_peak;
pub mod envelope;
pub mod flux;
pub mod formant_fit;
pub mod formant_track;
pub mod formants;
pub mod harmonic_levels;
pub mod harmonic_sum;
pub mod harmonics;
pub mod hnr;
pub mod line_band;
pub mod linear_prediction;
pub mod loudest;
pub mod loudness;
pub mod low_band;
pub mod mfcc;
pub mod periodicity;
pub mod perturbation;
pub mod pitch_candidates;
pub mod pitch_evidence;
pub mod pitch_path;
pub mod pitch_track;
pub mod pulses;
pub mod roots;
pub mod slope;
pub mod tilt;
pub mod usual_pitch;
pub mod voicing;
