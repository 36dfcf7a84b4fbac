//! The entries of `affect-v1`.

mod functional;
mod lld;
mod source;

pub(super) use functional::entries as functionals;
pub(super) use lld::entries as llds;

/// Definition of the cepstral coefficients.
const MFCC: &str = "orthonormal cosine transform of the logarithms of 26 mel band energies (20 to 8000 Hz), bands not below -80 dB of the strongest, no lifter";

/// What a cepstral coefficient measures.
fn mfcc_shape(i: usize) -> &'static str {
    match i {
        1 => "tilt of the mel spectrum",
        2 => "bow of the mel spectrum",
        3 => "ripple of the mel spectrum, one and a half waves",
        _ => "fine ripple of the mel spectrum",
    }
}
