//! A smoothed line beside the raw amounts of a timeline.

use affect::record::Record;
use std::collections::BTreeMap;

/// A line through the arousal of one voice's utterances, for the eye: each counts by its speech, and half as much ten seconds later.
/// Records hold the values themselves.
#[derive(Default)]
pub struct Smooth {
    /// By channel: sum, weight, and the time they are of.
    lines: BTreeMap<Option<usize>, (f64, f64, u64)>,
}

impl Smooth {
    /// Takes a segment in; says where the line is, once there is more than this segment to it.
    pub fn add(&mut self, r: &Record) -> Option<String> {
        let e = &r.scored.as_ref()?.emotion;
        let (name, _) = e.intervals.first()?;
        let value = e.dimensions.iter().find(|d| d.0 == *name)?.1;
        let speech = r.quality.as_ref().and_then(|q| q.speech_s).map_or(1.0, f64::from);
        let known = self.lines.contains_key(&r.channel.index);
        let line = self.lines.entry(r.channel.index).or_insert((0.0, 0.0, r.end_ns));
        let fades = 0.5f64.powf(r.end_ns.saturating_sub(line.2) as f64 * 1e-10);
        *line = (line.0 * fades + speech * value, line.1 * fades + speech, r.end_ns);
        (known && line.1 > 0.0).then(|| format!("over time {:+.2}", line.0 / line.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use affect::record::{Emotion, ModelInfo, Quality, Scored};

    fn record(template: &Record, channel: usize, end_s: u64, arousal: f64, speech_s: f32) -> Record {
        let mut r = template.clone();
        r.channel.index = Some(channel);
        (r.start_ns, r.end_ns) = ((end_s - 1) * 1_000_000_000, end_s * 1_000_000_000);
        r.quality = Some(Quality { speech_s: Some(speech_s), ..Quality::default() });
        let name: std::sync::Arc<str> = "arousal".into();
        let emotion = Emotion {
            dimensions: vec![(name.clone(), arousal)],
            intervals: vec![(name, (-1.0, 1.0))],
            ..Emotion::default()
        };
        let model = ModelInfo {
            id: "m".into(),
            version: "1".into(),
            sha256: "".into(),
            engine: "".into(),
            normaliser: "training speakers".into(),
        };
        r.scored = Some(Box::new(Scored { model, emotion, explanations: Vec::new() }));
        r
    }

    /// After ten seconds an utterance counts half; a long one counts more; voices do not mix.
    #[test]
    fn utterances_fade_and_voices_stay_apart() {
        let text = r#"{"schema":"affect.result/2","revision":0,"stream":"call","channel":{"index":0},"policy":"allow","segment":"utterance",
            "start_ns":0,"end_ns":1,"partial":false,"discont":false,"ended":"pause","source":"test","provenance":{"software":"affect",
            "feature_set":"affect-v1","feature_set_version":"1","configuration":"00000000000000000000000000000000"},
            "features":{},"reasons":{}}"#;
        let template = Record::from_json(text).unwrap();
        let mut smooth = Smooth::default();
        assert_eq!(smooth.add(&record(&template, 0, 10, 1.0, 2.0)), None);
        assert_eq!(smooth.add(&record(&template, 1, 11, -1.0, 2.0)), None);
        // (2 / 2 * 1 + 1 * -1) / (1 + 1).
        assert_eq!(smooth.add(&record(&template, 0, 20, -1.0, 1.0)).unwrap(), "over time +0.00");
        // (1 * 0.5 - 1 * 0.5 + 2 * 0.5) / (2 * 0.5 + 2).
        assert_eq!(smooth.add(&record(&template, 0, 30, 0.5, 2.0)).unwrap(), "over time +0.33");
    }
}
