//! Settings of a run: from options to names and values, which are kept, and back.

use super::{Stop, mismatch};
use crate::analysis_args::AnalysisArgs;
use crate::model_args::ModelArgs;
use crate::whole::DecodingArgs;
use affect::analyzer::{Config, ConversationConfig, FeatureSet};
use affect::model::Model;
use affect::record::SOFTWARE;
use affect_archive::{Identity, Run};
use affect_media::files::{from_name, to_name};
use clap::{Args, FromArgMatches, ValueEnum};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options of the analysis of an archive.
#[derive(Debug, Clone, Args)]
pub struct SettingArgs {
    #[command(flatten)]
    pub analysis: AnalysisArgs,
    #[command(flatten)]
    pub decoding: DecodingArgs,
}

fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}

fn list(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(',').map(|t| t.trim().to_owned()).collect() }
}

impl SettingArgs {
    /// Everything but the model and where it is, by the names of the options.
    fn values(&self) -> BTreeMap<String, String> {
        // Every field is named: a new one does not compile until it is decided whether a number depends on it.
        let AnalysisArgs {
            model: _,
            segments,
            window,
            hop,
            channels,
            roles,
            policy,
            attribution,
            layer,
            reliability,
            top_k,
            target,
            probability,
            model_reference,
            baseline,
            common: ModelArgs { model_card: _, backend, runtime_library: _ },
        } = &self.analysis;
        let DecodingArgs { track, patience, keep_dual_mono } = &self.decoding;
        let mut all: BTreeMap<String, String> = [
            ("segments", word(*segments)),
            ("window", window.to_string()),
            ("hop", hop.to_string()),
            ("channels", channels.clone()),
            ("roles", list(roles).join(",")),
            ("policy", list(policy).join(",")),
            ("attribution", attribution.name().to_owned()),
            ("layer", layer.clone()),
            ("reliability", reliability.to_string()),
            ("top-k", top_k.to_string()),
            ("target", target.clone()),
            ("probability", probability.to_string()),
            ("model-reference", model_reference.to_string()),
            ("baseline", word(*baseline)),
            ("backend", backend.to_string()),
            ("patience", patience.to_string()),
            ("keep-dual-mono", keep_dual_mono.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        all.extend(track.map(|t| ("track".to_owned(), t.to_string())));
        all
    }

    /// The options of a run that was planned.
    ///
    /// # Errors
    /// A sentence where a setting is not understood.
    pub fn of(run: &Run) -> Result<Self, String> {
        let Identity { roles, policy, settings, .. } = &run.identity;
        let joined = [("roles".to_owned(), roles.join(",")), ("policy".to_owned(), policy.join(","))];
        let mut words = vec!["affect".to_owned()];
        for (name, value) in settings.clone().into_iter().chain(joined) {
            match name.as_str() {
                "probability" | "keep-dual-mono" if value == "false" => {}
                "probability" | "keep-dual-mono" => words.push(format!("--{name}")),
                _ => words.push(format!("--{name}={value}")),
            }
        }
        let command = Self::augment_args(clap::Command::new("affect"));
        let matches = command.try_get_matches_from(words).map_err(|e| format!("settings of run {}: {e}", run.id))?;
        let mut args = Self::from_arg_matches(&matches).map_err(|e| format!("settings of run {}: {e}", run.id))?;
        args.analysis.model = run.model.as_ref().map(|m| from_name(m).into());
        args.analysis.common.model_card = run.model_card.as_ref().map(|c| from_name(c).into());
        Ok(args)
    }

    /// The configuration, with the model opened.
    ///
    /// # Errors
    /// A sentence that names the option.
    pub fn config(&self) -> Result<Config, String> {
        let config = self.analysis.config(self.decoding.keep_dual_mono)?;
        Ok(Config { conversation: Some(ConversationConfig::default()), ..config })
    }

    /// The options of a run and its configuration, with the model opened; refuses where results would be others here.
    pub fn reopened(run: &Run, runtime_library: Option<&Path>) -> Result<(Self, Config), Stop> {
        let mut settings = Self::of(run).map_err(mismatch)?;
        settings.analysis.common.runtime_library = runtime_library.map(Path::to_owned);
        let config = settings.config().map_err(mismatch)?;
        let ours = settings.run(&config).map_err(mismatch)?;
        if ours.id != run.id {
            return Err(mismatch(format!(
                "run {} would give other results here, and results never mix: plan again for a run of its own ({})",
                run.id,
                run.identity.differences(&ours.identity).join("; ")
            )));
        }
        Ok((settings, config))
    }

    /// The run that these settings make.
    ///
    /// # Errors
    /// A sentence where the card of the model cannot be written down.
    pub fn run(&self, config: &Config) -> Result<Run, String> {
        let set: FeatureSet = config.sets.first().copied().unwrap_or_default();
        let model = config.scorer.as_ref().map(|s| s.model().clone());
        let card = |m: &Model| m.card().map(|c| serde_json::to_vec(c).map(|j| hex(&Sha256::digest(j)))).transpose();
        let mut settings = self.values();
        settings.remove("roles");
        settings.remove("policy");
        let identity = Identity {
            software: SOFTWARE.to_owned(),
            feature_set: set.name().to_owned(),
            feature_set_version: set.version().to_owned(),
            model_sha256: model.as_ref().map(|m| m.sha256().to_owned()),
            card_sha256: model.as_deref().map(card).transpose().map_err(|e| format!("card: {e}"))?.flatten(),
            engine: model.as_ref().map(|m| m.engine().to_owned()),
            roles: list(&self.analysis.roles),
            policy: list(&self.analysis.policy),
            settings,
        };
        let named = |p: &Option<PathBuf>| p.as_deref().map(absolute);
        Ok(Run::new(identity, named(&self.analysis.model), named(&self.analysis.common.model_card)))
    }
}

/// A path from the root on, so that it means the same from everywhere.
pub fn absolute(path: &Path) -> String {
    to_name(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> SettingArgs {
        let all = ["affect"].iter().chain(words);
        let matches = SettingArgs::augment_args(clap::Command::new("affect")).get_matches_from(all);
        SettingArgs::from_arg_matches(&matches).unwrap()
    }

    /// Settings come back from what is kept, and written otherwise they are the same run.
    #[test]
    fn settings_come_back() {
        let some = [
            "--roles",
            "agent, caller",
            "--policy=features-only,allow",
            "--window",
            "2.50",
            "--probability",
            "--track",
            "1",
            "--keep-dual-mono",
            "--baseline",
            "running",
            "--target=all",
            "--patience",
            "7",
            "--segments",
            "window",
        ];
        for words in [&[][..], &some] {
            let before = args(words);
            let run = before.run(&before.config().unwrap()).unwrap();
            let after = SettingArgs::of(&run).unwrap();
            assert_eq!(after.values(), before.values());
            assert_eq!(after.run(&after.config().unwrap()).unwrap(), run);
        }
        let id = |words: &[&str]| args(words).run(&args(words).config().unwrap()).unwrap().id;
        assert_eq!(id(&["--roles", "agent,caller"]), id(&["--roles=agent , caller", "--window=3.0"]));
        assert_ne!(id(&["--roles", "agent,caller"]), id(&["--roles", "caller,agent"]));
        assert_ne!(id(&[]), id(&["--top-k", "4"]));
    }
}
