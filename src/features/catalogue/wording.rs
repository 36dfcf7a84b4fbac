//! How a feature is spoken of: its short name, what a listener hears when it rises or falls, and how a distance is said.
//!
//! The only source of these words: tables, `affect features --list` and the sentences of explanations are made of them. They
//! are composed of a descriptor's phrases (`Words`) and of a statistic's; where that gives no English, they are written out.

use serde::Serialize;

/// The words of one feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wording {
    /// Its name in a few words: `pitch range`.
    pub short_name: String,
    /// What a listener would hear when it rises, as a comparison that `than ...` can follow: `voice higher`.
    pub when_it_rises: String,
    /// The same when it falls.
    pub when_it_falls: String,
    /// What else moves it, or what its number is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caveat: Option<&'static str>,
    /// How a distance from a reference is said.
    #[serde(skip)]
    pub distance: Distance,
}

/// How a distance is said: `CPPS 5.5 dB lower`.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    /// Upwards; `#` is the number.
    rise: String,
    /// Downwards.
    fall: String,
    unit: Unit,
}

impl Distance {
    /// In words, for a distance in the catalogue's unit.
    #[must_use]
    pub fn words(&self, difference: f64) -> String {
        let template = if difference > 0.0 { &self.rise } else { &self.fall };
        template.replacen('#', &rounded(difference.abs() * self.unit.scale, self.unit.decimals), 1)
    }
}

/// A number for reading: at most three significant digits and so many decimals, but at least one significant digit.
#[must_use]
pub fn rounded(v: f64, decimals: usize) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v:.0}");
    }
    // The place of the first digit, after rounding to three.
    let first = format!("{:.2e}", v.abs()).split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if first > 2 {
        let unit = 10f64.powi(first - 2);
        return format!("{:.0}", (v / unit).round() * unit);
    }
    let places = (decimals as i32).min(2 - first).max(-first).max(0) as usize;
    let text = format!("{v:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A unit as prose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// What stands behind the number; empty for pure numbers.
    pub name: &'static str,
    /// What values in the catalogue's unit are multiplied by.
    pub scale: f64,
    /// Decimals worth reading.
    pub decimals: usize,
}

const fn unit(name: &'static str, scale: f64, decimals: usize) -> Unit {
    Unit { name, scale, decimals }
}

pub(super) const DB: Unit = unit("dB", 1.0, 1);
pub(super) const DB_PER_S: Unit = unit("dB per second", 1.0, 1);
pub(super) const DB_PER_KHZ: Unit = unit("dB per kHz", 1.0, 1);
/// Of values in dB per Hz.
pub(super) const DB_PER_HZ: Unit = unit("dB per kHz", 1000.0, 1);
pub(super) const DB_PER_OCTAVE: Unit = unit("dB per octave", 1.0, 1);
pub(super) const HZ: Unit = unit("Hz", 1.0, 0);
/// Of slow movements.
pub(super) const SLOW_HZ: Unit = unit("Hz", 1.0, 2);
pub(super) const SEMITONES: Unit = unit("semitones", 1.0, 1);
pub(super) const SEMITONES_PER_S: Unit = unit("semitones per second", 1.0, 1);
pub(super) const SECONDS: Unit = unit("seconds", 1.0, 2);
pub(super) const PURE: Unit = unit("", 1.0, 2);
pub(super) const PURE_PER_S: Unit = unit("per second", 1.0, 1);
pub(super) const TIMES_PER_S: Unit = unit("times per second", 1.0, 1);
pub(super) const SYLLABLES_PER_S: Unit = unit("syllables per second", 1.0, 1);
pub(super) const PEAKS_PER_S: Unit = unit("loudness peaks per second", 1.0, 1);
/// Of shares of the time.
pub(super) const OF_THE_TIME: Unit = unit("% of the time", 100.0, 0);
pub(super) const OF_VOICED_TIME: Unit = unit("% of voiced time", 100.0, 0);
/// Of values in percent.
pub(super) const OF_THE_PERIOD: Unit = unit("% of the period", 1.0, 1);
/// Of shares.
pub(super) const SHARE_OF_THE_PERIOD: Unit = unit("% of the period", 100.0, 1);
pub(super) const OF_THE_AMPLITUDE: Unit = unit("% of amplitude", 1.0, 1);

/// Which way a number goes, up and down.
pub(super) type Ways = (&'static str, &'static str);

pub(super) const HIGHER: Ways = ("higher", "lower");
pub(super) const WIDER: Ways = ("wider", "narrower");
pub(super) const FLATTER: Ways = ("flatter", "steeper");
/// What the number is not, behind it.
const PLAINLY: &str = ", no plain sound";

impl Unit {
    /// `CPPS # dB lower`; pure numbers go `up #` or `down #`.
    pub(super) fn of(self, name: &str, ways: Ways) -> Distance {
        let [rise, fall] = [(ways.0, "up"), (ways.1, "down")].map(|(way, pure)| match self.name {
            "" => format!("{name} {pure} #"),
            unit => format!("{name} # {unit} {way}"),
        });
        Distance { rise, fall, unit: self }
    }

