//! One plain sentence for a feature's share in a score: what a listener hears, compared with whom, how much, towards what.

use crate::features::catalogue::Entry;
use crate::features::catalogue::wording::rounded;
use crate::model::card::Normaliser;

/// A feature of an explanation, in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Its value, where it is defined.
    pub value: Option<f64>,
    /// Distance from the reference, in the catalogue's unit.
    pub difference: Option<f64>,
    /// Distance from the reference, in the reference's scales.
    pub z: Option<f64>,
    /// Its contribution.
    pub contribution: f64,
}

/// What a voice is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// What is usual for the speaker.
    ThisSpeaker,
    /// The speech that the model was trained on.
    TrainingSpeakers,
    /// The model's background rows.
    Background,
}

impl Reference {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ThisSpeaker, Self::TrainingSpeakers, Self::Background];

    /// What a model's features are compared with.
    #[must_use]
    pub const fn of(normaliser: &Normaliser) -> Self {
        match normaliser {
            Normaliser::None => Self::Background,
            Normaliser::Training { .. } => Self::TrainingSpeakers,
            // Of what is blended the record says which it was; nobody has been heard at first.
            Normaliser::Blended => Self::TrainingSpeakers,
            Normaliser::Speaker => Self::ThisSpeaker,
        }
    }

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ThisSpeaker => "this speaker",
            Self::TrainingSpeakers => "training speakers",
            Self::Background => "background",
        }
    }

    /// As it stands behind `than` or `as`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ThisSpeaker => "usual for this speaker",
            Self::TrainingSpeakers => "in training speech",
            Self::Background => "in reference speech",
        }
    }
}

/// What a score is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A label, which is nearer or farther: sadness.
    Label(&'a str),
    /// A number, which is higher or lower: arousal.
    Amount(&'a str),
}

impl Target<'_> {
    /// Which way a contribution moves it, and how far.
    fn moved(self, contribution: f64) -> String {
        let (Self::Label(name) | Self::Amount(name)) = self;
        if contribution.abs() < 0.005 {
            return format!("hardly matters for {name}");
        }
        let way = match (self, contribution > 0.0) {
            (Self::Label(_), true) => "towards",
            (Self::Label(_), false) => "away from",
            (Self::Amount(_), true) => "towards higher",
            (Self::Amount(_), false) => "towards lower",
        };
        let places = if contribution.abs() < 0.995 { 2 } else { 1 };
        format!("{way} {name}, {contribution:+.places$}")
    }
}

/// With a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |c| c.to_uppercase().chain(letters).collect())
}

/// The sentence: what the feature is like against the reference, and how much it moved the score towards or away from
/// the target. Measures of expression, not of feelings.
#[must_use]
pub fn sentence(entry: &Entry, share: &Share, reference: Reference, target: Target<'_>) -> String {
    let w = &entry.wording;
    let scales = share.z.map(|z| format!("{} SD", rounded(z.abs(), 1)));
    let whom = reference.words();
    let state = match (share.value, share.difference.or(share.z)) {
        (None, _) => format!("{} cannot be measured here", w.short_name),
        (Some(_), None) => format!("{} has nothing to be compared with", w.short_name),
        (Some(_), Some(d)) if d == 0.0 || share.z.is_some_and(|z| z.abs() < 0.15) => {
            format!("{} as {whom}", w.short_name)
        }
        (Some(_), Some(d)) => {
            let heard = if d > 0.0 { &w.when_it_rises } else { &w.when_it_falls };
            let distance = share.difference.map_or_else(|| w.short_name.clone(), |d| w.distance.words(d));
            let much = [Some(distance), scales].into_iter().flatten().collect::<Vec<_>>().join(", ");
            format!("{heard} than {whom} ({much})")
        }
    };
    format!("{}: {}", capital(&state), target.moved(share.contribution))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::catalogue::affect_functionals;

    fn entry(name: &str) -> &'static Entry {
        affect_functionals().iter().find(|e| e.name == name).unwrap()
    }

    fn share(difference: f64, z: f64, contribution: f64) -> Share {
        Share { value: Some(3.0), difference: Some(difference), z: Some(z), contribution }
    }

    #[test]
    fn sentences_say_what_is_heard_against_whom_how_much_towards_what() {
        let cpps = entry("CPPS_dB_median");
        let said = |s: &Share, r, t| sentence(cpps, s, r, t);
        assert_eq!(
            said(&share(-5.46, -2.51, 2.04), Reference::ThisSpeaker, Target::Label("sadness")),
            "Voice breathier than usual for this speaker (CPPS 5.5 dB lower, 2.5 SD): towards sadness, +2.0"
        );
        assert_eq!(
            said(&share(2.0, 1.0, -0.456), Reference::TrainingSpeakers, Target::Label("sadness")),
            "Voice clearer than in training speech (CPPS 2 dB higher, 1 SD): away from sadness, -0.46"
        );
        assert_eq!(
            said(&share(2.0, 1.0, -0.456), Reference::Background, Target::Amount("arousal")),
            "Voice clearer than in reference speech (CPPS 2 dB higher, 1 SD): towards lower arousal, -0.46"
        );
        assert_eq!(
            said(&share(0.01, 0.004, 0.3), Reference::ThisSpeaker, Target::Amount("arousal")),
            "CPPS as usual for this speaker: towards higher arousal, +0.30"
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let gone = Share { value: None, difference: None, z: None, contribution: -0.01 };
        let text = sentence(entry("pause_share"), &gone, Reference::TrainingSpeakers, Target::Label("anger"));
        assert_eq!(text, "Share of pauses cannot be measured here: away from anger, -0.01");
        let alone = Share { value: Some(0.2), ..gone };
        let text = sentence(entry("pause_share"), &alone, Reference::ThisSpeaker, Target::Label("anger"));
        assert_eq!(text, "Share of pauses has nothing to be compared with: away from anger, -0.01");
        let bare = Share { z: Some(1.5), contribution: 0.001, ..alone };
        let text = sentence(entry("pause_share"), &bare, Reference::ThisSpeaker, Target::Label("anger"));
        assert_eq!(
            text,
            "More silence than usual for this speaker (share of pauses, 1.5 SD): hardly matters for anger"
        );
        let unscaled = Share { difference: Some(0.1), z: None, ..alone };
        let text = sentence(entry("pause_share"), &unscaled, Reference::ThisSpeaker, Target::Label("anger"));
        assert_eq!(text, "More silence than usual for this speaker (by 10 % of the time): away from anger, -0.01");
    }
}
