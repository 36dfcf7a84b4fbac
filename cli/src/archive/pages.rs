//! Pages of calls of an archive: each is analysed anew with the settings of its run, so that its page says what the tables say.

use super::machine::PlaceArgs;
use super::settings::SettingArgs;
use super::source::{Absent, Source};
use super::{AWAY, Stop, mismatch};
use crate::progress::Progress;
use crate::report::{Audio, Making, page};
use affect::analyzer::Config;
use affect_archive::Run;
use affect_archive::overview::Overview;
use affect_archive::plan::{Plan, PlanTable, PlannedCall};
use affect_archive::store::Store;
use affect_media::files::from_name;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What pages of calls are made from.
pub struct Pages<'a> {
    store: &'a Arc<dyn Store>,
    plans: &'a [Plan],
    /// Where the recordings are on this machine, if not where they were planned.
    source: Option<&'a Path>,
    run: &'a Run,
    settings: SettingArgs,
    config: Config,
    pub quiet: bool,
}

impl<'a> Pages<'a> {
    /// Prepares the run's settings; refuses where pages would have other numbers than the tables.
    pub fn new(
        store: &'a Arc<dyn Store>,
        run: &'a Run,
        plans: &'a [Plan],
        places: &'a PlaceArgs,
        quiet: bool,
    ) -> Result<Self, Stop> {
        let (settings, config) = SettingArgs::reopened(&places.here(run), places.runtime_library.as_deref())?;
        if settings.analysis.segments != crate::analysis_args::Pieces::Utterance {
            return Err(mismatch("a page of a call is about utterances, which this run does not have".to_owned()));
        }
        gst::init().map_err(|e| Stop(AWAY, format!("GStreamer cannot start: {e}")))?;
        Ok(Self { store, plans, source: places.source.as_deref(), run, settings, config, quiet })
    }

    /// The call as it was planned last, or in that part; and its plan.
    fn planned(&self, key: &str, part: Option<u32>) -> Result<(PlannedCall, &'a Plan), Stop> {
        for plan in self.plans.iter().rev().filter(|p| part.is_none_or(|n| p.numbers().contains(&n))) {
            let table = PlanTable::open(self.store, plan)?;
            let found = match part {
                Some(number) => table.part(number)?.into_iter().find(|c| c.key == key),
                None => {
                    let mut found = None;
                    for batch in table.all()? {
                        found = batch?.into_iter().map(|(_, c)| c).find(|c| c.key == key);
                        if found.is_some() {
                            break;
                        }
                    }
                    found
                }
            };
            if let Some(call) = found {
                return Ok((call, plan));
            }
        }
        Err(mismatch(format!("{key:?}: no plan has a call of this name; names are relative to the source of the plan")))
    }

    /// Writes the page of a call. Returns whether its recording was whole.
    pub fn write(&self, key: &str, part: Option<u32>, html: &Path, audio: Audio) -> Result<bool, Stop> {
        let (call, plan) = self.planned(key, part)?;
        let source = match self.source {
            Some(place) => Source::open(place)?,
            None => Source::planned(&plan.source)?,
        };
        let taken = source.take(&call).map_err(|e| match e {
            Absent::Row(error, why) => Stop(super::INCOMPLETE, format!("{key}: {error}: {why}")),
            Absent::Away(why) => Stop(AWAY, why),
        })?;
        let config = Config { stream: key.into(), source: "affect archive report".into(), ..self.config.clone() };
        let name = from_name(key);
        let name = Path::new(&name).file_name().unwrap_or(&name);
        let making = Making {
            file: &taken.path,
            name: affect_media::files::to_name(name),
            html,
            audio,
            purpose: &format!("a call of run {}", self.run.id),
            config,
            decoding: &self.settings.decoding,
        };
        page(&making, &Progress::file(self.quiet, 0, 1, Path::new(key)))
            .map_err(|why| Stop(super::INCOMPLETE, format!("{key}: {why}")))
    }

    /// Writes a page for each call that is worth listening to. Returns their addresses by the names of the calls, as they are seen from
    /// the page of the archive; what cannot be read has none, and is said.
    pub fn of_interest(
        &self,
        overview: &Overview,
        archive: &Path,
        folder: &Path,
    ) -> Result<BTreeMap<String, String>, Stop> {
        let failed = |e: std::io::Error| Stop(AWAY, format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let beside = beside(archive, folder)?;
        let mut pages = BTreeMap::new();
        for (_, calls) in overview.calls_of_interest() {
            for call in calls {
                if crate::interrupt::asked() {
                    return Err(Stop(super::INCOMPLETE, "interrupted: no page of the archive was written".to_owned()));
                }
                if pages.contains_key(&call.key) {
                    continue;
                }
                let name = file_name(&call.key);
                match self.write(&call.key, call.part, &folder.join(&name), Audio::None) {
                    Ok(_) => {
                        pages.insert(call.key, format!("{beside}{name}"));
                    }
                    Err(Stop(AWAY, why)) => return Err(Stop(AWAY, why)),
                    Err(Stop(_, why)) => eprintln!("affect: no page: {why}"),
                }
            }
        }
        Ok(pages)
    }
}

/// Name of the page of a call: a digest, since names of calls hold what addresses and file systems do not.
fn file_name(key: &str) -> String {
    let digest = Sha256::digest(key);
    let hex: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("call-{hex}.html")
}

/// The way from the folder of a page to that of other pages, which is below it: empty, or with a slash at its end.
fn beside(page: &Path, folder: &Path) -> Result<String, Stop> {
    let real = |p: &Path| -> std::io::Result<PathBuf> {
        if p.as_os_str().is_empty() { Path::new(".").canonicalize() } else { p.canonicalize() }
    };
    let failed = |e: std::io::Error| Stop(AWAY, format!("{}: {e}", page.display()));
    let from = real(page.parent().unwrap_or(Path::new(""))).map_err(failed)?;
    let to = real(folder).map_err(failed)?;
    let below = to.strip_prefix(&from).ok().and_then(Path::to_str);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match below {
        Some("") => Ok(String::new()),
        Some(way) if way.chars().all(plain) && !way.starts_with('.') => Ok(format!("{way}/")),
        _ => Err(mismatch(format!(
            "--pages {}: expected a folder below that of the page, {}, whose name has letters, digits, '-', '_' and '.'",
            folder.display(),
            from.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lie_below_the_page_of_the_archive() {
        let root = std::env::temp_dir().join(format!("affect-beside-{}", std::process::id()));
        std::fs::create_dir_all(root.join("pages/of calls")).unwrap();
        let way = |folder: &str| beside(&root.join("index.html"), &root.join(folder));
        assert_eq!(way("pages").ok(), Some("pages/".to_owned()));
        assert_eq!(way("").ok(), Some(String::new()));
        assert!(way("pages/of calls").is_err() && way("..").is_err());
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(file_name("a/<b>.wav").len(), "call-.html".len() + 16);
        assert_ne!(file_name("a.wav"), file_name("b.wav"));
    }
}
