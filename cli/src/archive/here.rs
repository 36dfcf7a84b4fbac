//! A run as this machine does it: settings that give the same numbers, its plans, and where their recordings are here.

use super::machine::MachineArgs;
use super::part::{OpenPart, Step, Work};
use super::settings::SettingArgs;
use super::source::Source;
use super::wire::Charge;
use super::{Stop, attempt, measures, mismatch};
use affect_archive::plan::{Plan, PlanTable};
use affect_archive::store::Store;
use affect_archive::{Columns, Ledger, Run};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// What a run's parts are written with. The columns matter only to who writes.
pub fn ledger(store: Arc<dyn Store>, run: Run, columns: Columns, numbers: Vec<String>) -> Ledger {
    let identity = &run.identity;
    let provenance = serde_json::json!({
        "software": identity.software,
        "feature_set": identity.feature_set,
        "feature_set_version": identity.feature_set_version,
        "model_sha256": identity.model_sha256,
        "engine": identity.engine,
        "decoder": gst::version_string().as_str(),
    });
    Ledger { store, columns, numbers, provenance: provenance.to_string(), run }
}

/// The calls of a plan and their recordings.
pub type Place = Arc<(PlanTable, Source)>;

/// A run, ready to be worked on here.
pub struct Here<'a> {
    pub ledger: Ledger,
    pub plans: Vec<Plan>,
    machine: &'a MachineArgs,
    charge: Charge,
    /// By plan, as they are needed.
    places: Mutex<BTreeMap<usize, Place>>,
}

impl<'a> Here<'a> {
    /// Makes a run ready; refuses to if its results would be others here.
    pub fn open(machine: &'a MachineArgs, store: Arc<dyn Store>, planned: Run, plans: Vec<Plan>) -> Result<Self, Stop> {
        let charge = machine.places.charge(&planned);
        let (_, config) = SettingArgs::reopened(&charge.run, machine.places.runtime_library.as_deref())?;
        let columns = measures::columns(&config);
        let numbers = measures::names(&config, &columns);
        let ledger = ledger(store, planned, columns, numbers);
        Ok(Self { ledger, plans, machine, charge, places: Mutex::default() })
    }

    /// The plan that has a part, by its place among the plans.
    fn plan_of(&self, part: u32) -> Option<usize> {
        self.plans.iter().position(|p| p.numbers().contains(&part))
    }

    /// Whether a plan has this part.
    #[cfg(feature = "queue")]
    pub fn has(&self, part: u32) -> bool {
        self.plan_of(part).is_some()
    }

    fn place(&self, plan: usize) -> Result<Place, Stop> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(&plan) {
            return Ok(place.clone());
        }
        let source = match &self.machine.places.source {
            Some(place) => Source::open(place)?,
            None => Source::planned(&self.plans[plan].source)?,
        };
        let place = Arc::new((PlanTable::open(&self.ledger.store, &self.plans[plan])?, source));
        places.insert(plan, place.clone());
        Ok(place)
    }

    /// Begins a part; nothing where it is committed already.
    pub fn begin<'b>(
        &'b self,
        number: u32,
        halt: &'b AtomicBool,
        step: &'b (dyn Fn(Step) + Sync),
    ) -> Result<Option<OpenPart<'b>>, Stop> {
        if self.ledger.run.is_committed(&*self.ledger.store, number)? {
            return Ok(None);
        }
        let plan = self.plan_of(number).ok_or_else(|| mismatch("no plan has this part"))?;
        let (place, limits) = (self.place(plan)?, self.machine.limits());
        let work = Work { ledger: &self.ledger, place, charge: &self.charge, limits, halt, step };
        OpenPart::begin(work, &self.plans[plan], number, &attempt()?).map(Some)
    }
}
