//! Options of doses: one for every property, each with one dose or a list.

use affect::alter::{Doses, Property};
use clap::Args;

#[derive(Debug, Args)]
pub struct DoseArgs {
    /// F0 level: semitones up or down, -12 to 12, such as +2st. Every dose may be a list with commas: one version for each.
    #[arg(long, value_name = "ST", allow_hyphen_values = true)]
    f0: Option<String>,
    /// F0 range: factor of the distance from the median, 0 to 4; 0 is monotone.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    f0_range: Option<String>,
    /// F0 declination: semitones per second that are added, -20 to 20.
    #[arg(long, value_name = "ST/S", allow_hyphen_values = true)]
    f0_declination: Option<String>,
    /// Spectral tilt of voiced sound above 200 Hz: dB per octave that are added, -12 to 12.
    #[arg(long, value_name = "DB/OCT", allow_hyphen_values = true)]
    tilt: Option<String>,
    /// Depth of the envelope between 2 and 16 Hz: factor, 0.5 to 2.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    envelope_depth: Option<String>,
    /// Level: dB up or down, -40 to 40.
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    level: Option<String>,
    /// Speaking rate: factor, 0.5 to 2; pitch stays.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    rate: Option<String>,
    /// Frequencies of the formants: factor, 0.7 to 1.4; pitch stays.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    formants: Option<String>,
    /// Breathiness: median harmonics-to-noise ratio, in dB, from 0 to the present one, that noise with the spectrum of the voice
    /// brings it down to.
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    hnr: Option<String>,
    /// Jitter that is added, in percent, 0 to 5.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    jitter: Option<String>,
    /// Shimmer that is added, in dB, 0 to 2.
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    shimmer: Option<String>,
}

/// One combination of doses.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// All of them.
    pub doses: Doses,
}

impl Version {
    /// The doses in a name of a file.
    pub fn name(&self) -> String {
        let part = |(p, d): (Property, f64)| match p.neutral() {
            Some(0.0) => format!("{}{d:+}", p.name()),
            _ => format!("{}{d}", p.name()),
        };
        self.doses.asked().map(part).collect::<Vec<_>>().join(".")
    }
}

impl DoseArgs {
    /// Every combination of the doses that were given, in order.
    ///
    /// # Errors
    /// A sentence where there is no dose, or one that cannot be read or given.
    pub fn versions(&self) -> Result<Vec<Version>, String> {
        let mut versions = vec![Version { doses: Doses::default() }];
        let mut any = false;
        for property in Property::ALL {
            let Some(list) = self.given(property) else { continue };
            any = true;
            let doses = list.split(',').map(|t| property.parse(t).map_err(|e| format!("--{}: {e}", property.name())));
            let doses = doses.collect::<Result<Vec<f64>, _>>()?;
            let mut more = Vec::with_capacity(versions.len() * doses.len());
            for v in &versions {
                for d in &doses {
                    let doses = v.doses.with(property, *d).map_err(|e| e.to_string())?;
                    more.push(Version { doses });
                }
            }
            versions = more;
        }
        let names: std::collections::BTreeSet<String> = versions.iter().map(Version::name).collect();
        match (any, names.len() == versions.len()) {
            (false, _) => Err("expected a dose, such as --f0 +2st, --f0-range 0.5 or --tilt -3".to_owned()),
            (_, false) => Err("expected every dose of a list once".to_owned()),
            _ => Ok(versions),
        }
    }

    fn given(&self, property: Property) -> Option<&str> {
        let option = match property {
            Property::F0 => &self.f0,
            Property::F0Range => &self.f0_range,
            Property::F0Declination => &self.f0_declination,
            Property::Tilt => &self.tilt,
            Property::EnvelopeDepth => &self.envelope_depth,
            Property::Level => &self.level,
            Property::Rate => &self.rate,
            Property::Formants => &self.formants,
            Property::Hnr => &self.hnr,
            Property::Jitter => &self.jitter,
            Property::Shimmer => &self.shimmer,
            _ => &None,
        };
        option.as_deref()
    }
}
