//! The words of cepstral coefficients, in both sets: the first two have a sound, the others say that they have none.

use super::wording::{HIGHER, PURE, Unit, Ways, Wording, wording};

/// Parts of the spectrum that a coefficient goes by, and how they sound when it rises and falls.
fn sound(i: usize) -> (&'static str, Ways) {
    match i {
        1 => ("sound", ("darker", "brighter")),
        2 => ("middle frequencies", ("weaker", "stronger")),
        _ => ("spectral ripple", ("higher", "lower")),
    }
}

/// What varies or changes: `brightness`.
fn noun(i: usize) -> &'static str {
    match i {
        1 => "brightness",
        2 => "middle range",
        _ => "spectral envelope",
    }
}

/// The coefficient, or its mean.
pub(super) fn coefficient(i: usize) -> Wording {
    named(i, &format!("MFCC {i}"), sound(i).0)
}

/// Its mean over voiced frames, in a set that has the mean over all frames too.
pub(super) fn of_the_voice(i: usize) -> Wording {
    let subject = match i {
        1 => "voice",
        2 => "middle tones of the voice",
        _ => "vowel ripple",
    };
    named(i, &format!("MFCC {i}"), subject)
}

fn named(i: usize, name: &str, subject: &str) -> Wording {
    let (rises, falls) = sound(i).1;
    let distance = if i < 3 { PURE.of(name, HIGHER) } else { PURE.without_sound(name) };
    wording(name, (&format!("{subject} {rises}"), &format!("{subject} {falls}")), distance)
}

/// Its spread over voiced frames.
pub(super) fn spread(i: usize) -> Wording {
    let name = format!("MFCC {i} spread");
    let phrases = (format!("{} varies more", noun(i)), format!("{} varies less", noun(i)));
    wording(&name, (&phrases.0, &phrases.1), PURE.of(&name, HIGHER))
}

/// Its slope.
pub(super) fn change(i: usize) -> Wording {
    let name = format!("MFCC {i} slope");
    let phrases = match i {
        1 => ("sound darkens faster", "sound brightens faster"),
        2 => ("middle frequencies fade faster", "middle frequencies grow faster"),
        _ => ("spectral ripple rises faster", "spectral ripple falls faster"),
    };
    wording(&name, phrases, SLOPE.of(&name, HIGHER))
}

/// How fast it changes.
pub(super) fn pace(i: usize) -> Wording {
    let name = format!("MFCC {i} pace");
    let phrases = (format!("{} changes faster", noun(i)), format!("{} changes slower", noun(i)));
    wording(&name, (&phrases.0, &phrases.1), SLOPE.of(&name, HIGHER))
}

/// Slopes are pure numbers per second: `MFCC 5 slope up 13`.
const SLOPE: Unit = Unit { decimals: 0, ..PURE };
