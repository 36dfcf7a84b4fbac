//! What each feature is: name, unit, group, meaning, definition, source and typical range.
//!
//! The catalogue is data: documentation, `affect features --list` and the order of every table come from it.

mod affect;
mod clusters;
pub mod endurance;
mod evidence;
mod functional;
mod lld;
mod mfcc;
mod typical;
pub mod wording;

pub use endurance::Endurance;
pub use evidence::Evidence;
pub use wording::Wording;

use serde::Serialize;
use std::sync::OnceLock;

/// What kind of property of the voice a feature measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Pitch and its movement.
    Frequency,
    /// Loudness, level, and their movement.
    Energy,
    /// How energy is spread between low and high frequencies.
    SpectralBalance,
    /// Mel-frequency cepstral coefficients.
    Cepstral,
    /// Regularity and breathiness of the voice.
    VoiceQuality,
    /// Resonances.
    Formants,
    /// Rates and lengths of voiced and unvoiced stretches.
    Temporal,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 7] = [
        Self::Frequency,
        Self::Energy,
        Self::SpectralBalance,
        Self::Cepstral,
        Self::VoiceQuality,
        Self::Formants,
        Self::Temporal,
    ];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frequency => "frequency",
            Self::Energy => "energy",
            Self::SpectralBalance => "spectral balance",
            Self::Cepstral => "cepstral",
            Self::VoiceQuality => "voice quality",
            Self::Formants => "formants",
            Self::Temporal => "temporal",
        }
    }
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Published name, letter for letter.
    pub name: String,
    /// Unit in words or symbols; "1" for pure numbers.
    pub unit: String,
    /// Group.
    pub group: Group,
    /// What it is.
    pub what: String,
    /// How it is spoken of.
    #[serde(flatten)]
    pub wording: Wording,
    /// How it is computed.
    pub definition: String,
    /// Where the definition comes from.
    pub source: String,
    /// Moves with the gain of the recording.
    pub level_dependent: bool,
    /// 5th and 95th percentile over the speech clips in `tests/data`; absent where the clips leave it undefined.
    pub typical: Option<(f32, f32)>,
    /// What it endures, by condition; empty for low-level descriptors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endurance: Vec<Endurance>,
    /// The part of the spectrum that it needs; where a line has removed that, it is undefined. Absent where none of it
    /// matters more than the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The cluster of near copies that it belongs to, if any.
    #[serde(skip)]
    pub cluster: Option<usize>,
}

/// The 25 low-level descriptors of `egemaps-v02`, in the order of its tables.
#[must_use]
pub fn egemaps_llds() -> &'static [Entry] {
    static LIST: OnceLock<Vec<Entry>> = OnceLock::new();
    LIST.get_or_init(|| typical::add(lld::entries()))
}

/// The 88 functionals of `egemaps-v02`, in the order of its tables.
#[must_use]
pub fn egemaps_functionals() -> &'static [Entry] {
    static LIST: OnceLock<Vec<Entry>> = OnceLock::new();
    LIST.get_or_init(|| endurance::add("egemaps-v02", typical::add(functional::entries())))
}

/// The low-level descriptors of `affect-v1`, in the order of its tables.
#[must_use]
pub fn affect_llds() -> &'static [Entry] {
    static LIST: OnceLock<Vec<Entry>> = OnceLock::new();
    LIST.get_or_init(|| typical::add(affect::llds()))
}

/// The functionals of `affect-v1`, in the order of its tables.
#[must_use]
pub fn affect_functionals() -> &'static [Entry] {
    static LIST: OnceLock<Vec<Entry>> = OnceLock::new();
    LIST.get_or_init(|| clusters::add(endurance::add("affect-v1", typical::add(evidence::add(affect::functionals())))))
}

/// A functional of either set, by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    affect_functionals().iter().chain(egemaps_functionals()).find(|e| e.name == name)
}

