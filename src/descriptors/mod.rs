//! Low-level descriptors, one family per file.
//!
//! Every function works on one frame (or on one stream's small state) and allocates nothing after construction.

pub mod balance;
pub mod flux;
pub mod formants;
pub mod harmonics;
pub mod hnr;
pub mod level;
pub mod loudness;
pub mod mfcc;
pub mod perturbation;
pub mod pitch_candidates;
pub mod pitch_path;
pub mod roots;
pub mod slope;