    /// `by # dB`, where the phrase says of what and which way.
    pub(super) fn by(self) -> Distance {
        let text = format!("by # {}", self.name).trim_end().to_owned();
        Distance { rise: text.clone(), fall: text, unit: self }
    }

    /// As [`Self::by`], for numbers that no sound goes with: it says so.
    pub(super) fn by_without_sound(self) -> Distance {
        let mut d = self.by();
        d.rise.push_str(PLAINLY);
        d.fall.push_str(PLAINLY);
        d
    }

    /// As [`Self::of`], for numbers that no sound goes with: it says so.
    pub(super) fn without_sound(self, name: &str) -> Distance {
        let mut d = self.of(name, HIGHER);
        d.rise.push_str(PLAINLY);
        d.fall.push_str(PLAINLY);
        d
    }
}

/// The words of a descriptor, which those of its functionals are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// Its name in a few words.
    pub short: &'static str,
    /// What sounds: `voice`.
    pub subject: &'static str,
    /// How, when it rises and when it falls: `higher`, `lower`.
    pub sounds: Ways,
    /// What it is a measure of, as a noun: `pitch`.
    pub noun: &'static str,
    pub unit: Unit,
    /// Which way its numbers go.
    pub ways: Ways,
    /// What its spread is called beside a number, where `<short> spread` is too long.
    pub spread: Option<&'static str>,
}

/// Words of a descriptor: short name, subject, how it sounds, noun, unit.
pub(super) const fn words(
    short: &'static str,
    subject: &'static str,
    sounds: Ways,
    noun: &'static str,
    unit: Unit,
) -> Words {
    Words { short, subject, sounds, noun, unit, ways: HIGHER, spread: None }
}

impl Words {
    /// The same, of another subject, such as consonants.
    pub(super) const fn about(self, subject: &'static str) -> Self {
        Self { subject, ..self }
    }

    /// The descriptor itself, or a typical value of it.
    pub(super) fn typical(&self) -> Wording {
        self.said(self.short.to_owned(), self.unit.of(self.short, self.ways))
    }

    /// The same under another name.
    pub(super) fn named(&self, short: &str) -> Wording {
        self.said(short.to_owned(), self.unit.of(short, self.ways))
    }

    fn said(&self, short_name: String, distance: Distance) -> Wording {
        let [rises, falls] = [self.sounds.0, self.sounds.1].map(|s| format!("{} {s}", self.subject));
        Wording { short_name, when_it_rises: rises, when_it_falls: falls, caveat: None, distance }
    }

    /// A spread of it.
    pub(super) fn spread(&self) -> Wording {
        let (rises, falls) = (format!("{} varies more", self.noun), format!("{} varies less", self.noun));
        self.spread_as((&rises, &falls))
    }

    /// A spread of it, where a noun does not vary in plain English.
    pub(super) fn spread_as(&self, phrases: (&str, &str)) -> Wording {
        let name = format!("{} spread", self.short);
        wording(&name, phrases, self.unit.of(self.spread.unwrap_or(&name), WIDER))
    }
}

/// Words written out: short name, phrases, distance.
pub(super) fn wording(short: &str, (rises, falls): (&str, &str), distance: Distance) -> Wording {
    Wording {
        short_name: short.to_owned(),
        when_it_rises: rises.to_owned(),
        when_it_falls: falls.to_owned(),
        caveat: None,
        distance,
    }
}

impl Wording {
    /// With a warning.
    pub(super) fn beware(mut self, caveat: &'static str) -> Self {
        self.caveat = Some(caveat);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_for_reading() {
        for (v, decimals, text) in [
            (5.4567, 1, "5.5"),
            (12.0, 1, "12"),
            (123.4, 1, "123"),
            (1234.6, 0, "1230"),
            (999.6, 0, "1000"),
            (99.96, 2, "100"),
            (0.4567, 0, "0.5"),
            (0.001_234, 2, "0.001"),
            (0.996, 2, "1"),
            (0.0, 2, "0"),
            (-2.0, 1, "-2"),
        ] {
            assert_eq!(rounded(v, decimals), text, "{v} {decimals}");
        }
    }

    #[test]
    fn distances_say_which_way() {
        let cpps = DB.of("CPPS", HIGHER);
        assert_eq!(
            (cpps.words(-5.46).as_str(), cpps.words(5.46).as_str()),
            ("CPPS 5.5 dB lower", "CPPS 5.5 dB higher")
        );
        assert_eq!(OF_THE_TIME.by().words(-0.2149), "by 21 % of the time");
        assert_eq!(PURE.without_sound("MFCC 5").words(1.84), "MFCC 5 up 1.84, no plain sound");
    }
}
