//! Interventions: what a model listens to, asked by altering one measured property of a voice at a time.
//!
//! A [`Subject`] is any model that gives scores of a recording; a [`Schedule`] says which properties are altered by which doses; a
//! [`Trial`] is one recording with all its versions, each measured by the analyzer; [`findings()`] makes of them dose-response curves paired
//! within recordings, effects per deviation of every property with intervals by drawing speakers anew, and a ranking. The effect of a
//! property on a score is the root mean square of the mean responses over that of the doses' sizes in deviations: the odd part (a slope)
//! and the even part (away from the voice as it is, whichever way) count alike.
//!
//! Altering is causal for the model's score, and only for it: nothing here says why a person sounds as they do. What else an alteration
//! moves stands beside every dose.

mod assemble;
mod curves;
pub mod dose;
mod familiar;
pub mod findings;
mod frames;
mod groups;
mod interactions;
mod material;
mod properties;
pub mod report;
mod subject;
mod trial;

pub use assemble::{Participant, Settings, findings};
pub use dose::Schedule;
pub use findings::Findings;
pub use frames::{FrameRule, Over};
pub use subject::{Answer, AskError, Subject};
pub use trial::{Heard, Outcome, Trial, TrialError, Version};
