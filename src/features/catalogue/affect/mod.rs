//! The entries of `affect-v1`.

mod functional;
mod lld;
mod source;

pub(super) use functional::entries as functionals;
pub(super) use lld::entries as llds;

/// Definition of the cepstral coefficients.
const MFCC: &str = "orthonormal cosine transform of the logarithms of 26 mel band energies (20 to 8000 Hz), bands not below -80 dB of the strongest, no lifter";

/// What a cepstral coefficient is, and what its rise and fall mean.
fn mfcc_phrases(i: usize) -> (&'static str, &'static str, &'static str) {
    match i {
        1 => (
            "tilt of the mel spectrum",
            "energy tilts towards low frequencies",
            "energy tilts towards high frequencies",
        ),
        2 => (
            "bow of the mel spectrum",
            "weaker middle frequencies than usual",
            "stronger middle frequencies than usual",
        ),
        3 => (
            "ripple of the mel spectrum, one and a half waves",
            "ripple of the spectrum up",
            "ripple of the spectrum down",
        ),
        _ => ("fine ripple of the mel spectrum", "fine ripple of the spectrum up", "fine ripple of the spectrum down"),
    }
}