/// The catalogue of a set as Markdown, one table per group.
#[must_use]
pub fn to_markdown(set: &str, llds: &[Entry], functionals: &[Entry]) -> String {
    let mut out = format!(
        "<!-- Generated from the catalogue in src/features/catalogue. Do not edit: run `make bless`. -->\n\n\
         # Feature set `{set}`\n\n\
         Typical range: 5th to 95th percentile over the speech clips in `tests/data` (German and English, acted and \
         telephone speech; a guide to the eye, not a norm). Low-level descriptors are taken over voiced frames where \
         the voice decides them. Features marked with * move with the gain of the recording.\n",
    );
    let mut sources: Vec<&str> = Vec::new();
    for (title, list) in
        [("Low-level descriptors (one row per 10 ms)", llds), ("Functionals (one row per segment)", functionals)]
    {
        out.push_str(&format!("\n## {title}\n"));
        for group in Group::ALL {
            let members: Vec<&Entry> = list.iter().filter(|e| e.group == group).collect();
            if members.is_empty() {
                continue;
            }
            out.push_str(&format!(
                "\n### {}\n\n| name | unit | what it is | when it rises | when it falls | definition | typical | source |\n|---|---|---|---|---|---|---|---|\n",
                group.name()
            ));
            for e in members {
                let typical = e.typical.map_or("-".to_owned(), |(a, b)| format!("{a} to {b}"));
                let number = sources.iter().position(|s| *s == e.source).unwrap_or_else(|| {
                    sources.push(&e.source);
                    sources.len() - 1
                });
                let needs = e.evidence.map_or(String::new(), |n| format!("; needs the band: {}", n.words()));
                let caveat = e.wording.caveat.map_or(String::new(), |c| format!("; {c}"));
                out.push_str(&format!(
                    "| `{}`{} | {} | {} | {} | {}{caveat} | {}{needs} | {typical} | {} |\n",
                    e.name,
                    if e.level_dependent { "*" } else { "" },
                    e.unit,
                    e.what,
                    e.wording.when_it_rises,
                    e.wording.when_it_falls,
                    e.definition.replace('|', "\\|"),
                    number + 1,
                ));
            }
        }
    }
    out.push_str("\n## Sources\n\n");
    for (i, source) in sources.iter().enumerate() {
        out.push_str(&format!("{}. {source}\n", i + 1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::egemaps::{FUNCTIONALS, LLDS};
    use std::collections::HashSet;

    #[test]
    fn every_name_is_there_once() {
        for (list, count) in [
            (egemaps_llds(), LLDS),
            (egemaps_functionals(), FUNCTIONALS),
            (affect_llds(), crate::features::affect::LLDS),
            (affect_functionals(), crate::features::affect::FUNCTIONALS),
        ] {
            assert_eq!(list.len(), count);
            let names: HashSet<&str> = list.iter().map(|e| e.name.as_str()).collect();
            assert_eq!(names.len(), count);
        }
    }

    #[test]
    fn nothing_is_left_blank() {
        for e in egemaps_llds().iter().chain(egemaps_functionals()).chain(affect_llds()).chain(affect_functionals()) {
            let w = &e.wording;
            for text in [&e.unit, &e.what, &w.short_name, &w.when_it_rises, &w.when_it_falls, &e.definition, &e.source]
            {
                assert!(!text.is_empty(), "{}", e.name);
            }
            assert_ne!(w.when_it_falls, w.when_it_rises, "{}", e.name);
            if let Some((low, high)) = e.typical {
                assert!(low <= high && low.is_finite() && high.is_finite(), "{}", e.name);
            }
        }
    }

    /// Names that other tools' tables contain, at the places where they contain them.
    #[test]
    fn published_names_stand_where_they_stand() {
        let f = egemaps_functionals();
        for (index, name) in [
            (0, "F0semitoneFrom27.5Hz_sma3nz_amean"),
            (5, "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2"),
            (10, "loudness_sma3_amean"),
            (19, "loudness_sma3_stddevFallingSlope"),
            (20, "spectralFlux_sma3_amean"),
            (30, "jitterLocal_sma3nz_amean"),
            (38, "logRelF0-H1-A3_sma3nz_amean"),
            (57, "F3amplitudeLogRelF0_sma3nz_stddevNorm"),
            (58, "alphaRatioV_sma3nz_amean"),
            (75, "mfcc4V_sma3nz_stddevNorm"),
            (76, "alphaRatioUV_sma3nz_amean"),
            (80, "spectralFluxUV_sma3nz_amean"),
            (81, "loudnessPeaksPerSec"),
            (84, "StddevVoicedSegmentLengthSec"),
            (86, "StddevUnvoicedSegmentLength"),
            (87, "equivalentSoundLevel_dBp"),
        ] {
            assert_eq!(f[index].name, name);
        }
        assert_eq!(egemaps_llds()[0].name, "Loudness_sma3");
        assert_eq!(egemaps_llds()[24].name, "F3amplitudeLogRelF0_sma3nz");
    }
}
